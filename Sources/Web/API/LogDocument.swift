import Bridge
import Logging
import NIOHTTP1

/// The last records of the log: `/api/v1/log`.
enum LogDocument {
    static func answer(_ request: Request, _ ring: LogRing?) -> Answer {
        let levels = ["info", "notice", "warning", "error", "critical"]
        guard let level = Logger.Level(rawValue: request.query["level"] ?? "info"), levels.contains(level.rawValue)
        else {
            return .failure(.badRequest, "bad_level", "level is one of \(levels.joined(separator: ", "))")
        }
        guard let after = count(request.query["after"], default: 0, 0...1_000_000_000) else {
            return .failure(.badRequest, "bad_after", "after is the number of a record, 0 to 1000000000")
        }
        guard let limit = count(request.query["limit"], default: 200, 1...LogRing.limit) else {
            return .failure(.badRequest, "bad_limit", "limit is a number from 1 to \(LogRing.limit)")
        }
        let records = ring?.records(after: after, level: level, limit: limit) ?? []
        return Answer(
            JSONText.object([
                ("last", "\(ring?.last ?? 0)"), ("records", JSONText.list(records.map(text))),
            ]) + "\n")
    }

    private static func count(_ text: String?, default usual: Int, _ limits: ClosedRange<Int>) -> Int? {
        guard let text else { return usual }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), limits.contains(number)
        else { return nil }
        return number
    }

    private static func text(_ record: LogRing.Record) -> String {
        JSONText.object([
            ("number", "\(record.number)"), ("time", "\(record.time)"),
            ("level", JSONText.quoted(record.level.rawValue)), ("message", JSONText.quoted(record.message)),
            ("values", JSONText.object(record.values.map { ($0.key, JSONText.quoted($0.text)) })),
        ])
    }
}
