import Glibc

/// A bad line: single bit errors, bursts of noise, bytes that are lost or come twice.
///
/// It works on decoded bytes, as a host's UART hands them out. The same seed and the same bytes at the same times
/// give the same damage.
public struct NoisyLine: LineImpairment {
    /// How bad it is.
    public struct Rates: Sendable, Hashable {
        /// The chance of each bit to be flipped, 0…1.
        public var bitErrors = 0.0
        /// Bursts a second, in the mean.
        public var bursts = 0.0
        /// How long a burst lasts; each byte in it is random.
        public var burstLength: Duration = .milliseconds(20)
        /// The chance of each byte to be lost, 0…1.
        public var drop = 0.0
        /// The chance of each byte to come twice, 0…1.
        public var double = 0.0

        /// No noise.
        public init() {}

        /// Whether nothing is ever damaged.
        public var isClean: Bool { bitErrors == 0 && bursts == 0 && drop == 0 && double == 0 }
    }

    /// How many bytes were changed, lost or doubled so far.
    public private(set) var damaged = 0
    /// How many bytes came so far.
    public private(set) var passed = 0
    /// How bad it is.
    public let rates: Rates

    private var random: SeededRandom
    private let byteErrors: Double
    private var untilFlip = 0
    private var untilDrop = 0
    private var untilDouble = 0
    private var burstEnds: Duration = .zero
    private var nextBurst: Duration?
    private var lastTime: Duration = .zero

    /// A line with these rates.
    public init(_ rates: Rates, seed: UInt64) {
        self.rates = rates
        random = SeededRandom(seed: seed)
        byteErrors = 1 - pow(1 - rates.bitErrors, 8)
        untilFlip = Self.draw(byteErrors, &random)
        untilDrop = Self.draw(rates.drop, &random)
        untilDouble = Self.draw(rates.double, &random)
    }

    /// What arrives of `bytes`, the last of which crosses the line at `time`.
    public mutating func pass(_ bytes: [UInt8], at time: Duration) -> [UInt8] {
        guard !rates.isClean else { return bytes }
        passed += bytes.count
        if rates.bursts == 0, untilFlip >= bytes.count, untilDrop >= bytes.count, untilDouble >= bytes.count {
            // Nothing happens to any of these, as to most.
            untilFlip -= bytes.count
            untilDrop -= bytes.count
            untilDouble -= bytes.count
            return bytes
        }
        var arrived: [UInt8] = []
        arrived.reserveCapacity(bytes.count + 2)
        for (index, byte) in bytes.enumerated() {
            let moment = max(lastTime, time - OutgoingLine.byteTime * (bytes.count - 1 - index))
            lastTime = moment
            if happens(\.untilDrop, rates.drop) {
                damaged += 1
                continue
            }
            var result = isInBurst(at: moment) ? UInt8(truncatingIfNeeded: random.next()) : byte
            if happens(\.untilFlip, byteErrors) { result = flip(result) }
            arrived.append(result)
            let comesTwice = happens(\.untilDouble, rates.double)
            if comesTwice { arrived.append(result) }
            if comesTwice || result != byte { damaged += 1 }
        }
        return arrived
    }

    /// Counts down to the next time that something happens, and draws when the one after it will.
    private mutating func happens(_ until: WritableKeyPath<NoisyLine, Int>, _ chance: Double) -> Bool {
        guard self[keyPath: until] == 0 else {
            self[keyPath: until] -= 1
            return false
        }
        self[keyPath: until] = Self.draw(chance, &random)
        return true
    }

    /// How many bytes are spared before something of this chance happens.
    private static func draw(_ chance: Double, _ random: inout SeededRandom) -> Int {
        guard chance > 0 else { return Int.max }
        guard chance < 1 else { return 0 }
        return Int(min(1e15, log(1 - random.unit()) / log1p(-chance)))
    }

    /// Flips at least one bit, as many as independent bits that were hit at all.
    private mutating func flip(_ byte: UInt8) -> UInt8 {
        var mask: UInt8 = 0
        for bit in 0..<8 {
            // Until one is hit, the chance is that of this bit given that one of the remaining ones is hit.
            let remaining = 1 - pow(1 - rates.bitErrors, Double(8 - bit))
            let chance = mask == 0 ? rates.bitErrors / remaining : rates.bitErrors
            if random.unit() < chance { mask |= 1 << UInt8(bit) }
        }
        return byte ^ mask
    }

    private mutating func isInBurst(at moment: Duration) -> Bool {
        guard rates.bursts > 0 else { return false }
        while true {
            let begin = nextBurst ?? drawBurst(after: moment)
            nextBurst = begin
            guard begin <= moment else { return moment < burstEnds }
            burstEnds = begin + rates.burstLength
            nextBurst = drawBurst(after: burstEnds)
            if moment < burstEnds { return true }
        }
    }

    private mutating func drawBurst(after moment: Duration) -> Duration {
        let seconds = -log(1 - random.unit()) / rates.bursts
        return moment + .nanoseconds(Int64(min(seconds, 1e6) * 1e9))
    }
}
