import Synchronization

/// What happened, in order, and a way to wait for more of it: no test sleeps.
final class Timeline<Element: Sendable>: Sendable {
    struct NotSeen: Error, CustomStringConvertible {
        let description: String
    }

    struct Entry: Sendable {
        let time: ContinuousClock.Instant
        let element: Element
    }

    private struct Waiter {
        let matches: @Sendable ([Entry]) -> Bool
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var entries: [Entry] = []
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    var entries: [Entry] { state.withLock { $0.entries } }
    var elements: [Element] { entries.map(\.element) }

    /// How many there are: what comes later is news.
    var count: Int { state.withLock { $0.entries.count } }

    func append(_ element: Element) {
        let satisfied = state.withLock { state in
            state.entries.append(Entry(time: .now, element: element))
            let satisfied = state.waiters.filter { $0.value.matches(state.entries) }
            for key in satisfied.keys { state.waiters[key] = nil }
            return satisfied.values.map(\.continuation)
        }
        for continuation in satisfied { continuation.resume(returning: true) }
    }

    /// Waits until everything so far satisfies a condition.
    func wait(
        _ what: String, limit: Duration = .seconds(20), until condition: @escaping @Sendable ([Entry]) -> Bool
    ) async throws {
        let key = state.withLock { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        let alarm = Task {
            try await Task.sleep(for: limit)
            let waiter = state.withLock { $0.waiters.removeValue(forKey: key) }
            waiter?.continuation.resume(returning: false)
        }
        defer { alarm.cancel() }
        let isSeen = await withCheckedContinuation { continuation in
            let isAlready = state.withLock { state in
                if condition(state.entries) { return true }
                state.waiters[key] = Waiter(matches: condition, continuation: continuation)
                return false
            }
            if isAlready { continuation.resume(returning: true) }
        }
        guard isSeen else {
            let tail = elements.suffix(40).map { "\($0)" }.joined(separator: "\n    ")
            throw NotSeen(description: "not seen in \(limit): \(what); the last:\n    \(tail)")
        }
    }

    /// Waits for the first element from `start` on that satisfies a condition.
    @discardableResult
    func first(
        _ what: String, from start: Int = 0, limit: Duration = .seconds(20),
        where condition: @escaping @Sendable (Element) -> Bool
    ) async throws -> Entry {
        try await wait(what, limit: limit) { $0.dropFirst(start).contains { condition($0.element) } }
        guard let entry = entries.dropFirst(start).first(where: { condition($0.element) }) else {
            throw NotSeen(description: what)
        }
        return entry
    }
}
