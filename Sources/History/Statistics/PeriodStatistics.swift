/// A range of days in one set of figures.
public struct PeriodStatistics: Sendable, Hashable {
    /// The days, the first and the last included.
    public let days: ClosedRange<CivilDate>
    /// How many of them have figures.
    public let knownDays: Int
    /// By device; amounts and times are sums, extremes are extremes with their times, means are weighted by the time
    /// that is known.
    public let figures: [DayFigures]
    /// The daily yields of each device: least, greatest, mean and median, kWh. The unfinished day is not in them.
    public let dailyYields: [String: Distribution]

    /// Least, greatest, mean and median of some numbers.
    public struct Distribution: Sendable, Hashable {
        /// How many there are.
        public let count: Int
        /// The least.
        public let minimum: Double
        /// The greatest.
        public let maximum: Double
        /// The mean.
        public let mean: Double
        /// The middle one.
        public let median: Double

        /// Of some numbers; nil for none.
        public init?(_ values: [Double]) {
            guard let low = values.min(), let high = values.max(), let middle = History.median(values) else {
                return nil
            }
            count = values.count
            minimum = low
            maximum = high
            mean = values.reduce(0, +) / Double(values.count)
            median = middle
        }
    }

    private static let sums: Set<String> = [
        "yield", "charge_in", "charge_out", "energy_in", "energy_out", "negative_day", "negative_night", "overnight",
        "full_time", "solar", "consumption", "direct", "other_sources", "known", "compare.morning", "compare.noon",
        "compare.evening", "compare.time",
    ]
    private static let latest: Set<String> = ["lifetime_yield", "last_seen", "capacity", "autonomy"]

    /// Joins the figures of days, in their order.
    ///
    /// - Parameter unfinished: the running day. It counts in sums and extremes, and not as a day of ``dailyYields``.
    public init(_ days: ClosedRange<CivilDate>, _ all: [DayFigures], unfinished: CivilDate? = nil) {
        self.days = days
        knownDays = Set(all.map(\.day)).count
        var joined: [String: DayFigures] = [:]
        var means: [String: [String: (sum: Double, weight: Double)]] = [:]
        var yields: [String: [Double]] = [:]
        for day in all {
            var total = joined[day.device] ?? DayFigures(day: days.upperBound, device: day.device)
            for (figure, value) in day.values {
                if Self.sums.contains(figure) || figure.hasPrefix("state.") || figure.hasSuffix(".known") {
                    total[figure] = (total[figure] ?? 0) + value
                } else if Self.latest.contains(figure) || figure.hasSuffix(".last") {
                    total[figure] = value
                } else if figure == "yield_source" {
                    total[figure] = max(total[figure] ?? 0, value)
                } else if figure.hasSuffix(".min") || figure.hasSuffix(".max") || figure == "maximum_power" {
                    let isLess = figure.hasSuffix(".min")
                    if total[figure].map({ isLess ? value < $0 : value > $0 }) ?? true {
                        total[figure] = value
                        total[figure + "_at"] = day[figure + "_at"]
                    }
                } else if figure.hasSuffix(".mean") {
                    let weight = day[String(figure.dropLast(5)) + ".known"] ?? 0
                    let old = means[day.device, default: [:]][figure] ?? (0, 0)
                    means[day.device, default: [:]][figure] = (old.sum + value * weight, old.weight + weight)
                }
            }
            if day.day != unfinished, let yield = day["yield"] { yields[day.device, default: []].append(yield) }
            joined[day.device] = total
        }
        for (device, figures) in means {
            for (figure, mean) in figures where mean.weight > 0 { joined[device]?[figure] = mean.sum / mean.weight }
        }
        if var plant = joined[DayFigures.plant] {
            if let consumption = plant["consumption"], consumption > 0, let solar = plant["solar"] {
                plant["self_sufficiency"] = min(100, solar / consumption * 100)
            }
            joined[DayFigures.plant] = plant
            DayFold.addShares(&joined)
        }
        figures = joined.sorted { $0.key < $1.key }.map(\.value)
        dailyYields = yields.compactMapValues { Distribution($0) }
    }
}
