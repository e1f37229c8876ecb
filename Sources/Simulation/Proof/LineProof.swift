import VEDirect

/// What is put to the proof: ``DeviceSession``, or in a test of the proof itself something less careful.
public protocol ProvableSession: Sendable {
    /// Who the device is, as far as the session knows.
    var identity: DeviceIdentity? { get }
    /// What happened on the line.
    var counters: LinkCounters { get }
    /// When it wants to be asked for a request again if nothing arrives.
    var deadline: Duration { get }
    /// Takes bytes that arrived.
    mutating func receive(_ bytes: [UInt8], at now: Duration)
    /// The request to send now, if any.
    mutating func nextRequest(at now: Duration) -> Request?
    /// Takes what happened since the last call.
    mutating func takeEvents() -> [DeviceSession.Event]
}

extension DeviceSession: ProvableSession {}

/// What a ``LineProof`` runs.
public struct LineProofSettings: Sendable {
    /// The charger.
    public var model: ChargerModel
    /// How the charger takes its time.
    public var timing: ChargerTiming
    /// What is asked.
    public var plan: PollPlan
    /// What the line does to bytes, each way, as time goes on.
    public var noise: NoiseScript
    /// Equal seeds give equal runs.
    public var seed: UInt64

    /// Settings; without a plan, every round follows the one before at once.
    public init(
        model: ChargerModel, timing: ChargerTiming = ChargerTiming(), plan: PollPlan = PollPlan(fastInterval: .zero),
        noise: NoiseScript, seed: UInt64
    ) {
        self.model = model
        self.timing = timing
        self.plan = plan
        self.noise = noise
        self.seed = seed
    }
}

/// A value is wrong if the charger did not hold it within this time.
let truthLasts: Duration = .seconds(5)

/// One simulated charger and one real session on a bad line, in virtual time, with everything that the session
/// publishes held against what the charger held.
///
/// The line runs at 19200 baud; time jumps from one event to the next. The bytes that reach the session reach two
/// bridges without a guard too, for comparison.
public struct LineProof<Session: ProvableSession>: Sendable {
    /// A gap of a fast register longer than this is counted.
    public static var longGap: Duration { .seconds(10) }

    /// What came of it so far.
    public private(set) var tally = ProofTally()
    private let settings: LineProofSettings
    private var charger: SimulatedCharger
    private var session: Session
    private var line: ImpairedLine
    private var bridge = ChecksumBridge()
    private var now: Duration = .zero
    private var pending: [Duration?]
    private var lastFast: [Duration?]
    private let fast: [RegisterID]
    private var isIdentified = false

    /// A run that has not begun, with a session that opened its port at time zero.
    public init(_ settings: LineProofSettings, session: Session) {
        self.settings = settings
        // The sky differs from run to run, and the hour: morning, noon, evening.
        var random = SeededRandom(seed: SeededRandom.seed(settings.seed, part: 0))
        var site = SimulatedSite(clock: SolarClock(startHour: random.number(in: 7...16)))
        site.sky = Sky(seed: random.next())
        charger = SimulatedCharger(settings.model, site: site, timing: settings.timing, seed: random.next())
        self.session = session
        let seeds = (random.next(), random.next())
        line = ImpairedLine(settings.noise, toHost: seeds.0, toCharger: seeds.1)
        fast = settings.plan.entries.filter { $0.pace == .fast }.map(\.register)
        lastFast = [Duration?](repeating: nil, count: fast.count)
        pending = [Duration?](repeating: nil, count: fast.count)
        tally.sessions = 1
    }

    /// Runs until the session has published so many readings, or `end` of virtual time has come.
    public mutating func run(readings: Int, until end: Duration = .seconds(1_000_000)) {
        while tally.readings < readings, now < end { step() }
        finish()
    }

