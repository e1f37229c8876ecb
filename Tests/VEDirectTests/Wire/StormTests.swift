import Testing
import VEDirect

/// A short version, in every test run, of what `Fuzz/run.sh storm` does with a hundred million bytes.
@Suite("Storm")
struct StormTests {
    @Test("Two million bytes of every kind: pieces change nothing, and sense is found among nonsense", arguments: 1...4)
    func storm(seed: UInt64) {
        var source = ByteSource(seed: seed, size: 1 << 15)
        var measured = StreamDecoder()
        var pieces = StreamDecoder()
        var total = Digest()
        for _ in 0..<16 {
            let bytes = source.next()
            var expected = Digest()
            measured.decode(bytes.span) { event in
                expected.add(event)
                total.add(event)
            }
            var found = Digest()
            var from = 0
            while from < bytes.count {
                let to = min(bytes.count, from + source.pieceSize())
                pieces.decode(bytes.span.extracting(from..<to)) { found.add($0) }
                from = to
            }
            #expect(found == expected)
        }
        #expect(total.frames > 1000)
        #expect(total.blocks > 50)
        #expect(total.rejections > 1000)
    }
}
