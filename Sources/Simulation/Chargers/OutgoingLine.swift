/// The charger's transmitter: frames and TEXT blocks that wait, and the bytes that leave at 19200 baud.
struct OutgoingLine: Sendable {
    /// One start bit, eight data bits, one stop bit at 19200 baud: 520.8 µs.
    static let byteTime: Duration = .nanoseconds(520_833)

    /// As many bytes wait for a caller that takes none; the oldest are lost.
    private static let maximumLeft = 65_536

    /// Bytes that leave without a gap.
    private struct Run: Sendable {
        var bytes: [UInt8]
        let start: Duration
        let isText: Bool
        var taken = 0

        func end(of index: Int) -> Duration { start + OutgoingLine.byteTime * (index + 1) }
        var ends: Duration { start + OutgoingLine.byteTime * bytes.count }
    }

    private var run: Run?
    private var left: [UInt8] = []
    private var leftSince: Duration = .zero
    /// When the last byte that was collected had left.
    private(set) var lastEnd: Duration = .zero
    private var frames: [[UInt8]] = []
    private var blocks: [[UInt8]] = []
    /// What remains of a block that a frame has cut.
    private var rest: [UInt8] = []

    /// Whether a block is under way or waits.
    var hasText: Bool { !blocks.isEmpty || !rest.isEmpty || run?.isText == true }
    /// Whether a frame is under way or waits.
    var hasFrame: Bool { !frames.isEmpty || run?.isText == false }
    /// When what leaves now has left.
    var runEnds: Duration? { run?.ends }
    /// When the next byte will have left that nobody took yet; in the past if one waits to be taken.
    var nextByte: Duration? {
        if !left.isEmpty { return leftSince }
        return run.map { $0.end(of: $0.taken) }
    }

    mutating func queue(_ frame: [UInt8]) { frames.append(frame) }
    mutating func queueText(_ block: [UInt8]) { blocks.append(block) }
    mutating func clear() { self = OutgoingLine() }

    /// Ends what has left by `now`, and starts what comes next.
    mutating func start(at now: Duration, cutsText: Bool) {
        if let current = run, current.ends <= now {
            collect(until: now)
            run = nil
        }
        if cutsText, !frames.isEmpty, let current = run, current.isText { cut(current, at: now) }
        guard run == nil else { return }
        if !frames.isEmpty {
            run = Run(bytes: frames.removeFirst(), start: now, isText: false)
        } else if !rest.isEmpty {
            run = Run(bytes: rest, start: now, isText: true)
            rest = []
        } else if !blocks.isEmpty {
            run = Run(bytes: blocks.removeFirst(), start: now, isText: true)
        }
    }

    /// A frame cuts a block after the byte that is leaving. Label and value of the checksum are written in one go:
    /// a frame between them would make its colon the checksum, and nobody could read either.
    private mutating func cut(_ current: Run, at now: Duration) {
        let elapsed = now - current.start
        let begun = Int((elapsed / Self.byteTime).rounded(.up))
        guard begun < current.bytes.count - 1 else { return }
        let keep = max(begun, current.taken)
        rest = Array(current.bytes[keep...])
        run?.bytes.removeSubrange(keep...)
        if keep == current.taken { run = nil }
    }

    private mutating func collect(until now: Duration) {
        guard let current = run, now >= current.end(of: current.taken) else { return }
        let gone = min(current.bytes.count, Int(((now - current.start) / Self.byteTime).rounded(.down)))
        guard gone > current.taken else { return }
        if left.isEmpty { leftSince = current.end(of: current.taken) }
        left += current.bytes[current.taken..<gone]
        if left.count > Self.maximumLeft { left.removeFirst(left.count - Self.maximumLeft) }
        run?.taken = gone
        lastEnd = current.end(of: gone - 1)
    }

    /// The bytes that have left by `now` and were not taken yet.
    mutating func take(until now: Duration) -> [UInt8] {
        collect(until: now)
        defer { left.removeAll(keepingCapacity: true) }
        return left
    }
}
