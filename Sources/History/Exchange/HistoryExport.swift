import Foundation
import GRDB

/// What is exported, and read back.
extension HistoryStore {
    /// A part of the history.
    public enum Tier: String, Sendable, CaseIterable {
        /// Every sample.
        case samples
        /// A row a minute and series.
        case minutes
        /// A row a quarter of an hour and series.
        case quarters
        /// The figures of the days, and the chargers' own days.
        case days
    }

    /// Writes the history out, line by line.
    ///
    /// - Parameters:
    ///   - format: the format.
    ///   - tiers: what is written; all of it can be read back into the same history.
    ///   - days: the days; nil for all.
    ///   - line: takes a line without its end.
    public func export(
        as format: ExchangeFormat, tiers: Set<Tier> = Set(Tier.allCases), days: ClosedRange<CivilDate>? = nil,
        to line: (String) -> Void
    ) throws(HistoryError) {
        try reading { db in
            if let heading = format.heading { line(heading) }
            func put(_ row: ExchangeRow) { line(format.line(row, zone: zone)) }
            let series = Dictionary(try allSeries(db).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            let from = max(days.map { Double(zone.start(of: $0.lowerBound)) } ?? 0, HistoryLimits.seconds.lowerBound)
            let last = days.map { Double(zone.start(of: $0.upperBound + 1)) } ?? HistoryLimits.seconds.upperBound
            let to = max(from, min(last, HistoryLimits.seconds.upperBound))
            if tiers.contains(.days) {
                for figures in try figures(
                    from: days?.lowerBound ?? CivilDate(number: HistoryLimits.days.lowerBound),
                    to: days?.upperBound ?? CivilDate(number: HistoryLimits.days.upperBound), db)
                {
                    for (figure, value) in figures.values.sorted(by: { $0.key < $1.key }) {
                        put(
                            ExchangeRow(
                                kind: .figure, day: figures.day, device: figures.device, name: figure, value: value))
                    }
                }
                for record in try allChargerDays(db) where days?.contains(record.day) ?? true {
                    for (name, value) in Self.parts(of: record) {
                        put(
                            ExchangeRow(
                                kind: .chargerDay, day: record.day, device: record.device, name: name, value: value))
                    }
                }
            }
            for (tier, table, kind, length, perRow) in [
                (Tier.quarters, HistoryTable.quarters, ExchangeRow.Kind.quarter, 900.0, 96),
                (.minutes, .minutes, .minute, 60.0, 60),
            ] where tiers.contains(tier) {
                let span = length * Double(perRow)
                let ids = Self.rowID(Int(from / span), series: 0)..<Self.rowID(Int(to / span) + 1, series: 0)
                try forEachSlotRow(table, in: ids, full: Int(length) * 10, db) { id, slots in
                    let start = Double(id >> 16) * span
                    guard let series = series[id & 0xFFFF] else { return }
                    for (index, slot) in slots.enumerated() {
                        let time = start + Double(index) * length
                        guard let slot, time >= from, time < to else { continue }
                        put(Self.row(kind, time, slot, series))
                    }
                }
            }
            if tiers.contains(.samples) {
                try forEachMinute(in: Int(from / 60)..<Int(to / 60), db) { minute, bytes in
                    MinuteBlock.forEachRun(packed: bytes) { id, isDerived, times, values in
                        guard let series = series[id] else { return }
                        for (time, value) in zip(times, values) {
                            put(
                                ExchangeRow(
                                    kind: .sample, time: Double(minute) * 60 + Double(time) / 10, device: series.device,
                                    name: series.quantity.rawValue, unit: series.unit,
                                    value: Double(value) / series.scale, isDerived: isDerived))
                        }
                    }
                }
            }
            guard tiers.count == Tier.allCases.count, days == nil else { return }
            // So that what is read back is not worked out again, from less than there once was.
            for key in Self.marks {
                if let value = try meta(key, db) { put(ExchangeRow(kind: .state, name: key, value: Double(value))) }
            }
        }
    }

    static let marks = ["rolled_hour", "rolled_day", "closed_day"]

    private static func row(_ kind: ExchangeRow.Kind, _ time: Double, _ slot: Slot, _ series: Series) -> ExchangeRow {
        ExchangeRow(
            kind: kind, time: time, device: series.device, name: series.quantity.rawValue, unit: series.unit,
            value: Double(slot.last) / series.scale, known: Double(slot.known) / 10,
            mean: Double(slot.mean) / 16 / series.scale, minimum: Double(slot.minimum) / series.scale,
            maximum: Double(slot.maximum) / series.scale)
    }

    static func parts(of record: ChargerDayRecord) -> [(String, Double)] {
        [
            ("sequence", Double(record.sequence)), ("yield", record.yield), ("maximum_power", record.maximumPower),
            ("maximum_voltage", record.maximumVoltage), ("minimum_voltage", record.minimumVoltage),
            ("bulk", record.bulk), ("absorption", record.absorption), ("float", record.float),
            ("uncertain", record.isUncertain ? 1 : 0),
        ]
    }
}
