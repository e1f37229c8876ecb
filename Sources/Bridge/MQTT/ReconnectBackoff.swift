/// How long to wait before the next attempt to connect: exponential, with full jitter, so that many clients don't come
/// back to a restarted broker in step.
struct ReconnectBackoff {
    let minimum: Duration
    let maximum: Duration
    private var doublings = 0

    init(minimum: Duration, maximum: Duration) {
        self.minimum = max(minimum, .milliseconds(10))
        self.maximum = max(maximum, self.minimum)
    }

    /// The longest wait the next call may answer.
    var ceiling: Duration {
        // Past 20 doublings every sensible maximum is reached; a wider shift could overflow.
        min(maximum, minimum * (1 << min(doublings, 20)))
    }

    /// A wait evenly spread from the minimum to a ceiling that doubles with every call.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let spread = Self.nanoseconds(ceiling - minimum)
        doublings = min(doublings + 1, 20)
        return minimum + .nanoseconds(Int64.random(in: 0...max(0, spread), using: &generator))
    }

    /// To be called when a connection has proved stable.
    mutating func reset() {
        doublings = 0
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
