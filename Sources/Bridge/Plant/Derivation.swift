public import VEDirect

/// How a register that a charger does not answer follows from those that it does: data, shown by
/// `vebridge registers` and in the README.
public struct Derivation: Sendable {
    /// The register that is derived.
    public let register: RegisterID
    /// What it is derived from.
    public let inputs: [RegisterID]
    /// How, in words.
    public let rule: String

    /// All derivations.
    public static let all: [Derivation] = [
        Derivation(
            register: .linkDeviceState, inputs: [.deviceState],
            rule: "not networked: the charger's own state (0201)"),
        Derivation(
            register: .linkVoltageSetpoint, inputs: [.deviceState, .absorptionVoltage, .floatVoltage],
            rule: "not networked and schema.derive_setpoint: EDF7 in absorption, EDF6 in float"),
        Derivation(
            register: .linkTotalPower, inputs: [.panelPower],
            rule: "no charger networked: the sum of EDBC over all chargers, under the master's id"),
        Derivation(
            register: .batteryCurrent, inputs: [.chargerCurrent, .loadCurrent],
            rule: "not answered: (EDD7 - EDAD) x 100, from 0.1 A to 0.001 A"),
    ]

    /// The registers whose derived value may change when this one does.
    public static func dependents(of register: RegisterID) -> [RegisterID] {
        all.filter { $0.inputs.contains(register) }.map(\.register)
    }
}

extension Plant {
    func derive(_ register: RegisterID, charger: Charger, at now: Duration) -> RawValue? {
        switch register {
        case .linkDeviceState:
            guard charger.lacks(register) else { return nil }
            return number(.deviceState, charger).map { Self.bytes($0, count: 1) }
        case .linkVoltageSetpoint:
            guard derivesSetpoint, charger.lacks(register) else { return nil }
            return switch number(.deviceState, charger) {
            case 4: number(.absorptionVoltage, charger).map { Self.bytes($0, count: 2) }
            case 5: number(.floatVoltage, charger).map { Self.bytes($0, count: 2) }
            default: nil
            }
        case .linkTotalPower:
            return totalPower(charger: charger, at: now)
        case .batteryCurrent:
            guard charger.lacks(register), let current = number(.chargerCurrent, charger) else { return nil }
            // Without a load output all of the charger's current goes to the battery.
            guard let load = charger.lacks(.loadCurrent) ? 0 : number(.loadCurrent, charger) else { return nil }
            return Self.bytes((current - load) * 100, count: 4)
        default:
            return nil
        }
    }

    private func totalPower(charger: Charger, at now: Duration) -> RawValue? {
        guard charger.identity.serial == master, charger.lacks(.linkTotalPower), !isNetworked, unresolvedPorts == 0
        else {
            return nil
        }
        var total: Int64 = 0
        for other in chargers.values {
            if !other.isAlive {
                // Just lost: the sum would be wrong without it. Long gone: it is no longer part of the plant.
                if now - other.lastSeen < Self.patience { return nil }
                continue
            }
            guard let power = number(.panelPower, other) else { return nil }
            total += power
        }
        return Self.bytes(total, count: 4)
    }

    private func number(_ register: RegisterID, _ charger: Charger) -> Int64? {
        guard case .number(let raw, _)? = charger.readings[register]?.value else { return nil }
        return raw
    }

    private static func bytes(_ number: Int64, count: Int) -> RawValue {
        let bits = UInt64(bitPattern: number)
        return RawValue((0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) })
    }
}
