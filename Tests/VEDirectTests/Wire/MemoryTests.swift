import Testing
import VEDirect

/// That nothing is allocated while bytes are decoded is proved where `malloc` can be counted: `Fuzz/run.sh`.
@Suite("Memory")
struct MemoryTests {
    @Test("A frame holds no reference, and is moved in a few instructions")
    func frameHoldsNoReference() {
        #expect(_isPOD(HexFrame.self))
        #expect(MemoryLayout<HexFrame>.size == 120)
        #expect(!_isPOD([UInt8].self))
    }

    @Test("What a decoder reports is small, and so is a decoder")
    func size() {
        #expect(MemoryLayout<StreamDecoder.Event>.size <= 128)
        #expect(MemoryLayout<StreamDecoder>.size <= 256)
    }

    @Test("A block that is kept stays what it was while the next one is decoded")
    func keepsBlocks() {
        func block(_ serial: String) -> [UInt8] {
            let bytes = Array("\r\nPID\t0xA057\r\nSER#\t\(serial)\r\nChecksum\t".utf8)
            return bytes + [bytes.reduce(0) { $0 &- $1 }]
        }
        var decoder = StreamDecoder()
        var kept: [TextBlock] = []
        for serial in ["HQ2012ABCDE", "HQ2013FGHIJ"] {
            decoder.decode(block(serial)) { event in
                if case .text(let block) = event { kept.append(block) }
            }
        }
        #expect(kept.map { $0.value(of: "SER#") } == ["HQ2012ABCDE", "HQ2013FGHIJ"])
    }
}
