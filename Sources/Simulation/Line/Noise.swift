/// Everything that a line can do to the bytes that cross it, both ways: what to do of each kind, and how often.
///
/// The parts add up; each direction draws for itself. As a text: `ber=1e-3,burst=0.1/s:20ms,echo,eat=17`.
public struct Noise: Sendable, Hashable {
    /// Something that happens now and then and lasts a while.
    public struct Spells: Sendable, Hashable {
        /// How many begin each second in the mean, while none lasts; 0 for never.
        public var rate: Double
        /// How long each lasts.
        public var length: Duration

        /// Spells of this rate and length.
        public init(rate: Double = 0, length: Duration) {
            self.rate = rate
            self.length = length
        }
    }

    /// Bit errors, bursts, bytes that are lost or come twice.
    public var rates = NoisyLine.Rates()
    /// The line is stuck: low, which a receiver hears as one zero byte, or high, which it does not hear.
    public var stuck = Spells(length: .milliseconds(500))
    /// The receiver samples at another rate.
    public var baudMismatch = Spells(length: .milliseconds(300))
    /// That other rate in baud, 300…1,000,000; the line has 19200.
    public var otherBaud = 9600
    /// A connector bounces: short gaps and contacts, and garbage at their edges.
    public var bounce = Spells(length: .milliseconds(300))
    /// A frame is torn in two: what comes to the host after some byte comes this much later.
    public var tear = Spells(length: .milliseconds(40))
    /// What the host sends comes back to it.
    public var echoes = false
    /// Both directions share one wire: bytes that overlap in time damage each other.
    public var collides = false
    /// Every so manieth byte is lost, as where the ground shifts; 0 for none.
    public var eat = 0
    /// Bytes come to the host in lumps at multiples of this time, as from a USB adapter; zero for as they come.
    public var lump: Duration = .zero

    /// No noise.
    public init() {}

