/// The conversation with several devices that share one line through a multiplexer.
///
/// A value without clock or descriptor, like ``DeviceSession``, of which it has one for each channel. The driver's loop
/// is
///
///     multiplexer.receive(bytes, at: now)          // whenever bytes arrive
///     while let action = multiplexer.nextAction(at: now) { … }   // then, and at `deadline`
///     for event in multiplexer.takeEvents() { … }
///
/// Around a switch the line carries what the old channel said last, which may still be in the UART, in the USB adapter
/// or in the kernel, and the second half of whatever the new one is just saying. So a turn has five parts:
///
/// 1. The channel is selected, and every byte is dropped for the settle time.
/// 2. Bytes are dropped until none came for the quiet time, or for ``quietLimit`` from a device that babbles.
/// 3. The *opening fence*: the serial number is asked for. Bytes keep their order, so what comes after this answer was
///    said after the switch. Unless it is the channel's own charger, the turn is over.
/// 4. The channel's session asks what is due. Its readings are held back.
/// 5. The *closing fence*: the serial number is asked for once more. Only then do the readings of the turn leave.
///
/// Neither fence rests on any time, so the attribution does not either; parts 1 and 2 keep it from failing often. What
/// is said unasked is no reading here. A channel that does not answer has its turns ever more seldom.
public struct MultiplexerSession: Sendable {
    /// How the line is shared.
    public struct Settings: Sendable, Hashable {
        /// How long every byte is dropped after a switch.
        public var settle: Duration
        /// How long the line has to be quiet then.
        public var quiet: Duration
        /// A turn in which a device answers lasts at least this long; relays live longer if it is not too short.
        public var shortestTurn: Duration
        /// And at most this long, fences not counted.
        public var longestTurn: Duration

        /// The defaults suit electronic switches.
        public init(
            settle: Duration = .milliseconds(20), quiet: Duration = .milliseconds(5),
            shortestTurn: Duration = .milliseconds(300), longestTurn: Duration = .seconds(3)
        ) {
            self.settle = settle
            self.quiet = quiet
            self.shortestTurn = shortestTurn
            self.longestTurn = max(shortestTurn, longestTurn)
        }
    }

    /// What the driver has to do.
    public enum Action: Sendable, Hashable {
        /// Put this channel on the select lines.
        case select(Int)
        /// Throw away what the system still holds of the line's bytes.
        case discard
        /// Send this.
        case send(Request)
    }

    /// What is reported.
    public enum Event: Sendable, Hashable {
        /// Something from the conversation with a channel's device.
        case device(channel: Int, DeviceSession.Event)
        /// A channel answers as the charger of another, which answers on its own channel too: a select line is stuck,
        /// or the channels' plugs touch. Said once until the channel's own charger answers again.
        case foreign(channel: Int, owner: Int, serial: String)
    }

    /// What happened on a channel beyond its session's counters.
    public struct ChannelCounters: Sendable, Hashable {
        /// Nothing counted.
        public init() {}
        /// Turns that were begun.
        public internal(set) var turns = 0
        /// Turns whose readings left, or that had none and were in order.
        public internal(set) var goodTurns = 0
        /// Turns in which nobody answered.
        public internal(set) var silentTurns = 0
        /// Turns in which another channel's charger answered.
        public internal(set) var foreignTurns = 0
        /// Turns that began well and whose end nobody vouched for.
        public internal(set) var brokenTurns = 0
        /// Readings of those, which were dropped.
        public internal(set) var droppedReadings = 0
        /// Bytes that were dropped around switches.
        public internal(set) var droppedBytes = 0
        /// Turns in which the line did not get quiet after the switch.
        public internal(set) var restlessTurns = 0
    }

    private enum Phase {
        case resting
        case settling(until: Duration)
        case waitingForQuiet(since: Duration, limit: Duration)
        case opening
        case serving(since: Duration)
        case leaving(limit: Duration)
        case closing
    }

