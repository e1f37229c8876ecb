/// A CAN frame as it was received: identifier, flags and up to eight bytes, all in place.
public struct Frame: Sendable, Hashable {
    /// What kind of CAN frame it is. A frame of MasterBus has ``extended`` and nothing else.
    public struct Flags: OptionSet, Sendable, Hashable {
        /// One bit each.
        public let rawValue: UInt8
        /// Flags of these bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// A 29-bit identifier.
        public static let extended = Flags(rawValue: 1)
        /// A remote frame: a request without data.
        public static let remote = Flags(rawValue: 2)
        /// Not from the bus: the controller reports trouble.
        public static let error = Flags(rawValue: 4)
        /// CAN FD; its data is not kept.
        public static let flexible = Flags(rawValue: 8)
    }

    /// The identifier without flags: 29 bits, or 11 where ``Flags/extended`` is absent, or the error's classes.
    public let rawIdentifier: UInt32
    /// The data, first byte lowest; zero beyond ``count``.
    public let bits: UInt64
    /// The number of data bytes, 0 to 8. For a remote frame the number that it asks for.
    public let count: Int
    /// The kind of CAN frame.
    public let flags: Flags

    /// A frame of its parts. `count` is held to 0...8, and bits beyond it are dropped.
    public init(rawIdentifier: UInt32, flags: Flags = .extended, bits: UInt64, count: Int) {
        let isWide = !flags.isDisjoint(with: [.extended, .error])
        let kept = min(max(count, 0), 8)
        self.rawIdentifier = rawIdentifier & (isWide ? 0x1FFF_FFFF : 0x7FF)
        self.flags = flags
        self.count = kept
        self.bits = flags.contains(.remote) || kept == 0 ? 0 : bits & (.max >> UInt64(64 - 8 * kept))
    }

    /// A data frame with this identifier; bytes beyond the eighth are dropped.
    public init(_ identifier: Identifier, _ bytes: [UInt8] = []) {
        var bits: UInt64 = 0
        for (index, byte) in bytes.prefix(8).enumerated() { bits |= UInt64(byte) << UInt64(8 * index) }
        self.init(rawIdentifier: identifier.rawValue, bits: bits, count: min(bytes.count, 8))
    }

    /// A frame as Linux hands it out: the identifier with its three flags (bit 31 extended, 30 remote, 29 error).
    public init(linuxIdentifier: UInt32, bits: UInt64, count: Int) {
        var flags: Flags = []
        if linuxIdentifier & 0x8000_0000 != 0 { flags.insert(.extended) }
        if linuxIdentifier & 0x4000_0000 != 0 { flags.insert(.remote) }
        if linuxIdentifier & 0x2000_0000 != 0 { flags.insert(.error) }
        self.init(rawIdentifier: linuxIdentifier, flags: flags, bits: bits, count: count)
    }

    /// The identifier with the three flags that Linux puts above it.
    public var linuxIdentifier: UInt32 {
        rawIdentifier | (flags.contains(.extended) ? 0x8000_0000 : 0) | (flags.contains(.remote) ? 0x4000_0000 : 0)
            | (flags.contains(.error) ? 0x2000_0000 : 0)
    }

    /// The identifier as MasterBus reads it; nil for every frame that is not one of MasterBus.
    public var identifier: Identifier? { flags == .extended ? Identifier(rawValue: rawIdentifier) : nil }

    /// Byte `index` of the data; zero beyond ``count``.
    public subscript(index: Int) -> UInt8 {
        index >= 0 && index < 8 ? UInt8(truncatingIfNeeded: bits >> UInt64(8 * index)) : 0
    }

    /// The data bytes. Allocates: for logs and tests, not for the hot path.
    public var bytes: [UInt8] { flags.contains(.remote) ? [] : (0..<count).map { self[$0] } }

    /// Bytes `index` and `index + 1`, low byte first.
    func word(at index: Int) -> UInt16 { UInt16(truncatingIfNeeded: bits >> UInt64(8 * index)) }
    /// Four bytes from `index`, low byte first.
    func quad(at index: Int) -> UInt32 { UInt32(truncatingIfNeeded: bits >> UInt64(8 * index)) }
}

/// What a controller says about the line in an error frame, as Linux encodes it.
public struct LineTrouble: Sendable, Hashable {
    /// The classes of error, one bit each (4: controller, 8: protocol, 20 hex: no acknowledgement, 40 hex: bus off).
    public let classes: UInt32
    /// The controller's state, one bit each (04: receive warning, 10: receive error passive, …).
    public let controller: UInt8

    /// The report in an error frame; nil for every other frame.
    public init?(_ frame: Frame) {
        guard frame.flags.contains(.error) else { return nil }
        classes = frame.rawIdentifier
        controller = classes & 4 != 0 ? frame[1] : 0
    }

    /// The controller has left the bus.
    public var isBusOff: Bool { classes & 0x40 != 0 }

    /// In words, for a log.
    public var text: String {
        var parts: [String] = []
        for (bit, name) in Self.classNames where classes & bit != 0 { parts.append(name) }
        for (bit, name) in Self.controllerNames where controller & bit != 0 { parts.append(name) }
        return parts.isEmpty ? "error \(BusNotation.hex(classes))" : parts.joined(separator: ", ")
    }

    private static let classNames: [(UInt32, String)] = [
        (0x01, "transmit timeout"), (0x02, "lost arbitration"), (0x04, "controller problem"),
        (0x08, "protocol violation"), (0x10, "transceiver trouble"), (0x20, "no acknowledgement"), (0x40, "bus off"),
        (0x80, "bus error"), (0x100, "controller restarted"),
    ]
    private static let controllerNames: [(UInt8, String)] = [
        (0x01, "receive buffer overflow"), (0x02, "transmit buffer overflow"), (0x04, "receive errors: warning"),
        (0x08, "transmit errors: warning"), (0x10, "receive errors: passive"), (0x20, "transmit errors: passive"),
        (0x40, "recovered"),
    ]
}
