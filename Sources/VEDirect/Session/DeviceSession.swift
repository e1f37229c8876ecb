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

    private struct Outstanding {
        var request: Request
        /// When it was sent last, and for the first time.
        var sent: Duration
        var first: Duration
        var deadline: Duration
        var tries: Int
        var isConfirmation: Bool
        /// Bytes received before it was sent.
        var bytesBefore: Int
        /// Something broken came when the answer was due.
        var isAnswerBroken = false
        /// Whether the line was clean when it was sent: then no answer means something.
        var wasClean: Bool
        /// It came back as it was sent.
        var hasEchoed = false
    }

    /// Times a request is sent before it is given up.
    private static let maximumTries = 3
    /// The same on a very noisy line, where damaged answers add up.
    private static let maximumNoisyTries = 120
    /// Readings of a register in doubt before the doubt is dropped until its next turn.
    private static let maximumDoubts = 6
    /// The same for a fast register on a noisy line. Its value has often moved on between two answers, and a round takes
    /// seconds there: a turn that came to nothing is a long gap.
    private static let maximumNoisyDoubts = 16
    /// How long a fresh port is only listened to: a TEXT block comes each second.
    static let listeningTime: Duration = .milliseconds(1200)
    /// TEXT counts as alive this long after a block.
    private static let textLife: Duration = .milliseconds(3500)
    /// A line counts as echoing this long after an echo: requests go out every few seconds to a device that is dead.
    private static let echoLife: Duration = .seconds(15)
    /// On a noisy line: how long after the last byte it counts as quiet. Adapters hand out bytes every 16 ms.
    private static let quietTime: Duration = .milliseconds(25)
    /// On a very noisy line: fast registers older than this, beyond their interval, come before all others.
    private static let fastLife: Duration = .seconds(2)
    /// The same on a very noisy line, where a request that comes too early costs less than time.
    private static let shortQuietTime: Duration = .milliseconds(6)
    /// On a noisy line: this long after the last byte the device still speaks.
    private static let speechLife: Duration = .milliseconds(1500)
    /// On a noisy line: this long without any answer, and the device itself is in question.
    private static let answerLife: Duration = .seconds(10)
    /// On a noisy line: the longest that a register waits after its request came to nothing.
    private static let noisePenalty: Duration = .seconds(5)
    /// The bytes of the answer about a register of four bytes.
    private static let longestShortAnswer = 18
    /// A device that answers within this gives several answers before its values move on.
    private static let quickTurnaround: Duration = .milliseconds(20)
    /// The time of eleven bytes at 19200 baud.
    private static let requestWireTime: Duration = .microseconds(5730)

    private var plan: PollPlan
    private let opened: Duration
    private var decoder = StreamDecoder()
    private var judge = Guard()
    private var votes = AnswerVotes()
    private var phase: Phase
    private var events: [Event] = []
    private var outstanding: Outstanding?

    // Identity
    private var evidence = IdentityEvidence()
    private var refusesSerial = false
    private var serialRefusals = 0
    private var productVotes: [UInt16: Int] = [:]
    private var firmwareVotes: [FirmwareVersion: Int] = [:]
    private var questions: [Request] = []
    private var unansweredInRow = 0
    private var lastText: Duration?
    private var lastEcho: Duration?
    private var lastAnswer: Duration?
    private var lastHeard: Duration = .seconds(-1)
    private var nextAttempt: Duration = .zero
    private var hasHeardBlock = false

    // Polling
    private var due: [Duration]
    private var failures: [RegisterID: Int] = [:]
    private var doubts: [RegisterID: Int] = [:]
    private var confirmations: [RegisterID] = []
    private var roundStart: Duration?
    private var roundIndex: Int
    private var extraBudget = 0
    private var hasCompletedPass = false
    private var asked: [Bool]
    private var daySequence: Int?
    private var versionRefused = false

    // The estimate of the device's turn-around.
    private var meanTurnaround: Duration?
    private var turnaroundDeviation: Duration = .zero

    /// Who the device is; nil until enough frames agree.
    public private(set) var identity: DeviceIdentity?
    /// How the device is doing.
    public private(set) var state = State.listening
    /// What happened on the line.
    public private(set) var counters = LinkCounters()
    /// What was learned; give it to the next session of the same device.
    public private(set) var memory: DeviceMemory

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
        phase = .listening(until: now + Self.listeningTime)
        due = [Duration](repeating: now, count: plan.entries.count)
        asked = [Bool](repeating: false, count: plan.entries.count)
        roundIndex = plan.entries.count
    }

    // MARK: Bytes in

    /// Takes bytes that arrived at `now`.
    public mutating func receive(_ bytes: Span<UInt8>, at now: Duration) {
        counters.bytes += bytes.count
        if bytes.count > 0 { lastHeard = now }
        judge.noteBytes(bytes.count)
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
        if votes.register != nil { countVotes(bytes, at: now) }
        // On a noisy line the timeout is short, for many requests are lost. While the device speaks it goes on: the
        // answer may stand behind a TEXT block.
        if let waiting = outstanding, !waiting.isAnswerBroken, !judge.isLineClean {
            let longest = waiting.sent + Self.requestWireTime + patientTimeout(try: waiting.tries)
            let quiet = votes.register == nil ? Self.quietTime : Self.shortQuietTime
            outstanding?.deadline = max(waiting.deadline, min(now + quiet, longest))
        }
    }

    /// On a very noisy line: damaged answers are evidence too.
    private mutating func countVotes(_ bytes: Span<UInt8>, at now: Duration) {
        for index in bytes.indices {
            switch votes.take(bytes[index], at: now) {
            case .none:
                break
            case .copy:
                // That was the answer, whole or not, but for its line feed: nothing more to wait for.
                guard let waiting = outstanding, waiting.request == votes.register.map(Request.get) else { break }
                outstanding?.isAnswerBroken = true
                outstanding?.deadline = min(waiting.deadline, now + .milliseconds(1))
            case .value(let raw):
                guard let register = votes.register, phase == .polling else { break }
                if outstanding?.request == .get(register) { settle(at: now) }
                claim(register, raw, .asked, isVoted: true, at: now)
            }
        }
    }

    /// Takes bytes that arrived at `now`; for callers that have an array.
    public mutating func receive(_ bytes: [UInt8], at now: Duration) { receive(bytes.span, at: now) }

    private mutating func receive(_ rejection: StreamDecoder.Rejection, at now: Duration) {
        switch rejection.what {
        case .hex:
            counters.rejectedFrames[rejection.reason, default: 0] += 1
            judge.noteDamage()
            // Perhaps that was the answer: don't wait out the whole timeout, but don't talk into it either.
            if let waiting = outstanding {
                let expected =
                    waiting.sent + Self.requestWireTime + (meanTurnaround ?? .milliseconds(100))
                // A frame that came to its end leaves nothing to wait for.
                let isOver = rejection.reason == .checksum
                let retry = max(isOver ? now : now + .milliseconds(3), expected)
                outstanding?.deadline = min(waiting.deadline, retry)
                if now + Self.quietTime >= expected { outstanding?.isAnswerBroken = true }
            }
        case .text:
            // The first block after opening is usually half a block; on old firmware the first request cuts one.
            let isExpected = !hasHeardBlock || identity?.firmware?.stopsTextWhileAsked == true
            hasHeardBlock = true
            counters.rejectedBlocks[rejection.reason, default: 0] += 1
            if !isExpected { judge.noteDamage() }
        }
    }

    private mutating func receive(_ frame: borrowing HexFrame, at now: Duration) {
        if isEcho(frame, at: now) { return }
        counters.frames += 1
        judge.noteGoodFrame()
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
            settle(at: now)
            noteVersion(frame.value, at: now)
        case .unknown:
            guard let request = outstanding?.request, request == .applicationVersion || request == .productID else {
                return noteUnsolicited()
            }
            settle(at: now)
            if request == .applicationVersion { questions.append(.ping) }
        case .error:
            counters.deviceErrors += 1
            judge.noteDamage()
            // The device could not read the request and says so: ask again at once.
            if outstanding != nil { outstanding?.deadline = now }
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
            if flags.isEmpty, register != .serialNumber { judge.witness(register, frame.value, at: now) }
            return
        }
        let wasConfirmation = outstanding?.isConfirmation == true
        let isBare = frame.count == 3
        settle(at: now)
        guard flags.isEmpty else {
            // A refusal says nothing else; one that carries a value is damage until it is said again.
            receiveRefusal(
                of: register, flags, wasConfirmation: wasConfirmation, isBare: isBare, at: now)
            return
        }
        let raw = frame.value
        if register == .serialNumber {
            receiveSerial(raw, at: now)
            return
        }
        claim(register, raw, .asked, at: now)
    }

    private mutating func receiveAsync(_ frame: borrowing HexFrame, at now: Duration) {
        guard let register = frame.register, frame.flags?.isEmpty == true, register != .serialNumber else { return }
        guard phase == .polling else { return }
        if register == .historyTotal || register == .historyDay(0) {
            // Records change every minute and are long: one is asked for in its turn, and what is said here stands by
            // as a witness.
            judge.witness(register, frame.value, at: now)
            return
        }
        claim(register, frame.value, .async, at: now)
    }

    private mutating func receiveDone(_ frame: borrowing HexFrame, at now: Duration) {
        guard let request = outstanding?.request, frame.count >= 2 else { return noteUnsolicited() }
        switch request {
        case .productID:
            settle(at: now)
            voteProduct(UInt16(frame[0]) | UInt16(frame[1]) << 8)
        case .applicationVersion:
            settle(at: now)
            noteVersion(frame.value, at: now)
        case .ping, .get:
            noteUnsolicited()
        }
    }

    /// The outstanding request is answered.
    private mutating func settle(at now: Duration) {
        guard let settled = outstanding else { return }
        outstanding = nil
        unansweredInRow = 0
        lastAnswer = now
        if case .get(let register) = settled.request { failures[register] = nil }
        // The answer to a repeated request may be the late one to the first: not a measurement.
        guard settled.tries == 1 else { return }
        let turnaround = max(.zero, now - settled.sent - Self.requestWireTime)
        counters.turnaround.record(turnaround)
        // With TEXT or frames between it tells how much was said, not how quick the device is; ``patientTimeout(try:)``
        // has room for those.
        let isAlone = counters.bytes - settled.bytesBefore <= Self.longestShortAnswer
        guard isAlone || meanTurnaround == nil else { return }
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
        _ register: RegisterID, _ raw: RawValue, _ provenance: RegisterReading.Provenance, isVoted: Bool = false,
        at now: Duration
    ) {
        let value: RegisterValue
        if let definition = RegisterCatalogue.standard[register] {
            do {
                value = try definition.decode(raw)
            } catch {
                counters.implausible += 1
                judge.noteDamage()
                confirm(register)
                return
            }
        } else {
            value = .bytes(raw.bytes)
        }
        let isSolicited = provenance != .async
        let verdict =
            isVoted
            ? judge.judgeVoted(register, raw, value, at: now)
            : judge.judge(register, raw, value, isSolicited: isSolicited, at: now)
        switch verdict {
        case .believe(let confidence):
            if doubts[register] != nil { counters.confirmed += 1 }
            doubts[register] = nil
            confirmations.removeAll { $0 == register }
            postpone(register, at: now)
            accept(register, raw, value, provenance, confidence, at: now)
        case .doubt:
            // On a noisy line a device that says much unasked would keep us asking back for ever: what it says stands
            // by as a witness for the answer that comes in its turn.
            if isSolicited || judge.isLineClean { confirm(register) }
        case .refuse:
            counters.implausible += 1
            confirm(register)
        }
    }

    /// Reads a register again, back to back, until two claims agree or it has been tried too often.
    private mutating func confirm(_ register: RegisterID) {
        let count = (doubts[register] ?? 0) + 1
        let isFast = plan.entries.contains { $0.register == register && $0.pace == .fast }
        guard count <= (isFast && !judge.isLineClean ? Self.maximumNoisyDoubts : Self.maximumDoubts) else {
            doubts[register] = nil
            counters.unconfirmed += 1
            confirmations.removeAll { $0 == register }
            return
        }
        doubts[register] = count
        guard plan.entries.contains(where: { $0.register == register }) else { return }
        // Next of all: the sooner, the likelier it still has the value that is in doubt.
        confirmations.removeAll { $0 == register }
        confirmations.insert(register, at: 0)
        // On a clean line a value that cannot follow the last one may be another charger's: first, is it still this one?
        if judge.isLineClean, identity != nil, !refusesSerial, !confirmations.contains(.serialNumber) {
            confirmations.insert(.serialNumber, at: 0)
        }
    }

    private mutating func accept(
        _ register: RegisterID, _ raw: RawValue, _ value: RegisterValue, _ provenance: RegisterReading.Provenance,
        _ confidence: Confidence, at now: Duration
    ) {
        if memory.refused[register] != nil { memory.refused[register] = nil }
        switch (register, value) {
        case (.productID, .number(let raw, _)):
            voteProduct(UInt16(truncatingIfNeeded: raw >> 8))
        case (.modelName, .text(let model)) where identity?.model != model:
            identity?.model = model
            if let identity { events.append(.identified(identity)) }
        case (.capabilities, .number(let raw, _)):
            identity?.capabilities = Capabilities(rawValue: UInt32(truncatingIfNeeded: raw))
        case (.historyDay(0), .historyDay(let day)):
            if daySequence != day.sequence { dueHistory(at: now) }
            daySequence = day.sequence
        default:
            break
        }
        counters.readings += 1
        events.append(
            .reading(
                RegisterReading(
                    register: register, raw: raw, value: value, provenance: provenance, confidence: confidence,
                    time: now)))
    }

    private mutating func receiveRefusal(
        of register: RegisterID, _ flags: HexFrame.Flags, wasConfirmation: Bool, isBare: Bool, at now: Duration
    ) {
        if flags == .parameterError {
            // It knows the register and has nothing to say now (an empty history slot).
            postpone(register, at: now)
            return
        }
        if register == .serialNumber {
            serialRefusals += 1
            // A device that is known by its serial has told it; and on a noisy line a refusal has to be said twice.
            guard identity == nil, judge.isLineClean || isBare && serialRefusals >= 2 else { return }
            refusesSerial = true
            tryToIdentify(at: now)
            return
        }
        // On a line with damage one refusal is a claim like any other.
        guard wasConfirmation && isBare || judge.isLineClean else { return confirm(register) }
        doubts[register] = nil
        confirmations.removeAll { $0 == register }
        let isNew = memory.refused[register] == nil
        // Said once, it is asked again a little later, to be sure; said twice, it holds for a week.
        postpone(register, at: now, by: isNew ? plan.slowInterval : DeviceMemory.lifetime)
        memory.refused[register] = now
        if isNew { events.append(.refused(register)) }
        if register == .applicationVersion, !versionRefused {
            versionRefused = true
            questions.append(.applicationVersion)
        }
    }

    /// A version word from a ping or command 3. It stands for register 0102 where the device refuses that.
    private mutating func noteVersion(_ raw: RawValue, at now: Duration) {
        guard let word = raw.unsigned, raw.count >= 2 else { return }
        voteFirmware(FirmwareVersion(word: UInt16(truncatingIfNeeded: word)))
        guard versionRefused else { return }
        let value = RegisterValue.bytes(raw.bytes)
        switch judge.judge(.applicationVersion, raw, value, isSolicited: true, at: now) {
        case .believe(let confidence):
            accept(.applicationVersion, raw, value, .command, confidence, at: now)
        case .doubt, .refuse:
            questions.append(.applicationVersion)
        }
    }

    // MARK: TEXT

    private mutating func receive(_ block: borrowing TextBlock, at now: Duration) {
        counters.blocks += 1
        hasHeardBlock = true
        lastText = now
        if case .listening = phase { begin(.identifying, at: now) }
        var serial: String?
        var witnesses: [(RegisterID, Int64)] = []
        block.forEachField { label, value in
            switch label {
            case "SER#": serial = value
            case "PID": if let id = UInt16(value.dropFirst(2), radix: 16), value.hasPrefix("0x") { voteProduct(id) }
            case "FW": if let version = FirmwareVersion(text: value) { voteFirmware(version) }
            case "FWE": if let version = FirmwareVersion(extendedText: value) { voteFirmware(version) }
            default:
                if let field = TextWitness.fields[label], let number = Int64(value) {
                    witnesses.append((field.register, number / field.divisor))
                }
            }
        }
        for (register, number) in witnesses {
            guard let size = TextWitness.size(of: register) else { continue }
            let bits = UInt64(bitPattern: number)
            judge.witness(
                register, RawValue((0..<size).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }), at: now)
        }
        if let serial { noteSerial(serial, isText: true, at: now) }
    }

    // MARK: Identity

    private mutating func receiveSerial(_ raw: RawValue, at now: Duration) {
        guard let definition = RegisterCatalogue.standard[.serialNumber],
            case .text(let serial)? = try? definition.decode(raw)
        else { return }
        serialRefusals = 0
        noteSerial(serial, isText: false, at: now)
        if serial == identity?.serial {
            // The text is right; the bytes behind it, which are padding, are a claim like any other.
            claim(.serialNumber, raw, .asked, at: now)
        }
    }

    private mutating func noteSerial(_ serial: String, isText: Bool, at now: Duration) {
        if let identity {
            if serial == identity.serial {
                evidence = IdentityEvidence()
                if phase == .verifying, !isText || refusesSerial { begin(.polling, at: now) }
                return
            }
        }
        evidence.note(serial, isText: isText)
        // Another serial: damage, or another device. Nothing leaves until that is clear. On a noisy line it has to be
        // said twice, for there a damaged one is heard every few minutes.
        if identity != nil, phase == .polling, judge.isLineClean || evidence.strongest >= 2 {
            begin(.verifying, at: now)
        }
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
        // What the rest of the identity needs, before the first round.
        questions = [.productID, .get(.capabilities), .ping]
        if phase != .identifying { begin(.identifying, at: now) }
        completeIdentity()
    }

    private mutating func forgetDevice(at now: Duration) {
        identity = nil
        judge.forget()
        productVotes = [:]
        firmwareVotes = [:]
        memory = DeviceMemory()
        doubts = [:]
        confirmations = []
        failures = [:]
        refusesSerial = false
        versionRefused = false
        daySequence = nil
        hasCompletedPass = false
        due = [Duration](repeating: now, count: plan.entries.count)
        asked = [Bool](repeating: false, count: plan.entries.count)
        roundStart = nil
        roundIndex = plan.entries.count
    }

    private mutating func voteProduct(_ id: UInt16) {
        productVotes[id, default: 0] += 1
        if productVotes.count > 8 { productVotes = [:] }
        completeIdentity()
    }

    private mutating func voteFirmware(_ version: FirmwareVersion) {
        firmwareVotes[version, default: 0] += 1
        if firmwareVotes.count > 8 { firmwareVotes = [:] }
        completeIdentity()
    }

    /// Product and firmware count when two frames agree; for others in their place three must agree, with none for the
    /// known ones between, for a damaged TEXT block passes its checksum every few minutes on a noisy line.
    private mutating func completeIdentity() {
        guard let before = identity else { return }
        if let known = before.productID, productVotes[known] != nil { productVotes = [:] }
        if let known = before.firmware, firmwareVotes[known] != nil { firmwareVotes = [:] }
        let votesForProduct = before.productID == nil ? 2 : 3
        let votesForFirmware = before.firmware == nil ? 2 : 3
        if let id = productVotes.first(where: { $0.value >= votesForProduct })?.key, id != before.productID {
            identity?.productID = id
            if identity?.model == nil { identity?.model = Product.withID(id)?.model }
            judge.adopt(product: Product.withID(id))
        }
        if let version = firmwareVotes.first(where: { $0.value >= votesForFirmware })?.key, version != before.firmware {
            identity?.firmware = version
            if memory.serial != before.serial || memory.firmware != version {
                memory = DeviceMemory()
                memory.serial = before.serial
                memory.firmware = version
            }
        }
        if let identity, identity != before, phase == .polling { events.append(.identified(identity)) }
    }

    // MARK: What to ask

    /// The request to send now, if any. Call it after bytes arrived and when ``deadline`` has passed.
    public mutating func nextRequest(at now: Duration) -> Request? {
        if case .listening(let until) = phase {
            guard now >= until else { return nil }
            begin(.identifying, at: now)
        }
        if let waiting = outstanding {
            guard now >= waiting.deadline else { return nil }
            if phase == .polling, waiting.wasClean, waiting.tries == 1, suspectPlug(waiting, at: now) {
                updateState(at: now)
                return nextRequest(at: now)
            }
            if waiting.tries < (votes.register != nil ? Self.maximumNoisyTries : Self.maximumTries) {
                counters.timeouts += 1
                counters.retries += 1
                return send(
                    waiting.request, tries: waiting.tries + 1, isConfirmation: waiting.isConfirmation,
                    first: waiting.first, at: now)
            }
            giveUp(waiting, at: now)
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

    /// On a clean line answers don't get lost, but plugs are moved: before anything else, is it still the same device?
    /// The register is asked again afterwards. False for one that is never answered.
    private mutating func suspectPlug(_ waiting: Outstanding, at now: Duration) -> Bool {
        guard case .get(let register) = waiting.request, !refusesSerial else { return false }
        let count = (failures[register] ?? 0) + 1
        failures[register] = count
        guard count < 3 else { return false }
        counters.timeouts += 1
        outstanding = nil
        confirmations.removeAll { $0 == register }
        confirmations.insert(register, at: 0)
        begin(.verifying, at: now)
        return true
    }

    /// When to call ``nextRequest(at:)`` again if nothing arrives.
    public var deadline: Duration {
        if let outstanding { return outstanding.deadline }
        switch phase {
        case .listening(let until): return until
        case .identifying, .verifying: return nextAttempt
        case .polling:
            if !confirmations.isEmpty || !questions.isEmpty { return .zero }
            let nextRound = (roundStart ?? .zero) + plan.fastInterval
            return min(
                nextRound, due.indices.filter { plan.entries[$0].pace != .fast }.map { due[$0] }.min() ?? nextRound)
        }
    }

    private mutating func send(
        _ request: Request, tries: Int = 1, isConfirmation: Bool = false, first: Duration? = nil, at now: Duration
    ) -> Request {
        counters.requests += 1
        // Copies that vote must be copies of one value: of a device that answers slowly they are not.
        let isQuick = meanTurnaround.map { $0 <= Self.quickTurnaround } ?? false
        if judge.claimsNeeded > 2, isQuick, phase == .polling, case .get(let register) = request {
            votes.expect(register, size: judge.size(of: register) ?? TextWitness.size(of: register) ?? 0)
        } else {
            votes.expect(nil, size: 0)
        }
        if isConfirmation { counters.confirmations += 1 }
        outstanding = Outstanding(
            request: request, sent: now, first: first ?? now,
            deadline: now + Self.requestWireTime + timeout(try: tries), tries: tries,
            isConfirmation: isConfirmation, bytesBefore: counters.bytes, wasClean: judge.isLineClean)
        return request
    }

    /// On a noisy line requests are lost every now and then, and waiting is what costs most; the time goes on while
    /// the device speaks.
    private func timeout(try tries: Int) -> Duration {
        guard !judge.isLineClean, let mean = meanTurnaround else { return patientTimeout(try: tries) }
        return min(
            mean + turnaroundDeviation * (votes.register == nil ? 4 : 2) + .milliseconds(8), patientTimeout(try: tries))
    }

    /// From the measured turn-around, with room for a TEXT block that an answer may have to wait for.
    private func patientTimeout(try tries: Int) -> Duration {
        guard let mean = meanTurnaround else { return .milliseconds(400) }
        let base = mean + turnaroundDeviation * 4 + .milliseconds(120)
        return min(max(base, .milliseconds(200)) * tries, .seconds(1))
    }

    private mutating func giveUp(_ waiting: Outstanding, at now: Duration) {
        outstanding = nil
        counters.timeouts += 1
        unansweredInRow += 1
        // The device speaks, and what it says is damaged: that is the line. It stays who it is, and what was asked is
        // asked again soon.
        let isHeard = !judge.isLineClean && now - lastHeard < Self.speechLife
        let isNoise = isHeard && now - (lastAnswer ?? opened) < Self.answerLife
        if isNoise, case .get(let register) = waiting.request {
            postpone(register, at: now, atMost: Self.noisePenalty)
            confirmations.removeAll { $0 == register }
            doubts[register] = nil
            if phase == .polling { return }
        } else if case .get(let register) = waiting.request {
            let count = (failures[register] ?? 0) + 1
            failures[register] = min(count, 10)
            // A register that is never answered must not stall every round.
            postpone(register, at: now, by: min(.seconds(3600), .seconds(2) * (1 << min(count, 10))))
            confirmations.removeAll { $0 == register }
            doubts[register] = nil
        } else {
            questions.removeAll { $0 == waiting.request }
        }
        if phase == .polling { begin(.verifying, at: now) }
        nextAttempt = now + (isHeard ? .zero : min(.seconds(5), .milliseconds(500) * unansweredInRow))
        updateState(at: now)
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
        if !questions.isEmpty { return send(questions.removeFirst(), at: now) }
        begin(.polling, at: now)
        return nextPoll(at: now)
    }

    private mutating func nextPoll(at now: Duration) -> Request? {
        if !confirmations.isEmpty {
            return send(.get(confirmations.removeFirst()), isConfirmation: true, at: now)
        }
        // The rest of a round of the fast registers…
        while roundIndex < plan.entries.count {
            let index = roundIndex
            roundIndex += 1
            if plan.entries[index].pace == .fast, due[index] <= now { return ask(index, at: now) }
        }
        // …then something seldom, as much as the pace of the rounds allows…
        let nextRound = (roundStart ?? now) + plan.fastInterval
        if roundStart != nil, now < nextRound || extraBudget > 0, !areFastLate(at: now) {
            if !questions.isEmpty { return send(questions.removeFirst(), at: now) }
            if let index = nextSeldom(at: now) {
                extraBudget -= 1
                return ask(index, at: now)
            }
            if !hasCompletedPass, asked.indices.allSatisfy({ asked[$0] || plan.entries[$0].pace == .history }) {
                hasCompletedPass = true
                events.append(.passCompleted)
            }
        }
        // …then the next round.
        guard roundStart == nil || now >= nextRound else { return nil }
        roundStart = now
        roundIndex = 0
        extraBudget = hasCompletedPass ? 1 : 12
        while roundIndex < plan.entries.count {
            let index = roundIndex
            roundIndex += 1
            if plan.entries[index].pace == .fast, due[index] <= now { return ask(index, at: now) }
        }
        guard !areFastLate(at: now), let index = nextSeldom(at: now) else { return nil }
        return ask(index, at: now)
    }

    /// On a very noisy line what moves fast comes first: whether one of those registers was not read for a while.
    private func areFastLate(at now: Duration) -> Bool {
        guard judge.claimsNeeded > 2 else { return false }
        return plan.entries.contains { entry in
            guard entry.pace == .fast, let last = judge.lastBelieved(entry.register) else { return false }
            return now - last > plan.fastInterval + Self.fastLife
        }
    }

    private mutating func ask(_ index: Int, at now: Duration) -> Request {
        asked[index] = true
        let register = plan.entries[index].register
        // Asked again even if nothing comes of this: a doubt that is dropped waits for its turn.
        postpone(register, at: now)
        return send(.get(register), at: now)
    }

    private func nextSeldom(at now: Duration) -> Int? {
        var best: Int?
        for index in plan.entries.indices where plan.entries[index].pace != .fast && due[index] <= now {
            // What was never asked comes first, in the plan's order; then the longest overdue.
            if !asked[index] { return index }
            if best.map({ due[index] < due[$0] }) ?? true { best = index }
        }
        return best
    }

    private mutating func postpone(
        _ register: RegisterID, at now: Duration, by delay: Duration? = nil, atMost longest: Duration? = nil
    ) {
        guard let index = plan.entries.firstIndex(where: { $0.register == register }) else { return }
        let pace = plan.entries[index].pace
        if let delay {
            due[index] = now + delay
        } else if pace == .history, register != .historyDay(0), register != .historyTotal {
            due[index] = now + plan.constantInterval
        } else {
            // A little early counts, so that a round does not skip what it read a hair later last time.
            due[index] = now + plan.interval(of: pace) * 9 / 10
        }
        if let longest { due[index] = min(due[index], now + longest) }
        asked[index] = true
    }

    private mutating func dueHistory(at now: Duration) {
        for index in plan.entries.indices where plan.entries[index].pace == .history {
            if plan.entries[index].register != .historyDay(0) { due[index] = now }
        }
    }

    // MARK: State

    private mutating func begin(_ phase: Phase, at now: Duration) {
        self.phase = phase
        nextAttempt = now
        if phase == .polling {
            if let identity { events.append(.identified(identity)) }
            for (register, time) in memory.refused {
                postpone(register, at: time, by: DeviceMemory.lifetime)
                events.append(.refused(register))
            }
        }
        updateState(at: now)
    }

    private mutating func updateState(at now: Duration) {
        let isAnswering = unansweredInRow < 2
        let hasText = lastText.map { now - $0 < Self.textLife } ?? false
        let new: State =
            switch phase {
            case .listening: .listening
            case .polling: .polling
            case .identifying where isAnswering: .identifying
            case .verifying where isAnswering: .verifying
            case .identifying, .verifying: hasText ? .textOnly : isEchoing(at: now) ? .echoOnly : .silent
            }
        guard new != state else { return }
        state = new
        events.append(.state(new))
    }

    /// Takes what happened since the last call, in order.
    public mutating func takeEvents() -> [Event] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
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

    /// The size of the register's value by the table.
    static func size(of register: RegisterID) -> Int? {
        switch RegisterCatalogue.standard[register]?.kind {
        case .unsigned(let bytes)?, .signed(let bytes)?: bytes
        default: nil
        }
    }
}