    private struct Channel: Sendable {
        var session: DeviceSession?
        /// The charger that is known to be here.
        var serial: String?
        /// Whether it answered in its last turn.
        var isHeld = false
        /// What was reported last; nil if nothing, or that the charger is lost.
        var told: DeviceIdentity?
        var toldState: DeviceSession.State?
        var toldRefused: Set<RegisterID> = []
        var memory = DeviceMemory()
        var counters = ChannelCounters()
        /// Of sessions that were given up.
        var before = LinkCounters()
        /// Readings that left.
        var readings = 0
        var failedTurns = 0
        var nextTurn: Duration = .zero
        var lastTurn: Duration = .seconds(-1)
        var held: [DeviceSession.Event] = []
        /// Who last answered for it, and how many good turns that one's own channel had had by then.
        var stranger: (serial: String, ownersGoodTurns: Int)?
        var hasToldOfStranger = false
    }

    /// A line that does not get quiet is asked all the same: the fence makes sure, not the quiet.
    public static let quietLimit: Duration = .milliseconds(250)
    /// A session that has nothing to ask for this long has had its turn.
    private static let idleTime: Duration = .milliseconds(30)
    /// The last answer of a turn is waited for this long.
    private static let leaveLimit: Duration = .milliseconds(400)
    /// Fences of a device that answers; on a noisy line some of the answers are damaged.
    private static let fencePatience: Duration = .milliseconds(1600)
    /// Of one that did not in its last turn: one question.
    private static let shortFencePatience: Duration = .milliseconds(320)
    private static let shortestBackoff: Duration = .milliseconds(500)
    /// A channel on which nobody answers costs a third of a second this often.
    private static let longestBackoff: Duration = .seconds(8)
    /// Silent turns after which a charger counts as gone.
    private static let patientTurns = 2

    private let settings: Settings
    private let plan: PollPlan
    private var channels: [Channel]
    private var phase = Phase.resting
    private var fence: ChannelFence?
    /// The charger that answered at the beginning of the turn.
    private var turnSerial: String?
    private var isTurnVoid = false
    private var lastByte: Duration = .zero
    private var events: [Event] = []
    /// The channel on the select lines; nil before the first turn.
    public private(set) var selected: Int?
    /// How often another channel was selected.
    public private(set) var switches = 0
    private var lastAdvance: Duration = .zero

    /// A multiplexer whose line was opened at `now`.
    ///
    /// - Parameters:
    ///   - channels: how many channels, at least one.
    ///   - settings: how the line is shared.
    ///   - plan: what each device is asked for.
    ///   - now: the time.
    public init(channels: Int, settings: Settings = Settings(), plan: PollPlan = PollPlan(), now: Duration) {
        self.settings = settings
        self.plan = plan
        self.channels = (0..<max(1, channels)).map { _ in
            var channel = Channel()
            channel.nextTurn = now
            return channel
        }
    }

    // MARK: The line

    /// The line was closed: whoever was there is not reached, and nothing is reported of it.
    public mutating func close(at now: Duration) {
        if case .resting = phase {} else if let selected { breakTurn(selected) }
        phase = .resting
        fence = nil
        selected = nil
        for index in channels.indices {
            channels[index].session?.pause()
            channels[index].told = nil
            channels[index].toldState = nil
            channels[index].toldRefused = []
            channels[index].isHeld = false
            channels[index].failedTurns = 0
            channels[index].stranger = nil
            channels[index].hasToldOfStranger = false
            channels[index].nextTurn = now
        }
    }

    /// Takes bytes that arrived at `now`.
    public mutating func receive(_ bytes: Span<UInt8>, at now: Duration) {
        guard bytes.count > 0 else { return }
        lastByte = now
        switch phase {
        case .opening, .closing: fence?.receive(bytes, at: now)
        case .serving, .leaving:
            guard let selected else { return }
            channels[selected].session?.receive(bytes, at: now)
        case .settling, .waitingForQuiet:
            if let selected { channels[selected].counters.droppedBytes += bytes.count }
        case .resting: break
        }
    }

    /// Takes bytes that arrived at `now`; for callers that have an array.
    public mutating func receive(_ bytes: [UInt8], at now: Duration) { receive(bytes.span, at: now) }

    /// Asks for a register out of turn when the channel has the line; see ``DeviceSession/demand(_:)``.
    public mutating func demand(_ register: RegisterID, channel: Int) -> Bool {
        channels[channel].session?.demand(register) ?? false
    }

