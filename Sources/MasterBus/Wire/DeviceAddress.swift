/// Who a frame is about: the device's type (5 bits) and its unique id (18 bits).
///
/// The unique id alone was unique on every bus observed, and topics are named by it. The real address is both, as the
/// device's own announcement shows (docs/masterbus.md, section 2).
public struct DeviceAddress: Sendable, Hashable, Comparable {
    /// Type and unique id as they stand in an identifier: `type << 18 | uid`, 23 bits.
    public let rawValue: UInt32

    /// The address in the low 23 bits; higher bits are dropped.
    public init(rawValue: UInt32) { self.rawValue = rawValue & 0x7F_FFFF }

    /// An address; bits beyond 5 (type) and 18 (unique id) are dropped.
    public init(type: UInt8, uid: UInt32) {
        rawValue = UInt32(type & 0x1F) << 18 | uid & 0x3_FFFF
    }

    /// The device type, 0 to 31. One type holds several products.
    public var type: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 18) }
    /// The unique id, 18 bits.
    public var uid: UInt32 { rawValue & 0x3_FFFF }
    /// The unique id as topics and reports write it: `0x2F412`, `0x840A`.
    public var text: String { BusNotation.hex(uid) }

    /// The four bytes with which a device names itself in payloads: type, then the unique id, low byte first.
    ///
    /// Read as a number, low byte first. Commands carry it where a value would stand.
    public var token: UInt32 { uid << 8 | UInt32(type) }

    /// The address in the four bytes of a token; nil where they cannot be one.
    public init?(token: UInt32) {
        let type = token & 0xFF
        let uid = token >> 8
        guard type <= 0x1F, uid != 0, uid <= 0x3_FFFF else { return nil }
        self.init(type: UInt8(type), uid: uid)
    }

    /// Orders by type, then by unique id.
    public static func < (left: DeviceAddress, right: DeviceAddress) -> Bool { left.rawValue < right.rawValue }
}

/// How numbers of this bus are written in topics and reports.
public enum BusNotation {
    /// `0x` and upper-case digits, at least two, not padded beyond that: `0x0B`, `0x840A`.
    public static func hex(_ number: some BinaryInteger) -> String {
        let digits = String(number, radix: 16, uppercase: true)
        return digits.utf8.count < 2 ? "0x0" + digits : "0x" + digits
    }
}
