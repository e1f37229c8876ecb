/// How long what is kept.
public struct HistoryRetention: Sendable, Hashable {
    /// Days for which every sample is kept; at least 2.
    public var samples: Int
    /// Days for which the minutes are kept.
    public var minutes: Int
    /// Days for which the quarters of an hour are kept.
    public var quarters: Int
    /// Bytes that the file may have; beyond it samples go first, then minutes, then quarters. Days always stay.
    public var maximumSize: Int

    /// A week of samples, a quarter of a year of minutes, five years of quarters of an hour, days for ever, 400 MB.
    public init(samples: Int = 7, minutes: Int = 92, quarters: Int = 1830, maximumSize: Int = 400_000_000) {
        self.samples = max(2, samples)
        self.minutes = max(2, minutes)
        self.quarters = max(2, quarters)
        self.maximumSize = max(4_000_000, maximumSize)
    }
}

/// What the file holds.
public struct HistorySize: Sendable, Hashable {
    /// Bytes of the file, free pages included.
    public var file: Int
    /// Bytes of the file that are free to be used again.
    public var free: Int
    /// Rows: minutes of samples, hours of minutes, days of quarters, figures, the chargers' own days.
    public var rows: [String: Int]
}
