/// One step on the way to a value: a key of a table, or a place in an array, counted from 0.
enum SourceStep: Hashable, Sendable {
    case key(String)
    case index(Int)
}

/// Where the keys of a TOML text stand.
///
/// The TOML parser tells the line of a syntax error, but not that of a key it has read. This reads the text a second
/// time for the sake of the lines alone: tables, arrays of tables, dotted and quoted keys, inline tables, elements of
/// arrays. It also knows where each statement begins and ends, so that a faulty one can be left out and the rest still
/// be checked. What it cannot read it marks as faulty and skips to the end of the line. It is strict where the parser
/// asserts instead of checking, at the first letter of keys and in values without quotes, and leaves the rest to it:
/// escapes, control characters, what is given twice.
struct SourceMap: Sendable {
    /// A `[table]`, an `[[array of tables]]` or a `key = value`, with its first and last line counted from 1.
    struct Statement: Sendable {
        enum Kind: Sendable { case table, arrayOfTables, pair }
        var kind: Kind
        var firstLine: Int
        var lastLine: Int
        /// The keys as far as they could be read, beginning at the root.
        var path: [SourceStep]
        /// What a reader of the text sees is wrong; nil where nothing catches the eye.
        var fault: Fault?
        /// The line that gave the same key or table before.
        var earlierLine: Int?
    }

    /// What is wrong with a statement.
    enum Fault: Error, Sendable {
        case header, noEquals, noValue, bareText, flagWord, openString, openArray, openTable, trailing, tooDeep
        /// Something in a list that cannot begin a value, such as '}'.
        case element
        /// A date or a time of day.
        case moment
    }

    /// The statements in their order.
    private(set) var statements: [Statement] = []
    /// Lines with an escape for U+0000, which would end a text early.
    private(set) var nulLines: [Int] = []
    private var lines: [[SourceStep]: Int] = [:]

    /// No configuration has so many levels; a parser that builds them all would run out of stack.
    static let maximumDepth = 32

    /// Reads the lines of `text`.
    init(_ text: String) {
        var scanner = Scanner(bytes: Array(text.utf8))
        scanner.scan()
        statements = scanner.statements
        nulLines = scanner.nulLines
        lines = scanner.lines
    }

    /// The line of a key or element, or of the nearest one around it; nil if not even the first step is in the text.
    func line(of path: [SourceStep]) -> Int? {
        var path = path
        while !path.isEmpty {
            if let line = lines[path] { return line }
            path.removeLast()
        }
        return nil
    }

    /// The statement that covers `line`.
    func statement(at line: Int) -> Statement? {
        statements.first { $0.firstLine <= line && line <= $0.lastLine }
    }
}

/// Goes over the bytes once. Every loop moves on by at least one byte.
private struct Scanner {
    let bytes: [UInt8]
    var at = 0
    var line = 1
    var statements: [SourceMap.Statement] = []
    var nulLines: [Int] = []
    var lines: [[SourceStep]: Int] = [:]

    private var table: [SourceStep] = []
    /// How many elements an array of tables has so far.
    private var elements: [[SourceStep]: Int] = [:]
    /// Tables with a header of their own, and the line of it.
    private var headers: [[SourceStep]: Int] = [:]

    init(bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
    }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func peek(_ offset: Int) -> UInt8? { at + offset < bytes.count ? bytes[at + offset] : nil }

    private mutating func advance() {
        if bytes[at] == UInt8(ascii: "\n") { line += 1 }
        at += 1
    }

