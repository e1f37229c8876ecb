import Glibc
import Testing

@testable import History

/// The tables of the page are those of the catalogue.
@Suite struct StatisticsPageTests {
    private static let path =
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/statistics.md"

    private static func rows(_ subject: FigureDefinition.Subject) -> String {
        FigureDefinition.all.filter { $0.subject == subject }.map { definition in
            let unit =
                switch definition.kind {
                case .moment: "time"
                case .time: "s"
                case .amount: definition.unit
                }
            return subject == .quantity
                ? "| `\(definition.name)` | \(definition.meaning) |"
                : "| `\(definition.name)` | \(unit) | \(definition.meaning) |"
        }.joined(separator: "\n")
    }

    private static func read() -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 17)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    @Test func everyFigureIsDefined() {
        let page = Self.read()
        for subject in [FigureDefinition.Subject.charger, .battery, .plant, .quantity] {
            #expect(page.contains(Self.rows(subject)), "the table of \(subject) is not that of the catalogue")
        }
    }
}
