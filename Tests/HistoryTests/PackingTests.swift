import Testing

@testable import History

@Suite struct PackingTests {
    private func roundTrip(_ block: MinuteBlock) -> MinuteBlock? {
        block.packed().withUnsafeBytes { MinuteBlock(packed: $0) }
    }

    @Test func blocksComeBackAsTheyWere() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var block = MinuteBlock()
            for _ in 0..<Int.random(in: 0...60, using: &random) {
                block.add(
                    series: .random(in: 1...5, using: &random), time: .random(in: 0...599, using: &random),
                    value: .random(in: -1_000_000_000...1_000_000_000, using: &random),
                    isDerived: .random(using: &random))
            }
            #expect(roundTrip(block) == block)
            for run in block.runs { #expect(zip(run.times, run.times.dropFirst()).allSatisfy { $0 < $1 }) }
        }
    }

    @Test func evenAndStillSamplesCostLittle() {
        var block = MinuteBlock()
        for step in 0..<12 { block.add(series: 1, time: UInt16(step * 50), value: 1258) }
        #expect(block.packed().count < 16)
    }

    @Test func noFlippedBitIsRead() {
        var block = MinuteBlock()
        for step in 0..<12 { block.add(series: 3, time: UInt16(step * 49), value: Int64(step * step)) }
        let good = block.packed()
        for bit in 0..<good.count * 8 {
            var bad = good
            bad[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(bad.withUnsafeBytes { MinuteBlock(packed: $0) } == nil)
        }
        for length in 0..<good.count { #expect(good[..<length].withUnsafeBytes { MinuteBlock(packed: $0) } == nil) }
    }

    @Test func slotsComeBackAsTheyWere() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var slots: [Slot?] = []
            while slots.count < 60 {
                let value = Int64.random(in: -5000...5000, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: slots.append(nil)
                case 1: slots.append(Slot(known: 600, minimum: value, maximum: value, last: value, mean: value << 4))
                default:
                    slots.append(
                        Slot(
                            known: .random(in: 0...600, using: &random), minimum: value, maximum: value + 50,
                            last: value + 3,
                            mean: value * 16 + .random(in: 0...800, using: &random)))
                }
            }
            let packed = SlotBlock.packed(slots, full: 600)
            #expect(packed.withUnsafeBytes { SlotBlock.unpacked($0, full: 600) } == slots)
        }
    }
}
