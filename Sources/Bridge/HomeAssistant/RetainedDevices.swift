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
    /// Announcements in parts, by the device's id: the device that some part belongs to by its topic, and the parts that
    /// do not show it.
    private var parts: [String: (base: String?, topics: [String])] = [:]
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
        ["\(discoveryPrefix)/device/+/config", "\(discoveryPrefix)/+/+/+/config", bridgeTopic, statistics + "#"]
            + Quantity.Owner.allCases.map { "\(prefix)/\($0.rawValue)/#" }
    }

    /// Takes a retained message. What is not ours is passed over.
    public mutating func take(_ topic: String, _ payload: [UInt8]) {
        guard !payload.isEmpty else { return }
        if topic == bridgeTopic {
            isBridgeOnline = payload.elementsEqual("online".utf8)
        } else if topic.hasPrefix(discoveryPrefix + "/"), topic.hasSuffix("/config") {
            takeAnnouncement(topic, payload)
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
            for part in parts.values where part.base == device.base { device.topics += part.topics }
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

    /// Takes an announcement, of a device or of one of its components. Ours are known by their origin, and by topics
    /// below our prefix, so that of two bridges each keeps its own.
    private mutating func takeAnnouncement(_ topic: String, _ payload: [UInt8]) {
        guard let message = JSONValue(payload), message["o"]?["name"]?.asText == DiscoveryMessage.origin else { return }
        if case .object(let components)? = message["cmps"] {
            let states = components.compactMap { $0.value["state_topic"]?.asText }
            if let state = states.first(where: { owner(of: $0) != nil }), let base = owner(of: state) {
                add(topic, to: base)
            }
        } else if let state = message["stat_t"]?.asText {
            // Its topic is PREFIX/PLATFORM/ID/KEY/config; the state of a statistic does not say which device it belongs to.
            let levels = topic.dropFirst(discoveryPrefix.count + 1).split(separator: "/")
            guard levels.count == 4 else { return }
            let base = owner(of: state)
            if let base { add(topic, to: base) }
            var part = parts[String(levels[1])] ?? (nil, [])
            part.base = part.base ?? base
            if base == nil { part.topics.append(topic) }
            parts[String(levels[1])] = part
        }
    }

    /// The device whose state a topic holds.
    private func owner(of topic: String) -> String? {
        topic.hasPrefix(bridgeBase + "/") ? bridgeBase : base(of: topic)
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
