import VEDirect

/// The TEXT fields of a charger at one moment, in the order and the blocks of its firmware.
struct ChargerText {
    let model: ChargerModel
    let readings: ChargerReadings

    /// One block, or two on firmware 3.x; checksums included.
    var blocks: [[UInt8]] {
        guard model.firmware.major >= 3 else { return [Self.block(identity + measured + daily)] }
        return [Self.block(identity + measured), Self.block(daily)]
    }

    private var isBig: Bool { model.maximumChargeCurrent > 20 }

    private var identity: [(String, String)] {
        let firmware = model.firmware
        let minor = firmware.minor < 10 ? "0\(firmware.minor)" : "\(firmware.minor)"
        let number = "\(firmware.major)\(minor)"
        let isRelease = firmware.stage == .application
        let version =
            firmware.major >= 3
            ? ("FWE", number + (isRelease ? "FF" : "01")) : ("FW", isRelease ? number : "C\(number)")
        return [("PID", "0x" + Self.hex(model.productID, 4)), version, ("SER#", model.serial)]
    }

    private var measured: [(String, String)] {
        var fields = [
            ("V", "\(readings.batteryVoltage * 10)"), ("I", "\(readings.batteryCurrent)"),
            ("VPV", "\(readings.panelVoltage * 10)"), ("PPV", "\((readings.panelPower + 50) / 100)"),
        ]
        let state = ("CS", "\(readings.state)")
        guard model.firmware >= FirmwareVersion(major: 1, minor: 42) else { return fields + [state] }
        let mode = ("MPPT", "\(readings.mode)")
        fields += model.firmware.major >= 3 ? [mode, state] : [state, mode]
        if model.firmware >= FirmwareVersion(major: 1, minor: 44) {
            fields.append(("OR", "0x" + Self.hex(UInt32(readings.offReason), 8)))
        }
        return fields
    }

    private var daily: [(String, String)] {
        var fields = [("ERR", "\(readings.error)"), ("LOAD", model.hasLoadOutput && !readings.loadIsOn ? "OFF" : "ON")]
        if model.hasLoadOutput { fields.append(("IL", "\(readings.loadCurrent * 100)")) }
        if isBig, model.firmware.major >= 3 { fields.append(("Relay", "OFF")) }
        return fields + [
            ("H19", "\(readings.userYield)"), ("H20", "\(readings.yieldToday)"), ("H21", "\(readings.powerToday)"),
            ("H22", "\(readings.yieldYesterday)"), ("H23", "\(readings.powerYesterday)"),
            ("HSDS", "\(readings.daySequence)"),
        ]
    }

    private static func hex(_ number: some BinaryInteger, _ digits: Int) -> String {
        let text = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func block(_ fields: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (label, value) in fields { bytes += Array("\r\n\(label)\t\(value)".utf8) }
        bytes += Array("\r\nChecksum\t".utf8)
        bytes.append(0 &- bytes.reduce(0, &+))
        return bytes
    }
}
