import Glibc
import Synchronization

@testable import History

/// A directory that goes away with the test.
final class ScratchDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/vebridge-history-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HistoryError.unwritable(path: "/tmp", reason: "no directory") }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    var database: String { path + "/" + HistoryStore.fileName }

    /// Names of the files in it.
    var files: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    deinit {
        for name in files { unlink(path + "/" + name) }
        rmdir(path)
    }
}

/// What a recorder said.
final class Notices: Sendable {
    private let all = Mutex<[HistoryNotice]>([])
    var texts: [String] { all.withLock { $0.map(\.text) } }
    func add(_ notice: HistoryNotice) { all.withLock { $0.append(notice) } }
    func contains(_ text: String) -> Bool { texts.contains { $0.contains(text) } }
}

let berlin = TimeZoneRules(named: "Europe/Berlin") ?? .utc
/// 2026-06-01T08:00:00Z.
let june = Double(CivilDate(year: 2026, month: 6, day: 1).number) * 86_400 + 8 * 3600

func sample(
    _ quantity: Quantity, _ value: Double, _ unit: String, at monotonic: Double, wall: Double, device: String = "HQ1"
) -> HistorySample {
    HistorySample(device: device, quantity: quantity, value: value, unit: unit, wall: wall, monotonic: monotonic)
}

extension HistoryRecorder {
    /// A charger at constant power for some minutes, a sample every ten seconds.
    func feed(
        from monotonic: Double, minutes: Int, wallAhead: Double, power: Double = 120, isSynchronised: Bool? = true
    ) {
        for step in 0..<minutes * 6 {
            let now = monotonic + Double(step) * 10
            tick(wall: now + wallAhead, monotonic: now, isSynchronised: isSynchronised)
            record([
                sample(.panelPower, power, "W", at: now, wall: now + wallAhead),
                sample(.systemYield, 100, "kWh", at: now, wall: now + wallAhead),
            ])
        }
    }
}
