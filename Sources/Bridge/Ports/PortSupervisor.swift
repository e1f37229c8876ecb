import Glibc
import VEDirect

/// Keeps one port going, whatever happens to it: opens it, runs the session on it, closes and reopens it.
///
/// No port knows of another. All time is the caller's.
struct PortSupervisor: ~Copyable {
    /// What a supervisor reports.
    enum Event {
        /// The port is open; nothing was heard yet.
        case opened
        /// The port could not be opened. The same reason comes once an hour at most, or when a device has answered
        /// for a minute in between.
        case unavailable(SerialPort.Failure)
        /// The port was lost or given up, and is opened again soon. The same reason comes as seldom as with
        /// `unavailable`, but always if a device had been identified.
        case closed(reason: String, isNews: Bool)
        /// Something from the conversation with the device.
        case session(DeviceSession.Event)
    }

    /// A port on which nothing is heard for this long is closed and opened again; a device that sends no TEXT is heard
    /// only when it is asked.
    private var silenceLimit: Duration { .seconds(8) + max(.zero, plan.fastInterval - .seconds(5)) }
    /// A port on which something is heard, and nothing that makes sense, is closed and opened again after this long.
    private var garbageLimit: Duration { silenceLimit + .seconds(2) }
    private static let shortestRetry: Duration = .milliseconds(500)
    /// To look for a port that is away costs one system call: often enough to be back soon after the cable is.
    private static let longestRetry: Duration = .seconds(1)
    /// A flood is looked at seldom: each look reads and decodes until the allowance is used up.
    private static let floodRetry: Duration = .seconds(5)
    /// Bytes that may come faster than the line can carry them: what a driver had stored up.
    private static let burst = 16_384
    /// Different reasons that are remembered as told.
    private static let maximumReasons = 8
    /// What stays wrong is told again after this long.
    private static let reminder: Duration = .seconds(3600)
    /// After answering for this long, whatever goes wrong is new.
    private static let stability: Duration = .seconds(60)

    let path: String
    private let recorder: Recorder?
    private let recorded: Recorder.Source
    private let settings: Configuration.Serial
    private var plan: PollPlan
    private var port: SerialPort?
    private(set) var session: DeviceSession? {
        didSet { sessionDeadline = nil }
    }
    /// When the session wants its turn; nil until it is asked again.
    private var sessionDeadline: Duration?
    private var memory = DeviceMemory()
    private var nextOpen: Duration
    private var retry = PortSupervisor.shortestRetry
    private var reported: [String: Duration] = [:]
    private var identified: Duration?
    /// When something was heard last, or the port was opened.
    private(set) var lastByte: Duration = .zero
    private(set) var lastSense: Duration = .zero
    private var goodBefore = 0
    private var allowance = PortSupervisor.burst
    private var allowanceTime: Duration = .zero
    /// Times the port was opened again after the first.
    private(set) var reopens = 0
    private var wasOpened = false
    /// What earlier sessions of this port counted.
    private(set) var countersBefore = LinkCounters()
    /// How often each trouble came up.
    private(set) var troubles: [PortTrouble: Int] = [:]
    /// What closed the port, or kept it closed; nil before the first attempt.
    private(set) var lastTrouble: PortTrouble?
    /// Requests that the port did not take at once.
    private(set) var blockedWrites = 0
    /// Since when the port has taken no output.
    private(set) var blockedSince: Duration?
    /// Why the port can no longer be written to.
    private var writeFailure: (reason: String, trouble: PortTrouble)?
    private(set) var openedAt: Duration?
    private(set) var hasHeard = false
    private(set) var rate = EventRate()
    private var countedReadings = 0

    init(
        path: String, settings: Configuration.Serial, plan: PollPlan, recorder: Recorder? = nil, number: Int = 0,
        now: Duration
    ) {
        self.path = path
        self.recorder = recorder
        recorded = .port(number)
        self.settings = settings
        self.plan = plan
        nextOpen = now
        recorder?.appeared(recorded, name: path, at: now)
    }

    /// The descriptor to wait on; nil while the port is closed.
    private(set) var descriptor: Int32?

    /// When to call ``advance(to:_:)`` if nothing arrives.
    ///
    /// This is asked at every turn of the loop, whatever port the turn was for: the session, a large value, is looked at
    /// only when it has changed.
    mutating func deadline(now: Duration) -> Duration {
        guard let deadline = sessionDeadline ?? session?.deadline else { return nextOpen }
        sessionDeadline = deadline
        let limit = min(lastByte + silenceLimit, lastSense + garbageLimit)
        return min(deadline, blockedSince.map { min(limit, $0 + silenceLimit) } ?? limit)
    }

    /// Ports have come or gone: a closed one is tried again without waiting out its pause. A port that flaps still
    /// gets no more than ten attempts a second.
    mutating func retrySoon(at now: Duration) {
        if session == nil { nextOpen = min(nextOpen, now + .milliseconds(100)) }
    }