    /// Nobody waits for a register any more that was asked for out of turn.
    public mutating func withdrawDemand(_ register: RegisterID, channel: Int) {
        channels[channel].session?.withdrawDemand(register)
    }

    /// When to call ``nextAction(at:)`` again if nothing arrives.
    public var deadline: Duration {
        switch phase {
        case .resting: return channels.map(\.nextTurn).min() ?? .zero
        case .settling(let until): return until
        case .waitingForQuiet(let since, let limit): return min(max(since, lastByte) + settings.quiet, limit)
        case .opening, .closing: return fence?.deadline ?? .zero
        case .serving(let since):
            guard let selected, let session = channels[selected].session else { return .zero }
            // What is due at once and is not asked would keep the driver busy; a turn ends by time too.
            let idle = isIdle(session, at: lastAdvance) ? since + settings.shortestTurn : since + settings.longestTurn
            return min(session.deadline, idle, since + settings.longestTurn)
        case .leaving(let limit):
            guard let selected, channels[selected].session?.isWaiting == true else { return .zero }
            return limit
        }
    }

    /// What is to be done now; ask again until there is nothing.
    public mutating func nextAction(at now: Duration) -> Action? {
        lastAdvance = now
        while true {
            switch phase {
            case .resting:
                guard let next = nextChannel(at: now) else { return nil }
                channels[next].counters.turns += 1
                guard next != selected else {
                    open(next, at: now)
                    continue
                }
                selected = next
                switches += 1
                phase = .settling(until: now + settings.settle)
                return .select(next)
            case .settling(let until):
                guard now >= until else { return nil }
                phase = .waitingForQuiet(since: now, limit: now + Self.quietLimit)
            case .waitingForQuiet(let since, let limit):
                let isQuiet = now >= max(since, lastByte) + settings.quiet
                guard isQuiet || now >= limit, let selected else { return nil }
                if !isQuiet { channels[selected].counters.restlessTurns += 1 }
                open(selected, at: now)
                return .discard
            case .opening:
                guard let selected else { return nil }
                if let request = fence?.nextRequest(at: now) { return .send(request) }
                guard let outcome = fence?.outcome else { return nil }
                if let request = conclude(outcome, opening: selected, at: now) { return .send(request) }
            case .serving(let since):
                guard let selected else { return nil }
                if let request = serve(selected, since: since, at: now) { return .send(request) }
                guard case .leaving = phase else { return nil }
            case .leaving(let limit):
                guard let selected else { return nil }
                collect(selected)
                guard channels[selected].session?.isWaiting != true || now >= limit else { return nil }
                leave(selected, at: now)
            case .closing:
                guard let selected else { return nil }
                if let request = fence?.nextRequest(at: now) { return .send(request) }
                guard let outcome = fence?.outcome else { return nil }
                conclude(outcome, closing: selected, at: now)
            }
        }
    }

    /// Takes what happened since the last call, in order.
    public mutating func takeEvents() -> [Event] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    // MARK: Turns

    /// Of the channels that are due, the one that waits longest.
    private func nextChannel(at now: Duration) -> Int? {
        channels.indices.filter { channels[$0].nextTurn <= now }
            .min { channels[$0].lastTurn < channels[$1].lastTurn }
    }

    /// The chargers that answer on other channels.
    private func others(than index: Int) -> Set<String> {
        Set(channels.indices.filter { $0 != index && channels[$0].isHeld }.compactMap { channels[$0].serial })
    }

    private mutating func open(_ index: Int, at now: Duration) {
        let isPatient = channels[index].failedTurns == 0
        fence = ChannelFence(
            expected: channels[index].serial, others: others(than: index),
            patience: isPatient ? Self.fencePatience : Self.shortFencePatience, at: now)
        phase = .opening
    }

    /// What the opening fence found. Gives what the session wants to ask first.
    private mutating func conclude(
        _ outcome: ChannelFence.Outcome, opening index: Int, at now: Duration
    ) -> Request? {
        switch outcome {
        case .silent:
            channels[index].counters.silentTurns += 1
            fail(index, hasText: fence?.hasText == true, at: now)
            return nil
        case .foreign(let serial):
            noteStranger(serial, on: index)
            channels[index].counters.foreignTurns += 1
            channels[index].isHeld = false
            fail(index, hasText: false, at: now)
            return nil
        case .changed(let serial):
            forget(index)
            return begin(serial, on: index, at: now)
        case .passed(let serial):
            return begin(serial, on: index, at: now)
        }
    }

