/// The conversation with one device behind one port: who is it, what does it say, what to ask next.
///
/// A value without clock, task or file descriptor: bytes and the time go in, and readings, requests and the next
/// deadline come out. The driver's loop is
///
///     session.receive(bytes, at: now)              // whenever bytes arrive
///     if let request = session.nextRequest(at: now) { write(request.bytes) }   // then, and at `deadline`
///     for event in session.takeEvents() { … }
///
/// One request is outstanding at a time: chargers that are asked faster answer three requests in ten (observed).
/// Times are on any clock that only moves forward.
public struct DeviceSession: Sendable {
    /// How the device is doing.
    public enum State: String, Sendable, Hashable {
        /// Just opened: hearing what the device says by itself.
        case listening
        /// Asking who it is.
        case identifying
        /// Known, and answering.
        case polling
        /// It was answering and has stopped, or it may be another device now: no reading leaves until the serial
        /// number is confirmed.
        case verifying
        /// TEXT arrives and no request is answered: the line to the device is cut, or the port is set to something
        /// else.
        case textOnly
        /// Requests come back as they were sent, and nothing else does: the two wires touch each other, or an adapter
        /// hears itself.
        case echoOnly
        /// HEX frames arrive, and no request is answered: the device cannot read what is sent to it.
        case hexOnly
        /// Nothing arrives.
        case silent
    }

    /// What a session reports.
    public enum Event: Sendable, Hashable {
        /// Its state changed.
        case state(State)
        /// The device is known; again when more of its identity is.
        case identified(DeviceIdentity)
        /// The device of this port is no longer the one it was.
        case lostIdentity(DeviceIdentity)
        /// A value to believe.
        case reading(RegisterReading)
        /// The device does not have this register.
        case refused(RegisterID)
        /// Everything but history has been asked for once.
        case passCompleted
    }

    enum Phase: Hashable {
        case listening(until: Duration)
        case identifying
        case polling
        case verifying
    }

    /// What has been asked and not been answered.
    struct Outstanding {
        var request: Request
        /// The register's place; nil for what is not polled.
        var place: Int?
        var sent: Duration
        /// When it was sent for the first time.
        var begun: Duration
        var deadline: Duration
        /// The longest wait, whatever else is on the line.
        var limit: Duration
        var tries: Int
        /// The request before was the same, and nothing answered it: an answer may be the late one to that.
        var isRepeated = false
        /// It is to be sent once more without waiting.
        var wantsTwin = false
        /// Answers that may still come, less those that came damaged.
        var answersDue = 1
        /// When the first byte came since it was sent.
        var firstByte: Duration?
        /// A frame came, whole or damaged, since it was sent: the device is there.
        var hasHeardFrame = false
        /// It came back as it was sent.
        var hasEchoed = false
    }

    /// A register and how it stands with it. The guard keeps a cell for each at the same place.
    struct Slot {
        let register: RegisterID
        /// nil: never asked for; the device has told of it unasked.
        let pace: PollPlan.Pace?
        let definition: RegisterDefinition?
        let textSize: Int?
        var due: Duration
        var wasAsked = false
        /// When a value of it was believed last.
        var believed: Duration = .zero
        /// Times in a row that nothing answered.
        var failures = 0
        /// Readings of it in doubt, or answers damaged, since the last that was believed.
        var doubts = 0
        /// It waits in the line of those to be read again.
        var isQueued = false
        /// Refusals heard in a row, and the last of them.
        var refusals = 0
        var lastRefusal: Duration = .zero
        /// What is known of whether the device says by itself when it changes.
        var telling = Telling.unknown
        /// It waits longer than its pace says because the device tells what changes. ``setPutOff(_:_:)`` changes it.
        var isPutOff = false
        /// Since when its value is "not available"; nil while it has one.
        var absentSince: Duration?
    }

