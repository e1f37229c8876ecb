import VEDirect

extension FirmwareVersion {
    /// 1.16: answers cut TEXT; total history of 19 bytes; unasked frames for the history alone.
    public static let v116 = FirmwareVersion(major: 1, minor: 16)
    /// 1.50: answers cut TEXT, which pauses while somebody asks; unasked frames for most registers.
    public static let v150 = FirmwareVersion(major: 1, minor: 50)
    /// 1.64: answers wait for the end of a TEXT block.
    public static let v164 = FirmwareVersion(major: 1, minor: 64)
    /// 3.16: `FWE`, two blocks a set, the uptime once a second.
    public static let v316 = FirmwareVersion(major: 3, minor: 16)
}

/// Which charger is simulated: what is printed on it, and what it has.
public struct ChargerModel: Sendable {
    /// What a charger does with the wireless network that chargers share.
    public enum Link: Sendable, Hashable {
        /// It has none: the registers are unknown to it.
        case absent
        /// It could, but nobody set it up: the registers answer "not available".
        case standAlone
        /// It leads.
        case master
        /// It follows.
        case slave
    }

    /// As in `PID` and register 0100.
    public var productID: UInt16
    /// As in register 010B.
    public var name: String
    /// As in `SER#` and register 010A, at most 16 characters.
    public var serial: String
    /// Whether register 010A is padded with NUL to 16 bytes.
    public var padsSerial = true
    /// Decides how it speaks and which registers it knows.
    public var firmware: FirmwareVersion
    /// V; what it stands at its panel side.
    public var maximumPanelVoltage: Double
    /// A; what it can charge with.
    public var maximumChargeCurrent: Double
    /// Whether it switches a load of its own.
    public var hasLoadOutput: Bool
    /// Its part in a network.
    public var link: Link
    /// Whether it answers register ED8C, which most do not.
    public var answersBatteryCurrent: Bool
    /// Whether something measures the battery's temperature (register EDEC).
    public var sensesBatteryTemperature: Bool
    /// Whether it knows register 010C; the owner's name, empty when never set.
    public var customName: String?
    /// Old models that live on panel power alone: silent in the dark.
    public var sleepsAtNight: Bool

    /// The charger with this product id, with what its name tells; everything can be changed afterwards.
    ///
    /// - Returns: nil if the product table has no solar charger with this id and voltage and current in its name.
    public init?(productID: UInt16, serial: String, firmware: FirmwareVersion, link: Link = .standAlone) {
        guard let product = Product.withID(productID), let ratings = product.ratings else { return nil }
        self.productID = productID
        let words = product.model.split(separator: " ").prefix { !$0.hasPrefix("rev") }
        let isPlain = !words.contains("Charger")
        name = words.map { isPlain && $0 == "MPPT" ? "Charger MPPT" : String($0) }.joined(separator: " ")
        self.serial = String(serial.prefix(16))
        self.firmware = firmware
        maximumPanelVoltage = ratings.panelVoltage
        maximumChargeCurrent = ratings.chargeCurrent
        hasLoadOutput = ratings.chargeCurrent <= 20
        let isSmart = product.model.hasPrefix("SmartSolar")
        self.link = isSmart && firmware >= FirmwareVersion(major: 1, minor: 29) ? link : .absent
        answersBatteryCurrent = false
        sensesBatteryTemperature = false
        customName = isSmart ? "" : nil
        sleepsAtNight = [0xA040, 0xA041, 0xA044, 0xA045].contains(productID)
    }

    /// A SmartSolar MPPT 150/60 without a load output.
    public static func smartSolar150x60(
        serial: String = "HQ2012ABCDE", firmware: FirmwareVersion = .v164, link: Link = .standAlone
    ) -> ChargerModel {
        ChargerModel(known: 0xA062, "SmartSolar Charger MPPT 150/60", serial, firmware, 150, 60, link)
    }

    /// A SmartSolar MPPT 75/15 with a load output.
    public static func smartSolar75x15(
        serial: String = "HQ2017FGHIJ", firmware: FirmwareVersion = .v164, link: Link = .standAlone
    ) -> ChargerModel {
        ChargerModel(known: 0xA053, "SmartSolar Charger MPPT 75/15", serial, firmware, 75, 15, link)
    }

    /// A BlueSolar MPPT 75/15 with a load output: no radio, no network.
    public static func blueSolar75x15(
        serial: String = "HQ1611KLMNO", firmware: FirmwareVersion = .v150
    ) -> ChargerModel {
        ChargerModel(known: 0xA042, "BlueSolar Charger MPPT 75/15", serial, firmware, 75, 15, .absent)
    }

    private init(
        known productID: UInt16, _ name: String, _ serial: String, _ firmware: FirmwareVersion, _ voltage: Double,
        _ current: Double, _ link: Link
    ) {
        self.productID = productID
        self.name = name
        self.serial = String(serial.prefix(16))
        self.firmware = firmware
        maximumPanelVoltage = voltage
        maximumChargeCurrent = current
        hasLoadOutput = current <= 20
        self.link = firmware >= FirmwareVersion(major: 1, minor: 29) ? link : .absent
        answersBatteryCurrent = false
        sensesBatteryTemperature = false
        customName = link == .absent ? nil : ""
        sleepsAtNight = false
    }

    /// The bits of register 0140: history, storage and remote by what is common to all, the rest by the model.
    public var capabilities: UInt32 {
        var bits: UInt32 = 0x0000_C0F4 | 0x0000_0100
        if hasLoadOutput { bits |= 0x0000_1A01 }
        if maximumChargeCurrent > 20 { bits |= 0x0000_2000 | 0x0002_0000 }
        if link != .absent { bits |= 0x0001_0000 }
        return bits
    }

    /// Panels that suit it: as much as it can carry at this system voltage, strung well below its limit.
    public func suitablePanels(systemVoltage: Int) -> PanelArray {
        PanelArray(
            peakPower: maximumChargeCurrent * Double(systemVoltage) * 1.15,
            openCircuitVoltage: maximumPanelVoltage * 0.72)
    }
}

/// How a charger takes its time. The figures are from the field; each can be changed for a test.
public struct ChargerTiming: Sendable {
    /// From the last byte of a request to the answer being ready, usually.
    public var usualTurnAround: ClosedRange<Duration> = .milliseconds(45)...(.milliseconds(70))
    /// The same when the charger is busy with something else.
    public var slowTurnAround: ClosedRange<Duration> = .milliseconds(70)...(.milliseconds(130))
    /// How often it is busy with something else, 0…1.
    public var slowShare = 0.15
    /// How many requests wait while one is worked on; more are lost.
    public var inputQueue = 1
    /// From the start of one set of TEXT fields to the next.
    public var textPeriod: ClosedRange<Duration> = .milliseconds(990)...(.milliseconds(1010))
    /// Firmware up to 1.52: how long TEXT pauses after the last request.
    public var textPause: ClosedRange<Duration> = .milliseconds(2500)...(.milliseconds(3500))
    /// How long unasked frames come after the last host frame.
    public var asyncLife: Duration = .seconds(120)
    /// The least time between two unasked frames of the same register.
    public var asyncSpacing: Duration = .milliseconds(900)
    /// How often the registers take new values.
    public var refresh: Duration = .milliseconds(250)

    /// As in the field.
    public init() {}
}