    private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: wanted) else { return false }
        advance()
        return true
    }

    mutating func scan() {
        skipBlankLines()
        while byte != nil {
            let first = line
            var statement = SourceMap.Statement(kind: .pair, firstLine: first, lastLine: first, path: [])
            do throws(SourceMap.Fault) {
                if byte == UInt8(ascii: "[") {
                    try header(&statement)
                } else {
                    try pair(&statement)
                }
                skipSpaces()
                if let byte, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r"), byte != UInt8(ascii: "#") {
                    throw .trailing
                }
            } catch {
                statement.fault = error
                // A header that cannot be read still ends the table before it.
                if statement.kind != .pair { table = statement.path }
            }
            // An array that was left open ends where the next statement begins.
            if statement.fault == .openArray, at > 0, bytes[at - 1] == UInt8(ascii: "\n"), line > first {
                statement.lastLine = line - 1
            } else {
                statement.lastLine = line
                skipLine()
            }
            statements.append(statement)
            skipBlankLines()
        }
    }

    // MARK: Statements

    private mutating func header(_ statement: inout SourceMap.Statement) throws(SourceMap.Fault) {
        advance()
        statement.kind = take("[") ? .arrayOfTables : .table
        skipSpaces()
        guard let byte, Scanner.beginsHeaderKey(byte) else { throw .header }
        let keys = try keyPath(fault: .header)
        var path: [SourceStep] = []
        for (position, key) in keys.enumerated() {
            path.append(.key(key))
            if lines[path] == nil { lines[path] = line }
            guard let count = elements[path] else { continue }
            // The header of a further table of an array counts on; any other means the last one.
            let isLast = position == keys.count - 1
            if !(isLast && statement.kind == .arrayOfTables) { path.append(.index(count - 1)) }
        }
        if statement.kind == .arrayOfTables {
            let count = elements[path, default: 0]
            elements[path] = count + 1
            path.append(.index(count))
            lines[path] = line
        } else {
            statement.earlierLine = headers[path]
            headers[path] = headers[path] ?? line
        }
        statement.path = path
        table = path
        guard path.count <= SourceMap.maximumDepth else { throw .tooDeep }
        guard take("]"), statement.kind == .table || take("]") else { throw .header }
    }

    private mutating func pair(_ statement: inout SourceMap.Statement) throws(SourceMap.Fault) {
        let keys = try keyPath(fault: .noEquals)
        let path = record(keys, under: table, earlier: &statement.earlierLine)
        statement.path = path
        skipSpaces()
        guard take("=") else { throw .noEquals }
        skipSpaces()
        try value(path)
    }

    /// Notes the line of every key on the way; `earlier` is set where the last one was there before.
    private mutating func record(_ keys: [String], under table: [SourceStep], earlier: inout Int?) -> [SourceStep] {
        var path = table
        for key in keys {
            path.append(.key(key))
            if path.count == table.count + keys.count { earlier = lines[path] }
            if lines[path] == nil { lines[path] = line }
        }
        return path
    }

    // MARK: Keys

    private mutating func keyPath(fault: SourceMap.Fault) throws(SourceMap.Fault) -> [String] {
        var keys: [String] = []
        repeat {
            skipSpaces()
            keys.append(try key(fault: fault))
            guard keys.count <= SourceMap.maximumDepth else { throw .tooDeep }
            skipSpaces()
        } while take(".")
        return keys
    }

    private mutating func key(fault: SourceMap.Fault) throws(SourceMap.Fault) -> String {
        if byte == UInt8(ascii: "\"") { return try basicString() }
        if byte == UInt8(ascii: "'") { return try literalString() }
        let start = at
        while let byte, !Scanner.endsKey(byte) { advance() }
        guard at > start else { throw fault }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private static func beginsHeaderKey(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "_-\"'".utf8.contains(byte)
        }
    }

    /// More than TOML allows in a bare key goes through here, so that the key can be named in a message.
    private static func endsKey(_ byte: UInt8) -> Bool {
        byte <= 0x20 || "=.[]{}#,\"'".utf8.contains(byte)
    }

    // MARK: Values

    private mutating func value(_ path: [SourceStep]) throws(SourceMap.Fault) {
        guard path.count <= SourceMap.maximumDepth else { throw .tooDeep }
        switch byte {
        case UInt8(ascii: "\""):
            if peek(1) == byte, peek(2) == byte { try multilineString() } else { _ = try basicString() }
        case UInt8(ascii: "'"):
            if peek(1) == byte, peek(2) == byte { try multilineString() } else { _ = try literalString() }
        case UInt8(ascii: "["): try array(path)
        case UInt8(ascii: "{"): try inlineTable(path)
        default: try scalar()
        }
    }

    private mutating func array(_ path: [SourceStep]) throws(SourceMap.Fault) {
        advance()
        var index = 0
        while true {
            try skipBlankLines(inArray: true)
            if byte == nil { throw .openArray }
            if take("]") { return }
            if let byte, byte >= 0x7F || byte == UInt8(ascii: "}") { throw .element }
            lines[path + [.index(index)]] = line
            try value(path + [.index(index)])
            index += 1
            try skipBlankLines(inArray: true)
            if take(",") { continue }
            if byte == nil { throw .openArray }
            guard take("]") else { throw .trailing }
            return
        }
    }

    private mutating func inlineTable(_ path: [SourceStep]) throws(SourceMap.Fault) {
        advance()
        skipSpaces()
        if take("}") { return }
        while true {
            let keys = try keyPath(fault: .openTable)
            var earlier: Int?
            let inner = record(keys, under: path, earlier: &earlier)
            skipSpaces()
            guard take("=") else { throw .noEquals }
            skipSpaces()
            try value(inner)
            skipSpaces()
            if take(",") { continue }
            guard take("}") else { throw .openTable }
            return
        }
    }

    /// A number, a flag, a date; anything that has no quotes.
    private mutating func scalar() throws(SourceMap.Fault) {
        let start = at
        while let byte, byte >= 0x20 || byte == UInt8(ascii: "\t"), !",]}#".utf8.contains(byte) { advance() }
        var word = bytes[start..<at]
        while word.last == 0x20 || word.last == UInt8(ascii: "\t") { word.removeLast() }
        guard let first = word.first else { throw .noValue }
        let text = String(decoding: word, as: UTF8.self)
        if ["true", "false"].contains(text) || Scanner.isNumber(word) { return }
        if ["true", "false", "yes", "no", "on", "off"].contains(text.lowercased()) { throw .flagWord }
        let isMoment =
            (0x30...0x39).contains(first) && word.allSatisfy { (0x2B...0x3A).contains($0) || "TtZz ".utf8.contains($0) }
        throw isMoment ? .moment : .bareText
    }

    /// Whether a word is a number as TOML writes it: with single underscores between digits, without leading zeros.
    private static func isNumber(_ word: ArraySlice<UInt8>) -> Bool {
        let sign = "+-".utf8
        var rest = word.first.map { sign.contains($0) } == true ? word.dropFirst() : word
        if rest.elementsEqual("inf".utf8) || rest.elementsEqual("nan".utf8) { return true }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where word.starts(with: prefix.utf8) {
            rest = word.dropFirst(2)
            return takeDigits(&rest, radix: radix) != nil && rest.isEmpty
        }
        guard let whole = takeDigits(&rest, radix: 10), whole.count == 1 || whole.first != UInt8(ascii: "0") else {
            return false
        }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard takeDigits(&rest, radix: 10) != nil else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first.map({ sign.contains($0) }) == true { rest = rest.dropFirst() }
            guard takeDigits(&rest, radix: 10) != nil else { return false }
        }
        return rest.isEmpty
    }

    /// Takes digits with single underscores between them; nil where there are none, or an underscore is out of place.
    private static func takeDigits(_ rest: inout ArraySlice<UInt8>, radix: Int) -> ArraySlice<UInt8>? {
        let digits = rest.prefix { byte in
            byte == UInt8(ascii: "_") || Character(Unicode.Scalar(byte)).hexDigitValue.map { $0 < radix } == true
        }
        let parts = digits.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        rest = rest.dropFirst(digits.count)
        return digits
    }

    private mutating func basicString() throws(SourceMap.Fault) -> String {
        advance()
        var text: [UInt8] = []
        while let byte, byte != UInt8(ascii: "\n") {
            advance()
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text.append(contentsOf: escape())
            default: text.append(byte)
            }
        }
        throw .openString
    }

    private mutating func literalString() throws(SourceMap.Fault) -> String {
        advance()
        let start = at
        while let byte, byte != UInt8(ascii: "\n") {
            advance()
            if byte == UInt8(ascii: "'") { return String(decoding: bytes[start..<(at - 1)], as: UTF8.self) }
        }
        throw .openString
    }

    private mutating func multilineString() throws(SourceMap.Fault) {
        let quote = bytes[at]
        for _ in 0..<3 { advance() }
        while let byte {
            if byte == quote, peek(1) == quote, peek(2) == quote {
                // Up to two quotes may stand before the closing three.
                var closing = 0
                while self.byte == quote, closing < 5 {
                    advance()
                    closing += 1
                }
                return
            }
            advance()
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") { _ = escape() }
        }
        throw .openString
    }

    /// What follows a backslash. An escape that TOML does not have gives nothing; the parser complains of it.
    private mutating func escape() -> [UInt8] {
        guard let byte, byte != UInt8(ascii: "\n") else { return [] }
        advance()
        switch byte {
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
        case UInt8(ascii: "u"): return scalar(digits: 4)
        case UInt8(ascii: "U"): return scalar(digits: 8)
        default: return []
        }
    }

    private mutating func scalar(digits: Int) -> [UInt8] {
        guard at + digits <= bytes.count,
            let code = UInt32(String(decoding: bytes[at..<(at + digits)], as: UTF8.self), radix: 16),
            let scalar = Unicode.Scalar(code)
        else { return [] }
        if code == 0 { nulLines.append(line) }
        at += digits
        return Array(String(Character(scalar)).utf8)
    }

    // MARK: What lies between

    private mutating func skipSpaces() {
        while let byte, byte == 0x20 || byte == UInt8(ascii: "\t") { advance() }
    }

    private mutating func skipLine() {
        while let byte, byte != UInt8(ascii: "\n") { advance() }
        if byte != nil { advance() }
    }

    private mutating func skipBlankLines() {
        while let byte {
            if byte == UInt8(ascii: "#") {
                skipLine()
            } else if byte <= 0x20 {
                advance()
            } else {
                return
            }
        }
    }

    /// Spaces, line ends and comments between the elements of an array.
    ///
    /// - Throws: `openArray` at a line that can only be the next statement: somebody forgot the closing bracket.
    private mutating func skipBlankLines(inArray: Bool) throws(SourceMap.Fault) {
        while let byte {
            if byte == UInt8(ascii: "#") {
                while let byte = self.byte, byte != UInt8(ascii: "\n") { advance() }
            } else if byte <= 0x20 {
                advance()
                if byte == UInt8(ascii: "\n"), beginsStatement() { throw .openArray }
            } else {
                return
            }
        }
    }

    /// Whether the line from here on is `key = …` or `[table]`, which no element of an array looks like.
    private func beginsStatement() -> Bool {
        let text = bytes[at...].prefix { $0 != UInt8(ascii: "\n") }.drop { $0 == 0x20 || $0 == UInt8(ascii: "\t") }
        let isKey: (UInt8) -> Bool = { !Scanner.endsKey($0) || $0 == UInt8(ascii: ".") }
        let inside = text.drop { $0 == UInt8(ascii: "[") }
        let key = inside.prefix(while: isKey)
        let after = inside.dropFirst(key.count).drop { $0 == 0x20 || $0 == UInt8(ascii: "\t") }
        guard let first = key.first, first > UInt8(ascii: "9") else { return false }
        let brackets = inside.startIndex - text.startIndex
        if brackets == 0 { return after.first == UInt8(ascii: "=") }
        let word = String(decoding: key, as: UTF8.self)
        let isValue = ["true", "false", "inf", "nan"].contains(word)
        let closing = after.prefix { $0 == UInt8(ascii: "]") }.count
        let rest = after.dropFirst(closing).drop { $0 <= 0x20 }
        return !isValue && closing == brackets && (rest.isEmpty || rest.first == UInt8(ascii: "#"))
    }
}
