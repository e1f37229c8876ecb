import GRDB

/// The rows of figures and of the chargers' own days.
extension HistoryStore {
    /// One figure of one day, by the table's key.
    func value(_ figure: String, of day: CivilDate, device: Int, _ db: Database) throws -> Double? {
        let statement = try db.cachedStatement(
            sql: "SELECT value FROM figures WHERE day = ? AND device = ? AND figure = ?")
        return try Row.fetchOne(statement, arguments: [day.number, device, figure])?.number(0)
    }

    func values(of day: CivilDate, device: Int, _ db: Database) throws -> [String: Double] {
        let statement = try db.cachedStatement(
            sql: "SELECT day, device, figure, value FROM figures WHERE day = ? AND device = ?")
        var values: [String: Double] = [:]
        let rows = try Row.fetchCursor(statement, arguments: [day.number, device])
        while let row = try rows.next() {
            if let (figure, value) = figure(row) { values[figure] = value }
        }
        return values
    }

    /// The figure of a row of day, device, figure and value; nil for a damaged one.
    func figure(_ row: Row) -> (String, Double)? {
        guard let figure = row.text(2), let value = row.number(3) else {
            damage.add(.figures, (0..<3).map { row[$0] as DatabaseValue })
            return nil
        }
        return (figure, value)
    }

    /// The figures of a day as they are written.
    func figures(of day: CivilDate, _ db: Database) throws -> [DayFigures] {
        try figures(from: day, to: day, db)
    }

    func figures(from first: CivilDate, to last: CivilDate, _ db: Database) throws -> [DayFigures] {
        let names = try deviceNames(db)
        var all: [DayFigures] = []
        let rows = try Row.fetchCursor(
            db,
            sql:
                "SELECT day, device, figure, value FROM figures WHERE day >= ? AND day <= ? ORDER BY day, device, figure",
            arguments: [
                max(first.number, HistoryLimits.days.lowerBound), min(last.number, HistoryLimits.days.upperBound),
            ])
        while let row = try rows.next() {
            guard let day = row.integer(0, HistoryLimits.days), let device = row.integer(1, HistoryLimits.deviceIDs),
                let device = names[device]
            else {
                damage.add(.figures, (0..<3).map { row[$0] as DatabaseValue })
                continue
            }
            guard let (figure, value) = figure(row) else { continue }
            if all.last?.day.number != day || all.last?.device != device {
                all.append(DayFigures(day: CivilDate(number: day), device: device))
            }
            all[all.count - 1].values[figure] = value
        }
        return all
    }

    /// Only the figures whose names begin with `prefix`, found by the table's key: of a day they are few.
    func figures(
        from first: CivilDate, to last: CivilDate, prefix: String, _ db: Database
    ) throws -> [DayFigures] {
        let names = try deviceNames(db).sorted { $0.key < $1.key }
        guard let low = try edgeDay(.first, db), let high = try edgeDay(.last, db) else { return [] }
        let days = max(low, first.number)..<max(low, first.number, min(high, last.number) + 1)
        guard names.count <= 64 else {
            // So many rows are found faster by looking through all of them.
            return try figures(from: first, to: last, db).compactMap { day in
                let values = day.values.filter { $0.key.hasPrefix(prefix) }
                return values.isEmpty ? nil : DayFigures(day: day.day, device: day.device, values: values)
            }
        }
        var all: [DayFigures] = []
        let statement = try db.cachedStatement(
            sql: """
                SELECT day, device, figure, value FROM figures
                WHERE day = ? AND device = ? AND figure >= ? AND figure < ?
                """)
        for day in days {
            for (id, device) in names {
                var figures = DayFigures(day: CivilDate(number: day), device: device)
                // What sorts after every name that begins so.
                let rows = try Row.fetchCursor(statement, arguments: [day, id, prefix, prefix + "\u{7F}"])
                while let row = try rows.next() {
                    if let (figure, value) = figure(row) { figures.values[figure] = value }
                }
                if !figures.values.isEmpty { all.append(figures) }
            }
        }
        return all
    }

    /// An end of the days with figures.
    enum DayEdge { case first, last }

    func edgeDay(_ edge: DayEdge, _ db: Database) throws -> Int? {
        let range = HistoryLimits.days
        return try db.integer(
            range,
            sql: "SELECT day FROM figures WHERE day BETWEEN ? AND ? AND typeof(day) = 'integer' ORDER BY day"
                + (edge == .first ? " LIMIT 1" : " DESC LIMIT 1"),
            arguments: [range.lowerBound, range.upperBound])
    }

    func deviceNames(_ db: Database) throws -> [Int: String] {
        var names: [Int: String] = [:]
        let rows = try Row.fetchCursor(db, sql: "SELECT id, name FROM devices")
        while let row = try rows.next() {
            if let id = row.integer(0, HistoryLimits.deviceIDs), let name = row.text(1) {
                names[id] = name
            } else {
                damage.add(.devices, row: row)
            }
        }
        return names
    }

    func write(_ figures: [DayFigures], _ db: Database) throws {
        for figures in figures {
            guard HistoryLimits.days.contains(figures.day.number), let device = try deviceID(figures.device, db) else {
                continue
            }
            try db.execute(
                sql: "DELETE FROM figures WHERE day = ? AND device = ?", arguments: [figures.day.number, device])
            let insert = try db.cachedStatement(sql: "INSERT INTO figures VALUES (?, ?, ?, ?)")
            for (figure, value) in figures.values.sorted(by: { $0.key < $1.key })
            where HistoryLimits.values.contains(value) && figure.utf8.count <= HistoryLimits.textLength {
                try insert.execute(arguments: [figures.day.number, device, figure, value])
            }
        }
    }

    // MARK: Chargers' own days

    func chargerDays(of device: String, from: CivilDate, to: CivilDate, _ db: Database) throws -> [ChargerDayRecord] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM charger_days WHERE device = ? AND day >= ? AND day <= ? ORDER BY day",
            arguments: [device, from.number, to.number]
        ).compactMap(chargerDay)
    }

    func allChargerDays(_ db: Database) throws -> [ChargerDayRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM charger_days ORDER BY device, day").compactMap(chargerDay)
    }

    private func chargerDay(_ row: Row) -> ChargerDayRecord? {
        let values = (3...9).compactMap { row.number($0, HistoryLimits.recordValues) }
        guard let device = row.text(0), let day = row.integer(1, HistoryLimits.days),
            let sequence = row.integer(2, HistoryLimits.sequence), values.count == 7,
            let isUncertain = row.integer(10, 0...1)
        else {
            damage.add(.chargerDays, (0..<2).map { row[$0] as DatabaseValue })
            return nil
        }
        return ChargerDayRecord(
            device: device, day: CivilDate(number: day), sequence: sequence, yield: values[0],
            maximumPower: values[1], maximumVoltage: values[2], minimumVoltage: values[3], bulk: values[4],
            absorption: values[5], float: values[6], isUncertain: isUncertain == 1)
    }

    /// Writes a record; true if it says something new.
    @discardableResult
    func write(_ record: ChargerDayRecord, _ db: Database) throws -> Bool {
        if try chargerDays(of: record.device, from: record.day, to: record.day, db).first == record { return false }
        try db.execute(
            sql: "INSERT OR REPLACE INTO charger_days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                record.device, record.day.number, record.sequence, record.yield, record.maximumPower,
                record.maximumVoltage, record.minimumVoltage, record.bulk, record.absorption, record.float,
                record.isUncertain,
            ])
        return true
    }
}
