import FoundationEssentials
import Synchronization
import Testing

/// A simulated charger that shares no code with this project's own: Tests/IndependentCharger/charger.py.
final class IndependentCharger: Sendable {
    private struct Line: Decodable {
        var event: String
        var path: String?
        var serial: String?
        var registers: [String: String]?
        var register: String?
        var data: String?
        var command: Int?
    }

    let serial: String
    let path: String
    private let first: [String: String]
    private let program: Program

    init(_ kind: String, serial: String) async throws {
        let program = try Program(
            path: "python3",
            [Bench.root + "/Tests/IndependentCharger/charger.py", "--kind", kind, "--serial", serial])
        let line: String
        do {
            line = try await program.output.first("the charger's port") { $0.contains("ready") }.element
        } catch {
            throw Program.Failure(description: "\(error)\n\(program.complaint)")
        }
        let ready = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
        self.program = program
        self.serial = serial
        path = try #require(ready.path)
        first = try #require(ready.registers)
    }

    /// Everything that the register ever held, as bytes of the wire in hex; empty if the charger does not have it.
    func held(_ register: String) throws -> [String] {
        var values = first[register].map { [$0] } ?? []
        for line in program.output.elements where line.contains("\"\(register)\"") && line.contains("\"value\"") {
            let line = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
            if let data = line.data { values.append(data) }
        }
        return values
    }

    /// Everything that the register ever held, as the unsigned number of its bytes.
    func numbers(_ register: String) throws -> [Int] { try held(register).map(Self.number) }

    /// Commands to write, to restart or to boot that the charger was sent.
    var forbidden: Int { program.output.elements.count { $0.contains("forbidden") } }

    static func number(_ hex: String) -> Int {
        var number = 0
        var digits = hex[...]
        var shift = 0
        while !digits.isEmpty {
            number |= (Int(digits.prefix(2), radix: 16) ?? 0) << shift
            digits = digits.dropFirst(2)
            shift += 8
        }
        return number
    }
}
