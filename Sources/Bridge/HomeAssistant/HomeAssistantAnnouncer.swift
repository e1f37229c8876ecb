import Logging
import VEDirect

/// Tells Home Assistant which devices there are and what they measure, once everything of a device is known, and again
/// when that changes or Home Assistant has started.
struct HomeAssistantAnnouncer {
    typealias Device = ReadableTopics.Device

    /// What a message is made of; it is made again when this changes.
    private struct Key: Equatable {
        var identity: DiscoveryMessage.Identity
        var knownCount: Int
        var statistics: [String] = []
    }

    private struct Announced {
        var key: Key
        /// When the message goes out; nil when it has.
        var due: Duration?
        /// Whether the device was there at the last look.
        var isOnline: Bool
    }

    /// After the last new quantity of a device; a charger tells the first of each within this time.
    static let settlingTime: Duration = .seconds(5)
    /// After Home Assistant's start a random time up to this, so that not all bridges speak at once.
    static let longestJitter: Duration = .seconds(4)

    let statusTopic: String
    private let prefix: String
    private let topics: ReadableTopics
    private let bridgeState: String
    private let version: String
    private let expireAfter: Int
    /// Where the bridge says how it is, and after how many seconds that is old; nil where it does not.
    private let healthTopic: (topic: String, expireAfter: Int)?
    private let log: Logger
    private var announced: [Device: Announced] = [:]
    private var bridgeDue: Duration? = .zero
    /// Devices that the sink does not watch the topics of yet.
    private var unwatched: [String]
    private var told = Set<String>()
    /// The statistics that have a topic.
    var statistics: KnownStatistics
    /// When everything is said again, because Home Assistant has started.
    private(set) var rebirth: Duration?

    init(_ configuration: Configuration, bridgeState: String, version: String, log: Logger) {
        prefix = configuration.homeAssistant.discoveryPrefix
        statusTopic = prefix + "/status"
        topics = ReadableTopics(prefix: configuration.readable.prefix)
        unwatched = [Self.bridgeID(configuration.readable.prefix)]
        self.bridgeState = bridgeState
        statistics = KnownStatistics(prefix: configuration.bridge.topic)
        self.version = version
        self.log = log
        let interval = configuration.bridge.interval
        healthTopic =
            interval > .zero
            ? (configuration.bridge.place + "/health", max(1, Int((interval * 3).components.seconds))) : nil
        // A value is renewed with every heartbeat; two of them may get lost.
        expireAfter = Int(configuration.readable.expiry.components.seconds)
    }

    /// Home Assistant has started.
    mutating func homeAssistantStarted(at now: Duration) {
        let wait = Self.longestJitter * Double.random(in: 0.1...1)
        rebirth = now + wait
    }

    /// Whether everything is to be said again now.
    mutating func takeRebirth(at now: Duration) -> Bool {
        guard let due = rebirth, due <= now else { return false }
        rebirth = nil
        return true
    }

    /// The ids of devices that are new since the last call: what a broker holds of them in another form is to be found
    /// before they are announced.
    mutating func takeUnwatched() -> [String] {
        defer { unwatched = [] }
        return unwatched
    }

    /// The broker knows nothing: what was announced is announced again.
    mutating func forgetSent(at now: Duration) {
        bridgeDue = now
        for device in announced.keys where announced[device]?.due == nil { announced[device]?.due = now }
    }

    /// When a message is due.
    var nextDeadline: Duration? {
        // The loop asks this at every turn.
        var first = rebirth
        for told in announced.values {
            if let due = told.due, first.map({ due < $0 }) ?? true { first = due }
        }
        return first
    }

    // MARK: Announcing

