import CDecode
import VEDirect
import WireStream

/// Decodes a mebibyte once, with the library or with the loop in C, for callgrind to count the instructions of
/// `decodeInSwift` and `cdecode`; `write` gives the bytes as hex on standard output, for other programs to read.
@main
struct CountInstructions {
    static func main() {
        let words = CommandLine.arguments
        let bytes = WireStream(size: 1 << 20, bitErrorRate: words.contains("noisy") ? 1e-3 : 0).bytes
        var found = 0
        switch words.dropFirst().first {
        case "swift":
            found = bytes.withUnsafeBufferPointer { decodeInSwift($0.baseAddress, $0.count) }
        case "c":
            var counts = cdecode_counts()
            bytes.withUnsafeBufferPointer { cdecode($0.baseAddress, $0.count, &counts) }
            found = Int(counts.frames &+ counts.blocks)
        case "write":
            print(bytes.map { String(UInt32($0) + 0x100, radix: 16).dropFirst() }.joined())
            return
        default:
            print("usage: CountInstructions swift|c|write [noisy]")
            return
        }
        print(bytes.count, found)
    }
}

/// Everything that the library finds.
@inline(never)
func decodeInSwift(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int {
    var decoder = StreamDecoder()
    var found = 0
    decoder.decode(
        UnsafeBufferPointer(start: base, count: count).span, frames: { found &+= $0.count > 0 ? 1 : 0 },
        blocks: { found &+= $0.size > 0 ? 1 : 0 }, rejections: { _ in })
    return found
}
