import Foundation
import GRDB

/// A value over time, for a chart.
public struct ChartPoint: Sendable, Hashable {
    /// The slot's beginning, seconds since 1970.
    public let time: Double
    /// Seconds of the slot.
    public let length: Double
    /// Weighted by time.
    public let mean: Double
    /// The least.
    public let minimum: Double
    /// The greatest.
    public let maximum: Double
}

/// Questions to the history.
extension HistoryStore {
    /// The figures of a day; of the running day as far as it is written.
    public func figures(of day: CivilDate) throws(HistoryError) -> [DayFigures] {
        try reading { db in
            if let closed = try meta("closed_day", db), day.number <= closed { return try figures(of: day, db) }
            let open = try openDays(upTo: day, db).filter { $0.day == day }
            return open.isEmpty ? try figures(of: day, db) : open
        }
    }

    /// The figures of a range of days, open ones included.
    public func figures(from first: CivilDate, to last: CivilDate) throws(HistoryError) -> [DayFigures] {
        try reading { db in
            var all: [CivilDate: [String: DayFigures]] = [:]
            for figures in try figures(from: first, to: last, db) {
                all[figures.day, default: [:]][figures.device] = figures
            }
            let closed = try meta("closed_day", db)
            if closed.map({ last.number > $0 }) ?? true {
                for figures in try openDays(upTo: last, db) where figures.day >= first {
                    all[figures.day, default: [:]][figures.device] = figures
                }
            }
            return all.sorted { $0.key < $1.key }.flatMap { day in
                day.value.sorted { $0.key < $1.key }.map(\.value)
            }
        }
    }

    /// Which chargers fall or fell behind, by the closed days up to `last`.
    public func findings(upTo last: CivilDate) throws(HistoryError) -> [Underperformance] {
        var days = try reading { try figures(from: last - 800, to: last, prefix: "compare.", $0) }
        // A day compares so many chargers and no more; a file can hold any number.
        let devices = Set(days.map(\.device)).sorted().prefix(64)
        days.removeAll { !devices.contains($0.device) }
        return UnderperformanceWatch.findings(in: days)
    }

    /// Days that are not closed yet: today, as a rule, and at times yesterday.
    func openDays(upTo last: CivilDate, _ db: Database) throws -> [DayFigures] {
        guard let newest = try newestMinute(db), let oldest = try oldestMinute(db) else { return [] }
        let closed = try meta("closed_day", db).map { CivilDate(number: $0) }
        let to = min(last, zone.date(at: Double(newest) * 60))
        let from = max((closed ?? zone.date(at: Double(oldest) * 60) - 1) + 1, to - 2)
        guard from <= to else { return [] }
        // A later day may say more of an earlier one.
        var days: [CivilDate: [String: DayFigures]] = [:]
        for day in from...to {
            let open = days.values.flatMap(\.values)
            for figures in try figures(closing: day, after: open, db) {
                days[figures.day, default: [:]][figures.device] = figures
            }
        }
        return days.values.flatMap(\.values).sorted { ($0.day, $0.device) < ($1.day, $1.device) }
    }

    /// The first and the last day of which there is anything; nil for an empty history.
    public func days() throws(HistoryError) -> ClosedRange<CivilDate>? {
        try reading { db in
            let oldest = try oldestMinute(db)
            let newest = try newestMinute(db)
            let first: [Int?] = [try edgeDay(.first, db), oldest.map { zone.date(at: Double($0) * 60).number }]
            let last: [Int?] = [try edgeDay(.last, db), newest.map { zone.date(at: Double($0) * 60).number }]
            guard let low = first.compactMap({ $0 }).min(), let high = last.compactMap({ $0 }).max() else { return nil }
            return CivilDate(number: low)...CivilDate(number: high)
        }
    }

    /// All series there are.
    public func series() throws(HistoryError) -> [Series] { try reading { try allSeries($0) } }

    /// The series of which these figures tell something; all series where they are few.
    public func series(of figures: [DayFigures]) throws(HistoryError) -> [Series] {
        let all = try series()
        guard all.count > 200 else { return all }
        let known = Dictionary(figures.map { ($0.device, [$0]) }, uniquingKeysWith: +)
        return all.filter { series in
            known[series.device]?.contains { $0[series.quantity.rawValue + ".known"] != nil } ?? false
        }
    }

    /// A series over time in at most `limit` points, or a few more: minutes, quarters of an hour, or several of them
    /// together.
    public func chart(
        _ series: Series, from: Double, to: Double, limit: Int = 1500
    ) throws(HistoryError) -> [ChartPoint] {
        try reading { db in
            let from = max(from, HistoryLimits.seconds.lowerBound)
            let to = min(to, HistoryLimits.seconds.upperBound)
            guard to > from else { return [] }
            let points =
                (to - from) / 60 <= Double(max(limit, 1)) || (to - from) <= 2 * 86_400
                ? try minutePoints(series, from, to, db) : try quarterPoints(series, from, to, db)
            return Self.thinned(points, limit: max(limit, 1), from: from, to: to)
        }
    }

