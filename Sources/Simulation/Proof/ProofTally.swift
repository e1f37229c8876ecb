import VEDirect

/// What came of a proof: what the session published, what of it was wrong, and what a bridge that trusts checksums
/// would have made of the same bytes. Tallies of several runs add up.
public struct ProofTally: Sendable {
    /// What the chargers did in all runs together, in virtual time.
    public var duration: Duration = .zero
    /// Sessions run.
    public var sessions = 0
    /// Sessions in which the charger was never identified.
    public var unidentified = 0
    /// Readings that the session published.
    public var readings = 0
    /// Of those, values that the charger did not hold in the five seconds before.
    public var wrongValues = 0
    /// Identities that the session reported with a serial that is not the charger's.
    public var phantoms = 0
    /// Identities with the right serial and another product or firmware than the charger's.
    public var wrongDetails = 0
    /// Registers that the charger has and that the session took for refused.
    public var wrongRefusals = 0
    /// Bytes that came from the charger, as they left it.
    public var bytes = 0
    /// Bytes that the line damaged, both ways.
    public var damagedBytes = 0
    /// Requests that the session sent, repeats and confirmations included.
    public var requests = 0
    /// Requests sent again because no good answer came.
    public var retries = 0
    /// Requests that nothing answered in time.
    public var timeouts = 0
    /// Requests that came back to the session as they were sent.
    public var echoes = 0
    /// Requests sent only to confirm a reading in doubt.
    public var confirmations = 0
    /// Readings in doubt that another claim confirmed.
    public var confirmed = 0
    /// Readings in doubt that nothing confirmed.
    public var unconfirmed = 0
    /// Readings that cannot be.
    public var implausible = 0
    /// Frames whose checksum did not hold, or that broke off.
    public var rejectedFrames = 0
    /// From the first request for a register to the reading of it.
    public var latency = LatencyHistogram()
    /// The longest time without a reading of a fast register that the charger has, and which one.
    public var longestGap: Duration = .zero
    /// The register of ``longestGap``.
    public var longestGapRegister: RegisterID?
    /// Gaps between two readings of the same fast register that were longer than ten seconds.
    public var longGaps = 0
    /// What a bridge would have published that believes every frame whose checksum holds.
    public var checksumOnly = Naive()
    /// What a bridge would have published that also knows which registers there are and how long they are.
    public var checksumAndLength = Naive()
    /// The first few wrong values in words, for whoever looks for the reason.
    public var examples: [String] = []

    /// What a bridge without a guard would have published.
    public struct Naive: Sendable, Hashable {
        /// Readings.
        public var readings = 0
        /// Of those, values that the charger did not hold in the five seconds before.
        public var wrongValues = 0
        /// Answers about the serial number that give another serial than the charger's.
        public var phantoms = 0

        static func += (left: inout Naive, right: Naive) {
            left.readings += right.readings
            left.wrongValues += right.wrongValues
            left.phantoms += right.phantoms
        }
    }

    /// Nothing counted.
    public init() {}

    /// Whether nothing untrue left the session: no value, no identity, no refusal.
    public var isTrue: Bool { wrongValues == 0 && phantoms == 0 && wrongDetails == 0 && wrongRefusals == 0 }
    /// Readings a second of virtual time.
    public var readingsPerSecond: Double { duration > .zero ? Double(readings) / duration.inSeconds : 0 }

    /// Adds what came of other runs.
    public mutating func add(_ other: ProofTally) {
        duration += other.duration
        sessions += other.sessions
        unidentified += other.unidentified
        readings += other.readings
        wrongValues += other.wrongValues
        phantoms += other.phantoms
        wrongDetails += other.wrongDetails
        wrongRefusals += other.wrongRefusals
        bytes += other.bytes
        damagedBytes += other.damagedBytes
        requests += other.requests
        retries += other.retries
        timeouts += other.timeouts
        echoes += other.echoes
        confirmations += other.confirmations
        confirmed += other.confirmed
        unconfirmed += other.unconfirmed
        implausible += other.implausible
        rejectedFrames += other.rejectedFrames
        latency.add(other.latency)
        if other.longestGap > longestGap {
            longestGap = other.longestGap
            longestGapRegister = other.longestGapRegister
        }
        longGaps += other.longGaps
        checksumOnly += other.checksumOnly
        checksumAndLength += other.checksumAndLength
        examples = Array((examples + other.examples).prefix(Self.maximumExamples))
    }

    static let maximumExamples = 20

    mutating func note(_ example: String) {
        if examples.count < Self.maximumExamples { examples.append(example) }
    }
}

/// Times in steps of 16 per doubling from 1 ms to about 17 minutes; of fixed size, so that tallies add up.
public struct LatencyHistogram: Sendable {
    private var counts = [Int](repeating: 0, count: 321)
    /// How many times were recorded.
    public private(set) var total = 0

    mutating func record(_ time: Duration) {
        let milliseconds = time.inSeconds * 1000
        var index = 0
        if milliseconds > 1 {
            let octave = milliseconds.exponent
            let fraction = milliseconds.significand - 1
            index = min(320, 16 * Int(octave) + Int(fraction * 16))
        }
        counts[index] += 1
        total += 1
    }

    mutating func add(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        total += other.total
    }

    /// The time within which this share (0…1) stayed, to one part in 16; nil before the first.
    public func quantile(_ share: Double) -> Duration? {
        guard total > 0 else { return nil }
        var rank = Int((Double(total) * share).rounded(.up))
        for (index, count) in counts.enumerated() {
            rank -= count
            if rank <= 0 {
                let milliseconds = Double(
                    sign: .plus, exponent: index / 16, significand: 1 + Double(index % 16 + 1) / 16)
                return .microseconds(Int64(milliseconds * 1000))
            }
        }
        return nil
    }
}
