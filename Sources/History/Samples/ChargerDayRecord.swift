public import VEDirect

/// A charger's own record of a day, with the civil day that it belongs to.
public struct ChargerDayRecord: Sendable, Hashable {
    /// The charger's serial number.
    public var device: String
    /// The civil day.
    public var day: CivilDate
    /// The charger's number for the day.
    public var sequence: Int
    /// kWh.
    public var yield: Double
    /// W.
    public var maximumPower: Double
    /// V.
    public var maximumVoltage: Double
    /// V.
    public var minimumVoltage: Double
    /// Seconds in bulk.
    public var bulk: Double
    /// Seconds in absorption.
    public var absorption: Double
    /// Seconds in float.
    public var float: Double
    /// Whether the civil day is a guess: the charger counted fewer days than the calendar in between.
    public var isUncertain: Bool

    /// A record; what the charger says of itself is in `record`.
    public init(device: String, day: CivilDate, record: HistoryDay, isUncertain: Bool = false) {
        self.device = device
        self.day = day
        sequence = record.sequence
        yield = record.yield
        maximumPower = Double(record.maximumPower)
        maximumVoltage = record.maximumBatteryVoltage
        minimumVoltage = record.minimumBatteryVoltage
        bulk = Double(record.bulkMinutes) * 60
        absorption = Double(record.absorptionMinutes) * 60
        float = Double(record.floatMinutes) * 60
        self.isUncertain = isUncertain
    }

    init(
        device: String, day: CivilDate, sequence: Int, yield: Double, maximumPower: Double, maximumVoltage: Double,
        minimumVoltage: Double, bulk: Double, absorption: Double, float: Double, isUncertain: Bool
    ) {
        self.device = device
        self.day = day
        self.sequence = sequence
        self.yield = yield
        self.maximumPower = maximumPower
        self.maximumVoltage = maximumVoltage
        self.minimumVoltage = minimumVoltage
        self.bulk = bulk
        self.absorption = absorption
        self.float = float
        self.isUncertain = isUncertain
    }

    /// Finds the civil days of a charger's records.
    ///
    /// The charger's day begins at its own dawn and gets the next number (0…364, then 0 again); the same number is the
    /// same day while it moves through the records. Numbers whose day is known keep it, the others count back from
    /// the nearest later one.
    ///
    /// - Parameters:
    ///   - records: today's first (register 1050), without holes.
    ///   - today: the civil day on which they were read.
    ///   - hour: the local hour at which they were read, 0…23.
    ///   - isProducing: whether the charger produces now, so that its day is today's.
    ///   - known: days by number, of the last weeks.
    static func place(
        _ records: [HistoryDay], of device: String, today: CivilDate, hour: Int, isProducing: Bool,
        known: [Int: CivilDate]
    ) -> [ChargerDayRecord] {
        guard let first = records.first else { return [] }
        // In the dark of the morning the charger's day is still yesterday's.
        let guess = isProducing || hour >= 12 ? today : today - 1
        let fresh = known.filter { today - $0.value <= 40 && $0.value <= today }
        var dates: [CivilDate] = []
        var isAnchored: [Bool] = []
        for record in records {
            let anchor = fresh[record.sequence]
            let limit = dates.last.map { $0 - 1 } ?? (isProducing ? today : guess)
            if let anchor, anchor <= limit, !(dates.isEmpty && isProducing && anchor != today) {
                dates.append(anchor)
                isAnchored.append(true)
            } else {
                dates.append(limit)
                isAnchored.append(dates.count == 1 && (isProducing || record.sequence == first.sequence))
            }
        }
        return records.indices.map { index in
            // A hole in the calendar between this record and a known older one: some day in it had no number.
            let older = (index..<records.count).dropFirst().first { isAnchored[$0] }
            let isUncertain = !isAnchored[index] && older.map { dates[index] - dates[$0] != $0 - index } ?? false
            return ChargerDayRecord(device: device, day: dates[index], record: records[index], isUncertain: isUncertain)
        }
    }
}
