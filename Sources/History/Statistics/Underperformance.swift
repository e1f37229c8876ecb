import Glibc

/// A charger that gives less than it should, as far as the data can tell.
public struct Underperformance: Sendable, Hashable {
    /// What it looks like.
    public enum Kind: String, Sendable {
        /// From one day to the next, at all hours, and it stays: a string, a fuse, a cable, a new obstacle.
        case loss
        /// The same, and the loss is near a half, a third or a quarter: one string of two, three or four.
        case failedString = "failed_string"
        /// Nearly nothing from one day to the next for some days: snow, leaves, a cover.
        case covered
        /// Slowly over weeks, or at some hours only: the shade of a season.
        case shade
        /// A little every month, over a year: age or dirt.
        case degradation

        /// Whether somebody should look at it.
        public var isAlarm: Bool { self == .loss || self == .failedString }
    }

    /// The charger.
    public let device: String
    /// What it looks like.
    public let kind: Kind
    /// The first day of it.
    public let since: CivilDate
    /// The day on which the data were enough to say so.
    public let noticed: CivilDate
    /// The last day of it; nil while it lasts.
    public var until: CivilDate?
    /// How much less it gives, %; for ``Kind/degradation`` % per year.
    public let less: Double
    /// How sure it is, 0…1.
    public let confidence: Double
}

/// Finds the charger that falls behind, by its own share and its own past.
///
/// Compared is only energy from the time when all chargers gave what their panels had: a charger whose battery is full
/// or that is switched off falls behind nobody. The logarithm of one charger's energy by another's, day by day, knows
/// neither the weather nor the sizes of the panels; what it was in the days before is what is usual. A charger has
/// fallen behind when it has done so against most of the others: then it is not another one that rose.
public struct UnderperformanceWatch: Sendable {
    /// Days that must agree before anything is said, and days before them that tell what was usual just then.
    static let recent = 6
    static let before = 8
    /// Days of the past that tell how much the ratio moves by itself, and how many of them must be known.
    static let memory = 45
    static let enough = 15
    /// The least loss that counts, as a logarithm: 7 %.
    static let least = 0.0726
    /// Days within which recent days must lie, so that an outage is no witness.
    static let span = 16

    /// A day's comparable energy of a charger, kWh, by thirds of the day.
    private struct Day {
        var thirds: [Double]
        var total: Double { thirds.reduce(0, +) }
    }

    /// A day of one charger: the logarithm of its energy by each of the others', for the day and its thirds.
    private struct Point {
        var date: CivilDate
        var whole: [Double?]
        var thirds: [[Double?]]
    }

    /// The findings, the oldest first.
    ///
    /// - Parameter figures: of all days and chargers.
    public static func findings(in figures: [DayFigures]) -> [Underperformance] {
        var days: [CivilDate: [String: Day]] = [:]
        for day in figures {
            guard let morning = day["compare.morning"], let noon = day["compare.noon"],
                let evening = day["compare.evening"]
            else { continue }
            days[day.day, default: [:]][day.device] = Day(thirds: [morning, noon, evening])
        }
        let devices = Set(days.values.flatMap(\.keys)).sorted()
        guard devices.count > 1 else { return [] }
        // A dark day says little, and what says little says it loudly.
        let usual = median(days.values.compactMap { $0.values.map(\.total).max() }) ?? 0
        let dates = days.keys.filter { date in
            let best = days[date]?.values.map(\.total).max() ?? 0
            return best >= max(0.05, usual * 0.08)
        }.sorted()
        var findings: [Underperformance] = []
        for device in devices {
            let others = devices.filter { $0 != device }
            let points = dates.compactMap { date -> Point? in
                guard let all = days[date], let own = all[device] else { return nil }
                func ratio(_ part: (Day) -> Double) -> [Double?] {
                    others.map { name in
                        // A kWh counter's step is 0.01: below that there is nothing to compare.
                        guard let other = all[name], part(other) >= 0.02 else { return nil }
                        return log(max(part(own), 0.0005) / part(other))
                    }
                }
                let whole = ratio(\.total)
                guard whole.contains(where: { $0 != nil }) else { return nil }
                return Point(date: date, whole: whole, thirds: (0..<3).map { third in ratio { $0.thirds[third] } })
            }
            findings += scan(device, points)
        }
        return findings.sorted { ($0.since, $0.device) < ($1.since, $1.device) }
    }

