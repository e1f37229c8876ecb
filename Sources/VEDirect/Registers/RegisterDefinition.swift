/// What is known of a register: its name, how its bytes are read, and where that knowledge comes from.
public struct RegisterDefinition: Sendable, Identifiable {
    /// How the bytes are read. Widths are those of the table; a device's answer may be wider or narrower.
    public enum Kind: Sendable, Hashable {
        /// An unsigned number of this many bytes.
        case unsigned(bytes: Int)
        /// A two's complement number of this many bytes.
        case signed(bytes: Int)
        /// An IEEE 754 single.
        case float
        /// Flags in an unsigned number of any width.
        case bits
        /// Text of at most this many bytes, padded with NUL: UTF-8, or ISO Latin 1 where it is not valid UTF-8.
        case text(maximum: Int)
        /// The charger's record of all its days (register 104F).
        case historyTotal
        /// The charger's record of one day (registers 1050…106E).
        case historyDay
        /// Bytes with an inner layout that is kept as bytes.
        case structure
        /// Something that is written to make the device act; never read, never asked for.
        case command
    }

    /// Who may do what with the register, by the document. vebridge only reads.
    public enum Access: String, Sendable { case readOnly = "ro", readWrite = "rw", writeOnly = "wo" }

    /// Where the definition comes from.
    public enum Source: String, Sendable {
        /// The vendor's protocol document.
        case document
        /// The vendor's published header of register numbers, types and scales.
        case header
        /// Nobody has documented it.
        case unconfirmed
    }

    /// The register's number.
    public let id: RegisterID
    /// The name in lower case with underscores, unique.
    public let name: String
    /// How the bytes are read.
    public let kind: Kind
    /// What one unit of the raw number is worth.
    public let scale: Scale
    /// The unit of the scaled value; empty where there is none.
    public let unit: String
    /// The raw number that says "not available"; nil where no number does.
    public let notAvailable: UInt64?
    /// Read only, read and write, write only.
    public let access: Access
    /// The name of the enumeration or set of bits that gives the numbers words.
    public let enumeration: String?
    /// Which products have it, in words.
    public let products: String
    /// Document, header or neither.
    public let source: Source
    /// The sizes in bytes seen in real frames; empty where none was seen.
    public let observedSizes: [Int]
    /// What else one should know.
    public let note: String

    /// Whether a monitor may ask for it: commands and write-only registers are never asked for.
    public var isReadable: Bool { kind != .command && access != .writeOnly }

    /// All numbers that have a word, and the words; empty where the register is no enumeration.
    public var labels: [(value: Int64, label: String)] {
        enumeration.map { Enumerations.standard.entries(of: $0) } ?? []
    }

    /// The words for a raw number: one for an enumeration, the set ones for bits; nil where the table has none.
    public func label(of raw: UInt64) -> String? {
        guard let enumeration else { return nil }
        return Enumerations.standard.label(of: Int64(bitPattern: raw), in: enumeration)
    }
}

/// What one unit of a raw number is worth, as an exact fraction, so that 2458 hundredths are 24.58 and not
/// 24.580000000000002.
public struct Scale: Sendable, Hashable {
    /// Above the line.
    public let numerator: Int64
    /// Below the line, at least 1.
    public let denominator: Int64

    /// One.
    public static let one = Scale(numerator: 1, denominator: 1)

    /// The fraction numerator / denominator.
    public init(numerator: Int64, denominator: Int64) {
        precondition(denominator >= 1)
        self.numerator = numerator
        self.denominator = denominator
    }

    /// A decimal number such as `0.01`; nil if `text` is none.
    public init?(decimal text: Substring) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.count <= 2 else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.count <= 9, let numerator = Int64(whole + fraction) else { return nil }
        self.numerator = numerator
        denominator = (0..<fraction.count).reduce(Int64(1)) { power, _ in power * 10 }
    }

    /// The scaled value of a raw number, correctly rounded.
    public func value(of raw: Int64) -> Double { Double(raw) * Double(numerator) / Double(denominator) }

    /// How many decimals the scaled value has at most.
    public var decimals: Int {
        var decimals = 0
        var power = denominator
        while power >= 10 {
            power /= 10
            decimals += 1
        }
        return decimals
    }
}
