import Bridge
import Glibc
import Simulation
import Testing
import VEDirect

/// Cables that are pulled, come back, or change places.
@Suite(.timeLimit(.minutes(1)), .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
struct HotPlugTests {
    private func power(_ serial: String) -> String { "/venetworking/\(serial)/edbc" }

    @Test(arguments: ["port0", "port*"])
    func aPulledCableThatComesBackIsReadInFiveSeconds(pattern: String) async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let scratch = ScratchDirectory()
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")], links: [scratch.path + "/port0"])
        let bridge = try Program("--broker", Bench.address(broker), "--ports", "\(scratch.path)/\(pattern)")
        try await board.message(power("HQ2012ABCDE"))
        chargers.host.unplug(0)
        try await bridge.errors.first("the loss is told") { $0.contains("port closed") }
        // Away for longer than the shortest waits between attempts to open it.
        if pattern == "port0" { try await bridge.errors.first("it is looked for") { $0.contains("no such port") } }
        let news = board.count
        try chargers.host.replug(0)
        let time = chargers.host.time
        let message = try await board.message(power("HQ2012ABCDE"), from: news, limit: .seconds(5))
        // And not a value of before.
        let held = chargers.host.plant.chargers[0].heldValues(.panelPower, since: time - .seconds(1))
        #expect(held.contains { RawValue($0).unsigned.map(String.init) == message.element.payload })
        #expect(Set(board.messages.elements.map(\.topic)).filter { $0.hasSuffix("edbc") }.count == 1)
    }

    @Test func portsThatAppearLaterAreTakenUp() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let scratch = ScratchDirectory()
        let bridge = try Program("--broker", Bench.address(broker), "--ports", scratch.path + "/port*")
        try await bridge.errors.first("it waits") { $0.contains("no port matches yet") }
        let first = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")], links: [scratch.path + "/port0"])
        try await board.message(power("HQ2012ABCDE"), limit: .seconds(5))
        let news = board.count
        let second = try Chargers([.blueSolar75x15(serial: "HQ1611KLMNO")], links: [scratch.path + "/port1"])
        try await board.message(power("HQ1611KLMNO"), from: news, limit: .seconds(5))
        // The first by serial stands for both from now on.
        try await board.message("/venetworking/HQ1611KLMNO/2027", from: news)
        withExtendedLifetime((first, second)) {}
    }

    /// The topics follow the charger, not the socket: the same link leads to another charger afterwards.
    @Test func twoCablesSwappedChangeNoTopic() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let scratch = ScratchDirectory()
        let serials = ["HQ2012ABCDE", "HQ2017FGHIJ"]
        let chargers = try Chargers([
            .smartSolar150x60(serial: serials[0]), .smartSolar75x15(serial: serials[1], firmware: .v316),
        ])
        let sockets = (0..<2).map { "\(scratch.path)/socket\($0)" }
        func plug(_ order: [Int]) {
            for (socket, charger) in zip(sockets, order) {
                let fresh = socket + ".new"
                symlink(chargers.host.paths[charger] ?? "", fresh)
                rename(fresh, socket)
            }
        }
        plug([0, 1])
        let bridge = try Program(vebridge: ["--broker", Bench.address(broker), "--ports"] + sockets)
        for serial in serials { try await board.message(power(serial)) }
        // Pulled and plugged in again, each where the other was.
        // The names go first: the system gives the numbers of terminals that are gone to whoever asks next.
        for socket in sockets { unlink(socket) }
        for index in 0..<2 { chargers.host.unplug(index) }
        try await bridge.errors.wait("both are lost") { $0.count { $0.element.contains("port closed") } == 2 }
        for index in 0..<2 { try chargers.host.replug(index) }
        plug([1, 0])
        let news = board.count
        for serial in serials { try await board.message(power(serial), from: news, limit: .seconds(5)) }
        for serial in serials {
            try await bridge.errors.wait("\(serial) is found twice, on two ports") { entries in
                let found = entries.map(\.element).filter { $0.contains("charger found") && $0.contains(serial) }
                return found.contains { $0.contains("socket0") } && found.contains { $0.contains("socket1") }
            }
        }
        for (index, serial) in serials.enumerated() {
            #expect(chargers.foreign(index, board.payloads(power(serial))) == [])
        }
        let topics = board.messages.elements.map(\.topic).filter { $0.hasPrefix("/venetworking/") }
        #expect(Set(topics.map { $0.split(separator: "/")[1] }) == Set(serials.map { Substring($0) }))
    }

    /// The plugs at the chargers' end: no port hangs up, the answers are just somebody else's from one moment on.
    @Test func plugsSwappedAtTheChargersAreNoticed() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let serials = ["HQ2012ABCDE", "HQ2017FGHIJ"]
        let chargers = try Chargers([
            .smartSolar150x60(serial: serials[0]), .smartSolar75x15(serial: serials[1], firmware: .v316),
        ])
        let bay = try PatchBay(chargers.paths)
        defer { bay.stop() }
        let bridge = try Program(vebridge: ["--broker", Bench.address(broker), "--ports"] + bay.paths)
        for serial in serials { try await board.message(power(serial)) }
        // As long as hands need: the question that was on its way is given up, and the state is told.
        let asked = chargers.host.plant.chargers.map(\.acceptedRequests)
        bay.plug([nil, nil])
        try await Task.sleep(for: .seconds(2))
        #expect(zip(chargers.host.plant.chargers, asked).allSatisfy { $0.acceptedRequests <= $1 + 1 })
        bay.plug([1, 0])
        for (port, serial) in zip(bay.paths, serials.reversed()) {
            try await bridge.errors.first("\(serial) is found on \(port)", limit: .seconds(10)) {
                $0.contains("charger found") && $0.contains(port) && $0.contains(serial)
            }
        }
        let news = board.count
        for serial in serials {
            try await board.messages.wait("values of \(serial)") { entries in
                entries.dropFirst(news).count { $0.element.topic == power(serial) } >= 3
            }
        }
        let heard = board.messages.elements.dropFirst(news)
        for (index, serial) in serials.enumerated() {
            let payloads = heard.filter { $0.topic == power(serial) }.map(\.payload)
            #expect(chargers.foreign(index, payloads) == [], "values of \(serial)")
        }
    }
}
