import Bridge
import Foundation
import Glibc
import Simulation
import Testing
import VEDirect

/// The whole program with brokers that accept less than others: what is too large, quality of service 0 only, and no
/// acknowledgements.
@Suite(.timeLimit(.minutes(4)))
struct BrokerLimitSystemTests {
    private struct Report: Decodable {
        var devices: Int
        var entities: Int
        var faults: [String]
    }

    /// What `limiting_broker.py` prints.
    private struct Line: Decodable, Sendable {
        var event: String
        var port: UInt16?
        var topic: String?
        var qos: Int?
        var payload: String?

        init?(_ text: String) {
            guard let line = try? JSONDecoder().decode(Line.self, from: Data(text.utf8)) else { return nil }
            self = line
        }
    }

    private static let serial = "HQ2012ABCDE"
    private static let device = "homeassistant/device/vebridge_\(serial)/config"
    private static let part = "homeassistant/sensor/vebridge_\(serial)/panel_power/config"

    private func bridge(
        _ port: UInt16, _ chargers: Chargers, _ scratch: ScratchDirectory, _ more: String = ""
    ) throws -> Program {
        try Program(
            "--config",
            scratch.file(
                "vebridge.toml",
                """
                ports = ["\(chargers.paths[0])"]
                [broker]
                url = "mqtt://127.0.0.1:\(port)"
                [bridge]
                interval = "5s"
                [homeassistant]
                enabled = true
                \(more)
                """))
    }

    /// The processor time that a process has used.
    private func processorTime(_ process: pid_t) throws -> Duration {
        let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // After the name in brackets: state is the first, utime the twelfth, stime the thirteenth.
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        let ticks = try #require(Int64(fields[12])) + #require(Int64(fields[13]))
        return .milliseconds(ticks * 1000 / Int64(sysconf(Int32(_SC_CLK_TCK))))
    }

    /// Fails where a program uses a tenth of a core or more. What it does is bounded by time, not by an event.
    private func expectIdle(_ program: Program) async throws {
        let (start, before) = (ContinuousClock.now, try processorTime(program.process))
        try await Task.sleep(for: .seconds(4))
        let used = try processorTime(program.process) - before
        #expect(used < (ContinuousClock.now - start) / 10, "\(used)")
    }

    private func count(_ program: Program, _ text: String) -> Int {
        program.errors.elements.count { $0.contains(text) }
    }

