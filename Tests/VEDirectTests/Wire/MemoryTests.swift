import Testing
import VEDirect

/// That nothing is allocated while bytes are decoded is proved where `malloc` can be counted: `Fuzz/run.sh`.
@Suite("Memory")
struct MemoryTests {
    @Test("A decoder, a frame and a block hold no reference: their memory cannot grow, whatever they have seen")
    func holdNoReference() {
        #expect(_isPOD(StreamDecoder.self))
        #expect(_isPOD(HexFrame.self))
        #expect(_isPOD(TextBlock.self))
        #expect(_isPOD(StreamDecoder.Event.self))
        #expect(!_isPOD([UInt8].self))
    }

    @Test("A decoder is small")
    func size() {
        #expect(MemoryLayout<StreamDecoder>.size <= 1400)
        #expect(MemoryLayout<HexFrame>.size <= 160)
        #expect(MemoryLayout<TextBlock>.size <= TextBlock.maximumSize + 16)
    }
}
