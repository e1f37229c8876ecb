import Bridge
import FoundationEssentials
import Glibc
import Simulation
import Testing

/// The demo on a terminal: what one sees, how it ends, and what it leaves.
@Suite("The demo", .timeLimit(.minutes(2)), .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
struct DemoSystemTests {
    /// The folder below /tmp in which a running demo keeps its history.
    private static func folder(of process: pid_t) -> String? {
        guard let folder = opendir("/proc/\(process)/fd") else { return nil }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = buffer.withUnsafeMutableBytes { bytes in
                bytes.assumingMemoryBound(to: CChar.self).baseAddress.map {
                    readlink("/proc/\(process)/fd/\(name)", $0, bytes.count)
                } ?? -1
            }
            let parts = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: "/")
            if parts.count > 2, parts[0] == "tmp", parts[1].hasPrefix("vebridge-demo-") { return "/tmp/\(parts[1])" }
        }
        return nil
    }

    @Test(
        "the board keeps the page's address in sight, fits the window, and leaves nothing",
        arguments: [(80, 24, "q"), (60, 15, "\u{3}"), (60, 15, "SIGTERM"), (120, 50, "SIGHUP")])
    func board(_ columns: Int, _ rows: Int, _ end: String) async throws {
        let demo = try TerminalProgram(
            ["demo", "--web", "127.0.0.1:0"], columns: UInt16(columns), rows: UInt16(rows))
        // Every charger with its values, the battery, and the messages.
        try await demo.output.first("a board with values", limit: .seconds(60)) { text in
            guard let frame = TerminalProgram.frame(text) else { return false }
            return frame.count { $0.contains(" V ") && $0.contains("MPPT") } == 3
                && frame.contains { $0.hasPrefix("battery") && $0.contains("%") && $0.contains(" A ") }
                && frame.contains { $0.hasPrefix("consumption") && $0.hasSuffix(" W") }
        }
        let folder = try #require(Self.folder(of: demo.process))
        let text = try #require(demo.output.elements.last)
        let frame = try #require(TerminalProgram.frame(text))
        #expect(frame.count <= min(rows, 20))
        #expect(frame.allSatisfy { $0.count < columns })
        #expect(frame.first?.hasSuffix("q quits") == true)
        #expect(frame.contains { $0.hasPrefix("page     http://127.0.0.1:") })
        #expect(frame.contains { $0.hasPrefix("broker   mqtt://127.0.0.1:") && $0.contains(" messages, ") })
        #expect(!text.contains("/venetworking/"), "no topics unless asked for")
        // One alternate screen, and never cleared as a whole.
        #expect(!text.contains("\u{1B}[2J"))
        switch end {
        case "SIGTERM": demo.signal(SIGTERM)
        case "SIGHUP": demo.signal(SIGHUP)
        default: demo.type(end)
        }
        #expect(try await demo.end() == .exit(0))
        let last = try #require(demo.output.elements.last)
        #expect(last.contains("\u{1B}[?25h\u{1B}[?1049l"), "the terminal is given back")
        #expect(access(folder, F_OK) != 0, "\(folder) is left")
    }

    @Test("topics come on request, and the board does not")
    func topics() async throws {
        let demo = try TerminalProgram(["demo", "--topics", "--web", "127.0.0.1:0"], columns: 80, rows: 24)
        try await demo.output.first("topics", limit: .seconds(60)) { $0.contains("/venetworking/HQ2010SIMA0/edbc ") }
        #expect(demo.output.elements.last?.contains("\u{1B}[?1049h") == false)
        demo.type("\u{3}")
        #expect(try await demo.end() == .exit(0))
    }

    /// Today on the page: from midnight to now, and the same as the live counters.
    @Test(.enabled(if: access("/usr/bin/curl", X_OK) == 0, "curl is not installed (on Debian: apt install curl)"))
    func theMorningIsThere() async throws {
        struct Days: Decodable {
            struct Entry: Decodable {
                var day: String
            }
            var zone: String
            var today: String
            var days: [Entry]
        }
        struct Day: Decodable {
            var start: Double
            var devices: [String: [String: Double]]
        }
        struct Now: Decodable {
            struct Value: Decodable {
                var value: Double
            }
            struct Charger: Decodable {
                var serial: String
                var values: [String: Value]
            }
            var time: Double
            var chargers: [Charger]
        }
        let demo = try Program("demo", "--for", "10m", "--web", "127.0.0.1:0")
        let line = try await demo.errors.first("the address", limit: .seconds(60)) { $0.hasPrefix("the page: ") }
            .element
        let page = String(line.dropFirst("the page: ".count))
        func get<Document: Decodable>(_ path: String, _ type: Document.Type) async throws -> Document {
            let curl = try Program(path: "/usr/bin/curl", ["-sf", "--max-time", "20", page + path])
            _ = try await curl.end(within: .seconds(30))
            return try JSONDecoder().decode(type, from: Data(curl.output.elements.joined(separator: "\n").utf8))
        }
        let days = try await get("api/v1/days", Days.self)
        // The first minute of live values has to be written before the figures of today are.
        var day = try await get("api/v1/days/\(days.today)", Day.self)
        while day.devices.isEmpty { day = try await get("api/v1/days/\(days.today)", Day.self) }
        var now = try await get("api/v1/now", Now.self)
        while now.chargers.count < 3
            || now.chargers.contains(where: { $0.values["yield_today"] == nil || $0.values["yield_yesterday"] == nil })
        {
            now = try await get("api/v1/now", Now.self)
        }
        let last = try await get("api/v1/days", Days.self)
        let before = try await get("api/v1/days/\(last.days.suffix(2).first?.day ?? "")", Day.self)
        let hour = (now.time - day.start) / 3600
        #expect((10..<13.1).contains(hour), "a late morning in \(days.zone), and not \(hour)")
        #expect((day.devices["plant"]?["known"] ?? 0) > (hour - 0.2) * 3600, "known from midnight on")
        for charger in now.chargers {
            let live = try #require(charger.values["yield_today"]?.value)
            let kept = try #require(day.devices[charger.serial]?["yield"])
            #expect(live > 0.1 && abs(live - kept) < 0.05, "\(charger.serial): \(live) and \(kept) kWh")
            let yesterday = try #require(charger.values["yield_yesterday"]?.value)
            let figure = try #require(before.devices[charger.serial]?["yield"])
            #expect(abs(yesterday - figure) < 0.011, "\(charger.serial): \(yesterday) and \(figure) kWh yesterday")
        }
        demo.signal(SIGTERM)
        #expect(try await demo.end() == .exit(0))
    }

    @Test("a reader that goes away ends it, and nothing is left")
    func readerGone() async throws {
        let shell = try Program(
            path: "/bin/sh",
            [
                "-c",
                "\(Program.vebridge) demo --topics --for 60 --web 127.0.0.1:0 2>/dev/null | "
                    + "{ read -r line; echo \"$line\"; }; exit 0",
            ])
        #expect(try await shell.end(within: .seconds(60)) == .exit(0))
        #expect(shell.output.count == 1)
    }
}
