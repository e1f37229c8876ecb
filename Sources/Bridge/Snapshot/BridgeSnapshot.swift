public import VEDirect

/// How everything is at one moment: what the page, the interface for programs and the metrics are made of.
///
/// It is made on the daemon's thread when somebody asks, and belongs to whoever asked.
public struct BridgeSnapshot: Sendable {
    /// When it was made, seconds since 1970.
    public var time: Double
    /// How long the daemon has been running.
    public var uptime: Duration
    /// When the daemon was started, seconds since 1970.
    public var started: Double
    /// The name of the machine.
    public var host: String
    /// The name of this bridge; may be empty.
    public var name: String
    /// Chargers, battery and inverter in one.
    public var picture: PlantPicture
    /// How long the battery lasts, as its monitor says; nil where none does.
    public var timeToGo: Figure?
    /// The chargers seen since the start, by serial number.
    public var chargers: [ChargerReport]
    /// The ports, in the order in which they were found.
    public var ports: [PortLook]
    /// The links to a MasterBus.
    public var buses: [BusReport]
    /// The brokers, the first one of the configuration first.
    public var brokers: [BrokerReport]
    /// The history; nil where none is kept.
    public var history: HistoryHealth?
    /// What the process takes of the machine.
    public var usage: ProcessUsage
}

/// What one charger last said.
public struct ChargerReport: Sendable {
    /// A quantity of a charger.
    public struct Quantity: Sendable, Hashable {
        /// As in the readable topics, such as `panel_power`.
        public let name: String
        /// As in the readable topics; empty for a plain number.
        public let unit: String
        let register: RegisterID
        let offset: Double
        let ageing: Ageing

        /// After how long a value must not be taken for the present.
        enum Ageing {
            /// Read in every round.
            case fast
            /// Read now and then.
            case slow
            /// It changes once a day.
            case daily
        }

        init(
            _ name: String, _ unit: String, _ register: RegisterID, plus offset: Double = 0, _ ageing: Ageing = .slow
        ) {
            self.name = name
            self.unit = unit
            self.register = register
            self.offset = offset
            self.ageing = ageing
        }

        /// What is told of a charger.
        public static let all: [Quantity] = [
            .init("panel_power", "W", .panelPower, .fast),
            .init("panel_voltage", "V", .panelVoltage, .fast),
            .init("panel_current", "A", .panelCurrent, .fast),
            .init("battery_voltage", "V", .chargerVoltage, .fast),
            .init("charge_current", "A", .chargerCurrent, .fast),
            .init("load_current", "A", .loadCurrent, .fast), .init("yield_today", "kWh", .yieldToday),
            .init("yield_yesterday", "kWh", .yieldYesterday, .daily), .init("yield_total", "kWh", .systemYield),
            .init("max_power_today", "W", .maximumPowerToday), .init("temperature", "°C", .chargerTemperature),
            .init("battery_temperature", "°C", .batteryTemperature, plus: -273.15),
        ]
    }

    /// Who it is.
    public var identity: DeviceIdentity
    /// Whether it takes part in the sums of solar power.
    public var isSolarCharger: Bool
    /// The name that its owner gave it; nil where it has none.
    public var name: String?
    /// The port it was last seen on.
    public var port: String
    /// Whether it answers.
    public var isAlive: Bool
    /// Whether its panels are dark.
    public var isDark: Bool
    /// How long ago it last said something.
    public var sinceLastSeen: Duration
    /// The code of its charge state (register 0201); nil while it is not known.
    public var stateCode: Int?
    /// The charge state in one or two English words.
    public var state: String?
    /// `off`, `limited` or `tracking`; nil while it is not known.
    public var tracker: String?
    /// The code of its error (register EDDA), 0 for none; nil while it is not known.
    public var errorCode: Int?
    /// The error in English words.
    public var error: String?
    /// Its part of the solar power, 0…1; nil while it does not answer.
    public var share: Double?
    /// What is known of ``Quantity/all``.
    public var values: [(quantity: Quantity, figure: Figure)]

    /// A value by its name.
    public subscript(name: String) -> Figure? { values.first { $0.quantity.name == name }?.figure }
}

/// A port as it is now, with the last thing that went wrong.
public struct PortLook: Sendable {
    /// How it is doing.
    public var report: PortReport
    /// The device behind its path.
    public var device: String
    /// What last kept it from being read.
    public var lastTrouble: PortNote?
}

/// Something that was noticed.
public struct PortNote: Sendable, Hashable {
    /// In words.
    public var words: String
    /// When, seconds since 1970.
    public var time: Double
}

/// A link to a MasterBus.
public struct BusReport: Sendable {
    /// A device on it.
    public struct Device: Sendable, Hashable {
        /// As in its topics, such as `0x31297`.
        public var address: String
        /// The name it gives itself; nil until it was heard.
        public var name: String?
        /// Whether it answers, or would be expected to.
        public var isAwake: Bool
        /// How many of its attributes have a value.
        public var values: Int
    }

    /// As configured: `can0`, `slcan:/dev/ttyACM0`.
    public var source: String
    /// Whether it is open.
    public var isOpen: Bool
    /// Why nothing comes, where something is in the way.
    public var trouble: String?
    /// Frames received.
    public var frames: Int
    /// Values in them.
    public var values: Int
    /// Frames by which the controller reported trouble on the line, and lines of a log that were none.
    public var errors: Int
    /// Requests sent.
    public var requests: Int
    /// Requests sent again.
    public var retries: Int
    /// Requests that stayed without an answer.
    public var failures: Int
    /// Requests that the link did not take.
    public var unsent: Int
    /// Times that it was opened again.
    public var reopens: Int
    /// The devices that were heard on it.
    public var devices: [Device]
}

/// A broker.
public struct BrokerReport: Sendable, Hashable {
    /// What it is called.
    public var name: String
    /// Whether it is connected.
    public var isConnected: Bool
    /// Times that it was connected to.
    public var connects: Int
    /// Messages handed to it.
    public var published: Int
    /// Messages that it acknowledged.
    public var acknowledged: Int
    /// Messages on their way.
    public var pending: Int
    /// Topics whose last value waits for it.
    public var waitingTopics: Int
    /// Samples that wait for it.
    public var waitingSamples: Int
    /// Messages that were given up.
    public var dropped: Int
    /// From a message to its acknowledgement, the last time; nil before.
    public var latency: Duration?

    /// As JSON.
    var json: String {
        JSONText.object([
            ("name", JSONValue.quoted(name)), ("connected", "\(isConnected)"), ("connects", "\(connects)"),
            ("published", "\(published)"), ("acknowledged", "\(acknowledged)"), ("pending", "\(pending)"),
            ("waiting", "\(waitingTopics)"), ("samples", "\(waitingSamples)"), ("dropped", "\(dropped)"),
            ("latency_ms", latency.map { "\($0.milliseconds)" } ?? "null"),
        ])
    }
}

extension Duration {
    /// With what is below a millisecond.
    fileprivate var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds / 1_000_000_000_000) / 1000
    }
}
