/// One row of an exported file, whatever the file's format: a sample, a slot of time, a figure, a charger's day.
struct ExchangeRow: Sendable, Hashable {
    enum Kind: String, Sendable {
        case sample, minute, quarter, figure, state
        case chargerDay = "charger_day"
    }

    var kind: Kind
    /// Seconds since 1970, to a tenth; nil for rows of a day.
    var time: Double?
    /// For figures and chargers' days.
    var day: CivilDate?
    var device = ""
    /// Of a quantity or a figure.
    var name = ""
    var unit = ""
    var value: Double?
    /// Seconds.
    var known: Double?
    var mean: Double?
    var minimum: Double?
    var maximum: Double?
    var isDerived = false

    static let columns = [
        "kind", "time", "device", "name", "unit", "value", "known", "mean", "minimum", "maximum", "derived",
    ]

    static func text(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// `2026-11-23T06:10:00.5Z`, or the day.
    var timeText: String {
        if let day { return "\(day)" }
        guard let time else { return "" }
        let tenths = Int((min(max(time, -1e15), 1e15) * 10).rounded())
        let seconds = tenths >= 0 ? tenths / 10 : (tenths - 9) / 10
        let text = TimeZoneRules.utc.text(of: Double(seconds)).prefix(19)
        let part = tenths - seconds * 10
        return text + (part == 0 ? "Z" : ".\(part)Z")
    }

    /// Reads what ``timeText`` writes, and any time of day in UTC with decimals.
    static func time(_ text: some StringProtocol) -> Double? {
        if let seconds = Double(text) { return seconds.isFinite ? seconds : nil }
        let text = text.hasSuffix("Z") ? text.dropLast() : text.dropLast(0)
        let parts = text.split(separator: "T")
        guard parts.count == 2, let day = CivilDate(parts[0]) else { return nil }
        let clock = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, clock.allSatisfy({ $0.utf8.count <= 24 }), let hour = Int(clock[0]),
            let minute = Int(clock[1]), let second = Double(clock[2]),
            (0..<24).contains(hour), (0..<60).contains(minute), second >= 0, second < 61
        else { return nil }
        return Double(day.number) * 86_400 + Double(hour * 3600 + minute * 60) + second
    }

    /// The fields in the order of ``columns``; empty where there is nothing.
    var fields: [String] {
        [
            kind.rawValue, timeText, device, name, unit, value.map(Self.text) ?? "", known.map(Self.text) ?? "",
            mean.map(Self.text) ?? "", minimum.map(Self.text) ?? "", maximum.map(Self.text) ?? "",
            isDerived ? "1" : "",
        ]
    }

    /// Takes the field of a column; nil if it is good, else what is wrong with it.
    mutating func set(_ column: String, _ text: String) -> String? {
        func number(_ path: WritableKeyPath<ExchangeRow, Double?>) -> String? {
            guard !text.isEmpty else { return nil }
            guard let value = Double(text), value.isFinite else { return "\(column) '\(text)' is not a number" }
            guard HistoryLimits.values.contains(value) else { return "\(column) \(text) is too large" }
            self[keyPath: path] = value
            return nil
        }
        switch column {
        case "kind":
            guard let kind = Kind(rawValue: text) else {
                return "kind '\(text)' is none of sample, minute, quarter, figure, charger_day, state"
            }
            self.kind = kind
        case "time":
            guard !text.isEmpty else { return nil }
            if let day = CivilDate(text) {
                guard HistoryLimits.days.contains(day.number) else { return "\(text) is not from 1970 to 2199" }
                self.day = day
            } else if let time = Self.time(text) {
                guard HistoryLimits.seconds.contains(time) else { return "time '\(text)' is not from 1970 to 2199" }
                self.time = time
            } else {
                return "time '\(text)' is neither 2026-11-23 nor 2026-11-23T06:10:00Z nor seconds since 1970"
            }
        case "device":
            device = text
            return Self.fault(ofText: text, column)
        case "name":
            name = text
            return Self.fault(ofText: text, column)
        case "unit":
            unit = text
            return Self.fault(ofText: text, column)
        case "value": return number(\.value)
        case "known": return number(\.known)
        case "mean": return number(\.mean)
        case "minimum": return number(\.minimum)
        case "maximum": return number(\.maximum)
        case "derived": isDerived = text == "1" || text == "true"
        default: break
        }
        return nil
    }

    private static func fault(ofText text: String, _ column: String) -> String? {
        guard text.utf8.count <= HistoryLimits.textLength else {
            return "the \(column) is longer than \(HistoryLimits.textLength) bytes"
        }
        return text.utf8.contains(0) ? "the \(column) has a NUL in it" : nil
    }

    /// What is missing; nil for a whole row.
    var fault: String? {
        if kind != .state, device.isEmpty { return "there is no device" }
        if name.isEmpty { return "there is no name" }
        switch kind {
        case .sample: return time == nil ? "a sample needs a time" : value == nil ? "a sample needs a value" : nil
        case .minute, .quarter:
            return time == nil || known == nil || mean == nil || minimum == nil || maximum == nil || value == nil
                ? "a \(kind.rawValue) needs time, known, mean, minimum, maximum and value" : nil
        case .figure, .chargerDay:
            return day == nil || value == nil ? "a \(kind.rawValue) needs a day and a value" : nil
        case .state: return value == nil ? "a state needs a value" : nil
        }
    }
}

/// The formats of an exported file.
public enum ExchangeFormat: String, Sendable, CaseIterable {
    /// A line of headings, then a row a line.
    case csv
    /// A JSON object a line.
    case json
    /// InfluxDB's line protocol, for InfluxDB, VictoriaMetrics, Telegraf.
    case lineProtocol = "line-protocol"

