import VEDirect

/// What is put to the proof: ``MultiplexerSession``, or in a test of the proof itself something less careful.
public protocol ProvableMultiplexer: Sendable {
    /// When it wants to be asked for an action again if nothing arrives.
    var deadline: Duration { get }
    /// How often it selected another channel.
    var switches: Int { get }
    /// Takes bytes that arrived.
    mutating func receive(_ bytes: [UInt8], at now: Duration)
    /// What is to be done now, if anything.
    mutating func nextAction(at now: Duration) -> MultiplexerSession.Action?
    /// Takes what happened since the last call.
    mutating func takeEvents() -> [MultiplexerSession.Event]
    /// What happened on a channel's turns.
    func turnCounters(_ channel: Int) -> MultiplexerSession.ChannelCounters
}

extension MultiplexerSession: ProvableMultiplexer {}

/// Several simulated chargers behind one multiplexer and one real session, in virtual time, with every reading that
/// leaves held against what the charger of that serial number held.
public struct MultiplexerRun<Multiplexer: ProvableMultiplexer>: Sendable {
    /// A value is true if the charger held it within this time before its reading.
    private static var truthLasts: Duration { .seconds(3) }

    /// What came of it so far.
    public private(set) var tally = MultiplexerTally()
    /// The line, for a test that pulls plugs.
    public var line: MultiplexedLine
    /// The serial number that is told of each channel.
    public private(set) var serials: [String?]
    /// What each channel's device was last said to be doing.
    public private(set) var states: [DeviceSession.State?]
    /// Readings that left, by charger.
    public private(set) var readings: [Int]
    /// What was told of stuck lines.
    public private(set) var complaints: [MultiplexerSession.Event] = []
    /// The session.
    public private(set) var multiplexer: Multiplexer
    /// How far time has come.
    public private(set) var now: Duration = .zero

    private var lastReading: [Duration]
    private var selected = 0
    private var isDropping = true
    private var decoder = StreamDecoder()

    /// A run that has not begun.
    public init(_ multiplexer: Multiplexer, line: MultiplexedLine) {
        self.multiplexer = multiplexer
        self.line = line
        let count = line.chargers.count
        serials = [String?](repeating: nil, count: count)
        states = [DeviceSession.State?](repeating: nil, count: count)
        readings = [Int](repeating: 0, count: count)
        lastReading = [Duration](repeating: .zero, count: count)
    }

    /// Runs until so many switches were made, or `end` of virtual time has come, or a condition holds.
    public mutating func run(
        switches: Int = .max, until end: Duration = .seconds(10_000_000),
        while condition: (Self) -> Bool = { _ in true }
    ) {
        while multiplexer.switches < switches, now < end, condition(self) { step() }
    }

    /// The tally with all that is counted elsewhere.
    public var finalTally: MultiplexerTally {
        var tally = tally
        tally.sessions = 1
        tally.duration = now
        tally.switches = multiplexer.switches
        tally.unidentified = readings.count { $0 == 0 }
        for last in lastReading { tally.longestGap = max(tally.longestGap, now - last) }
        for channel in serials.indices {
            let counters = multiplexer.turnCounters(channel)
            tally.goodTurns += counters.goodTurns
            tally.silentTurns += counters.silentTurns
            tally.foreignTurns += counters.foreignTurns
            tally.brokenTurns += counters.brokenTurns
            tally.droppedReadings += counters.droppedReadings
        }
        tally.stuckTimes = line.stuckTimes
        tally.swapTimes = line.swapTimes
        tally.bytes = line.delivered
        tally.residue = line.residue
        return tally
    }

    /// One event: bytes that arrived, or a deadline.
    private mutating func step() {
        now = max(now + .microseconds(10), min(multiplexer.deadline, line.nextEvent()))
        let bytes = line.receive(until: now)
        if !bytes.isEmpty {
            if !isDropping { believe(bytes) }
            multiplexer.receive(bytes, at: now)
        }
        while let action = multiplexer.nextAction(at: now) {
            switch action {
            case .select(let channel):
                line.select(channel, at: now)
                selected = channel
                isDropping = true
            case .discard: isDropping = false
            case .send(let request): line.send(request.bytes, at: now)
            }
        }
        for event in multiplexer.takeEvents() { weigh(event) }
    }

    private mutating func weigh(_ event: MultiplexerSession.Event) {
        switch event {
        case .foreign:
            tally.complaints += 1
            if complaints.count < 100 { complaints.append(event) }
        case .device(let channel, .identified(let identity)):
            serials[channel] = identity.serial
            if !line.chargers.contains(where: { $0.serial == identity.serial }) {
                tally.phantoms += 1
                tally.note("\(now) channel \(channel) identified as \(identity.serial)")
            }
        case .device(let channel, .lostIdentity): serials[channel] = nil
        case .device(let channel, .state(let state)): states[channel] = state
        case .device(let channel, .reading(let reading)): weigh(reading, channel)
        case .device: break
        }
    }

    private mutating func weigh(_ reading: RegisterReading, _ channel: Int) {
        tally.readings += 1
        let owner = line.chargers.firstIndex { $0.serial == serials[channel] }
        if let owner {
            tally.longestGap = max(tally.longestGap, now - lastReading[owner])
            lastReading[owner] = now
            readings[owner] += 1
        }
        if let owner, isTrue(reading, of: owner) { return }
        let holders = line.chargers.indices.filter { $0 != owner && isTrue(reading, of: $0) }
        if holders.isEmpty { tally.wrongValues += 1 } else { tally.misattributed += 1 }
        tally.note(
            "\(reading.time) channel \(channel) as \(serials[channel] ?? "-"): \(reading.register) \(reading.raw.hex) "
                + "\(reading.provenance), held by \(holders.map { line.chargers[$0].serial })")
    }

    private func isTrue(_ reading: RegisterReading, of index: Int) -> Bool {
        if reading.provenance == .command {
            // Made of the answer to a command: the register itself holds nothing.
            let word = reading.raw.unsigned.map { UInt16(truncatingIfNeeded: $0) }
            return reading.register == .applicationVersion
                ? word.flatMap { FirmwareVersion(word: $0) } == line.chargers[index].model.firmware
                : word == line.chargers[index].productID
        }
        return line.chargers[index].held(reading.register, reading.raw, since: reading.time - Self.truthLasts)
    }

    /// What a reader without fences does.
    private mutating func believe(_ bytes: [UInt8]) {
        guard let owner = line.plugs[selected] else { return }
        var decoder = self.decoder
        decoder.decode(bytes) { event in
            guard case .hex(let frame) = event, frame.response == .get || frame.response == .async,
                let register = frame.register, frame.flags?.isEmpty == true, frame.count > 3
            else { return }
            tally.unfenced.readings += 1
            if !line.chargers[owner].held(register, frame.value, since: now - Self.truthLasts) {
                tally.unfenced.wrongValues += 1
            }
        }
        self.decoder = decoder
    }
}
