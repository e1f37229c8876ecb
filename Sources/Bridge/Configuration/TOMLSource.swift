import TOMLKit

/// A value of a TOML text, free of the parser that read it.
indirect enum SourceValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case real(Double)
    case flag(Bool)
    case list([SourceValue])
    case table([String: SourceValue])
    /// A date or a time of day: no option takes one.
    case moment

    /// Whether it is a table or an array of tables.
    var holdsTables: Bool {
        switch self {
        case .table: true
        case .list(let values): values.first?.holdsTables ?? false
        default: false
        }
    }

    /// What it is, for a message.
    var kind: String {
        switch self {
        case .text: "a text"
        case .integer: "a whole number"
        case .real: "a number with a fraction"
        case .flag: "a flag"
        case .list: "a list"
        case .table: "a table"
        case .moment: "a date or time"
        }
    }
}

/// A TOML text as it was read: what could be read of it, where it stands, and what could not be read.
struct TOMLSource: Sendable {
    /// The root table, without the statements that have a syntax error.
    var root: [String: SourceValue] = [:]
    /// The lines of the keys.
    var map: SourceMap
    /// Syntax errors.
    var diagnostics: [Diagnostic] = []
    /// The keys of the statements that could not be read: they are not missing, they are wrong.
    var unread: [[SourceStep]] = []
    /// False where an error made it pointless to look at the rest.
    var isComplete = true

    /// Stands in for a header that could not be read, so that the keys below it do not fall into the table before.
    static let standIn = "\u{7F}unread"

    /// More faults than this in one file mean that it is something else than a configuration.
    private static let maximumFaults = 50

    /// Reads `text`, going on behind a syntax error as far as it can.
    ///
    /// - Parameter mayQuote: whether the parser may quote from the value of the option with these keys.
    init(_ text: String, file: String, mayQuote: ([SourceStep]) -> Bool) {
        map = SourceMap(text)
        var lines = Array(text.utf8).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { Array($0) }
        let report = { (line: Int, problem: Problem) in
            Diagnostic(file: file, line: line, message: problem.message, hint: problem.hint)
        }
        // The parser takes a C string: it would take a NUL for the end and say nothing of the rest.
        if let line = lines.firstIndex(where: { $0.contains(0) }) {
            diagnostics.append(report(line + 1, Problem("there is a NUL byte here", hint: "is this a text file?")))
            isComplete = false
            return
        }
        diagnostics += map.nulLines.map { report($0, Problem("a text cannot hold the character U+0000")) }
        let tooDeep = map.statements.filter { $0.fault == .tooDeep }
        diagnostics += tooDeep.map { report($0.firstLine, TOMLSource.problem($0, parser: nil)) }
        guard diagnostics.isEmpty else {
            isComplete = false
            return
        }
        for statement in map.statements where statement.fault != nil {
            guard diagnostics.count < TOMLSource.maximumFaults else {
                isComplete = false
                return
            }
            diagnostics.append(report(statement.firstLine, TOMLSource.problem(statement, parser: nil)))
            leaveOut(statement, from: &lines)
        }
        var leftOut = Set(diagnostics.compactMap(\.line))
        while true {
            let error: SyntaxError
            switch TOMLSource.parse(
                String(decoding: Array(lines.joined(separator: [UInt8(ascii: "\n")])), as: UTF8.self))
            {
            case .success(let table):
                root = table
                return
            case .failure(let found):
                error = found
            }
            guard let statement = map.statement(at: error.line), leftOut.insert(statement.firstLine).inserted,
                diagnostics.count < TOMLSource.maximumFaults
            else {
                if diagnostics.isEmpty { diagnostics.append(report(error.line, Problem("not valid TOML"))) }
                isComplete = false
                return
            }
            let quotable = statement.kind != .pair || mayQuote(statement.path)
            let problem = TOMLSource.problem(statement, parser: quotable ? error.text : nil)
            diagnostics.append(report(statement.firstLine, problem))
            leaveOut(statement, from: &lines)
        }
    }