    /// Publishes what is due.
    mutating func look(
        _ devices: [Device: ReadablePublisher.Told], _ plant: Plant, at now: Duration,
        _ publish: (MQTTClient.Message) -> Bool
    ) {
        guard !devices.isEmpty else { return }
        if let due = bridgeDue, due <= now {
            bridgeDue = nil
            send(bridgeMessage, publish)
        }
        for device in devices.keys.sorted() {
            guard let told = devices[device] else { continue }
            let statistics = Self.owner(of: device, plant).map { ($0, self.statistics[$0]) }
            let key = Key(
                identity: identity(device, plant), knownCount: told.knownCount,
                statistics: statistics?.1.map(\.name) ?? [])
            guard key.knownCount > 0 else { continue }
            let isOnline = told.isOnline == true
            // Of one that is away news can wait, a figure of its past for one: somebody may have taken it away for good.
            if announced[device] == nil { unwatched.append(key.identity.id) }
            if announced[device]?.key != key, isOnline || announced[device] == nil {
                announced[device] = Announced(key: key, due: now + Self.settlingTime, isOnline: isOnline)
            } else if isOnline, announced[device]?.isOnline == false, announced[device]?.due == nil {
                // If it was taken away meanwhile, it is there again.
                announced[device]?.due = now + Self.settlingTime
            }
            announced[device]?.isOnline = isOnline
            guard let due = announced[device]?.due, due <= now else { continue }
            // Whatever becomes of it: what a broker does not accept now it does not accept in a moment either.
            announced[device]?.due = nil
            send(message(device, key.identity, told.known, statistics), publish)
        }
    }

    private mutating func send(_ message: DiscoveryMessage, _ publish: (MQTTClient.Message) -> Bool) {
        let (message, faults) = message.checked()
        for fault in faults where told.count < 256 && told.insert("\(message.identity.id) \(fault)").inserted {
            log.error(
                "not shown to Home Assistant, which would refuse the whole device",
                metadata: ["device": .string(message.identity.id), "reason": .string(fault)])
        }
        guard !message.components.isEmpty else { return }
        _ = publish(
            MQTTClient.Message(
                topic: "\(prefix)/device/\(message.identity.id)/config", payload: message.json, qos: 1, retain: true))
    }

    // MARK: Messages

    private func identity(_ device: Device, _ plant: Plant) -> DiscoveryMessage.Identity {
        let id = Self.id(device, topics.prefix)
        let via = Self.bridgeID(topics.prefix)
        guard let serial = device.serial, let charger = plant.chargers[serial] else {
            let name =
                switch device.owner {
                case .battery: "Battery"
                case .inverter: "Inverter"
                case .system, .charger: "Solar system"
                }
            return .init(id: id, name: name, via: via)
        }
        let identity = charger.identity
        return .init(
            id: id,
            name: charger.customName
                ?? "\(identity.model ?? (identity.family.map(\.isSolarCharger) == false ? "Device" : "Solar charger")) "
                + serial,
            manufacturer: "Victron Energy", model: identity.model,
            modelID: identity.productID.map { "0x" + RegisterID($0).hex }, serial: serial,
            firmware: identity.firmware?.description, via: via)
    }

    private func message(
        _ device: Device, _ identity: DiscoveryMessage.Identity, _ quantities: [Quantity],
        _ statistics: (owner: KnownStatistics.Owner, entries: [StatisticTopic])?
    ) -> DiscoveryMessage {
        let common = [
            DiscoveryComponent.Availability(topic: bridgeState),
            DiscoveryComponent.Availability(topic: topics.availability(device)),
        ]
        var components = quantities.map { quantity -> (key: String, component: DiscoveryComponent) in
            let topic = topics.topic(device, quantity)
            var component = DiscoveryComponent(
                platform: "sensor", uniqueID: "\(identity.id)_\(quantity.key)", name: quantity.name,
                stateTopic: topic, availability: common + [.unlessEmpty(topic)],
                deviceClass: quantity.presentation.deviceClass, stateClass: quantity.presentation.stateClass,
                unit: quantity.unit.isEmpty ? nil : quantity.unit, options: quantity.options,
                icon: quantity.presentation.icon, isDiagnostic: quantity.presentation.isDiagnostic,
                isEnabled: quantity.presentation.isEnabled, expireAfter: expireAfter)
            switch quantity.form {
            case .number(let decimals): component.precision = decimals
            case .flag:
                component.platform = "binary_sensor"
                component.payloads = ("ON", "OFF")
            case .word, .text: break
            }
            return (quantity.key, component)
        }
        if let statistics {
            let taken = Set(components.map(\.component.name))
            components += statistics.entries.map { entry in
                Self.component(
                    entry, topic: entry.topic(prefix: self.statistics.prefix, device: statistics.owner.device),
                    id: identity.id, taken: taken, bridge: common[0])
            }
        }
        return DiscoveryMessage(identity: identity, components: components, version: version)
    }

