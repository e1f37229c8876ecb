import Glibc
import Logging
import Synchronization

/// Where the topics go: one or more brokers, or lines of text.
final class TopicSink: Sendable {
    private let links: [BrokerLink]
    private let names: [String]
    private let finders: [BrokerFinder?]
    private let write: (@Sendable (String) -> Void)?
    private let qos: Int
    private let retain: Bool
    private let expiry: Duration?
    private let stateTopic: String
    private let outlets: LogOutlets?
    /// Whether only brokers that have just connected are published to.
    private let isCatchingUp = Mutex(false)
    /// Where what is published is noted for a recording.
    private let recorded: RecordedTopics?

    /// Why the sink cannot work.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(
        configuration: Configuration, output: Daemon.Output, mailbox: Mailbox, recorded: RecordedTopics? = nil,
        log: Logger
    ) {
        self.recorded = recorded
        qos = configuration.schema.qos
        retain = configuration.schema.retain
        expiry = configuration.schema.expiry > .zero ? configuration.schema.expiry : nil
        stateTopic = configuration.bridge.place + "/state"
        outlets = LogOutlets.behind(log)
        if case .lines(let write) = output {
            self.write = write
            links = []
            names = []
            finders = []
            return
        }
        write = nil
        let desk = RequestDesk(place: configuration.bridge.place, outlets: outlets) { pending in
            var isTaken = false
            mailbox.post { contents in
                isTaken = contents.requests.count < Mailbox.requestLimit
                if isTaken { contents.requests.append(pending) }
            }
            return isTaken
        }
        let ear = ReadableEar(configuration)
        let events = LinkEvents(
            mailbox: mailbox, log: log, outlets: outlets, desk: desk, ear: ear, place: configuration.bridge.place,
            replies: ReplyRule(configuration))
        let mark = BridgeMark.of(configuration)
        var links: [BrokerLink] = []
        var names: [String] = []
        var finders: [BrokerFinder?] = []
        for (index, broker) in ([configuration.broker] + configuration.brokers).enumerated() {
            // Two entries may name one broker.
            let settings = Self.settings(
                broker, configuration: configuration, stateTopic: stateTopic,
                mark: index == 0 ? mark : "\(mark)-\(index + 1)")
            let name = broker.name.isEmpty ? broker.url.description : broker.name
            let relay = FinderRelay()
            let notify: @Sendable (BrokerLink.Notice) -> Void = { events.handle($0, name: name) }
            let link = BrokerLink(
                settings: settings, manners: .init(broker, configuration),
                resolveLocal: { LocalName.address(of: $0) }, notify: notify
            ) { link, event in
                if case .connected = event { relay.finder?.connected() }
                events.handle(event, of: link, index: index, name: name)
            }
            link.client.subscribe(desk.filter, qos: 1)
            link.client.subscribe(events.infoTopic, qos: 0)
            for filter in ear.filters { link.client.subscribe(filter, qos: 1) }
            links.append(link)
            names.append(name)
            let finder = BrokerFinder(broker, configuration: configuration, log: log, client: link.client)
            relay.finder = finder
            finders.append(finder)
        }
        self.links = links
        self.names = names
        self.finders = finders
    }

    static func settings(
        _ broker: Configuration.Broker, configuration: Configuration, stateTopic: String, mark: String
    ) -> MQTTClient.Settings {
        var settings = MQTTClient.Settings(address: nil)
        if case .server(let server) = broker.url {
            settings.address = BrokerAddress(host: server.host, port: server.port, tls: server.transport == .mqtts)
        }
        settings.clientID = broker.clientIdentifier(hostName: hostName, mark: mark)
        settings.username = broker.username.isEmpty ? nil : broker.username
        settings.password = broker.password?.reveal()
        settings.keepalive = broker.keepalive
        settings.reconnectMinimum = broker.reconnectMin
        settings.reconnectMaximum = broker.reconnectMax
        settings.willDelay = broker.willDelay
        settings.sessionExpiry = broker.sessionExpiry
        settings.maximumPending = broker.queue
        settings.will = .init(topic: stateTopic, payload: "offline", qos: 1, retain: true)
        settings.tls = TLSSettings(broker.tls, stateDirectory: configuration.bridge.stateDirectory)
        return settings
    }

    func start() throws(Failure) {
        for link in links {
            do { try link.client.start() } catch { throw Failure(description: error.description) }
        }
        for finder in finders { finder?.start() }
    }

    /// Whether any broker is connected.
    var isReady: Bool { links.contains { $0.client.isReady } }

    /// Whether topics go to a broker, which may be away.
    var needsBroker: Bool { write == nil }

    /// Publishes. Always true: there is nothing to try again.
    ///
    /// What a broker cannot take now waits for it, and what it can never take is dropped, counted and logged.
    ///
    /// - Parameter isKept: whether the broker keeps it whatever the configuration says of values.
    func publish(_ topic: String, _ payload: String, isKept: Bool = false) -> Bool {
        publish(
            MQTTClient.Message(
                topic: topic, payload: payload, qos: qos, retain: retain || isKept, expiry: isKept ? nil : expiry))
    }

    /// Publishes a message with manners of its own. Always true, as above.
    func publish(_ message: MQTTClient.Message) -> Bool {
        let text = String(decoding: message.payload, as: UTF8.self)
        recorded?.add("\(message.topic) \(text)\n")
        if let write {
            write("\(message.topic) \(text)")
            return true
        }
        return tell(message)
    }

    /// Publishes what is no part of a recording, such as how the bridge is. Always true, as above.
    @discardableResult
    func tell(_ message: MQTTClient.Message) -> Bool {
        let isCatchingUp = isCatchingUp.withLock { $0 }
        for link in links where !isCatchingUp || link.isFresh { link.queue(message) }
        return true
    }

    /// Watches the topics on which devices can be announced.
    func watchAnnouncements(of devices: [String]) {
        for device in devices {
            for link in links { link.watchAnnouncements(of: device) }
        }
    }

    /// Sends what was published in this turn of the loop.
    func flush() {
        for link in links { link.flush() }
    }

    /// Publishes what is for people and not part of the schema: no recording has it.
    func publishReadable(_ message: MQTTClient.Message) -> Bool {
        if let write {
            let text = String(decoding: message.payload, as: UTF8.self)
            write(text.isEmpty ? message.topic : "\(message.topic) \(text)")
            return true
        }
        return tell(message)
    }

    /// From here to `endCatchUp` everything current is published, to brokers that have just connected and no others.
    /// Where none has, it goes to all.
    func beginCatchUp() {
        let hasFresh = links.contains { $0.isFresh }
        isCatchingUp.withLock { $0 = hasFresh }
    }

    /// Everything current was published: what else waited for a broker follows.
    func endCatchUp() {
        isCatchingUp.withLock { $0 = false }
        for link in links {
            link.flush()
            link.release()
        }
    }

    /// Says that the bridge is there.
    func announce() {
        for link in links {
            link.publishNow(MQTTClient.Message(topic: stateTopic, payload: "online", qos: 1, retain: true))
        }
    }

    /// Says that the bridge is going, and goes. True if everything was confirmed.
    ///
    /// - Parameter timeout: how long the brokers may take, all together.
    @discardableResult
    func stop(timeout: Duration = .milliseconds(1200)) -> Bool {
        for finder in finders { finder?.stop() }
        outlets?.topic?.close()
        let last = MQTTClient.Message(topic: stateTopic, payload: "offline", qos: 1, retain: true)
        let deadline = ContinuousClock.now + timeout
        // All are asked before any is waited for.
        for link in links { link.client.requestStop(publish: last, deadline: deadline) }
        var isClean = true
        for (index, link) in links.enumerated() {
            // The broker answers in the order in which it was told: when it has the last message it has all.
            let isConfirmed = link.client.stop(publish: last, timeout: deadline - .now) == .clean
            // Further brokers may be away without harm.
            if index == 0 { isClean = isConfirmed && link.client.counters.refused == 0 && !link.hasUndeliverable }
        }
        return isClean
    }

    /// The figures of every broker.
    var brokers: [BrokerReport] {
        zip(names, links).map { name, link in
            let (counters, waiting) = (link.client.counters, link.waiting)
            return BrokerReport(
                name: name, isConnected: link.client.isReady, connects: counters.connects,
                published: counters.published, acknowledged: counters.acknowledged, pending: counters.pending,
                waitingTopics: waiting.topics, waitingSamples: waiting.samples,
                dropped: counters.dropped + waiting.dropped, latency: counters.roundTrip)
        }
    }

    /// The figures of every broker, for the bridge's health, as JSON.
    var health: String { JSONText.list(brokers.map(\.json)) }

    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// So that the events of a link, which is made first, find the one that looks for its broker.
