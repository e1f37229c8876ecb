/// A small random generator that gives the same numbers for the same seed on every machine (SplitMix64).
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator; equal seeds give equal numbers.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// A number in 0 ..< 1.
    public mutating func unit() -> Double { Self.unit(next()) }

    /// A number in `range`, all equally likely.
    public mutating func number(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    /// A time in `range`, all equally likely, to the nanosecond.
    public mutating func time(in range: ClosedRange<Duration>) -> Duration {
        range.lowerBound + .nanoseconds(Int64((range.upperBound - range.lowerBound).inSeconds * unit() * 1e9))
    }

    /// A whole number from 0 to `bound` - 1; 0 if `bound` is less than 1.
    public mutating func whole(below bound: Int) -> Int { bound < 1 ? 0 : Int(unit() * Double(bound)) }

    /// A generator of its own for part number `index`, so that what one part draws does not move the others.
    public static func seed(_ seed: UInt64, part index: Int) -> UInt64 {
        mix(seed &+ mix(UInt64(bitPattern: Int64(index)) &+ 0xA076_1D64_78BD_642F))
    }

    /// Well mixed bits from any bits: noise that is a function of a position and not of a history.
    static func mix(_ bits: UInt64) -> UInt64 {
        var bits = bits
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    static func unit(_ bits: UInt64) -> Double { Double(bits >> 11) / 9_007_199_254_740_992 }
}

extension Duration {
    /// The time in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
