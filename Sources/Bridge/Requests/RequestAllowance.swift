import Synchronization

/// How many requests are done: whoever asks without end must not keep the bridge from its work.
final class RequestAllowance: Sendable {
    /// What becomes of a request.
    enum Verdict: Equatable {
        case granted
        /// Not done; the asker is told of it once a second at most.
        case refused(isTold: Bool)
    }

    /// Requests a second in the long run.
    static let perSecond = 5
    /// Requests that may come at once.
    static let burst = 20

    private struct State {
        var left = Double(RequestAllowance.burst)
        var time: ContinuousClock.Instant?
        var told: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// Asks for one request.
    func take(at now: ContinuousClock.Instant = .now) -> Verdict {
        state.withLock { state in
            if let last = state.time {
                let (seconds, part) = (now - last).components
                let earned = (Double(seconds) + Double(part) * 1e-18) * Double(Self.perSecond)
                state.left = min(Double(Self.burst), state.left + max(0, earned))
            }
            state.time = now
            if state.left >= 1 {
                state.left -= 1
                return .granted
            }
            if let told = state.told, now - told < .seconds(1) { return .refused(isTold: false) }
            state.told = now
            return .refused(isTold: true)
        }
    }
}
