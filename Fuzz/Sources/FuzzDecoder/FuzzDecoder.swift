import CFuzz
import VEDirect

/// Bytes from libFuzzer through the decoder and the catalogue.
///
/// Of any bytes must hold: they find the same in one piece, byte by byte and in pieces; a frame that is found stands in
/// them as it is; there are not more findings than bytes; and no definition traps on what came.
@main
struct FuzzDecoder {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            let bytes = Array(UnsafeBufferPointer(start: start, count: count))
            FuzzDecoder.check(bytes)
            return 0
        }
    }

    private static func check(_ bytes: [UInt8]) {
        let whole = digest(of: bytes) { bytes.count }
        precondition(digest(of: bytes) { 1 } == whole, "byte by byte finds something else")
        // The pieces come from the bytes themselves, so that a finding can be repeated.
        var seed = bytes.reduce(UInt64(bytes.count)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        let pieces = digest(of: bytes) {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % 40 + 1
        }
        precondition(pieces == whole, "pieces find something else")
        precondition(whole.frames + whole.blocks + whole.rejections <= bytes.count + 1, "more findings than bytes")

        var decoder = StreamDecoder()
        decoder.decode(bytes) { event in
            switch event {
            case .hex(let frame): check(frame, in: bytes)
            case .text(let block): precondition(block.size <= min(TextBlock.maximumSize, bytes.count))
            case .rejected: break
            }
        }
    }

    private static func check(_ frame: HexFrame, in bytes: [UInt8]) {
        precondition(frame.count <= HexFrame.maximumPayload)
        var sum = frame.payload.reduce(frame.nibble, &+)
        sum = 0x55 &- sum
        let digits = Array("0123456789ABCDEF".utf8)
        var line = [digits[Int(frame.nibble)]]
        for byte in frame.payload + [sum] { line += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        let last = bytes.count - line.count
        let stands = (1...max(1, last)).contains { start in
            start <= last && bytes[start - 1] == 0x3A && bytes[start..<(start + line.count)].elementsEqual(line)
        }
        precondition(stands, "a frame that does not stand in the bytes")

        guard let register = frame.register, let definition = RegisterCatalogue.standard[register] else { return }
        guard let value = try? definition.decode(frame.value) else { return }
        if case .number(let raw, let scaled) = value {
            precondition(scaled.isFinite)
            _ = definition.label(of: UInt64(bitPattern: raw))
        }
    }

    private static func digest(of bytes: [UInt8], nextSize: () -> Int) -> Digest {
        var decoder = StreamDecoder()
        var digest = Digest()
        var from = 0
        while from < bytes.count {
            let to = from + min(max(1, nextSize()), bytes.count - from)
            decoder.decode(bytes.span.extracting(from..<to)) { digest.add($0) }
            from = to
        }
        decoder.finish { digest.add($0) }
        return digest
    }
}
