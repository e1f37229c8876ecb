/// What the values of a history can be. A row with anything else is damaged and is left out.
enum HistoryLimits {
    /// Civil days, since 1970-01-01: from 1969 to 2200.
    static let days = -366...84_371
    /// UTC days since 1970.
    static let utcDays = 0...84_371
    /// Hours since 1970.
    static let hours = 0...(84_371 * 24)
    /// Minutes since 1970.
    static let minutes = 0...(84_371 * 1440)
    /// Seconds since 1970.
    static let seconds = 0.0...(84_371.0 * 86_400)
    /// Numbers of series: the place that a row's number has for them.
    static let series = 1...Series.limit
    /// Numbers of devices.
    static let deviceIDs = 1...1_000_000
    /// Devices that can be added. More than any plant has, so that a device that invents names does no harm.
    static let devices = 4096
    /// Numbers of boots, of which only the latest hundred are kept.
    static let boots = 1...1_000_000_000
    /// Values of any unit.
    static let values = -1e15...1e15
    /// Values in steps of a series, and means in sixteenths of a step.
    static let steps: ClosedRange<Int64> = -1_000_000_000_000_000...1_000_000_000_000_000
    static let sixteenths: ClosedRange<Int64> = -16_000_000_000_000_000...16_000_000_000_000_000
    /// Seconds between a clock since 1970 and one since the start of the machine.
    static let clockOffset = -1e9...8e9
    static let busSkew = -10_000_000_000...10_000_000_000
    /// A charger's numbers of its days.
    static let sequence = 0...65_535
    /// What a charger's record of a day holds: kWh, W, V, seconds.
    static let recordValues = -1e9...1e9
    /// Bytes of a name of a device, a quantity, a unit, a figure.
    static let textLength = 256
    /// Bytes of a packed row.
    static let blockLength = 8_000_000

    /// Numbers of hours and days that are worked out again.
    static let stale = days.lowerBound...hours.upperBound

    /// What can stand under a key of the table meta.
    static func meta(_ key: String) -> ClosedRange<Int> {
        switch key {
        case "rolled_hour": hours
        case "rolled_day": utcDays
        case "closed_day": days
        case "proven_until": minutes
        default: busSkew
        }
    }
}
