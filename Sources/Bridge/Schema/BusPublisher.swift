import MasterBus

/// Decides when a topic of a MasterBus is published: when its payload changed, and again after the interval. Values
/// come at least every few seconds while a device is there, so no timer is needed: a device that is silent has no
/// heartbeat.
struct BusPublisher {
    private struct Sent {
        var payload: String
        var time: Duration
    }

    /// What may be described: bounded as the session's devices and their polled attributes are.
    private static let maximumTopics = 64 * 256

    private let topics: BusTopics
    private let interval: Duration
    private let describes: Bool
    private var sent: [BusPlan.Key: Sent] = [:]
    private var described: [BusPlan.Key: [String: String]] = [:]

    init(_ configuration: Configuration) {
        topics = BusTopics(configuration.schema)
        interval = configuration.schema.interval
        describes = configuration.masterbus.describe
    }

    /// A value was read.
    mutating func value(_ value: BusValue, schema: DeviceSchema?, sink: TopicSink) {
        let key = BusPlan.Key(value.device, value.attribute)
        guard let payload = BusTopics.payload(value) else {
            // Not available: whatever comes next is news.
            sent[key] = nil
            return
        }
        let last = sent[key]
        if last == nil, describes, described[key] == nil { describe(key, schema, sink) }
        let age = last.map { value.time - $0.time } ?? .zero
        // A clock that went back makes the age negative: publish.
        if let last, last.payload == payload, age >= .zero, age < interval { return }
        guard sent[key] != nil || sent.count < Self.maximumTopics else { return }
        // What was not taken stays unsent, and is tried again with the next value.
        let isTaken = sink.publish(topics.topic(device: value.device, attribute: value.attribute), payload)
        sent[key] = isTaken ? Sent(payload: payload, time: value.time) : nil
    }

    /// A device told something of itself: publishes what is new beside the values that were published.
    mutating func described(_ schema: DeviceSchema, sink: TopicSink) {
        guard describes else { return }
        let keys = described.keys.filter { $0.device == schema.address }.sorted { $0.attribute < $1.attribute }
        for key in keys { describe(key, schema, sink) }
    }

    /// The broker is back: everything that is known is published again.
    mutating func publishAll(_ values: [BusValue], schema: (DeviceAddress) -> DeviceSchema?, sink: TopicSink) {
        sent = [:]
        described = [:]
        for value in values { self.value(value, schema: schema(value.device), sink: sink) }
    }

    private mutating func describe(_ key: BusPlan.Key, _ schema: DeviceSchema?, _ sink: TopicSink) {
        guard described[key] != nil || described.count < Self.maximumTopics else { return }
        var known = described[key] ?? [:]
        let parts = schema.map { BusTopics.descriptions(of: key.attribute, in: $0) } ?? []
        for (part, text) in parts where known[part] != text {
            let topic = topics.topic(device: key.device, attribute: key.attribute) + "/" + part
            if sink.publish(topic, text, isKept: true) { known[part] = text }
        }
        described[key] = known
    }
}
