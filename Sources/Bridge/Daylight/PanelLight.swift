import VEDirect

/// Whether the panels of one charger are dark, by what the charger measures and never by the clock.
///
/// A panel whose voltage is below the battery's cannot charge it, and a charger begins only some volts above. Between
/// these two a panel is taken for what it was.
struct PanelLight: Sendable, Equatable {
    /// Volts above the battery's from which a panel counts as lit. Chargers begin at 5 V above (document).
    static let margin = 2.0

    /// Whether the panels are dark.
    private(set) var isDark = false
    private let patience: Duration
    private var panelVoltage: Double?
    private var panelPower: Double?
    private var batteryVoltage: Double?
    private var darkSince: Duration?

    /// Light, until the panels have been dark for as long as `patience`.
    init(patience: Duration) { self.patience = patience }

    /// Takes a reading; true if it has become dark or light by it.
    mutating func note(_ reading: RegisterReading) -> Bool {
        let number: Double? = if case .number(_, let scaled) = reading.value { scaled } else { nil }
        switch reading.register {
        case .panelVoltage: panelVoltage = number
        case .panelPower: panelPower = number
        case .chargerVoltage: batteryVoltage = number
        default: return false
        }
        let was = isDark
        // What is not known is no reason to ask less.
        guard let panelVoltage, let panelPower, let batteryVoltage else {
            isDark = false
            darkSince = nil
            return was
        }
        if panelPower > 0 || panelVoltage >= batteryVoltage + Self.margin {
            isDark = false
            darkSince = nil
        } else if panelVoltage < batteryVoltage {
            let since = darkSince ?? reading.time
            darkSince = since
            if reading.time - since >= patience { isDark = true }
        } else if !isDark {
            darkSince = nil
        }
        return isDark != was
    }
}

extension PollPlan {
    /// The same plan for a charger whose panels are dark: rounds at this period, and what is asked now and then four
    /// times as seldom. Never more often than by day.
    func atNight(_ period: Duration) -> PollPlan {
        var plan = self
        plan.fastInterval = max(fastInterval, period)
        plan.slowInterval = max(slowInterval, period * 4)
        return plan
    }
}