    /// One event: bytes that arrived, or a deadline of the session.
    private mutating func step() {
        var next = max(session.deadline, now + .microseconds(10))
        if let deadline = line.nextDeadline { next = min(next, deadline) }
        if let event = charger.nextEvent() { next = min(next, event) }
        now = max(now, next)
        let heard = line.toCharger(until: now)
        if !heard.isEmpty { charger.receive(heard, at: now) }
        let sent = charger.transmit(until: now)
        tally.bytes += sent.count
        let arrived = line.toHost(sent, ended: charger.lastTransmitted, until: now)
        if !arrived.isEmpty {
            bridge.receive(arrived, from: charger, at: now)
            session.receive(arrived, at: now)
        }
        if let request = session.nextRequest(at: now) { send(request) }
        for event in session.takeEvents() { weigh(event) }
    }

    private mutating func send(_ request: Request) {
        line.send(request.bytes, at: now)
        guard case .get(let register) = request, let index = fast.firstIndex(of: register) else { return }
        if pending[index] == nil { pending[index] = now }
    }

    private mutating func weigh(_ event: DeviceSession.Event) {
        switch event {
        case .reading(let reading):
            tally.readings += 1
            if !isTrue(reading) {
                tally.wrongValues += 1
                tally.note(
                    "\(reading.time) \(reading.register) \(reading.raw.hex) \(reading.provenance) \(reading.confidence), "
                        + "held \(charger.heldValues(reading.register, since: reading.time - truthLasts)), "
                        + "seed \(settings.seed)")
            }
            if let index = fast.firstIndex(of: reading.register) { noteFast(index) }
        case .identified(let identity):
            isIdentified = true
            if identity.serial != charger.serial {
                tally.phantoms += 1
                tally.note("\(now) identified as \(identity.serial), is \(charger.serial), seed \(settings.seed)")
            } else if identity.productID.map({ $0 != charger.productID }) == true
                || identity.firmware.map({ $0 != charger.model.firmware }) == true
            {
                tally.wrongDetails += 1
                tally.note("\(now) identified as \(identity), seed \(settings.seed)")
            }
        case .refused(let register):
            if charger.currentValue(register) != nil {
                tally.wrongRefusals += 1
                tally.note("\(now) \(register) taken for refused, seed \(settings.seed)")
            }
        case .state, .lostIdentity, .passCompleted: break
        }
    }

    private func isTrue(_ reading: RegisterReading) -> Bool {
        guard session.identity?.serial == charger.serial else { return false }
        guard reading.provenance != .command else {
            // Made of the answer to a command: the register itself holds nothing.
            let word = reading.raw.unsigned.map { UInt16(truncatingIfNeeded: $0) }
            return reading.register == .applicationVersion
                ? word.flatMap { FirmwareVersion(word: $0) } == charger.model.firmware : word == charger.productID
        }
        return charger.held(reading.register, reading.raw, since: reading.time - truthLasts)
    }

    private mutating func noteFast(_ index: Int) {
        if let asked = pending[index] {
            tally.latency.record(now - asked)
            pending[index] = nil
        }
        noteGap(index)
        lastFast[index] = now
    }

    private mutating func noteGap(_ index: Int) {
        guard let last = lastFast[index] else { return }
        let gap = now - last
        if gap > Self.longGap { tally.longGaps += 1 }
        if gap > tally.longestGap {
            tally.longestGap = gap
            tally.longestGapRegister = fast[index]
        }
    }

    private mutating func finish() {
        for index in fast.indices { noteGap(index) }
        tally.duration = now
        if !isIdentified { tally.unidentified = 1 }
        let counters = session.counters
        tally.requests = counters.requests
        tally.retries = counters.retries
        tally.confirmations = counters.confirmations
        tally.confirmed = counters.confirmed
        tally.unconfirmed = counters.unconfirmed
        tally.implausible = counters.implausible
        tally.rejectedFrames = counters.rejectedFrameTotal
        tally.damagedBytes = line.damaged
        tally.echoes = counters.echoes
        tally.timeouts = counters.timeouts
        tally.checksumOnly = bridge.checksumOnly
        tally.checksumAndLength = bridge.checksumAndLength
    }
}