    /// Empties the lines of a statement; the count of the lines stays.
    private mutating func leaveOut(_ statement: SourceMap.Statement, from lines: inout [[UInt8]]) {
        for line in statement.firstLine...statement.lastLine where line <= lines.count { lines[line - 1] = [] }
        if statement.kind == .pair {
            unread.append(statement.path)
        } else {
            lines[statement.firstLine - 1] = Array("[\"\\u007Funread\(statement.firstLine)\"]".utf8)
        }
    }

    private static func problem(_ statement: SourceMap.Statement, parser: String?) -> Problem {
        switch statement.fault {
        case .header:
            return Problem("the header of a table is not closed or not a name", hint: "write [broker] or [[port]]")
        case .noEquals:
            return Problem("this line has a key without a value", hint: "write key = value, or # before a comment")
        case .noValue: return Problem("the value is missing")
        case .bareText:
            return Problem("the value is not valid TOML", hint: "texts and durations stand in quotes: \"…\"")
        case .flagWord: return Problem("the value is not valid TOML", hint: "write true or false")
        case .openString: return Problem("the text is not closed", hint: "add the quote at its end")
        case .openArray: return Problem("the list is not closed", hint: "add a ']' at its end")
        case .moment: return Problem("this is a date or time, which no option takes")
        case .element: return Problem("something in the list is no value", hint: "texts stand in quotes: \"…\"")
        case .openTable:
            return Problem("the table in braces is not closed", hint: "it ends with '}' on the line it began on")
        case .trailing:
            return Problem("something follows that does not belong there", hint: "one key = value stands on a line")
        case .tooDeep: return Problem("more than \(SourceMap.maximumDepth) tables inside one another")
        case nil: break
        }
        if let earlier = statement.earlierLine {
            let name = statement.path.compactMap { if case .key(let key) = $0 { key } else { nil } }
            return Problem(
                "'\(TOMLSource.printable(name.joined(separator: ".")))' is given twice",
                hint: "line \(earlier) has it already")
        }
        return Problem("not valid TOML", hint: parser.map { TOMLSource.printable($0) })
    }

    /// A text for a message: without control characters, not endless.
    static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar -> Character in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: "?"
            default: Character(scalar)
            }
        }
        return scalars.count > 120 ? String(scalars.prefix(119)) + "…" : String(scalars)
    }

    // MARK: The parser

    private struct SyntaxError: Error {
        var line: Int
        var text: String
    }

    // The parser (3.4) asserts, instead of checking, that a key begins after the bracket of a header, that a value
    // begins an element of a list, and more about dates: '[=', 'a = [}' and 'a = 1979-05-27Tx' would end the process.
    // The map is strict in these matters, and what is faulty by it never gets here.
    private static func parse(_ text: String) -> Result<[String: SourceValue], SyntaxError> {
        do {
            return .success(try convert(TOMLTable(string: text)))
        } catch let error as TOMLParseError {
            // The parser says first what it was about to read, which the line shows.
            let text = error.description
            let reason = text.hasPrefix("Error while ") ? text.firstRange(of: ": ").map { text[$0.upperBound...] } : nil
            return .failure(SyntaxError(line: error.source.begin.line, text: String(reason ?? text[...])))
        } catch {
            return .failure(SyntaxError(line: 1, text: "not valid TOML"))
        }
    }

    // The depth is bounded: the map refuses a text with deeper levels before the parser sees it.
    private static func convert(_ table: TOMLTable) -> [String: SourceValue] {
        var result: [String: SourceValue] = [:]
        for key in table.keys { result[key] = table[key].map { convert($0) } }
        return result
    }

    private static func convert(_ value: any TOMLValueConvertible) -> SourceValue {
        switch value.type {
        case .string: return value.string.map { .text($0) } ?? .moment
        case .int: return value.int.map { .integer($0) } ?? .moment
        case .double: return value.double.map { .real($0) } ?? .moment
        case .bool: return value.bool.map { .flag($0) } ?? .moment
        case .array: return .list(value.array.map { array in (0..<array.count).map { convert(array[$0]) } } ?? [])
        case .table: return .table(value.table.map { convert($0) } ?? [:])
        case .date, .time, .dateTime: return .moment
        }
    }
}
