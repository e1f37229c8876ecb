/// A UART at the end of a wire on which the level is not always what the sender makes it.
///
/// Bytes become levels (a start bit that is low, eight bits from the lowest, a stop bit that is high; idle is high), the
/// wire's troubles change them, and bytes are read back as a UART does: from a falling edge on, in the middle of each
/// bit. A stop bit that is low is a framing error: the byte is handed on all the same, as a driver does that was not
/// told to mark it, and the next edge is looked for after the line was high again. All times are nanoseconds.
struct LineReceiver: Sendable {
    private struct Forced {
        var span: Range<Int64>
        var isHigh: Bool
    }

    private static let bit: Int64 = OutgoingLine.byteTime.nanoseconds / 10
    private static let byte: Int64 = OutgoingLine.byteTime.nanoseconds

    private var stuck: RandomSpells
    private var bounces: RandomSpells
    private var mismatches: RandomSpells
    private let otherBit: Int64
    /// Whether others on the wire are read too, or only damage what the sender says.
    private let hearsOthers: Bool
    private var random: SeededRandom
    /// What the sender says: when each byte starts.
    private var said: [(byte: UInt8, start: Int64)] = []
    /// What others on the wire say.
    private var others: [(byte: UInt8, start: Int64)] = []
    private var forced: [Forced] = []
    private var wrong: [Range<Int64>] = []
    /// From where on the next start bit is looked for.
    private var from: Int64 = 0
    /// The last stop bit was low: the line must be high first.
    private var mustRise = false
    private var horizon: Int64 = 0
    /// Stop bits that were low.
    private(set) var framingErrors = 0

    init(_ noise: Noise, hearsOthers: Bool, seed: UInt64) {
        self.hearsOthers = hearsOthers
        stuck = RandomSpells(noise.stuck, seed: SeededRandom.seed(seed, part: 0))
        bounces = RandomSpells(noise.bounce, seed: SeededRandom.seed(seed, part: 1))
        mismatches = RandomSpells(noise.baudMismatch, seed: SeededRandom.seed(seed, part: 2))
        otherBit = 1_000_000_000 / Int64(max(1, noise.otherBaud))
        random = SeededRandom(seed: SeededRandom.seed(seed, part: 3))
    }

    /// Takes bytes of the sender, and of others on the same wire, each with the time at which it ends.
    mutating func hear(_ bytes: [TimedByte], others: [TimedByte] = []) {
        said += bytes.map { ($0.byte, $0.time.nanoseconds - Self.byte) }
        self.others += others.map { ($0.byte, $0.time.nanoseconds - Self.byte) }
    }

    /// The bytes that have been read by `now`, each with the time at which it was.
    mutating func read(until now: Duration) -> [TimedByte] {
        let now = now.nanoseconds
        extend(to: now)
        var bytes: [TimedByte] = []
        if forced.isEmpty, wrong.isEmpty, others.isEmpty, !mustRise, said.first.map({ $0.start >= from }) ?? false {
            // Nothing happens to any of these, as to most: each is what was sent.
            let whole = said.prefix { $0.start + Self.byte <= now }
            bytes = whole.map { TimedByte(byte: $0.byte, time: .nanoseconds($0.start + Self.byte)) }
            if let last = whole.last { from = last.start + Self.bit * 9 + Self.bit / 2 }
            said.removeFirst(whole.count)
            return bytes
        }
        while let start = nextStart(before: now) {
            let bit = wrong.contains { $0.contains(start) } ? otherBit : Self.bit
            let end = start + bit * 10
            guard end <= now else { break }
            var value: UInt8 = 0
            for index in 0..<8 where isHigh(at: start + bit * Int64(index + 1) + bit / 2) { value |= 1 << UInt8(index) }
            let isWhole = isHigh(at: start + bit * 9 + bit / 2)
            bytes.append(TimedByte(byte: value, time: .nanoseconds(end)))
            if !isWhole {
                framingErrors += 1
                mustRise = true
            }
            // From the middle of the stop bit on: the next start bit may come a little early.
            from = start + bit * 9 + bit / 2
        }
        forget(before: from - Self.byte)
        return bytes
    }

    /// When there is something to be read; nil while the line is idle as far as is known.
    var nextDeadline: Duration? {
        let ends = [said.last?.start, hearsOthers ? others.last?.start : nil].compactMap { $0 }
        guard let last = ends.max(), last + Self.bit * 9 + Self.bit / 2 > from else { return nil }
        // Each time a byte later, until it is clear that nothing more is to be read of the last one at either rate.
        return .nanoseconds(max(last + Self.byte, horizon + Self.byte))
    }

