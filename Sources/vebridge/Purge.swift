import ArgumentParser
import Bridge
import Glibc
import Synchronization

/// Removes vanished devices from the broker and Home Assistant.
struct Purge: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove vanished devices from the broker and Home Assistant.",
        discussion: """
              vebridge purge --broker mqtt://me@boat --dry-run     only lists
              vebridge purge --broker mqtt://me@boat               vanished devices
              vebridge purge --device HQ2012ABCDE                  this charger
              vebridge purge --all                                 all vebridge devices

            The topics of /venetworking and /masterbus are left alone, and so is what
            other programs announce. A device that returns is announced again.
            """)

    @Option(help: "The serial number of a charger.")
    var device: String?

    @Flag(help: "All vebridge devices, present or not.")
    var all = false

    @Flag(help: "Only list what would be removed.")
    var dryRun = false

    @Option(help: "The broker: mqtt://user@host:1883 or mqtts://host.")
    var broker: String?

    @Option(help: "The configuration file.")
    var config: String?

    func validate() throws {
        if device != nil, all { throw ValidationError("--device or --all, not both") }
    }

    func run() throws {
        let configuration = try BridgeOptions.load(config: config, broker: broker)
        guard case .server = configuration.broker.url else {
            Terminal.complain("--broker: name the broker here, such as mqtt://boat")
            throw Status.usage.exit
        }
        let ear = Ear(RetainedDevices(configuration))
        let client = MQTTClient(settings: MQTTClient.Settings(visiting: configuration)) { ear.hear($0) }
        for filter in ear.filters { client.subscribe(filter, qos: 1) }
        do { try client.start() } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
        guard let devices = ear.collect() else {
            // Stopping the client is an end of the connection too, and not the reason.
            let failure = ear.failure
            client.stop(timeout: .zero)
            Terminal.complain("\(configuration.broker.url) \(failure)")
            throw Status.failed.exit
        }
        let chosen = try choose(devices)
        guard !chosen.isEmpty else {
            client.stop()
            Terminal.complain(
                device.map { "the broker keeps nothing of \($0)" } ?? "nothing to remove: every device is present")
            throw Status.nothingToDo.exit
        }
        for device in chosen {
            let state = device.isOnline == true ? ", which is present and returns if vebridge still reads it" : ""
            Terminal.print("\(device.base)\(state)")
            for topic in device.topics { Terminal.print("    \(topic)") }
        }
        let topics = chosen.flatMap(\.topics)
        guard !dryRun else {
            client.stop()
            Terminal.complain("would remove \(topics.count) topics of \(chosen.count) devices")
            return
        }
        // The announcements go last: a value that arrives after them would create the device again.
        let isConfig = { (topic: String) in topic.hasPrefix(configuration.homeAssistant.discoveryPrefix + "/") }
        let order = topics.filter { !isConfig($0) } + topics.filter(isConfig)
        for topic in order.dropLast() {
            guard client.publish(topic, "", qos: 1, retain: true) == .accepted else {
                client.stop(timeout: .zero)
                Terminal.complain("the broker did not accept everything; try again")
                throw Status.failed.exit
            }
        }
        let last = order.last.map { MQTTClient.Message(topic: $0, payload: "", qos: 1, retain: true) }
        guard client.stop(publish: last) == .clean, client.counters.refused == 0 else {
            Terminal.complain("the broker did not confirm everything: is this user allowed to publish there?")
            throw Status.failed.exit
        }
        Terminal.complain("removed \(topics.count) topics of \(chosen.count) devices")
    }

    private func choose(_ devices: RetainedDevices) throws -> [RetainedDevices.Device] {
        if all { return devices.all }
        if let device { return devices.charger(device) }
        guard devices.isBridgeOnline || devices.stale.isEmpty else {
            Terminal.complain(
                "vebridge is not running, so every device looks gone. Start it, or use --device or --all.")
            throw Status.failed.exit
        }
        return devices.stale
    }

    /// Collects what the broker keeps.
    private final class Ear: Sendable {
        private struct Heard {
            var devices: RetainedDevices
            var subscribed = 0
            var last = ContinuousClock.now
            var isConnected = false
            var reason: String?
        }

        private let heard: Mutex<Heard>
        private let news = Mailbox()
        let filters: [String]

        init(_ devices: RetainedDevices) {
            filters = devices.filters
            heard = Mutex(Heard(devices: devices))
        }

        func hear(_ event: MQTTClient.Event) {
            heard.withLock { heard in
                heard.last = .now
                switch event {
                case .message(let topic, let payload, let isRetained, _):
                    if isRetained { heard.devices.take(topic, payload) }
                case .subscribed, .subscriptionRefused: heard.subscribed += 1
                case .connected: heard.isConnected = true
                case .disconnected(let lost): heard.reason = lost.reason
                default: break
                }
            }
        }

        /// What went wrong, to follow the address of the broker.
        var failure: String {
            let (isConnected, reason) = heard.withLock { ($0.isConnected, $0.reason) }
            let limit = "in \(Self.limit.components.seconds) s"
            guard !isConnected else {
                return "did not answer the subscription \(limit)" + (reason.map { ": \($0)" } ?? "")
            }
            return "not reached \(limit)" + (reason.map { ": \($0)" } ?? "")
        }

        private static let limit = Duration.seconds(10)

        /// Everything that is kept; the broker does not say when that is, so half a second without news is the end.
        func collect() -> RetainedDevices? {
            let limit = ContinuousClock.now + Self.limit
            while ContinuousClock.now < limit {
                let devices: RetainedDevices? = heard.withLock { heard in
                    let isQuiet = ContinuousClock.now - heard.last > .milliseconds(500)
                    return heard.subscribed >= filters.count && isQuiet ? heard.devices : nil
                }
                if let devices { return devices }
                _ = news.waitForStop(.milliseconds(50))
            }
            return nil
        }
    }
}