    /// Does what is due: opens, asks, gives up. Returns whether the descriptor changed.
    mutating func advance(to now: Duration, _ report: (Event) -> Void) -> Bool {
        guard session != nil else { return now >= nextOpen ? open(at: now, report) : false }
        ask(at: now, report)
        if closeIfBroken(at: now, report) { return true }
        if let since = blockedSince, now - since >= silenceLimit {
            // Opening it again throws away what is stuck in it.
            close(reason: PortTrouble.outputBlocked.advice, .outputBlocked, at: now, report)
            return true
        }
        if now - lastByte >= silenceLimit {
            close(reason: "silent for \(silenceLimit.components.seconds) s", .silent, at: now, report)
            return true
        }
        if now - lastSense >= garbageLimit {
            close(reason: PortTrouble.garbage.advice, .garbage, at: now, report)
            return true
        }
        return false
    }

    /// Reads what arrived. Returns whether the descriptor changed.
    mutating func receive(into buffer: inout [UInt8], at now: Duration, _ report: (Event) -> Void) -> Bool {
        // A flood is served in turns: a few reads, then the other ports.
        for _ in 0..<4 {
            guard let result = port?.read(into: &buffer) else { return false }
            switch result {
            case .bytes(let count):
                lastByte = now
                hasHeard = true
                recorder?.received(buffer.span.extracting(0..<count), recorded, at: now)
                take(buffer.span.extracting(0..<count), at: now)
                guard isAllowed(count, at: now) else {
                    close(reason: PortTrouble.flooded.advice, .flooded, at: now, report)
                    nextOpen = now + Self.floodRetry
                    return true
                }
                if count == buffer.count { continue }
            case .nothing:
                break
            case .gone(let reason, let trouble):
                close(reason: reason, trouble, at: now, report)
                return true
            }
            break
        }
        ask(at: now, report)
        return closeIfBroken(at: now, report)
    }

    // MARK: The session, with a port or from a recording

    /// The port was opened.
    mutating func begin(at now: Duration, _ report: (Event) -> Void) {
        lastSense = now
        goodBefore = 0
        countedReadings = 0
        openedAt = now
        session = DeviceSession(plan: plan, memory: memory, now: now)
        report(.opened)
    }

    /// Bytes have come.
    mutating func take(_ bytes: Span<UInt8>, at now: Duration) {
        session?.receive(bytes, at: now)
        noteSense(at: now)
    }

    /// Asks what is due, and hands on what happened.
    mutating func ask(at now: Duration, _ report: (Event) -> Void) {
        recorder?.asked(recorded, at: now)
        if let request = session?.nextRequest(at: now) {
            // What the port does not take is lost like any request on a bad line: the session asks again.
            switch port?.send(request.bytes) {
            case nil: break
            case .taken?: blockedSince = nil
            case .blocked?:
                blockedWrites += 1
                if blockedSince == nil { blockedSince = now }
            case .gone(let reason, let trouble)?: writeFailure = (reason, trouble)
            }
        }
        forward(at: now, report)
    }

    /// The port was closed.
    mutating func end(
        reason: String, _ trouble: PortTrouble = .unusable, at now: Duration, _ report: (Event) -> Void
    ) {
        forward(at: now, report)
        note(trouble)
        openedAt = nil
        blockedSince = nil
        writeFailure = nil
        if let session {
            memory = session.memory
            countersBefore.add(session.counters)
            if let identified, now - identified >= Self.stability { reported = [:] }
        }
        let wasIdentified = identified != nil
        identified = nil
        session = nil
        let isNews = isNews(reason, at: now)
        if isNews || wasIdentified { report(.closed(reason: reason, isNews: isNews)) }
    }

    /// The port could not be opened.
    mutating func fail(_ failure: SerialPort.Failure, at now: Duration, _ report: (Event) -> Void) {
        note(failure.trouble)
        if isNews(failure.description, at: now) { report(.unavailable(failure)) }
    }

    // MARK: The port

    private mutating func noteSense(at now: Duration) {
        guard let frames = session?.counters.frames, let blocks = session?.counters.blocks,
            let echoes = session?.counters.echoes
        else { return }
        if identified == nil, session?.identity != nil { identified = now }
        let good = frames + blocks + echoes
        if good != goodBefore { lastSense = now }
        goodBefore = good
    }

    /// Whether a line of this speed, with some room, can have carried the bytes that came.
    private mutating func isAllowed(_ count: Int, at now: Duration) -> Bool {
        let parts = min(now - allowanceTime, .seconds(10)).components
        let milliseconds = Int(parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000)
        // A byte is ten bits on the line; four times as many are let pass.
        let earned = settings.baud * 4 / 10 * milliseconds / 1000
        if earned > 0 {
            allowance = min(Self.burst, allowance + earned)
            allowanceTime = now
        }
        allowance -= count
        return allowance >= 0
    }

