import Testing

@testable import VEDirect

/// Values read from several damaged copies of one answer, and digits read in spite of a flipped bit.
@Suite("Damaged copies")
struct CombinerTests {
    /// `:7BBED00112233`-like answers with some characters replaced.
    private static func copy(_ replaced: [(place: Int, by: Character)] = []) -> [UInt8] {
        var bytes = SessionTroubleTests.frame(7, [0xBB, 0xED, 0, 0x34, 0x12])
        for (place, character) in replaced { bytes[place] = character.asciiValue ?? 0 }
        return bytes
    }

    @Test("no copy is a whole frame, and yet the value is clear")
    func readsDamaged() {
        // The value's digits stand at 8 to 11, the check's at 12 and 13.
        // One copy lost its line's head, which is known, and one each a digit; what is left is said often enough.
        let copies = [
            Self.copy([(2, "z"), (9, "5")]), Self.copy([(10, "3")]), Self.copy([(3, "~")]), Self.copy([(4, "~")]),
            Self.copy([(12, "0")]),
        ]
        var combiner = AnswerCombiner()
        combiner.begin(RegisterID(0xEDBB))
        var value: RawValue?
        for (index, copy) in copies.enumerated() where value == nil {
            combiner.receive(copy.span, at: .milliseconds(20 * index))
            value = combiner.value(claims: 2)
        }
        #expect(value == RawValue([0x34, 0x12]))
    }

    @Test("copies of two values are not mixed into a third")
    func mixesNothing() {
        var combiner = AnswerCombiner()
        combiner.begin(RegisterID(0xEDBB))
        var values: Set<RawValue> = []
        for index in 0..<40 {
            let bytes = SessionTroubleTests.frame(7, [0xBB, 0xED, 0, index % 2 == 0 ? 0x34 : 0x43, 0x12])
            combiner.receive(bytes.span, at: .milliseconds(20 * index))
            if let value = combiner.value(claims: 2) { values.insert(value) }
        }
        #expect(values.isSubset(of: [RawValue([0x34, 0x12]), RawValue([0x43, 0x12])]))
    }

    @Test("the answer of another register, a refusal and an unasked frame are no copies")
    func takesOnlyAnswers() {
        var combiner = AnswerCombiner()
        combiner.begin(RegisterID(0xEDBC))
        for index in 0..<10 {
            combiner.receive(Self.copy().span, at: .milliseconds(20 * index))
            combiner.receive(
                SessionTroubleTests.frame(7, [0xBC, 0xED, 1]).span, at: .milliseconds(20 * index))
            combiner.receive(
                SessionTroubleTests.frame(0xA, [0xBC, 0xED, 0, 1, 2, 3, 4]).span, at: .milliseconds(20 * index))
        }
        #expect(!combiner.hasNews)
        #expect(combiner.value(claims: 2) == nil)
    }

    @Test("a digit with a bit of its upper half flipped is read where asked for, and said to be")
    func repairsDigits() {
        var tried = 0
        for place in 1...13 {
            for bit: UInt8 in [0x10, 0x20, 0x40, 0x80] {
                var bytes = Self.copy()
                bytes[place] ^= bit
                guard HexDigits.repaired[Int(bytes[place])] < 16 else { continue }
                tried += 1
                var strict = 0
                var plain = StreamDecoder()
                plain.decode(bytes) { if case .hex = $0 { strict += 1 } }
                #expect(strict == 0)
                var found: [(RawValue, Int)] = []
                var decoder = StreamDecoder(repairsDigits: true)
                decoder.decode(bytes) { event in
                    if case .hex(let frame) = event { found.append((frame.value, frame.repairs)) }
                }
                #expect(found.count == 1, "place \(place), bit \(bit)")
                #expect(found.first?.0 == RawValue([0x34, 0x12]))
                #expect(found.first?.1 == 1)
            }
        }
        #expect(tried > 40)
    }

    @Test("no flip of a line feed or a colon becomes a digit")
    func keepsFrames() {
        for bit in 0..<8 {
            for byte: UInt8 in [0x0A, 0x3A] {
                let flipped = byte ^ (1 << UInt8(bit))
                #expect(HexDigits.repaired[Int(flipped)] > 15, "\(flipped)")
            }
        }
    }
}