    /// Requests in a row without any answer after which the device counts as gone: on a damaged line requests get lost.
    var patience: Int { judge.isHeavilyDamaged ? 30 : judge.hasDamage ? 12 : 5 }
    /// Times a request is sent that nothing answers, before something else is asked.
    static let maximumTries = 3
    /// Readings of a register in doubt before the doubt is dropped until its next turn; more, damaged answers
    /// included, on a damaged line.
    var maximumDoubts: Int { judge.isHeavilyDamaged ? 24 : judge.hasDamage ? 12 : 6 }
    /// The same for one register: where most frames are damaged a record of a day hardly ever comes whole, and what
    /// moves must not wait for it.
    func maximumDoubts(of place: Int) -> Int {
        judge.isHeavilyDamaged && slots[place].pace != .fast ? min(8, maximumDoubts) : maximumDoubts
    }
    /// Registers kept that are not in the plan.
    static let maximumStrangers = 64
    /// After so long without a word, one is asked of a device that would tell of changes: that and its answer are short
    /// against ``plugTime``, so that a plug that is moved meanwhile is noticed. No oftener than if it told of nothing.
    static let longestQuiet: Duration = .milliseconds(180)
    /// How long a fresh port is only listened to: a TEXT block comes each second.
    static let listeningTime: Duration = .milliseconds(1200)
    /// TEXT counts as alive this long after a block.
    static let textLife: Duration = .milliseconds(3500)
    /// A line counts as echoing this long after an echo: requests go out every few seconds to a device that is dead.
    static let echoLife: Duration = .seconds(15)
    static let byteTime: Duration = .microseconds(521)
    /// The time of eleven bytes at 19200 baud.
    static let requestWireTime: Duration = .microseconds(5730)
    /// An adapter keeps bytes no longer than this: 16 ms is the usual one's time.
    static let longestPiecePause: Duration = .milliseconds(25)
    /// No plug is moved in less, so that a shorter silence of a damaged line needs no other explanation.
    static let plugTime: Duration = .milliseconds(600)
    /// A host that has other things to do too hears of bytes later by this much.
    static let hostDelay: Duration = .milliseconds(150)
    /// Longer than TEXT ever pauses while it runs.
    static let longPause: Duration = .milliseconds(1500)
    /// Bytes without one good frame for so long are not this device's.
    static let senselessTime: Duration = .seconds(15)
    /// The least time between two rounds of fast registers before everything was asked for once.
    static let firstPassInterval: Duration = .seconds(3)
    /// A fast register that is this old is asked for before all others…
    static let urgentAge: Duration = .seconds(4)
    /// …up to this age: then there is another reason than bad luck.
    static let hopelessAge: Duration = .seconds(20)
    /// On a line that is not clean, one request in so many is for a slow register whose value grows old.
    static let turnsForEachSlow = 4
    /// How long after the last frame that came unasked a device still counts as one that tells what changes: some of what
    /// it measures changes every second or two.
    static let tellingLife: Duration = .seconds(10)
    /// With longer rounds than this every register is asked in each: there is little to save, and two rounds are long.
    static let longestToldInterval: Duration = .seconds(5)
    /// How long the serial number may be asked for again before the state shows it.
    static let quietVerification: Duration = .milliseconds(1500)
    /// Before everything was asked for once: how many other registers each round has at least.
    static let firstPassBudget = 4
    /// Between two tries to learn the rest of the identity.
    static let questionInterval: Duration = .seconds(10)

    var plan: PollPlan
    let opened: Duration
    var decoder = StreamDecoder(repairsDigits: true)
    var judge = Guard()
    var combiner = AnswerCombiner()
    /// The register that was asked for last.
    var pursued: Int?
    var phase: Phase
    var events: [Event] = []
    var outstanding: Outstanding?
    /// The last request that was given up, until one is answered.
    var givenUp: Outstanding?

    // Identity
    var evidence = IdentityEvidence()
    var refusesSerial = false
    var productVotes: [UInt16: Int] = [:]
    var firmwareVotes = FirmwareVotes()
    var textLabels = TextLabelVotes()
    var questions: [Request] = []
    var nextQuestions: Duration = .zero
    var wantsSerial = false
    var unansweredInRow = 0
    /// HEX frames that arrive while requests fail.
    var unreadRequests = UnreadRequests()
    var lastText: Duration?
    var lastEcho: Duration?
    var lastByte: Duration
    var lastGoodFrame: Duration
    /// When a frame came unasked last; nil: not since it was last made sure who the device is.
    var lastUnasked: Duration?
    var nextAttempt: Duration = .zero
    var verifyingSince: Duration = .zero
    var hasHeardBlock = false

    // Polling
    var slots: [Slot] = []
    /// When the first register that is seldom asked for is due; nil until it is worked out again. Whoever changes when one
    /// of them is due says so by ``setDue(_:_:)``: to look through all of them with every frame costs more than the frame.
    var seldomDue: Duration?
    /// How many of the fast registers are put off.
    var putOffCount = 0
    var places = RegisterPlaces()
    var plannedCount: Int
    var confirmations: [Int] = []
    var roundStart: Duration?
    var roundIndex: Int
    var rounds = 0
    var nextTurn: Duration = .zero
    var turnSpacing: Duration = .zero
    /// What ``turnSpacing`` would be if nothing were put off.
    var wholeTurnSpacing: Duration = .zero
    var takesStalest = false
    /// Requests since the last for a slow register whose value grew old.
    var turnsWithoutSlow = 0
    var extraBudget = 0
    var hasCompletedPass = false
    /// Registers to ask for out of turn, and those of them that are not answered yet.
    var demands: [RegisterID] = []
    var demanded: Set<RegisterID> = []
    var daySequence: Int?
    var versionRefused = false

