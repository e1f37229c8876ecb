/// Decides which of many equal reports to log: a change at once, what stays the same only now and then, with a count.
///
/// A broker that is away or a charger that is silent is reported every second by the code that notices it. The log
/// should say so once, then seldom, and say when it is over.
public struct OncePer<State: Equatable & Sendable>: Sendable {
    /// What to do with a report.
    public enum Verdict: Equatable, Sendable {
        /// The first report for the key, or another state than before: log it. `previous` reports of the old state
        /// were counted, logged or not.
        case changed(previous: Int)
        /// The same state for a whole interval: log it again, with the count of reports since the last line.
        case still(count: Int)
        /// Nothing new: don't log.
        case silent
    }

    private struct Entry: Sendable {
        var state: State
        var total: Int
        var sinceLine: Int
        var lastLine: ContinuousClock.Instant
    }

    /// The shortest time between two lines about an unchanged state.
    public let interval: Duration
    /// The most keys remembered; beyond it the one logged longest ago is forgotten.
    public let capacity: Int

    private var entries: [String: Entry] = [:]

    /// Remembers nothing yet.
    ///
    /// - Parameters:
    ///   - interval: The shortest time between two lines about an unchanged state.
    ///   - capacity: The most keys remembered, at least 1.
    public init(_ interval: Duration, capacity: Int = 256) {
        self.interval = interval
        self.capacity = max(1, capacity)
    }

    /// Takes a report about a key and answers whether to log it.
    public mutating func report(_ key: String, _ state: State, at now: ContinuousClock.Instant = .now) -> Verdict {
        guard var entry = entries[key], entry.state == state else {
            let previous = entries[key]?.total ?? 0
            if entries[key] == nil, entries.count >= capacity,
                let oldest = entries.min(by: { $0.value.lastLine < $1.value.lastLine })?.key
            {
                entries[oldest] = nil
            }
            entries[key] = Entry(state: state, total: 1, sinceLine: 0, lastLine: now)
            return .changed(previous: previous)
        }
        entry.total += 1
        entry.sinceLine += 1
        let isDue = now - entry.lastLine >= interval
        let count = entry.sinceLine
        if isDue {
            entry.sinceLine = 0
            entry.lastLine = now
        }
        entries[key] = entry
        return isDue ? .still(count: count) : .silent
    }

    /// Forgets a key whose trouble is over. Answers how many reports there were, 0 if there was no trouble.
    @discardableResult
    public mutating func clear(_ key: String) -> Int {
        entries.removeValue(forKey: key)?.total ?? 0
    }
}
