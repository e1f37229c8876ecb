/// What a solar charger can measure: a value outside is damage, whatever its checksum says.
///
/// The limits are wide, for a limit that is too narrow hides the truth: ratings are stretched, and anything that the
/// table does not name is possible.
struct Plausibility: Sendable {
    /// What can be said of one register's values, worked out once for a device.
    struct Rule: Sendable {
        /// How a value may follow the one before.
        enum Course: Sendable {
            /// Anyhow.
            case free
            /// It stands for hours: a change is worth a second look.
            case stands
            /// It never falls, and rises at most by `step` and `perSecond`.
            case counts(step: Double, perSecond: Double)
            /// It moves at most by `step` and `perSecond`, up or down.
            case moves(step: Double, perSecond: Double)
        }

        /// The least and greatest possible value; nil for any.
        var range: ClosedRange<Double>?
        /// Whether only the numbers of the table of device states are possible.
        var isState = false
        /// How it may follow the one before.
        var course = Course.free

        /// Whether the value is possible at all.
        func allows(_ value: RegisterValue) -> Bool {
            guard case .number(let raw, let scaled) = value else { return true }
            if let range, !range.contains(scaled) { return false }
            return !isState || (raw >= 0 && raw < 256 && Plausibility.states[Int(raw)])
        }

        /// Whether the value can follow the last one after this time. A value that cannot is read again, not
        /// refused: the world is allowed to surprise.
        func canFollow(_ value: RegisterValue, last: RegisterValue, after elapsed: Duration) -> Bool {
            guard case .number(_, let number) = value, case .number(_, let before) = last else {
                // From a number to "not available" or back, or a text or record that changed.
                if case .free = course { return value == last || Self.isRecord(value, last) }
                return value == last
            }
            switch course {
            case .free: return true
            case .stands: return number == before
            case .counts(let step, let perSecond):
                return number >= before && number - before <= step + perSecond * elapsed.wholeSeconds
            case .moves(let step, let perSecond):
                return abs(number - before) <= step + perSecond * elapsed.wholeSeconds
            }
        }

        /// Records of days change with every minute.
        private static func isRecord(_ value: RegisterValue, _ last: RegisterValue) -> Bool {
            switch (value, last) {
            case (.historyTotal, .historyTotal), (.historyDay, .historyDay): true
            default: false
            }
        }

        /// Whether values of this register stand for so long that one seen again is the same one still.
        var stands: Bool { if case .stands = course { true } else { false } }
    }

    private let panelVoltage: Double
    private let chargeCurrent: Double

    /// Which numbers the table of device states has.
    fileprivate static let states: [Bool] = (0..<256).map {
        Enumerations.standard.label(of: Int64($0), in: "device_state") != nil
    }

    /// The limits for a product; generous ones while it is not known.
    init(product: Product?) {
        panelVoltage = product?.ratings?.panelVoltage ?? 1000
        chargeCurrent = product?.ratings?.chargeCurrent ?? 250
    }

    /// What can be said of this register's values.
    func rule(for register: RegisterID) -> Rule {
        let power = chargeCurrent * 70
        // What it can charge in a second, kWh.
        let energy = power / 1000 / 3600
        switch register {
        case .panelVoltage:
            return Rule(
                range: 0...panelVoltage * 1.25, course: .moves(step: panelVoltage * 0.3, perSecond: 5))
        case .panelPower:
            return Rule(range: 0...power * 1.3, course: .moves(step: power * 0.2, perSecond: chargeCurrent * 10))
        case .panelCurrent, .loadCurrent:
            return Rule(
                range: 0...max(100, chargeCurrent * 2),
                course: .moves(step: chargeCurrent * 0.25, perSecond: chargeCurrent * 0.2))
        case .chargerVoltage:
            return Rule(range: 0...90, course: .moves(step: 1, perSecond: 1))
        case .chargerCurrent:
            return Rule(
                range: -chargeCurrent...chargeCurrent * 1.3,
                course: .moves(step: chargeCurrent * 0.25, perSecond: chargeCurrent * 0.2))
        case .batteryCurrent:
            return Rule(
                range: -1000...1000, course: .moves(step: chargeCurrent * 0.25, perSecond: chargeCurrent * 0.2))
        case .linkTotalPower:
            return Rule(range: 0...500_000, course: .moves(step: power, perSecond: power))
        case .linkVoltageSetpoint, .linkIdleVoltage:
            return Rule(range: 0...90, course: .moves(step: 1, perSecond: 1))
        case .absorptionVoltage, .floatVoltage:
            return Rule(range: 0...90, course: .stands)
        case .chargerTemperature:
            return Rule(range: -60...150, course: .moves(step: 2, perSecond: 1))
        case .batteryTemperature:
            return Rule(range: 200...400, course: .moves(step: 2, perSecond: 1))
        case .systemVoltage:
            return Rule(range: 0...48, course: .stands)
        case .systemYield, .userYield:
            // Counters: they don't run backwards, and grow no faster than the charger can charge.
            return Rule(course: .counts(step: 0.02, perSecond: energy))
        case .yieldToday:
            return Rule(range: 0...power * 24 / 1000, course: .counts(step: 0.02, perSecond: energy))
        case .yieldYesterday:
            return Rule(range: 0...power * 24 / 1000, course: .stands)
        case .maximumPowerToday:
            return Rule(range: 0...power * 1.3, course: .counts(step: power, perSecond: power))
        case .maximumPowerYesterday:
            return Rule(range: 0...power * 1.3, course: .stands)
        case .uptime:
            return Rule(course: .counts(step: 5, perSecond: 1))
        case .deviceState, .linkDeviceState:
            return Rule(isState: true, course: .stands)
        case .chargerError, .deviceMode, .batteryType, .maximumCurrent, .linkAlgorithmVersion, .linkNetworkMode,
            .linkNetworkStatus, .loadState, .trackerMode, .offReason, .productID, .applicationVersion, .modelName,
            .customName, .capabilities, .undocumentedEC3E, .linkAbsorptionTime:
            return Rule(course: .stands)
        default:
            return Rule()
        }
    }
}

extension Duration {
    /// Seconds with their microseconds.
    fileprivate var wholeSeconds: Double { Double(microseconds) / 1_000_000 }
}
