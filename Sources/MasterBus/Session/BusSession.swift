/// Everything vebridge does on a MasterBus: it listens, finds out who is there, asks for what nobody else asks for, and
/// learns the names of things. It never writes; ``BusRequest`` cannot.
///
/// A value without I/O: give it frames and the time, take events and the next request, come back at ``deadline`` or
/// with the next frame. Time is the caller's, on any clock that does not step. The link must not hand back frames that
/// the session has sent.
///
/// Per device one request is under way at a time, with a timeout of 300 ms and two retries. A device that lets
/// ``Configuration/patience`` requests in a row go unanswered and then a probe, or is silent for 65 s, sleeps: it is
/// probed every 10 s. Where another master (an awake display) reads an attribute, its answers serve, and the
/// attribute is left alone until one and a half intervals have passed without any.
public struct BusSession: Sendable {
    /// How to behave on the bus.
    public struct Configuration: Sendable, Hashable {
        /// The address with which we say hello; no device may have it. Nothing else carries it.
        public var ownAddress: DeviceAddress
        /// Send nothing at all. Values then come only while a display is awake.
        public var isListenOnly: Bool
        /// Ask devices for names, units and options.
        public var discovers: Bool
        /// How often attributes are asked for.
        public var plan: BusPlan
        /// How long an answer may take. The slowest observed took 272 ms.
        public var timeout: Duration
        /// How often a request is repeated.
        public var retries: Int
        /// How many requests in a row, repeats included, may fail before a device is probed.
        public var patience: Int
        /// The least time between two requests, to whomever: 24 ms are at most 42 requests a second, which with their
        /// answers take less than 5 % of the bus.
        public var gap: Duration
        /// How often all are asked to announce themselves, where no one else does.
        public var helloInterval: Duration
        /// How often a sleeping device is asked whether it is there.
        public var probeInterval: Duration
        /// After how much silence a device counts as asleep: two hellos and a little.
        public var silence: Duration
        /// Device types that are listened to and never asked: displays have no values of interest.
        public var unaskedTypes: Set<UInt8>

        /// The standard behaviour.
        public init(
            ownAddress: DeviceAddress = DeviceAddress(type: 0x14, uid: 0x3_51D6), isListenOnly: Bool = false,
            discovers: Bool = true, plan: BusPlan = BusPlan()
        ) {
            self.ownAddress = ownAddress
            self.isListenOnly = isListenOnly
            self.discovers = discovers
            self.plan = plan
            timeout = .milliseconds(300)
            retries = 2
            patience = 3
            gap = .milliseconds(24)
            helloInterval = .seconds(30)
            probeInterval = .seconds(10)
            silence = .seconds(65)
            unaskedTypes = [0x14]
        }
    }

    /// What happened.
    public enum Event: Sendable, Hashable {
        /// A frame told something.
        case bus(BusEvent)
        /// A device was heard for the first time.
        case appeared(DeviceAddress)
        /// A device does not answer any more.
        case slept(DeviceAddress)
        /// A sleeping device was heard again.
        case woke(DeviceAddress)
        /// All that a device would tell of its attributes is known.
        case discovered(DeviceAddress)
        /// A device is the one that was known from before: what it said then of its attributes holds, unless it says
        /// otherwise.
        case recognised(DeviceAddress)
        /// A device has our own address. We say hello no more; choose another address.
        case addressTaken(DeviceAddress)
    }

    /// What the session knows of a device.
    public struct Peer: Sendable, Hashable {
        /// Its address.
        public let address: DeviceAddress
        /// Whether it answers, or would be expected to.
        public let isAwake: Bool
        /// When it last spoke.
        public let lastHeard: Duration
        /// Whether there is nothing left to ask about its attributes.
        public let isDiscovered: Bool
    }

    /// Requests sent, repeated and given up.
    public struct Counters: Sendable, Hashable {
        /// All that was sent.
        public internal(set) var requests = 0
        /// Repeats among them.
        public internal(set) var retries = 0
        /// Requests that no attempt got an answer to.
        public internal(set) var failures = 0
        /// Values that came without our asking, because another master asked.
        public internal(set) var servedByOthers = 0
        /// Events lost because nobody took them.
        public internal(set) var droppedEvents = 0
    }

