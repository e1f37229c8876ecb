import Glibc

/// Where the topics go: a broker, or lines of text.
final class TopicSink: Sendable {
    private enum Way {
        case client(MQTTClient)
        case lines(@Sendable (String) -> Void)
        case impossible(String)
    }

    private let way: Way
    private let qos: Int
    private let retain: Bool
    private let stateTopic: String
    /// Where what is published is noted for a recording.
    private let recorded: RecordedTopics?

    /// Why the sink cannot work.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(
        configuration: Configuration, output: Daemon.Output, mailbox: Mailbox, recorded: RecordedTopics? = nil
    ) {
        self.recorded = recorded
        qos = configuration.schema.qos
        retain = configuration.schema.retain
        stateTopic = configuration.bridge.topic + "/bridge/state"
        switch output {
        case .lines(let write):
            way = .lines(write)
        case .broker:
            let broker = configuration.broker
            guard case .server(let server) = broker.url else {
                way = .impossible("mdns: is not supported yet; name the broker, for example mqtt://broker.local:1883")
                return
            }
            guard broker.tls.fingerprint.isEmpty else {
                way = .impossible("broker.tls.fingerprint is not supported yet; a pin must not be ignored in silence")
                return
            }
            var settings = MQTTClient.Settings(
                address: BrokerAddress(host: server.host, port: server.port, tls: server.transport == .mqtts))
            settings.clientID = broker.clientIdentifier(hostName: Self.hostName)
            settings.username = broker.username.isEmpty ? nil : broker.username
            settings.password = broker.password?.reveal()
            settings.keepalive = broker.keepalive
            settings.reconnectMinimum = broker.reconnectMin
            settings.reconnectMaximum = broker.reconnectMax
            settings.will = .init(topic: stateTopic, payload: "offline", qos: 1, retain: true)
            settings.tls = .init(
                authorities: broker.tls.caFile.isEmpty ? nil : broker.tls.caFile,
                certificate: broker.tls.certificate.isEmpty ? nil : broker.tls.certificate,
                key: broker.tls.key.isEmpty ? nil : broker.tls.key)
            way = .client(
                MQTTClient(settings: settings) { event in
                    switch event {
                    case .connected(let version):
                        mailbox.post {
                            $0.isConnected = version; $0.disconnection = nil
                        }
                    case .disconnected(let reason):
                        mailbox.post {
                            $0.disconnection = reason; $0.isConnected = nil
                        }
                    case .drained: mailbox.post { $0.isDrained = true }
                    case .publishRefused(let topic, let reason):
                        mailbox.post { $0.refusal = "\(topic): \(reason)" }
                    case .message, .subscribed, .subscriptionRefused, .trusted: break
                    }
                })
        }
    }

    func start() throws(Failure) {
        switch way {
        case .client(let client):
            do { try client.start() } catch { throw Failure(description: error.description) }
        case .impossible(let reason): throw Failure(description: reason)
        case .lines: break
        }
    }

    /// Whether topics go to a broker, which may be away.
    var needsBroker: Bool {
        if case .lines = way { false } else { true }
    }

    /// Publishes; false if it was not taken.
    ///
    /// - Parameter isKept: whether the broker keeps it whatever the configuration says of values.
    func publish(_ topic: String, _ payload: String, isKept: Bool = false) -> Bool {
        recorded?.add("\(topic) \(payload)\n")
        switch way {
        case .client(let client):
            return client.publish(topic, payload, qos: qos, retain: retain || isKept) == .accepted
        case .lines(let write):
            write("\(topic) \(payload)")
            return true
        case .impossible:
            return false
        }
    }

    /// Says that the bridge is there.
    func announce() {
        guard case .client(let client) = way else { return }
        _ = client.publish(stateTopic, "online", qos: 1, retain: true)
    }

    /// Says that the bridge is going, and goes. True if everything was confirmed.
    ///
    /// - Parameter timeout: how long the broker may take.
    @discardableResult
    func stop(timeout: Duration = .milliseconds(1200)) -> Bool {
        guard case .client(let client) = way else { return true }
        let last = MQTTClient.Message(topic: stateTopic, payload: "offline", qos: 1, retain: true)
        // The broker answers in the order in which it was told: when it has the last message it has all.
        return client.stop(publish: last, timeout: timeout) == .clean && client.counters.refused == 0
    }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
