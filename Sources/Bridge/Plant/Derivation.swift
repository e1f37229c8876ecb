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
            register: .productID, inputs: [],
            rule: "not answered: the id as command 4 and TEXT give it, two bytes in wire order"),
        Derivation(
            register: .linkDeviceState, inputs: [.deviceState],
            rule: "not networked: the charger's own state (0201)"),
        Derivation(
            register: .linkVoltageSetpoint, inputs: [.deviceState, .absorptionVoltage, .floatVoltage],
            rule: "not networked and schema.derive_setpoint: EDF7 in absorption, EDF6 in float"),
        Derivation(
            register: .linkTotalPower, inputs: [.panelPower, .linkNetworkStatus],
            rule: "no charger networked: the sum of EDBC over all solar chargers, under the master's id"),
        Derivation(
            register: .batteryCurrent, inputs: [.chargerCurrent, .loadCurrent],
            rule: "not answered: (EDD7 - EDAD) x 100, from 0.1 A to 0.001 A"),
    ]

    /// The registers whose derived value may change when this one does.
    public static func dependents(of register: RegisterID) -> [RegisterID] {
        byInput.first { $0.input == register }?.dependents ?? []
    }

    /// Worked out once: it is asked for with every reading.
    private static let byInput: [(input: RegisterID, dependents: [RegisterID])] = Set(all.flatMap(\.inputs)).sorted()
        .map {
            input in (input, all.filter { $0.inputs.contains(input) }.map(\.register))
        }
}

extension Plant {
    func derive(_ register: RegisterID, charger: Charger, at now: Duration) -> RawValue? {
        switch register {
        case .productID:
            guard charger.lacks(register), let id = charger.identity.productID else { return nil }
            return Self.bytes(Int64(id), count: 2)
        case .linkDeviceState:
            guard charger.lacks(register), isCurrent(.deviceState, of: charger, at: now) else { return nil }
            return number(.deviceState, charger).map { Self.bytes($0, count: 1) }
        case .linkVoltageSetpoint:
            guard derivesSetpoint, charger.lacks(register), isCurrent(.deviceState, of: charger, at: now) else {
                return nil
            }
            return switch number(.deviceState, charger) {
            case 4: number(.absorptionVoltage, charger).map { Self.bytes($0, count: 2) }
            case 5: number(.floatVoltage, charger).map { Self.bytes($0, count: 2) }
            default: nil
            }
        case .linkTotalPower:
            return totalPower(charger: charger, at: now)
        case .batteryCurrent:
            guard charger.lacks(register), isCurrent(.chargerCurrent, of: charger, at: now),
                let current = number(.chargerCurrent, charger)
            else { return nil }
            // Without a load output all of the charger's current goes to the battery.
            guard !charger.lacks(.loadCurrent) else { return Self.bytes(current * 100, count: 4) }
            guard isCurrent(.loadCurrent, of: charger, at: now), let load = number(.loadCurrent, charger) else {
                return nil
            }
            return Self.bytes((current - load) * 100, count: 4)
        default:
            return nil
        }
    }

    private func totalPower(charger: Charger, at now: Duration) -> RawValue? {
        guard charger.identity.serial == master(at: now), !isAwaitingPorts(at: now) else { return nil }
        var total: Int64 = 0
        for other in chargers.values where isPart(other, at: now) {
            let role = other.role(at: now)
            if role == .other { continue }
            guard role == .solarCharger else { return nil }
            // Just lost: the sum would be wrong without it. Networked, or not asked yet: the network has its own.
            guard other.isAlive, other.lacks(.linkTotalPower), isCurrent(.panelPower, of: other, at: now),
                let power = number(.panelPower, other)
            else { return nil }
            total = total.addingReportingOverflow(power).partialValue
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
