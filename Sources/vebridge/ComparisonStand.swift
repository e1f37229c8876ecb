import Bridge
import Compare
import Synchronization

/// Where both sides of a comparison come in: lines that the bridge here would publish, and messages from the broker.
final class ComparisonStand: Sendable {
    private struct State {
        var comparison: Comparison
        var trouble: String?
        var failure: String?
        var conflict: String?
        /// Whether anybody writes in another spelling than the running daemon's.
        var hasOther = false
    }

    /// With a running daemon: as long as the other side may keep quiet before it is taken for absent or hidden.
    private static let patience: Duration = .seconds(20)

    let ownPrefix: String
    private let ownBusPrefix: String
    private let isRunning: Bool
    private let otherName: String
    private let prefixes: Prefixes
    private let begin = ContinuousClock.now
    private let state: Mutex<State>

    init(ownPrefix: String, ownBusPrefix: String, isRunning: Bool, matches: [String: String], otherName: String) {
        self.ownPrefix = ownPrefix
        self.ownBusPrefix = ownBusPrefix
        self.isRunning = isRunning
        self.otherName = otherName
        prefixes = Prefixes(
            registers: ["venetworking", ownPrefix], attributes: ["masterbus", ownBusPrefix])
        var comparison = Comparison(matches: matches)
        comparison.otherName = otherName
        state = Mutex(State(comparison: comparison))
    }

    /// What to subscribe to.
    var filters: [String] {
        var filters = ["/venetworking/#", "venetworking/#", "vedirect/#", "/vedirect/#", "/masterbus/#", "masterbus/#"]
        if isRunning {
            for prefix in [ownPrefix, ownBusPrefix] where !filters.contains(prefix + "/#") {
                filters.append(prefix + "/#")
            }
        }
        return filters
    }

    private var now: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - begin).components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// A line that the bridge here would publish.
    func read(line: String) {
        guard let space = line.firstIndex(of: " ") else { return }
        let topic = String(line[..<space])
        let payload = String(line[line.index(after: space)...])
        guard let message = ComparedMessage(topic: topic, payload: payload, prefixes: prefixes) else { return }
        state.withLock { $0.comparison.hearSerial(message, at: now) }
    }

    /// A message from the broker.
    func hear(_ topic: String, _ payload: String, isRetained: Bool) {
        guard let message = ComparedMessage(topic: topic, payload: payload, prefixes: prefixes) else { return }
        state.withLock { state in
            guard isRunning else {
                state.comparison.hearOther(message, at: now, isRetained: isRetained)
                return
            }
            if topic.hasPrefix(ownPrefix + "/") || topic.hasPrefix(ownBusPrefix + "/") {
                if case .register(let id, _) = message.topic, id.dropFirst(2).hasPrefix("YYWW") {
                    state.conflict = conflict("writes there too: \(topic)")
                }
                state.comparison.hearSerial(message, at: now)
            } else {
                state.hasOther = true
                state.comparison.hearOther(message, at: now, isRetained: isRetained)
            }
        }
    }

    /// The connection to the broker, if there is something wrong with it.
    func lost(_ reason: String?) { state.withLock { $0.trouble = reason } }

    /// The bridge here could not do its work.
    func fail(_ reason: String) { state.withLock { $0.failure = reason } }

    var trouble: String? { state.withLock { $0.trouble } }
    var failure: String? { state.withLock { $0.failure } }

    /// Why the two cannot be told apart.
    var conflict: String? {
        state.withLock { state in
            if let conflict = state.conflict { return conflict }
            let isUsual = ["/venetworking", "venetworking"].contains(ownPrefix)
            guard isRunning, isUsual, !state.hasOther, ContinuousClock.now - begin > Self.patience,
                state.comparison.counts.serial > 0
            else { return nil }
            return conflict("would write there too")
        }
    }

    private func conflict(_ what: String) -> String {
        "the running daemon publishes under \(ownPrefix)/, and \(otherName) \(what)\n"
            + "what comes there cannot be told apart: give the daemon another first part, such as\n"
            + "schema.prefix = \"/vebridge/raw\", or stop it and compare with --ports"
    }

    var counts: (serial: Int, other: Int) { state.withLock { $0.comparison.counts } }

    /// What there is to say now.
    func verdict(isFinal: Bool) throws(DeviceMatch.Ambiguity) -> Comparison.Verdict {
        let (comparison, time) = state.withLock { ($0.comparison, now) }
        return try comparison.verdict(at: time, isFinal: isFinal)
    }
}
