import ArgumentParser
import Glibc
import History

/// History from files.
struct HistoryImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Read exported files into the history.",
        discussion: """
              vebridge history import history.csv
              zcat old.csv.gz | vebridge history import -

            CSV, JSON Lines and line protocol as 'history export' writes them; which it
            is shows in the first line. What is there for the same moment is replaced.
            Stop the daemon meanwhile, or it waits.

            A line that cannot be read is left out; the first five are named by number.
            With --zone the days of the history are parted by that place from then on.

            Exit status 1: a line was left out, or a file could not be read.
            """)

    @OptionGroup var place: HistoryPlace

    @Argument(help: "Files; - is standard input.")
    var files: [String]

    func run() throws {
        do {
            let path = try place.path
            let wanted = try place.wantedZone
            let zone = wanted ?? HistoryStore.keptZone(at: path) ?? localZone()
            let store = try HistoryStore.open(at: path, zone: zone)
            defer { store.close() }
            if wanted != nil, let old = try store.noteZone() {
                Terminal.complain("days are parted by \(zone.name) from now on; those before by \(old)")
            }
            var isWhole = true
            for file in files { isWhole = try read(file, into: store) && isWhole }
            guard isWhole else { throw Status.failed.exit }
        } catch let error as HistoryError {
            Terminal.complain(error.description)
            throw Status.failed.exit
        }
    }

    private func localZone() -> TimeZoneRules {
        let local = LocalZone()
        if let problem = local.problem { Terminal.complain(problem) }
        return local.rules
    }

    /// - Returns: whether every line could be read.
    private func read(_ file: String, into store: HistoryStore) throws -> Bool {
        let descriptor = file == "-" ? 0 : Glibc.open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            Terminal.complain("cannot read \(file): \(String(cString: strerror(errno)))")
            throw Status.failed.exit
        }
        defer { if descriptor > 0 { Glibc.close(descriptor) } }
        var reader = try HistoryImport(into: store)
        var rejected = 0
        do throws(HistoryError) {
            try ImportedLines.forEach(of: descriptor, named: file) { line throws(HistoryError) in
                do throws(HistoryError) {
                    try reader.take(line)
                } catch {
                    guard case .badLine = error else { throw error }
                    rejected += 1
                    if rejected <= 5 { Terminal.complain("\(file): \(error.description)") }
                }
            }
            try reader.finish()
        } catch {
            Terminal.complain("\(file): \(error.description)")
            throw Status.failed.exit
        }
        let count = reader.count
        Terminal.complain(
            "\(file): \(count.samples) samples, \(count.slots) minutes and quarters, \(count.figures) figures, "
                + "\(count.chargerDays) days of chargers")
        if rejected > 0 {
            Terminal.complain("\(file): left out \(rejected) line\(rejected == 1 ? "" : "s") that cannot be read")
        }
        return rejected == 0
    }
}

/// The lines of a file that is imported.
enum ImportedLines {
    /// Bytes of a line. Those of an exported file have some hundred.
    static let longest = 65_536

    /// Hands on line by line, without the ends.
    static func forEach(
        of descriptor: Int32, named file: String, _ body: (String) throws(HistoryError) -> Void
    ) throws(HistoryError) {
        var rest: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var number = 1
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .unreadable(path: file, reason: String(cString: strerror(errno)))
            }
            guard count > 0 else { break }
            var start = 0
            for index in 0..<count where chunk[index] == UInt8(ascii: "\n") {
                rest += chunk[start..<index]
                guard rest.count <= longest else { break }
                try body(String(decoding: rest, as: UTF8.self))
                rest.removeAll(keepingCapacity: true)
                start = index + 1
                number += 1
            }
            rest += chunk[start..<count]
            guard rest.count <= longest else {
                throw .notExported(number, "longer than \(longest / 1024) KiB: not a file that vebridge exported")
            }
        }
        if !rest.isEmpty { try body(String(decoding: rest, as: UTF8.self)) }
    }
}
