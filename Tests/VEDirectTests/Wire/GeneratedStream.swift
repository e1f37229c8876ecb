/// Frames and blocks as a device would send them, made from random numbers, and the bytes that carry them.
///
/// Written from the protocol and not from the decoder, so that each proves the other. The fuzz package uses this
/// file too.
struct GeneratedStream: Sendable {
    /// What a stream carries.
    enum Element: Hashable, Sendable {
        case hex(nibble: UInt8, payload: [UInt8])
        case text([String])
    }

    /// The bytes on the wire.
    private(set) var bytes: [UInt8] = []
    /// What they carry, in the order in which it is complete.
    private(set) var elements: [Element] = []

    /// `:`, a digit, byte pairs, the check byte, and what ends the line.
    static func frame(nibble: UInt8, payload: [UInt8], end: [UInt8] = [0x0A]) -> [UInt8] {
        var check = UInt8(0x55) &- nibble
        for byte in payload { check &-= byte }
        let digits = Array("0123456789ABCDEF".utf8)
        var line: [UInt8] = [0x3A, digits[Int(nibble)]]
        for byte in payload + [check] { line += [digits[Int(byte / 16)], digits[Int(byte % 16)]] }
        return line + end
    }

    /// Lines of label and value, written `label=value`, and the checksum.
    static func block(_ fields: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for field in fields + ["Checksum="] {
            bytes += [0x0D, 0x0A] + field.utf8.map { $0 == 0x3D ? 0x09 : $0 }
        }
        return bytes + [0 &- bytes.reduce(0, &+)]
    }

    /// Adds a frame.
    mutating func addFrame(nibble: UInt8, payload: [UInt8], end: [UInt8] = [0x0A]) {
        bytes += Self.frame(nibble: nibble, payload: payload, end: end)
        elements.append(.hex(nibble: nibble, payload: payload))
    }

    /// Adds a block.
    mutating func addBlock(_ fields: [String]) {
        bytes += Self.block(fields)
        elements.append(.text(fields))
    }

    /// Adds a block that is cut by frames at some places.
    mutating func addBlock(_ fields: [String], cutBy frames: Int, using random: inout some RandomNumberGenerator) {
        let block = Self.block(fields)
        // Before a checksum byte that is itself a colon no frame can be told from it.
        let last = block.last == 0x3A ? block.count - 2 : block.count - 1
        let cuts = (0..<frames).map { _ in Int.random(in: 0...last, using: &random) }.sorted()
        var from = 0
        for cut in cuts {
            bytes += block[from..<cut]
            from = cut
            let (nibble, payload) = Self.randomFrame(using: &random)
            addFrame(nibble: nibble, payload: payload)
        }
        bytes += block[from...]
        elements.append(.text(fields))
    }

    /// A command digit that devices use and a payload of a size that devices use, longest last.
    static func randomFrame(using random: inout some RandomNumberGenerator) -> (UInt8, [UInt8]) {
        let nibble: UInt8 = [0x1, 0x3, 0x4, 0x5, 0x7, 0x8, 0xA].randomElement(using: &random) ?? 0x7
        let size =
            Int.random(in: 0..<8, using: &random) == 0
            ? Int.random(in: 0...116, using: &random)
            : Int.random(in: 0...9, using: &random)
        return (nibble, (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    /// Labels and values of printable characters; a block begins with the product or, the second of two, without.
    static func randomFields(
        withProduct: Bool, using random: inout some RandomNumberGenerator
    ) -> [String] {
        var fields = withProduct ? ["PID=0xA0" + word(2, of: "0123456789ABCDEF", using: &random)] : []
        let printable = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#-_. "
        for _ in 0..<Int.random(in: 1...21, using: &random) {
            let label = word(Int.random(in: 1...7, using: &random), of: "VIPSCHTR#_0123456789ABEFLO", using: &random)
            let size = Int.random(in: 0...32, using: &random)
            // Most values are numbers, and hexadecimal digits are what is easily taken for a frame.
            let letters = Bool.random(using: &random) ? "0123456789" : printable
            fields.append("F" + label + "=" + word(size, of: letters, using: &random))
        }
        return fields
    }

    private static func word(_ size: Int, of letters: String, using random: inout some RandomNumberGenerator) -> String
    {
        let letters = Array(letters)
        return String((0..<size).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] })
    }

    /// Frames and blocks in any order, frames in the middle of blocks, line ends of both kinds.
    static func random(count: Int, using random: inout some RandomNumberGenerator) -> GeneratedStream {
        var stream = GeneratedStream()
        for _ in 0..<count {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1, 2:
                let (nibble, payload) = randomFrame(using: &random)
                stream.addFrame(nibble: nibble, payload: payload)
            case 3:
                let (nibble, payload) = randomFrame(using: &random)
                stream.addFrame(nibble: nibble, payload: payload, end: [0x0D, 0x0A])
            case 4:
                stream.addBlock(randomFields(withProduct: Bool.random(using: &random), using: &random))
            default:
                stream.addBlock(
                    randomFields(withProduct: true, using: &random), cutBy: Int.random(in: 1...4, using: &random),
                    using: &random)
            }
        }
        return stream
    }
}