    private mutating func forward(at now: Duration, _ report: (Event) -> Void) {
        let readings = session?.counters.readings ?? 0
        if readings > countedReadings {
            rate.note(readings - countedReadings, at: now)
            countedReadings = readings
        }
        guard let events = session?.takeEvents(), !events.isEmpty else { return }
        for event in events { report(.session(event)) }
    }

    private mutating func open(at now: Duration, _ report: (Event) -> Void) -> Bool {
        do {
            let opened = try SerialPort(path: path, settings: settings)
            descriptor = opened.descriptor
            port = consume opened
        } catch {
            nextOpen = now + retry
            retry = min(retry * 2, Self.longestRetry)
            recorder?.note("failed", recorded, at: now, detail: error.description)
            fail(error, at: now, report)
            return false
        }
        if wasOpened { reopens += 1 }
        wasOpened = true
        lastByte = now
        allowance = Self.burst
        allowanceTime = now
        recorder?.note("open", recorded, at: now)
        begin(at: now, report)
        return true
    }

    /// Whether the port was closed because it can no longer be written to.
    private mutating func closeIfBroken(at now: Duration, _ report: (Event) -> Void) -> Bool {
        guard let failure = writeFailure else { return false }
        close(reason: failure.reason, failure.trouble, at: now, report)
        return true
    }

    private mutating func note(_ trouble: PortTrouble) {
        troubles[trouble, default: 0] += 1
        lastTrouble = trouble
    }

    private mutating func close(
        reason: String, _ trouble: PortTrouble, at now: Duration, _ report: (Event) -> Void
    ) {
        recorder?.note("close", recorded, at: now, detail: reason)
        descriptor = nil
        port = nil
        retry = Self.shortestRetry
        nextOpen = now + retry
        end(reason: reason, trouble, at: now, report)
    }

    /// A port that comes and goes each second has the same few things to say each time.
    private mutating func isNews(_ reason: String, at now: Duration) -> Bool {
        if let last = reported[reason], now - last < Self.reminder { return false }
        if reported.count >= Self.maximumReasons { reported = [:] }
        reported[reason] = now
        return true
    }
}

extension PortSupervisor {
    /// Something is heard and has made no sense for this long: said in reports before the port is given up for it.
    private static let senselessTime: Duration = .seconds(3)

    /// How the port is doing, with all that was counted since the program started.
    func report(at now: Duration) -> PortReport {
        var report = PortReport(path: path, state: state(at: now))
        report.identity = session?.identity
        report.counters = countersBefore
        if let session { report.counters.add(session.counters) }
        report.reopens = reopens
        report.troubles = troubles
        report.blockedWrites = blockedWrites
        report.readingsPerSecond = rate.perSecond(at: now)
        report.openFor = openedAt.map { now - $0 }
        if hasHeard { report.sinceLastByte = now - lastByte }
        return report
    }

    private func state(at now: Duration) -> PortState {
        guard let session else { return .trouble(lastTrouble ?? .absent) }
        if blockedSince != nil { return .trouble(.outputBlocked) }
        if session.counters.bytes > 0, session.state != .echoOnly, now - lastSense >= Self.senselessTime,
            now - lastByte < Self.senselessTime
        {
            return .trouble(.garbage)
        }
        return .conversation(session.state)
    }
}

// MARK: Wishes of the loop

extension PortSupervisor {
    /// Asks at the intervals of this plan from now on, also after the port was opened again.
    mutating func adopt(_ plan: PollPlan, at now: Duration) {
        self.plan = plan
        session?.adopt(intervalsOf: plan, at: now)
    }

    /// Whether the device answers on a line without damage.
    var isCalm: Bool { session?.isCalm ?? false }

    /// For how long what comes may gather; nil: every piece is to be looked at.
    var gatheringTime: Duration? { session?.gatheringTime }

    /// How much later than its deadline it may have its turn.
    var slack: Duration { session?.slack ?? .zero }

    /// Asks for a register out of turn; false if no device answers, or too much is wanted already.
    mutating func confirmIdentity() {
        session?.confirmIdentity()
    }

    /// Whether the device was identified and answers.
    var isConfident: Bool { session?.isConfident ?? false }

    mutating func demand(_ register: RegisterID) -> Bool { session?.demand(register) ?? false }

    /// Nobody waits any more for a register that was asked for out of turn.
    mutating func withdrawDemand(_ register: RegisterID) { session?.withdrawDemand(register) }

    /// The machine slept: that nothing was heard meanwhile says nothing.
    mutating func hostSlept(at now: Duration) {
        guard session != nil else { return }
        lastByte = now
        lastSense = now
    }
}
