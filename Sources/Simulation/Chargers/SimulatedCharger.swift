import VEDirect

/// A solar charger that speaks VE.Direct as the real one does: TEXT once a second, HEX when asked and unasked, at
/// 19200 baud and in its own time.
///
/// It does no I/O and has no clock: bytes go in and come out, times are durations since any moment the caller likes.
/// Time only goes forward; a call with an earlier time is taken as one at the latest time seen.
public struct SimulatedCharger: Sendable {
    /// Which charger it is.
    public var model: ChargerModel { registers.model }
    /// How it takes its time.
    public var timing: ChargerTiming
    /// How often a host sent something that a read-only host never sends: boot loader (0), restart (6), write (8).
    public private(set) var forbiddenCommands = 0
    /// How many requests were understood and taken on.
    public private(set) var acceptedRequests = 0
    /// How many requests were lost because too many came at once.
    public private(set) var lostRequests = 0
    /// How many lines were damaged.
    public private(set) var damagedRequests = 0

    var electronics: ChargerElectronics
    private var registers: ChargerRegisters
    private var readings = ChargerReadings()
    private var random: SeededRandom

    /// The site of a charger that stands alone; nil in a plant, which steps its chargers together.
    private var site: SimulatedSite?

    // Input
    private var input: [UInt8] = []
    private var isInsideLine = false
    private var waiting: [Demand] = []
    private var working: Demand?
    private var workEnds: Duration = .zero

    // Output
    private var uart = OutgoingLine()
    private var nextText: Duration
    private var textPausedUntil: Duration = .zero
    private var asyncUntil: Duration = .zero
    private var unsent: [RegisterID] = []
    private var asyncSent: [RegisterID: Duration] = [:]
    private var mustDump = true

    private var clock: Duration = .zero
    private var started: Duration = .zero
    private var nextRefresh: Duration
    private var isPowered = true

    /// What was asked, as it waits its turn.
    private enum Demand: Sendable {
        case command(UInt8, [UInt8])
        case damaged
    }

    /// A charger with its own sky and battery.
    ///
    /// - Parameters:
    ///   - model: which charger.
    ///   - panels: what is on its roof; nil for what suits the model.
    ///   - site: sky, battery, loads.
    ///   - historyDays: how many days it has behind it.
    ///   - timing: how it takes its time.
    ///   - seed: equal seeds and inputs give equal bytes.
    public init(
        _ model: ChargerModel, panels: PanelArray? = nil, site: SimulatedSite = SimulatedSite(), historyDays: Int = 12,
        timing: ChargerTiming = ChargerTiming(), seed: UInt64
    ) {
        self.init(
            inPlantOf: site, model, panels: panels, historyDays: historyDays, timing: timing, seed: seed)
        self.site = site
        stepOwnSite(to: .milliseconds(1))
        nextRefresh = timing.refresh
    }

    /// A charger of a plant: values come with ``refresh(network:battery:at:)``.
    init(
        inPlantOf site: SimulatedSite, _ model: ChargerModel, panels: PanelArray?, historyDays: Int,
        timing: ChargerTiming, seed: UInt64, at start: Duration = .zero
    ) {
        random = SeededRandom(seed: seed)
        self.timing = timing
        let systemVoltage = site.battery.nominalVoltage
        electronics = ChargerElectronics(
            model: model, panels: panels ?? model.suitablePanels(systemVoltage: systemVoltage),
            systemVoltage: systemVoltage, batteryVoltage: site.battery.voltage, historyDays: historyDays,
            random: &random)
        registers = ChargerRegisters(
            model: model, settings: electronics.settings, systemVoltage: systemVoltage, at: start)
        clock = start
        started = start
        nextText = start + random.time(in: .milliseconds(20)...(.milliseconds(1000)))
        nextRefresh = start + timing.refresh
    }

    // MARK: Truth

    /// Every value that the register held at some moment from `since` on, as bytes of the wire, the oldest first.
    ///
    /// At least five seconds are remembered; a register without a value has none.
    public func heldValues(_ register: RegisterID, since: Duration) -> [[UInt8]] {
        registers.file.held(register, since: since)
    }

    /// Whether the register held this value at some moment from `since` on; the same memory as of
    /// ``heldValues(_:since:)``.
    public func held(_ register: RegisterID, _ value: RawValue, since: Duration) -> Bool {
        registers.file.held(register, value, since: since)
    }

    /// The value that the register holds, as bytes of the wire; nil for a register without one.
    public func currentValue(_ register: RegisterID) -> [UInt8]? { registers.file[register] }

    /// All registers that have a value, by number.
    public var knownRegisters: [RegisterID] { registers.file.known }

