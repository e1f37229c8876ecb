import Bridge
import Foundation
import Simulation
import Testing

/// The doctor as a user calls it.
@Suite("The doctor of the program")
struct DoctorSystemTests {
    private func examine(_ words: [String]) async throws -> (ending: Program.Ending, output: [String]) {
        let program = try Program(vebridge: ["doctor"] + words)
        let ending = try await program.end(within: .seconds(40))
        return (ending, program.output.elements)
    }

    @Test("on a healthy machine nothing is invented", .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func healthy() async throws {
        let broker = try PrivateBroker()
        let charger = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let result = try await examine(["--ports", charger.paths[0], "--broker", Bench.address(broker)])
        // Other tests run daemons of their own: that there are several is true, and no fault of this one's port or broker.
        let troubles = result.output.filter { $0.hasPrefix("BAD") || $0.hasPrefix("WARN") && !$0.contains("running:") }
        #expect(troubles == [])
        #expect(result.output.contains { $0.hasPrefix("ok   answer:") && $0.contains("HQ2012ABCDE") })
        #expect(result.output.contains { $0.hasPrefix("ok   broker:") })
    }

    @Test("a port that is held, and a broker that is not there")
    func faults() async throws {
        let charger = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let holder = try Program(path: "sh", ["-c", "exec sleep 60 <>\(charger.paths[0])"])
        defer { holder.signal(9) }
        var result = try await examine([
            "--ports", charger.paths[0], "--broker", "mqtt://127.0.0.1:1", "--json",
        ])
        // The shell may not have opened it yet.
        while !result.output.contains(where: { $0.contains("held by sleep") }) {
            result = try await examine([
                "--ports", charger.paths[0], "--broker", "mqtt://127.0.0.1:1", "--json",
            ])
        }
        #expect(result.ending == .exit(1))
        let text = result.output.joined(separator: "\n")
        let findings = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: String]])
        let faults = findings.filter { $0["verdict"] == "fault" }
        #expect(Set(faults.compactMap { $0["check"] }) == ["held", "broker"])
        #expect(faults.allSatisfy { $0["remedy"]?.isEmpty == false })
    }

    @Test("a configuration that is not valid has status 2, with its line")
    func configuration() async throws {
        let scratch = ScratchDirectory()
        let file = scratch.file("vebridge.toml", "[poll]\nfast = \"soon\"\n")
        let result = try await examine(["--config", file])
        #expect(result.ending == .exit(2))
        #expect(result.output.contains { $0.hasPrefix("BAD  configuration: \(file):2:") })
    }
}
