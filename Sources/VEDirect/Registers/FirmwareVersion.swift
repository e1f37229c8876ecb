/// A firmware version as the protocol tells it, in three ways: a ping or version answer (16 bits), the TEXT field
/// `FW` (the same digits) and `FWE` (24 bits).
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
    public init(word: UInt16) {
        stage = Stage(rawValue: UInt8(word >> 14)) ?? .application
        major = Self.digits(UInt32(word >> 8) & 0x3F)
        minor = Self.digits(UInt32(word) & 0xFF)
    }

    /// The TEXT field `FW`: `161` is 1.61, `C208` is release candidate 2.08.
    public init?(text: String) {
        guard text.count >= 3, text.allSatisfy(\.isHexDigit), let word = UInt16(text, radix: 16) else { return nil }
        if text.count <= 3 || word >> 14 == 0 {
            self.init(major: Self.digits(UInt32(word >> 8) & 0x3F), minor: Self.digits(UInt32(word) & 0xFF))
        } else {
            self.init(word: word)
        }
    }

    /// The TEXT field `FWE`: `316FF` is 3.16; the last two digits are FF for a release.
    public init?(extendedText text: String) {
        guard text.count == 5 || text.count == 6, text.allSatisfy(\.isHexDigit), let number = UInt32(text, radix: 16)
        else { return nil }
        self.init(
            major: Self.digits(number >> 16), minor: Self.digits(number >> 8 & 0xFF),
            stage: number & 0xFF == 0xFF ? .application : .releaseCandidate)
    }

    /// The digits of a byte read as decimal ones, as the vendor writes versions.
    private static func digits(_ byte: UInt32) -> Int { Int(byte >> 4) * 10 + Int(byte & 15) }

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