    /// As in register 010A.
    public var serial: String { model.serial }
    /// As in command 4.
    public var productID: UInt16 { model.productID }
    /// What it charges with: bulk, absorption, float, or not at all.
    public var state: ChargeState { electronics.state }
    /// Energy since it was made, Wh, unrounded.
    public var totalYield: Double { electronics.systemYield }
    /// Power of the panels, W, unrounded.
    public var panelPower: Double { electronics.panelPower }
    /// The charger's own number of the day.
    public var daySequence: Int { electronics.today.sequence }
    /// At the panels, V.
    public var panelVoltage: Double { electronics.panelVoltage }
    /// At the charger's battery terminals, V.
    public var outputVoltage: Double { electronics.batteryVoltage }
    /// Out of its converter, A.
    public var outputCurrent: Double { electronics.current }
    /// Since the first light of the day, kWh.
    public var yieldToday: Double { electronics.today.yield / 1000 }
    /// Sky, battery and loads of a charger that stands alone.
    public var ownSite: SimulatedSite? { site }

    // MARK: Time

    /// When the next thing happens inside: a byte has left, an answer is ready, values are taken. Ask again after
    /// every call.
    public var nextDeadline: Duration? {
        guard let event = nextEvent() else { return uart.nextByte }
        guard let byte = uart.nextByte else { return event }
        return min(event, byte)
    }

    /// The bytes that have left the charger up to `now` and were not taken yet, in order.
    public mutating func transmit(until now: Duration) -> [UInt8] {
        advance(to: now)
        return uart.take(until: clock)
    }

    /// When the last bit of the last byte was sent that ``transmit(until:)`` has given.
    public var lastTransmitted: Duration { uart.lastEnd }

    /// Bytes that arrive from the host, in pieces of any size.
    public mutating func receive(_ bytes: [UInt8], at now: Duration) {
        advance(to: now)
        guard isPowered else { return }
        for byte in bytes { receive(byte) }
    }

    /// When something changes inside or a frame or block has left; bytes that leave before do not count.
    func nextEvent() -> Duration? {
        var next = nextText
        if !isPowered { next = .seconds(Int64.max / 4) }
        if working != nil { next = min(next, workEnds) }
        if let end = uart.runEnds { next = min(next, end) }
        if site != nil { next = min(next, nextRefresh) }
        return next
    }

    mutating func advance(to now: Duration) {
        while let event = nextEvent(), event <= now {
            clock = max(clock, event)
            if working != nil, workEnds <= clock { finishWork() }
            if isPowered, nextText <= clock { startText() }
            if site != nil, nextRefresh <= clock {
                stepOwnSite(to: clock)
                nextRefresh = clock + timing.refresh
            }
            pump()
        }
        clock = max(clock, now)
    }

    // MARK: Values

    private mutating func stepOwnSite(to now: Duration) {
        guard var site else { return }
        var one = [electronics]
        site.step(&one, followers: [false], master: nil, from: lastStep, to: now)
        electronics = one[0]
        lastStep = now
        self.site = site
        let network = NetworkConditions(
            totalPower: electronics.panelPower, totalCurrent: electronics.current,
            batteryCurrent: site.battery.current, state: electronics.state, stateTime: electronics.stateTime,
            setpoint: electronics.setpoint, absorptionLimit: electronics.settings.absorptionLimit)
        refresh(network: network, battery: site.battery.temperature, at: now)
    }

    private var lastStep: Duration = .zero

    /// Takes the values of this moment into the registers.
    mutating func refresh(network: NetworkConditions, battery: Double, at now: Duration) {
        readings = ChargerReadings(electronics, random: &random)
        let uptime = Int((now - started).components.seconds)
        registers.refresh(readings, electronics, battery: battery, network: network, uptime: uptime, at: now)
        let changed = registers.takeChanged()
        if model.sleepsAtNight, electronics.hasPanelSupply != isPowered { switchPower(at: now) }
        guard isPowered, asyncUntil > now else {
            unsent.removeAll(keepingCapacity: true)
            return
        }
        for register in changed where sendsUnasked(register) && !unsent.contains(register) { unsent.append(register) }
        pump()
    }

    /// An error appears (its number in register EDDA) or goes (0). It shows at the next refresh.
    public mutating func setError(_ code: UInt8) { electronics.setError(code) }

    private mutating func switchPower(at now: Duration) {
        isPowered.toggle()
        uart.clear()
        waiting.removeAll()
        working = nil
        isInsideLine = false
        input.removeAll()
        asyncUntil = .zero
        if isPowered { boot(at: now) }
    }

    /// The charger restarts, as after a firmware update or a broken supply: what was under way is lost, the uptime
    /// begins again, nothing is sent unasked until it is asked again, and it takes about two seconds to speak.
    public mutating func restart(at now: Duration) {
        advance(to: now)
        boot(at: clock)
    }

    private mutating func boot(at now: Duration) {
        uart.clear()
        waiting.removeAll()
        working = nil
        started = now
        asyncUntil = .zero
        mustDump = true
        textPausedUntil = .zero
        registers.resetUptime(at: now)
        nextText = now + random.time(in: .milliseconds(1500)...(.milliseconds(2500)))
    }

    // MARK: Input

