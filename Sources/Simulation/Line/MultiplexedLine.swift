import VEDirect

/// One UART, a multiplexer and several chargers behind it, in virtual time: what leaks across a switch included.
///
/// Bytes keep their order from the multiplexer to the host, however late they are, as in every UART, USB adapter and
/// kernel. A charger that is not selected hears nothing, and what it says is lost.
public struct MultiplexedLine: Sendable {
    /// What goes wrong around switches and otherwise.
    public struct Troubles: Sendable, Hashable {
        /// How long after its select lines the multiplexer switches.
        public var switchDelay: ClosedRange<Duration> = .zero ... .milliseconds(2)
        /// The chance of a switch to come late, and how late.
        public var lateSwitches = 0.0
        /// How late such a switch comes.
        public var lateDelay: ClosedRange<Duration> = .milliseconds(5) ... .milliseconds(120)
        /// The chance of a switch to bounce between both channels.
        public var bounces = 0.0
        /// For how long it bounces.
        public var bounceTime: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(40)
        /// How long a byte takes from the line to the host.
        public var latency: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(4)
        /// The chance that a switch finds the adapter holding back bytes, and for how long: residue.
        public var residue = 0.0
        /// How long after the switch the adapter hands out what it held back.
        public var residueTime: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(80)
        /// Times a second that a charger that is not selected is heard.
        public var crosstalk = 0.0
        /// For how long it is heard.
        public var crosstalkTime: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(60)
        /// Times a second that a select line gets stuck, at any moment.
        public var stuckLines = 0.0
        /// For how long it stays so.
        public var stuckTime: ClosedRange<Duration> = .seconds(5) ... .seconds(20)
        /// Times a second that the plugs of two channels change places, at any moment.
        public var swaps = 0.0
        /// What else happens to bytes on their way to the host.
        public var noise = NoisyLine.Rates()

        /// No troubles.
        public init() {}

        /// Everything that can happen, far more often than it does.
        public static var all: Troubles {
            var troubles = Troubles()
            troubles.lateSwitches = 0.1
            troubles.bounces = 0.2
            troubles.residue = 0.4
            troubles.crosstalk = 0.2
            troubles.stuckLines = 0.005
            troubles.swaps = 0.002
            return troubles
        }
    }

    /// The chargers.
    public private(set) var chargers: [SimulatedCharger]
    /// Which charger is plugged in at which select value; nil for none.
    public private(set) var plugs: [Int?]
    /// How far time has come.
    public private(set) var now: Duration = .zero
    /// Bytes handed to the host.
    public private(set) var delivered = 0
    /// Bytes that were said under another selection than they arrived under.
    public private(set) var residue = 0
    /// Times a select line got stuck.
    public private(set) var stuckTimes = 0
    /// Times plugs changed places.
    public private(set) var swapTimes = 0

    private let troubles: Troubles
    private var random: SeededRandom
    private var noise: NoisyLine
    /// What the host wants, and what the switch does.
    private var wanted = 0
    private var switched = 0
    private var changes: [(time: Duration, value: Int)] = []
    private var stuck: (mask: Int, value: Int, until: Duration)?
    private var nextStuck: Duration?
    private var nextSwap: Duration?
    private var nextLeak: Duration?
    private var leak: (charger: Int, until: Duration)?
    /// A byte that was under way at a switch arrives as something else.
    private var cutUntil: Duration = .zero
    private var arriving: [(bytes: [UInt8], time: Duration, wanted: Int)] = []
    private var lastArrival: Duration = .zero
    private var heldUntil: Duration = .zero
    private var outgoing: [(byte: UInt8, time: Duration)] = []

    /// A line on which charger 0 is selected.
    public init(_ chargers: [SimulatedCharger], troubles: Troubles = Troubles(), seed: UInt64) {
        precondition(!chargers.isEmpty, "a multiplexer without chargers")
        self.chargers = chargers
        self.troubles = troubles
        plugs = Array(chargers.indices)
        random = SeededRandom(seed: seed)
        noise = NoisyLine(troubles.noise, seed: random.next())
        nextStuck = draw(troubles.stuckLines)
        nextSwap = draw(troubles.swaps)
        nextLeak = draw(troubles.crosstalk)
    }

    /// The charger that is joined to the line at this moment.
    public var connected: Int? {
        var value = switched
        if let stuck { value = value & ~stuck.mask | stuck.value }
        return value < plugs.count ? plugs[value] : nil
    }

    // MARK: The host's side

    /// The host puts a value on the select lines.
    public mutating func select(_ value: Int, at time: Duration) {
        advance(to: time)
        wanted = value
        var delay = random.time(in: troubles.switchDelay)
        if random.unit() < troubles.lateSwitches { delay = random.time(in: troubles.lateDelay) }
        let old = switched
        changes = [(time + delay, value)]
        if random.unit() < troubles.bounces {
            let end = time + delay + random.time(in: troubles.bounceTime)
            var moment = time + delay
            var isOld = true
            while moment < end {
                moment += random.time(in: .microseconds(100)...(.milliseconds(6)))
                changes.append((moment, isOld ? old : value))
                isOld.toggle()
            }
            changes.append((moment, value))
        }
        if random.unit() < troubles.residue { heldUntil = time + random.time(in: troubles.residueTime) }
    }

    /// The host sends bytes; they leave one after the other at 19200 baud.
    public mutating func send(_ bytes: [UInt8], at time: Duration) {
        advance(to: time)
        var moment = max(now, outgoing.last?.time ?? now)
        for byte in bytes {
            moment += OutgoingLine.byteTime
            outgoing.append((byte, moment))
        }
    }