    private static func scan(_ device: String, _ points: [Point]) -> [Underperformance] {
        var findings: [Underperformance] = []
        var alarm: (finding: Underperformance, usual: [Double?], log: Double)?
        var quiet = 0
        for end in points.indices {
            if var running = alarm {
                // Better again when five days in a row say so, by most of the others and against none: one of them may
                // have fallen behind itself.
                let shifts = zip(points[end].whole, running.usual).compactMap { pair in
                    pair.0.flatMap { now in pair.1.map { now - $0 } }
                }
                let isBetter = upperMedian(shifts) ?? -1 > running.log * 0.4
                quiet = isBetter && shifts.min() ?? -1 > running.log * 0.75 ? quiet + 1 : 0
                guard quiet >= 5 else { continue }
                running.finding.until = points[end - 4].date - 1
                findings.append(finished(running.finding, last: points[end].date))
                alarm = nil
                quiet = 0
                continue
            }
            guard let found = step(at: end, points, device) else { continue }
            // Right after an end the days before are not what is usual.
            if let last = findings.last?.until, points[end].date - last < before + recent { continue }
            alarm = found
            quiet = 0
        }
        if let running = alarm, let last = points.last?.date { findings.append(finished(running.finding, last: last)) }
        findings += shades(device, points, findings)
        if let slow = degradation(device, points, findings) { findings.append(slow) }
        return findings
    }

    /// Whether the days up to `end` show that something broke a few days before.
    private static func step(
        at end: Int, _ points: [Point], _ device: String
    ) -> (finding: Underperformance, usual: [Double?], log: Double)? {
        let start = end - recent + 1
        guard start >= enough, points[end].date - points[start].date <= span else { return nil }
        let now = points[start...end]
        let just = points[max(0, start - before)..<start]
        let past = points[max(0, start - memory)..<start]
        var shifts: [Double?] = []
        var usual: [Double?] = []
        var surest = 0.0
        for other in points[end].whole.indices {
            let nowValues = now.compactMap { $0.whole[other] }
            let justValues = just.compactMap { $0.whole[other] }
            guard nowValues.count >= recent - 1, justValues.count >= before / 2, let level = median(nowValues),
                let was = median(justValues)
            else {
                shifts.append(nil)
                usual.append(nil)
                continue
            }
            // On most days nothing has happened, which is seen at once.
            guard level - was < -least / 2 else {
                shifts.append(level - was)
                usual.append(was)
                continue
            }
            let pastValues = past.compactMap { $0.whole[other] }
            guard pastValues.count >= enough, let long = median(pastValues) else {
                shifts.append(nil)
                usual.append(nil)
                continue
            }
            // What the ratio does from day to day by itself, without slow changes.
            let moves = zip(pastValues, pastValues.dropFirst()).map { abs($1 - $0) }
            let sigma = max(0.004, 1.4826 * (median(moves) ?? 0) / 2.0.squareRoot())
            let error = sigma * 1.25 * (1 / Double(nowValues.count) + 1 / Double(justValues.count)).squareRoot()
            let shift = max(level - was, level - long)
            let agreeing = nowValues.filter { $0 - was < shift / 2 }.count
            let isSure =
                shift < -3.5 * error && agreeing >= nowValues.count - 1
                && isStep(justValues, nowValues, was: was, level: level)
            shifts.append(isSure ? shift : max(shift, -least / 2))
            usual.append(was)
            surest = max(surest, -shift / error)
        }
        guard let shift = upperMedian(shifts), shift <= -least else { return nil }
        // What breaks does so at all hours; a shade has its hours.
        for third in 0..<3 {
            var changes: [Double?] = []
            for other in points[end].whole.indices {
                let nowValues = now.compactMap { $0.thirds[third][other] }
                let justValues = just.compactMap { $0.thirds[third][other] }
                guard nowValues.count >= 3, justValues.count >= 3, let level = median(nowValues),
                    let was = median(justValues)
                else { continue }
                changes.append(level - was)
            }
            if let change = upperMedian(changes), change > shift * 0.35 { return nil }
        }
        // The first of the days in a row that belong to the lower level.
        var first = end
        while first > start - before, first > 0 {
            let value = upperMedian(
                zip(points[first - 1].whole, usual).map { pair in
                    pair.0.flatMap { now in pair.1.map { now - $0 } }
                })
            guard let value, value < shift / 2 else { break }
            first -= 1
        }
        let witnesses = shifts.compactMap { $0 }.count
        let finding = Underperformance(
            device: device, kind: .loss, since: points[first].date, noticed: points[end].date, until: nil,
            less: (1 - exp(shift)) * 100, confidence: (1 - exp(-surest / 5)) * (witnesses > 1 ? 1 : 0.6))
        return (finding, usual, shift)
    }

    /// Whether two levels say it better than one slope.
    private static func isStep(_ just: [Double], _ now: [Double], was: Double, level: Double) -> Bool {
        let all = just + now
        let half = all.count / 2
        let slopes = (0..<half).map { (all[$0 + half] - all[$0]) / Double(half) }
        guard let slope = median(slopes), let base = median(all.indices.map { all[$0] - slope * Double($0) }) else {
            return false
        }
        let byLine = all.indices.reduce(0) { $0 + abs(all[$1] - base - slope * Double($1)) }
        let bySteps = just.reduce(0) { $0 + abs($1 - was) } + now.reduce(0) { $0 + abs($1 - level) }
        return bySteps < byLine * 0.8
    }