private final class FinderRelay: Sendable {
    private let target = Mutex<BrokerFinder?>(nil)
    var finder: BrokerFinder? {
        get { target.withLock { $0 } }
        set { target.withLock { $0 = newValue } }
    }
}

/// What becomes of the events of the brokers: news for the daemon's loop, lines of the log, requests.
private struct LinkEvents: Sendable {
    let mailbox: Mailbox
    let log: Logger
    let outlets: LogOutlets?
    let desk: RequestDesk
    let ear: ReadableEar
    let place: String
    let replies: ReplyRule

    private var logTopic: String { place + "/log" }
    var infoTopic: String { place + "/info" }

    /// - Parameter index: 0 for the broker whose connection the daemon goes by.
    func handle(_ event: MQTTClient.Event, of link: BrokerLink, index: Int, name: String) {
        switch event {
        case .connected(let version):
            openLog(link, index: index)
            if index == 0 {
                mailbox.post {
                    $0.isConnected = version; $0.disconnection = nil
                }
            } else {
                log.notice("broker connected", metadata: ["broker": .string(name), "mqtt": .string("\(version)")])
                link.publishNow(.init(topic: place + "/state", payload: "online", qos: 1, retain: true))
                mailbox.post { $0.isDrained = true }
            }
        case .disconnected(let reason) where reason.cause == .moved:
            // Whoever found out that the broker is elsewhere has said so.
            if index == 0 { outlets?.topic?.close() }
        case .disconnected(let reason):
            if index == 0 {
                outlets?.topic?.close()
                mailbox.post {
                    $0.disconnection = reason; $0.isConnected = nil
                }
            } else if reason.cause != .stopped, reason.repeats <= 1 {
                log.warning(
                    "broker not connected; trying again",
                    metadata: ["broker": .string(name), "reason": .string(reason.reason)])
            }
        case .publishRefused(let refused, let reason):
            if refused == logTopic {
                // The next record would be refused as well, and so on.
                outlets?.topic?.close()
            } else {
                mailbox.post { $0.refusal = "\(refused): \(reason)" }
            }
        case .limited(let limits):
            for (text, isRelevant) in limits.sentences {
                log.log(level: isRelevant ? .notice : .info, "\(text)", metadata: ["broker": .string(name)])
            }
        case .trusted(let words):
            log.warning("\(words)", metadata: ["broker": .string(name)])
        case .message(infoTopic, let payload, let isRetained, _):
            // What was published before we came may be what we were before a restart.
            if index == 0, !isRetained, payload.count <= 65_536 { mailbox.post { $0.otherBridge = payload } }
        case .message(let place, let payload, let isRetained, _):
            let isRequest = desk.take(topic: place, payload: payload, isRetained: isRetained) { topic, answer in
                link.publishNow(.init(topic: topic, payload: answer, qos: 1))
            }
            if !isRequest { ear.hear(place, payload, isRetained: isRetained, mailbox) }
        case .question(let topic, let payload, let reply):
            let isAllowed = replies.allows(reply.topic)
            let isRequest = desk.take(topic: topic, payload: payload, isRetained: false) { [replies] usual, answer in
                link.publishNow(
                    .init(
                        topic: isAllowed ? reply.topic : usual, payload: isAllowed ? answer : replies.noting(answer),
                        qos: 1, correlation: reply.correlation))
            }
            if !isRequest { ear.hear(topic, payload, isRetained: false, mailbox) }
        case .drained, .subscribed, .subscriptionRefused: break
        }
    }

