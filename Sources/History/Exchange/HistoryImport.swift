import Foundation
import GRDB

/// Reads exported files line by line into a history.
///
/// Lines may come in any order; those of an export come in the order that is fastest. What is there already is replaced
/// by what is read, nothing else is touched.
public struct HistoryImport: ~Copyable {
    /// What was read.
    public struct Count: Sendable, Hashable {
        /// Lines with content.
        public var lines = 0
        /// Samples.
        public var samples = 0
        /// Minutes and quarters of an hour.
        public var slots = 0
        /// Figures of days.
        public var figures = 0
        /// Chargers' own days.
        public var chargerDays = 0
    }

    private let store: HistoryStore
    private let isFresh: Bool
    private var format: ExchangeFormat?
    private var columns: [String] = []
    private var lineNumber = 0
    /// What was read so far.
    public private(set) var count = Count()

    private var series: [SeriesKey: Series] = [:]
    private var devices: Set<String>
    private var minutes: [Int: MinuteBlock] = [:]
    private var slots: [SlotKey: [Slot?]] = [:]
    private var figures: [FigureKey: [String: Double]] = [:]
    private var days: [FigureKey: [String: Double]] = [:]
    private var marks: [String: Int] = [:]
    private var waiting = 0

    private struct SeriesKey: Hashable {
        var device: String
        var name: String
        var unit: String
    }
    private struct SlotKey: Hashable {
        var isMinute: Bool
        var id: Int
    }
    private struct FigureKey: Hashable {
        var day: Int
        var device: String
    }

    /// Reads into `store`, which must be open to be written.
    ///
    /// - Parameter format: nil to find it out by the first line.
    public init(into store: HistoryStore, format: ExchangeFormat? = nil) throws(HistoryError) {
        // A power cut may undo the end of an import, which can be repeated; an fsync for each part of it costs more.
        try store.setSynchronous("NORMAL")
        let (isFresh, devices) = try store.reading { db in
            let isFresh = try store.newestMinute(db) == nil && store.edgeDay(.first, db) == nil
            return (isFresh, Set(try store.deviceNames(db).values))
        }
        self.store = store
        self.format = format
        self.isFresh = isFresh
        self.devices = devices
    }

    /// Takes a line without its end; empty ones and those that begin with `#` are passed over.
    ///
    /// - Throws: ``HistoryError/badLine(_:_:)`` for a line that was left out; the next one can be taken.
    public mutating func take(_ text: some StringProtocol) throws(HistoryError) {
        lineNumber += 1
        var text = String(text)
        if text.hasSuffix("\r") { text.removeLast() }
        guard !text.isEmpty, !text.hasPrefix("#") else { return }
        let format: ExchangeFormat
        if let known = self.format {
            format = known
        } else {
            format = text.hasPrefix("{") ? .json : text.hasPrefix("vebridge_") ? .lineProtocol : .csv
            self.format = format
        }
        var row = ExchangeRow(kind: .sample)
        let members: [(String, String)]
        switch format {
        case .csv:
            let fields = ExchangeFormat.fields(ofLine: text)
            guard !columns.isEmpty else {
                guard fields.contains("name"), fields.contains("device"), fields.contains("time") else {
                    throw .notExported(
                        lineNumber,
                        "the first line must name the columns: " + ExchangeRow.columns.joined(separator: ","))
                }
                columns = fields
                return
            }
            guard fields.count == columns.count else {
                throw .badLine(lineNumber, "\(fields.count) fields instead of \(columns.count)")
            }
            members = Array(zip(columns, fields))
        case .json:
            guard let found = ExchangeFormat.members(ofObject: text) else {
                throw .badLine(lineNumber, "not a JSON object of texts and numbers")
            }
            members = found
        case .lineProtocol:
            guard let found = ExchangeFormat.members(ofPoint: text) else {
                throw .badLine(lineNumber, "not a point of vebridge's in line protocol")
            }
            members = found
        }
        for (column, field) in members {
            if let fault = row.set(column, field) { throw .badLine(lineNumber, fault) }
        }
        if let fault = row.fault { throw .badLine(lineNumber, fault) }
        count.lines += 1
        try keep(row)
        waiting += 1
        // A slot alone in its row takes room for a whole row.
        if waiting >= 100_000 || slots.count >= 4096 { try flush() }
    }