    @Test(
        "packets of 2000 bytes: announcements come in parts, are whole together, and purge finds them",
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto), .enabled(if: Bench.hasPython, Bench.noPython))
    func smallPackets() async throws {
        let broker = try PrivateBroker(.init(lines: ["max_packet_size 2000"]))
        let board = try await Board(broker)
        let chargers = try Chargers([.smartSolar150x60(serial: Self.serial)])
        let scratch = ScratchDirectory()
        let bridge = try bridge(broker.port, chargers, scratch)
        try await board.topics(
            [
                Self.part, "homeassistant/sensor/vebridge_\(Self.serial)/error/config",
                "vebridge/charger/\(Self.serial)/yield_total",
            ], limit: .seconds(60))
        try await expectIdle(bridge)
        let news = board.count
        let health = try await board.message("vebridge/bridge/health", from: news)
        #expect(health.element.payload.contains("\"dropped\":0"), "\(health.element.payload)")
        #expect(count(bridge, "broker accepts packets of at most 2000 bytes: announcements are split") == 1)
        #expect(count(bridge, "never be sent") == 0, "\(bridge.complaint)")
        #expect(board.payloads(Self.device).allSatisfy { $0.isEmpty })
        let check = try Program(
            path: "python3", [Bench.root + "/Tests/SystemTests/homeassistant_check.py", "\(broker.port)", Self.serial])
        _ = try await check.end(within: .seconds(30))
        let line = try #require(check.output.elements.last, "\(check.complaint)")
        let report = try JSONDecoder().decode(Report.self, from: Data(line.utf8))
        #expect(report.faults == [])
        #expect(report.devices >= 3 && report.entities > 25, "\(report)")
        bridge.signal(SIGTERM)
        try await bridge.end()
        let purge = try Program("purge", "--broker", Bench.address(broker), "--device", Self.serial)
        #expect(try await purge.end(within: .seconds(30)) == .exit(0))
        #expect(purge.output.elements.contains { $0.contains(Self.part) })
        try await board.message(Self.part, "")
        let again = try Program("purge", "--broker", Bench.address(broker), "--device", Self.serial)
        #expect(try await again.end(within: .seconds(30)) == .exit(3), "\(again.output.elements)")
    }

    @Test(
        "packets of 700 bytes: what does not fit is named once a topic, and nothing is tried without end",
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func tinyPackets() async throws {
        let broker = try PrivateBroker(.init(lines: ["max_packet_size 700"]))
        let board = try await Board(broker)
        let chargers = try Chargers([.smartSolar150x60(serial: Self.serial)])
        let scratch = ScratchDirectory()
        let bridge = try bridge(broker.port, chargers, scratch)
        try await board.topics([Self.part], limit: .seconds(60))
        try await bridge.errors.first("a component that does not fit") {
            $0.contains("can never be sent") && $0.contains("topic=homeassistant/")
                && $0.contains("the 700 that the broker accepts")
        }
        try await expectIdle(bridge)
        let topics = bridge.errors.elements.filter { $0.contains("it can never be sent") }
            .compactMap { $0.split(separator: " ").first { $0.hasPrefix("topic=") } }
        #expect(Set(topics).count == topics.count, "\(topics)")
        bridge.signal(SIGTERM)
        try await bridge.end()
    }

    @Test(
        "what an earlier run announced in the other form is emptied before the device is announced",
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func changedForm() async throws {
        let scratch = ScratchDirectory()
        for (lines, old, new) in [([], Self.part, Self.device), (["max_packet_size 2000"], Self.device, Self.part)] {
            let broker = try PrivateBroker(.init(lines: lines))
            let board = try await Board(broker)
            let visitor = MQTTClient(settings: .init(address: broker.address)) { _ in }
            try visitor.start()
            while visitor.publish(old, #"{"o":{"name":"vebridge"}}"#, qos: 1, retain: true) != .accepted {
                await Task.yield()
            }
            try await board.message(old)
            let chargers = try Chargers([.smartSolar150x60(serial: Self.serial)])
            let bridge = try bridge(broker.port, chargers, scratch)
            try await board.message(new, limit: .seconds(60))
            let messages = board.messages.elements
            let asked = messages.firstIndex { $0.topic == old && $0.payload == #"{"migrate_discovery":true}"# }
            let emptied = messages.firstIndex { $0.topic == old && $0.payload.isEmpty }
            let announced = messages.firstIndex { $0.topic == new && !$0.payload.isEmpty }
            #expect((asked ?? .max) < (emptied ?? -1) && (emptied ?? .max) < (announced ?? -1), "\(old)")
            bridge.signal(SIGTERM)
            try await bridge.end()
            visitor.stop()
        }
    }

    private func limitingBroker(_ arguments: String...) async throws -> (Program, UInt16) {
        let broker = try Program(
            path: "python3", [Bench.root + "/Tests/SystemTests/limiting_broker.py"] + arguments)
        let first = try await broker.output.first("the port") { _ in true }.element
        return (broker, try #require(Line(first)?.port))
    }

    @Test(
        "Maximum QoS 0: everything is published with it, which is said once",
        .enabled(if: Bench.hasPython, Bench.noPython))
    func qualityZero() async throws {
        let (broker, port) = try await limitingBroker("2400")
        let chargers = try Chargers([.smartSolar150x60(serial: Self.serial)])
        let scratch = ScratchDirectory()
        let bridge = try bridge(port, chargers, scratch)
        for topic in [Self.device, "vebridge/charger/\(Self.serial)/availability", "vebridge/bridge/health"] {
            try await broker.output.first(topic, limit: .seconds(60)) { Line($0)?.topic == topic }
        }
        try await expectIdle(bridge)
        let messages = broker.output.elements.compactMap { Line($0) }.filter { $0.event == "message" }
        #expect(messages.allSatisfy { $0.qos == 0 })
        #expect(count(bridge, "broker accepts quality of service 0 only: all messages are published with it") == 1)
        let health = messages.last { $0.topic == "vebridge/bridge/health" }?.payload
        #expect(health?.contains("\"dropped\":0") == true, "\(health ?? "")")
        #expect(bridge.errors.elements.count { $0.contains("warning") } == 0, "\(bridge.complaint)")
        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
    }

    @Test(
        "no acknowledgements: said once, readings of quality of service 0 go on, and the bridge connects again",
        .enabled(if: Bench.hasPython, Bench.noPython))
    func noAcknowledgements() async throws {
        let (broker, port) = try await limitingBroker("", "--no-acknowledgements")
        let chargers = try Chargers([.smartSolar150x60(serial: Self.serial)])
        let scratch = ScratchDirectory()
        let bridge = try bridge(port, chargers, scratch, "[schema]\nqos = 0\n")
        try await broker.output.first("a connection") { Line($0)?.event == "connected" }
        try await broker.output.wait("twenty messages", limit: .seconds(60)) { entries in
            entries.count { Line($0.element)?.qos == 1 } >= 20
        }
        let start = broker.output.count
        // More than a charger's first values.
        try await broker.output.wait("readings", limit: .seconds(60)) { entries in
            entries.dropFirst(start).count { Line($0.element)?.topic == "/venetworking/\(Self.serial)/edbc" } >= 3
        }
        try await expectIdle(bridge)
        try await bridge.errors.first("the reason", limit: .seconds(90)) {
            $0.contains("broker does not acknowledge messages: ") && $0.contains(" unconfirmed for 30 s")
        }
        try await broker.output.wait("another connection", limit: .seconds(60)) { entries in
            entries.count { Line($0.element)?.event == "connected" } >= 2
        }
        try await expectIdle(bridge)
        #expect(count(bridge, "does not acknowledge") == 1)
        bridge.signal(SIGTERM)
        try await bridge.end()
    }
}
