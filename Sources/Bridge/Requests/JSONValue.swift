/// A JSON text that was read.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// As it was written: numbers are given back, not reckoned with.
    case number(String)
    case text(String)
    case array([JSONValue])
    /// In the order it was written.
    case object([Member])

    /// A member of an object.
    struct Member: Sendable, Equatable {
        var key: String
        var value: JSONValue
    }

    /// Reads a whole text; nil if it is not JSON, or deeper than 16.
    init?(_ bytes: [UInt8]) {
        var reader = JSONReader(bytes: bytes)
        guard let value = reader.value(depth: 16), reader.isAtEnd else { return nil }
        self = value
    }

    /// A member of an object; nil for none.
    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// The text of a text.
    var asText: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// As JSON, on one line.
    var json: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .number(let digits): text += digits
        case .text(let words): text += Self.quoted(words)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                text += Self.quoted(member.key)
                text += ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }

    /// A text as JSON.
    static func quoted(_ text: String) -> String {
        // Most have nothing that must be written otherwise.
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C && $0 != 0x7F }
        guard !isPlain else { return "\"" + text + "\"" }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Whether a text is a number as JSON has it.
    static func isNumber(_ text: String) -> Bool {
        if case .number = JSONValue(Array(text.utf8)) { true } else { false }
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    private var at = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Whether nothing but spaces follows.
    var isAtEnd: Bool { bytes[at...].allSatisfy(Self.isSpace) }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpaces() {
        while let byte, Self.isSpace(byte) { at += 1 }
    }

    private mutating func take(_ character: Character) -> Bool {
        guard byte == character.asciiValue else { return false }
        at += 1
        return true
    }

    private mutating func take(word: String) -> Bool {
        guard bytes[at...].starts(with: word.utf8) else { return false }
        at += word.utf8.count
        return true
    }

    mutating func value(depth: Int) -> JSONValue? {
        guard depth > 0 else { return nil }
        skipSpaces()
        defer { skipSpaces() }
        switch byte {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return text().map { .text($0) }
        case UInt8(ascii: "t"): return take(word: "true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return take(word: "false") ? .bool(false) : nil
        case UInt8(ascii: "n"): return take(word: "null") ? .null : nil
        default: return number()
        }
    }

    private mutating func object(depth: Int) -> JSONValue? {
        at += 1
        var members: [JSONValue.Member] = []
        skipSpaces()
        if take("}") { return .object([]) }
        while true {
            skipSpaces()
            guard byte == UInt8(ascii: "\""), let key = text() else { return nil }
            skipSpaces()
            guard take(":"), let value = value(depth: depth - 1) else { return nil }
            members.append(.init(key: key, value: value))
            if take("}") { return .object(members) }
            guard take(",") else { return nil }
        }
    }

    private mutating func array(depth: Int) -> JSONValue? {
        at += 1
        var values: [JSONValue] = []
        skipSpaces()
        if take("]") { return .array([]) }
        while true {
            guard let value = value(depth: depth - 1) else { return nil }
            values.append(value)
            if take("]") { return .array(values) }
            guard take(",") else { return nil }
        }
    }

    private mutating func number() -> JSONValue? {
        let start = at
        _ = take("-")
        guard let first = byte, (0x30...0x39).contains(first) else { return nil }
        skipDigits()
        if first == 0x30, at - start > (bytes[start] == UInt8(ascii: "-") ? 2 : 1) { return nil }
        if take(".") { guard skipDigits() else { return nil } }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard skipDigits() else { return nil }
        }
        return .number(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    @discardableResult
    private mutating func skipDigits() -> Bool {
        let start = at
        while let byte, (0x30...0x39).contains(byte) { at += 1 }
        return at > start
    }

    private mutating func text() -> String? {
        at += 1
        var result: [UInt8] = []
        while let byte {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: result, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                result += Array(String(Character(scalar)).utf8)
            case 0..<0x20: return nil
            default: result.append(byte)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard let byte else { return nil }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let high = unit() else { return nil }
            guard (0xD800..<0xDC00).contains(high) else { return Unicode.Scalar(high) }
            // Characters beyond the first plane are written as two.
            guard take("\\"), take("u"), let low = unit(), (0xDC00..<0xE000).contains(low) else { return nil }
            return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        default: return nil
        }
    }

    private mutating func unit() -> UInt32? {
        guard at + 4 <= bytes.count else { return nil }
        let digits = bytes[at..<(at + 4)]
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        at += 4
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
