public import VEDirect

/// A quantity that a person reads: one row of the table from which the readable topics, the documents of state, Home
/// Assistant's entities and docs/topics.md are made.
public struct Quantity: Sendable {
    /// Whose quantity it is; the second part of its topics.
    public enum Owner: String, Sendable, Hashable, CaseIterable {
        /// A solar charger; a serial number follows.
        case charger
        /// The battery.
        case battery
        /// The inverter.
        case inverter
        /// Everything together.
        case system
    }

    /// What its payload is.
    public enum Form: Sendable {
        /// A number with this many decimals.
        case number(decimals: Int)
        /// One of a few words, by the register's number; a number that is not here is ``otherWord``.
        case word([(code: Int64, word: String)])
        /// Any text.
        case text
        /// `ON` or `OFF`.
        case flag
    }

    /// Where it comes from.
    public enum Source: Sendable {
        /// A register of the charger, with what is added to the scaled number.
        case register(RegisterID, plus: Double = 0)
        /// The charger's part of the solar power.
        case share
        /// The port that the charger is on.
        case port
        /// A figure of the picture of the plant.
        case figure(any KeyPath<PlantPicture, Figure?> & Sendable)
        /// A figure of the picture, where a battery monitor measured it: what chargers give is not all that flows.
        case monitored(any KeyPath<PlantPicture, Figure?> & Sendable)
        /// The inverter's state, in the words of the device.
        case inverterState
        /// The current on the inverter's output.
        case inverterCurrent
        /// Energy that was counted here.
        case energy(EnergyBook.Account)
        /// How many solar chargers answer.
        case chargerCount
    }

    /// How Home Assistant shows it (its developer documentation, sensor entities).
    public struct Presentation: Sendable {
        /// The kind of quantity; nil where it has none for it.
        public var deviceClass: String?
        /// Whether and how statistics are made of it; nil for none.
        public var stateClass: String?
        /// Whether it is about the device's own condition.
        public var isDiagnostic = false
        /// Whether it is shown before somebody asks for it.
        public var isEnabled = true
        /// A picture, where the class has none that fits.
        public var icon: String?
    }

    /// The word for a number that has none.
    public static let otherWord = "other"

    /// Whose it is.
    public let owner: Owner
    /// The last part of the topic.
    public let key: String
    /// What a person calls it.
    public let name: String
    /// The unit; empty where there is none.
    public let unit: String
    /// What its payload is.
    public let form: Form
    /// Where it comes from.
    public let source: Source
    /// How much a number has to move to be published before the heartbeat, in its unit.
    public let threshold: Double
    /// How much it has to move as a part of what was published last, where that is more than `threshold`.
    public let relativeThreshold: Double
    /// The least time between two messages.
    public let minimumInterval: Duration
    /// How Home Assistant shows it.
    public let presentation: Presentation

    init(
        _ owner: Owner, _ key: String, _ name: String, _ unit: String, _ form: Form, _ source: Source,
        threshold: Double = 0, relative: Double = 0, every interval: Duration, _ presentation: Presentation
    ) {
        self.owner = owner
        self.key = key
        self.name = name
        self.unit = unit
        self.form = form
        self.source = source
        self.threshold = threshold
        relativeThreshold = relative
        minimumInterval = interval
        self.presentation = presentation
    }

    /// The quantities of an owner, in the order of the table.
    public static func all(of owner: Owner) -> [Quantity] { byOwner[owner] ?? [] }

    private static let byOwner = Dictionary(grouping: table, by: \.owner)

    /// The words that a payload can be; nil where it can be any.
    public var options: [String]? {
        guard case .word(let words) = form else { return nil }
        return words.map(\.word) + [Self.otherWord]
    }

    /// A number as its payload.
    func text(_ number: Double) -> String {
        guard case .number(let decimals) = form else { return "\(number)" }
        return Self.text(number, decimals: decimals)
    }

    /// A number with a fixed count of decimals. Beyond 15 digits it is not a number that any device says.
    static func text(_ number: Double, decimals: Int) -> String {
        var power = 1.0
        var divisor: UInt64 = 1
        for _ in 0..<decimals {
            power *= 10
            divisor *= 10
        }
        let scaled = (number * power).rounded()
        guard scaled.magnitude < 1e15 else { return "\(number)" }
        let whole = Int64(scaled)
        guard decimals > 0 else { return String(whole) }
        let (before, behind) = whole.magnitude.quotientAndRemainder(dividingBy: divisor)
        // The one in front keeps the zeros behind the point.
        let digits = String(divisor + behind).utf8.dropFirst()
        return (whole < 0 ? "-" : "") + String(before) + "." + String(decoding: digits, as: UTF8.self)
    }
}

extension Quantity.Presentation {
    static func measured(_ deviceClass: String?, icon: String? = nil) -> Self {
        Self(deviceClass: deviceClass, stateClass: "measurement", icon: icon)
    }
    /// A counter that only grows, and begins again when it is less than before.
    static let counter = Self(deviceClass: "energy", stateClass: "total_increasing")
    static func plain(_ deviceClass: String?, icon: String? = nil) -> Self {
        Self(deviceClass: deviceClass, icon: icon)
    }
    /// About the device itself, and shown only when asked for.
    var hidden: Self {
        var copy = self
        copy.isDiagnostic = true
        copy.isEnabled = false
        return copy
    }
    /// Shown only when asked for.
    var optional: Self {
        var copy = self
        copy.isEnabled = false
        return copy
    }
}
