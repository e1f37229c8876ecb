import Bridge
import Simulation
import Testing
import VEDirect

/// The main job from end to end: what chargers hold arrives at a broker, under the topics of the schema.
@Suite(.timeLimit(.minutes(1)))
struct SchemaTests {
    private let prefix = "/venetworking/"

    /// The topics that a charger of each kind can have, its own and derived ones.
    private let registers: [String: String] = [
        "old": "0100 0102 200c ed8c edbc edef",
        "new": "0100 0102 200c ed8c edbc edef",
        "networked": "0100 0102 2000 2001 2007 2008 200b 200c 2027 ed8c edbc edef ec3e",
    ]

    private func topics(_ charger: IndependentCharger, _ kind: String) -> Set<String> {
        Set((registers[kind] ?? "").split(separator: " ").map { "\(prefix)\(charger.serial)/\($0)" })
    }

    @Test(
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto), .enabled(if: Bench.hasPython, Bench.noPython),
        arguments: [["old", "new"], ["networked", "old"]])
    func chargersOfAnotherMakeArePublishedInSixSeconds(kinds: [String]) async throws {
        // Every run must be right; the times are the best of three, for other tests want the machine too.
        var times: [(identified: Duration, complete: Duration)] = []
        for _ in 1...3 {
            times.append(try await publish(kinds))
            if times.contains(where: { $0.identified <= .seconds(3) && $0.complete <= .seconds(6) }) { return }
        }
        Issue.record("identified within 3 s and complete within 6 s: \(times)")
    }

    /// Runs a bridge for chargers of these kinds until every topic was heard, and checks all that was heard.
    private func publish(_ kinds: [String]) async throws -> (identified: Duration, complete: Duration) {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        var chargers: [IndependentCharger] = []
        for (index, kind) in kinds.enumerated() {
            chargers.append(try await IndependentCharger(kind, serial: "HQ20\(11 + index)PYTH\(index)"))
        }
        let bridge = try Program(
            vebridge: ["--broker", Bench.address(broker), "--ports"] + chargers.map(\.path))
        var identified: Duration = .zero
        for charger in chargers {
            let found = try await bridge.errors.first("\(charger.serial) is found") {
                $0.contains("charger found") && $0.contains(charger.serial)
            }
            identified = max(identified, found.time - bridge.started)
        }
        var expected = Set<String>()
        for (charger, kind) in zip(chargers, kinds) { expected.formUnion(topics(charger, kind)) }
        // No charger is in a network: the first by serial stands for all.
        if !kinds.contains("networked") { expected.insert("\(prefix)\(chargers[0].serial)/2027") }
        try await board.topics(expected)
        let complete = ContinuousClock.now - bridge.started

        bridge.signal(15)
        try await bridge.end()
        let heard = board.messages.elements.filter { $0.topic.hasPrefix(prefix) }
        #expect(Set(heard.map(\.topic)) == expected)
        #expect(heard.allSatisfy { $0.qos == 1 && !$0.isRetained })
        for (charger, kind) in zip(chargers, kinds) {
            try checkPayloads(of: charger, kind, board)
            #expect(charger.forbidden == 0)
        }
        return (identified, complete)
    }

    private func checkPayloads(of charger: IndependentCharger, _ kind: String, _ board: Board) throws {
        func heard(_ register: String) -> Set<String> {
            Set(board.payloads("\(prefix)\(charger.serial)/\(register)"))
        }
        // Wire order, as it is; version 1.16, 1.64 or 3.16 as commands 3 and 1 say it.
        #expect(heard("0100") == Set(try charger.held("0100")))
        #expect(heard("0102") == [["old": "1641", "new": "6441", "networked": "1643"][kind] ?? ""])
        for register in ["2000", "2001", "2007", "2008", "200b", "2027", "edbc", "edef", "ec3e"]
        where kind == "networked" || register.hasPrefix("ed") {
            let held = try charger.numbers(register.uppercased()).map(String.init)
            #expect(heard(register).isSubset(of: held), "\(kind) \(register)")
            #expect(!heard(register).isEmpty, "\(kind) \(register)")
        }
        #expect(heard("200c") == ["3"])
        guard kind != "networked" else {
            #expect(heard("ed8c") == ["4294967294"])
            return
        }
        let load = try charger.numbers("EDAD").first ?? 0
        let currents = try charger.numbers("EDD7").map { String(($0 - load) * 100) }
        #expect(heard("ed8c").isSubset(of: currents))
    }

    @Test(.enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func theFirmwaresStyleAndRetainedTopics() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let chargers = try Chargers([
            .smartSolar150x60(serial: "HQ2012ABCDE", firmware: .v164, link: .master),
            .blueSolar75x15(serial: "HQ1611KLMNO", firmware: .v150),
        ])
        let scratch = ScratchDirectory()
        let file = scratch.file(
            "vebridge.toml",
            """
            ports = ["\(chargers.paths[0])", "\(chargers.paths[1])"]
            [broker]
            url = "\(Bench.address(broker))"
            [schema]
            style = "firmware"
            retain = true
            """)
        let bridge = try Program("--config", file)
        let first = "0100 0102 2000 2001 2007 2008 200B 200C 2027 ED8C EDBC EDEF EC3E".split(separator: " ")
        let second = "0100 0102 200C ED8C EDBC EDEF".split(separator: " ")
        try await board.topics(
            Set(first.map { "venetworking/HQ2012ABCDE/\($0)" } + second.map { "venetworking/HQ1611KLMNO/\($0)" }))
        for index in 0..<2 {
            let serial = chargers.host.plant.chargers[index].serial
            let payloads = board.payloads("venetworking/\(serial)/EDBC")
            #expect(chargers.foreign(index, payloads) == [])
            #expect(chargers.host.plant.chargers[index].forbiddenCommands == 0)
        }
        #expect(!board.messages.elements.contains { $0.topic.hasPrefix("/") })
        let late = try await Board(broker)
        #expect(try await late.message("venetworking/HQ2012ABCDE/EDEF").element.isRetained)
        bridge.signal(15)
        #expect(try await bridge.end() == .exit(0))
    }

    @Test(.enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func onceWaitsForEverythingAndForTheBroker() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let chargers = try Chargers([
            .smartSolar150x60(serial: "HQ2012ABCDE"), .blueSolar75x15(serial: "HQ1611KLMNO", firmware: .v116),
        ])
        let bridge = try Program(
            vebridge: ["--once", "--broker", Bench.address(broker), "--ports"] + chargers.paths)
        #expect(try await bridge.end(within: .seconds(25)) == .exit(0))
        // Everything was acknowledged before the end, so it is here or on its way from the broker.
        var expected = Set<String>()
        for serial in ["HQ2012ABCDE", "HQ1611KLMNO"] {
            for register in ["0100", "0102", "200c", "ed8c", "edbc", "edef"] {
                expected.insert("\(prefix)\(serial)/\(register)")
            }
        }
        try await board.topics(expected.union([prefix + "HQ1611KLMNO/2027"]), limit: .seconds(2))
        try await board.message("vebridge/bridge/state", "offline", limit: .seconds(2))
        #expect(board.payloads("vebridge/bridge/state") == ["online", "offline"])
    }

    @Test func dryRunAndOnceTogetherNeedNoBroker() async throws {
        let chargers = try Chargers([
            .smartSolar150x60(serial: "HQ2012ABCDE"), .smartSolar75x15(serial: "HQ2017FGHIJ", firmware: .v316),
        ])
        let bridge = try Program(vebridge: ["--once", "--dry-run", "--ports"] + chargers.paths)
        #expect(try await bridge.end(within: .seconds(25)) == .exit(0))
        let lines = bridge.output.elements.map { $0.split(separator: " ") }
        #expect(lines.allSatisfy { $0.count == 2 })
        let topics = Set(lines.compactMap(\.first).map(String.init))
        for serial in ["HQ2012ABCDE", "HQ2017FGHIJ"] {
            for register in ["0100", "0102", "200c", "ed8c", "edbc", "edef"] {
                #expect(topics.contains("\(prefix)\(serial)/\(register)"))
            }
        }
        #expect(topics.contains(prefix + "HQ2012ABCDE/2027"))
    }

    @Test func dryRunGoesOnUntilItIsStopped() async throws {
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let bridge = try Program("--dry-run", "--ports", chargers.paths[0])
        let topic = prefix + "HQ2012ABCDE/edbc "
        try await bridge.output.wait("many values") { $0.count { $0.element.hasPrefix(topic) } >= 5 }
        bridge.signal(2)
        #expect(try await bridge.end(within: .seconds(2)) == .exit(0))
    }

    /// A thousandth of all bits flipped, both ways: less is heard, and nothing wrong.
    @Test(.enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func aNoisyLineMakesNoWrongValueAndNoChargerThatIsNotThere() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let serials = ["HQ2012ABCDE", "HQ1611KLMNO"]
        let chargers = try Chargers([
            .smartSolar150x60(serial: serials[0]), .blueSolar75x15(serial: serials[1], firmware: .v150),
        ])
        let rates = try Noise("ber=1e-3,drop=1e-4,dup=1e-4").rates
        for index in 0..<2 {
            chargers.host.impair(
                index, toHost: NoisyLine(rates, seed: UInt64(index)),
                toCharger: NoisyLine(rates, seed: UInt64(9 + index))
            )
        }
        let bridge = try Program(vebridge: ["--broker", Bench.address(broker), "--ports"] + chargers.paths)
        for serial in serials {
            try await board.messages.wait("values of \(serial)", limit: .seconds(40)) { entries in
                entries.count { $0.element.topic == "/venetworking/\(serial)/edbc" } >= 10
                    && entries.contains { $0.element.topic == "/venetworking/\(serial)/edef" }
            }
        }
        bridge.signal(15)
        try await bridge.end()
        let heard = board.messages.elements.filter { $0.topic.hasPrefix(prefix) }
        #expect(Set(heard.map { $0.topic.split(separator: "/")[1] }) == Set(serials.map { Substring($0) }))
        for (index, serial) in serials.enumerated() {
            #expect(chargers.foreign(index, board.payloads("\(prefix)\(serial)/edbc")) == [], "\(serial)")
            #expect(Set(board.payloads("\(prefix)\(serial)/edef")) == ["12"])
        }
    }
}
