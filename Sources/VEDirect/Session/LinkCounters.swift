/// What happened on a port, counted since it was first opened. Everything that shows a port's health reads this.
public struct LinkCounters: Sendable, Hashable {
    /// Bytes received.
    public internal(set) var bytes = 0
    /// HEX frames whose checksum held.
    public internal(set) var frames = 0
    /// Of those, sent unasked.
    public internal(set) var asyncFrames = 0
    /// Of all whose checksum held, those that needed a flipped bit put right.
    public internal(set) var repairedFrames = 0
    /// TEXT blocks whose checksum held.
    public internal(set) var blocks = 0
    /// Frames and blocks that were not accepted, by reason (indexed as ``StreamDecoder/Rejection/Reason``).
    public internal(set) var rejectedFrames: [StreamDecoder.Rejection.Reason: Int] = [:]
    /// TEXT blocks that were not accepted, by reason.
    public internal(set) var rejectedBlocks: [StreamDecoder.Rejection.Reason: Int] = [:]
    /// Requests sent, repeats and confirmations included.
    public internal(set) var requests = 0
    /// Requests sent again because no good answer came.
    public internal(set) var retries = 0
    /// Requests that nothing answered in time.
    public internal(set) var timeouts = 0
    /// Times the device said that it could not read what it got.
    public internal(set) var deviceErrors = 0
    /// Answers to nothing that was asked.
    public internal(set) var unsolicited = 0
    /// Times that a request came back as it was sent: an echo, which is never taken for an answer.
    public internal(set) var echoes = 0
    /// Requests sent only to confirm a reading in doubt.
    public internal(set) var confirmations = 0
    /// Readings given on.
    public internal(set) var readings = 0
    /// Readings in doubt that a second one confirmed.
    public internal(set) var confirmed = 0
    /// Readings put together from damaged copies of one answer.
    public internal(set) var combined = 0
    /// Readings in doubt that nothing confirmed: dropped.
    public internal(set) var unconfirmed = 0
    /// Readings that cannot be: dropped.
    public internal(set) var implausible = 0
    /// From the last byte of a request to the last byte of its answer.
    public internal(set) var turnaround = TurnaroundHistogram()

    /// All frames that were not accepted.
    public var rejectedFrameTotal: Int { rejectedFrames.values.reduce(0, +) }
    /// All blocks that were not accepted.
    public var rejectedBlockTotal: Int { rejectedBlocks.values.reduce(0, +) }

    /// Nothing counted.
    public init() {}

    /// Adds what another session of the same port counted.
    public mutating func add(_ other: LinkCounters) {
        bytes += other.bytes
        frames += other.frames
        asyncFrames += other.asyncFrames
        blocks += other.blocks
        rejectedFrames.merge(other.rejectedFrames, uniquingKeysWith: +)
        rejectedBlocks.merge(other.rejectedBlocks, uniquingKeysWith: +)
        requests += other.requests
        retries += other.retries
        timeouts += other.timeouts
        deviceErrors += other.deviceErrors
        unsolicited += other.unsolicited
        echoes += other.echoes
        confirmations += other.confirmations
        readings += other.readings
        confirmed += other.confirmed
        combined += other.combined
        repairedFrames += other.repairedFrames
        unconfirmed += other.unconfirmed
        implausible += other.implausible
        turnaround.add(other.turnaround)
    }
}

/// How long answers took, in steps of 8 per doubling from 1 ms to 4 s; of fixed size.
public struct TurnaroundHistogram: Sendable, Hashable {
    private var counts = [Int](repeating: 0, count: 97)
    private var total = 0

    mutating func record(_ duration: Duration) {
        counts[Self.bucket(of: duration)] += 1
        total += 1
    }

    /// Adds what another histogram recorded.
    public mutating func add(_ other: TurnaroundHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        total += other.total
    }

    /// The time within which this share (0…1) of the answers came; nil before the first.
    public func quantile(_ share: Double) -> Duration? {
        guard total > 0 else { return nil }
        // Rounded up by hand: a program that uses this library alone need not link the library of mathematics for it.
        let exact = Double(total) * share
        var rank = Int(exact)
        if Double(rank) < exact { rank += 1 }
        for (index, count) in counts.enumerated() {
            rank -= count
            if rank <= 0 { return Self.upperBound(of: index) }
        }
        return Self.upperBound(of: counts.count - 1)
    }

    private static func bucket(of duration: Duration) -> Int {
        let microseconds = max(1000, duration.microseconds)
        // 2^(octave) ms, and eighths of it linearly.
        var octave = 0
        var base: Int64 = 1000
        while octave < 11, microseconds >= base * 2 {
            base *= 2
            octave += 1
        }
        return min(96, octave * 8 + Int((microseconds - base) * 8 / base))
    }

    private static func upperBound(of bucket: Int) -> Duration {
        let base = Int64(1000) << Int64(bucket / 8)
        return .microseconds(base + base * Int64(bucket % 8 + 1) / 8)
    }
}

extension Duration {
    /// Whole microseconds.
    var microseconds: Int64 { wholeNanoseconds / 1000 }
}
