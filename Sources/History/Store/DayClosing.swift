import Foundation
import GRDB

/// Samples and the chargers' own records into the figures of civil days.
extension HistoryStore {
    /// The figures of a day as they follow from what is stored now, written or not.
    ///
    /// - Parameter open: figures of days before that are not written yet.
    /// - Returns: by day; the day itself, and the days before it to which energy belongs that came unseen.
    func figures(closing day: CivilDate, after open: [DayFigures] = [], _ db: Database) throws -> [DayFigures] {
        let series = try allSeries(db)
        var fold = DayFold(
            day: day, zone: zone, series: series, carry: try carry(into: day, series, after: open, db),
            longestHold: Self.longestHold)
        try forEachMinute(in: fold.firstMinute..<fold.endMinute, db) { minute, bytes in
            fold.add(minute: minute, packed: bytes)
        }
        return try figures(from: fold, after: open, db)
    }

    /// The same, from samples that were folded already.
    func figures(from fold: DayFold, after open: [DayFigures] = [], _ db: Database) throws -> [DayFigures] {
        var result = fold.result()
        var days: [CivilDate: [String: DayFigures]] = [:]
        for (device, unseen) in result.unseen.sorted(by: { $0.key < $1.key }) {
            try divide(
                unseen.energy, since: unseen.since, of: device, fold: fold, &result.figures, &days, after: open, db)
        }
        if var plant = result.figures[DayFigures.plant] {
            plant["yield"] = Self.yieldSum(result.figures)
            result.figures[DayFigures.plant] = plant
            DayFold.addShares(&result.figures)
        }
        days[fold.day] = result.figures
        try addOutlook(&days[fold.day, default: [:]], day: fold.day, db)
        return days.sorted { $0.key < $1.key }.flatMap { day in
            day.value.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    private static func yieldSum(_ figures: [String: DayFigures]) -> Double? {
        let yields = figures.filter { $0.key != DayFigures.plant }.sorted { $0.key < $1.key }
            .compactMap { $0.value["yield"] }
        return yields.isEmpty ? nil : yields.reduce(0, +)
    }

    /// What the days before leave for a day.
    func carry(
        into day: CivilDate, _ series: [Series], after open: [DayFigures] = [], _ db: Database
    ) throws -> DayFold.Carry {
        var carry = DayFold.Carry()
        // Only what has a counter leaves one.
        let devices = Set(series.filter { [.panelPower, .systemYield].contains($0.quantity) }.map(\.device))
        for (device, last) in try lastSeenDays(of: devices, before: day, db) {
            guard let id = try knownDeviceID(device, db) else { continue }
            let values = try values(of: last, device: id, db)
            carry.lifetimes[device] = values["lifetime_seen"] ?? values["lifetime_yield"]
            carry.lastSeen[device] = values["last_seen"]
        }
        for figures in try figures(of: day - 1, db) + open.filter({ $0.day == day - 1 }) {
            if let after = figures["night_after"] { carry.nightAfter[figures.device] = after }
        }
        for figures in open.sorted(by: { $0.day < $1.day }) where figures.day < day && figures["last_seen"] != nil {
            carry.lifetimes[figures.device] = figures["lifetime_seen"] ?? figures["lifetime_yield"]
            carry.lastSeen[figures.device] = figures["last_seen"]
        }
        return carry
    }

    /// The last day within some 400 on which each device was seen.
    private func lastSeenDays(
        of devices: Set<String>, before day: CivilDate, _ db: Database
    ) throws -> [String: CivilDate] {
        var days: [String: CivilDate] = [:]
        guard devices.count > 64 else {
            // Day by day by the table's key: looking through a whole year of figures takes longer.
            for device in devices {
                guard let id = try knownDeviceID(device, db) else { continue }
                days[device] = try (1..<400).lazy.map { day - $0 }
                    .first { try value("last_seen", of: $0, device: id, db) != nil }
            }
            return days
        }
        let names = try deviceNames(db)
        let rows = try Row.fetchCursor(
            db,
            sql:
                """
                SELECT max(day), device FROM figures WHERE figure = 'last_seen' AND day > ? AND day < ? GROUP BY device
                """,
            arguments: [day.number - 400, day.number])
        while let row = try rows.next() {
            guard let number = row.integer(0, HistoryLimits.days), let id = row.integer(1, HistoryLimits.deviceIDs),
                let name = names[id], devices.contains(name)
            else { continue }
            days[name] = CivilDate(number: number)
        }
        return days
    }

    /// Divides what a charger gave while nobody listened among the days it may belong to: by the charger's own
    /// records where there are, the rest by the usual course of a day.
    private func divide(
        _ total: Double, since: Double, of device: String, fold: DayFold, _ today: inout [String: DayFigures],
        _ earlier: inout [CivilDate: [String: DayFigures]], after open: [DayFigures], _ db: Database
    ) throws {
        let first = zone.date(at: since)
        let last = fold.day
        guard last - first >= 0, last - first <= 400, total > 0 else { return }
        var records: [CivilDate: ChargerDayRecord] = [:]
        for record in try chargerDays(of: device, from: first, to: last, db) { records[record.day] = record }
        // The first sample of today says when the unseen time ended.
        let seenAgain = today[device]?["first_seen"] ?? fold.start
        var parts: [(day: CivilDate, known: Double, wanted: Double?, weight: Double)] = []
        for number in first.number...last.number {
            let day = CivilDate(number: number)
            if day < last, earlier[day] == nil {
                earlier[day] = Dictionary(
                    try (figures(of: day, db) + open.filter { $0.day == day }).map { ($0.device, $0) },
                    uniquingKeysWith: { _, new in new })
            }
            let old = day < last ? earlier[day]?[device] : today[device]
            // Energy that was given to this day before comes again now.
            let known = day == first || day == last ? old?["yield_seen"] ?? old?["yield"] ?? 0 : 0
            let start = Double(zone.start(of: day))
            let end = Double(zone.start(of: day + 1))
            let weight = Self.daylight(from: max(start, since) - start, to: min(end, seenAgain) - start)
            parts.append((day, known, records[day].map { max(0, $0.yield - known) }, weight))
        }
        let wanted = parts.reduce(0) { $0 + ($1.wanted ?? 0) }
        let weights = parts.reduce(0) { $0 + ($1.wanted == nil ? $1.weight : 0) }
        let rest = max(0, total - wanted)
        // Records count to 0.01 kWh: what is left over is theirs if nobody else can have it.
        let scale = wanted > 0 && (wanted > total || weights == 0) ? total / wanted : 1
        var lifetime = today[device]?["lifetime_yield"].map { $0 - (today[device]?["yield"] ?? 0) - total }
        for (index, part) in parts.enumerated() {
            var given = part.wanted.map { $0 * scale } ?? (weights > 0 ? rest * part.weight / weights : 0)
            if wanted == 0, weights == 0, index == parts.count - 1 { given = total }
            let source: YieldSource =
                given < 0.002 && part.known > 0 ? .measured : part.wanted != nil ? .chargerRecord : .estimated
            lifetime = lifetime.map { $0 + given }
            if part.day == last {
                today[device]?["yield_seen"] = part.known
                today[device]?["yield"] = part.known + given
                today[device]?["yield_source"] = source.rawValue
            } else {
                var figures = earlier[part.day]?[device] ?? DayFigures(day: part.day, device: device)
                figures["yield_seen"] = part.known
                figures["yield"] = part.known + given
                figures["yield_source"] = source.rawValue
                if figures["last_seen"] != nil {
                    figures["lifetime_seen"] = figures["lifetime_seen"] ?? figures["lifetime_yield"]
                }
                figures["lifetime_yield"] = lifetime
                if part.known == 0, let record = records[part.day] { Self.fill(&figures, from: record) }
                earlier[part.day, default: [:]][device] = figures
                var plant =
                    earlier[part.day]?[DayFigures.plant] ?? DayFigures(day: part.day, device: DayFigures.plant)
                plant["yield"] = Self.yieldSum(earlier[part.day] ?? [:])
                earlier[part.day]?[DayFigures.plant] = plant
                DayFold.addShares(&earlier[part.day, default: [:]])
            }
        }
    }

    /// The usual course of a day: half a sine from six to six, in seconds after midnight.
    private static func daylight(from: Double, to: Double) -> Double {
        func sum(_ time: Double) -> Double { (1 - cosine(min(max((time - 21_600) / 43_200, 0), 1))) / 2 }
        return max(0, sum(to) - sum(from))
    }

    private static func cosine(_ halfTurns: Double) -> Double { cos(halfTurns * .pi) }

    /// What a charger's record tells of a day that nobody saw.
    private static func fill(_ figures: inout DayFigures, from record: ChargerDayRecord) {
        guard figures["panel_power.known"] == nil else { return }
        figures["panel_power.max"] = record.maximumPower
        figures["charger_voltage.max"] = record.maximumVoltage
        figures["charger_voltage.min"] = record.minimumVoltage
        figures["state.bulk"] = record.bulk
        figures["state.absorption"] = record.absorption
        figures["state.float"] = record.float
        figures["day_uncertain"] = record.isUncertain ? 1 : nil
    }

    /// Capacity, days of autonomy.
    private func addOutlook(_ figures: inout [String: DayFigures], day: CivilDate, _ db: Database) throws {
        for (device, today) in figures where today["charge_out"] != nil {
            func sum(_ figure: String, days: Int, device: String) throws -> (sum: Double, count: Int) {
                var result = (sum: 0.0, count: 0)
                guard let id = try knownDeviceID(device, db) else { return result }
                for number in day.number - days..<day.number {
                    guard let value = try value(figure, of: CivilDate(number: number), device: id, db) else { continue }
                    result.sum += value
                    result.count += 1
                }
                return result
            }
            let charge = try sum("falling_charge", days: 30, device: device).sum + (today["falling_charge"] ?? 0)
            let part = try sum("falling_part", days: 30, device: device).sum + (today["falling_part"] ?? 0)
            guard part >= 30 else { continue }
            let capacity = charge / part * 100
            figures[device]?["capacity"] = capacity
            let used = try sum("consumption", days: 7, device: DayFigures.plant)
            let seconds = try sum("known", days: 7, device: DayFigures.plant).sum
            guard used.count >= 3, seconds > 86_400, used.sum > 0, let voltage = today["battery_voltage.mean"],
                let left = today["state_of_charge.last"]
            else { continue }
            let daily = used.sum / seconds * 86_400
            figures[device]?["autonomy"] = max(0, left - 20) / 100 * capacity * voltage / 1000 / daily
        }
    }

    /// Days before vebridge knew a charger, from the charger's own records.
    func fillEarlierDays(_ db: Database) throws {
        // Before its first day is closed a charger is known by its samples alone.
        let oldest = try oldestMinute(db)
        let beginning = oldest.map { zone.date(at: Double($0) * 60).number }
        for record in try allChargerDays(db) {
            guard let id = try deviceID(record.device, db) else { continue }
            let first = try firstSeenDay(id, db)
            guard let first = first ?? beginning, record.day.number < first else { continue }
            var all = Dictionary(
                try figures(of: record.day, db).map { ($0.device, $0) }, uniquingKeysWith: { first, _ in first })
            var figures = all[record.device] ?? DayFigures(day: record.day, device: record.device)
            guard figures["yield"] == nil || figures["yield_source"] == YieldSource.chargerRecord.rawValue,
                figures["yield"] != record.yield
            else { continue }
            figures["yield"] = record.yield
            figures["yield_source"] = YieldSource.chargerRecord.rawValue
            Self.fill(&figures, from: record)
            all[record.device] = figures
            var plant = all[DayFigures.plant] ?? DayFigures(day: record.day, device: DayFigures.plant)
            plant["yield"] = Self.yieldSum(all)
            all[DayFigures.plant] = plant
            DayFold.addShares(&all)
            try write(all.map(\.value), db)
        }
    }

    private func firstSeenDay(_ device: Int, _ db: Database) throws -> Int? {
        let range = HistoryLimits.days
        return try db.integer(
            range,
            sql: "SELECT min(day) FROM figures WHERE device = ? AND figure = 'last_seen' AND day BETWEEN ? AND ?",
            arguments: [device, range.lowerBound, range.upperBound])
    }

    // MARK: Closing

    /// Closes the days that are over and those to which something came late, a few at a time.
    ///
    /// - Parameter newest: the newest minute that is written.
    @discardableResult
    func closeDays(newest: Int, budget: Int, _ db: Database) throws -> Bool {
        var left = budget
        guard let oldest = try oldestMinute(db) else { return true }
        let firstDay = zone.date(at: Double(oldest) * 60)
        // The first minutes of a day still belong to what held at its eve.
        let today = zone.date(at: Double(newest) * 60 - Self.longestHold - 60)
        var closed = try meta("closed_day", db).map { CivilDate(number: $0) } ?? firstDay - 1
        // What is stale changes the days after it too. A day of which the samples are gone keeps its figures.
        if let stale = try stale(.civilDay, db).first(where: { $0 >= firstDay.number }) {
            closed = min(closed, CivilDate(number: stale - 1))
            try setMeta("closed_day", closed.number, db)
        }
        try db.execute(sql: "DELETE FROM stale WHERE kind = ?", arguments: [Stale.civilDay.rawValue])
        while closed + 1 < today {
            let day = closed + 1
            let range = Int(zone.start(of: day) / 60)..<Int(zone.start(of: day + 1) / 60)
            guard let next = try oldestMinute(from: range.lowerBound, db) else { break }
            if next >= range.upperBound {
                // Nothing was seen for days: go on where something was.
                closed = min(today, zone.date(at: Double(next) * 60)) - 1
                try setMeta("closed_day", closed.number, db)
                if closed + 1 >= today { break }
                continue
            }
            guard left > 0 else { return false }
            left -= 1
            try write(try figures(closing: day, db), db)
            closed = day
            try setMeta("closed_day", closed.number, db)
            try fillEarlierDays(db)
        }
        return true
    }

    /// What lies in the future of a clock that is right was written under a wrong one.
    ///
    /// - Parameter deletes: whether it is deleted; else only the tiers are made anew when their time comes.
    /// - Returns: how many minutes of samples were given up.
    @discardableResult
    func discardFuture(after minute: Int, deletes: Bool, _ db: Database) throws -> Int {
        let hour = minute / 60
        let today = zone.date(at: Double(minute) * 60)
        var count = 0
        if deletes {
            try db.execute(sql: "DELETE FROM samples WHERE id > ?", arguments: [minute + 5])
            count = db.changesCount
            try db.execute(sql: "DELETE FROM minutes WHERE id >= ?", arguments: [Self.rowID(hour + 1, series: 0)])
            try db.execute(
                sql: "DELETE FROM quarters WHERE id >= ?", arguments: [Self.rowID(minute / 1440 + 1, series: 0)])
            try db.execute(sql: "DELETE FROM figures WHERE day > ?", arguments: [today.number])
            try db.execute(sql: "DELETE FROM charger_days WHERE day > ?", arguments: [today.number])
        }
        let limits = [("rolled_hour", hour - 1), ("rolled_day", minute / 1440 - 1), ("closed_day", today.number - 1)]
        for (key, limit) in limits {
            if let value = try meta(key, db), value > limit { try setMeta(key, limit, db) }
        }
        return count
    }
}
