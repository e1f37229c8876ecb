/// A frame of a log, with the time and the interface that the log gives.
public struct CapturedFrame: Sendable, Hashable {
    /// When it was received; in most logs since 1970, in some since the log began.
    public let time: Duration
    /// The interface, such as `can0`.
    public let interface: InterfaceName
    /// The frame.
    public let frame: Frame

    /// A frame with its time and interface.
    public init(time: Duration, interface: InterfaceName, frame: Frame) {
        self.time = time
        self.interface = interface
        self.frame = frame
    }
}

/// The name of a CAN interface: at most 15 bytes, as Linux has it, kept in place.
public struct InterfaceName: Sendable, Hashable {
    private let packed: UInt128

    /// A name; nil where it is empty, longer than 15 bytes, or has a byte that is no visible ASCII character.
    public init?(_ text: String) {
        var packed: UInt128 = 0
        var count = 0
        for byte in text.utf8 {
            guard count < 15, byte > 0x20, byte < 0x7F else { return nil }
            packed |= UInt128(byte) << UInt128(8 * count)
            count += 1
        }
        guard count > 0 else { return nil }
        self.packed = packed
    }

    /// From bytes already known to fit.
    init(packed: UInt128) { self.packed = packed }

    /// The name.
    public var text: String {
        var text = ""
        var rest = packed
        while rest != 0 {
            text.unicodeScalars.append(Unicode.Scalar(UInt8(truncatingIfNeeded: rest)))
            rest >>= 8
        }
        return text
    }
}

/// One line of a log in the format of `candump -L`: `(1641765964.020491) can0 086F1297#0000DB9AC542`.
public enum CandumpLine: Sendable, Hashable {
    /// A frame. Of CAN FD only identifier and kind are kept.
    case frame(CapturedFrame)
    /// Nothing but white space.
    case blank
    /// Something else.
    case unreadable(Reason)

    /// What is wrong with a line.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// It does not begin with `(seconds.fraction)`.
        case time
        /// No interface name of at most 15 characters follows.
        case interface
        /// The identifier is neither 3 nor 8 hex digits followed by `#`, or too large.
        case identifier
        /// The data is no even number of hex digits, or more than a frame holds.
        case data
        /// Something follows that does not belong there.
        case excess
        /// Longer than any frame's line.
        case length
    }

    /// Reads a line, with or without its line end.
    public init(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(bytes.span)
    }

    /// Reads a line, with or without its line end (line feed, or carriage return and line feed).
    public init(_ line: Span<UInt8>) {
        var scanner = Scanner(line)
        self = scanner.line(line)
    }
}