    /// Noise from a text of parts joined by commas, or `clean` for none.
    ///
    /// - Throws: ``NoiseSpecificationError`` with the part that is wrong and what would be right.
    public init(_ text: String) throws(NoiseSpecificationError) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = part.trimmed
            if text.trimmed == "clean" { return }
            try take(part)
        }
    }

    private mutating func take(_ part: Substring) throws(NoiseSpecificationError) {
        let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = pair.first.flatMap({ Kind(rawValue: String($0)) }) else {
            throw NoiseSpecificationError(part: String(part), kind: nil)
        }
        let value = pair.count == 2 ? pair[1] : nil
        func read<Value>(_ parsed: Value?) throws(NoiseSpecificationError) -> Value {
            guard let parsed else { throw NoiseSpecificationError(part: String(part), kind: kind) }
            return parsed
        }
        switch kind {
        case .ber: rates.bitErrors = try read(Self.chance(value))
        case .drop: rates.drop = try read(Self.chance(value))
        case .dup: rates.double = try read(Self.chance(value))
        case .burst:
            let spells = try read(Self.spells(value, like: Spells(length: .milliseconds(20))))
            (rates.bursts, rates.burstLength) = (spells.rate, spells.length)
        case .stuck: stuck = try read(Self.spells(value, like: stuck))
        case .bounce: bounce = try read(Self.spells(value, like: bounce))
        case .tear: tear = try read(Self.spells(value, like: tear))
        case .baud:
            let pieces = try read(value?.split(separator: ":", omittingEmptySubsequences: false))
            guard pieces.count <= 3 else { _ = try read(Int?.none); return }
            baudMismatch = try read(Self.spells(pieces.prefix(2).joined(separator: ":")[...], like: baudMismatch))
            if pieces.count == 3 { otherBaud = try read(Int(pieces[2]).flatMap { 300...1_000_000 ~= $0 ? $0 : nil }) }
        case .echo: echoes = try read(value == nil ? true : nil)
        case .collide: collides = try read(value == nil ? true : nil)
        case .eat: eat = try read(value.flatMap { Int($0) }.flatMap { 2...1_000_000 ~= $0 ? $0 : nil })
        case .lump: lump = try read(value.flatMap(Self.time))
        }
    }

    private static func chance(_ text: Substring?) -> Double? {
        text.flatMap { Double($0) }.flatMap { 0...1 ~= $0 ? $0 : nil }
    }

    private static func spells(_ text: Substring?, like usual: Spells) -> Spells? {
        guard let pieces = text?.split(separator: ":", omittingEmptySubsequences: false), pieces.count <= 2,
            pieces[0].hasSuffix("/s"), let rate = Double(pieces[0].dropLast(2)), 0...1000 ~= rate
        else { return nil }
        guard pieces.count == 2 else { return Spells(rate: rate, length: usual.length) }
        return time(pieces[1]).map { Spells(rate: rate, length: $0) }
    }

    /// A time over zero, up to an hour, with `us`, `ms`, `s` or `m` behind it.
    static func time(_ text: Substring) -> Duration? {
        for (unit, seconds) in [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)] where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number > 0, number * seconds <= 3600 else {
                return nil
            }
            return .nanoseconds(Int64(number * seconds * 1e9))
        }
        return nil
    }

    /// Whether nothing is ever damaged or late.
    public var isClean: Bool { rates.isClean && isPlain }

    /// Whether there is nothing but what ``NoisyLine`` does.
    public var isPlain: Bool {
        !hasWaveform && tear.rate == 0 && !echoes && eat == 0 && lump == .zero
    }

    /// Whether something happens to the level on the wire, so that bytes have to be read from it bit by bit.
    var hasWaveform: Bool { stuck.rate > 0 || baudMismatch.rate > 0 || bounce.rate > 0 || collides }

    /// The kinds, by the names they have in texts.
    public enum Kind: String, Sendable, CaseIterable {
        case ber, burst, drop, dup, stuck, baud, echo, collide, bounce, eat, lump, tear

        /// How it is written, with what it does.
        public var usage: String {
            switch self {
            case .ber: "ber=1e-3 flips each bit with this chance (0 to 1)"
            case .burst: "burst=0.1/s:20ms makes 20 ms of random bytes, 0.1 times a second"
            case .drop: "drop=1e-4 loses each byte with this chance (0 to 1)"
            case .dup: "dup=1e-4 doubles each byte with this chance (0 to 1)"
            case .stuck: "stuck=0.01/s:500ms holds the line low or high for 500 ms"
            case .baud: "baud=0.02/s:300ms:9600 samples at 9600 baud for 300 ms"
            case .echo: "echo sends back to the host what it sends"
            case .collide: "collide lets bytes of both directions that overlap damage each other"
            case .bounce: "bounce=0.05/s:300ms lets a connector bounce for 300 ms"
            case .eat: "eat=17 loses every 17th byte (2 to 1000000)"
            case .lump: "lump=16ms hands bytes to the host at multiples of 16 ms"
            case .tear: "tear=1/s:40ms tears a frame in two, 40 ms apart"
            }
        }
    }
}

extension StringProtocol {
    /// Without blanks at either end.
    var trimmed: SubSequence {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return text
    }
}

extension NoisyLine.Rates {
    /// Rates from a text such as `ber=1e-3,burst=0.1/s:20ms,drop=1e-4,dup=1e-5`, for lines that know no other noise.
    ///
    /// - Throws: ``NoiseSpecificationError`` with the part that is wrong and what would be right.
    public init(_ text: String) throws(NoiseSpecificationError) {
        let noise = try Noise(text)
        for part in text.split(separator: ",") where try !Noise(String(part)).isPlain {
            throw NoiseSpecificationError(part: String(part), kind: nil, kinds: [.ber, .burst, .drop, .dup])
        }
        self = noise.rates
    }
}

/// A text that is no specification of noise.
public struct NoiseSpecificationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The part that is wrong.
    public let part: String
    /// The kind that it names; nil if it names none.
    public let kind: Noise.Kind?
    /// The kinds that there are where it stands.
    public var kinds = Noise.Kind.allCases

    init(part: String, kind: Noise.Kind?, kinds: [Noise.Kind] = Noise.Kind.allCases) {
        self.part = part
        self.kind = kind
        self.kinds = kinds
    }

    /// In words, with what would be right.
    public var description: String {
        if let kind { return "'\(part)' is not understood; right would be such as: \(kind.usage)" }
        let names = kinds.map(\.rawValue).joined(separator: ", ")
        return "'\(part)' names no kind of noise; there are \(names), joined by commas, and clean for none"
    }
}