    private func minutePoints(_ series: Series, _ from: Double, _ to: Double, _ db: Database) throws -> [ChartPoint] {
        let first = Int(from / 60)
        let last = Int(to / 60)
        var points: [ChartPoint] = []
        let rolled = try meta("rolled_hour", db) ?? -1
        try forEachSlots(of: series, in: .minutes, from: first / 60, through: min(last / 60, rolled), db) {
            hour, slots in
            for (index, slot) in slots.enumerated() {
                let minute = hour * 60 + index
                guard let slot, minute >= first, minute < last else { continue }
                points.append(Self.point(slot, series, Double(minute) * 60, 60))
            }
        }
        let open = max(first, (rolled + 1) * 60)..<max(last, (rolled + 1) * 60, first)
        if !open.isEmpty {
            for (minute, slot) in try openMinutes(series, open, db) {
                points.append(Self.point(slot, series, Double(minute) * 60, 60))
            }
        }
        return points
    }

    /// Minutes that are not in their tier yet, of one series; a day at a time, for there may be years between samples.
    private func openMinutes(_ series: Series, _ range: Range<Int>, _ db: Database) throws -> [(Int, Slot)] {
        let hold = Int(Self.longestHold / 60)
        var minutes: [(Int, Slot)] = []
        var start = range.lowerBound
        while start < range.upperBound, let next = try oldestMinute(from: start - hold, db), next < range.upperBound {
            start = max(start, next)
            let part = start..<min(start + 1440, range.upperBound)
            var meter = SeriesMeter(series, range: part, longestHold: Self.longestHold)
            try forEachMinute(in: start - hold..<part.upperBound + hold, db) { minute, bytes in
                MinuteBlock.forEachRun(packed: bytes) { id, _, times, values in
                    if id == series.id { meter.add(minute: minute, times: times, values: values) }
                }
            }
            minutes += zip(part, meter.slots()).compactMap { minute, slot in slot.map { (minute, $0) } }
            start = part.upperBound
        }
        return minutes
    }

    private func quarterPoints(_ series: Series, _ from: Double, _ to: Double, _ db: Database) throws -> [ChartPoint] {
        var points: [ChartPoint] = []
        let rolled = try meta("rolled_day", db) ?? -1
        let last = min(Int(to / 86_400), rolled)
        try forEachSlots(of: series, in: .quarters, from: Int(from / 86_400), through: last, db) { day, slots in
            for (index, slot) in slots.enumerated() {
                let time = Double(day) * 86_400 + Double(index) * 900
                guard let slot, time >= from, time < to else { continue }
                points.append(Self.point(slot, series, time, 900))
            }
        }
        let open = max(from, Double(rolled + 1) * 86_400)
        if open < to { points += Self.joined(try minutePoints(series, open, to, db), length: 900) }
        return points
    }

    /// Hands on the slots of a series, hour by hour or day by day; where nothing is kept it goes on at the next row.
    private func forEachSlots(
        of series: Series, in table: HistoryTable, from first: Int, through last: Int, _ db: Database,
        _ body: (_ unit: Int, _ slots: [Slot?]) -> Void
    ) throws {
        var unit = first
        while unit <= last {
            let id = Self.rowID(unit, series: series.id)
            var isFound = false
            try forEachSlotRow(table, in: id..<id + 1, full: table == .minutes ? 600 : 9000, db) { _, slots in
                isFound = true
                body(unit, slots)
            }
            unit += 1
            guard !isFound, unit <= last else { continue }
            guard let next = try firstRow(of: table, from: unit, db) else { return }
            unit = max(unit, next)
        }
    }

    private static func point(_ slot: Slot, _ series: Series, _ time: Double, _ length: Double) -> ChartPoint {
        ChartPoint(
            time: time, length: length, mean: Double(slot.mean) / 16 / series.scale,
            minimum: Double(slot.minimum) / series.scale, maximum: Double(slot.maximum) / series.scale)
    }

    private static func thinned(_ points: [ChartPoint], limit: Int, from: Double, to: Double) -> [ChartPoint] {
        guard points.count > limit, let length = points.first?.length else { return points }
        let factor = (Double(points.count) / Double(limit)).rounded(.up)
        return joined(points, length: length * factor)
    }

    /// Neighbours as one point each `length` seconds.
    private static func joined(_ points: [ChartPoint], length: Double) -> [ChartPoint] {
        var result: [ChartPoint] = []
        var sum = 0.0
        var count = 0.0
        for point in points {
            let time = (point.time / length).rounded(.down) * length
            if let last = result.last, last.time == time {
                sum += point.mean
                count += 1
                result[result.count - 1] = ChartPoint(
                    time: time, length: length, mean: sum / count, minimum: min(last.minimum, point.minimum),
                    maximum: max(last.maximum, point.maximum))
            } else {
                sum = point.mean
                count = 1
                result.append(
                    ChartPoint(
                        time: time, length: length, mean: point.mean, minimum: point.minimum, maximum: point.maximum))
            }
        }
        return result
    }

    /// The distribution of a quantity over a range of days: the median of the quarters' means, of the minutes' where
    /// the range is short; nil if nothing is known.
    public func median(of series: Series, from first: CivilDate, to last: CivilDate) throws(HistoryError) -> Double? {
        let from = Double(zone.start(of: first))
        let to = Double(zone.start(of: last + 1))
        let points = try chart(series, from: from, to: to, limit: .max)
        return weightedMedian(points.map { (value: $0.mean, weight: $0.length) })
    }
}
