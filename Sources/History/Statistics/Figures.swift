/// What is known of one device for one day, by figure.
///
/// Figures are numbers; times of day are seconds since 1970 UTC. A figure that cannot be known is not there.
public struct DayFigures: Sendable, Hashable {
    /// The civil day at the plant.
    public let day: CivilDate
    /// A device's identity, or ``plant``.
    public let device: String
    /// By name, see docs/statistics.md.
    public var values: [String: Double]

    /// The name that stands for all devices together.
    public static let plant = "plant"

    /// Figures of a day.
    public init(day: CivilDate, device: String, values: [String: Double] = [:]) {
        self.day = day
        self.device = device
        self.values = values
    }

    /// One figure; nil if it is not known.
    public subscript(figure: String) -> Double? {
        get { values[figure] }
        set { values[figure] = newValue }
    }
}

/// Where a day's yield comes from: the figure `yield_source`.
public enum YieldSource: Double, Sendable {
    /// vebridge ran while the charger produced.
    case measured = 0
    /// The charger's own record of the day, for the time when vebridge did not run.
    case chargerRecord = 1
    /// The lifetime counter over several days, divided by the usual course of a day.
    case estimated = 2

    /// In a word, as the commands print it.
    public var word: String {
        switch self {
        case .measured: "measured"
        case .chargerRecord: "charger record"
        case .estimated: "estimated"
        }
    }
}

/// A figure's definition, as data: the page of the definitions and the commands are made from it.
public struct FigureDefinition: Sendable, Hashable {
    /// What it is a figure of.
    public enum Subject: String, Sendable {
        /// A solar charger.
        case charger
        /// A battery monitor.
        case battery
        /// All of it.
        case plant
        /// Every quantity of every device, by the name of the quantity.
        case quantity
    }

    /// How it reads.
    public enum Kind: Sendable, Hashable {
        /// An amount in ``FigureDefinition/unit``.
        case amount
        /// A moment, kept as seconds since 1970.
        case moment
        /// A length of time, kept as seconds.
        case time
    }

    /// The figure's name; for ``Subject/quantity`` what follows the quantity and a dot.
    public let name: String
    /// What it is a figure of.
    public let subject: Subject
    /// How it reads.
    public let kind: Kind
    /// The unit of an amount; empty for a ratio or the quantity's own.
    public let unit: String
    /// What it is, in a sentence.
    public let meaning: String

    private init(_ name: String, _ subject: Subject, _ kind: Kind, _ unit: String, _ meaning: String) {
        self.name = name
        self.subject = subject
        self.kind = kind
        self.unit = unit
        self.meaning = meaning
    }

