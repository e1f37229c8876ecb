/// A charger's own record of one day (registers 1050…106E, 34 bytes; document, checked against captures).
public struct HistoryDay: Sendable, Hashable {
    /// kWh.
    public let yield: Double
    /// Taken by the load output, kWh; nil on models without one.
    public let consumed: Double?
    /// Greatest battery voltage, V.
    public let maximumBatteryVoltage: Double
    /// Smallest battery voltage, V.
    public let minimumBatteryVoltage: Double
    /// The layout of the errors.
    public let errorDatabase: UInt8
    /// Up to four error codes, the newest first; 0 is none.
    public let errors: [UInt8]
    /// Minutes in bulk.
    public let bulkMinutes: Int
    /// Minutes in absorption.
    public let absorptionMinutes: Int
    /// Minutes in float.
    public let floatMinutes: Int
    /// Greatest panel power, W.
    public let maximumPower: Int
    /// Greatest battery current, A.
    public let maximumBatteryCurrent: Double
    /// Greatest panel voltage, V.
    public let maximumPanelVoltage: Double
    /// The charger's number for the day: the same number is the same day while it moves through the buffer.
    public let sequence: Int

    /// Reads a record; nil unless it has 34 bytes.
    public init?(_ raw: RawValue) {
        guard raw.count == 34 else { return nil }
        let consumed = raw.little32(at: 5)
        yield = Double(raw.little32(at: 1)) / 100
        self.consumed = consumed == .max ? nil : Double(consumed) / 100
        maximumBatteryVoltage = Double(raw.little16(at: 9)) / 100
        minimumBatteryVoltage = Double(raw.little16(at: 11)) / 100
        errorDatabase = raw[13]
        errors = (14...17).map { raw[$0] }
        bulkMinutes = Int(raw.little16(at: 18))
        absorptionMinutes = Int(raw.little16(at: 20))
        floatMinutes = Int(raw.little16(at: 22))
        maximumPower = Int(raw.little32(at: 24))
        maximumBatteryCurrent = Double(raw.little16(at: 28)) / 10
        maximumPanelVoltage = Double(raw.little16(at: 30)) / 100
        sequence = Int(raw.little16(at: 32))
    }
}

/// A charger's own record of all its days (register 104F; 34 bytes, 19 on firmware 1.16).
public struct HistoryTotal: Sendable, Hashable {
    /// The layout of the errors.
    public let errorDatabase: UInt8
    /// Up to four error codes, the newest first; 0 is none.
    public let errors: [UInt8]
    /// Yield since the owner last reset it, kWh.
    public let userYield: Double
    /// Yield since it was made, kWh.
    public let systemYield: Double
    /// Greatest panel voltage, V.
    public let maximumPanelVoltage: Double
    /// Greatest battery voltage, V.
    public let maximumBatteryVoltage: Double
    /// How many days the charger remembers.
    public let daysAvailable: Int
    /// Smallest battery voltage, V; nil on old firmware. 0.01 V has been seen in a frame that was genuine.
    public let minimumBatteryVoltage: Double?

    /// Reads a record; nil unless it has 34 or 19 bytes.
    public init?(_ raw: RawValue) {
        guard raw.count == 34 || raw.count == 19 else { return nil }
        errorDatabase = raw[1]
        errors = (2...5).map { raw[$0] }
        userYield = Double(raw.little32(at: 6)) / 100
        systemYield = Double(raw.little32(at: 10)) / 100
        maximumPanelVoltage = Double(raw.little16(at: 14)) / 100
        maximumBatteryVoltage = Double(raw.little16(at: 16)) / 100
        daysAvailable = Int(raw[18])
        minimumBatteryVoltage = raw.count >= 21 ? Double(raw.little16(at: 19)) / 100 : nil
    }
}
