import Glibc
import Logging

/// One record as one line of text or JSON. Whatever a value contains, the line stays one line.
struct LogLine {
    /// The longest text of a message or value, in characters. A longer one is cut, so that no record is unbounded.
    static let longestText = 4096

    var level: Logger.Level
    var label: String
    var message: String
    /// In the order of the keys, so that equal records look equal.
    var values: [(key: String, value: String)]
    /// Seconds since 1970, or `nil` where the reader adds a time of its own.
    var time: time_t?
    /// Whether to begin with the priority as the journal reads it, `<0>` to `<7>`.
    var hasPriority: Bool

    init(
        level: Logger.Level, label: String, message: String, metadata: Logger.Metadata, time: time_t?,
        hasPriority: Bool
    ) {
        self.level = level
        self.label = label
        self.message = message
        values = metadata.map { ($0.key, Self.text($0.value)) }.sorted { $0.key < $1.key }
        self.time = time
        self.hasPriority = hasPriority
    }

    /// `2026-11-23T06:10:00Z info port: message key=value`. Under the journal, which knows the time and the level,
    /// `<6>port: message key=value`.
    var asText: String {
        var line = ""
        if hasPriority { line += "<\(level.journalPriority)>" }
        if let time { line += Self.timestamp(time) + " " }
        if !hasPriority { line += level.rawValue + " " }
        line += Self.escaped(label, in: .plain) + ": " + Self.escaped(Self.cut(message), in: .plain)
        for (key, value) in values {
            line += " " + Self.bareOrQuoted(key) + "=" + Self.bareOrQuoted(Self.cut(value))
        }
        return line + "\n"
    }

    /// One JSON object; the metadata are under `values`.
    var asJSON: String {
        var fields: [String] = []
        if let time { fields.append("\"time\":\"\(Self.timestamp(time))\"") }
        fields.append("\"level\":\"\(level.rawValue)\"")
        fields.append("\"label\":\"\(Self.escaped(label, in: .json))\"")
        fields.append("\"message\":\"\(Self.escaped(Self.cut(message), in: .json))\"")
        if !values.isEmpty {
            let members = values.map {
                "\"\(Self.escaped($0.key, in: .json))\":\"\(Self.escaped(Self.cut($0.value), in: .json))\""
            }
            fields.append("\"values\":{\(members.joined(separator: ","))}")
        }
        return (hasPriority ? "<\(level.journalPriority)>" : "") + "{\(fields.joined(separator: ","))}\n"
    }

    // MARK: Text

    private static func text(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): text
        case .stringConvertible(let value): value.description
        case .array(let values): "[" + values.map(text).joined(separator: ",") + "]"
        case .dictionary(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\($0.key):\(text($0.value))" }.joined(separator: ",") + "}"
        }
    }

    static func cut(_ text: String) -> String {
        guard let end = text.index(text.startIndex, offsetBy: longestText, limitedBy: text.endIndex),
            end < text.endIndex
        else { return text }
        return text[..<end] + "…"
    }

    /// Quoted unless it is a plain word, so that a program can split the line at spaces and at the first `=`.
    private static func bareOrQuoted(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0 != "\"" && $0 != "=" && $0 != "\\" && !isControl($0) && !$0.properties.isWhitespace
        }
        return isPlain && !text.isEmpty ? text : "\"\(escaped(text, in: .quotes))\""
    }

    private enum Place { case plain, quotes, json }

    /// Escapes control characters, and inside quotes what would end them. The line and paragraph separators of Unicode
    /// count as control characters: some readers break lines there.
    private static func escaped(_ text: String, in place: Place) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\"" where place != .plain: result += "\\\""
            case "\\" where place != .plain: result += "\\\\"
            case _ where isControl(scalar):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    /// RFC 3339, in UTC, to the second.
    static func timestamp(_ time: time_t) -> String {
        var time = time
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "1970-01-01T00:00:00Z" }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
            guard let start = buffer.baseAddress, strftime(start, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0 else {
                return "1970-01-01T00:00:00Z"
            }
            return String(cString: start)
        }
    }
}

extension Logger.Level {
    /// The priority of syslog, as in sd-daemon(3).
    var journalPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
