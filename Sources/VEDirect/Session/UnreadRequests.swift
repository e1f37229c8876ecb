/// Detects a device that sends HEX frames and answers no request: it sends by itself, or replies with frame errors.
struct UnreadRequests: Sendable {
    /// Frames needed before the device counts as one that cannot read requests.
    static let leastFrames = 3
    /// A frame counts this long: a device that cannot read is asked every second.
    static let frameLife: Duration = .seconds(8)

    private var requests = 0
    private var frames = 0
    private var damagedFrames = 0
    private var lastFrame: Duration?

    /// A request timed out, or the device replied with a frame error.
    mutating func recordFailure() { requests = min(requests + 1, 1000) }

    /// A valid frame arrived that answers no request.
    mutating func recordFrame(at now: Duration) {
        frames = min(frames + 1, 1000)
        lastFrame = now
    }

    /// A damaged frame arrived, which may be an answer.
    mutating func recordDamage() { damagedFrames = min(damagedFrames + 1, 1000) }

    /// The device answered.
    mutating func reset() { self = UnreadRequests() }

    /// Whether `limit` requests in a row failed while valid frames arrived, more of them than damaged ones.
    func isUnread(limit: Int, at now: Duration) -> Bool {
        guard let lastFrame, now - lastFrame < Self.frameLife else { return false }
        return requests >= limit && frames >= Self.leastFrames && frames > damagedFrames
    }
}
