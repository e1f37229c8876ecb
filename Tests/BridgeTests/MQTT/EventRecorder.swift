import Bridge
import Synchronization

/// Collects a client's events and lets a test wait for one.
final class EventRecorder: Sendable {
    struct NotSeen: Error, CustomStringConvertible {
        let description: String
    }

    private struct Waiter {
        let matches: @Sendable ([MQTTClient.Event]) -> Bool
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var events: [MQTTClient.Event] = []
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    var events: [MQTTClient.Event] { state.withLock { $0.events } }

    func record(_ event: MQTTClient.Event) {
        let satisfied = state.withLock { state in
            state.events.append(event)
            let satisfied = state.waiters.filter { $0.value.matches(state.events) }
            for key in satisfied.keys { state.waiters[key] = nil }
            return satisfied.values.map(\.continuation)
        }
        for continuation in satisfied { continuation.resume(returning: true) }
    }

    /// Waits until the events so far, from `start` on, satisfy a condition.
    func wait(
        _ what: String, timeout: Duration = .seconds(20),
        until condition: @escaping @Sendable ([MQTTClient.Event]) -> Bool
    ) async throws {
        let key = state.withLock { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        let alarm = Task {
            try await Task.sleep(for: timeout)
            let waiter = state.withLock { $0.waiters.removeValue(forKey: key) }
            waiter?.continuation.resume(returning: false)
        }
        defer { alarm.cancel() }
        let seen = await withCheckedContinuation { continuation in
            let already = state.withLock { state in
                if condition(state.events) { return true }
                state.waiters[key] = Waiter(matches: condition, continuation: continuation)
                return false
            }
            if already { continuation.resume(returning: true) }
        }
        guard seen else { throw NotSeen(description: "not seen in \(timeout): \(what); events: \(events)") }
    }

    /// Waits for the `count`-th event that satisfies a condition.
    func wait(
        for what: String, count: Int = 1, where condition: @escaping @Sendable (MQTTClient.Event) -> Bool
    ) async throws {
        try await wait(what) { $0.filter(condition).count >= count }
    }

    func waitForConnection(count: Int = 1) async throws {
        try await wait(for: "connection \(count)", count: count) {
            if case .connected = $0 { true } else { false }
        }
    }

    func waitForSubscription(_ filter: String, count: Int = 1) async throws {
        try await wait(for: "subscription to \(filter)", count: count) {
            if case .subscribed(filter, _) = $0 { true } else { false }
        }
    }

    /// Waits for a disconnection and answers the first one that satisfies the condition.
    func waitForDisconnection(
        where condition: @escaping @Sendable (MQTTClient.Disconnection) -> Bool = { _ in true }
    ) async throws -> MQTTClient.Disconnection {
        try await wait(for: "disconnection") {
            if case .disconnected(let disconnection) = $0 { condition(disconnection) } else { false }
        }
        return try disconnections.first(where: condition).orThrow(NotSeen(description: "disconnection"))
    }

    var disconnections: [MQTTClient.Disconnection] {
        events.compactMap { if case .disconnected(let disconnection) = $0 { disconnection } else { nil } }
    }

    /// `topic=payload` of the messages received, in order; retained ones are marked with `!`.
    var messages: [String] { Self.messages(events) }

    static func messages(_ events: [MQTTClient.Event]) -> [String] {
        events.compactMap { event in
            guard case .message(let topic, let payload, let retained, _) = event else { return nil }
            return "\(topic)=\(String(decoding: payload, as: UTF8.self))\(retained ? "!" : "")"
        }
    }
}

extension Optional {
    func orThrow(_ error: some Error) throws -> Wrapped {
        guard let self else { throw error }
        return self
    }
}
