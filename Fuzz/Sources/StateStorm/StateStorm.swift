import Bridge
import Foundation
import Glibc
import History

/// Files that the daemon and its commands read, damaged in thousands of ways: histories, zone files, imports and
/// configurations. A trap ends the program, and the input that did it stays in the folder; so does one that takes long.
@main
struct StateStorm {
    /// No input may take longer, seconds.
    static let longest = 10.0

    static func main() throws {
        let arguments = CommandLine.arguments
        let seed = arguments.count > 1 ? UInt64(arguments[1]) ?? 1 : 1
        let histories = arguments.count > 2 ? Int(arguments[2]) ?? 1000 : 1000
        let folder = ".build/found"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var storm = StateStorm(folder: folder, random: SeededGenerator(seed: seed))
        try storm.histories(histories)
        try storm.zones(histories * 20)
        try storm.imports(histories * 20)
        try storm.configurations(histories * 20)
    }

    let folder: String
    var random: SeededGenerator

    /// Writes an input, uses it, and takes it away again if nothing happened.
    private func attempt(_ name: String, _ bytes: [UInt8], _ body: (_ path: String) throws -> Void) throws {
        let path = "\(folder)/\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let start = ContinuousClock.now
        try body(path)
        let time = ContinuousClock.now - start
        guard time < .seconds(Self.longest) else {
            print("\(path) takes \(time)")
            exit(1)
        }
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    }

    // MARK: Histories

    private mutating func histories(_ count: Int) throws {
        let path = folder + "/good.sqlite"
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
        GoodFiles.writeHistory(path)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        var (answered, refused, leftOut) = (0, 0, 0)
        for round in 0..<count {
            let bad = random.flipped(good)
            try attempt("history.sqlite", bad) { path in
                do {
                    leftOut += try GoodFiles.readHistory(path) > 0 ? 1 : 0
                    answered += 1
                } catch is HistoryError {
                    refused += 1
                }
                // A daemon takes over one in four.
                if round % 4 == 0 { GoodFiles.record(path, from: 30_000, minutes: 3) }
                for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                where name.hasPrefix("history.sqlite.damaged") { unlink("\(folder)/\(name)") }
            }
        }
        unlink(path)
        print("histories: \(count), \(answered) answered (\(leftOut) without some rows), \(refused) refused")
    }

    // MARK: Zones

    private mutating func zones(_ count: Int) throws {
        let names = ["Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Africa/Casablanca", "UTC"]
        let good = names.compactMap { name in
            (try? Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/" + name))).map { [UInt8]($0) }
        }
        var used = 0
        for _ in 0..<count where !good.isEmpty {
            let bad = random.changed(good[random.number(good.count)], pieces: ["TZif2", "\n", ",M3.5.0/", "9999999"])
            try attempt("zone", bad) { path in
                setenv(
                    "TZ", ":" + (path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path), 1)
                let zone = LocalZone()
                if zone.problem == nil { used += 1 }
                for time in [-1e300, -5e9, 0, 1.8e9, 5e9, 1e300, .nan] {
                    _ = zone.rules.text(of: time)
                    _ = zone.rules.start(of: zone.rules.date(at: time))
                }
            }
        }
        unsetenv("TZ")
        print("zone files: \(count), \(used) used, the others refused")
    }

    // MARK: Imports

    private mutating func imports(_ count: Int) throws {
        let path = folder + "/import.sqlite"
        let zone = TimeZoneRules.utc
        var (read, rejected) = (0, 0)
        let pieces = [",", "\"", "9999999999999999999", "e999", "nan", "\0", "\\", "\\ud83d", " ", "=", "{", "["]
        for round in 0..<max(1, count / 1000) {
            for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
            let store = try HistoryStore.open(at: path, zone: zone)
            let format = ExchangeFormat.allCases[round % 3]
            let lines = GoodFiles.lines(format)
            var reader = try HistoryImport(into: store, format: format)
            if format == .csv { try reader.take(lines[0]) }
            for _ in 0..<1000 {
                let line = lines[1 + random.number(lines.count - 1)]
                let bad = random.changed(Array(line.utf8), pieces: pieces)
                try attempt("import", bad) { _ in
                    do {
                        try reader.take(String(decoding: bad, as: UTF8.self))
                        read += 1
                    } catch HistoryError.badLine {
                        rejected += 1
                    }
                }
            }
            try reader.finish()
            store.close()
            _ = try GoodFiles.readHistory(path)
        }
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
        print("imported lines: \(read + rejected), \(read) read, \(rejected) rejected")
    }

    // MARK: Configurations

    private mutating func configurations(_ count: Int) throws {
        let pieces = [
            "[", "]", "[[", "]]", "\"", "\"\"\"", "'", "=", "\n", ".", ",", "{", "}", "#", "\\u0000", "\\UFFFFFFFF",
            "9e999",
            "-9223372036854775809", "0x", "nan", "inf", "1979-05-27T07:32:00Z", "true", "\u{0}", "é", "[broker]", "9s",
            "99999999999999999999h", "mqtt://", "~", "*",
        ]
        let good = Array(GoodFiles.configuration.utf8)
        var valid = 0
        for _ in 0..<count {
            let bad = random.changed(good, pieces: pieces)
            try attempt("vebridge.toml", bad) { path in
                let text = String(decoding: bad, as: UTF8.self)
                do {
                    _ = try Configuration.parse(text: text, file: path)
                    valid += 1
                } catch {
                    _ = error.diagnostics.map { "\($0)" }
                }
            }
        }
        print("configurations: \(count), \(valid) valid, the others refused")
    }
}

/// Numbers that are the same in every run (SplitMix64), and bytes that are damaged by them.
struct SeededGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func number(_ limit: Int) -> Int { limit > 0 ? Int(next() % UInt64(limit)) : 0 }

    /// One to eight bits fall over.
    mutating func flipped(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...number(8) { bytes[number(bytes.count)] ^= 1 << UInt8(number(8)) }
        return bytes
    }

    /// Bits fall over, bytes go, come and are repeated.
    mutating func changed(_ bytes: [UInt8], pieces: [String]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...number(6) {
            if bytes.isEmpty { bytes = [0x20] }
            let place = number(bytes.count)
            switch number(6) {
            case 0: bytes[place] ^= 1 << UInt8(number(8))
            case 1: bytes[place] = UInt8(number(256))
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + number(40)))
            case 3:
                bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + number(40))], at: number(bytes.count))
            case 4: bytes.insert(contentsOf: Array(pieces[number(pieces.count)].utf8), at: place)
            default:
                for index in place..<min(bytes.count, place + number(30)) {
                    bytes[index] = [0, 255, 127, 128, 1][number(5)]
                }
            }
        }
        return bytes
    }
}
