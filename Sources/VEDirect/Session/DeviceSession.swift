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

    private enum Phase: Hashable {
        case listening(until: Duration)
        case identifying
        case polling
        case verifying
    }

    /// What has been asked and not been answered.
    private struct Outstanding {
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
    private struct Slot {
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
    }

    /// Requests in a row without any answer after which the device counts as gone: on a damaged line requests get lost.
    private var patience: Int { judge.hasDamage ? 12 : 5 }
    /// Times a request is sent that nothing answers, before something else is asked.
    private static let maximumTries = 3
    /// Readings of a register in doubt before the doubt is dropped until its next turn; more, damaged answers
    /// included, on a damaged line.
    private var maximumDoubts: Int { judge.isHeavilyDamaged ? 24 : judge.hasDamage ? 12 : 6 }
    /// Registers kept that are not in the plan.
    private static let maximumStrangers = 64
    /// How long a fresh port is only listened to: a TEXT block comes each second.
    static let listeningTime: Duration = .milliseconds(1200)
    /// TEXT counts as alive this long after a block.
    private static let textLife: Duration = .milliseconds(3500)
    /// A line counts as echoing this long after an echo: requests go out every few seconds to a device that is dead.
    private static let echoLife: Duration = .seconds(15)
    private static let byteTime: Duration = .microseconds(521)
    /// The time of eleven bytes at 19200 baud.
    private static let requestWireTime: Duration = .microseconds(5730)
    /// An adapter keeps bytes no longer than this: 16 ms is the usual one's time.
    private static let longestPiecePause: Duration = .milliseconds(25)
    /// No plug is moved in less, so that a shorter silence of a damaged line needs no other explanation.
    private static let plugTime: Duration = .milliseconds(600)
    /// Longer than TEXT ever pauses while it runs.
    private static let longPause: Duration = .milliseconds(1500)
    /// Bytes without one good frame for so long are not this device's.
    private static let senselessTime: Duration = .seconds(15)
    /// The least time between two rounds of fast registers before everything was asked for once.
    private static let firstPassInterval: Duration = .seconds(3)
    /// A fast register that is this old is asked for before all others…
    private static let urgentAge: Duration = .seconds(4)
    /// …up to this age: then there is another reason than bad luck.
    private static let hopelessAge: Duration = .seconds(20)
    /// How long the serial number may be asked for again before the state shows it.
    private static let quietVerification: Duration = .milliseconds(1500)
    /// Between two tries to learn the rest of the identity.
    private static let questionInterval: Duration = .seconds(10)

    private var plan: PollPlan
    private let opened: Duration
    private var decoder = StreamDecoder(repairsDigits: true)
    private var judge = Guard()
    private var combiner = AnswerCombiner()
    /// The register that was asked for last.
    private var pursued: Int?
    private var phase: Phase
    private var events: [Event] = []
    private var outstanding: Outstanding?

    // Identity
    private var evidence = IdentityEvidence()
    private var refusesSerial = false
    private var productVotes: [UInt16: Int] = [:]
    private var firmwareVotes = FirmwareVotes()
    private var questions: [Request] = []
    private var nextQuestions: Duration = .zero
    private var wantsSerial = false
    private var unansweredInRow = 0
    private var lastText: Duration?
    private var lastEcho: Duration?
    private var lastByte: Duration
    private var lastGoodFrame: Duration
    private var nextAttempt: Duration = .zero
    private var verifyingSince: Duration = .zero
    private var hasHeardBlock = false

    // Polling
    private var slots: [Slot] = []
    private var places = RegisterPlaces()
    private var plannedCount: Int
    private var confirmations: [Int] = []
    private var roundStart: Duration?
    private var roundIndex: Int
    private var rounds = 0
    private var nextTurn: Duration = .zero
    private var turnSpacing: Duration = .zero
    private var takesStalest = false
    private var extraBudget = 0
    private var hasCompletedPass = false
    /// Registers to ask for out of turn, and those of them that are not answered yet.
    private var demands: [RegisterID] = []
    private var demanded: Set<RegisterID> = []
    private var daySequence: Int?
    private var versionRefused = false

    // The estimate of the device's turn-around.
    private var meanTurnaround: Duration?
    private var turnaroundDeviation: Duration = .zero
    /// The longest silence lately while it was polled.
    private var usualPause: Duration?
    /// The longest time between two pieces of one frame lately: how long an adapter keeps bytes.
    private var piecePause = DeviceSession.longestPiecePause
    /// Bytes that came so recently mean that the device is speaking.
    private var speakingPause: Duration { min(Self.longestPiecePause, piecePause + .milliseconds(2)) }

    /// Who the device is; nil until enough frames agree.
    public private(set) var identity: DeviceIdentity?
    /// How the device is doing.
    public private(set) var state = State.listening
    /// What happened on the line.
    public private(set) var counters = LinkCounters()
    /// What was learned; give it to the next session of the same device.
    public private(set) var memory: DeviceMemory

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

    private mutating func add(_ register: RegisterID, _ pace: PollPlan.Pace?, at now: Duration) -> Int {
        let definition = RegisterCatalogue.standard[register]
        let size: Int? =
            switch definition?.kind {
            case .unsigned(let bytes)?, .signed(let bytes)?: bytes
            default: nil
            }
        slots.append(Slot(register: register, pace: pace, definition: definition, textSize: size, due: now))
        judge.add(register)
        places.add(register, slots.count - 1)
        return slots.count - 1
    }

    /// The place of a register; a new one for a stranger, as long as there is room.
    private mutating func place(of register: RegisterID, at now: Duration) -> Int? {
        if let place = places[register] { return place }
        guard slots.count < plannedCount + Self.maximumStrangers else { return nil }
        return add(register, nil, at: now)
    }

    // MARK: Bytes in

    /// Takes bytes that arrived at `now`.
    public mutating func receive(_ bytes: Span<UInt8>, at now: Duration) {
        guard !bytes.isEmpty else { return }
        counters.bytes += bytes.count
        if phase == .polling {
            if wasDark(until: now) { begin(.verifying, at: now) }
            learnPause(until: now)
        }
        if nextAttempt > now, now - lastByte > Self.longPause { nextAttempt = now }
        let pause = now - lastByte
        if decoder.isInsideFrame, pause <= Self.longestPiecePause {
            piecePause = pause > piecePause ? pause : piecePause - (piecePause - pause) / 64
        }
        lastByte = now
        if outstanding != nil, outstanding?.firstByte == nil { outstanding?.firstByte = now }
        if judge.hasDamage { combiner.receive(bytes, at: now) }
        // The decoder is moved out while it runs, for the closure changes the rest of the session.
        var decoder = self.decoder
        decoder.decode(bytes) { event in
            switch event {
            case .hex(let frame): receive(frame, at: now)
            case .text(let block): receive(block, at: now)
            case .rejected(let rejection): receive(rejection, at: now)
            }
        }
        self.decoder = decoder
        if combiner.hasNews { readCopies(at: now) }
    }

    /// Looks whether the copies of the last answer, damaged as they are, say what it was.
    private mutating func readCopies(at now: Duration) {
        guard phase == .polling, let place = pursued, let raw = combiner.value(claims: judge.necessaryClaims),
            let definition = slots[place].definition, let value = try? definition.decode(raw)
        else { return }
        switch judge.judge(place, raw, value, isSolicited: true, isAgreed: true, at: now) {
        case .believe(let confidence):
            if outstanding?.place == place { outstanding = nil }
            unansweredInRow = 0
            if slots[place].doubts > 0 { counters.confirmed += 1 }
            counters.combined += 1
            dropDoubt(place)
            postpone(place, at: now)
            accept(place, raw, value, .asked, confidence, at: now)
        case .doubtDevice:
            wantsSerial = true
            confirm(place, atOnce: true)
        case .doubt, .refuse:
            break
        }
    }

    /// Between its answers, TEXT and what it says unasked a device is silent for some time and no longer.
    private mutating func learnPause(until now: Duration) {
        let pause = min(now - lastByte, Self.longPause)
        guard pause > Self.longestPiecePause else { return }
        guard let usual = usualPause, pause <= usual else {
            usualPause = pause
            return
        }
        usualPause = usual - (usual - pause) / 512
    }

    /// Whether so long nothing was heard that the device may have been changed: longer than it is ever silent, or
    /// longer than an answer ever took, and no damage explains it.
    private func wasDark(until now: Duration) -> Bool {
        let pause = now - lastByte
        if pause > Self.longPause { return true }
        if !judge.hasDamage, let usualPause, pause > usualPause + usualPause / 4 + .milliseconds(60) { return true }
        guard let waiting = outstanding else { return false }
        if judge.hasDamage { return pause >= Self.plugTime }
        guard let mean = meanTurnaround else { return false }
        return now - max(waiting.begun, lastByte) > mean + turnaroundDeviation * 4 + .milliseconds(40)
    }

    /// Takes bytes that arrived at `now`; for callers that have an array.
    public mutating func receive(_ bytes: [UInt8], at now: Duration) { receive(bytes.span, at: now) }

    private mutating func receive(_ rejection: StreamDecoder.Rejection, at now: Duration) {
        switch rejection.what {
        case .hex:
            counters.rejectedFrames[rejection.reason, default: 0] += 1
            judge.noteDamage(at: now)
            judge.noteFrame(isDamaged: true)
            // Perhaps that was the answer: don't wait out the whole timeout, but don't talk into it either.
            if let waiting = outstanding {
                let expected = waiting.sent + (meanTurnaround ?? .milliseconds(100))
                // One whose sum is wrong is over; of one that broke off the rest is still to come.
                let rest: Duration = rejection.reason == .checksum ? .zero : .milliseconds(6)
                let isEarly = now + turnaroundDeviation * 2 < expected
                let retry = isEarly ? expected + turnaroundDeviation * 2 : now + rest
                outstanding?.answersDue -= 1
                if waiting.answersDue <= 1 { outstanding?.deadline = min(waiting.deadline, retry) }
                outstanding?.hasHeardFrame = true
            }
        case .text:
            // The first block after opening is usually half a block; on old firmware the first request cuts one.
            let isExpected = !hasHeardBlock || identity?.firmware?.stopsTextWhileAsked == true
            hasHeardBlock = true
            counters.rejectedBlocks[rejection.reason, default: 0] += 1
            if !isExpected { judge.noteDamage(at: now) }
        }
    }

    private mutating func receive(_ frame: borrowing HexFrame, at now: Duration) {
        if isEcho(frame, at: now) { return }
        counters.frames += 1
        lastGoodFrame = now
        judge.noteFrame(isDamaged: frame.repairs > 0)
        if frame.repairs > 0 {
            counters.repairedFrames += 1
            judge.noteDamage(at: now)
        }
        outstanding?.hasHeardFrame = true
        switch frame.response {
        case .get:
            receiveAnswer(frame, at: now)
        case .async:
            counters.asyncFrames += 1
            receiveAsync(frame, at: now)
        case .done:
            receiveDone(frame, at: now)
        case .ping:
            guard frame.count >= 2, outstanding?.request == .ping else { return noteUnsolicited() }
            settle(by: frame, at: now)
            noteVersion(frame.value, at: now)
        case .unknown:
            guard let request = outstanding?.request, request == .applicationVersion || request == .productID else {
                return noteUnsolicited()
            }
            settle(by: frame, at: now)
            if request == .applicationVersion { queue(.ping) }
        case .error:
            counters.deviceErrors += 1
            judge.noteDamage(at: now)
            // The device could not read the request and says so: ask again at once.
            if let waiting = outstanding {
                outstanding?.answersDue -= 1
                if waiting.answersDue <= 1 { outstanding?.deadline = now }
            }
        case .set, .restart, .boot, .reserved:
            noteUnsolicited()
        }
    }

    /// Whether a frame is the request come back. It says nothing of the device, not even that there is one.
    ///
    /// Late echoes, of requests that were given up, are known by having no value. A text can be empty, and the answer
    /// then looks as its request does: there only a line that is known to echo has one, before the answer.
    private mutating func isEcho(_ frame: borrowing HexFrame, at now: Duration) -> Bool {
        if let waiting = outstanding, waiting.request.isRepeated(by: frame) {
            if case .get(let register) = waiting.request, Self.canBeEmpty(register),
                waiting.hasEchoed || !isEchoing(at: now)
            {
                return false
            }
            outstanding?.hasEchoed = true
        } else {
            let count = frame.count
            let isLate: Bool
            switch frame.response {
            case .get:
                // Flags that are set are a refusal, which has no value either.
                guard count == 3, frame[2] == 0, let register = frame.register else { return false }
                isLate = !Self.canBeEmpty(register)
            case .done, .unknown, .error: isLate = count == 0
            default: isLate = false
            }
            guard isLate else { return false }
        }
        counters.echoes += 1
        lastEcho = now
        return true
    }

    private func isEchoing(at now: Duration) -> Bool { lastEcho.map { now - $0 < Self.echoLife } ?? false }

    private static func canBeEmpty(_ register: RegisterID) -> Bool {
        guard register != .serialNumber, case .text? = RegisterCatalogue.standard[register]?.kind else { return false }
        return true
    }

    private mutating func noteUnsolicited() { counters.unsolicited += 1 }

    // MARK: Answers

    private mutating func receiveAnswer(_ frame: borrowing HexFrame, at now: Duration) {
        guard let register = frame.register, let flags = frame.flags else { return noteUnsolicited() }
        guard case .get(let wanted)? = outstanding?.request, wanted == register else {
            // A late answer to a request that was given up, or damage: evidence, no more.
            counters.unsolicited += 1
            guard flags.isEmpty, phase == .polling, let place = places[register] else { return }
            if place == pursued, judge.hasDamage {
                // The answer to a request that was sent twice, or late.
                claim(place, frame.value, .asked, at: now)
            } else {
                judge.witness(place, frame.value, at: now)
            }
            return
        }
        settle(by: frame, at: now)
        guard flags.isEmpty else { return receiveRefusal(of: register, flags, at: now) }
        if register == .serialNumber {
            receiveSerial(frame.value, isRepaired: frame.repairs > 0, at: now)
        } else if let place = place(of: register, at: now) {
            slots[place].refusals = 0
            claim(place, frame.value, .asked, at: now)
        }
    }

    private mutating func receiveAsync(_ frame: borrowing HexFrame, at now: Duration) {
        guard phase == .polling, !isLineShared, let register = frame.register, frame.flags?.isEmpty == true,
            register != .serialNumber, let place = place(of: register, at: now)
        else { return }
        if register == .historyTotal || register == .historyDay(0) {
            // Records change every minute and are long: one is asked for in its turn, and what is said here stands by
            // as a witness.
            judge.witness(place, frame.value, at: now)
            return
        }
        claim(place, frame.value, .async, at: now)
    }

    private mutating func receiveDone(_ frame: borrowing HexFrame, at now: Duration) {
        guard let request = outstanding?.request, frame.count >= 2 else { return noteUnsolicited() }
        switch request {
        case .productID:
            settle(by: frame, at: now)
            voteProduct(UInt16(frame[0]) | UInt16(frame[1]) << 8)
        case .applicationVersion:
            settle(by: frame, at: now)
            noteVersion(frame.value, at: now)
        case .ping, .get:
            noteUnsolicited()
        }
    }

    /// The outstanding request is answered.
    private mutating func settle(by frame: borrowing HexFrame, at now: Duration) {
        guard let settled = outstanding else { return }
        outstanding = nil
        unansweredInRow = 0
        if let place = settled.place { slots[place].failures = 0 }
        // The answer to a repeated request may be the late one to the first: not a measurement.
        guard settled.tries == 1 else { return }
        let turnaround = max(.zero, now - settled.sent)
        counters.turnaround.record(turnaround)
        // An answer that waited for the end of a TEXT block says nothing of the next one.
        guard let first = settled.firstByte, first >= now - Self.byteTime * (frame.count * 2 + 5) else { return }
        if let mean = meanTurnaround {
            let error = turnaround > mean ? turnaround - mean : mean - turnaround
            turnaroundDeviation = turnaroundDeviation * 3 / 4 + error / 4
            meanTurnaround = mean * 7 / 8 + turnaround / 8
        } else {
            meanTurnaround = turnaround
            turnaroundDeviation = turnaround / 2
        }
    }

    private mutating func claim(
        _ place: Int, _ raw: RawValue, _ provenance: RegisterReading.Provenance, at now: Duration
    ) {
        guard identity != nil, phase != .verifying else { return }
        let value: RegisterValue
        if let definition = slots[place].definition {
            do {
                value = try definition.decode(raw)
            } catch {
                counters.implausible += 1
                judge.noteDamage(at: now)
                confirm(place)
                return
            }
        } else {
            value = .bytes(raw.bytes)
        }
        switch judge.judge(place, raw, value, isSolicited: provenance != .async, at: now) {
        case .believe(let confidence):
            if slots[place].doubts > 0 { counters.confirmed += 1 }
            dropDoubt(place)
            if place == pursued { combiner.clear() }
            postpone(place, at: now)
            accept(place, raw, value, provenance, confidence, at: now)
        case .doubt:
            // What was said unasked waits for its turn where a turn takes long.
            guard provenance == .asked || !judge.isHeavilyDamaged else { return }
            confirm(place, atOnce: provenance == .asked)
        case .doubtDevice:
            wantsSerial = true
            confirm(place, atOnce: provenance == .asked)
        case .refuse:
            counters.implausible += 1
            confirm(place)
        }
    }

    /// Reads a register again, back to back, until enough claims agree or it has been tried too often.
    private mutating func confirm(_ place: Int, atOnce: Bool = false) {
        slots[place].doubts += 1
        guard slots[place].doubts <= maximumDoubts else {
            counters.unconfirmed += 1
            dropDoubt(place)
            return
        }
        guard slots[place].pace != nil || demanded.contains(slots[place].register), !slots[place].isQueued else { return }
        slots[place].isQueued = true
        // The one that is being read comes first: its value may change while others are read.
        if atOnce { confirmations.insert(place, at: 0) } else { confirmations.append(place) }
    }

    private mutating func dropDoubt(_ place: Int) {
        slots[place].doubts = 0
        if slots[place].isQueued {
            slots[place].isQueued = false
            confirmations.removeAll { $0 == place }
        }
    }

    private mutating func accept(
        _ place: Int, _ raw: RawValue, _ value: RegisterValue, _ provenance: RegisterReading.Provenance,
        _ confidence: Confidence, at now: Duration
    ) {
        let register = slots[place].register
        slots[place].believed = now
        if !memory.refused.isEmpty { memory.refused[register] = nil }
        if !demanded.isEmpty { demanded.remove(register) }
        switch value {
        case .number(let raw, _) where register == .productID:
            voteProduct(UInt16(truncatingIfNeeded: raw >> 8))
        case .number(let raw, _) where register == .capabilities:
            identity?.capabilities = Capabilities(rawValue: UInt32(truncatingIfNeeded: raw))
        case .text(let model) where register == .modelName && identity?.model != model:
            identity?.model = model
            if let identity { events.append(.identified(identity)) }
        case .historyDay(let day) where register == .historyDay(0):
            if daySequence != day.sequence { dueHistory(at: now) }
            daySequence = day.sequence
        default:
            break
        }
        report(register, raw, value, provenance, confidence, at: now)
    }

    private mutating func report(
        _ register: RegisterID, _ raw: RawValue, _ value: RegisterValue, _ provenance: RegisterReading.Provenance,
        _ confidence: Confidence, at now: Duration
    ) {
        counters.readings += 1
        events.append(
            .reading(
                RegisterReading(
                    register: register, raw: raw, value: value, provenance: provenance, confidence: confidence,
                    time: now)))
    }

    private mutating func receiveRefusal(of register: RegisterID, _ flags: HexFrame.Flags, at now: Duration) {
        guard let place = place(of: register, at: now) else { return }
        if slots[place].refusals > 0, now - slots[place].lastRefusal > .seconds(60) { slots[place].refusals = 0 }
        slots[place].refusals += 1
        slots[place].lastRefusal = now
        // On a line with damage one refusal is a claim like any other.
        guard judge.isLineClean(at: now) || slots[place].refusals >= judge.necessaryClaims else {
            if register != .serialNumber { confirm(place) }
            return
        }
        dropDoubt(place)
        if flags == .parameterError {
            // It knows the register and has nothing to say now (an empty history slot).
            postpone(place, at: now)
            return
        }
        if register == .serialNumber {
            // Who it is decides everything: asked twice on any line.
            if slots[place].refusals >= 2 { refusesSerial = true }
            tryToIdentify(at: now)
            return
        }
        // Said once on a clean line, it is asked again a little later, to be sure; said twice, it holds for a week.
        let isNew = memory.refused[register] == nil
        if slots[place].refusals >= 2 {
            memory.refused[register] = now
            postpone(place, at: now, by: DeviceMemory.lifetime)
        } else {
            postpone(place, at: now, by: plan.slowInterval)
        }
        let isDemanded = demanded.remove(register) != nil
        if isNew || isDemanded { events.append(.refused(register)) }
        if register == .applicationVersion, !versionRefused {
            versionRefused = true
            queue(.applicationVersion)
        }
    }

    /// A version word from a ping or command 3. It stands for register 0102 where the device refuses that.
    private mutating func noteVersion(_ raw: RawValue, at now: Duration) {
        guard let word = raw.unsigned, raw.count >= 2 else { return }
        firmwareVotes.note(FirmwareVersion(word: UInt16(truncatingIfNeeded: word)), isText: false)
        completeIdentity()
        guard versionRefused, let place = places[.applicationVersion] else { return }
        let value = RegisterValue.bytes(raw.bytes)
        switch judge.judge(place, raw, value, isSolicited: true, at: now) {
        case .believe(let confidence): report(.applicationVersion, raw, value, .command, confidence, at: now)
        case .doubt, .doubtDevice, .refuse: queue(.applicationVersion)
        }
    }

    // MARK: TEXT

    private mutating func receive(_ block: borrowing TextBlock, at now: Duration) {
        counters.blocks += 1
        hasHeardBlock = true
        lastText = now
        if case .listening = phase { begin(.identifying, at: now) }
        var serial: String?
        var product: UInt16?
        var version: FirmwareVersion?
        var numbers: [(RegisterID, Int64)] = []
        block.forEachField { label, value in
            switch label {
            case "SER#": serial = value
            case "PID": if value.hasPrefix("0x") { product = UInt16(value.dropFirst(2), radix: 16) }
            case "FW": version = FirmwareVersion(text: value)
            case "FWE": version = FirmwareVersion(extendedText: value)
            default:
                if let field = TextWitness.fields[label], let number = Int64(value) {
                    numbers.append((field.register, number / field.divisor))
                }
            }
        }
        if let serial { noteSerial(serial, isText: true, at: now) }
        if let product { voteProduct(product) }
        if let version {
            firmwareVotes.note(version, isText: true)
            completeIdentity()
        }
        // What it says counts only as said by the device that is known.
        guard phase == .polling else { return }
        for (register, number) in numbers {
            guard let place = places[register], let size = slots[place].textSize else { continue }
            judge.witness(place, RawValue(number: UInt64(bitPattern: number), count: size), at: now)
        }
    }

    // MARK: Identity

    private mutating func receiveSerial(_ raw: RawValue, isRepaired: Bool, at now: Duration) {
        guard let definition = RegisterCatalogue.standard[.serialNumber],
            case .text(let serial)? = try? definition.decode(raw)
        else { return }
        // A digit that was guessed may be right of a name that is known; it makes no new one.
        if isRepaired, serial != identity?.serial { return }
        noteSerial(serial, isText: false, at: now)
        guard serial == identity?.serial, let place = place(of: .serialNumber, at: now) else { return }
        postpone(place, at: now)
        // The padding behind it may be damaged.
        if case .believe(let confidence) = judge.judge(place, raw, .text(serial), isSolicited: true, at: now) {
            report(.serialNumber, raw, .text(serial), .asked, confidence, at: now)
        }
    }

    private mutating func noteSerial(_ serial: String, isText: Bool, at now: Duration) {
        if let identity {
            if serial == identity.serial {
                evidence = IdentityEvidence()
                if !isText {
                    judge.noteIdentity(at: now)
                    wantsSerial = false
                }
                if phase == .verifying, !isText || refusesSerial { begin(.polling, at: now) }
                return
            }
            // Another serial: damage, or another device. Nothing leaves until that is clear.
            if phase == .polling { begin(.verifying, at: now) }
        }
        evidence.note(serial, isText: isText)
        tryToIdentify(at: now)
    }

    private mutating func tryToIdentify(at now: Duration) {
        let expectsText = now - opened < Self.listeningTime
        guard let serial = evidence.serial(expectsText: expectsText, refusesHex: refusesSerial) else { return }
        if let identity, identity.serial != serial {
            events.append(.lostIdentity(identity))
            forgetDevice(at: now)
        }
        evidence = IdentityEvidence()
        identity = DeviceIdentity(serial: serial)
        judge.noteIdentity(at: now)
        wantsSerial = false
        // What the rest of the identity needs, before the first round.
        questions = [.productID, .get(.capabilities), .ping]
        nextQuestions = now + Self.questionInterval
        if phase != .identifying { begin(.identifying, at: now) }
        completeIdentity()
    }

    private mutating func forgetDevice(at now: Duration) {
        identity = nil
        judge.forget()
        productVotes = [:]
        firmwareVotes = FirmwareVotes()
        memory = DeviceMemory()
        confirmations = []
        demands = []
        demanded = []
        refusesSerial = false
        versionRefused = false
        daySequence = nil
        hasCompletedPass = false
        for index in slots.indices {
            slots[index].due = now
            slots[index].wasAsked = false
            slots[index].failures = 0
            slots[index].doubts = 0
            slots[index].isQueued = false
            slots[index].refusals = 0
        }
        roundStart = nil
        roundIndex = plannedCount
    }

    private mutating func voteProduct(_ id: UInt16) {
        if let known = identity?.productID, known == id {
            // What damage said in the hours before counts no longer.
            if !productVotes.isEmpty { productVotes = [:] }
            return
        }
        if productVotes.count > 8 { productVotes = [:] }
        productVotes[id, default: 0] += 1
        completeIdentity()
    }

    private mutating func queue(_ question: Request) {
        if !questions.contains(question) { questions.append(question) }
    }

    /// The product that enough frames agree on and hardly any deny.
    private var decidedProduct: UInt16? {
        guard let first = productVotes.max(by: { $0.value < $1.value }), first.value >= judge.necessaryClaims else {
            return nil
        }
        let others = productVotes.reduce(0) { $0 + $1.value } - first.value
        return first.value > 2 * others ? first.key : nil
    }

    /// Product and firmware count when two frames agree.
    private mutating func completeIdentity() {
        guard let before = identity else { return }
        if let id = decidedProduct, id != before.productID {
            productVotes = [:]
            identity?.productID = id
            if identity?.model == nil { identity?.model = Product.withID(id)?.model }
            judge.adopt(product: Product.withID(id))
        }
        if let version = firmwareVotes.decided, version != before.firmware {
            identity?.firmware = version
            if memory.serial != before.serial || memory.firmware != version {
                memory = DeviceMemory()
                memory.serial = before.serial
                memory.firmware = version
            }
        }
        if let identity, identity != before, phase == .polling { events.append(.identified(identity)) }
    }

    /// Asks for what is still missing of the identity: at first at once, then now and then.
    private mutating func askForTheRest(at now: Duration) {
        guard questions.isEmpty, let identity else { return }
        let isFirst = phase == .identifying
        guard isFirst || now >= nextQuestions else { return }
        if !isFirst { nextQuestions = now + Self.questionInterval }
        if identity.firmware == nil, !isFirst || firmwareVotes.needsHex { queue(.ping) }
        if identity.productID == nil, !isFirst || productVotes.values.contains(1) { queue(.productID) }
    }

    // MARK: What to ask

    /// The request to send now, if any. Call it after bytes arrived and when ``deadline`` has passed.
    public mutating func nextRequest(at now: Duration) -> Request? {
        if case .listening(let until) = phase {
            guard now >= until else { return nil }
            begin(.identifying, at: now)
        }
        if let waiting = outstanding {
            if waiting.wantsTwin {
                outstanding?.wantsTwin = false
                counters.requests += 1
                counters.retries += 1
                return waiting.request
            }
            guard now >= waiting.deadline else { return nil }
            if !waiting.hasHeardFrame, now - lastByte < speakingPause, now < waiting.limit {
                // It is speaking: the answer waits for the end of a TEXT block.
                let pause = speakingPause
                outstanding?.deadline = min(waiting.limit, lastByte + pause)
                return nil
            }
            if let request = repeatOrDrop(waiting, at: now) { return request }
        }
        if phase == .polling, now - lastGoodFrame > Self.senselessTime, now - lastByte < Self.textLife,
            unansweredInRow > 0
        {
            begin(.verifying, at: now)
        }
        updateState(at: now)
        switch phase {
        case .listening: return nil
        case .identifying: return nextQuestion(at: now)
        case .verifying:
            guard now >= nextAttempt else { return nil }
            return send(refusesSerial ? .ping : .get(.serialNumber), at: now)
        case .polling: return nextPoll(at: now)
        }
    }

    /// When to call ``nextRequest(at:)`` again if nothing arrives.
    public var deadline: Duration {
        if let outstanding { return outstanding.wantsTwin ? .zero : outstanding.deadline }
        switch phase {
        case .listening(let until): return until
        case .identifying, .verifying: return nextAttempt
        case .polling:
            if !confirmations.isEmpty || !questions.isEmpty || !demands.isEmpty || wantsSerial { return .zero }
            var next = nextRound
            if roundIndex < plannedCount, nextTurn < next { next = nextTurn }
            for index in 0..<plannedCount where slots[index].pace != .fast && slots[index].due < next {
                next = slots[index].due
            }
            return next
        }
    }

    private mutating func send(
        _ request: Request, place: Int? = nil, tries: Int = 1, begun: Duration? = nil, at now: Duration
    ) -> Request {
        counters.requests += 1
        let wait = timeout(try: tries, at: now)
        let sent = now + Self.requestWireTime
        if let place, place != pursued {
            pursued = place
            combiner.begin(slots[place].register)
        }
        outstanding = Outstanding(
            request: request, place: place, sent: sent, begun: begun ?? sent, deadline: sent + wait,
            limit: sent + max(wait, .milliseconds(400)), tries: tries)
        if judge.isHeavilyDamaged {
            // More than half of all requests are lost or damaged: each is sent twice.
            outstanding?.wantsTwin = true
            outstanding?.answersDue = 2
            outstanding?.deadline += Self.requestWireTime * 2
        }
        return request
    }

    /// From the measured turn-around. On a clean line silence is rare, and patience costs nothing; on a damaged one
    /// requests get lost, and whether the device is busy with TEXT can be seen.
    private func timeout(try tries: Int, at now: Duration) -> Duration {
        guard let mean = meanTurnaround else { return .milliseconds(400) }
        let base = mean + turnaroundDeviation * 4
        guard judge.hasDamage else {
            return min(max(base + .milliseconds(150), .milliseconds(350)) * tries, .seconds(1))
        }
        // A little more each time, for a device that has become slower.
        return min(base + .milliseconds(8) + base / 2 * (tries - 1), .milliseconds(600))
    }

    /// The time of the outstanding request is over: the request to send instead of it, if it is to be repeated.
    private mutating func repeatOrDrop(_ waiting: Outstanding, at now: Duration) -> Request? {
        outstanding = nil
        counters.timeouts += 1
        if waiting.hasHeardFrame {
            // Damaged, or drowned by others. The device is there.
            guard waiting.request != .get(.serialNumber) else {
                wantsSerial = phase == .polling
                return nil
            }
            guard phase == .polling, let place = waiting.place else {
                return waiting.tries < maximumDoubts ? again(waiting, at: now) : nil
            }
            slots[place].doubts += 1
            guard slots[place].doubts <= maximumDoubts else {
                counters.unconfirmed += 1
                dropDoubt(place)
                slots[place].due = now
                return nil
            }
            return again(waiting, at: now)
        }
        unansweredInRow = min(unansweredInRow + 1, 1000)
        switch phase {
        case .listening:
            return nil
        case .identifying, .verifying:
            let excess = unansweredInRow - patience + 2
            if excess >= 0 { nextAttempt = now + min(.seconds(3), .milliseconds(100) * (1 << min(excess, 5))) }
            // Who it is is asked for as long as it takes; the rest can wait.
            guard waiting.request != .get(.serialNumber), waiting.tries < Self.maximumTries else { return nil }
            return again(waiting, at: now)
        case .polling:
            // On a line that loses requests a short silence is one that was lost. On any other it is the moment in
            // which a plug was pulled: nothing more is believed before the device has said who it is.
            let isDark = !judge.hasDamage || now - lastByte >= Self.plugTime
            let isUsedUp = waiting.tries >= Self.maximumTries
            guard isDark || isUsedUp else { return again(waiting, at: now) }
            if judge.hasDamage, !isDark, unansweredInRow < patience {
                if let place = waiting.place {
                    dropDoubt(place)
                    slots[place].due = now
                }
                return nil
            }
            if let place = waiting.place {
                dropDoubt(place)
                slots[place].failures = min(slots[place].failures + (isUsedUp ? Self.maximumTries : 1), 30)
                // A register that is never answered must not stall every round.
                let excess = slots[place].failures - Self.maximumTries
                let wait = excess < 0 || judge.hasDamage ? .zero : .seconds(2) * (1 << min(excess, 10))
                postpone(place, at: now, by: min(.seconds(3600), wait))
            }
            begin(.verifying, at: now)
            return nil
        }
    }

    private mutating func again(_ waiting: Outstanding, at now: Duration) -> Request {
        counters.retries += 1
        return send(waiting.request, place: waiting.place, tries: waiting.tries + 1, begun: waiting.begun, at: now)
    }

    private mutating func nextQuestion(at now: Duration) -> Request? {
        guard now >= nextAttempt else { return nil }
        guard identity != nil else {
            if refusesSerial {
                // Only TEXT can tell; a ping now and then keeps the line tried.
                nextAttempt = now + .seconds(1)
                return send(.ping, at: now)
            }
            return send(.get(.serialNumber), at: now)
        }
        askForTheRest(at: now)
        if !questions.isEmpty { return ask(questions.removeFirst(), at: now) }
        begin(.polling, at: now)
        return nextPoll(at: now)
    }

    private mutating func ask(_ question: Request, at now: Duration) -> Request {
        if case .get(let register) = question { return send(question, place: places[register], at: now) }
        return send(question, at: now)
    }

    /// When the next round of fast registers begins.
    private var nextRound: Duration {
        guard let roundStart else { return .zero }
        return roundStart + (isFirstPass ? max(plan.fastInterval, Self.firstPassInterval) : plan.fastInterval)
    }

    /// Whether everything is to be asked for once before the fast registers are again. Not on a line where that takes
    /// for ever.
    private var isFirstPass: Bool { !hasCompletedPass && !judge.isHeavilyDamaged }

    private mutating func nextPoll(at now: Duration) -> Request? {
        if wantsSerial, !refusesSerial {
            wantsSerial = false
            counters.confirmations += 1
            return send(.get(.serialNumber), at: now)
        }
        // Where what moves is in doubt all the time, what stands still is not to be forgotten over it.
        if judge.hasDamage, let place = stalestTurn(after: .seconds(4), at: now) { return poll(place, at: now) }
        if !confirmations.isEmpty {
            let place = confirmations.removeFirst()
            slots[place].isQueued = false
            counters.confirmations += 1
            return send(.get(slots[place].register), place: place, at: now)
        }
        if !demands.isEmpty {
            let register = demands.removeFirst()
            return send(.get(register), place: place(of: register, at: now), at: now)
        }
        // The rest of a round of the fast registers…
        if let request = nextFast(at: now) { return request }
        // …then something seldom: all of it at first, later as much as the pace of the rounds allows…
        askForTheRest(at: now)
        if roundStart != nil, !hasCompletedPass, now < nextRound || !isFirstPass {
            if isFirstPass, !questions.isEmpty { return ask(questions.removeFirst(), at: now) }
            if let place = nextUnasked() {
                if isFirstPass { return poll(place, at: now) }
            } else {
                hasCompletedPass = true
                events.append(.passCompleted)
            }
        }
        if roundStart != nil, now < nextRound || extraBudget > 0 {
            extraBudget -= 1
            if !questions.isEmpty { return ask(questions.removeFirst(), at: now) }
            if let place = nextSeldom(at: now) { return poll(place, at: now) }
        }
        // …then the next round.
        guard roundStart == nil || now >= nextRound else { return nil }
        // Where a round takes long, what moves with the clouds comes first.
        let isLate = roundStart.map { now - $0 > .seconds(2) } ?? false
        roundStart = now
        roundIndex = 0
        rounds &+= 1
        extraBudget = isLate && rounds & 3 != 0 ? 0 : 1
        spreadTurns(at: now)
        if let request = nextFast(at: now) { return request }
        guard !isFirstPass, extraBudget > 0, let place = nextSeldom(at: now) else { return nil }
        return poll(place, at: now)
    }

    private mutating func nextFast(at now: Duration) -> Request? {
        if judge.isHeavilyDamaged, let place = stalestTurn(after: .seconds(2), at: now) { return poll(place, at: now) }
        while roundIndex < plannedCount, now >= nextTurn {
            let place = roundIndex
            roundIndex += 1
            guard slots[place].pace == .fast, slots[place].due <= now else { continue }
            nextTurn += turnSpacing
            return poll(place, at: now)
        }
        return nil
    }

    /// The turns of a round are spread over its time: a device that is asked all the time is never long unheard, and
    /// a plug that is moved is noticed.
    private mutating func spreadTurns(at now: Duration) {
        let isSpread = hasCompletedPass && !judge.hasDamage && !isLineShared
        let end = now + plan.fastInterval
        let turns = isSpread ? (0..<plannedCount).count { slots[$0].pace == .fast && slots[$0].due < end } : 0
        turnSpacing = turns > 0 ? plan.fastInterval * 9 / 10 / turns : .zero
        nextTurn = now
    }

    /// The fast register that has waited longest, if it has waited so long; every other time, so that one that is
    /// never answered holds up nobody. One that was answered before and is about to grow old has every turn.
    private mutating func stalestTurn(after age: Duration, at now: Duration) -> Int? {
        guard let place = stalestFast(after: age, at: now) else { return nil }
        takesStalest.toggle()
        let wait = now - slots[place].believed
        return takesStalest || slots[place].believed > .zero && (Self.urgentAge..<Self.hopelessAge).contains(wait)
            ? place : nil
    }

    private func stalestFast(after age: Duration, at now: Duration) -> Int? {
        var stalest: Int?
        for place in 0..<plannedCount where slots[place].pace == .fast && slots[place].due <= now {
            if stalest.map({ slots[place].believed < slots[$0].believed }) ?? true { stalest = place }
        }
        return stalest.flatMap { now - slots[$0].believed > age ? $0 : nil }
    }

    private mutating func poll(_ place: Int, at now: Duration) -> Request {
        // Asked again even if nothing comes of this: a doubt that is dropped waits for its turn.
        postpone(place, at: now)
        slots[place].doubts = 0
        return send(.get(slots[place].register), place: place, at: now)
    }

    /// What was never asked, in the plan's order; the records of days come when there is time.
    private func nextUnasked() -> Int? {
        for place in 0..<plannedCount where !slots[place].wasAsked && slots[place].pace != .history { return place }
        return nil
    }

    private func nextSeldom(at now: Duration) -> Int? {
        var best: Int?
        for place in 0..<plannedCount where slots[place].pace != .fast && slots[place].due <= now {
            // What was never asked comes first, in the plan's order; then the longest overdue.
            if !slots[place].wasAsked { return place }
            if best.map({ slots[place].due < slots[$0].due }) ?? true { best = place }
        }
        return best
    }

    private mutating func postpone(_ place: Int, at now: Duration, by delay: Duration? = nil) {
        guard let pace = slots[place].pace else { return }
        slots[place].wasAsked = true
        if let delay {
            slots[place].due = now + delay
        } else if pace == .history, slots[place].register != .historyDay(0), slots[place].register != .historyTotal {
            slots[place].due = now + plan.constantInterval
        } else {
            // A little early counts, so that a round does not skip what it read a hair later last time.
            slots[place].due = now + plan.interval(of: pace) * 9 / 10
        }
    }

    private mutating func dueHistory(at now: Duration) {
        for place in 0..<plannedCount where slots[place].pace == .history {
            if slots[place].register != .historyDay(0) { slots[place].due = now }
        }
    }

    // MARK: Wishes of the caller

    /// Registers that may wait to be asked for out of turn.
    public static let maximumDemands = 8

    /// Asks for a register out of turn, also for one that the plan does not have. Its value is judged like any other,
    /// and comes as an event, or its refusal does; where nothing comes of it, no event says so.
    ///
    /// - Returns: false if no device answers now, or ``maximumDemands`` wait already.
    public mutating func demand(_ register: RegisterID) -> Bool {
        guard phase == .polling else { return false }
        guard !demands.contains(register) else { return true }
        guard demanded.count < Self.maximumDemands else { return false }
        demanded.insert(register)
        demands.append(register)
        return true
    }

    /// Nobody waits for a register any more that was asked for out of turn.
    public mutating func withdrawDemand(_ register: RegisterID) {
        demanded.remove(register)
        demands.removeAll { $0 == register }
    }

    /// Asks at other intervals from now on. The registers of the plan stay what they are.
    public mutating func adopt(intervalsOf other: PollPlan, at now: Duration) {
        plan.fastInterval = other.fastInterval
        plan.slowInterval = other.slowInterval
        plan.settingsInterval = other.settingsInterval
        plan.constantInterval = other.constantInterval
        plan.historyInterval = other.historyInterval
        for place in 0..<plannedCount {
            guard let pace = slots[place].pace, pace < .settings else { continue }
            slots[place].due = min(slots[place].due, now + plan.interval(of: pace))
        }
    }

    /// Whether the device answers on a line without damage: then what it says may be read a little later.
    public var isCalm: Bool { phase == .polling && judge.isLineClean(at: lastByte) }

    // MARK: A shared line

    /// Whether an answer is waited for.
    public var isWaiting: Bool { outstanding != nil }

    /// The line goes to another device: what is not answered by now is asked again in the next turn.
    public mutating func pause() {
        guard let waiting = outstanding else { return }
        outstanding = nil
        if let place = waiting.place, slots[place].pace != nil {
            slots[place].due = waiting.sent
        } else if waiting.request != .get(.serialNumber) {
            queue(waiting.request)
        }
    }

    /// Takes the serial number that was just asked for, from whoever has asked for it on the same line meanwhile.
    mutating func takeSerial(_ raw: RawValue, at now: Duration) {
        guard outstanding?.request == .get(.serialNumber) else { return }
        outstanding = nil
        unansweredInRow = 0
        lastByte = now
        lastGoodFrame = now
        receiveSerial(raw, isRepaired: false, at: now)
    }

    /// The line is back. Nothing of a known device is believed before its serial number was read again.
    public mutating func resume(at now: Duration) {
        decoder = StreamDecoder(repairsDigits: true)
        combiner.clear()
        hasHeardBlock = false
        unansweredInRow = 0
        lastByte = now
        lastGoodFrame = now
        nextAttempt = now
        if phase == .polling { begin(.verifying, at: now) }
    }

    // MARK: State

    private mutating func begin(_ phase: Phase, at now: Duration) {
        if phase == .verifying, self.phase != .verifying { verifyingSince = now }
        self.phase = phase
        nextAttempt = now
        // Whoever answers what was asked before may be another device.
        if phase == .verifying, outstanding?.request != .get(.serialNumber) { outstanding = nil }
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

    private mutating func updateState(at now: Duration) {
        let isAnswering = unansweredInRow < patience
        let hasText = lastText.map { now - $0 < Self.textLife } ?? false
        let new: State =
            switch phase {
            case .listening: .listening
            case .polling: .polling
            case .identifying where isAnswering: .identifying
            // Whoever looks twice says nothing of it: mostly it is settled by the next answer.
            case .verifying where isAnswering:
                state == .polling && now - verifyingSince < Self.quietVerification ? .polling : .verifying
            case .identifying, .verifying: hasText ? .textOnly : isEchoing(at: now) ? .echoOnly : .silent
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

/// Which TEXT fields say the same as which registers, to the digit: independent witnesses of a reading.
enum TextWitness {
    /// The register, and by what the TEXT number is divided to be the register's raw number.
    static let fields: [String: (register: RegisterID, divisor: Int64)] = [
        "V": (.chargerVoltage, 10),
        "VPV": (.panelVoltage, 10),
        "CS": (.deviceState, 1),
        "ERR": (.chargerError, 1),
        "H19": (.userYield, 1),
        "H20": (.yieldToday, 1),
        "H21": (.maximumPowerToday, 1),
        "H22": (.yieldYesterday, 1),
        "H23": (.maximumPowerYesterday, 1),
    ]
}
