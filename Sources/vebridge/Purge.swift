import ArgumentParser
import Bridge
import Glibc
import Synchronization

/// Takes devices that are gone out of the broker and out of Home Assistant.
struct Purge: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take devices that are gone out of the broker and Home Assistant.",
        discussion: """
              vebridge purge --broker mqtt://me@boat --dry-run     what would go
              vebridge purge --broker mqtt://me@boat               those that are away
              vebridge purge --device HQ2012ABCDE                  this charger
              vebridge purge --all                                 everything of ours

            The topics of /venetworking and /masterbus are left alone, and so is what
            other programs announce. A device that returns is announced again.
            """)

    @Option(help: "The serial number of a charger.")
    var device: String?

    @Flag(help: "Everything of ours, whether it is away or not.")
    var all = false

    @Flag(help: "Show what would go, and let it stay.")
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
            client.stop(timeout: .zero)
            Terminal.complain(ear.reason ?? "the broker did not answer within 10 s")
            throw Status.failed.exit
        }
        let chosen = try choose(devices)
        guard !chosen.isEmpty else {
            client.stop()
            Terminal.complain(
                device.map { "the broker keeps nothing of \($0)" } ?? "nothing to take away: every device is there")
            throw Status.nothingToDo.exit
        }
        for device in chosen {
            let state = device.isOnline == true ? ", which is there and will come back if it is still read" : ""
            Terminal.print("\(device.base)\(state)")
            for topic in device.topics { Terminal.print("    \(topic)") }
        }
        let topics = chosen.flatMap(\.topics)
        guard !dryRun else {
            client.stop()
            Terminal.complain("\(topics.count) topics of \(chosen.count) devices would go")
            return
        }
        // Home Assistant is told last: what it forgets should not come back by a value.
        let isConfig = { (topic: String) in topic.hasPrefix(configuration.homeAssistant.discoveryPrefix + "/") }
        let order = topics.filter { !isConfig($0) } + topics.filter(isConfig)
        for topic in order.dropLast() {
            guard client.publish(topic, "", qos: 1, retain: true) == .accepted else {
                client.stop(timeout: .zero)
                Terminal.complain("the broker did not take everything; try again")
                throw Status.failed.exit
            }
        }
        let last = order.last.map { MQTTClient.Message(topic: $0, payload: "", qos: 1, retain: true) }
        guard client.stop(publish: last) == .clean, client.counters.refused == 0 else {
            Terminal.complain("the broker did not confirm everything: may this user publish there?")
            throw Status.failed.exit
        }
        Terminal.complain("\(topics.count) topics of \(chosen.count) devices taken away")
    }

    private func choose(_ devices: RetainedDevices) throws -> [RetainedDevices.Device] {
        if all { return devices.all }
        if let device { return devices.charger(device) }
        guard devices.isBridgeOnline || devices.stale.isEmpty else {
            Terminal.complain(
                "the bridge is not at work, so every device looks gone: start it, or say --device or --all")
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
                case .disconnected(let lost): heard.reason = lost.reason
                default: break
                }
            }
        }

        var reason: String? { heard.withLock { $0.reason } }

        /// Everything that is kept; the broker does not say when that is, so half a second without news is the end.
        func collect() -> RetainedDevices? {
            let limit = ContinuousClock.now + .seconds(10)
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
