import Foundation
import Testing

/// A program that runs beside the test, with its lines as they come.
final class RunningProgram {
    let process = Process()
    private let output = Pipe()
    private let input = Pipe()
    private var pending = Data()
    private let errors: URL

    init(_ executable: String, _ arguments: [String]) throws {
        errors = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(
            "vebridge-\(UUID().uuidString).err")
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardOutput = output
        process.standardInput = input
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
    }

    deinit {
        if process.isRunning { process.terminate() }
        try? FileManager.default.removeItem(at: errors)
    }

    /// The next line; nil at the end.
    func line() -> String? {
        while true {
            if let end = pending.firstIndex(of: 0x0A) {
                defer { pending.removeSubrange(...end) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            pending.append(more)
        }
    }

    /// Lines until one satisfies the condition, or the program ends.
    func lines(until isLast: (String) -> Bool) -> [String] {
        var lines: [String] = []
        while let line = line() {
            lines.append(line)
            if isLast(line) { break }
        }
        return lines
    }

    /// Everything it still says, and how it ended.
    func finish() -> (lines: [String], status: Int32) {
        let rest = lines { _ in false }
        process.waitUntilExit()
        return (rest, process.terminationStatus)
    }

    func closeInput() { try? input.fileHandleForWriting.close() }
    func stop() { process.terminate() }
    var complaints: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }
}

enum Program {
    static let root: URL = {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root
    }()

    /// The built program, beside the test bundle.
    static var path: String {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let beside = bundle.appendingPathComponent("vebridge").path
        return FileManager.default.isExecutableFile(atPath: beside)
            ? beside : root.appendingPathComponent(".build/debug/vebridge").path
    }

    static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static func temporary(_ name: String) -> String {
        NSTemporaryDirectory() + "vebridge-\(UUID().uuidString.prefix(8))-\(name)"
    }
}

@Suite("A MasterBus behind a foreign adapter", .enabled(if: Program.python != nil, "no python3"))
struct ForeignAdapterTests {
    private struct Report: Decodable {
        var frames: Int
        var forbidden: Int
        var opened: String
        var closed: Int
        var speed: Int?
        var bad_lines: Int
        var timestamps_off: Bool
        var most_a_second: Int
        var load: Double
    }

    private static let values = [
        "/masterbus/0x31297/0x00 98.802452", "/masterbus/0x31297/0x01 12.730000",
        "/masterbus/0x31297/0x02 -11.570100", "/masterbus/0x31297/0x03 4.500000", "/masterbus/0x31297/0x09 08:17:28",
        "/masterbus/0x31297/0x0A 03/09/2021", "/masterbus/0x2F412/0x10 3.000000",
        "/masterbus/0x2F412/0x14 1.000000", "/masterbus/0x2F412/0x0A 230.000000", "/masterbus/0x2F412/0x0B 0.700000",
    ]