    /// Writes what still waits, and works out what follows from it.
    public mutating func finish() throws(HistoryError) {
        try flush()
        try workOut()
        try store.setSynchronous("FULL")
    }

    private func workOut() throws(HistoryError) {
        let (store, marks, isFresh) = (store, marks, isFresh)
        // What was exported whole is worked out already.
        let isDone = try store.writing { db in
            guard isFresh else { return false }
            guard marks.isEmpty else {
                for (key, value) in marks { try store.setMeta(key, value, db) }
                try db.execute(sql: "DELETE FROM stale")
                return true
            }
            // Tiers without the samples that they came from are as complete as they will ever be.
            guard try store.newestMinute(db) == nil else { return false }
            let ends = [
                ("rolled_hour", try store.lastRow(of: .minutes, db)),
                ("rolled_day", try store.lastRow(of: .quarters, db)),
                ("closed_day", try store.edgeDay(.last, db)),
            ]
            for (key, last) in ends { if let last { try store.setMeta(key, last, db) } }
            return true
        }
        guard !isDone, let newest = try store.newest() else { return }
        while try store.writing({ try !store.rollUp(newest: newest, budget: 256, $0) }) {}
        while try store.writing({ try !store.closeDays(newest: newest, budget: 16, $0) }) {}
    }

    private mutating func keep(_ row: ExchangeRow) throws(HistoryError) {
        switch row.kind {
        case .sample:
            guard let time = row.time, HistoryLimits.seconds.contains(time) else {
                throw .badLine(lineNumber, "the time is not from 1970 to 2199")
            }
            guard let series = try series(row), let steps = row.value.flatMap({ series.steps($0) })
            else { throw .badLine(lineNumber, "the value cannot be kept") }
            let tenths = Int((time * 10).rounded())
            let minute = tenths / 600
            minutes[minute, default: MinuteBlock()].add(
                series: series.id, time: UInt16(tenths - minute * 600), value: steps, isDerived: row.isDerived)
            count.samples += 1
        case .minute, .quarter:
            let isMinute = row.kind == .minute
            let length = isMinute ? 60 : 900
            let perRow = isMinute ? 60 : 96
            guard let time = row.time, HistoryLimits.seconds.contains(time) else {
                throw .badLine(lineNumber, "the time is not from 1970 to 2199")
            }
            guard let series = try series(row), let known = row.known,
                (0...Double(length)).contains(known), let mean = row.mean.flatMap({ series.steps($0 * 16) }),
                let minimum = row.minimum.flatMap({ series.steps($0) }),
                let maximum = row.maximum.flatMap({ series.steps($0) }),
                let last = row.value.flatMap({ series.steps($0) })
            else { throw .badLine(lineNumber, "the values cannot be kept") }
            let slot = Int(time) / length
            let key = SlotKey(isMinute: isMinute, id: HistoryStore.rowID(slot / perRow, series: series.id))
            slots[key, default: [Slot?](repeating: nil, count: perRow)][slot % perRow] = Slot(
                known: Int((known * 10).rounded()), minimum: minimum, maximum: maximum, last: last, mean: mean)
            count.slots += 1
        case .figure:
            guard let day = row.day, let value = row.value else { return }
            try addDevice(row.device)
            figures[FigureKey(day: day.number, device: row.device), default: [:]][row.name] = value
            count.figures += 1
        case .chargerDay:
            guard let day = row.day, let value = row.value else { return }
            let isGood =
                switch row.name {
                case "sequence": Int(exactly: value).map { HistoryLimits.sequence.contains($0) } ?? false
                case "uncertain": value == 0 || value == 1
                default: HistoryLimits.recordValues.contains(value)
                }
            guard isGood else { throw .badLine(lineNumber, "\(row.name) cannot be \(ExchangeRow.text(value))") }
            try addDevice(row.device)
            days[FigureKey(day: day.number, device: row.device), default: [:]][row.name] = value
        case .state:
            guard HistoryStore.marks.contains(row.name) else { return }
            guard let value = row.value.flatMap({ Int(exactly: $0) }), HistoryLimits.meta(row.name).contains(value)
            else { throw .badLine(lineNumber, "\(row.name) is not from 1970 to 2199") }
            marks[row.name] = value
        }
    }

