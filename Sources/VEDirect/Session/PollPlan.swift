/// Which registers are asked for, and how often.
public struct PollPlan: Sendable, Hashable {
    /// How often a register is asked for.
    public enum Pace: Int, Sendable, Hashable, CaseIterable, Comparable {
        /// Every round: what moves with the clouds.
        case fast
        /// Now and then: what moves with the hour.
        case slow
        /// Seldom: what a person sets.
        case settings
        /// Once: what cannot change while the device runs.
        case constant
        /// The charger's own record of its days.
        case history

        /// From often to seldom.
        public static func < (left: Pace, right: Pace) -> Bool { left.rawValue < right.rawValue }
    }

    /// A register and its pace.
    public struct Entry: Sendable, Hashable {
        /// The register.
        public let register: RegisterID
        /// How often.
        public let pace: Pace

        /// A register and its pace.
        public init(_ register: RegisterID, _ pace: Pace) {
            self.register = register
            self.pace = pace
        }
    }

    /// In the order in which they are asked for the first time.
    public var entries: [Entry]
    /// From the start of a fast round to the start of the next; zero is back to back. A round that takes longer is
    /// followed at once by the next. What a device tells of by itself is asked for in every second round, and what it
    /// says is not available at the pace of slow registers.
    public var fastInterval: Duration
    /// Between two readings of a slow register; twice as long where the device tells of it by itself.
    public var slowInterval: Duration
    /// Between two readings of a setting.
    public var settingsInterval: Duration
    /// Between two readings of what does not change, in case it did.
    public var constantInterval: Duration
    /// Between two readings of today's record; the other days are read once and when the day changes.
    public var historyInterval: Duration

    /// A plan.
    public init(
        entries: [Entry] = PollPlan.standardEntries, fastInterval: Duration = .seconds(1),
        slowInterval: Duration = .seconds(10), settingsInterval: Duration = .seconds(3600),
        constantInterval: Duration = .seconds(24 * 3600), historyInterval: Duration = .seconds(900)
    ) {
        self.entries = entries
        self.fastInterval = fastInterval
        self.slowInterval = slowInterval
        self.settingsInterval = settingsInterval
        self.constantInterval = constantInterval
        self.historyInterval = historyInterval
    }

    /// The time between two readings at a pace.
    public func interval(of pace: Pace) -> Duration {
        switch pace {
        case .fast: fastInterval
        case .slow: slowInterval
        case .settings: settingsInterval
        case .constant: constantInterval
        case .history: historyInterval
        }
    }

    /// What a solar charger is asked. Registers that it does not know are learned and left out.
    public static let standardEntries: [Entry] =
        [
            Entry(.panelPower, .fast),
            Entry(.panelVoltage, .fast),
            Entry(.chargerVoltage, .fast),
            Entry(.chargerCurrent, .fast),
            Entry(.loadCurrent, .fast),
            Entry(.batteryCurrent, .fast),
            Entry(.deviceState, .fast),
            Entry(.linkTotalPower, .fast),
            // What the schema needs comes before what is only good to know.
            Entry(.productID, .constant),
            Entry(.applicationVersion, .constant),
            Entry(.systemVoltage, .settings),
            Entry(.linkDeviceState, .slow),
            Entry(.linkAlgorithmVersion, .settings),
            Entry(.linkVoltageSetpoint, .slow),
            Entry(.linkStateTime, .slow),
            Entry(.linkAbsorptionTime, .slow),
            Entry(.linkIdleVoltage, .slow),
            Entry(.undocumentedEC3E, .slow),
            Entry(.chargerError, .slow),
            Entry(.yieldToday, .slow),
            Entry(.systemYield, .slow),
            Entry(.userYield, .slow),
            Entry(.maximumPowerToday, .slow),
            Entry(.trackerMode, .slow),
            Entry(.chargerTemperature, .slow),
            Entry(.batteryTemperature, .slow),
            Entry(.offReason, .slow),
            Entry(.panelCurrent, .slow),
            Entry(.loadState, .slow),
            Entry(.linkNetworkStatus, .slow),
            Entry(.linkNetworkMode, .slow),
            Entry(.modelName, .constant),
            Entry(.customName, .settings),
            Entry(.deviceMode, .settings),
            Entry(.yieldYesterday, .settings),
            Entry(.maximumPowerYesterday, .settings),
            Entry(.absorptionVoltage, .settings),
            Entry(.floatVoltage, .settings),
            Entry(.maximumCurrent, .settings),
            Entry(.batteryType, .settings),
            Entry(.historyTotal, .history),
        ] + (0...30).map { Entry(.historyDay($0), .history) }
}
