public import MasterBus

/// An adapter between a serial line and the simulated bus: Lawicel's protocol, from the adapter's side.
///
/// It does no I/O. Commands go in as bytes; answers and frames come out as bytes.
public struct SlcanAdapter: Sendable {
    /// What the channel is doing.
    public enum Channel: Sendable, Hashable { case closed, open, listening }

    /// What the channel is doing.
    public private(set) var channel = Channel.closed
    /// The speed that was chosen: the digit after `S`; nil before.
    public private(set) var speed: UInt8?
    /// How often the channel was closed by `C`.
    public private(set) var closings = 0

    private var line: [UInt8] = []
    private static let maximumLine = 64

    /// An adapter that was just plugged in.
    public init() {}

    /// Bytes from the host.
    ///
    /// - Parameters:
    ///   - isBusOff: frames are refused.
    ///   - send: takes a frame to the bus.
    /// - Returns: the bytes of the answer.
    public mutating func receive(_ bytes: [UInt8], isBusOff: Bool, _ send: (Frame) -> Void) -> [UInt8] {
        var answer: [UInt8] = []
        for byte in bytes {
            guard byte == 0x0D else {
                if line.count < Self.maximumLine { line.append(byte) }
                continue
            }
            answer += command(isBusOff, send)
            line.removeAll(keepingCapacity: true)
        }
        return answer
    }

    /// A frame from the bus as the host reads it; empty while the channel is closed, and for what has no such form.
    public func bytes(of frame: Frame) -> [UInt8] {
        guard channel != .closed, frame.flags == .extended else { return [] }
        var text = "T" + Self.hex(frame.rawIdentifier, digits: 8) + String(frame.count)
        for byte in frame.bytes { text += Self.hex(UInt32(byte), digits: 2) }
        return Array(text.utf8) + [0x0D]
    }

    private mutating func command(_ isBusOff: Bool, _ send: (Frame) -> Void) -> [UInt8] {
        let done: [UInt8] = [0x0D]
        let refused: [UInt8] = [0x07]
        guard let letter = line.first else { return done }
        switch letter {
        case UInt8(ascii: "S"):
            guard channel == .closed, line.count == 2, (0x30...0x38).contains(line[1]) else { return refused }
            speed = line[1] - 0x30
            return done
        case UInt8(ascii: "O"), UInt8(ascii: "L"):
            guard channel == .closed, speed != nil else { return refused }
            channel = letter == UInt8(ascii: "O") ? .open : .listening
            return done
        case UInt8(ascii: "C"):
            guard channel != .closed else { return refused }
            channel = .closed
            closings += 1
            return done
        case UInt8(ascii: "Z"): return channel == .closed && line.count == 2 ? done : refused
        case UInt8(ascii: "F"):
            return channel == .closed ? refused : Array("F\(isBusOff ? "A4" : "00")\r".utf8)
        case UInt8(ascii: "V"): return Array("V1013\r".utf8)
        case UInt8(ascii: "T"):
            guard channel == .open, !isBusOff, let frame = frame() else { return refused }
            send(frame)
            return Array("Z\r".utf8)
        default: return refused
        }
    }

    private func frame() -> Frame? {
        let digits = line.dropFirst().compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == line.count - 1, digits.count >= 9, digits[8] <= 8, digits.count == 9 + 2 * digits[8]
        else {
            return nil
        }
        let identifier = digits[..<8].reduce(UInt32(0)) { $0 << 4 | UInt32($1) }
        var bits: UInt64 = 0
        for index in 0..<digits[8] {
            bits |= UInt64(digits[9 + 2 * index] << 4 | digits[10 + 2 * index]) << UInt64(8 * index)
        }
        return Frame(rawIdentifier: identifier, bits: bits, count: digits[8])
    }

    private static func hex(_ number: UInt32, digits: Int) -> String {
        let text = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