    func handle(_ notice: BrokerLink.Notice, name: String) {
        mailbox.post { contents in
            guard notice != .announcementsOutdated else {
                contents.heard.homeAssistantStarted = true
                return
            }
            guard contents.notices.count < Mailbox.noticeLimit else { return }
            contents.notices.append((name, notice))
        }
    }

    /// The log goes to the first broker, at quality of service 0: a record is not worth a second attempt.
    private func openLog(_ link: BrokerLink, index: Int) {
        guard index == 0 else { return }
        outlets?.topic?.open { [weak link, logTopic] text in
            link?.publishNow(.init(topic: logTopic, payload: text, qos: 0))
        }
    }
}

extension BrokerLink.Manners {
    /// What a broker is to be given by a configuration.
    init(_ broker: Configuration.Broker, _ configuration: Configuration) {
        send = broker.send.compactMap { TopicFilter($0) }
        samples = broker.offline.samples.compactMap { TopicFilter($0) }
        queue = broker.queue
        sampleLimit = broker.offline.limit
        // What is current is published anew at every heartbeat.
        lifetime = configuration.schema.interval * 3
        discoveryPrefix = configuration.homeAssistant.discoveryPrefix
    }
}

extension TLSSettings {
    /// Whom to trust by a configuration.
    init(_ tls: Configuration.TLS, stateDirectory: String) {
        self.init(
            authorities: tls.caFile.isEmpty ? nil : tls.caFile,
            certificate: tls.certificate.isEmpty ? nil : tls.certificate, key: tls.key.isEmpty ? nil : tls.key,
            serverName: tls.serverName.isEmpty ? nil : tls.serverName, pins: tls.fingerprint,
            trustFile: tls.trustOnFirstUse ? stateDirectory + "/trusted-brokers" : nil,
            preSharedKey: tls.preSharedKey.flatMap { PreSharedKey(identity: tls.pskIdentity, hex: $0.reveal()) })
    }
}
