import Testing

@testable import Bridge

struct ReconnectTests {
    /// Always the largest number, for the end of a random range.
    private struct Largest: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max }
    }

    @Test func waitsLongerEachTimeUpToTheMaximum() {
        var backoff = ReconnectBackoff(minimum: .milliseconds(500), maximum: .seconds(30))
        var generator = Largest()
        let waits = (0..<9).map { _ in backoff.next(using: &generator) }
        let seconds = waits.map { Double($0.components.seconds) + Double($0.components.attoseconds) / 1e18 }
        #expect(zip(seconds, [0.5, 1, 2, 4, 8, 16, 30, 30, 30]).allSatisfy { abs($0 - $1) < 0.001 })
        backoff.reset()
        #expect(backoff.next(using: &generator) == .milliseconds(500))
    }

    @Test func spreadsTheWaitsOverTheWholeRange() {
        var generator = SystemRandomNumberGenerator()
        var waits: [Duration] = []
        for _ in 0..<200 {
            var backoff = ReconnectBackoff(minimum: .seconds(1), maximum: .seconds(9))
            for _ in 0..<4 { _ = backoff.next(using: &generator) }
            waits.append(backoff.next(using: &generator))
        }
        #expect(waits.allSatisfy { $0 >= .seconds(1) && $0 <= .seconds(9) })
        // That 200 draws leave a quarter of the range empty has a chance below 1e-24.
        for quarter in 0..<4 {
            let low = Duration.seconds(1 + 2 * quarter)
            #expect(waits.contains { $0 >= low && $0 <= low + .seconds(2) })
        }
    }

    @Test func survivesSettingsTheWrongWayRound() {
        var backoff = ReconnectBackoff(minimum: .seconds(5), maximum: .zero)
        var generator = SystemRandomNumberGenerator()
        #expect(backoff.next(using: &generator) == .seconds(5))
        var never = ReconnectBackoff(minimum: .zero, maximum: .zero)
        // Zero would spin.
        #expect(never.next(using: &generator) == .milliseconds(10))
    }

    @Test func choosesTheVersion() {
        var choice = ProtocolChoice()
        #expect(choice.version == .v5)
        choice.closed()
        #expect(choice.version == .v5)
        choice.closed()
        #expect(choice.version == .v311)
        choice.closed()
        #expect(choice.version == .v5)
        choice.accepted()
        choice.closed()
        choice.closed()
        #expect(choice.version == .v5)
        let triesOther = choice.refused()
        #expect(triesOther)
        #expect(choice.version == .v311)
        let triesYetAnother = choice.refused()
        #expect(!triesYetAnother)
    }

    @Test("a will that the broker refuses is lowered at once, and stays so")
    func lowersTheWill() {
        var attempts = ConnectionAttempts(minimum: .seconds(1), maximum: .seconds(1), clientID: "x")
        let settings = MQTTClient.Settings(
            address: nil, will: .init(topic: "state", payload: "offline", qos: 1, retain: true))
        func failed(_ code: Int32) -> MQTTClient.Disconnection? {
            let address = BrokerAddress(host: "boat", port: 1883)
            return attempts.failed(
                ConnectionFailure(refusal: code, address: address, hasUsername: false, clientID: "x"), at: .now)
        }
        #expect(attempts.adapted(settings) == settings)
        #expect(failed(0x9B) == nil)
        #expect(attempts.adapted(settings).will?.qos == 0 && attempts.adapted(settings).will?.retain == true)
        #expect(failed(0x9A) == nil)
        #expect(attempts.adapted(settings).will?.qos == 0 && attempts.adapted(settings).will?.retain == false)
        // There is nothing left to lower: a refusal like any other.
        #expect(failed(0x9B)?.attempts == 1)
        attempts.connected(at: .now)
        #expect(attempts.adapted(settings).will?.qos == 0)
    }

    @Test("a broker that never acknowledges is connected to less and less often, and told of once")
    func slowsDownForStalls() {
        var attempts = ConnectionAttempts(minimum: .milliseconds(500), maximum: .seconds(1), clientID: "x")
        var waits: [Duration] = []
        for turn in 1...8 {
            attempts.connected(at: .now)
            let failure = ConnectionFailure(unacknowledged: 20 + turn, for: .seconds(30))
            let told = attempts.failed(failure, at: .now + .seconds(30))
            #expect(told?.cause == .unacknowledged && told?.repeats == turn)
            if turn == 1 {
                #expect(told?.reason == "broker does not acknowledge messages: 21 unconfirmed for 30 s")
            }
            waits.append(told?.retryAfter ?? .zero)
        }
        #expect(waits[0] <= .seconds(1))
        #expect(waits[1] >= .milliseconds(2500) && waits[1] <= .seconds(5))
        #expect(waits[7] >= .seconds(30) && waits[7] <= .seconds(60))
        attempts.connected(at: .now)
        let other = attempts.failed(ConnectionFailure(.closed, "closed"), at: .now + .seconds(60))
        #expect(other?.repeats == 1 && other?.retryAfter ?? .zero <= .seconds(1))
    }

    @Test func countsFailures() {
        let start = ContinuousClock.now
        var attempts = ConnectionAttempts(minimum: .seconds(1), maximum: .seconds(1), clientID: "x")
        attempts.connected(at: start)
        let refused = ConnectionFailure(.refused, "refused")
        let told = [
            attempts.failed(ConnectionFailure(.closed, "gone"), at: start + .seconds(60)),
            attempts.failed(refused, at: start),
            attempts.failed(refused, at: start),
            attempts.failed(ConnectionFailure(.closed, "gone"), at: start),
        ]
        #expect(told.map { $0?.attempts } == [0, 1, 2, 3])
        #expect(told.map { $0?.repeats } == [1, 1, 2, 1])
        #expect(told.map { $0?.retryAfter } == Array(repeating: .seconds(1), count: 4))
    }

    @Test func saysThatAnotherProgramHasTheClientID() throws {
        let start = ContinuousClock.now
        var attempts = ConnectionAttempts(minimum: .seconds(1), maximum: .seconds(1), clientID: "roof")
        let takeover = ConnectionFailure(.takenOver, "another client connected")
        var told: [MQTTClient.Disconnection] = []
        for second in [1, 3, 60, 1000] {
            attempts.connected(at: start + .seconds(second) - .milliseconds(500))
            if let failure = attempts.failed(takeover, at: start + .seconds(second)) { told.append(failure) }
        }
        try #require(told.count == 4)
        #expect(told[0].reason == "another client connected" && told[0].retryAfter == .seconds(1))
        #expect(told[1].reason.hasPrefix("another program uses the client id 'roof'") && told[1].repeats == 1)
        // Both want the place: to hurry back would only make them take turns faster.
        let wait = try #require(told[1].retryAfter)
        #expect(wait >= .seconds(10) && wait <= .seconds(20))
        #expect(told[2].repeats == 2)
        // Long after, it is one event again.
        #expect(told[3].reason == "another client connected" && told[3].retryAfter == .seconds(1))
    }

    @Test func onlyAStableConnectionShortensTheWaitAgain() {
        let now = ContinuousClock.now
        let lost = ConnectionFailure(.closed, "gone")
        func longestWait(afterConnectionOf duration: Duration) -> Duration {
            var attempts = ConnectionAttempts(minimum: .seconds(1), maximum: .seconds(4), clientID: "x")
            for _ in 0..<4 { _ = attempts.failed(ConnectionFailure(.refused, "refused"), at: now) }
            attempts.connected(at: now)
            _ = attempts.failed(lost, at: now + duration)
            return attempts.longestWait
        }
        // After the reset and one failure the ceiling has doubled once.
        #expect(longestWait(afterConnectionOf: .seconds(4)) == .seconds(2))
        #expect(longestWait(afterConnectionOf: .seconds(3)) == .seconds(4))
    }

    @Test func namesAnIPv6AddressInBrackets() {
        #expect(BrokerAddress(host: "::1").description == "[::1]:1883")
        #expect(BrokerAddress(host: "broker", tls: true).description == "broker:8883")
    }
}
