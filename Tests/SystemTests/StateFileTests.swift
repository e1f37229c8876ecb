import Foundation
import Glibc
import Simulation
import Testing

/// The files of the state directory, as the running program treats them.
@Suite(.timeLimit(.minutes(3)))
struct StateFileTests {
    private func arguments(_ scratch: ScratchDirectory, _ port: String) -> [String] {
        let file = scratch.file(
            "vebridge.toml",
            """
            ports = ["\(port)"]
            [broker]
            url = "mqtt://127.0.0.1:1"
            [bridge]
            state_directory = "\(scratch.path)"
            [web]
            listen = ""
            """)
        return ["--config", file]
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func aSecondDaemonIsRefusedAndAKilledOneLeavesNoLock() async throws {
        let charger = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let scratch = ScratchDirectory()
        let arguments = arguments(scratch, charger.paths[0])
        let first = try Program(vebridge: arguments)
        try await first.errors.first("it runs") { $0.contains("HQ2012ABCDE") }
        let second = try Program(vebridge: arguments)
        #expect(try await second.end(within: .seconds(20)) == .exit(1))
        #expect(
            second.complaint.contains("\(scratch.path) is in use by another vebridge (process \(first.process))"),
            "\(second.complaint)")
        // A look leaves no traces, and is let in.
        let look = try Program(vebridge: arguments + ["--dry-run", "--once"])
        _ = try await look.end(within: .seconds(40))
        #expect(!look.complaint.contains("in use by another vebridge"))
        // A reload does not lock itself out.
        first.signal(1)
        try await first.errors.first("the reload") { $0.contains("SIGHUP") }
        first.signal(9)
        #expect(try await first.end() == .signal(9))
        let third = try Program(vebridge: arguments)
        try await third.errors.first("it runs") { $0.contains("HQ2012ABCDE") }
        #expect(mode(scratch.path + "/history.sqlite") == 0o600)
        third.signal(15)
        #expect(try await third.end(within: .seconds(20)) == .exit(0))
    }

    @Test func aFIFOInPlaceOfTheHistoryHoldsNothingUp() async throws {
        let charger = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let scratch = ScratchDirectory()
        let path = scratch.path + "/history.sqlite"
        #expect(mkfifo(path, 0o600) == 0)
        for command in [["stats"], ["history", "export"], ["history", "size"]] {
            let program = try Program(vebridge: command + ["--state", scratch.path])
            #expect(try await program.end(within: .seconds(20)) == .exit(1))
            #expect(program.complaint.contains("\(path) is a FIFO, not a file"), "\(program.complaint)")
        }
        let bridge = try Program(vebridge: arguments(scratch, charger.paths[0]))
        try await bridge.errors.first("why nothing is written") { $0.contains("is a FIFO, not a file") }
        bridge.signal(15)
        #expect(try await bridge.end(within: .seconds(20)) == .exit(0))
        unlink(path)
    }

    @Test func anImportNamesTheLinesThatItLeavesOut() async throws {
        let scratch = ScratchDirectory()
        let bad = (0..<7).map { "sample,9e\(18 + $0),HQ1,panel_power,W,1" }
        let good = "sample,2026-06-01T08:00:00Z,HQ1,panel_power,W,1"
        let file = scratch.file(
            "past.csv", (["kind,time,device,name,unit,value", good] + bad + [good]).joined(separator: "\n"))
        let program = try Program(vebridge: ["history", "import", "--state", scratch.path, file])
        #expect(try await program.end(within: .seconds(20)) == .exit(1))
        #expect(program.complaint.contains("\(file): line 3: time '9e18' is not from 1970 to 2199"))
        #expect(program.complaint.contains("line 7") && !program.complaint.contains("line 8:"))
        #expect(program.complaint.contains("\(file): 2 samples"))
        #expect(program.complaint.contains("\(file): left out 7 lines that cannot be read"))
        for (path, reason) in [
            (scratch.path, "Is a directory"), ("/proc/self/mem", "Input/output error"),
            ("/dev/zero", "longer than 64 KiB"),
        ] {
            let other = try Program(vebridge: ["history", "import", "--state", scratch.path, path])
            #expect(try await other.end(within: .seconds(20)) == .exit(1))
            #expect(other.complaint.contains(reason), "\(other.complaint)")
        }
    }
}