    private struct Pending {
        let request: BusRequest
        var expires: Duration
        var attempts = 1
        /// Set when the attempt has expired: to be sent again.
        var isDue = false
    }

    private struct PeerState {
        let address: DeviceAddress
        var lastHeard: Duration
        var isAwake = true
        var failures = 0
        var pending: Pending?
        /// When each attribute is to be read next.
        var polls: [UInt16: Duration] = [:]
        /// Attributes that are to be read and never were, nor given up.
        var unread: Set<UInt16> = []
        var nextProbe: Duration = .zero
        /// Reads that failed in a row, per attribute.
        var failedReads: [UInt16: Int] = [:]
        /// Questions that went unanswered since the device last spoke. Whether it would not answer them or slept is
        /// seen when it speaks again.
        var unanswered: [BusRequest] = []
        var discovery = Discovery()
        var isDiscovered = false
        var isAnnounced = false
        /// Whether a record from before was compared with what the device says now.
        var isCompared = false
    }

    private static let maximumEvents = 1024
    private static let maximumPolls = 128

    /// How it behaves.
    public let configuration: Configuration
    /// What went by, and what the devices said of themselves.
    public private(set) var decoder: BusDecoder
    /// What was sent.
    public private(set) var counters = Counters()

    private var peers: [PeerState] = []
    /// The device that is looked at first, so that none starves the others.
    private var turn = 0
    private var events: [Event] = []
    private var nextSend: Duration
    private var nextHello: Duration
    private var isAddressTaken = false
    private var hasSaidHello = false
    private let remembered: [DeviceAddress: SchemaRecord]

    /// A session that begins now.
    ///
    /// - Parameter remembered: what devices said of themselves in earlier sessions. A record is believed once the
    ///   device has told the same name, article, serial number, firmware and number of groups again.
    public init(
        _ configuration: Configuration = Configuration(), limits: SchemaLimits = SchemaLimits(),
        remembered: [SchemaRecord] = [], now: Duration
    ) {
        self.configuration = configuration
        self.remembered = Dictionary(remembered.map { ($0.address, $0) }, uniquingKeysWith: { _, last in last })
        decoder = BusDecoder(limits: limits)
        nextSend = now
        nextHello = now
    }

    /// The devices heard so far.
    public var devices: [Peer] {
        peers.map {
            Peer(
                address: $0.address, isAwake: $0.isAwake, lastHeard: $0.lastHeard, isDiscovered: $0.isDiscovered)
        }
    }

    /// Whether every device that is awake and asked has told all that it would, and each of its attributes was read at
    /// least once or given up. False while nobody was heard.
    public var isCaughtUp: Bool {
        !peers.isEmpty
            && peers.allSatisfy { peer in
                !isAsked(peer) || !peer.isAwake
                    || (peer.isDiscovered || !configuration.discovers) && peer.unread.isEmpty
            }
    }

    /// Whether there is nothing left to ask about a device's attributes.
    public func isDiscovered(_ device: DeviceAddress) -> Bool {
        peers.first { $0.address == device }?.isDiscovered ?? false
    }

    /// The events since this was last called.
    public mutating func takeEvents() -> [Event] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    private mutating func tell(_ event: Event) {
        if events.count < Self.maximumEvents { events.append(event) } else { counters.droppedEvents += 1 }
    }

    // MARK: Receiving

    /// Takes a frame from the bus.
    public mutating func receive(_ frame: Frame, at now: Duration) {
        let message = Message(frame)
        let event = decoder.decode(message, of: frame, at: now)
        if let identifier = frame.identifier, message != .unknown {
            if identifier.kind?.isFromDevice ?? false {
                heard(message, from: identifier.address, event, now)
            } else {
                overheard(message, for: identifier.address, now)
            }
        }
        if let event { tell(.bus(event)) }
    }

