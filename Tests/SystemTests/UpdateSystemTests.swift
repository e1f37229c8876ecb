import Bridge
import Glibc
import Testing

/// Updates, seen from outside; `make update-proof` does the same at length.
@Suite(
    .timeLimit(.minutes(4)), .enabled(if: Bench.hasMosquitto, Bench.noMosquitto),
    .enabled(if: Bench.hasPython, Bench.noPython))
struct UpdateSystemTests {
    private static let hasCurl = access("/usr/bin/curl", X_OK) == 0

    @Test(.enabled(if: hasCurl, "curl is not installed (on Debian: apt install curl)"))
    func goodDamagedOldInterruptedAndBadOnes() async throws {
        let script = Bench.root + "/Tests/Updates/proof.py"
        let proof = try Program(
            path: "/usr/bin/env", ["python3", script, "--quick", "--program", Program.vebridge],
            environment: ["CC": "clang"])
        let ending = try await proof.end(within: .seconds(220))
        #expect(ending == .exit(0), "\(proof.output.elements.joined(separator: "\n"))\n\(proof.complaint)")
    }

    @Test func withoutAKeyThereAreNone() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let charger = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let bridge = try Program("--broker", Bench.address(broker), "--ports", charger.paths[0])
        try await board.message("vebridge/bridge/state", "online")
        board.publish("vebridge/bridge/request/update", "http://127.0.0.1:1/vebridge-x86_64.update")
        let answer = try await board.message("vebridge/bridge/response/update")
        #expect(answer.element.payload.contains("updates are off"))
        #expect(board.payloads("vebridge/bridge/update").isEmpty)
        #expect(!bridge.complaint.contains("update"))
    }
}