    private func isTurn(_ identity: DeviceIdentity) -> Bool {
        turnSerial.map { DeviceIdentity.isSame(identity.serial, $0) } ?? false
    }

    private mutating func begin(_ serial: String, on index: Int, at now: Duration) -> Request? {
        turnSerial = serial
        isTurnVoid = false
        channels[index].stranger = nil
        channels[index].hasToldOfStranger = false
        phase = .serving(since: now)
        let sent = fence?.proof?.sent ?? now
        if channels[index].session == nil {
            var session = DeviceSession(plan: plan, memory: channels[index].memory, now: sent)
            session.isLineShared = true
            channels[index].session = session
        } else {
            channels[index].session?.resume(at: sent)
        }
        // The session asks for the serial number before it believes anything, and that was just answered.
        let first = channels[index].session?.nextRequest(at: sent)
        guard first == .get(.serialNumber), let proof = fence?.proof else { return first }
        channels[index].session?.takeSerial(proof.value, at: proof.heard)
        return nil
    }

    private mutating func serve(_ index: Int, since: Duration, at now: Duration) -> Request? {
        guard now < since + settings.longestTurn, !isTurnVoid else {
            phase = .leaving(limit: now + Self.leaveLimit)
            return nil
        }
        let request = channels[index].session?.nextRequest(at: now)
        collect(index)
        if let request { return request }
        if let session = channels[index].session, isIdle(session, at: now), now >= since + settings.shortestTurn {
            phase = .leaving(limit: now + Self.leaveLimit)
        }
        return nil
    }

    private func isIdle(_ session: DeviceSession, at now: Duration) -> Bool {
        session.state == .polling && !session.isWaiting && session.deadline > now + Self.idleTime
    }

    /// Takes what the session has to say, and holds it back.
    private mutating func collect(_ index: Int) {
        for event in channels[index].session?.takeEvents() ?? [] {
            switch event {
            case .state: break
            case .identified(let identity):
                if isTurn(identity) { channels[index].held.append(event) } else { isTurnVoid = true }
            case .lostIdentity: isTurnVoid = true
            case .reading, .refused, .passCompleted: channels[index].held.append(event)
            }
        }
    }

    private mutating func leave(_ index: Int, at now: Duration) {
        channels[index].session?.pause()
        guard !isTurnVoid else {
            breakTurn(index)
            fail(index, hasText: false, at: now)
            return
        }
        guard !channels[index].held.isEmpty else {
            succeed(index, at: now)
            return
        }
        fence = ChannelFence(
            expected: turnSerial, others: others(than: index), patience: Self.fencePatience, at: now)
        phase = .closing
    }

    private mutating func conclude(_ outcome: ChannelFence.Outcome, closing index: Int, at now: Duration) {
        guard case .passed(let serial) = outcome else {
            breakTurn(index)
            fail(index, hasText: fence?.hasText == true, at: now)
            return
        }
        if let identity = channels[index].session?.identity, DeviceIdentity.isSame(identity.serial, serial) {
            claim(serial, for: index)
        }
        for event in channels[index].held { hand(event, of: index) }
        channels[index].held.removeAll(keepingCapacity: true)
        if channels[index].serial != nil { tell(index, .polling) }
        succeed(index, at: now)
    }

    private mutating func succeed(_ index: Int, at now: Duration) {
        channels[index].counters.goodTurns += 1
        channels[index].failedTurns = 0
        channels[index].isHeld = channels[index].serial != nil
        var next = now
        if let session = channels[index].session, session.state == .polling { next = max(now, session.deadline) }
        end(index, next: next, at: now)
    }

    private mutating func fail(_ index: Int, hasText: Bool, at now: Duration) {
        channels[index].failedTurns += 1
        let failed = channels[index].failedTurns
        if failed >= Self.patientTurns || channels[index].told == nil {
            channels[index].isHeld = false
            lose(index, hasText ? .textOnly : .silent)
        }
        end(index, next: now + min(Self.longestBackoff, Self.shortestBackoff * (1 << min(failed - 1, 8))), at: now)
    }