    /// The first line, where the format has one.
    var heading: String? { self == .csv ? ExchangeRow.columns.joined(separator: ",") : nil }

    func line(_ row: ExchangeRow, zone: TimeZoneRules) -> String {
        switch self {
        case .csv: row.fields.map(Self.quotedField).joined(separator: ",")
        case .json: Self.object(row)
        case .lineProtocol: Self.point(row, zone: zone)
        }
    }

    // MARK: CSV

    private static func quotedField(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    static func fields(ofLine line: String) -> [String] {
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var wasQuote = false
        for character in line {
            if isQuoted {
                if wasQuote {
                    wasQuote = false
                    if character == "\"" {
                        field.append(character)
                        continue
                    }
                    isQuoted = false
                } else if character == "\"" {
                    wasQuote = true
                    continue
                } else {
                    field.append(character)
                    continue
                }
            }
            switch character {
            case "\"" where field.isEmpty: isQuoted = true
            case ",":
                fields.append(field)
                field = ""
            default: field.append(character)
            }
        }
        return fields + [field]
    }

    // MARK: JSON

    private static func object(_ row: ExchangeRow) -> String {
        let isText: Set<String> = ["kind", "time", "device", "name", "unit"]
        let members = zip(ExchangeRow.columns, row.fields).filter { !$0.1.isEmpty }.map { column, field in
            "\"\(column)\":" + (isText.contains(column) ? quoted(field) : field)
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case let control where control.value < 0x20:
                let digits = String(control.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Reads a flat object of texts and numbers; nil for anything else.
    static func members(ofObject line: String) -> [(String, String)]? {
        FlatJSON.members(of: line)
    }

    // MARK: Line protocol

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if character == "," || character == "=" || character == " " || character == "\\" { escaped.append("\\") }
            escaped.append(character.isNewline ? " " : character)
        }
        return escaped
    }

    private static func point(_ row: ExchangeRow, zone: TimeZoneRules) -> String {
        var line = "vebridge_" + row.kind.rawValue
        for (tag, text) in [("device", row.device), ("name", row.name), ("unit", row.unit)] where !text.isEmpty {
            line += "," + tag + "=" + escaped(text)
        }
        var fields: [String] = []
        let numbers = [
            ("value", row.value), ("known", row.known), ("mean", row.mean), ("minimum", row.minimum),
            ("maximum", row.maximum),
        ]
        for (name, value) in numbers { if let value { fields.append(name + "=" + ExchangeRow.text(value)) } }
        if row.isDerived { fields.append("derived=1") }
        if let day = row.day { fields.append("day=\"\(day)\"") }
        line += " " + fields.joined(separator: ",")
        // A day stands at its beginning.
        let tenths = row.time.map { Int(($0 * 10).rounded()) } ?? row.day.map { Int(zone.start(of: $0)) * 10 }
        return line + (tenths.map { " \($0)00000000" } ?? "")
    }

    /// Reads a line of the line protocol as ``ExchangeRow/columns`` and their texts; nil for anything else.
    static func members(ofPoint line: String) -> [(String, String)]? {
        var parts: [[String]] = [[""]]
        var isEscaped = false
        var isQuoted = false
        // Space parts tags, fields and time; commas part members; the rest is theirs.
        for character in line {
            let place = (parts.count - 1, parts[parts.count - 1].count - 1)
            if isEscaped {
                isEscaped = false
                parts[place.0][place.1].append(character)
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == " ", !isQuoted {
                parts.append([""])
            } else if character == ",", !isQuoted {
                parts[place.0].append("")
            } else if character == "=", !isQuoted {
                // A mark that no text has, so that an escaped '=' is not taken for one.
                parts[place.0][place.1].append("\u{1}")
            } else {
                parts[place.0][place.1].append(character)
            }
        }
        parts.removeAll { $0 == [""] }
        guard (2...3).contains(parts.count), let measurement = parts[0].first, measurement.hasPrefix("vebridge_") else {
            return nil
        }
        var members = [("kind", String(measurement.dropFirst(9)))]
        for member in parts[0].dropFirst() + parts[1] {
            let pair = member.split(separator: "\u{1}", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { return nil }
            members.append((pair[0] == "day" ? "time" : String(pair[0]), String(pair[1])))
        }
        if parts.count == 3, !members.contains(where: { $0.0 == "time" }) {
            guard let nanoseconds = Int(parts[2][0]) else { return nil }
            members.append(("time", ExchangeRow.text(Double(nanoseconds / 100_000_000) / 10)))
        }
        return members
    }
}
