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
    /// The most that a message about missed samples has besides its topic and its pairs.
    static let bytesAroundPairs = 64
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
    private var missed: [(message: MQTTClient.Message, samples: Int)] = []
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

    /// Drops what is held of the topics that `isForgotten` picks.
    mutating func forget(where isForgotten: (String) -> Bool) {
        for topic in held.keys.filter(isForgotten) { forget(topic) }
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
    ///
    /// - Parameter packetSize: the largest packet that the broker accepts, nil for any; samples are divided by it.
    mutating func drain(
        at now: ContinuousClock.Instant, packetSize: Int? = nil,
        _ send: (MQTTClient.Message) -> MQTTClient.PublishResult
    ) {
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
        prepareMissed(packetSize)
        while let (message, _) = missed.last {
            switch send(message) {
            case .accepted, .invalid: missed.removeLast()
            case .offline, .full: return
            }
        }
    }

    /// Makes messages of the samples, a topic after the other, the times of each in order.
    private mutating func prepareMissed(_ packetSize: Int?) {
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
        var messages: [(message: MQTTClient.Message, samples: Int)] = []
        for topic in topics {
            let all = byTopic[topic] ?? []
            // Topic, header and what stands around the pairs.
            let room = packetSize.map { $0 - topic.utf8.count - Self.bytesAroundPairs } ?? Int.max
            var rest = all.map { "[\(Self.seconds($0.time)),\(Self.json($0.value))]" }[...]
            while !rest.isEmpty {
                var (count, bytes) = (0, 0)
                for pair in rest.prefix(Self.samplesPerMessage) {
                    bytes += pair.utf8.count + 1
                    // One at least, also where not even that fits.
                    guard count == 0 || bytes <= room else { break }
                    count += 1
                }
                let pairs = rest.prefix(count).joined(separator: ",")
                rest = rest.dropFirst(count)
                let text = "{\"samples\":[\(pairs)],\"dropped\":\(lost.removeValue(forKey: topic) ?? 0)}"
                messages.append((.init(topic: topic + "/missed", payload: text, qos: 1), count))
            }
        }
        // What did not leave last time is older, and goes first; together they stay within the bound.
        let waiting = messages.reversed() + missed
        var samples = 0
        let kept = waiting.reversed().prefix { entry in
            samples += entry.samples
            return samples <= 2 * sampleLimit + 64 * Self.samplesPerMessage
        }
        missed = Array(waiting.suffix(kept.count))
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
