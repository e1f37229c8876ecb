import Testing

@testable import Bridge

@Suite("What waits for a broker")
struct OutboxTests {
    private let start = ContinuousClock.now

    private func message(_ topic: String, _ payload: String, retain: Bool = false) -> MQTTClient.Message {
        .init(topic: topic, payload: payload, retain: retain)
    }

    private func drained(_ box: inout Outbox, at time: ContinuousClock.Instant? = nil, room: Int = .max) -> [String] {
        var sent: [String] = []
        box.drain(at: time ?? start) { message in
            guard sent.count < room else { return .full }
            sent.append("\(message.topic)=\(String(decoding: message.payload, as: UTF8.self))")
            return .accepted
        }
        return sent
    }

    @Test("of each topic the latest, in the order of the topics")
    func latest() {
        var box = Outbox(limit: 10, sampleLimit: 10, lifetime: .seconds(60))
        for value in 0..<5 { box.hold(message("a", "\(value)"), at: start) }
        box.hold(message("b", "x"), at: start)
        box.hold(message("a", "9"), at: start)
        box.hold(message("c", "y"), at: start)
        box.forget("b")
        #expect(box.heldCount == 2)
        #expect(drained(&box) == ["a=9", "c=y"])
        #expect(drained(&box) == [])
    }

    @Test("no more topics than there is room for; the oldest go")
    func bounded() {
        var box = Outbox(limit: 100, sampleLimit: 10, lifetime: .seconds(60))
        for topic in 0..<1000 { box.hold(message("t\(topic)", "1"), at: start) }
        #expect(box.heldCount == 100)
        #expect(box.dropped == 900)
        #expect(drained(&box) == (900..<1000).map { "t\($0)=1" })
        // Bytes count too.
        let large = String(repeating: "x", count: 1 << 20)
        for topic in 0..<40 { box.hold(message("t\(topic)", large), at: start) }
        #expect(box.heldCount < 17)
    }

    @Test("goes on where it stopped for want of room")
    func continues() {
        var box = Outbox(limit: 10, sampleLimit: 10, lifetime: .seconds(60))
        for topic in ["a", "b", "c"] { box.hold(message(topic, "1"), at: start) }
        #expect(drained(&box, room: 2) == ["a=1", "b=1"])
        box.hold(message("a", "2"), at: start)
        #expect(drained(&box) == ["c=1", "a=2"])
    }

    @Test("old values are no news, unless the broker keeps them")
    func stale() {
        var box = Outbox(limit: 10, sampleLimit: 10, lifetime: .seconds(60))
        box.hold(message("gone", "1"), at: start)
        box.hold(message("kept", "1", retain: true), at: start)
        box.hold(message("fresh", "1"), at: start + .seconds(100))
        #expect(drained(&box, at: start + .seconds(120)) == ["kept=1", "fresh=1"])
    }

    @Test("missed samples follow, each topic in the order of time, numbers as numbers")
    func samples() {
        var box = Outbox(limit: 10, sampleLimit: 100, lifetime: .seconds(60))
        box.addSample(message("/v/A/edbc", "100"), time: 1_700_000_000.25)
        box.addSample(message("/v/A/0100", "62A0"), time: 1_700_000_001)
        box.addSample(message("/v/A/edbc", "101"), time: 1_700_000_002.007)
        box.hold(message("/v/A/edbc", "101"), at: start)
        #expect(
            drained(&box) == [
                "/v/A/edbc=101",
                #"/v/A/edbc/missed={"samples":[[1700000000.250,100],[1700000002.007,101]],"dropped":0}"#,
                #"/v/A/0100/missed={"samples":[[1700000001.000,"62A0"]],"dropped":0}"#,
            ])
        #expect(drained(&box) == [])
    }

    @Test("no more samples than there is room for; what was lost is said")
    func boundedSamples() {
        var box = Outbox(limit: 10, sampleLimit: 600, lifetime: .seconds(60))
        for number in 0..<10_000 { box.addSample(message("t", "\(number)"), time: Double(number)) }
        #expect(box.sampleCount == 600)
        let sent = drained(&box)
        #expect(sent.count == 3)
        #expect(sent[0].hasPrefix(#"t/missed={"samples":[[9400.000,9400],"#))
        #expect(sent[0].hasSuffix(#","dropped":9400}"#))
        #expect(sent[2].hasSuffix(#"[9999.000,9999]],"dropped":0}"#))
    }

    @Test("missed samples are divided so that each message fits into the packets of the broker")
    func divided() {
        var box = Outbox(limit: 10, sampleLimit: 1000, lifetime: .seconds(60))
        for second in 0..<1000 { box.addSample(message("t", "\(second)"), time: Double(1_700_000_000 + second)) }
        var limits = BrokerLimits()
        limits.packetSize = 500
        var seen: [String] = []
        box.drain(at: start, packetSize: 500) { message in
            #expect(limits.fault(of: message, .v5) == nil)
            let samples = JSONValue(message.payload)?["samples"]
            if case .array(let pairs)? = samples {
                for case .array(let pair) in pairs { if case .number(let text)? = pair.last { seen.append(text) } }
            }
            return .accepted
        }
        #expect(seen == (0..<1000).map { "\($0)" })
        // Too small for a single one: dropped by the client, and not divided for ever.
        box.addSample(message("t", "1"), time: 1)
        box.addSample(message("t", "2"), time: 2)
        var count = 0
        box.drain(at: start, packetSize: 20) { _ in
            count += 1
            return .invalid("too large")
        }
        #expect(count == 2)
    }

    @Test("samples that could not leave wait for the next time, before newer ones")
    func samplesWait() {
        var box = Outbox(limit: 10, sampleLimit: 1000, lifetime: .seconds(60))
        for number in 0..<500 { box.addSample(message("t", "\(number)"), time: Double(number)) }
        #expect(drained(&box, room: 1).count == 1)
        box.addSample(message("t", "500"), time: 500)
        let rest = drained(&box)
        #expect(rest.count == 2)
        #expect(rest[0].hasPrefix(#"t/missed={"samples":[[250.000,250],"#))
        #expect(rest[1] == #"t/missed={"samples":[[500.000,500]],"dropped":0}"#)
    }

    @Test("filters match as MQTT has it, a leading slash apart")
    func filters() throws {
        let cases: [(String, String, Bool)] = [
            ("#", "a/b", true), ("#", "/a", true), ("a/#", "a", true), ("a/#", "a/b/c", true), ("a/#", "ab", false),
            ("venetworking/+/edbc", "/venetworking/HQ1/edbc", true), ("+/b", "a/b", true), ("+/b", "a/b/c", false),
            ("a/+", "a", false), ("a/b", "a/b", true), ("a/b", "a/b/", false), ("/a/b", "a/b", true), ("+", "a", true),
            ("a/+/c", "a//c", true),
        ]
        for (filter, topic, expected) in cases {
            #expect(try #require(TopicFilter(filter)).matches(topic) == expected, "\(filter) \(topic)")
        }
        for wrong in ["", "/", "a#", "a/#/b", "a+/b", "#/a"] { #expect(TopicFilter(wrong) == nil, "\(wrong)") }
    }
}