    /// A device has spoken.
    private mutating func heard(
        _ message: Message, from device: DeviceAddress, _ event: BusEvent?, _ now: Duration
    ) {
        if device == configuration.ownAddress {
            if !isAddressTaken { tell(.addressTaken(device)) }
            isAddressTaken = true
        }
        if case .hello = message { nextHello = max(nextHello, now + configuration.helloInterval * 3 / 2) }
        guard let index = place(of: device, now) else { return }
        peers[index].lastHeard = now
        peers[index].failures = 0
        if peers[index].isAwake { giveUpUnanswered(index) } else { wake(index) }
        if case .announce(let announcement) = message, announcement.flags & 8 != 0 {
            // It has just started: what it did not answer before it may answer now.
            peers[index].discovery.reset()
            peers[index].isDiscovered = false
        }

        var isOurs = false
        if let pending = peers[index].pending, pending.request.isAnswered(by: message) {
            isOurs = true
            peers[index].pending = nil
            peers[index].discovery.noteAnswer(pending.request)
            if case .read(_, let attribute) = pending.request {
                peers[index].failedReads[attribute] = nil
                schedule(attribute, index, now, isOurs: true)
            }
        }
        switch event {
        case .value(let value):
            if !isOurs { schedule(value.attribute, index, now, isOurs: false) }
        case .outdated(let value):
            // What the write has done is known only by asking.
            if peers[index].polls[value.attribute] != nil {
                peers[index].polls[value.attribute] = now + .milliseconds(100)
            }
        default: break
        }
        learnPolls(message, index, now)
    }

    /// Somebody else has asked a device.
    private mutating func overheard(_ message: Message, for device: DeviceAddress, _ now: Duration) {
        guard case .readRequest(.monitoring, let attribute) = message,
            let index = peers.firstIndex(where: { $0.address == device }), let due = peers[index].polls[attribute]
        else { return }
        // Their answer serves us too; only if it does not come do we ask ourselves.
        peers[index].polls[attribute] = max(due, now + configuration.timeout)
    }

    private mutating func place(of device: DeviceAddress, _ now: Duration) -> Int? {
        if let index = peers.firstIndex(where: { $0.address == device }) { return index }
        guard peers.count < BusDecoder.maximumDevices else { return nil }
        // Somebody answers: no need to hurry with the next hello.
        if peers.isEmpty, hasSaidHello { nextHello = max(nextHello, now + configuration.helloInterval) }
        peers.append(PeerState(address: device, lastHeard: now))
        tell(.appeared(device))
        if !configuration.discovers, let definition = decoder.schema(of: device)?.definition, definition.isMeasured {
            for row in definition.attributes where row.kind != .command {
                peers[peers.count - 1].polls[row.id] = now
                peers[peers.count - 1].unread.insert(row.id)
            }
        }
        return peers.count - 1
    }

    private mutating func wake(_ index: Int) {
        peers[index].isAwake = true
        peers[index].isDiscovered = false
        // It slept, so its silence meant nothing.
        peers[index].unanswered.removeAll()
        tell(.woke(peers[index].address))
    }

    /// The device speaks, but not to these questions.
    private mutating func giveUpUnanswered(_ index: Int) {
        guard !peers[index].unanswered.isEmpty else { return }
        for request in peers[index].unanswered { peers[index].discovery.noteSilence(request) }
        peers[index].unanswered.removeAll()
        peers[index].isDiscovered = false
    }

    /// What stands in the device's groups, and what others read from it, is worth reading.
    private mutating func learnPolls(_ message: Message, _ index: Int, _ now: Duration) {
        if case .groupItem(.monitoring, _, _, let attribute) = message {
            peers[index].isDiscovered = false
            if peers[index].polls[attribute] == nil, peers[index].polls.count < Self.maximumPolls {
                peers[index].polls[attribute] = now
                peers[index].unread.insert(attribute)
            }
        }
    }

