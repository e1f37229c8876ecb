/// TEXT: who the device says it is, and numbers that stand by as witnesses.
extension DeviceSession {
    mutating func receive(_ block: borrowing TextBlock, at now: Duration) {
        counters.blocks += 1
        hasHeardBlock = true
        lastText = now
        if case .listening = phase { begin(.identifying, at: now) }
        var serial: String?
        var product: UInt16?
        var version: FirmwareVersion?
        var labels: TextLabels = []
        var numbers: [(RegisterID, Int64)] = []
        block.forEachField { label, value in
            switch label {
            case "SER#": serial = value
            case "PID": if value.hasPrefix("0x") { product = UInt16(value.dropFirst(2), radix: 16) }
            case "FW": version = FirmwareVersion(text: value)
            case "FWE": version = FirmwareVersion(extendedText: value)
            case "PPV": labels.insert(.panelPower)
            case "DC_IN_V": labels.insert(.inputVoltage)
            case "AC_OUT_V": labels.insert(.outputVoltage)
            case "SOC": labels.insert(.stateOfCharge)
            default:
                if let field = TextWitness.fields[label], let number = Int64(value) {
                    numbers.append((field.register, number / field.divisor))
                }
            }
        }
        if let serial { noteSerial(serial, isText: true, at: now) }
        if let product { voteProduct(product) }
        if let version {
            firmwareVotes.note(version, isText: true)
            completeIdentity()
        }
        // While it is not sure who is heard, its labels are not this device's.
        if phase != .verifying, identity?.family == nil, textLabels.count(labels) { completeIdentity() }
        // What it says counts only as said by the device that is known.
        guard phase == .polling else { return }
        for (register, number) in numbers {
            guard let place = places[register], let size = slots[place].textSize else { continue }
            judge.witness(place, RawValue(number: UInt64(bitPattern: number), count: size), at: now)
        }
    }
}

/// Which TEXT fields say the same as which registers, to the digit: independent witnesses of a reading.
enum TextWitness {
    /// The register, and by what the TEXT number is divided to be the register's raw number.
    static let fields: [String: (register: RegisterID, divisor: Int64)] = [
        "V": (.chargerVoltage, 10),
        "VPV": (.panelVoltage, 10),
        "CS": (.deviceState, 1),
        "ERR": (.chargerError, 1),
        "H19": (.userYield, 1),
        "H20": (.yieldToday, 1),
        "H21": (.maximumPowerToday, 1),
        "H22": (.yieldYesterday, 1),
        "H23": (.maximumPowerYesterday, 1),
    ]
}
