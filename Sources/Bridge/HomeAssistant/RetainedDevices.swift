import VEDirect

/// What a broker keeps of our devices, and which of them are gone.
public struct RetainedDevices: Sendable {
    /// A device with everything that the broker keeps of it.
    public struct Device: Sendable, Hashable {
        /// What stands before its topics, `vebridge/charger/HQ2012ABCDE`.
        public let base: String
        /// The charger's serial number; empty for what is not a charger.
        public let serial: String
        /// What it says of its availability; nil where it says nothing.
        public internal(set) var isOnline: Bool?
        /// The topics that are kept, in order.
        public internal(set) var topics: [String] = []
    }

    private let prefix: String
    private let bridgeTopic: String
    private let discoveryPrefix: String
    /// What stands before the chargers' statistics.
    private let statistics: String
    private var devices: [String: Device] = [:]
    /// By serial number.
    private var statisticTopics: [String: [String]] = [:]
    /// Whether the bridge says that it is at work.
    public private(set) var isBridgeOnline = false

    /// Nothing heard yet.
    public init(_ configuration: Configuration) {
        prefix = configuration.readable.prefix
        bridgeTopic = configuration.bridgeStateTopic
        discoveryPrefix = configuration.homeAssistant.discoveryPrefix
        statistics = "\(configuration.bridge.topic)/stats/charger/"
    }

    /// What to subscribe to.
    public var filters: [String] {
        ["\(discoveryPrefix)/device/+/config", bridgeTopic, statistics + "#"]
            + Quantity.Owner.allCases.map { "\(prefix)/\($0.rawValue)/#" }
    }

    /// Takes a retained message. What is not ours is passed over.
    public mutating func take(_ topic: String, _ payload: [UInt8]) {
        guard !payload.isEmpty else { return }
        if topic == bridgeTopic {
            isBridgeOnline = payload.elementsEqual("online".utf8)
        } else if topic.hasPrefix(discoveryPrefix + "/device/"), topic.hasSuffix("/config") {
            if let base = base(announcedBy: payload) { add(topic, to: base) }
        } else if topic.hasPrefix(statistics) {
            let serial = String(topic.dropFirst(statistics.count).prefix { $0 != "/" })
            statisticTopics[serial, default: []].append(topic)
        } else if let base = base(of: topic) {
            add(topic, to: base)
            if topic == base + "/" + ReadableTopics.availability {
                devices[base]?.isOnline = payload.elementsEqual("online".utf8)
            }
        }
    }

    /// All devices in the order of their names.
    public var all: [Device] {
        devices.values.sorted { $0.base < $1.base }.map { device in
            var device = device
            device.topics += statisticTopics[device.serial] ?? []
            device.topics.sort()
            return device
        }
    }

    /// Those that are away.
    public var stale: [Device] { all.filter { $0.isOnline != true && $0.base != bridgeBase } }

    /// Those of a charger.
    public func charger(_ serial: String) -> [Device] { all.filter { DeviceIdentity.isSame($0.serial, serial) } }

    private var bridgeBase: String { String(bridgeTopic.dropLast("/state".utf8.count)) }

    private mutating func add(_ topic: String, to base: String) {
        if devices[base] == nil {
            let start = "\(prefix)/charger/"
            let serial = base.hasPrefix(start) ? String(base.dropFirst(start.count)) : ""
            devices[base] = Device(base: base, serial: serial)
        }
        devices[base]?.topics.append(topic)
    }

    /// The device that a topic of ours belongs to.
    private func base(of topic: String) -> String? {
        for owner in Quantity.Owner.allCases {
            let start = "\(prefix)/\(owner.rawValue)/"
            guard topic.hasPrefix(start) else { continue }
            guard owner == .charger else { return String(start.dropLast()) }
            let rest = topic.dropFirst(start.count).split(separator: "/", omittingEmptySubsequences: false)
            return rest.count == 2 && !rest[0].isEmpty ? start + rest[0] : nil
        }
        return nil
    }

    /// The device of an announcement of ours: known by its origin, and by topics below our prefix, so that of two
    /// bridges each keeps its own.
    private func base(announcedBy payload: [UInt8]) -> String? {
        guard let message = JSONValue(payload), message["o"]?["name"]?.asText == DiscoveryMessage.origin,
            case .object(let components)? = message["cmps"]
        else { return nil }
        for component in components {
            guard let topic = component.value["state_topic"]?.asText else { continue }
            if topic == bridgeTopic { return bridgeBase }
            if let base = base(of: topic) { return base }
        }
        return nil
    }
}

extension MQTTClient.Settings {
    /// The way to the first broker of a configuration, for a client of another name that leaves no will.
    public init(visiting configuration: Configuration) {
        self = TopicSink.settings(configuration.broker, configuration: configuration, stateTopic: "", mark: "")
        clientID = ""
        will = nil
        willDelay = .zero
        sessionExpiry = .zero
    }
}
