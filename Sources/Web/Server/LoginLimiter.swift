import NIOCore
import Synchronization

/// Limits how often one address may try a wrong password or token.
///
/// After ``freeFailures`` wrong ones the address is locked out for `firstLock`, twice as long after each further one,
/// ``longestLock`` at most. Other addresses are not affected, and passwords and tokens are counted apart. A quarter of
/// an hour without a wrong one clears the count.
final class LoginLimiter: Sendable {
    struct Key: Hashable, Sendable {
        let peer: String
        let scheme: Credentials.Scheme
    }

    private struct Entry {
        var failures = 0
        var last: NIODeadline
        var lockedUntil: NIODeadline?
    }

    static let freeFailures = 10
    static let longestLock: TimeAmount = .minutes(5)
    static let lifetime: TimeAmount = .minutes(15)
    /// Addresses that are remembered; the one whose failure is longest ago makes room for another.
    static let tableLimit = 1024

    private let firstLock: TimeAmount
    private let entries = Mutex<[Key: Entry]>([:])

    init(firstLock: TimeAmount = Patience().firstLock) { self.firstLock = firstLock }

    /// How many addresses are remembered.
    var count: Int { entries.withLock { $0.count } }

    /// How long nothing of this kind is checked for an address; nil where it may try.
    func lockRemaining(_ key: Key, now: NIODeadline = .now()) -> TimeAmount? {
        entries.withLock { entries in
            guard let until = entries[key]?.lockedUntil, until > now else { return nil }
            return until - now
        }
    }

    /// Counts a wrong password or token.
    func recordFailure(_ key: Key, now: NIODeadline = .now()) {
        entries.withLock { entries in
            var entry = entries[key] ?? Entry(last: now)
            if now - entry.last > Self.lifetime { entry = Entry(last: now) }
            entry.failures += 1
            entry.last = now
            if entry.failures >= Self.freeFailures {
                let doublings = min(10, entry.failures - Self.freeFailures)
                let lock = min(Self.longestLock, firstLock * (1 << doublings))
                entry.lockedUntil = now + lock
            }
            if entries[key] == nil, entries.count >= Self.tableLimit,
                let oldest = entries.min(by: { $0.value.last < $1.value.last })
            {
                entries[oldest.key] = nil
            }
            entries[key] = entry
        }
    }
}