    private var bridgeMessage: DiscoveryMessage {
        let id = Self.bridgeID(topics.prefix)
        // No availability: it is this that says whether there is any.
        let connection = DiscoveryComponent(
            platform: "binary_sensor", uniqueID: id + "_connection", name: "Connection", stateTopic: bridgeState,
            availability: [], deviceClass: "connectivity", payloads: ("online", "offline"))
        var components = [(key: "connection", component: connection)]
        if let healthTopic {
            func figure(_ key: String, _ name: String, _ template: String) -> DiscoveryComponent {
                DiscoveryComponent(
                    platform: "sensor", uniqueID: "\(id)_\(key)", name: name, stateTopic: healthTopic.topic,
                    availability: [.init(topic: bridgeState)], stateClass: "measurement", precision: 1,
                    isDiagnostic: true, isEnabled: false, expireAfter: healthTopic.expireAfter, template: template)
            }
            var memory = figure("memory", "Memory", "{{ (value_json.resident_bytes / 1000000) | round(1) }}")
            (memory.deviceClass, memory.unit) = ("data_size", "MB")
            var processor = figure("processor", "Processor", "{{ value_json.cpu_percent }}")
            (processor.unit, processor.icon) = ("%", "mdi:chip")
            components += [("memory", memory), ("processor", processor)]
        }
        return DiscoveryMessage(
            identity: .init(id: id, name: "vebridge", model: "vebridge", firmware: version), components: components,
            version: version)
    }

    // MARK: Ids

    /// The id of a device. Chargers are known by their serial number wherever they are; of the others there is one to
    /// a bridge.
    ///
    /// A serial number that is a word of the program has the kind of device before it: no device takes the place of
    /// the battery or of the bridge.
    static func id(_ device: Device, _ prefix: String) -> String {
        if let serial = device.serial {
            let isWord = words.contains(serial.lowercased())
            return isWord ? "vebridge_\(device.owner.rawValue)_\(serial)" : "vebridge_\(serial)"
        }
        return "\(slug(prefix))_\(device.owner.rawValue)"
    }

    /// Words that stand in ids and topics of the program.
    static let words = Set(
        Quantity.Owner.allCases.map(\.rawValue) + StatisticTopic.Subject.allCases.map(\.rawValue) + [
            "alternator", "availability", "battery", "bridge", "charger", "chargers", "dcdc", "device", "devices",
            "health", "history", "homeassistant", "house", "info", "inverter", "load", "loads", "log", "mains",
            "masterbus", "meter", "monitor", "monitors", "plant", "port", "ports", "request", "response", "shunt",
            "site", "solar", "starter", "state", "stats", "status", "system", "tank", "update", "updates", "vebridge",
            "venetworking",
        ])

    static func bridgeID(_ prefix: String) -> String { slug(prefix) + "_bridge" }

    /// A prefix with nothing but letters, digits and underscores.
    private static func slug(_ prefix: String) -> String {
        var slug = ""
        for scalar in prefix.unicodeScalars {
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            slug.unicodeScalars.append(isPlain ? scalar : "_")
        }
        return slug
    }
}
