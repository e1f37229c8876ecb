/// A firmware version as the protocol tells it, in four ways: a ping or version answer of 16 bits, or of 24; the TEXT
/// field `FW` (the digits of the first) and `FWE` (those of the second). Each half byte is a decimal digit; what has
/// other digits is not a version.
public struct FirmwareVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// What is running.
    public enum Stage: UInt8, Sendable {
        /// The boot loader: the device is being updated.
        case bootloader = 0
        /// A release.
        case application = 1
        /// The vendor's test program.
        case tester = 2
        /// A release candidate.
        case releaseCandidate = 3
    }

    /// Before the point.
    public let major: Int
    /// After the point, two digits.
    public let minor: Int
    /// Boot loader, application, tester or release candidate.
    public let stage: Stage

    /// A version.
    public init(major: Int, minor: Int, stage: Stage = .application) {
        self.major = major
        self.minor = minor
        self.stage = stage
    }

    /// The 16 bits of a ping or version answer: two bits of stage, then digits; 0x4161 is application 1.61.
    public init?(word: UInt16) {
        guard let major = Self.digits(UInt32(word >> 8) & 0x3F), let minor = Self.digits(UInt32(word) & 0xFF) else {
            return nil
        }
        self.init(major: major, minor: minor, stage: Stage(rawValue: UInt8(word >> 14)) ?? .application)
    }

    /// The 24 bits of `FWE`, or of a ping answer of three bytes: `FF 12 01` is 1.12. The lowest byte is FF for a release.
    public init?(extended number: UInt32) {
        guard number <= 0xFF_FFFF, let major = Self.digits(number >> 16), let minor = Self.digits(number >> 8 & 0xFF)
        else { return nil }
        self.init(major: major, minor: minor, stage: number & 0xFF == 0xFF ? .application : .releaseCandidate)
    }

    /// The bytes of a ping or version answer, the lowest first: two of them, three, or four of which the last is empty.
    public init?(answer raw: RawValue) {
        guard let number = raw.unsigned, number <= 0xFF_FFFF else { return nil }
        switch raw.count {
        case 2: self.init(word: UInt16(truncatingIfNeeded: number))
        case 3, 4: self.init(extended: UInt32(truncatingIfNeeded: number))
        default: return nil
        }
    }

    /// The TEXT field `FW`: `161` is 1.61, `C208` is release candidate 2.08.
    public init?(text: String) {
        guard text.count >= 3, text.allSatisfy(\.isHexDigit), let word = UInt16(text, radix: 16) else { return nil }
        // Without the bits of the stage it is a release.
        self.init(word: text.count <= 3 || word >> 14 == 0 ? word & 0x3FFF | 0x4000 : word)
    }

    /// The TEXT field `FWE`: `316FF` is 3.16; the last two digits are FF for a release.
    public init?(extendedText text: String) {
        guard text.count == 5 || text.count == 6, text.allSatisfy(\.isHexDigit), let number = UInt32(text, radix: 16)
        else { return nil }
        self.init(extended: number)
    }

    /// The digits of a byte read as decimal ones, as the vendor writes versions; nil if one is above 9.
    private static func digits(_ byte: UInt32) -> Int? {
        byte >> 4 <= 9 && byte & 15 <= 9 ? Int(byte >> 4) * 10 + Int(byte & 15) : nil
    }

    /// `1.61`, or `2.08-rc`.
    public var description: String {
        let suffix =
            switch stage {
            case .application: ""
            case .bootloader: "-boot"
            case .tester: "-test"
            case .releaseCandidate: "-rc"
            }
        return "\(major).\(minor < 10 ? "0" : "")\(minor)\(suffix)"
    }

    /// By number, then by stage.
    public static func < (left: FirmwareVersion, right: FirmwareVersion) -> Bool {
        (left.major, left.minor, left.stage.rawValue) < (right.major, right.minor, right.stage.rawValue)
    }

    /// Firmware up to 1.52 stops TEXT while it is asked and resumes some seconds after the last request (document).
    public var stopsTextWhileAsked: Bool { (major, minor) < (1, 53) }
}