    private mutating func end(_ index: Int, next: Duration, at now: Duration) {
        channels[index].nextTurn = next
        channels[index].lastTurn = now
        fence = nil
        turnSerial = nil
        phase = .resting
    }

    /// Nobody vouches for what was heard in this turn: it is dropped, and the session that believed it begins anew.
    private mutating func breakTurn(_ index: Int) {
        guard !channels[index].held.isEmpty || isTurnVoid else { return }
        channels[index].counters.brokenTurns += 1
        for case .reading in channels[index].held { channels[index].counters.droppedReadings += 1 }
        dropSession(index)
    }

    private mutating func dropSession(_ index: Int) {
        channels[index].held.removeAll()
        guard let session = channels[index].session else { return }
        channels[index].memory = session.memory
        channels[index].before.add(session.counters)
        channels[index].session = nil
        isTurnVoid = false
    }

    // MARK: Who is where

    /// The charger is this channel's, and no longer that of another on which it does not answer.
    private mutating func claim(_ serial: String, for index: Int) {
        for other in channels.indices where other != index && channels[other].serial == serial { forget(other) }
        channels[index].serial = serial
        channels[index].isHeld = true
    }

    private mutating func forget(_ index: Int) {
        if let told = channels[index].told { events.append(.device(channel: index, .lostIdentity(told))) }
        channels[index].told = nil
        channels[index].toldRefused = []
        channels[index].serial = nil
        channels[index].isHeld = false
        dropSession(index)
        channels[index].memory = DeviceMemory()
    }

    /// The channel's charger does not answer any more.
    private mutating func lose(_ index: Int, _ state: DeviceSession.State) {
        channels[index].told = nil
        channels[index].toldRefused = []
        tell(index, state)
    }

    private mutating func tell(_ index: Int, _ state: DeviceSession.State) {
        guard channels[index].toldState != state else { return }
        channels[index].toldState = state
        events.append(.device(channel: index, .state(state)))
    }

    /// Who it is, as far as that is known by now.
    private mutating func tellIdentity(_ index: Int) {
        guard let identity = channels[index].session?.identity, identity != channels[index].told else { return }
        channels[index].told = identity
        events.append(.device(channel: index, .identified(identity)))
    }

    private mutating func hand(_ event: DeviceSession.Event, of index: Int) {
        switch event {
        case .identified:
            return tellIdentity(index)
        case .refused(let register):
            guard channels[index].toldRefused.insert(register).inserted else { return }
        case .reading:
            channels[index].readings += 1
            // Some of it is read before all of the identity is.
            if channels[index].told == nil { tellIdentity(index) }
        case .state, .lostIdentity, .passCompleted: break
        }
        events.append(.device(channel: index, event))
    }

    private mutating func noteStranger(_ serial: String, on index: Int) {
        guard let owner = channels.firstIndex(where: { $0.serial == serial && $0.isHeld }) else { return }
        let good = channels[owner].counters.goodTurns
        // A plug that was moved is not on its old channel any more; so that one is heard first.
        if let known = channels[index].stranger, known.serial == serial {
            guard good > known.ownersGoodTurns, !channels[index].hasToldOfStranger else { return }
            channels[index].hasToldOfStranger = true
            events.append(.foreign(channel: index, owner: owner, serial: serial))
        } else {
            channels[index].stranger = (serial, good)
        }
    }

    // MARK: Looking

    /// How many channels there are.
    public var channelCount: Int { channels.count }

    /// Who is on a channel; nil until that was confirmed, and while it does not answer.
    public func identity(_ channel: Int) -> DeviceIdentity? { channels[channel].told }

    /// How a channel's device is doing.
    public func state(_ channel: Int) -> DeviceSession.State { channels[channel].toldState ?? .listening }

    /// What happened on a channel's turns.
    public func turnCounters(_ channel: Int) -> ChannelCounters { channels[channel].counters }

    /// What happened on a channel's line, fences not counted; readings are those that left.
    public func counters(_ channel: Int) -> LinkCounters {
        var sum = channels[channel].before
        if let session = channels[channel].session { sum.add(session.counters) }
        sum.readings = channels[channel].readings
        return sum
    }
}