    // The estimate of the device's turn-around.
    var meanTurnaround: Duration?
    var turnaroundDeviation: Duration = .zero
    /// The longest silence lately while it was polled.
    var usualPause: Duration?
    /// The longest time between two pieces of one frame lately: how long an adapter keeps bytes.
    var piecePause = DeviceSession.longestPiecePause
    /// Bytes that came so recently mean that the device is speaking.
    var speakingPause: Duration { min(Self.longestPiecePause, piecePause + .milliseconds(2)) }

    /// Who the device is; nil until enough frames agree.
    public internal(set) var identity: DeviceIdentity?
    /// How the device is doing.
    public internal(set) var state = State.listening
    /// What happened on the line.
    public internal(set) var counters = LinkCounters()
    /// What was learned; give it to the next session of the same device.
    public internal(set) var memory: DeviceMemory

    /// Whether other devices have the line in their turns (a multiplexer). What was not asked for may come from any of
    /// them, and is no reading.
    public var isLineShared = false

    /// A session on a port that was opened at `now`.
    ///
    /// - Parameters:
    ///   - plan: what to ask for, and how often.
    ///   - memory: what an earlier session learned; it counts only if the same device with the same firmware answers.
    ///   - now: the time.
    public init(plan: PollPlan = PollPlan(), memory: DeviceMemory = DeviceMemory(), now: Duration) {
        self.plan = plan
        self.memory = memory
        opened = now
        lastByte = now
        lastGoodFrame = now
        phase = .listening(until: now + Self.listeningTime)
        plannedCount = 0
        roundIndex = 0
        for entry in plan.entries where places[entry.register] == nil { _ = add(entry.register, entry.pace, at: now) }
        plannedCount = slots.count
        roundIndex = plannedCount
        // The rest of the identity, the product's id before all, is not always polled.
        for register in [RegisterID.serialNumber, .productID, .applicationVersion, .capabilities] {
            _ = place(of: register, at: now)
        }
    }

    mutating func add(_ register: RegisterID, _ pace: PollPlan.Pace?, at now: Duration) -> Int {
        let definition = RegisterCatalogue.standard[register]
        let size: Int? =
            switch definition?.kind {
            case .unsigned(let bytes)?, .signed(let bytes)?: bytes
            default: nil
            }
        slots.append(Slot(register: register, pace: pace, definition: definition, textSize: size, due: now))
        seldomDue = nil
        judge.add(register)
        places.add(register, slots.count - 1)
        return slots.count - 1
    }

    /// The place of a register; a new one for a stranger, as long as there is room.
    mutating func place(of register: RegisterID, at now: Duration) -> Int? {
        if let place = places[register] { return place }
        guard slots.count < plannedCount + Self.maximumStrangers else { return nil }
        return add(register, nil, at: now)
    }

    mutating func begin(_ phase: Phase, at now: Duration) {
        if phase == .verifying, self.phase != .verifying { verifyingSince = now }
        self.phase = phase
        nextAttempt = now
        // Whoever answers what was asked before may be another device.
        if phase == .verifying, let waiting = outstanding, waiting.request != .get(.serialNumber) {
            outstanding = nil
            // Else one that is not available would wait for its long interval again.
            if let place = waiting.place, slots[place].pace == .fast { setDue(place, min(slots[place].due, now)) }
        }
        if phase == .verifying { distrustSilence() }
        if phase == .polling {
            if let identity { events.append(.identified(identity)) }
            // In a fixed order, so that equal bytes give equal events.
            for (register, time) in memory.refused.sorted(by: { $0.key < $1.key }) {
                if let place = places[register] {
                    postpone(place, at: time, by: DeviceMemory.lifetime)
                    slots[place].refusals = 2
                }
                events.append(.refused(register))
            }
        }
        updateState(at: now)
    }

    mutating func updateState(at now: Duration) {
        let isUnread = unreadRequests.isUnread(limit: patience, at: now)
        let isAnswering = unansweredInRow < patience && !isUnread
        let hasText = lastText.map { now - $0 < Self.textLife } ?? false
        let new: State =
            switch phase {
            case .listening: .listening
            case .polling: .polling
            case .identifying where isAnswering: .identifying
            // Whoever looks twice says nothing of it: mostly it is settled by the next answer.
            case .verifying where isAnswering:
                state == .polling && now - verifyingSince < Self.quietVerification ? .polling : .verifying
            case .identifying, .verifying:
                hasText ? .textOnly : isUnread ? .hexOnly : isEchoing(at: now) ? .echoOnly : .silent
            }
        guard new != state else { return }
        state = new
        events.append(.state(new))
    }

    /// Takes what happened since the last call, in order.
    public mutating func takeEvents() -> [Event] {
        guard !events.isEmpty else { return [] }
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// Calls `body` with each thing that happened since the last call, in order; allocates nothing.
    public mutating func drainEvents(_ body: (Event) throws -> Void) rethrows {
        defer { events.removeAll(keepingCapacity: true) }
        for event in events { try body(event) }
    }
}
