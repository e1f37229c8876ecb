extension Configuration {
    /// The topics for people.
    public struct Readable: Sendable, Equatable {
        /// Whether there are any.
        public var enabled = true
        /// The first part of the topics, as in `vebridge/charger/HQ2012ABCDE/panel_power`.
        public var prefix = "vebridge"
        /// Whether the broker keeps the last value for those who subscribe later.
        public var retain = true
        /// Quality of service, 0, 1 or 2.
        public var qos = 1
        /// A value that does not change is published again after this long.
        public var heartbeat = Duration.seconds(600)
        /// The least time between two documents of a device.
        public var stateInterval = Duration.seconds(30)
        /// What the least times between two messages of a quantity are multiplied with.
        public var pace = 1.0
        /// What the thresholds are multiplied with.
        public var threshold = 1.0

        /// Whether they are among the lines of a dry run; not in a file.
        public var isPrinted = false

        /// The broker drops a value that was not renewed for so long: two heartbeats may get lost.
        var expiry: Duration { heartbeat * 3 }

        /// The defaults.
        public init() {}
    }

    /// Where it stands whether the bridge is there.
    var bridgeStateTopic: String { bridge.place + "/state" }

    /// What Home Assistant is told.
    public struct HomeAssistant: Sendable, Equatable {
        /// Whether devices are announced.
        public var enabled = false
        /// Where Home Assistant looks for announcements.
        public var discoveryPrefix = "homeassistant"

        /// The defaults.
        public init() {}
    }
}

extension OptionCatalogue {
    static let readable = Section(
        name: "readable",
        summary: "Topics for people, such as vebridge/charger/HQ2012ABCDE/panel_power; see docs/topics.md.",
        options: [
            .flag("enabled", \.readable.enabled, "Whether there are any."),
            .text(
                "prefix", \.readable.prefix, allowed: "the first part of a topic",
                "The first part of these topics.", check: topic),
            .flag(
                "retain", \.readable.retain,
                "Whether the broker keeps the last value of each topic for those who subscribe later, Home Assistant "
                    + "after a restart for example."),
            .integer(
                "qos", \.readable.qos, among: [0, 1, 2],
                "Quality of service: 0 at most once, 1 at least once, 2 exactly once."),
            .duration(
                "heartbeat", \.readable.heartbeat, .seconds(10) ... .seconds(3600),
                "A value that does not change is published again after this long."),
            .duration(
                "state_interval", \.readable.stateInterval, .seconds(1) ... .seconds(600),
                "The least time between two documents with everything of a device."),
            .factor(
                "pace", \.readable.pace, 0...100,
                """
                What the least times between two messages of a quantity are multiplied with: 0 publishes every change \
                that is above its threshold, 10 writes ten times less into a database.
                """),
            .factor(
                "threshold", \.readable.threshold, 0...100,
                "What the thresholds of the quantities are multiplied with: 0 publishes every change that can be seen."),
        ])

    static let homeAssistant = Section(
        name: "homeassistant", summary: "What Home Assistant (2024.11 or later) is told. It needs [readable].",
        options: [
            .flag("enabled", \.homeAssistant.enabled, "Whether the devices are announced to it."),
            .text(
                "discovery_prefix", \.homeAssistant.discoveryPrefix, allowed: "the first part of a topic",
                "Where it looks for announcements; as in its MQTT integration.", check: topic),
        ])
}

extension ConfigurationOption {
    /// A number within limits.
    static func factor(
        _ key: String, _ place: Place<Double>, _ limits: ClosedRange<Double>, _ summary: String
    ) -> Self {
        @Sendable func plain(_ number: Double) -> String {
            number == number.rounded() && number.magnitude < 1e9 ? "\(Int(number))" : "\(number)"
        }
        let allowed = "a number, \(plain(limits.lowerBound)) to \(plain(limits.upperBound))"
        return Self(
            key: key, allowed: allowed, summary: summary,
            read: { value, root in
                let number: Double? =
                    switch value {
                    case .integer(let number): Double(number)
                    case .real(let number): number
                    default: nil
                    }
                guard let number, limits.contains(number) else {
                    let written = number.map { ", not \(plain($0))" } ?? ""
                    return [Fault(problem: Problem("must be \(allowed)\(written)"))]
                }
                root[keyPath: place] = number
                return []
            },
            show: { "\($0[keyPath: place])" })
    }
}
