import Glibc

/// When something that happens now and then begins and ends. Times are nanoseconds; they are asked for in their order.
struct RandomSpells: Sendable {
    private let rate: Double
    private let length: Int64
    private var random: SeededRandom
    private var next: Int64?

    init(_ spells: Noise.Spells, seed: UInt64) {
        rate = spells.rate
        length = spells.length.nanoseconds
        random = SeededRandom(seed: seed)
    }

    /// The spells that begin before `now` and were not given yet. The first call sets the beginning of time.
    mutating func begun(before now: Int64) -> [Range<Int64>] {
        guard rate > 0 else { return [] }
        var begun: [Range<Int64>] = []
        var begin = next ?? draw(after: now)
        while begin < now {
            begun.append(begin..<begin + length)
            begin = draw(after: begin + length)
        }
        next = begin
        return begun
    }

    private mutating func draw(after time: Int64) -> Int64 {
        time + Int64(min(-log(1 - random.unit()) / rate, 1e6) * 1e9)
    }
}

extension Duration {
    /// Whole nanoseconds.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
