/// What waits for a broker that is away or slow: of every topic the latest message, and of chosen topics every value
/// with its time. Both are bounded; the oldest go first.
struct Outbox {
    private struct Held {
        var message: MQTTClient.Message
        var number: Int
        var time: ContinuousClock.Instant
    }

    private struct Sample {
        var topic: String
        var value: [UInt8]
        /// Seconds since 1970.
        var time: Double

        var size: Int { topic.utf8.count + value.count + 64 }
    }

    /// Values of one message about missed samples.
    static let samplesPerMessage = 250
    /// Bytes of topics and payloads that wait, of either kind.
    static let byteLimit = 16 << 20

    private let limit: Int
    private let sampleLimit: Int
    /// What is not kept by the broker and was held longer than this is no news any more.
    private let lifetime: Duration
    private var held: [String: Held] = [:]
    private var heldBytes = 0
    /// The order in which topics came; entries whose number is not the topic's are void.
    private var order: [(number: Int, topic: String)] = []
    private var orderStart = 0
    private var nextNumber = 0
    private var samples: [Sample] = []
    private var sampleStart = 0
    private var sampleBytes = 0
    /// Messages about missed samples that have not left yet, the next one last.
    private var missed: [MQTTClient.Message] = []
    /// Samples that had no room, by topic, until it was said.
    private var lost: [String: Int] = [:]

    /// How many topics and samples were dropped for want of room.
    private(set) var dropped = 0

    init(limit: Int, sampleLimit: Int, lifetime: Duration) {
        self.limit = max(1, limit)
        self.sampleLimit = max(1, sampleLimit)
        self.lifetime = lifetime
    }

    var heldCount: Int { held.count }
    var sampleCount: Int { samples.count - sampleStart }

    /// Keeps a message in place of an earlier one of its topic.
    mutating func hold(_ message: MQTTClient.Message, at now: ContinuousClock.Instant) {
        heldBytes += message.payload.count
        if let old = held[message.topic] {
            heldBytes -= old.message.payload.count
            held[message.topic] = Held(message: message, number: old.number, time: now)
            return
        }
        heldBytes += message.topic.utf8.count
        held[message.topic] = Held(message: message, number: nextNumber, time: now)
        order.append((nextNumber, message.topic))
        nextNumber += 1
        while held.count > limit || heldBytes > Self.byteLimit, let oldest = firstHeld() {
            forget(oldest.topic)
            dropped += 1
        }
    }

    /// A newer message of the topic has left: what is held of it must not overtake it.
    mutating func forget(_ topic: String) {
        guard let old = held.removeValue(forKey: topic) else { return }
        heldBytes -= topic.utf8.count + old.message.payload.count
    }

    /// Keeps a value that could not be sent.
    mutating func addSample(_ message: MQTTClient.Message, time: Double) {
        let sample = Sample(topic: message.topic, value: message.payload, time: time)
        samples.append(sample)
        sampleBytes += sample.size
        while sampleCount > sampleLimit || sampleBytes > Self.byteLimit, sampleStart < samples.count {
            let oldest = samples[sampleStart]
            sampleBytes -= oldest.size
            lost[oldest.topic, default: 0] += 1
            dropped += 1
            sampleStart += 1
        }
        if sampleStart > 1024, sampleStart > samples.count / 2 {
            samples.removeFirst(sampleStart)
            sampleStart = 0
        }
    }

    /// The message that waited longest; nil if none does.
    private mutating func firstHeld() -> MQTTClient.Message? {
        while orderStart < order.count {
            let entry = order[orderStart]
            if let found = held[entry.topic], found.number == entry.number { return found.message }
            orderStart += 1
        }
        order.removeAll(keepingCapacity: false)
        orderStart = 0
        return nil
    }

    /// Hands over what waits, the latest of every topic first, then missed samples, until `send` refuses.
    mutating func drain(at now: ContinuousClock.Instant, _ send: (MQTTClient.Message) -> MQTTClient.PublishResult) {
        while let message = firstHeld() {
            let isStale = !message.retain && held[message.topic].map { now - $0.time > lifetime } ?? false
            if !isStale {
                switch send(message) {
                case .accepted, .invalid: break
                case .offline, .full: return
                }
            }
            forget(message.topic)
        }
        prepareMissed()
        while let message = missed.last {
            switch send(message) {
            case .accepted, .invalid: missed.removeLast()
            case .offline, .full: return
            }
        }
    }

    /// Makes messages of the samples, a topic after the other, the times of each in order.
    private mutating func prepareMissed() {
        guard sampleCount > 0 else { return }
        var topics: [String] = []
        var byTopic: [String: [Sample]] = [:]
        for sample in samples[sampleStart...] {
            if byTopic[sample.topic] == nil { topics.append(sample.topic) }
            byTopic[sample.topic, default: []].append(sample)
        }
        samples = []
        sampleStart = 0
        sampleBytes = 0
        var messages: [MQTTClient.Message] = []
        for topic in topics {
            let all = byTopic[topic] ?? []
            for start in stride(from: 0, to: all.count, by: Self.samplesPerMessage) {
                let part = all[start..<min(start + Self.samplesPerMessage, all.count)]
                let pairs = part.map { "[\(Self.seconds($0.time)),\(Self.json($0.value))]" }
                let dropped = start == 0 ? lost.removeValue(forKey: topic) ?? 0 : 0
                let text = "{\"samples\":[\(pairs.joined(separator: ","))],\"dropped\":\(dropped)}"
                messages.append(.init(topic: topic + "/missed", payload: text, qos: 1))
            }
        }
        // What did not leave last time is older, and goes first; together they stay within the bound.
        missed = Array((messages.reversed() + missed).suffix(2 * sampleLimit / Self.samplesPerMessage + 64))
    }

    /// Seconds since 1970 with milliseconds.
    private static func seconds(_ time: Double) -> String {
        let milliseconds = Int64(time * 1000)
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }

    private static func json(_ payload: [UInt8]) -> String {
        let text = String(decoding: payload, as: UTF8.self)
        return JSONValue.isNumber(text) ? text : JSONValue.quoted(text)
    }
}