    private mutating func schedule(_ attribute: UInt16, _ index: Int, _ now: Duration, isOurs: Bool) {
        let before = peers[index].polls[attribute]
        peers[index].unread.remove(attribute)
        guard before != nil || peers[index].polls.count < Self.maximumPolls else { return }
        if before == nil { peers[index].isDiscovered = false }
        let address = peers[index].address
        let interval = configuration.plan.interval(
            of: BusPlan.Key(address, attribute), in: decoder.schema(of: address))
        guard isOurs else {
            counters.servedByOthers += 1
            // Half an interval more for others: a display that reads every 1.08 s is then never overtaken.
            peers[index].polls[attribute] = now + interval * 3 / 2
            return
        }
        // Counted from when it was due, so that the answer's delay does not add up.
        let next = (before ?? now) + interval
        peers[index].polls[attribute] = next > now + interval / 2 ? next : now + interval
    }

    // MARK: Asking

    /// The next thing to send, if it is time for anything; call again until it gives nothing.
    ///
    /// Also notices who has gone silent. In listen-only mode it never gives anything.
    public mutating func nextRequest(at now: Duration) -> BusRequest? {
        noticeSilence(now)
        guard !configuration.isListenOnly else { return nil }
        expire(now)
        guard now >= nextSend else { return nil }
        guard let request = choose(now) else { return nil }
        counters.requests += 1
        nextSend = now + configuration.gap
        decoder.noteOwn(request, at: now)
        return request
    }

    /// When to call ``nextRequest(at:)`` again if no frame comes before; nil where nothing will ever be due.
    public var deadline: Duration? {
        var silence: Duration?
        for peer in peers where peer.isAwake {
            silence = min(silence ?? .seconds(Int64.max / 4), peer.lastHeard + configuration.silence)
        }
        guard !configuration.isListenOnly else { return silence }
        var earliest = isAddressTaken ? nil : nextHello
        for peer in peers {
            guard let due = due(of: peer) else { continue }
            earliest = min(earliest ?? due, due)
        }
        guard let earliest else { return silence }
        let send = max(earliest, nextSend)
        return min(silence ?? send, send)
    }

    private func isAsked(_ peer: PeerState) -> Bool {
        !configuration.unaskedTypes.contains(peer.address.type) && peer.address != configuration.ownAddress
    }

    /// When a device is to be asked something next; nil where never.
    private func due(of peer: PeerState) -> Duration? {
        guard isAsked(peer) else { return nil }
        if let pending = peer.pending { return pending.isDue ? nextSend : pending.expires }
        guard peer.isAwake else { return peer.nextProbe }
        if peer.failures >= configuration.patience { return nextSend }
        if configuration.discovers, !peer.isDiscovered { return nextSend }
        return peer.polls.values.min()
    }

    private mutating func noticeSilence(_ now: Duration) {
        for index in peers.indices where peers[index].isAwake {
            if now - peers[index].lastHeard >= configuration.silence { sleep(index, now) }
        }
    }

    private mutating func sleep(_ index: Int, _ now: Duration) {
        peers[index].isAwake = false
        peers[index].pending = nil
        peers[index].nextProbe = now + configuration.probeInterval
        tell(.slept(peers[index].address))
    }

    private mutating func expire(_ now: Duration) {
        for index in peers.indices {
            guard var pending = peers[index].pending, !pending.isDue, now >= pending.expires else { continue }
            guard pending.attempts <= configuration.retries, peers[index].isAwake else {
                fail(pending.request, index, now)
                continue
            }
            pending.isDue = true
            peers[index].pending = pending
        }
    }

    /// No attempt was answered.
    private mutating func fail(_ request: BusRequest, _ index: Int, _ now: Duration) {
        counters.failures += 1
        peers[index].pending = nil
        peers[index].failures += 1
        guard peers[index].isAwake else { return }
        switch request {
        case .presence:
            sleep(index, now)
        case .read(_, let attribute):
            peers[index].unread.remove(attribute)
            // One dead attribute must not hold up the others: 10 s, 20 s, … about ten minutes.
            let failed = peers[index].failedReads[attribute, default: 0]
            peers[index].failedReads[attribute] = min(failed + 1, 6)
            peers[index].polls[attribute] = now + configuration.plan.slowInterval * (1 << failed)
        default:
            if peers[index].unanswered.count < configuration.patience { peers[index].unanswered.append(request) }
        }
    }

