/// What a register's bytes mean.
public enum RegisterValue: Sendable, Hashable {
    /// A number: as it stands on the wire, and scaled to the register's unit.
    case number(raw: Int64, scaled: Double)
    /// The device says that it has no value.
    case notAvailable
    /// Text without its padding.
    case text(String)
    /// The record of all days.
    case historyTotal(HistoryTotal)
    /// The record of a day.
    case historyDay(HistoryDay)
    /// Bytes whose layout is not read.
    case bytes([UInt8])

    /// The scaled number, where it is one.
    public var scaled: Double? {
        if case .number(_, let scaled) = self { scaled } else { nil }
    }
}

/// Why bytes cannot be a register's value.
public enum RegisterValueError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The number of bytes is none that this register can have.
    case size(register: RegisterID, got: Int, expected: String)

    /// In words.
    public var description: String {
        switch self {
        case .size(let register, let got, let expected):
            "register \(register): \(got) bytes cannot be its value (expected \(expected))"
        }
    }
}

extension RegisterDefinition {
    /// Reads a value.
    ///
    /// Numbers are read by the size that arrived (1, 2 or 4 bytes) and the sign of the register, for the same
    /// register is wider or narrower by firmware and product (observed; docs/vedirect.md, section 7). "Not
    /// available" is all ones for an unsigned register and the greatest positive number for a signed one, where
    /// the register has such a value at all.
    ///
    /// - Throws: ``RegisterValueError`` when no such register has a value of this many bytes.
    public func decode(_ raw: RawValue) throws(RegisterValueError) -> RegisterValue {
        switch kind {
        case .unsigned, .bits:
            guard let number = raw.unsigned, Self.isNumberSize(raw.count) else {
                throw .size(register: id, got: raw.count, expected: "1, 2 or 4")
            }
            if notAvailable != nil, number == UInt64.max >> (64 - 8 * UInt64(raw.count)) { return .notAvailable }
            return .number(raw: Int64(number), scaled: scale.value(of: Int64(number)))
        case .signed:
            guard let number = raw.signed, Self.isNumberSize(raw.count) else {
                throw .size(register: id, got: raw.count, expected: "1, 2 or 4")
            }
            if notAvailable != nil, number == Int64.max >> (64 - 8 * Int64(raw.count)) { return .notAvailable }
            return .number(raw: number, scaled: scale.value(of: number))
        case .float:
            guard raw.count == 4, let number = raw.unsigned else {
                throw .size(register: id, got: raw.count, expected: "4")
            }
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: number))
            guard value.isFinite else { return .notAvailable }
            return .number(raw: Int64(number), scaled: Double(value))
        case .text(let maximum):
            guard raw.count > 0, raw.count <= maximum else {
                throw .size(register: id, got: raw.count, expected: "1 to \(maximum)")
            }
            return .text(Self.text(raw.bytes, register: id))
        case .historyTotal:
            guard let total = HistoryTotal(raw) else {
                throw .size(register: id, got: raw.count, expected: "34, or 19 from old firmware")
            }
            return .historyTotal(total)
        case .historyDay:
            guard let day = HistoryDay(raw) else { throw .size(register: id, got: raw.count, expected: "34") }
            return .historyDay(day)
        case .structure, .command:
            guard raw.count > 0 else { throw .size(register: id, got: 0, expected: "at least 1") }
            return .bytes(raw.bytes)
        }
    }

    private static func isNumberSize(_ count: Int) -> Bool { count == 1 || count == 2 || count == 4 }

    /// Text up to its padding: NUL, FF and spaces at the end. Apps write names in UTF-8; what is not valid UTF-8 is read
    /// as ISO Latin 1. Control characters are left out. A battery monitor answers the serial number register
    /// with two, joined by a comma; the second is the product's (observed).
    private static func text(_ bytes: [UInt8], register: RegisterID) -> String {
        var bytes = bytes[...]
        if let end = bytes.firstIndex(of: 0) { bytes = bytes[..<end] }
        while let last = bytes.last, last == 0xFF || last == 0x20 { bytes.removeLast() }
        if register == .serialNumber, let comma = bytes.firstIndex(of: 0x2C), comma + 1 < bytes.endIndex {
            bytes = bytes[(comma + 1)...]
        }
        var text = String.UnicodeScalarView()
        if let decoded = utf8(bytes) {
            text.append(contentsOf: decoded.unicodeScalars)
        } else {
            text.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
        }
        text.removeAll {
            [.control, .format, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
        }
        return String(text)
    }

    /// The text where it is valid UTF-8. A last character that the register's size cut short is left out.
    private static func utf8(_ bytes: ArraySlice<UInt8>) -> String? {
        var bytes = bytes
        if let last = bytes.lastIndex(where: { $0 & 0xC0 != 0x80 }), bytes[last] >= 0xC0 {
            let length = bytes[last] >= 0xF0 ? 4 : bytes[last] >= 0xE0 ? 3 : 2
            // A name that is all there but for its last bytes, and not one letter of Latin 1 at the end.
            if bytes.endIndex - last < length, bytes[..<last].contains(where: { $0 >= 0x80 }) {
                bytes = bytes[..<last]
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
