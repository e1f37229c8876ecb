import Bridge
import Glibc
import Simulation
import Testing
import VEDirect

/// Starting, stopping, and what becomes of the broker in between.
@Suite(.timeLimit(.minutes(1)), .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
struct LifecycleTests {
    private let state = "vebridge/bridge/state"
    private let power = "/venetworking/HQ2012ABCDE/edbc"

    private func charger() throws -> Chargers { try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")]) }

    @Test func birthAndDeathAreRetained() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let charger = try charger()
        let bridge = try Program("--broker", Bench.address(broker), "--ports", charger.paths[0])
        let birth = try await board.message(state, "online")
        #expect(birth.element.qos == 1)
        let late = try await Board(broker)
        #expect(try await late.message(state, "online").element.isRetained)
        try await board.message(power)

        bridge.signal(15)
        #expect(try await bridge.end(within: .seconds(2)) == .exit(0))
        let death = try await board.message(state, "offline", limit: .seconds(2))
        #expect(death.element.qos == 1)
        let later = try await Board(broker)
        #expect(try await later.message(state, "offline").element.isRetained)
    }

    @Test func aKilledBridgeIsOfflineByItsWillAndTheNextOneTakesThePort() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let charger = try charger()
        let bridge = try Program("--broker", Bench.address(broker), "--ports", charger.paths[0])
        try await board.message(power)
        bridge.signal(9)
        #expect(try await bridge.end() == .signal(9))
        try await board.message(state, "offline", limit: .seconds(5))

        let news = board.count
        let next = try Program("--broker", Bench.address(broker), "--ports", charger.paths[0])
        try await board.message(state, "online", from: news)
        try await board.message(power, from: news, limit: .seconds(6))
        #expect(!next.complaint.contains("in use by another program"))
    }

    @Test func twoBridgesDoNotShareAPort() async throws {
        let charger = try charger()
        let first = try Program("--dry-run", "--ports", charger.paths[0])
        try await first.output.first("a value") { $0.contains("edbc") }
        let second = try Program("--dry-run", "--once", "--ports", charger.paths[0])
        #expect(try await second.end() == .exit(1))
        #expect(second.complaint.contains("in use by another program"))
        let third = try Program("--dry-run", "--ports", charger.paths[0])
        try await third.errors.first("a warning") { $0.contains("in use by another program") }
        first.signal(15)
        try await third.output.first("the port is taken over", limit: .seconds(8)) { $0.contains("edbc") }
        #expect(third.errors.elements.count { $0.contains("in use by another program") } == 1)
    }

    @Test func aBrokerThatComesBackHasCurrentValuesInFiveSeconds() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let charger = try charger()
        let bridge = try Program("--broker", Bench.address(broker), "--ports", charger.paths[0])
        try await board.message(power)
        broker.kill()
        try await bridge.errors.first("the loss is told") { $0.contains("broker not connected") }
        // The refused attempts let the waits between them grow.
        try await bridge.errors.first("refused") { $0.contains("refused") }
        let news = board.count
        try broker.restart()
        let back = ContinuousClock.now
        // All topics, those too that have not changed.
        try await board.topics([power, "/venetworking/HQ2012ABCDE/edef", state], from: news, limit: .seconds(5))
        let now = charger.host.time
        let first = try await board.message(power, from: news)
        let held = charger.host.plant.chargers[0].heldValues(.panelPower, since: now - .seconds(5))
        #expect(held.contains { RawValue($0).unsigned.map(String.init) == first.element.payload })
        #expect(first.time - back < .seconds(5))
        #expect(bridge.errors.elements.count { $0.contains("broker connected") } == 2)
    }

    @Test func aFrozenBrokerHarmsNobody() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let charger = try charger()
        let bridge = try Program("--broker", Bench.address(broker), "--ports", charger.paths[0], "-v")
        try await board.message(power)
        broker.suspend()
        // The charger is asked on and on meanwhile: some rounds of eight registers.
        let asked = charger.host.plant.chargers[0].acceptedRequests
        while charger.host.plant.chargers[0].acceptedRequests < asked + 60 {
            try await Task.sleep(for: .milliseconds(50))
        }
        let news = board.count
        broker.resume()
        try await board.messages.wait("fresh values", limit: .seconds(5)) { entries in
            let fresh = entries.dropFirst(news).filter { $0.element.topic == power }
            return fresh.count >= 3
        }
        // And it can be stopped while the broker is frozen.
        broker.suspend()
        bridge.signal(15)
        #expect(try await bridge.end(within: .seconds(2)) == .exit(0))
        broker.resume()
    }

    @Test func aBrokerThatRefusesIsToldOfOnceAndWithoutTheSecret() async throws {
        let broker = try PrivateBroker(.init(users: ["boat": "right-password"]))
        let charger = try charger()
        let scratch = ScratchDirectory()
        let address = "mqtt://boat:wrong-s3cret@127.0.0.1:\(broker.port)"
        let file = scratch.file("vebridge.toml", "[broker]\nurl = \"\(address)\"\n")
        let bridge = try Program("--config", file, "--ports", charger.paths[0], "-vv")
        try await bridge.errors.first("refused") { $0.contains("broker not connected") }
        try await bridge.errors.first("the charger is read all the same") { $0.contains("charger found") }
        bridge.signal(15)
        #expect(try await bridge.end(within: .seconds(2)) == .exit(0))
        #expect(bridge.errors.elements.count { $0.contains("broker not connected") } == 1)
        #expect(!bridge.complaint.contains("s3cret"))
        #expect(!bridge.output.elements.contains { $0.contains("s3cret") })
    }

    @Test func onceFailsWhereTheBrokerDoesNotTakeIt() async throws {
        // Anyone may connect, nobody may write.
        let scratch = ScratchDirectory()
        let rights = scratch.file("rights", "topic read #\n")
        let broker = try PrivateBroker(.init(lines: ["acl_file \(rights)"]))
        let charger = try charger()
        let bridge = try Program("--once", "--broker", Bench.address(broker), "--ports", charger.paths[0])
        #expect(try await bridge.end(within: .seconds(30)) == .exit(1))
        #expect(bridge.complaint.contains("broker"))
    }

    @Test func onceFailsWhereThereIsNoBrokerAndSaysWhy() async throws {
        let broker = try PrivateBroker()
        broker.stop()
        let charger = try charger()
        let bridge = try Program("--once", "--broker", Bench.address(broker), "--ports", charger.paths[0])
        #expect(try await bridge.end(within: .seconds(30)) == .exit(1))
        #expect(bridge.complaint.contains("the broker was not reached"))
        #expect(bridge.complaint.contains("refused"))
    }
}