    /// What has arrived at the host by `time`.
    public mutating func receive(until time: Duration) -> [UInt8] {
        advance(to: time)
        var bytes: [UInt8] = []
        while let first = arriving.first, first.time <= now {
            bytes += first.bytes
            if first.wanted != wanted { residue += first.bytes.count }
            arriving.removeFirst()
        }
        delivered += bytes.count
        return bytes
    }

    /// Pulls a plug, or puts in a charger.
    public mutating func plug(_ charger: Int?, at value: Int) {
        collect()
        plugs[value] = charger
    }

    /// A select line is stuck until told otherwise: the bits of `mask` are those of `value`.
    public mutating func stick(mask: Int, value: Int, until end: Duration) {
        collect()
        stuck = (mask, value & mask, end)
        stuckTimes += 1
    }

    // MARK: Time

    /// When something happens next.
    public func nextEvent() -> Duration {
        var next = now + .seconds(1)
        if let arrival = arriving.first?.time { next = min(next, arrival) }
        if let change = changes.first?.time { next = min(next, change) }
        if let last = outgoing.last?.time { next = min(next, last) }
        if let stuck { next = min(next, stuck.until) } else if let nextStuck { next = min(next, nextStuck) }
        if let nextSwap { next = min(next, nextSwap) }
        if let leak { next = min(next, leak.until) } else if let nextLeak { next = min(next, nextLeak) }
        if let connected, let event = chargers[connected].nextEvent() { next = min(next, event) }
        return max(next, now)
    }

    private mutating func advance(to time: Duration) {
        while true {
            // The charger that is heard is only looked at when bytes have left; what changes the line comes in order.
            var next: Duration?
            func consider(_ moment: Duration?) {
                if let moment, moment <= time { next = next.map { min($0, moment) } ?? moment }
            }
            consider(changes.first?.time)
            consider(stuck?.until ?? nextStuck)
            consider(nextSwap)
            consider(leak?.until ?? nextLeak)
            if let connected { consider(chargers[connected].nextEvent()) }
            consider(outgoing.last?.time)
            guard let next else { break }
            let isMoving = next > now
            now = max(now, next)
            collect()
            let hasChanged = change()
            // A charger's event that stays at the same moment is one that has to be waited out.
            if !isMoving, !hasChanged { break }
        }
        now = max(now, time)
        collect()
    }

    /// Does what is due at this moment; true if anything was.
    private mutating func change() -> Bool {
        let before = connected
        var isChanged = false
        while let first = changes.first, first.time <= now {
            switched = first.value
            changes.removeFirst()
            isChanged = true
        }
        if let end = stuck?.until {
            if end <= now {
                stuck = nil
                nextStuck = draw(troubles.stuckLines)
                isChanged = true
            }
        } else if let begin = nextStuck, begin <= now {
            let bits = max(1, Int.bitWidth - (chargers.count - 1).leadingZeroBitCount)
            let mask = 1 << random.whole(below: bits)
            stick(
                mask: mask, value: random.unit() < 0.5 ? mask : 0, until: now + random.time(in: troubles.stuckTime))
            isChanged = true
        }
        if let time = nextSwap, time <= now {
            plugs.swapAt(random.whole(below: plugs.count), random.whole(below: plugs.count))
            swapTimes += 1
            nextSwap = draw(troubles.swaps)
            isChanged = true
        }
        if let current = leak {
            if current.until <= now {
                leak = nil
                if current.charger != connected { arrive(chargers[current.charger].transmit(until: now)) }
                nextLeak = draw(troubles.crosstalk)
                isChanged = true
            }
        } else if let begin = nextLeak, begin <= now {
            let charger = random.whole(below: chargers.count)
            if charger != connected { _ = chargers[charger].transmit(until: now) }
            leak = (charger, now + random.time(in: troubles.crosstalkTime))
            isChanged = true
        }
        if connected != before {
            // What the new one has said so far, nobody heard.
            if let connected { _ = chargers[connected].transmit(until: now) }
            if random.unit() < 0.5 { arrive([UInt8(truncatingIfNeeded: random.next())]) }
            cutUntil = now + OutgoingLine.byteTime
        }
        return isChanged
    }

    /// What the host has sent by now reaches the charger, and what that has said the line.
    private mutating func collect() {
        while let first = outgoing.first, first.time <= now {
            var bytes: [UInt8] = []
            while let next = outgoing.first, next.time <= now {
                bytes.append(next.byte)
                outgoing.removeFirst()
            }
            if let connected { chargers[connected].receive(bytes, at: max(first.time, now)) }
        }
        guard let connected else { return }
        var bytes = chargers[connected].transmit(until: now)
        guard !bytes.isEmpty else { return }
        if now <= cutUntil { bytes[0] = UInt8(truncatingIfNeeded: random.next()) }
        arrive(bytes)
    }

    private mutating func arrive(_ bytes: [UInt8]) {
        let bytes = noise.pass(bytes, at: now)
        guard !bytes.isEmpty else { return }
        lastArrival = max(lastArrival, heldUntil, now + random.time(in: troubles.latency))
        arriving.append((bytes, lastArrival, wanted))
    }

    private mutating func draw(_ rate: Double) -> Duration? {
        guard rate > 0 else { return nil }
        // Uniform around the mean is as good as any: only that it falls anywhere matters.
        return now + .nanoseconds(Int64(2e9 * random.unit() / rate))
    }
}