    /// All that there are.
    public static let all: [FigureDefinition] = [
        .init("yield", .charger, .amount, "kWh", "energy of the day, from the lifetime counter"),
        .init("yield_source", .charger, .amount, "", "0 measured, 1 the charger's own record, 2 estimated"),
        .init("lifetime_yield", .charger, .amount, "kWh", "the lifetime counter at the end of the day"),
        .init("yield_seen", .charger, .amount, "kWh", "the part of the yield that vebridge saw, where it is not all"),
        .init("lifetime_seen", .charger, .amount, "kWh", "the lifetime counter as it was last seen on the day"),
        .init("day_uncertain", .charger, .amount, "", "1 where the charger's record may belong to a day nearby"),
        .init("share", .charger, .amount, "%", "its part of the plant's yield"),
        .init(
            "production_start", .charger, .moment, "",
            "first sample of 1 W or more of panel power, if it was seen to begin"),
        .init(
            "production_stop", .charger, .moment, "", "last sample of 1 W or more of panel power, if it was seen to end"
        ),
        .init("first_seen", .charger, .moment, "", "the first sample of the day"),
        .init("last_seen", .charger, .moment, "", "the last sample of the day"),
        .init("state.off", .charger, .time, "", "time off"),
        .init("state.fault", .charger, .time, "", "time stopped by an error"),
        .init("state.bulk", .charger, .time, "", "time in bulk"),
        .init("state.absorption", .charger, .time, "", "time in absorption, repeated absorption included"),
        .init("state.float", .charger, .time, "", "time in float"),
        .init("state.storage", .charger, .time, "", "time in storage"),
        .init("state.equalise", .charger, .time, "", "time in equalisation"),
        .init("state.other", .charger, .time, "", "time in any other state"),
        .init("compare.morning", .charger, .amount, "kWh", "yield while it could be compared, first third of the day"),
        .init("compare.noon", .charger, .amount, "kWh", "yield while it could be compared, middle third"),
        .init("compare.evening", .charger, .amount, "kWh", "yield while it could be compared, last third"),
        .init("compare.time", .charger, .time, "", "time in which all chargers gave what their panels had"),
        .init("charge_in", .battery, .amount, "Ah", "charge into the battery"),
        .init("charge_out", .battery, .amount, "Ah", "charge out of the battery"),
        .init("energy_in", .battery, .amount, "kWh", "energy into the battery"),
        .init("energy_out", .battery, .amount, "kWh", "energy out of the battery"),
        .init("negative_day", .battery, .time, "", "negative flow between production start and stop"),
        .init("negative_night", .battery, .time, "", "negative flow before production start and after its stop"),
        .init("night_before", .battery, .amount, "kWh", "net energy out before production start, if it was seen whole"),
        .init("night_after", .battery, .amount, "kWh", "net energy out after production stop, if it was seen whole"),
        .init("overnight", .battery, .amount, "kWh", "net energy out from yesterday's stop to today's start"),
        .init("full_at", .battery, .moment, "", "first sample with a state of charge of 99.5 % or more"),
        .init("full_time", .battery, .time, "", "time with a state of charge of 99.5 % or more"),
        .init("falling_charge", .battery, .amount, "Ah", "charge out while the state of charge fell"),
        .init("falling_part", .battery, .amount, "%", "by how much the state of charge fell in that time"),
        .init("capacity", .battery, .amount, "Ah", "falling charge by falling part over the last 30 days"),
        .init(
            "autonomy", .battery, .amount, "d", "days that the charge above 20 % lasts at the last week's consumption"),
        .init("yield", .plant, .amount, "kWh", "sum of the chargers' yields"),
        .init("solar", .plant, .amount, "kWh", "energy out of the chargers while consumption was known"),
        .init("consumption", .plant, .amount, "kWh", "what loads took: chargers' output less battery power"),
        .init("direct", .plant, .amount, "kWh", "solar energy used at the moment it was made"),
        .init("other_sources", .plant, .amount, "kWh", "energy into the battery that no solar charger gave"),
        .init("self_sufficiency", .plant, .amount, "%", "solar by consumption, 100 at most"),
        .init("known", .plant, .time, "", "time in which consumption was known"),
        .init("production_start", .plant, .moment, "", "the first charger's"),
        .init("production_stop", .plant, .moment, "", "the last charger's"),
        .init(
            "met_consumption", .plant, .moment, "", "first sample from the start on at which the battery did not give"),
        .init("float_at", .plant, .moment, "", "first change of any charger to float"),
        .init("maximum_power", .plant, .amount, "W", "peak: the greatest one-minute mean of all panels together"),
        .init("maximum_power_at", .plant, .moment, "", "that minute"),
        .init("min", .quantity, .amount, "", "the least sample"),
        .init("min_at", .quantity, .moment, "", "when it was"),
        .init("max", .quantity, .amount, "", "the greatest sample"),
        .init("max_at", .quantity, .moment, "", "when it was"),
        .init("last", .quantity, .amount, "", "the last sample"),
        .init("mean", .quantity, .amount, "", "the mean, weighted by time"),
        .init("median", .quantity, .amount, "", "the median of the means of the minutes, weighted by time"),
        .init("known", .quantity, .time, "", "time in which the value was known"),
    ]

    private static let byName = Dictionary(
        all.filter { $0.subject != .quantity }.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    private static let bySuffix = Dictionary(
        all.filter { $0.subject == .quantity }.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// The definition of a figure by its full name; nil for one that there is not.
    public static func of(_ figure: String) -> FigureDefinition? {
        if let found = byName[figure] { return found }
        return figure.lastIndex(of: ".").flatMap { bySuffix[String(figure[figure.index(after: $0)...])] }
    }
}
