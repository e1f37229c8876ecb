import Logging

/// Decides which of the brokers that are found is the one to go to, and what is said about it. No I/O.
struct BrokerChoice {
    /// What is to be done.
    enum Action: Equatable {
        /// Go there; a connection to another place is given up where `breaking` is true.
        case move(BrokerAddress?, breaking: Bool)
        /// Say so in the log.
        case say(Logger.Level, String)
    }

    /// The name that is looked for; nil for any.
    private let wanted: String?
    /// Whether brokers without encryption are left alone: who says whom to trust is not to be led to one that needs no
    /// trust.
    private let needsTLS: Bool
    /// The name of the broker that was connected to before.
    private(set) var remembered: String?
    private var found: [FoundBroker.Key: FoundBroker] = [:]
    private var chosen: FoundBroker?
    /// Whether the chosen one is announced no more.
    private var isWithdrawn = false
    private var hasSaidNone = false
    private var isSettled = false

    init(wanted: String?, remembered: String?, needsTLS: Bool = false) {
        self.wanted = wanted
        self.needsTLS = needsTLS
        self.remembered = remembered
    }

    /// One was found, or one that was found has another address.
    mutating func appeared(_ broker: FoundBroker) -> [Action] {
        guard wanted == nil || broker.key.instance == wanted, broker.key.isSecure || !needsTLS else { return [] }
        found[broker.key] = broker
        return isSettled ? decide() : []
    }

    /// One is announced no more.
    mutating func vanished(_ key: FoundBroker.Key) -> [Action] {
        guard found.removeValue(forKey: key) != nil, isSettled else { return [] }
        return decide()
    }

    /// All that is there now was probably seen. Before this, nothing is chosen: the first to answer may be the worst.
    mutating func settled() -> [Action] {
        isSettled = true
        return decide()
    }

    /// Nothing is known any more: whoever looked has to begin anew. The connection is left alone.
    mutating func forgetAll() {
        found = [:]
        isSettled = false
    }

    /// The chosen one was connected to: it is preferred from now on. True if that is news.
    mutating func connected() -> Bool {
        guard let chosen, remembered != chosen.key.instance else { return false }
        remembered = chosen.key.instance
        return true
    }

    /// The remembered one first, then encrypted ones, then by name, then IPv4.
    private func isBetter(_ one: FoundBroker, _ other: FoundBroker) -> Bool {
        let (a, b) = (one.key, other.key)
        if (a.instance == remembered) != (b.instance == remembered) { return a.instance == remembered }
        if a.isSecure != b.isSecure { return a.isSecure }
        if a.instance != b.instance { return a.instance < b.instance }
        if a.family != b.family { return a.family < b.family }
        return (a.interface, one.address) < (b.interface, other.address)
    }

    private mutating func decide() -> [Action] {
        let candidates = found.values.sorted(by: isBetter)
        guard let best = candidates.first else { return noneLeft() }
        hasSaidNone = false
        guard let current = chosen else { return choose(best, among: candidates) }
        // The one in use stays, whatever else turns up, as long as it is announced.
        let same = candidates.filter {
            $0.key.instance == current.key.instance && $0.key.isSecure == current.key.isSecure
        }
        if let stays = same.first(where: { $0 == current }) {
            let isBack = isWithdrawn
            isWithdrawn = false
            return isBack
                ? [
                    .say(.notice, "broker \(stays.words) is announced again"),
                    .move(stays.brokerAddress, breaking: false),
                ]
                : []
        }
        if let moved = same.first {
            chosen = moved
            isWithdrawn = false
            return [
                .say(.notice, "broker \(current.words) moved: it is now \(moved.words)"),
                .move(moved.brokerAddress, breaking: true),
            ]
        }
        chosen = best
        isWithdrawn = false
        return [
            .say(
                .notice,
                "broker \(current.words) is announced no more; the next connection goes to \(best.words)"),
            .move(best.brokerAddress, breaking: false),
        ]
    }

    private mutating func choose(_ best: FoundBroker, among candidates: [FoundBroker]) -> [Action] {
        chosen = best
        isWithdrawn = false
        var words = "broker found: \(best.words)"
        let others = candidates.filter { $0.key.instance != best.key.instance || $0.key.isSecure != best.key.isSecure }
        if !others.isEmpty {
            let why =
                best.key.instance == remembered
                ? "it was used before"
                : best.key.isSecure && !others.allSatisfy(\.key.isSecure)
                    ? "it is encrypted" : "it comes first by name"
            let names = Set(others.map { "'\($0.key.instance)'\($0.key.isSecure ? " (TLS)" : "")" }).sorted()
            words += "; taken because \(why), not \(names.prefix(8).joined(separator: ", "))"
        }
        return [.say(.notice, words), .move(best.brokerAddress, breaking: true)]
    }

    private mutating func noneLeft() -> [Action] {
        if let current = chosen {
            guard !isWithdrawn else { return [] }
            isWithdrawn = true
            // What answers is not cut off because its announcement was taken back; what does not, ends by itself.
            return [
                .say(.warning, "broker \(current.words) is announced no more; a connection is kept while it lasts"),
                .move(nil, breaking: false),
            ]
        }
        guard !hasSaidNone else { return [] }
        hasSaidNone = true
        let what = (needsTLS ? "encrypted " : "") + (wanted.map { "broker '\($0)'" } ?? "broker")
        return [.say(.warning, "no \(what) announces itself in the network yet; looking on")]
    }
}