    private mutating func addDevice(_ name: String) throws(HistoryError) {
        guard !devices.contains(name) else { return }
        guard devices.count < HistoryLimits.devices else {
            throw .badLine(lineNumber, "more than \(HistoryLimits.devices) devices")
        }
        devices.insert(name)
    }

    private mutating func series(_ row: ExchangeRow) throws(HistoryError) -> Series? {
        let key = SeriesKey(device: row.device, name: row.name, unit: row.unit)
        if let found = series[key] { return found }
        let store = store
        let found = try store.writing { db in
            try store.series(device: key.device, quantity: Quantity(rawValue: key.name), unit: key.unit, db)
        }
        guard let found else { throw .badLine(lineNumber, "more than \(Series.limit) quantities of devices") }
        series[key] = found
        return found
    }

    private mutating func flush() throws(HistoryError) {
        let store = store
        let (minutes, slots, figures, days) = (minutes, slots, figures, days)
        let written = try store.writing { db in
            for (minute, block) in minutes.sorted(by: { $0.key < $1.key }) {
                try store.write(block, minute: minute, db)
            }
            for (key, new) in slots.sorted(by: { $0.key.id < $1.key.id }) {
                let table: HistoryTable = key.isMinute ? .minutes : .quarters
                let full = key.isMinute ? 600 : 9000
                var whole = new
                try store.forEachSlotRow(table, in: key.id..<key.id + 1, full: full, db) { _, old in
                    for index in whole.indices where whole[index] == nil { whole[index] = old[index] }
                }
                try db.execute(
                    sql: "INSERT OR REPLACE INTO \(table.rawValue) (id, block) VALUES (?, ?)",
                    arguments: [key.id, Data(SlotBlock.packed(whole, full: full))])
            }
            for (key, values) in figures {
                let day = CivilDate(number: key.day)
                var whole = DayFigures(day: day, device: key.device)
                if let id = try store.knownDeviceID(key.device, db) {
                    whole.values = try store.values(of: day, device: id, db)
                }
                whole.values.merge(values) { _, new in new }
                try store.write([whole], db)
            }
            var written = 0
            for (key, values) in days {
                let day = CivilDate(number: key.day)
                let old = try store.chargerDays(of: key.device, from: day, to: day, db).first
                var whole = old.map { Dictionary(HistoryStore.parts(of: $0), uniquingKeysWith: { $1 }) } ?? [:]
                whole.merge(values) { _, new in new }
                try store.write(
                    ChargerDayRecord(
                        device: key.device, day: day, sequence: Int(whole["sequence"] ?? 0), yield: whole["yield"] ?? 0,
                        maximumPower: whole["maximum_power"] ?? 0, maximumVoltage: whole["maximum_voltage"] ?? 0,
                        minimumVoltage: whole["minimum_voltage"] ?? 0, bulk: whole["bulk"] ?? 0,
                        absorption: whole["absorption"] ?? 0, float: whole["float"] ?? 0,
                        isUncertain: whole["uncertain"] == 1), db)
                written += 1
            }
            return written
        }
        count.chargerDays += written
        self.minutes = [:]
        self.slots = [:]
        self.figures = [:]
        self.days = [:]
        waiting = 0
    }
}
