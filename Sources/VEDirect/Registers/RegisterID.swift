/// The number of a register, 0x0000…0xFFFF.
public struct RegisterID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number.
    public let rawValue: UInt16

    /// The register with this number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The register with this number.
    public init(_ rawValue: UInt16) { self.rawValue = rawValue }

    /// The register that `text` names: four hex digits with or without `0x`, in either case.
    public init?(hex text: String) {
        let digits = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : text[...]
        // Not the initialiser alone: it takes a plus sign.
        guard digits.count == 4, digits.allSatisfy(\.isHexDigit), let number = UInt16(digits, radix: 16) else {
            return nil
        }
        rawValue = number
    }

    /// Four upper-case hex digits.
    public var hex: String {
        let digits = String(rawValue, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// Four upper-case hex digits.
    public var description: String { hex }

    /// By number.
    public static func < (left: RegisterID, right: RegisterID) -> Bool { left.rawValue < right.rawValue }
}