extension CapturedFrame {
    /// The line that `candump -L` writes for this frame, without line end.
    public var line: String {
        let frame = frame
        let wide = frame.flags.contains(.extended) || frame.flags.contains(.error)
        let number = frame.rawIdentifier | (frame.flags.contains(.error) ? 0x2000_0000 : 0)
        let digits = String(number, radix: 16, uppercase: true)
        var line = "(\(Self.timeText(time))) \(interface.text) "
        line += String(repeating: "0", count: max(0, (wide ? 8 : 3) - digits.utf8.count)) + digits + "#"
        if frame.flags.contains(.flexible) { return line + "#0" }
        if frame.flags.contains(.remote) { return line + "R" + (frame.count > 0 ? "\(frame.count)" : "") }
        for byte in frame.bytes {
            line += (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
        return line
    }

    /// Seconds with six decimals, or nine where six do not suffice: `1641765964.020491`. Times before zero are zero.
    public static func timeText(_ time: Duration) -> String {
        guard time > .zero else { return "0.000000" }
        let (seconds, attoseconds) = time.components
        let nanoseconds = attoseconds / 1_000_000_000
        let isFine = nanoseconds % 1000 != 0
        let fraction = String(isFine ? nanoseconds : nanoseconds / 1000)
        return "\(seconds)." + String(repeating: "0", count: (isFine ? 9 : 6) - fraction.utf8.count) + fraction
    }
}

/// Finds the lines of a log in whatever pieces it is read.
///
/// No more than ``maximumLine`` bytes are kept; of a longer line nothing is read.
public struct CandumpReader: Sendable {
    /// Longer than the longest line of a frame (CAN FD with 64 bytes: about 190).
    public static let maximumLine = 512

    private var partial: [UInt8] = []
    private var isTooLong = false

    /// A reader at the beginning of a log.
    public init() { partial.reserveCapacity(Self.maximumLine) }

    /// Takes a piece of a log and hands out every line that is complete.
    public mutating func read(_ bytes: Span<UInt8>, _ body: (CandumpLine) -> Void) {
        var start = 0
        for index in bytes.indices where bytes[index] == 0x0A {
            if partial.isEmpty && !isTooLong && index - start <= Self.maximumLine {
                body(CandumpLine(bytes.extracting(start..<index)))
            } else {
                keep(bytes, start..<index)
                close(body)
            }
            start = index + 1
        }
        keep(bytes, start..<bytes.count)
    }

    /// The log ends: what is left is a line too.
    public mutating func finish(_ body: (CandumpLine) -> Void) {
        if !partial.isEmpty || isTooLong { close(body) }
    }

    private mutating func keep(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard partial.count + range.count <= Self.maximumLine else {
            isTooLong = true
            partial.removeAll(keepingCapacity: true)
            return
        }
        guard !isTooLong else { return }
        for index in range { partial.append(bytes[index]) }
    }

    private mutating func close(_ body: (CandumpLine) -> Void) {
        body(isTooLong ? .unreadable(.length) : CandumpLine(partial.span))
        isTooLong = false
        partial.removeAll(keepingCapacity: true)
    }
}

/// Reads one line from left to right. The line is handed to every step, for a span cannot be kept.
private struct Scanner {
    private let end: Int
    private var position = 0

    init(_ bytes: Span<UInt8>) {
        var end = bytes.count
        while end > 0, Self.isSpace(bytes[end - 1]) { end -= 1 }
        self.end = end
    }

    mutating func line(_ bytes: Span<UInt8>) -> CandumpLine {
        skipSpaces(bytes)
        guard position < end else { return .blank }
        guard let time = time(bytes) else { return .unreadable(.time) }
        skipSpaces(bytes)
        guard let interface = interface(bytes) else { return .unreadable(.interface) }
        skipSpaces(bytes)
        guard let (identifier, flags) = identifier(bytes) else { return .unreadable(.identifier) }
        guard let frame = frame(bytes, identifier, flags) else { return .unreadable(.data) }
        // With -x the direction follows: T or R.
        if position < end {
            guard Self.isSpace(bytes[position]) else { return .unreadable(.data) }
            skipSpaces(bytes)
            guard position == end - 1, bytes[position] == 0x54 || bytes[position] == 0x52 else {
                return .unreadable(.excess)
            }
        }
        return .frame(CapturedFrame(time: time, interface: interface, frame: frame))
    }

    private mutating func time(_ bytes: Span<UInt8>) -> Duration? {
        guard take(bytes, 0x28) else { return nil }
        guard let seconds = decimal(bytes, maximumDigits: 12) else { return nil }
        var nanoseconds: UInt64 = 0
        if take(bytes, 0x2E) {
            let start = position
            guard let fraction = decimal(bytes, maximumDigits: 9) else { return nil }
            nanoseconds = fraction
            for _ in (position - start)..<9 { nanoseconds *= 10 }
        }
        guard take(bytes, 0x29) else { return nil }
        return Duration(
            secondsComponent: Int64(seconds), attosecondsComponent: Int64(nanoseconds) * 1_000_000_000)
    }

    private mutating func decimal(_ bytes: Span<UInt8>, maximumDigits: Int) -> UInt64? {
        let start = position
        var number: UInt64 = 0
        while position < end, bytes[position] >= 0x30, bytes[position] <= 0x39 {
            guard position - start < maximumDigits else { return nil }
            number = number * 10 + UInt64(bytes[position] - 0x30)
            position += 1
        }
        return position > start ? number : nil
    }

    private mutating func interface(_ bytes: Span<UInt8>) -> InterfaceName? {
        var packed: UInt128 = 0
        var count = 0
        while position < end, !Self.isSpace(bytes[position]) {
            let byte = bytes[position]
            guard count < 15, byte > 0x20, byte < 0x7F else { return nil }
            packed |= UInt128(byte) << UInt128(8 * count)
            count += 1
            position += 1
        }
        return count > 0 ? InterfaceName(packed: packed) : nil
    }

    private mutating func identifier(_ bytes: Span<UInt8>) -> (UInt32, Frame.Flags)? {
        let start = position
        var number: UInt32 = 0
        while position < end, let digit = Self.digit(bytes[position]) {
            guard position - start < 8 else { return nil }
            number = number << 4 | UInt32(digit)
            position += 1
        }
        let digits = position - start
        guard take(bytes, 0x23) else { return nil }
        switch digits {
        case 3: return number <= 0x7FF ? (number, []) : nil
        case 8:
            guard number <= 0x3FFF_FFFF else { return nil }
            return number & 0x2000_0000 != 0 ? (number & 0x1FFF_FFFF, .error) : (number, .extended)
        default: return nil
        }
    }

    private mutating func frame(_ bytes: Span<UInt8>, _ identifier: UInt32, _ flags: Frame.Flags) -> Frame? {
        if take(bytes, 0x23) {
            // CAN FD: a digit of flags, then up to 64 bytes.
            guard position < end, Self.digit(bytes[position]) != nil else { return nil }
            position += 1
            var count = 0
            while let _ = pair(bytes) { count += 1 }
            guard count <= 64 else { return nil }
            return Frame(rawIdentifier: identifier, flags: flags.union(.flexible), bits: 0, count: 0)
        }
        if take(bytes, 0x52) || take(bytes, 0x72) {
            var count = 0
            if position < end, let digit = Self.digit(bytes[position]), digit <= 8 {
                count = Int(digit)
                position += 1
            }
            guard rawLength(bytes) else { return nil }
            return Frame(rawIdentifier: identifier, flags: flags.union(.remote), bits: 0, count: count)
        }
        var bits: UInt64 = 0
        var count = 0
        while let byte = pair(bytes) {
            guard count < 8 else { return nil }
            bits |= UInt64(byte) << UInt64(8 * count)
            count += 1
        }
        guard rawLength(bytes) else { return nil }
        return Frame(rawIdentifier: identifier, flags: flags, bits: bits, count: count)
    }

    /// `_9` to `_F` after eight bytes: the length code as it was on the wire. It changes nothing.
    private mutating func rawLength(_ bytes: Span<UInt8>) -> Bool {
        guard take(bytes, 0x5F) else { return true }
        guard position < end, let digit = Self.digit(bytes[position]), digit > 8 else { return false }
        position += 1
        return true
    }

    private mutating func pair(_ bytes: Span<UInt8>) -> UInt8? {
        guard position + 1 < end, let high = Self.digit(bytes[position]), let low = Self.digit(bytes[position + 1])
        else { return nil }
        position += 2
        return high << 4 | low
    }

    private mutating func take(_ bytes: Span<UInt8>, _ byte: UInt8) -> Bool {
        guard position < end, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpaces(_ bytes: Span<UInt8>) {
        while position < end, Self.isSpace(bytes[position]) { position += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
