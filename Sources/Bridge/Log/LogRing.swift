public import Logging
import Synchronization

/// The last records, for whoever looks later: bounded in number and in length.
public final class LogRing: Sendable {
    /// A record that was kept.
    public struct Record: Sendable, Hashable {
        /// Counts from 1 since the start.
        public let number: Int
        /// Seconds since 1970.
        public let time: Int
        /// How important it is.
        public let level: Logger.Level
        /// What was said.
        public let message: String
        /// What was said with it, by key.
        public let values: [Value]
    }

    /// A word to a record.
    public struct Value: Sendable, Hashable {
        /// What it is, such as `port`.
        public let key: String
        /// As text.
        public let text: String
    }

    private struct State {
        var records: [Record] = []
        /// Where the oldest one is.
        var start = 0
        var count = 0
    }

    /// How many records are kept.
    public static let limit = 500
    /// Characters kept of a text.
    private static let longestText = 500
    private static let mostValues = 12

    private let state = Mutex(State())

    init() {}

    /// The number of the last record; 0 before the first.
    public var last: Int { state.withLock { $0.count } }

    /// The newest records, the oldest of them first.
    ///
    /// - Parameters:
    ///   - after: only those with a higher number.
    ///   - level: only those that are at least so important.
    ///   - limit: how many at most.
    public func records(after: Int = 0, level: Logger.Level = .trace, limit: Int = LogRing.limit) -> [Record] {
        let ordered = state.withLock { $0.records[$0.start...] + $0.records[..<$0.start] }
        return ordered.filter { $0.number > after && $0.level >= level }.suffix(max(0, limit))
    }

    func add(_ line: LogLine) {
        let values = line.values.prefix(Self.mostValues).map { value in
            Value(key: Self.cut(value.key), text: Self.cut(value.value))
        }
        state.withLock { state in
            state.count += 1
            let record = Record(
                number: state.count, time: line.time ?? 0, level: line.level, message: Self.cut(line.message),
                values: values)
            if state.records.count < Self.limit {
                state.records.append(record)
            } else {
                state.records[state.start] = record
                state.start = (state.start + 1) % Self.limit
            }
        }
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= longestText ? text : String(text.prefix(longestText)) + "…"
    }
}