    /// The middle, of two middle ones the greater: the sound ones are the rule, and one of two that rose is no fault of
    /// the third.
    private static func upperMedian(_ values: [Double?]) -> Double? {
        let sorted = values.compactMap { $0 }.sorted()
        return sorted.isEmpty ? nil : sorted[sorted.count / 2]
    }

    /// Gives the finding its name, now that it is known how long it lasted.
    private static func finished(_ finding: Underperformance, last: CivilDate) -> Underperformance {
        let days = (finding.until ?? last) - finding.since
        var kind = Underperformance.Kind.loss
        if finding.less >= 70, finding.until != nil ? days <= 21 : days < 14 {
            kind = .covered
        } else if [25.0, 100 / 3, 50, 200 / 3].contains(where: { abs(finding.less - $0) <= 4 }) {
            kind = .failedString
        }
        return Underperformance(
            device: finding.device, kind: kind, since: finding.since, noticed: finding.noticed, until: finding.until,
            less: finding.less, confidence: finding.confidence)
    }

    /// Slow losses that come and go: the median of fifteen days against the best of the months before.
    private static func shades(
        _ device: String, _ points: [Point], _ known: [Underperformance]
    ) -> [Underperformance] {
        let window = 15
        guard points.count >= window * 3, let count = points.first?.whole.count else { return [] }
        var smooth: [[Double?]] = []
        for end in points.indices.dropFirst(window - 1) {
            let part = points[end - window + 1...end]
            smooth.append(
                (0..<count).map { other in
                    let values = part.compactMap { $0.whole[other] }
                    return values.count >= window / 2 ? median(values) : nil
                })
        }
        var findings: [Underperformance] = []
        var since: Int?
        var noticed: Int?
        var worst = 0.0
        // The last 150 of each, in order: sorted anew every day they would take most of the time.
        var windows = [[Double]](repeating: [], count: count)
        for index in smooth.indices {
            for other in 0..<count {
                if let value = smooth[index][other] {
                    windows[other].insert(value, at: place(of: value, in: windows[other]))
                }
                if index > 150, let old = smooth[index - 151][other] {
                    windows[other].remove(at: place(of: old, in: windows[other]))
                }
            }
            guard index >= window * 2 else { continue }
            let date = points[index + window - 1].date
            if known.contains(where: { $0.since <= date && date <= ($0.until ?? date) + window }) {
                (since, noticed, worst) = (nil, nil, 0)
                continue
            }
            let shift = upperMedian(
                (0..<count).map { other in
                    guard let now = smooth[index][other], windows[other].count >= window else { return nil }
                    return now - windows[other][windows[other].count * 9 / 10]
                })
            guard let shift else { continue }
            if shift < -0.05 {
                since = since ?? index
                worst = min(worst, shift)
                if shift < -0.105 { noticed = noticed ?? index }
            } else if let first = since {
                if let seen = noticed {
                    findings.append(
                        Underperformance(
                            device: device, kind: .shade, since: points[first + window / 2].date,
                            noticed: points[seen + window - 1].date, until: date, less: (1 - exp(worst)) * 100,
                            confidence: 0.6))
                }
                (since, noticed, worst) = (nil, nil, 0)
            }
        }
        if let first = since, let seen = noticed {
            findings.append(
                Underperformance(
                    device: device, kind: .shade, since: points[first + window / 2].date,
                    noticed: points[seen + window - 1].date, until: nil, less: (1 - exp(worst)) * 100, confidence: 0.5))
        }
        return findings
    }

    /// Where a value stands, or would stand, in a sorted list.
    private static func place(of value: Double, in sorted: [Double]) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The same days a year later, which knows no season.
    private static func degradation(
        _ device: String, _ points: [Point], _ known: [Underperformance]
    ) -> Underperformance? {
        guard let first = points.first, let last = points.last, last.date - first.date >= 400 else { return nil }
        func isQuiet(_ date: CivilDate) -> Bool {
            !known.contains { $0.kind != .shade && $0.since <= date && date <= ($0.until ?? date) }
        }
        let byDate = Dictionary(points.map { ($0.date, $0) }, uniquingKeysWith: { first, _ in first })
        var changes: [Double] = []
        for point in points where isQuiet(point.date) {
            guard let later = byDate[point.date + 365], isQuiet(later.date) else { continue }
            let change = upperMedian(
                zip(point.whole, later.whole).map { pair in
                    pair.0.flatMap { then in pair.1.map { $0 - then } }
                })
            if let change { changes.append(change) }
        }
        guard changes.count >= 30, let middle = median(changes) else { return nil }
        let spread = 1.4826 * (median(changes.map { abs($0 - middle) }) ?? 0)
        // Neighbouring days are alike: count weeks, not days.
        let error = max(0.001, spread * 1.25 / (Double(changes.count) / 7).squareRoot())
        guard middle < -0.01, -middle > 3 * error else { return nil }
        return Underperformance(
            device: device, kind: .degradation, since: first.date, noticed: last.date, until: nil,
            less: (1 - exp(middle)) * 100, confidence: 1 - exp(middle / error / 5))
    }
}
