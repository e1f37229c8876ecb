public import VEDirect

/// The proof of the guard: the real decoder, session and guard against a simulated charger on a bad line, in virtual
/// time, with every published reading held against what the charger held.
///
/// A reading is *wrong* if the charger held no such value in that register in the five seconds before. On the same
/// bytes two bridges of the usual kind are watched: one that believes every frame whose check byte holds, and one that
/// also wants the register that it asked for, at the length of the table.
///
/// The charger answers within a few milliseconds rather than fifty, so that a hundred million readings and their
/// damage fit into a reasonable time; the line has its 19200 baud, and everything else takes its usual time.
public struct LineProof: Sendable {
    /// What is proven, and against which noise.
    public struct Settings: Sendable {
        /// The damage, on both ways.
        public var rates = NoisyLine.Rates()
        /// Which charger.
        public var model = ChargerModel.smartSolar150x60(firmware: .v316, link: .master)
        /// Another seed is other weather and other damage.
        public var seed: UInt64 = 1
        /// From a request to its answer.
        public var turnAround: ClosedRange<Duration> = .milliseconds(2)...(.milliseconds(6))

        /// No noise.
        public init() {}
    }

    /// What was counted.
    public struct Result: Sendable {
        /// Virtual time that has passed.
        public internal(set) var time: Duration = .zero
        /// Readings that were published.
        public internal(set) var readings = 0
        /// Of those, the wrong ones.
        public internal(set) var wrong = 0
        /// Identities under which anything could have been published that are not the charger's.
        public internal(set) var phantoms = 0
        /// Registers that the charger has and that were taken for refused.
        public internal(set) var wronglyRefused = 0
        /// Values that a bridge takes which believes the check byte, and of those the wrong ones.
        public internal(set) var trusting = Tally()
        /// The same for a bridge that also wants the register that was asked for, at its length.
        public internal(set) var careful = Tally()
        /// What the session counted.
        public internal(set) var requests = 0
        /// Requests sent again, or only to confirm.
        public internal(set) var extraRequests = 0
        /// Frames that the decoder rejected.
        public internal(set) var rejectedFrames = 0
        /// From the first request for a register to the reading, in steps of a millisecond up to a second, then longer.
        public internal(set) var latency = [Int](repeating: 0, count: 1001)
        /// The longest that any of the fast registers went without a reading, once the device was known.
        public internal(set) var longestGap: Duration = .zero
        /// The first wrong readings, in words.
        public internal(set) var examples: [String] = []

        /// Values taken, and wrong ones among them.
        public struct Tally: Sendable {
            /// Values taken.
            public internal(set) var values = 0
            /// Of those, the wrong ones.
            public internal(set) var wrong = 0
        }

        /// Nothing counted.
        public init() {}

        /// Adds what another run counted.
        public mutating func add(_ other: Result) {
            time += other.time
            readings += other.readings
            wrong += other.wrong
            phantoms += other.phantoms
            wronglyRefused += other.wronglyRefused
            trusting.values += other.trusting.values
            trusting.wrong += other.trusting.wrong
            careful.values += other.careful.values
            careful.wrong += other.careful.wrong
            requests += other.requests
            extraRequests += other.extraRequests
            rejectedFrames += other.rejectedFrames
            for index in latency.indices { latency[index] += other.latency[index] }
            longestGap = max(longestGap, other.longestGap)
            examples = Array((examples + other.examples).prefix(10))
        }

        /// The time within which this share (0…1) of the readings came.
        public func latency(_ share: Double) -> Duration {
            let total = latency.reduce(0, +)
            var rest = Int((Double(total) * share).rounded(.up))
            for (index, count) in latency.enumerated() {
                rest -= count
                if rest <= 0 { return .milliseconds(index + 1) }
            }
            return .seconds(1)
        }

        /// Published readings in a second of the line's time.
        public var readingsPerSecond: Double { time > .zero ? Double(readings) / (time / .seconds(1)) : 0 }
    }

    private var line: VirtualLine
    private var host: ProofHost

    /// What was counted so far.
    public var result: Result { host.result }
    /// What the session counted.
    public var counters: LinkCounters { host.session.counters }

    /// A proof that has not begun.
    public init(_ settings: Settings) {
        var timing = ChargerTiming()
        timing.usualTurnAround = settings.turnAround
        timing.slowTurnAround = settings.turnAround
        var site = SimulatedSite(clock: SolarClock(startHour: 11, dayLength: .seconds(86_400)))
        site.sky = Sky(seed: settings.seed)
        let charger = SimulatedCharger(settings.model, site: site, timing: timing, seed: settings.seed)
        line = VirtualLine(
            charger, delivery: .init(bytes: 64...64, latency: .milliseconds(2)),
            toHost: NoisyLine(settings.rates, seed: settings.seed &* 2),
            toCharger: NoisyLine(settings.rates, seed: settings.seed &* 2 &+ 1), seed: settings.seed)
        // History is left out: it is not what a second's value is about, and long records would fill the line.
        let plan = PollPlan(
            entries: PollPlan.standardEntries.filter { $0.pace != .history }, fastInterval: .zero)
        host = ProofHost(plan)
    }

    /// Runs until this many readings were published, or this much of the line's time has passed.
    public mutating func run(readings: Int, limit: Duration = .seconds(10_000_000)) {
        while host.result.readings < readings, line.now < limit {
            Self.advance(&line, &host, until: line.now + .seconds(10))
        }
        host.finish(at: line.now)
    }

