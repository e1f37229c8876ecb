import Bridge
import Glibc
import Simulation
import Synchronization
import Testing
import VEDirect

/// What the tests of the whole program need, and whether it is here.
enum Bench {
    static let hasMosquitto = found("mosquitto", also: ["/usr/sbin", "/usr/local/sbin"])
    static let hasPython = found("python3")
    static let noMosquitto: Comment = "mosquitto is not installed (on Debian: apt install mosquitto)"
    static let noPython: Comment = "python3 is not installed"

    private static func found(_ name: String, also more: [String] = []) -> Bool {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin"
        return (path.split(separator: ":").map(String.init) + more).contains { access("\($0)/\(name)", X_OK) == 0 }
    }

    /// The project's own directory.
    static let root: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(4).joined(separator: "/")
    }()

    static func address(_ broker: PrivateBroker) -> String { "mqtt://127.0.0.1:\(broker.port)" }
}

/// Chargers simulated in this process, on pseudo-terminals, until the object goes.
final class Chargers: Sendable {
    let host: ChargerHost
    private let power: Record
    private let recorder: EverySecond

    /// Every panel power that each charger ever held, as payloads; the chargers remember some seconds themselves.
    private final class Record: Sendable {
        private let values: Mutex<[Set<String>]>

        init(_ count: Int) { values = Mutex([Set<String>](repeating: [], count: count)) }

        func note(_ plant: SimulatedPlant) {
            values.withLock { values in
                for index in values.indices {
                    for bytes in plant.chargers[index].heldValues(.panelPower, since: .zero) {
                        if let number = RawValue(bytes).unsigned { values[index].insert(String(number)) }
                    }
                }
            }
        }

        func contains(_ index: Int, _ payload: String) -> Bool { values.withLock { $0[index].contains(payload) } }
    }

    init(_ models: [ChargerModel], links: [String] = [], seed: UInt64 = 1) throws {
        var plant = SimulatedPlant(site: SimulatedSite(clock: SolarClock(startHour: 11)))
        for (index, model) in models.enumerated() { plant.add(model, seed: seed + UInt64(index)) }
        host = try ChargerHost(plant, links: links)
        try host.start()
        power = Record(models.count)
        recorder = try EverySecond { [host, power] in power.note(host.plant) }
    }

    deinit {
        host.stop()
    }

    var paths: [String] { host.paths.compactMap { $0 } }

    /// The payloads that the charger never held as its panel power.
    func foreign(_ index: Int, _ payloads: [String]) -> [String] {
        power.note(host.plant)
        return payloads.filter { !power.contains(index, $0) }
    }
}

/// A directory of its own for a test, removed with everything in it.
final class ScratchDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/vebridge-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    deinit {
        guard path != "/tmp", let entries = opendir(path) else { return }
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(entries)
        rmdir(path)
    }

    /// Writes a file and gives its path.
    func file(_ name: String, _ text: String) -> String {
        let path = "\(path)/\(name)"
        let file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(file) }
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        return path
    }
}
