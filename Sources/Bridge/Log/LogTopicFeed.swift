import Logging
import Synchronization

/// The records for the topic of the log: at a limited rate, and at most a few while nobody takes them.
final class LogTopicFeed: Sendable {
    private struct State {
        var publish: (@Sendable (String) -> Void)?
        var waiting: [String] = []
        /// Records that may be published now.
        var allowance: Double
        var lastTime = ContinuousClock.now
        var leftOut = 0
    }

    /// How many records wait for the connection; the oldest go first.
    static let waitingLimit = 100

    private let perMinute: Double
    private let state: Mutex<State>

    init(perMinute: Int) {
        self.perMinute = Double(perMinute)
        state = Mutex(State(allowance: Double(perMinute)))
    }

    /// Whoever publishes is there: it gets what waited, and every record from now on. The closure must not log.
    func open(_ publish: @escaping @Sendable (String) -> Void) {
        let waiting = state.withLock { state in
            state.publish = publish
            defer { state.waiting = [] }
            return state.waiting
        }
        for text in waiting { publish(text) }
    }

    /// Nobody takes records for now: the connection is lost, or the broker does not want them.
    func close() { state.withLock { $0.publish = nil } }

    func add(_ line: LogLine, at now: ContinuousClock.Instant = .now) {
        let ready: (publish: @Sendable (String) -> Void, text: String)? = state.withLock { state in
            let (seconds, attoseconds) = (now - state.lastTime).components
            state.lastTime = now
            let passed = Double(seconds) + Double(attoseconds) * 1e-18
            state.allowance = min(perMinute, state.allowance + passed * perMinute / 60)
            guard state.allowance >= 1 else {
                state.leftOut += 1
                return nil
            }
            state.allowance -= 1
            var line = line
            line.hasPriority = false
            if state.leftOut > 0 {
                line.values.append((key: "left_out", value: "\(state.leftOut)"))
                state.leftOut = 0
            }
            var text = line.asJSON
            text.removeLast()  // The line end.
            if let publish = state.publish { return (publish, text) }
            if state.waiting.count >= Self.waitingLimit { state.waiting.removeFirst() }
            state.waiting.append(text)
            return nil
        }
        if let ready { ready.publish(ready.text) }
    }
}