    private mutating func choose(_ now: Duration) -> BusRequest? {
        if !isAddressTaken, now >= nextHello {
            // While nobody was heard the first one may have been lost.
            hasSaidHello = true
            nextHello =
                now + (peers.isEmpty ? min(.seconds(2), configuration.helloInterval) : configuration.helloInterval)
            return .hello(from: configuration.ownAddress)
        }
        for offset in 0..<peers.count {
            let index = (turn + offset) % peers.count
            if let request = choose(index, now) {
                turn = (index + 1) % peers.count
                return request
            }
        }
        return nil
    }

    private mutating func choose(_ index: Int, _ now: Duration) -> BusRequest? {
        guard isAsked(peers[index]) else { return nil }
        let address = peers[index].address
        if var pending = peers[index].pending {
            guard pending.isDue else { return nil }
            pending.isDue = false
            pending.attempts += 1
            pending.expires = now + configuration.timeout
            peers[index].pending = pending
            counters.retries += 1
            return pending.request
        }
        guard peers[index].isAwake else {
            guard now >= peers[index].nextProbe else { return nil }
            peers[index].nextProbe = now + configuration.probeInterval
            return start(.presence(address), index, now)
        }
        // Before it counts as asleep it is asked something that every device observed answers or refuses.
        if peers[index].failures >= configuration.patience { return start(.presence(address), index, now) }
        if let request = mostOverdue(index, now) { return start(request, index, now) }
        guard configuration.discovers, !peers[index].isDiscovered else { return nil }
        if let request = nextQuestion(index) { return start(request, index, now) }
        // What went unanswered is asked again, or given up, when the device speaks.
        peers[index].isDiscovered = true
        hasten(index, now)
        if !peers[index].isAnnounced, peers[index].unanswered.isEmpty {
            peers[index].isAnnounced = true
            tell(.discovered(address))
        }
        // What a record from before has brought to light is due at once.
        return mostOverdue(index, now).map { start($0, index, now) }
    }

    /// What is known now to change by the second need not wait for the interval that was chosen before.
    private mutating func hasten(_ index: Int, _ now: Duration) {
        let address = peers[index].address
        let schema = decoder.schema(of: address)
        for (attribute, due) in peers[index].polls where peers[index].failedReads[attribute] == nil {
            let interval = configuration.plan.interval(of: BusPlan.Key(address, attribute), in: schema)
            peers[index].polls[attribute] = min(due, now + interval * 3 / 2)
        }
    }

    private mutating func nextQuestion(_ index: Int) -> BusRequest? {
        let address = peers[index].address
        guard let schema = decoder.schema(of: address) else { return nil }
        if let record = remembered[address], !peers[index].isCompared {
            if let question = peers[index].discovery.nextIdentity(schema, postponed: peers[index].unanswered) {
                return question
            }
            peers[index].isCompared = true
            if record.describes(schema) {
                decoder.adopt(record)
                for attribute in record.groupedAttributes where peers[index].polls.count < Self.maximumPolls {
                    guard peers[index].polls[attribute] == nil else { continue }
                    peers[index].polls[attribute] = .zero
                    peers[index].unread.insert(attribute)
                }
                tell(.recognised(address))
                return nextQuestion(index)
            }
        }
        return peers[index].discovery.next(
            schema, extra: peers[index].polls.keys.sorted(), postponed: peers[index].unanswered)
    }

    private func mostOverdue(_ index: Int, _ now: Duration) -> BusRequest? {
        let overdue = peers[index].polls.lazy.filter { $0.value <= now }.min {
            ($0.value, $0.key) < ($1.value, $1.key)
        }
        return overdue.map { .read(peers[index].address, attribute: $0.key) }
    }

    private mutating func start(_ request: BusRequest, _ index: Int, _ now: Duration) -> BusRequest {
        peers[index].pending = Pending(request: request, expires: now + configuration.timeout)
        // A probe of a sleeping device is not repeated: the next one comes soon enough.
        if !peers[index].isAwake { peers[index].pending?.attempts = configuration.retries + 1 }
        return request
    }
}
