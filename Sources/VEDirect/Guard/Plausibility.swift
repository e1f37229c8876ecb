/// What a solar charger can measure: a value outside is damage, whatever its checksum says.
///
/// The limits are wide, for a limit that is too narrow hides the truth: ratings are stretched, and anything that the
/// table does not name is possible.
struct Plausibility: Sendable {
    private let panelVoltage: Double
    private let chargeCurrent: Double

    /// The limits for a product; generous ones while it is not known.
    init(product: Product?) {
        panelVoltage = product?.ratings?.panelVoltage ?? 1000
        chargeCurrent = product?.ratings?.chargeCurrent ?? 250
    }

    /// Whether the value is possible at all.
    func isPossible(_ register: RegisterID, _ value: RegisterValue) -> Bool {
        guard let number = value.scaled else { return true }
        switch register {
        case .panelVoltage: return number <= panelVoltage * 1.25
        case .panelPower: return number <= chargeCurrent * 70 * 1.3
        case .panelCurrent: return number <= chargeCurrent * 2
        case .chargerVoltage: return number <= 90
        case .chargerCurrent: return (-chargeCurrent...chargeCurrent * 1.3).contains(number)
        case .batteryCurrent: return (-1000...1000).contains(number)
        case .loadCurrent: return number <= 100
        case .linkTotalPower: return number <= 500_000
        case .linkVoltageSetpoint, .linkIdleVoltage, .absorptionVoltage, .floatVoltage: return number <= 90
        case .chargerTemperature: return (-60...150).contains(number)
        case .batteryTemperature: return (200...400).contains(number)
        case .systemVoltage: return [0, 12, 24, 36, 48].contains(number)
        case .yieldToday, .yieldYesterday: return number <= chargeCurrent * 70 * 24 / 1000
        case .maximumPowerToday, .maximumPowerYesterday: return number <= chargeCurrent * 70 * 1.3
        case .deviceState, .linkDeviceState:
            return Enumerations.standard.label(of: Int64(number), in: "device_state") != nil
        default: return true
        }
    }

    /// Whether the value is one that stands for hours, so that hearing it again is what is to be expected.
    static func isSteady(_ register: RegisterID, _ value: RegisterValue) -> Bool {
        switch value {
        // All bits are set: no single flip makes that of a number.
        case .notAvailable: return true
        case .text: return true
        case .number, .bytes, .historyTotal, .historyDay: break
        }
        switch register {
        case .deviceState, .chargerError, .systemVoltage, .deviceMode, .batteryType, .absorptionVoltage, .floatVoltage,
            .maximumCurrent, .linkDeviceState, .linkAlgorithmVersion, .linkNetworkMode, .linkNetworkStatus, .loadState,
            .trackerMode, .offReason, .productID, .applicationVersion, .capabilities, .yieldYesterday,
            .maximumPowerYesterday, .undocumentedEC3E, .linkAbsorptionTime:
            return true
        default: return false
        }
    }

    /// Whether the value can follow the last one after this time. A value that cannot is read again, not refused:
    /// the world is allowed to surprise.
    func canFollow(
        _ register: RegisterID, _ value: RegisterValue, last: RegisterValue, after elapsed: Duration
    ) -> Bool {
        guard let number = value.scaled, let before = last.scaled else {
            // From a number to "not available" or back, or a text or record that changed.
            return value == last
        }
        let seconds = Double(elapsed.microseconds) / 1_000_000
        switch register {
        case .systemYield, .userYield:
            // Counters: they don't run backwards, and grow no faster than the charger can charge.
            return number >= before && number - before <= 0.02 + chargeCurrent * 70 / 1000 * seconds / 3600
        case .yieldToday:
            return number >= before && number - before <= 0.02 + chargeCurrent * 70 / 1000 * seconds / 3600
        case .maximumPowerToday:
            return number >= before
        case .uptime:
            return number >= before && number - before <= seconds + 5
        case .chargerVoltage:
            return abs(number - before) <= 1 + seconds
        case .chargerTemperature, .batteryTemperature:
            return abs(number - before) <= 2 + seconds
        case .panelVoltage:
            return abs(number - before) <= panelVoltage * 0.3 + 5 * seconds
        case .panelPower:
            return abs(number - before) <= chargeCurrent * 70 * 0.2 + chargeCurrent * 10 * seconds
        case .chargerCurrent, .loadCurrent, .panelCurrent, .batteryCurrent:
            return abs(number - before) <= chargeCurrent * 0.25 + chargeCurrent * 0.2 * seconds
        case .deviceState, .chargerError, .systemVoltage, .deviceMode, .batteryType, .absorptionVoltage,
            .floatVoltage, .maximumCurrent, .linkDeviceState, .linkAlgorithmVersion, .linkNetworkMode,
            .linkNetworkStatus, .loadState, .trackerMode:
            // States and settings stand for hours: a change is worth a second look.
            return number == before
        default:
            return true
        }
    }
}
