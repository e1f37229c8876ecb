import Foundation
import Logging
import MasterBus
import Synchronization
import Testing

@testable import Bridge

/// Lines that a daemon prints, from its own thread or this one.
final class PrintedLines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
    /// Topic and payload of the values on a bus: what stands beside them is longer.
    var busValues: [(topic: String, payload: String)] {
        all.compactMap { line in
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2, words[0].split(separator: "/").count == 3 else { return nil }
            return (words[0], words[1])
        }
    }
}

let quietLog = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite("A log that is played")
struct BusReplayTests {
    private func run(
        _ file: String, speed: Double, once: Bool = false, _ change: (inout Configuration) -> Void = { _ in }
    ) -> (Daemon.Outcome, PrintedLines) {
        let lines = PrintedLines()
        var configuration = Configuration()
        configuration.can = ["replay:\(file)"]
        configuration.masterbus.replaySpeed = speed
        change(&configuration)
        let daemon = Daemon(
            configuration: configuration, output: .lines { lines.add($0) }, once: once, log: quietLog,
            mailbox: Mailbox())
        return (daemon.run(), lines)
    }

    private func temporaryFile(_ text: String) throws -> String {
        let path = NSTemporaryDirectory() + "vebridge-\(UUID().uuidString).log"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test("gives exactly the topics, and the run ends with it", arguments: GivenBusCaptures.names)
    func captures(name: String) throws {
        let (outcome, lines) = run(GivenBusCaptures.log(name), speed: 0)
        #expect(outcome == .done)
        let expected = try GivenBusCaptures.topics(name)
        #expect(GivenBusCaptures.changes(lines.busValues) == GivenBusCaptures.changes(expected))
        #expect(Set(lines.busValues.map(\.topic)) == Set(expected.map(\.topic)))
        // Names and units stand beside, and never in the place of, values.
        for line in lines.all where !line.contains("/masterbus/") { Issue.record("a topic from nowhere: \(line)") }
    }

    @Test("gives the same at any speed")
    func speeds() throws {
        var log = ""
        for index in 0..<300 {
            let time = 1000.0 + Double(index) * 0.01
            var digits = String(Float(index % 7).bitPattern.byteSwapped, radix: 16, uppercase: true)
            digits = String(repeating: "0", count: 8 - digits.count) + digits
            log += "(\(String(format: "%.6f", time))) can0 086F1297#0\(index % 3)00\(digits)\n"
        }
        let file = try temporaryFile(log)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let whole = run(file, speed: 0).1.all
        #expect(whole.count > 100)
        #expect(run(file, speed: 10).1.all == whole)
        #expect(run(file, speed: 1000).1.all == whole)
        // At its own pace it takes as long as it took.
        let start = ContinuousClock.now
        #expect(run(file, speed: 10, once: true).0 == .done)
        #expect(ContinuousClock.now - start >= .milliseconds(290))
    }

    @Test(
        "gives the same at any speed where names are learned on the way",
        .enabled(if: !GivenBusCaptures.names.isEmpty, GivenBusCaptures.absence))
    func speedsOfCaptures() throws {
        let name = "bootup_dcshunt_masterview_masscombi"
        try #require(GivenBusCaptures.names.contains(name))
        let file = GivenBusCaptures.log(name)
        #expect(run(file, speed: 0).1.all == run(file, speed: 100).1.all)
    }

    @Test("names and units can be left out, and the topics can be named as the firmware does")
    func switches() throws {
        let log = "(1.000000) can0 086F1297#0000DB9AC542\n(1.100000) can0 086F1297#0100000048C1\n"
        let file = try temporaryFile(log)
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(
            run(file, speed: 0).1.all == [
                "/masterbus/0x31297/0x00/name State of Charge", "/masterbus/0x31297/0x00/unit %",
                "/masterbus/0x31297/0x00 98.802452", "/masterbus/0x31297/0x01/name Battery",
                "/masterbus/0x31297/0x01/unit V", "/masterbus/0x31297/0x01 -12.500000",
            ])
        let bare = run(file, speed: 0) {
            $0.masterbus.describe = false
            $0.schema.masterbusPrefix = "masterbus"
        }
        #expect(bare.1.all == ["masterbus/0x31297/0x00 98.802452", "masterbus/0x31297/0x01 -12.500000"])
    }

    @Test("what is no number is not published; what repeats is, after the interval of the log's own time")
    func values() throws {
        let line = { (time: Int, data: String) in "(\(time).000000) can0 086F1297#0000\(data)\n" }
        let log =
            line(1, "DB9AC542") + line(2, "0000C07F") + line(3, "DB9AC542") + line(20, "DB9AC542")
            + line(64, "DB9AC542") + line(65, "0000807F")
        let file = try temporaryFile(log)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let lines = run(file, speed: 0) { $0.masterbus.describe = false }.1.all
        // Once at first, once because it was gone meanwhile, once after a minute.
        #expect(lines == Array(repeating: "/masterbus/0x31297/0x00 98.802452", count: 3))
    }

    @Test("the answer to a write is held back")
    func writes() throws {
        let log = """
            (1.000000) can0 083AF412#38000000803F
            (2.000000) can0 183AF412#380000000000
            (2.010000) can0 083AF412#38000000803F
            (2.020000) can0 183AF412#3900140A8400
            (2.030000) can0 083AF412#3900140A8400
            (4.000000) can0 183AF412#3800
            (4.010000) can0 083AF412#380000000000

            """
        let file = try temporaryFile(log)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let lines = run(file, speed: 0) { $0.masterbus.describe = false }.1.all
        #expect(lines == ["/masterbus/0x2F412/0x38 1.000000", "/masterbus/0x2F412/0x38 0.000000"])
    }

    @Test("a log that is none, or is not there, fails with its name")
    func failures() throws {
        guard case .failed(let reason) = run("/nowhere/x.log", speed: 0).0 else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason.contains("/nowhere/x.log"))
        let file = try temporaryFile("this is a letter\nto nobody\n")
        defer { try? FileManager.default.removeItem(atPath: file) }
        guard case .failed(let reason) = run(file, speed: 0).0 else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason.contains("candump -L"))
        guard case .failed(let reason) = run("/nowhere/x.log", speed: 0, once: true).0 else {
            Issue.record("a log that is not there is no success")
            return
        }
        #expect(reason.contains("/nowhere/x.log"))
    }

    @Test(
        "a kernel without CAN ends a run that has nothing else",
        .enabled(if: !SocketCANTests.hasCAN, "this kernel has CAN"))
    func kernelWithoutCAN() {
        let daemon = { (can: [String]) in
            var configuration = Configuration()
            configuration.can = can
            return Daemon(
                configuration: configuration, output: .lines { _ in }, once: false, log: quietLog, mailbox: Mailbox()
            ).run()
        }
        guard case .failed(let reason) = daemon(["can0"]) else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason.contains("EAFNOSUPPORT"))
    }
}
