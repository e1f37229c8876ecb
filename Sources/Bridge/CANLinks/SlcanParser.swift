public import MasterBus

/// Finds what an adapter says on its serial line: frames, acknowledgements, its state.
///
/// A value without I/O: bytes go in, in pieces of any size, tokens come out. No more than ``maximumLine`` bytes are
/// kept; of a longer line nothing is read.
public struct SlcanParser: Sendable {
    /// What an adapter says.
    public enum Token: Sendable, Hashable {
        /// A frame from the bus.
        case frame(Frame)
        /// Done (a bare carriage return).
        case done
        /// A frame was taken for sending (`z` or `Z`).
        case taken
        /// Refused (bell).
        case refused
        /// The state of the controller, one bit each (`F`): 04 warning, 20 passive, 80 bus error, 08 overrun.
        case status(UInt8)
        /// Version or serial number (`V`, `v`, `N`), with the letter.
        case version(String)
        /// A line that is none of these, or too long.
        case damaged
    }

    /// Longer than the longest line of a frame (`T`, 8 digits, length, 16 digits, a time stamp of 4: 30).
    public static let maximumLine = 64

    private var line: [UInt8] = []
    private var isTooLong = false

    /// A parser at the start of a line.
    public init() { line.reserveCapacity(Self.maximumLine) }

    /// Takes bytes and hands out every token that is complete.
    public mutating func parse(_ bytes: Span<UInt8>, _ body: (Token) -> Void) {
        for index in bytes.indices {
            switch bytes[index] {
            case 0x0D:
                body(isTooLong ? .damaged : Self.token(line.span))
                clear()
            case 0x07:
                // A bell ends whatever was under way; half a line before it is nothing.
                if isTooLong || !line.isEmpty { body(.damaged) }
                body(.refused)
                clear()
            case 0x0A:
                // Some adapters end lines with both.
                break
            case let byte:
                guard line.count < Self.maximumLine else {
                    isTooLong = true
                    continue
                }
                if !isTooLong { line.append(byte) }
            }
        }
    }

    private mutating func clear() {
        line.removeAll(keepingCapacity: true)
        isTooLong = false
    }

    private static func token(_ line: Span<UInt8>) -> Token {
        guard line.count > 0 else { return .done }
        switch (line[0], line.count) {
        case (UInt8(ascii: "T"), _): return frame(line, digits: 8, flags: .extended)
        case (UInt8(ascii: "t"), _): return frame(line, digits: 3, flags: [])
        case (UInt8(ascii: "R"), _): return frame(line, digits: 8, flags: [.extended, .remote])
        case (UInt8(ascii: "r"), _): return frame(line, digits: 3, flags: .remote)
        case (UInt8(ascii: "z"), 1), (UInt8(ascii: "Z"), 1): return .taken
        case (UInt8(ascii: "F"), 3):
            guard let high = digit(line[1]), let low = digit(line[2]) else { return .damaged }
            return .status(high << 4 | low)
        case (UInt8(ascii: "V"), _), (UInt8(ascii: "v"), _), (UInt8(ascii: "N"), _):
            var text = ""
            for index in line.indices {
                guard (0x20...0x7E).contains(line[index]) else { return .damaged }
                text.unicodeScalars.append(Unicode.Scalar(line[index]))
            }
            return .version(text)
        default: return .damaged
        }
    }

    private static func frame(_ line: Span<UInt8>, digits: Int, flags: Frame.Flags) -> Token {
        guard line.count >= digits + 2 else { return .damaged }
        var identifier: UInt32 = 0
        for index in 1...digits {
            guard let digit = digit(line[index]) else { return .damaged }
            identifier = identifier << 4 | UInt32(digit)
        }
        let limit: UInt32 = flags.contains(.extended) ? 0x1FFF_FFFF : 0x7FF
        guard identifier <= limit, let count = digit(line[digits + 1]), count <= 8 else { return .damaged }
        let isRemote = flags.contains(.remote)
        let start = digits + 2
        let end = start + (isRemote ? 0 : 2 * Int(count))
        // Time stamps are switched off; an adapter that adds them all the same has four digits more.
        guard line.count == end || line.count == end + 4 else { return .damaged }
        for index in start..<line.count where digit(line[index]) == nil { return .damaged }
        var bits: UInt64 = 0
        if !isRemote {
            for place in 0..<Int(count) {
                guard let high = digit(line[start + 2 * place]), let low = digit(line[start + 2 * place + 1]) else {
                    return .damaged
                }
                bits |= UInt64(high << 4 | low) << UInt64(8 * place)
            }
        }
        return .frame(Frame(rawIdentifier: identifier, flags: flags, bits: bits, count: Int(count)))
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}

/// What is said to an adapter.
public enum SlcanCommand: Sendable, Hashable {
    /// Ends whatever was half typed, so that the next command is read from its start.
    case flush
    /// `C`: leave the bus.
    case close
    /// `Z0`: no time stamps.
    case timestampsOff
    /// `S5`: 250 kbit/s, which MasterBus has.
    case speed
    /// `O`: join the bus.
    case open
    /// `L`: join it and send nothing, not even acknowledgements.
    case listen
    /// `F`: how is the controller?
    case status

    /// The bytes.
    public var bytes: [UInt8] {
        let text =
            switch self {
            case .flush: "\r\r\r"
            case .close: "C\r"
            case .timestampsOff: "Z0\r"
            case .speed: "S5\r"
            case .open: "O\r"
            case .listen: "L\r"
            case .status: "F\r"
            }
        return Array(text.utf8)
    }

    /// A frame as adapters take and give it; error frames and CAN FD have no such form.
    public static func bytes(of frame: Frame) -> [UInt8]? {
        guard frame.flags.isDisjoint(with: [.error, .flexible]) else { return nil }
        let isExtended = frame.flags.contains(.extended)
        let isRemote = frame.flags.contains(.remote)
        var bytes: [UInt8] = [isRemote ? (isExtended ? 0x52 : 0x72) : (isExtended ? 0x54 : 0x74)]
        let digits = isExtended ? 8 : 3
        for place in (0..<digits).reversed() { bytes.append(digit(frame.rawIdentifier >> UInt32(4 * place))) }
        bytes.append(digit(UInt32(frame.count)))
        if !isRemote {
            for index in 0..<frame.count {
                bytes.append(digit(UInt32(frame[index] >> 4)))
                bytes.append(digit(UInt32(frame[index])))
            }
        }
        bytes.append(0x0D)
        return bytes
    }

    private static func digit(_ number: UInt32) -> UInt8 {
        let number = UInt8(truncatingIfNeeded: number & 15)
        return number < 10 ? 0x30 + number : 0x37 + number
    }
}
