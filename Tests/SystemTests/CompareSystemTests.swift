import Bridge
import Foundation
import Simulation
import Testing

/// The comparison as a user runs it: ports, a broker, and a bridge by Bluetooth that publishes there.
@Suite("Compare", .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
struct CompareSystemTests {
    /// Publishes what a bridge by Bluetooth would, changed as told, until it is let go; on a thread of its own, for the
    /// tests beside it keep the others busy.
    private final class Air: Sendable {
        private let end = Mailbox()

        init(
            _ broker: PrivateBroker, _ chargers: Chargers,
            _ change: @escaping @Sendable (BluetoothBridge.Message) -> BluetoothBridge.Message? = { $0 }
        ) throws {
            let client = MQTTClient(settings: .init(address: broker.address, clientID: "air")) { _ in }
            try client.start()
            let (end, host) = (end, chargers.host)
            Thread.detachNewThread {
                var bridge = BluetoothBridge()
                bridge.loss = 0
                let begin = ContinuousClock.now
                while end.waitForStop(.milliseconds(100)) == nil {
                    for message in bridge.publish(host.plant.chargers, at: ContinuousClock.now - begin) {
                        guard let message = change(message) else { continue }
                        _ = client.publish(message.topic, message.payload, qos: 0, retain: false)
                    }
                }
                client.stop()
            }
        }

        deinit { end.stop(reason: "the test is over") }
    }

    private func compare(_ words: [String]) async throws -> (ending: Program.Ending, output: [String], errors: String) {
        let program = try Program(vebridge: ["compare"] + words)
        let ending = try await program.end(within: .seconds(60))
        return (ending, program.output.elements, program.complaint)
    }

    @Test("what both say of a charger agrees, though the id lacks week and year; reports are written whole")
    func agreement() async throws {
        let broker = try PrivateBroker()
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE", firmware: .v164)])
        let air = try Air(broker, chargers)
        let scratch = ScratchDirectory()
        let names = ["md", "json", "html"].map { "\(scratch.path)/report.\($0)" }
        let result = try await compare(
            ["--ports", chargers.paths[0], "--broker", Bench.address(broker), "--for", "15", "--report"] + names)
        #expect(result.ending == .exit(0), "\(result.output) \(result.errors)")
        #expect(result.output.last?.hasPrefix("Serial and BLE agree on ") == true)
        #expect(result.output.contains { $0.hasPrefix("HQ2012ABCDE edbc panel_power") && $0.contains("100 %") })
        #expect(result.output.allSatisfy { $0.count <= 80 })
        let reports = try names.map { try String(contentsOfFile: $0, encoding: .utf8) }
        #expect(reports[0].hasPrefix("# Serial against BLE\n"))
        #expect(reports[1].hasPrefix(#"{"agrees":true,"#))
        #expect(reports[2].contains("<svg") && !reports[2].contains("http:") && !reports[2].contains("https:"))
        withExtendedLifetime(air) {}
    }

    @Test("another unit is named, and the status says so")
    func scale() async throws {
        let broker = try PrivateBroker()
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE", firmware: .v164)])
        let air = try Air(broker, chargers) { message in
            guard message.topic.hasSuffix("/EDBC"), let number = Int(message.payload) else { return message }
            return .init(topic: message.topic, payload: "\(number * 10)")
        }
        let result = try await compare(["--ports", chargers.paths[0], "--broker", Bench.address(broker), "--for", "15"])
        #expect(result.ending == .exit(1))
        let accused = result.output.filter { $0.hasPrefix("✗") }
        #expect(accused == ["✗ HQ2012ABCDE edbc: BLE is 10 × serial: unit is 0.001 W there"])
        withExtendedLifetime(air) {}
    }

    @Test("the running daemon is compared under a first part of its own")
    func running() async throws {
        let broker = try PrivateBroker()
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE", firmware: .v164)])
        let air = try Air(broker, chargers)
        let scratch = ScratchDirectory()
        let file = scratch.file(
            "vebridge.toml",
            """
            ports = ["\(chargers.paths[0])"]
            [broker]
            url = "\(Bench.address(broker))"
            [schema]
            prefix = "/raw"
            """)
        let bridge = try Program("--config", file)
        let result = try await compare(["--with-running", "--config", file, "--for", "15"])
        #expect(result.ending == .exit(0), "\(result.output) \(result.errors)")
        bridge.signal(15)
        #expect(try await bridge.end() == .exit(0))
        withExtendedLifetime(air) {}
    }

    @Test("where both write the same topics it says so and stops")
    func sameTopics() async throws {
        let broker = try PrivateBroker()
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE", firmware: .v164)])
        let air = try Air(broker, chargers) { .init(topic: "/" + $0.topic, payload: $0.payload) }
        let bridge = try Program("--ports", chargers.paths[0], "--broker", Bench.address(broker))
        let result = try await compare(["--with-running", "--broker", Bench.address(broker), "--for", "40"])
        #expect(result.ending == .exit(3))
        #expect(result.errors.contains("cannot be told apart") && result.errors.contains("schema.prefix"))
        bridge.signal(15)
        #expect(try await bridge.end() == .exit(0))
        withExtendedLifetime(air) {}
    }

    @Test("with nobody on the other side there is nothing to compare")
    func nobody() async throws {
        let broker = try PrivateBroker()
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE", firmware: .v164)])
        let result = try await compare(["--ports", chargers.paths[0], "--broker", Bench.address(broker), "--for", "6"])
        #expect(result.ending == .exit(3))
        #expect(result.errors.contains("BLE published nothing under"))
    }
}
