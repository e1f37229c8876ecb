import Bridge
import Logging
import NIOCore
import Synchronization

/// Why a request or a connection was not served.
enum Refusal: String, CaseIterable, Sendable {
    case badRequest = "bad_request"
    case tooLarge = "too_large"
    case slow
    case wrongHost = "wrong_host"
    case noPassword = "no_password"
    case lockedOut = "locked_out"
    case method
    case tooMany = "too_many"

    var words: String {
        switch self {
        case .badRequest: "a request that is none was refused"
        case .tooLarge: "a request that is too long was refused"
        case .slow: "a connection that was too slow was closed"
        case .wrongHost: "the page was asked for by a name that is not its own (see web.hosts)"
        case .noPassword: "the page was asked for without the right password or token"
        case .lockedOut: "an address tried too many wrong passwords or tokens and has to wait"
        case .method: "a request that is not for reading was refused"
        case .tooMany: "a connection was refused: there are too many"
        }
    }
}

/// Counts what is refused, and says each kind once, then once an hour.
final class Refusals: Sendable {
    private struct State {
        var counts: [Refusal: Int] = [:]
        var news = OncePer<Refusal>(.seconds(3600))
    }

    private let log: Logger
    private let state = Mutex(State())

    init(log: Logger) { self.log = log }

    func note(_ refusal: Refusal, from peer: String?) {
        let verdict = state.withLock { state in
            state.counts[refusal, default: 0] += 1
            return state.news.report(refusal.rawValue, refusal)
        }
        var metadata: Logger.Metadata = ["from": .string(peer ?? "unknown")]
        switch verdict {
        case .silent: return
        case .changed: break
        case .still(let count): metadata["times"] = .stringConvertible(count)
        }
        log.warning("\(refusal.words)", metadata: metadata)
    }

    var counts: [Refusal: Int] { state.withLock { $0.counts } }
}
