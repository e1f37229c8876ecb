/// A VE.Direct HEX frame whose checksum held: `:`, one hex digit, byte pairs, a check byte, line feed.
///
/// A checksum is one byte: a frame is a claim, not a fact. What makes it a fact is the guard's business.
/// The frame owns its bytes in place; making, copying and reading one allocates nothing.
public struct HexFrame: Sendable {
    /// The largest number of data bytes a frame can carry here, the check byte not counted.
    ///
    /// The longest frame observed carries 55 bytes (a cycle record of an AC charger).
    public static let maximumPayload = 116

    /// The hex digit after the colon: what kind of frame this is.
    public internal(set) var nibble: UInt8 = 0
    /// The number of bytes in the payload.
    public internal(set) var count: Int {
        get { Int(size) }
        set { size = UInt8(truncatingIfNeeded: newValue) }
    }
    /// How many digits were read in spite of a flipped bit; 0 unless the decoder was asked to.
    public internal(set) var repairs: Int {
        get { Int(repaired) }
        set { repaired = UInt8(truncatingIfNeeded: newValue) }
    }
    // All of it is 120 bytes, with the kind of event beside it less than 128: that many are moved in a few instructions.
    private var size: UInt8 = 0
    private var repaired: UInt8 = 0
    /// The payload and its check byte.
    var storage = InlineArray<117, UInt8>(repeating: 0)

    init() {}

    /// Byte `index` of the payload (0 is the first byte after the command digit).
    ///
    /// - Precondition: `index` is less than ``count``.
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "byte \(index) of a payload of \(count) bytes")
        return storage[index]
    }

    /// The payload's bytes in wire order. Allocates: for logs and tests, not for the hot path.
    public var payload: [UInt8] { (0..<count).map { storage[$0] } }

    /// What a device means by this frame.
    public var response: Response { Response(nibble: nibble) }

    /// The register the frame is about; nil unless it is a get, set or async frame of at least three bytes.
    public var register: RegisterID? {
        guard response.carriesRegister, count >= 3 else { return nil }
        return RegisterID(UInt16(storage[0]) | UInt16(storage[1]) << 8)
    }

    /// The flags of a get, set or async frame; nil where the frame has none.
    public var flags: Flags? {
        guard response.carriesRegister, count >= 3 else { return nil }
        return Flags(rawValue: storage[2])
    }

    /// The value's bytes: what follows register and flags, or the whole payload of other frames.
    public var value: RawValue {
        let start = response.carriesRegister && count >= 3 ? 3 : 0
        var value = RawValue()
        for index in start..<max(start, count) { value.append(storage[index]) }
        return value
    }

    /// The kinds of frame a device sends.
    public enum Response: String, Sendable {
        /// 1: the answer to a product id or version request.
        case done
        /// 3: the command is not known to the device.
        case unknown
        /// 4: the device could not read what it got; carries no register.
        case error
        /// 5: the answer to a ping, with the firmware version.
        case ping
        /// 6: only hosts send it.
        case restart
        /// 7: the answer to a read, or the request itself when the host is overheard.
        case get
        /// 8: the answer to a write by somebody else on the line.
        case set
        /// A: a value that changed, sent unasked.
        case async
        /// 0: only hosts send it.
        case boot
        /// Every other digit: reserved by the vendor.
        case reserved

        init(nibble: UInt8) {
            switch nibble {
            case 0x0: self = .boot
            case 0x1: self = .done
            case 0x3: self = .unknown
            case 0x4: self = .error
            case 0x5: self = .ping
            case 0x6: self = .restart
            case 0x7: self = .get
            case 0x8: self = .set
            case 0xA: self = .async
            default: self = .reserved
            }
        }

        /// Whether frames of this kind begin with a register id and flags.
        public var carriesRegister: Bool { self == .get || self == .set || self == .async }
    }

    /// The flags of a reply (document). Anything but zero means: no value.
    public struct Flags: OptionSet, Sendable, Hashable {
        /// The byte on the wire.
        public let rawValue: UInt8
        /// The flags of one byte.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The device does not know this register.
        public static let unknownID = Flags(rawValue: 1)
        /// The register does not support this (a write to a read-only one).
        public static let notSupported = Flags(rawValue: 2)
        /// Parameter error; for history days: the slot is empty.
        public static let parameterError = Flags(rawValue: 4)
    }
}

/// The bytes of a register's value in wire order (little endian), held in place.
public struct RawValue: Sendable, Hashable {
    /// The number of bytes.
    public private(set) var count = 0
    private var low: UInt64 = 0
    // Values of more than eight bytes (strings, history) live here; the short ones that make up the
    // hot path never touch it.
    private var rest: [UInt8] = []

    /// No bytes.
    public init() {}

    /// These bytes, in wire order.
    public init(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { append(byte) }
    }

    /// The lowest `count` bytes of a number, at most eight.
    init(number: UInt64, count: Int) {
        self.count = min(count, 8)
        low = self.count == 8 ? number : number & (1 << (8 * UInt64(self.count)) - 1)
    }

    mutating func append(_ byte: UInt8) {
        if count < 8 {
            low |= UInt64(byte) << (8 * UInt64(count))
        } else {
            rest.append(byte)
        }
        count += 1
    }

    /// Byte `index`.
    ///
    /// - Precondition: `index` is less than ``count``.
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "byte \(index) of a value of \(count) bytes")
        return index < 8 ? UInt8(truncatingIfNeeded: low >> (8 * UInt64(index))) : rest[index - 8]
    }

    /// All bytes in wire order.
    public var bytes: [UInt8] { (0..<count).map { self[$0] } }

    /// The bytes as an unsigned little-endian number; nil for none or more than eight.
    public var unsigned: UInt64? { count > 0 && count <= 8 ? low : nil }

    /// The bytes as a two's complement little-endian number; nil for none or more than eight.
    public var signed: Int64? {
        guard count > 0, count <= 8 else { return nil }
        let shift = UInt64(64 - 8 * count)
        return Int64(bitPattern: low << shift) >> Int64(shift)
    }

    /// The bytes as upper-case hex digits in wire order.
    public var hex: String { bytes.hexDigits }

    func little16(at offset: Int) -> UInt16 { UInt16(self[offset]) | UInt16(self[offset + 1]) << 8 }
    func little32(at offset: Int) -> UInt32 { UInt32(little16(at: offset)) | UInt32(little16(at: offset + 2)) << 16 }
}

extension Sequence<UInt8> {
    /// Two upper-case hex digits a byte.
    var hexDigits: String {
        var text = ""
        for byte in self {
            let digits = String(byte, radix: 16, uppercase: true)
            text += digits.count == 1 ? "0" + digits : digits
        }
        return text
    }
}