    private mutating func receive(_ byte: UInt8) {
        switch byte {
        case 0x3A:
            isInsideLine = true
            input.removeAll(keepingCapacity: true)
        case 0x0A where isInsideLine:
            isInsideLine = false
            if input.last == 0x0D { input.removeLast() }
            if let (command, payload) = HexLine.parse(input) {
                // Counted as it arrives: that it is lost in a full queue makes it no better.
                if command == 0 || command == 6 || command == 8 { forbiddenCommands += 1 }
                enqueue(.command(command, payload))
            } else {
                damagedRequests += 1
                enqueue(.damaged)
            }
        default:
            guard isInsideLine else { return }
            if input.count < 200 { input.append(byte) }
        }
    }

    private mutating func enqueue(_ demand: Demand) {
        if working == nil {
            begin(demand)
        } else if waiting.count < timing.inputQueue {
            waiting.append(demand)
        } else {
            lostRequests += 1
        }
    }

    private mutating func begin(_ demand: Demand) {
        working = demand
        let isSlow = random.unit() < timing.slowShare
        workEnds = clock + random.time(in: isSlow ? timing.slowTurnAround : timing.usualTurnAround)
        guard case .command = demand else { return }
        acceptedRequests += 1
        if asyncUntil <= clock, mustDump, speaksUnasked { dump() }
        asyncUntil = clock + timing.asyncLife
        if model.firmware.stopsTextWhileAsked { textPausedUntil = clock + random.time(in: timing.textPause) }
    }

    /// After the first frame of a host every register is sent once, later only what changed.
    private mutating func dump() {
        mustDump = false
        unsent = registers.file.known.filter(sendsUnasked)
    }

    private mutating func finishWork() {
        guard let demand = working else { return }
        working = nil
        switch demand {
        case .damaged: uart.queue([0x3A, 0x34, 0x41, 0x41, 0x41, 0x41, 0x46, 0x44, 0x0A])
        case .command(let command, let payload): answer(command, payload)
        }
        if !waiting.isEmpty, working == nil { begin(waiting.removeFirst()) }
    }

    private mutating func answer(_ command: UInt8, _ payload: [UInt8]) {
        let version = firmwareWord
        switch command {
        case 0x0: uart.queue(HexLine.frame(4, [0, 0]))
        case 0x1: uart.queue(HexLine.frame(5, version))
        case 0x3: uart.queue(HexLine.frame(1, version))
        case 0x4: uart.queue(HexLine.frame(1, little(model.productID, 2)))
        case 0x6: boot(at: clock)
        case 0x7, 0x8:
            guard payload.count >= 3 else {
                uart.queue(HexLine.frame(4, [0xAA, 0xAA]))
                return
            }
            let id = RegisterID(UInt16(payload[0]) | UInt16(payload[1]) << 8)
            let answer =
                command == 7 ? registers.answer(id) : registers.write(id, Array(payload.dropFirst(3)), at: clock)
            uart.queue(HexLine.frame(command, [payload[0], payload[1], answer.flags] + answer.value))
        default: uart.queue(HexLine.frame(3, [command, 0]))
        }
    }

    private var firmwareWord: [UInt8] {
        func decimal(_ number: Int) -> UInt16 { UInt16(number / 10 % 10) << 4 | UInt16(number % 10) }
        let firmware = model.firmware
        return little(
            UInt16(firmware.stage.rawValue) << 14 | decimal(firmware.major) << 8 | decimal(firmware.minor), 2)
    }

    // MARK: Output

    private var speaksUnasked: Bool { model.firmware >= .v116 }

    private func sendsUnasked(_ register: RegisterID) -> Bool {
        guard speaksUnasked else { return false }
        if register == .historyTotal || register == .historyDay(0) { return true }
        guard model.firmware > .v116 else { return false }
        switch register.rawValue {
        case 0x0120, 0x0200...0x0207, 0x034E, 0x200A, 0x2027, 0x2030, 0xED8C...0xED8F, 0xEDA8, 0xEDAD, 0xEDB3...0xEDB5,
            0xEDBB...0xEDBD, 0xEDD7, 0xEDDB, 0xEDEC:
            return true
        case 0x2002, 0x2003, 0xEDD5: return model.firmware >= FirmwareVersion(major: 1, minor: 26)
        case 0x2013: return true
        default: return false
        }
    }

    private mutating func startText() {
        nextText = clock + random.time(in: timing.textPeriod)
        guard textPausedUntil <= clock, !uart.hasText else { return }
        let text = ChargerText(model: model, readings: readings)
        for block in text.blocks { uart.queueText(block) }
    }

    /// Gives the line what it may send next.
    private mutating func pump() {
        uart.start(at: clock, cutsText: model.firmware.stopsTextWhileAsked)
        guard !unsent.isEmpty, !uart.hasFrame else { return }
        guard let index = unsent.firstIndex(where: { clock - (asyncSent[$0] ?? .seconds(-9)) >= timing.asyncSpacing })
        else { return }
        let register = unsent.remove(at: index)
        asyncSent[register] = clock
        if let value = registers.file[register] {
            let id = register.rawValue
            uart.queue(HexLine.frame(0xA, little(id, 2) + [0] + value))
        }
        uart.start(at: clock, cutsText: model.firmware.stopsTextWhileAsked)
    }
}
