import Glibc
import Logging
import Synchronization
import Testing
import VEDirect

@testable import Bridge

/// From a reading to a subscriber, by a real broker. `VEBRIDGE_BENCH=1` measures for a minute at the pace of a large
/// plant; without it a few seconds at six times that pace show that nothing is lost.
@Suite(
    "Readings on their way to a subscriber", .serialized, .timeLimit(.minutes(3)),
    .enabled(if: PrivateBroker.find("mosquitto") != nil, "mosquitto is not installed"))
struct ThroughputTests {
    private static let isBenchmark = getenv("VEBRIDGE_BENCH") != nil
    private static let chargers = 100

    /// When each reading was made and when the subscriber had it.
    private final class Times: Sendable {
        private struct State {
            var made: [ContinuousClock.Instant] = []
            var heard: [Int: ContinuousClock.Instant] = [:]
        }
        private let state = Mutex(State())

        func make(_ number: Int) {
            let now = ContinuousClock.now
            state.withLock { $0.made.append(now) }
        }
        func hear(_ number: Int) {
            let now = ContinuousClock.now
            state.withLock { if $0.heard[number] == nil { $0.heard[number] = now } }
        }
        var heardCount: Int { state.withLock { $0.heard.count } }
        /// Milliseconds from reading to subscriber, in order of size.
        var delays: [Double] {
            state.withLock { state in
                state.made.indices.compactMap { number in
                    state.heard[number].map { Double(($0 - state.made[number]) / .microseconds(1)) / 1000 }
                }.sorted()
            }
        }
    }

    @Test("10,000 changes a minute at quality of service 1: none is lost, and 99 of 100 are there within 5 ms")
    func nothingIsLost() async throws {
        let broker = try PrivateBroker()
        let times = Times()
        let (subscribed, subscription) = AsyncStream.makeStream(of: Void.self)
        let subscriber = MQTTClient(settings: .init(address: broker.address)) { event in
            switch event {
            case .message(let topic, let payload, _, _) where topic.hasSuffix("/edbc"):
                if let number = Int(String(decoding: payload, as: UTF8.self)) { times.hear(number) }
            case .subscribed: subscription.yield()
            default: break
            }
        }
        subscriber.subscribe("/venetworking/#", qos: 1)
        try subscriber.start()
        for await _ in subscribed { break }

        var configuration = Configuration()
        configuration.broker.url = .server(.init(transport: .mqtt, host: "127.0.0.1", port: broker.port))
        let mailbox = Mailbox()
        let sink = TopicSink(
            configuration: configuration, output: .broker, mailbox: mailbox, log: Logger(label: "test"))
        try sink.start()
        let limit = ContinuousClock.now + .seconds(10)
        while mailbox.take().isConnected == nil, ContinuousClock.now < limit { _ = mailbox.wake.wait(until: limit) }
        sink.beginCatchUp()
        sink.endCatchUp()

        var plant = Plant()
        for index in 0..<Self.chargers { plant.add(Self.serial(index), port: "/dev/tty\(index)") }
        var publisher = SchemaPublisher(configuration.schema)
        let total = Self.isBenchmark ? 10_000 : 3000
        let pace: Duration = Self.isBenchmark ? .microseconds(6000) : .microseconds(1000)
        let start = ContinuousClock.now
        for number in 0..<total {
            let due = start + pace * number
            // A thread of its own would be woken as late as this one is.
            if due > .now { try await Task.sleep(until: due, tolerance: .zero, clock: .continuous) }
            let serial = Self.serial(number % Self.chargers)
            let now = ContinuousClock.now - start
            times.make(number)
            try plant.read(.panelPower, number, 4, of: serial, at: now)
            publisher.changed(.panelPower, serial: serial, plant: plant, at: now) { sink.publish($0, $1) }
            // As the loop does at the end of each turn.
            sink.flush()
        }
        let end = ContinuousClock.now + .seconds(10)
        while times.heardCount < total, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(5)) }
        #expect(times.heardCount == total)
        #expect(sink.stop())
        subscriber.stop()
        let delays = times.delays
        func quantile(_ share: Double) -> Double { delays[min(delays.count - 1, Int(Double(delays.count) * share))] }
        let words = "p50 \(quantile(0.5)) ms, p99 \(quantile(0.99)) ms, longest \(quantile(1)) ms"
        if Self.isBenchmark {
            print("reading to subscriber, \(total) readings in \(ContinuousClock.now - start): \(words)")
            #expect(quantile(0.99) < 5, "\(words)")
        } else {
            // Other tests have the processor too.
            #expect(quantile(0.5) < 50, "\(words)")
        }
    }

    private static func serial(_ index: Int) -> String { "HQ2012T\(1000 + index)" }
}