    private mutating func extend(to now: Int64) {
        guard now > horizon else { return }
        horizon = now
        for span in stuck.begun(before: now) { forced.append(Forced(span: span, isHigh: random.unit() < 0.5)) }
        wrong += mismatches.begun(before: now)
        for span in bounces.begun(before: now) { bounce(in: span) }
    }

    /// Open and closed in turns, each from 50 µs to some milliseconds; open wires are pulled high as a rule.
    private mutating func bounce(in span: Range<Int64>) {
        var time = span.lowerBound
        while time < span.upperBound {
            let gap = Int64(random.number(in: 50_000...4_000_000))
            forced.append(Forced(span: time..<min(time + gap, span.upperBound), isHigh: random.unit() < 0.7))
            time += gap + Int64(random.number(in: 50_000...12_000_000))
        }
    }

    private mutating func forget(before time: Int64) {
        // Up to the middle of its stop bit a byte can still be read.
        said.removeFirst(said.prefix { $0.start + Self.bit * 9 + Self.bit / 2 <= from }.count)
        others.removeFirst(others.prefix { $0.start + Self.byte < time }.count)
        forced.removeAll { $0.span.upperBound < time }
        wrong.removeAll { $0.upperBound < time }
    }

    // MARK: The level

    private func isHigh(at time: Int64) -> Bool {
        if let force = forced.first(where: { $0.span.contains(time) }) { return force.isHigh }
        guard let own = Self.level(said, at: time) else {
            return hearsOthers ? Self.level(others, at: time) ?? true : true
        }
        return own && Self.level(others, at: time) ?? true
    }

    /// The level that these bytes make; nil while none of them is under way.
    private static func level(_ bytes: [(byte: UInt8, start: Int64)], at time: Int64) -> Bool? {
        // The newest are looked at first, for time is near the end.
        var number = bytes.count
        while number > 0 {
            number -= 1
            let (byte, start) = bytes[number]
            guard time >= start else { continue }
            let index = (time - start) / bit
            guard index < 10 else { return nil }
            return index == 0 ? false : index == 9 ? true : byte & (1 << UInt8(index - 1)) != 0
        }
        return nil
    }

    /// The next start bit: where the line is low for the first time.
    private mutating func nextStart(before end: Int64) -> Int64? {
        var time = from
        if mustRise {
            guard let rise = first(from: time, before: end, isHigh: true) else {
                from = max(from, end - Self.byte)
                return nil
            }
            mustRise = false
            time = rise
            from = rise
        }
        let start = first(from: time, before: end, isHigh: false)
        // What is idle need not be looked through again; a byte that is told of next can have begun a byte ago.
        if start == nil { from = max(from, end - Self.byte) }
        return start
    }

    private func first(from begin: Int64, before end: Int64, isHigh wanted: Bool) -> Int64? {
        var time = begin
        while time < end {
            if let force = forced.first(where: { $0.span.contains(time) }) {
                if force.isHigh == wanted { return time }
                time = force.span.upperBound
                continue
            }
            if isHigh(at: time) == wanted { return time }
            guard let edge = nextEdge(after: time), edge < end else { return nil }
            time = edge
        }
        return nil
    }

    /// The next time after `time` at which the level that these bytes make may change.
    private static func edge(_ bytes: [(byte: UInt8, start: Int64)], after time: Int64) -> Int64? {
        for (_, start) in bytes where start + byte > time {
            // Ten bits are a hair less than a byte.
            return start > time ? start : min(start + ((time - start) / bit + 1) * bit, start + byte)
        }
        return nil
    }

    /// The next time after `time` at which the level may change.
    private func nextEdge(after time: Int64) -> Int64? {
        var next: Int64?
        func consider(_ edge: Int64) { if edge > time { next = next.map { min($0, edge) } ?? edge } }
        if let edge = Self.edge(said, after: time) { consider(edge) }
        if let edge = Self.edge(others, after: time) { consider(edge) }
        for force in forced {
            consider(force.span.lowerBound)
            consider(force.span.upperBound)
        }
        return next
    }
}

/// A byte on a line, and when its last bit has crossed it.
struct TimedByte: Sendable, Hashable {
    var byte: UInt8
    var time: Duration
}
