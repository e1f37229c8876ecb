import Bridge
import Synchronization
import Testing

/// A subscriber to everything on a broker.
final class Board: Sendable {
    struct Message: Sendable, CustomStringConvertible {
        let topic: String
        let payload: String
        let isRetained: Bool
        let qos: Int

        var description: String { "\(topic) \(payload)\(isRetained ? " (retained)" : "") qos \(qos)" }
    }

    let messages: Timeline<Message>
    private let subscriptions: Timeline<String>
    private let client: MQTTClient

    init(_ broker: PrivateBroker, user: String? = nil, password: String? = nil) async throws {
        let messages = Timeline<Message>()
        let subscriptions = Timeline<String>()
        var settings = MQTTClient.Settings(
            address: broker.address, reconnectMinimum: .milliseconds(20), reconnectMaximum: .milliseconds(100))
        settings.username = user
        settings.password = password
        client = MQTTClient(settings: settings) { event in
            switch event {
            case .message(let topic, let payload, let isRetained, let qos):
                messages.append(
                    Message(
                        topic: topic, payload: String(decoding: payload, as: UTF8.self), isRetained: isRetained,
                        qos: qos))
            case .subscribed(let filter, _): subscriptions.append(filter)
            default: break
            }
        }
        self.messages = messages
        self.subscriptions = subscriptions
        client.subscribe("#", qos: 2)
        try client.start()
        try await subscriptions.first("the subscription") { _ in true }
    }

    /// Publishes, as anybody at the broker can.
    func publish(_ topic: String, _ payload: String) { _ = client.publish(topic, payload, qos: 1, retain: false) }

    deinit { client.stop(timeout: .milliseconds(100)) }

    /// How many messages there are: what comes later is news.
    var count: Int { messages.count }

    /// The payloads of a topic, in order.
    func payloads(_ topic: String) -> [String] {
        messages.elements.filter { $0.topic == topic }.map(\.payload)
    }

    /// Waits for a message on a topic, from the `start`-th message on.
    @discardableResult
    func message(
        _ topic: String, _ payload: String? = nil, from start: Int = 0, limit: Duration = .seconds(20)
    ) async throws -> Timeline<Message>.Entry {
        try await messages.first("\(topic) \(payload ?? "")", from: start, limit: limit) {
            $0.topic == topic && (payload == nil || $0.payload == payload)
        }
    }

    /// Waits until every one of these topics was heard.
    func topics(_ topics: Set<String>, from start: Int = 0, limit: Duration = .seconds(20)) async throws {
        do {
            try await messages.wait("\(topics.count) topics", limit: limit) { entries in
                topics.isSubset(of: Set(entries.dropFirst(start).map(\.element.topic)))
            }
        } catch {
            let missing = topics.subtracting(messages.elements.dropFirst(start).map(\.topic))
            throw Timeline<Message>.NotSeen(description: "missing after \(limit): \(missing.sorted())")
        }
    }
}