    private static func advance(_ line: inout VirtualLine, _ host: inout ProofHost, until end: Duration) {
        line.run(until: end) { charger, bytes, now in host.act(charger, bytes, now) }
    }
}

/// The session under test, and two bridges of the usual kind that hear the same bytes.
private struct ProofHost: Sendable {
    private static let window: Duration = .seconds(5)

    var session: DeviceSession
    var result = LineProof.Result()
    private var witness = StreamDecoder()
    private var asked: RegisterID?
    private var askedAt: [RegisterID: Duration] = [:]
    private var lastFast: [RegisterID: Duration] = [:]
    private let fast: Set<RegisterID>

    init(_ plan: PollPlan) {
        fast = Set(plan.entries.filter { $0.pace == .fast }.map(\.register))
        session = DeviceSession(plan: plan, now: .zero)
    }

    mutating func act(
        _ charger: borrowing SimulatedCharger, _ bytes: [UInt8], _ now: Duration
    ) -> VirtualLine.HostAction {
        if !bytes.isEmpty {
            session.receive(bytes.span, at: now)
            Self.listen(&witness, bytes, asked: asked, charger: charger, at: now, &result)
        }
        let request = session.nextRequest(at: now)
        Self.drain(&session, charger, at: now, fast: fast, &askedAt, &lastFast, &result)
        if case .get(let register)? = request {
            asked = register
            if askedAt[register] == nil { askedAt[register] = now }
        }
        return .init(send: request?.bytes ?? [], wake: session.deadline)
    }

    mutating func finish(at now: Duration) {
        result.time = now
        result.requests = session.counters.requests
        result.extraRequests = session.counters.retries + session.counters.confirmations
        result.rejectedFrames = session.counters.rejectedFrameTotal
        for time in lastFast.values { result.longestGap = max(result.longestGap, now - time) }
    }

    private static func drain(
        _ session: inout DeviceSession, _ charger: borrowing SimulatedCharger, at now: Duration,
        fast: Set<RegisterID>, _ askedAt: inout [RegisterID: Duration], _ lastFast: inout [RegisterID: Duration],
        _ result: inout LineProof.Result
    ) {
        for event in session.takeEvents() {
            count(event, charger: charger, at: now, fast: fast, &askedAt, &lastFast, &result)
        }
    }

    private static func listen(
        _ witness: inout StreamDecoder, _ bytes: [UInt8], asked: RegisterID?, charger: borrowing SimulatedCharger,
        at now: Duration, _ result: inout LineProof.Result
    ) {
        var frames: [HexFrame] = []
        witness.decode(bytes.span) { event in
            if case .hex(let frame) = event { frames.append(frame) }
        }
        for frame in frames { watch(frame, asked: asked, charger: charger, at: now, &result) }
    }

    private static func count(
        _ event: DeviceSession.Event, charger: borrowing SimulatedCharger, at now: Duration, fast: Set<RegisterID>,
        _ askedAt: inout [RegisterID: Duration], _ lastFast: inout [RegisterID: Duration], _ result: inout LineProof.Result
    ) {
        switch event {
        case .identified(let identity):
            if identity.serial != charger.serial { result.phantoms += 1 }
        case .refused(let register):
            if charger.currentValue(register) != nil { result.wronglyRefused += 1 }
        case .reading(let reading):
            result.readings += 1
            let isTrue = isTrue(reading, of: charger, at: now)
            if !isTrue {
                result.wrong += 1
                if result.examples.count < 10 {
                    result.examples.append(
                        "\(reading.register.hex) \(reading.raw.hex) (\(reading.provenance), \(reading.confidence)) at \(now)"
                    )
                }
            }
            if let start = askedAt.removeValue(forKey: reading.register) {
                let parts = (now - start).components
                result.latency[min(1000, Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000))] +=
                    1
            }
            if fast.contains(reading.register) {
                if let last = lastFast[reading.register] { result.longestGap = max(result.longestGap, now - last) }
                lastFast[reading.register] = now
            }
        case .state, .lostIdentity, .passCompleted: break
        }
    }

    private static func isTrue(_ reading: RegisterReading, of charger: borrowing SimulatedCharger, at now: Duration) -> Bool {
        if reading.provenance == .command {
            guard let word = reading.raw.unsigned.map({ UInt16(truncatingIfNeeded: $0) }) else { return false }
            return reading.register == .applicationVersion
                ? FirmwareVersion(word: word) == charger.model.firmware : word == charger.productID
        }
        return charger.held(reading.register, reading.raw, since: now - window)
    }

    /// What the usual bridges would make of a frame.
    private static func watch(
        _ frame: borrowing HexFrame, asked: RegisterID?, charger: borrowing SimulatedCharger, at now: Duration,
        _ result: inout LineProof.Result
    ) {
        let response = frame.response
        guard response == .get || response == .async, let register = frame.register, frame.flags?.isEmpty == true
        else { return }
        let raw = frame.value
        let isTrue = charger.held(register, raw, since: now - window)
        result.trusting.values += 1
        if !isTrue { result.trusting.wrong += 1 }
        guard response == .get, register == asked, let definition = RegisterCatalogue.standard[register],
            (try? definition.decode(raw)) != nil
        else { return }
        result.careful.values += 1
        if !isTrue { result.careful.wrong += 1 }
    }
}
