import Glibc
import Testing
import VEDirect

/// That what the documents say is what the code does.
@Suite("Documents")
struct DocumentTests {
    @Test("docs/registers.md is made from the tables: VEBRIDGE_UPDATE_DOCS=1 swift test --filter registersPage")
    func registersPage() throws {
        let page = RegisterCatalogue.standard.markdown()
        if getenv("VEBRIDGE_UPDATE_DOCS") != nil { try ProjectFiles.write(page, to: "docs/registers.md") }
        let committed = try ProjectFiles.text("docs/registers.md")
        // Apart, so that a failure does not print both pages.
        let isCurrent = page == committed
        let difference = zip(Self.lines(page), Self.lines(committed)).enumerated().first { $1.0 != $1.1 }
        #expect(
            isCurrent,
            """
            docs/registers.md differs from the tables at line \((difference?.offset ?? 0) + 1); \
            run VEBRIDGE_UPDATE_DOCS=1 swift test --filter registersPage
            """)
    }

    @Test("The page has a line for every register, and every line has all its cells")
    func registerLines() {
        let lines = Self.lines(RegisterCatalogue.standard.markdown())
        let rows = lines.filter { $0.hasPrefix("| ") && $0.contains("| `") }
        #expect(rows.count == RegisterCatalogue.standard.definitions.count)
        for row in rows {
            let bars = zip(row, row.dropFirst()).count { $0 != "\\" && $1 == "|" }
            #expect(bars == 11, "\(row)")
        }
        let power = rows.first { $0.hasPrefix("| EDBC ") }
        #expect(power?.contains("`panel_power` | un32 | 0.01 W | FFFFFFFF | ro |") == true)
        #expect(rows.first { $0.hasPrefix("| 0201 ") }?.contains("[device_state](#device_state)") == true)
    }

    @Test("The example in the library's guide is code that compiles and runs")
    func guide() throws {
        let page = try ProjectFiles.text("Sources/VEDirect/VEDirect.docc/VEDirect.md")
        let source = try ProjectFiles.text("Tests/VEDirectTests/GuideExample.swift")
        let example = Self.lines(source)
            .drop { !$0.hasSuffix("// <example>") }.dropFirst()
            .prefix { !$0.hasSuffix("// </example>") }
            .map { $0.hasPrefix("        ") ? String($0.dropFirst(8)) : String($0) }
        #expect(example.count > 15)
        let shown = Self.lines(page).drop { $0 != "```swift" }.dropFirst().prefix { $0 != "```" }.map(String.init)
        #expect(shown == example)

        let line = [
            Array(":7BCED009A09".utf8), Array("000002\n".utf8) + GeneratedStream.block(["PID=0xA053", "V=13260"]),
        ]
        var sent: [UInt8] = []
        var printed: [String] = []
        GuideExample.run(incoming: line, send: { sent += $0 }, print: { printed.append($0) })
        #expect(sent == Array(":7BCED00A5\n".utf8))
        #expect(printed == ["panel_power = 24.58 W", "TEXT says that the battery has 13260 mV"])
        for text in printed { #expect(page.contains(text)) }
    }

    @Test("Every section of docs/vedirect.md that code or a test cites exists")
    func citations() throws {
        let page = try ProjectFiles.text("docs/vedirect.md")
        let sections = Self.lines(page).filter { $0.hasPrefix("## ") }.compactMap { line in
            line.dropFirst(3).split(separator: ".").first.flatMap { Int($0) }
        }
        #expect(sections == Array(1...12))
        var cited: Set<Int> = []
        for file in ProjectFiles.list("Sources", suffix: ".swift") + ProjectFiles.list("Tests", suffix: ".swift") {
            for line in Self.lines(try ProjectFiles.text(file)) {
                let numbers = Self.sections(citedBy: String(line))
                cited.formUnion(numbers)
                for number in numbers {
                    #expect(sections.contains(number), "\(file) cites section \(number), which does not exist: \(line)")
                }
            }
        }
        #expect(cited.isSuperset(of: [2, 3, 4, 5, 7, 9, 10, 12]))
    }

    @Test("Citations are understood in the ways in which they are written")
    func citationForms() {
        let name = "docs/vedirect" + ".md"
        #expect(Self.sections(citedBy: "\(name) 5: a frame") == [5])
        #expect(Self.sections(citedBy: "\(name) 2, 4, 5: a frame of 7") == [2, 4, 5])
        #expect(Self.sections(citedBy: "(\(name), section 7). 12") == [7])
        #expect(Self.sections(citedBy: "(\(name), sections 2, 4 and 5):") == [2, 4, 5])
        #expect(Self.sections(citedBy: "Every section of \(name) that") == [])
    }

    @Test("Every statement of docs/vedirect.md says how it is known")
    func marks() throws {
        let page = try ProjectFiles.text("docs/vedirect.md")
        var section = 0
        var statements: [(section: Int, text: String)] = []
        for line in Self.lines(page) {
            if line.hasPrefix("## ") { section += 1 }
            if line.hasPrefix("- ") {
                statements.append((section, String(line)))
            } else if line.hasPrefix("  "), let last = statements.indices.last {
                statements[last].text += " " + line.drop { $0 == " " }
            }
        }
        // Before the first section the marks are explained; section 10 is about vebridge and not about devices.
        statements.removeAll { $0.section == 0 || $0.section == 10 }
        #expect(statements.count > 60)
        let marks = ["(document", "(observed", "(unconfirmed"]
        for statement in statements {
            #expect(marks.contains { statement.text.contains($0) }, "no mark: \(statement.text)")
        }
    }

    private static func lines(_ text: String) -> [Substring] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The numbers that follow the page's name, as far as they are numbers, commas and the words between.
    private static func sections(citedBy line: String) -> [Int] {
        let parts = line.split(separator: "docs/vedirect" + ".md", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return [] }
        var numbers: [Int] = []
        for word in parts[1].split(whereSeparator: { $0 == " " || $0 == "," }) {
            if word == "section" || word == "sections" || word == "and" { continue }
            let digits = word.prefix { $0.isNumber }
            guard let number = Int(digits) else { break }
            numbers.append(number)
            // A mark behind the number ends the citation.
            if digits.count < word.count { break }
        }
        return numbers
    }
}