    private func adapter(_ arguments: [String]) throws -> (RunningProgram, String) {
        let script = Program.root.appendingPathComponent("Tests/SystemTests/slcan_adapter.py").path
        let adapter = try RunningProgram(try #require(Program.python), [script] + arguments)
        return (adapter, try #require(adapter.line()))
    }

    private func report(_ adapter: RunningProgram) throws -> Report {
        adapter.closeInput()
        let line = try #require(adapter.finish().lines.last)
        return try JSONDecoder().decode(Report.self, from: Data(line.utf8))
    }

    @Test(
        "right values, no storm, and the adapter is closed at the end",
        arguments: [
            [], ["--late", "250"], ["--duplicates"], ["--late", "350", "--duplicates"], ["--lose", "7"],
            ["--chatter", "--duplicates", "--late", "60"],
        ])
    func values(faults: [String]) throws {
        let (adapter, path) = try adapter(faults)
        let start = ContinuousClock.now
        let bridge = try RunningProgram(Program.path, ["run", "--can", "slcan:\(path)", "--dry-run"])
        var missing = Set(Self.values)
        var first: Duration?
        var seen = bridge.lines { line in
            if first == nil, Self.values.contains(line) { first = ContinuousClock.now - start }
            missing.remove(line)
            return missing.isEmpty || ContinuousClock.now - start > .seconds(40)
        }
        #expect(missing.isEmpty, "\(bridge.complaints)")
        // A value of each attribute is there; what comes after is only heard to be as right.
        if faults.isEmpty { #expect(try #require(first) < .seconds(2)) }
        bridge.stop()
        let (rest, status) = bridge.finish()
        #expect(status == 0)
        seen += rest
        for line in seen where line.split(separator: " ")[0].split(separator: "/").count == 3 {
            #expect(Self.values.contains(line))
        }
        let report = try report(adapter)
        #expect(report.forbidden == 0)
        #expect(report.bad_lines == 0)
        #expect(report.speed == 5 && report.opened == "O" && report.closed == 1 && report.timestamps_off)
        #expect(report.most_a_second <= 60)
        #expect(report.load < 0.05)
    }

    @Test("who listens only sends not one frame", arguments: [[], ["--no-listen"]])
    func listenOnly(faults: [String]) throws {
        let file = Program.temporary("listen.toml")
        try "[masterbus]\nlisten_only = true\n".write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let (adapter, path) = try adapter(["--chatter"] + faults)
        let bridge = try RunningProgram(Program.path, ["--config", file, "--can", "slcan:\(path)", "--dry-run"])
        let lines = bridge.lines { $0 == "/masterbus/0x31297/0x02 -11.570100" }
        #expect(lines.contains("/masterbus/0x31297/0x01 12.730000"))
        bridge.stop()
        #expect(bridge.finish().status == 0)
        let report = try report(adapter)
        #expect(report.frames == 0)
        #expect(report.opened == (faults.isEmpty ? "L" : "O"))
        #expect(report.closed == 1)
    }

    @Test("a scan tells devices, groups, attributes, units, options and values")
    func scan() throws {
        let (adapter, path) = try adapter([])
        let scan = try RunningProgram(Program.path, ["masterbus", "scan", "slcan:\(path)", "--json"])
        let (lines, status) = scan.finish()
        #expect(status == 0)
        struct Device: Decodable {
            struct Attribute: Decodable {
                var attribute: String
                var name: String?
                var unit: String?
                var text: String?
                var option: String?
                var options: [String: String]?
            }
            struct Group: Decodable { var attributes: [Attribute] }
            var device: String
            var name: String?
            var groups: [Group]
        }
        let devices = try lines.map { try JSONDecoder().decode(Device.self, from: Data($0.utf8)) }
        #expect(devices.map(\.device) == ["0x2F412", "0x31297"])
        let combi = try #require(devices.first)
        #expect(combi.name == "INT Mass Combi")
        #expect(combi.groups.map { $0.attributes.map(\.attribute) } == [["0x10", "0x14"], ["0x0A", "0x0B"]])
        #expect(combi.groups[0].attributes[0].option == "Inverting")
        #expect(
            combi.groups[0].attributes[0].options == ["0": "Off", "1": "Standby", "2": "Charging", "3": "Inverting"])
        #expect(combi.groups[1].attributes[1].unit == "A")
        #expect(devices[1].groups[0].attributes[0].text == "98.802452")
        let report = try report(adapter)
        #expect(report.forbidden == 0 && report.closed == 1)
    }
}

@Suite("Recordings")
struct RecordingSystemTests {
    @Test("what was recorded plays back to the same topics, byte for byte, in every process")
    func twice() throws {
        let folder = Program.temporary("recording")
        let link = Program.temporary("sim")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let simulation = try RunningProgram(
            Program.path,
            [
                "simulate", "--chargers", "2", "--masterbus", "--display", "--day", "10m", "--noise", "ber=3e-4",
                "--link", link,
            ])
        _ = simulation.lines { $0.hasSuffix("masterbus") }
        let record = try RunningProgram(
            Program.path,
            ["record", folder, "--ports", "\(link)0", "\(link)1", "--can", "slcan:\(link)-bus", "--for", "8s"])
        #expect(record.finish().status == 0, "\(record.complaints)")
        simulation.stop()
        _ = simulation.finish()
        let live = try String(contentsOfFile: folder + "/topics.txt", encoding: .utf8)
        #expect(live.contains("/edbc ") && live.contains("/masterbus/0x31297/0x01 "))
        for _ in 0..<2 {
            let replay = try RunningProgram(Program.path, ["replay", folder])
            let (lines, status) = replay.finish()
            #expect(status == 0, "\(replay.complaints)")
            #expect(lines.joined(separator: "\n") + "\n" == live)
        }
        // The bus's log is one that other tools read, and so are the ports' bytes.
        let bus = try RunningProgram(Program.path, ["decode", "masterbus", folder + "/bus0.log"])
        let summary = try #require(bus.finish().lines.last)
        #expect(summary.contains("\"errors\":0") && summary.contains("\"unknown\":0"))
        let port = try RunningProgram(Program.path, ["decode", "vedirect", folder + "/port0.raw"])
        #expect(port.finish().lines.contains { $0.contains("\"type\":\"text\"") })

        // The machine lost its power: what is whole is played.
        let index = folder + "/index.tsv"
        let whole = try Data(contentsOf: URL(fileURLWithPath: index))
        try whole.prefix(whole.count * 2 / 3).write(to: URL(fileURLWithPath: index))
        let torn = try RunningProgram(Program.path, ["replay", folder])
        let (some, status) = torn.finish()
        #expect(status == 0)
        #expect(!some.isEmpty && live.hasPrefix(some.joined(separator: "\n") + "\n"))
        // Something else in its place is named with its line.
        var lines = String(decoding: whole, as: UTF8.self).split(separator: "\n").map(String.init)
        lines[30] = "what is this"
        try lines.joined(separator: "\n").write(toFile: index, atomically: true, encoding: .utf8)
        let wrong = try RunningProgram(Program.path, ["replay", folder])
        #expect(wrong.finish().status == 1)
        #expect(wrong.complaints.contains("index.tsv:31"))
    }

    @Test("what is no recording, and what is in the way, is said")
    func refusals() throws {
        let nothing = try RunningProgram(Program.path, ["replay", "/nowhere"])
        #expect(nothing.finish().status == 1)
        #expect(nothing.complaints.contains("/nowhere/index.tsv"))
        let folder = Program.temporary("full")
        try FileManager.default.createDirectory(atPath: folder + "/x", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let full = try RunningProgram(Program.path, ["record", folder, "--ports", "/dev/null"])
        #expect(full.finish().status == 1)
        #expect(full.complaints.contains("not empty"))
    }
}
