import Simulation
import Testing
import VEDirect

/// A session and a simulated charger on one line, in virtual time, with everything that happened.
struct SessionBench {
    var line: VirtualLine
    var session: DeviceSession
    /// What the session's clock is ahead of the line's.
    let ahead: Duration
    /// Bytes that come to the host beside those of the line, and are taken once.
    var injected: [UInt8] = []
    /// What the session reported, and when.
    private(set) var events: [(time: Duration, event: DeviceSession.Event)] = []
    /// What the session asked, and when.
    private(set) var requests: [(time: Duration, request: Request)] = []
    /// Readings that the charger did not hold in the five seconds before.
    private(set) var wrong: [String] = []

    init(
        _ model: ChargerModel, plan: PollPlan = PollPlan(), site: SimulatedSite = SimulatedSite(),
        timing: ChargerTiming = ChargerTiming(), delivery: VirtualLine.Delivery = .lowLatency,
        memory: DeviceMemory = DeviceMemory(), ahead: Duration = .zero, seed: UInt64 = 1
    ) {
        self.ahead = ahead
        line = VirtualLine(
            SimulatedCharger(model, site: site, timing: timing, seed: seed), delivery: delivery, seed: seed)
        session = DeviceSession(plan: plan, memory: memory, now: ahead)
    }

    mutating func run(for time: Duration) { run(until: line.now + time) }

    mutating func run(until end: Duration) {
        var session = self.session
        var fresh: [(time: Duration, event: DeviceSession.Event)] = []
        var asked: [(time: Duration, request: Request)] = []
        var injected = self.injected
        let ahead = self.ahead
        line.run(until: end) { bytes, now in
            // Between two pieces of the line, so that no frame is cut.
            if !injected.isEmpty, !bytes.isEmpty {
                session.receive(injected, at: now + ahead)
                injected = []
            }
            if !bytes.isEmpty { session.receive(bytes, at: now + ahead) }
            let request = session.nextRequest(at: now + ahead)
            fresh += session.takeEvents().map { (now, $0) }
            if let request { asked.append((now, request)) }
            return .init(send: request?.bytes ?? [], wake: session.deadline - ahead)
        }
        self.session = session
        self.injected = injected
        events += fresh
        requests += asked
    }

    /// Runs in small steps and holds every reading against what the charger held when it came.
    mutating func runChecked(for time: Duration) {
        let end = line.now + time
        while line.now < end {
            let before = events.count
            run(until: min(end, line.now + .milliseconds(50)))
            var serial = session.identity?.serial ?? ""
            for (time, event) in events[before...] {
                switch event {
                case .identified(let identity): serial = identity.serial
                case .reading(let reading) where reading.provenance == .command:
                    // Made of the answer to a command: the register itself holds nothing.
                    let word: UInt16? = reading.raw.unsigned.map { UInt16(truncatingIfNeeded: $0) }
                    let isRight =
                        reading.register == .applicationVersion
                        ? word.flatMap { FirmwareVersion(word: $0) } == line.charger.model.firmware
                        : word == line.charger.productID
                    if !isRight { wrong.append("\(time) \(reading.register.hex) \(reading.raw.hex) of a command") }
                case .reading(let reading):
                    let held = line.charger.heldValues(reading.register, since: time - .seconds(5))
                    if serial != line.charger.serial || !held.contains(reading.raw.bytes) {
                        wrong.append(
                            "\(time) \(serial) \(reading.register.hex) \(reading.raw.hex) \(reading.provenance), held \(held)"
                        )
                    }
                default: break
                }
            }
        }
    }

    /// Another charger on the same plug.
    mutating func swap(_ model: ChargerModel, seed: UInt64) {
        line.charger = SimulatedCharger(model, seed: seed)
        // It has been running for as long as the line has.
        _ = line.charger.transmit(until: line.now)
    }

    // MARK: What happened

    var identifiedAt: Duration? {
        events.first { if case .identified = $0.event { true } else { false } }?.time
    }

    var serials: [String] {
        events.compactMap { if case .identified(let identity) = $0.event { identity.serial } else { nil } }
    }

    var states: [DeviceSession.State] {
        events.compactMap { if case .state(let state) = $0.event { state } else { nil } }
    }

    func firstReading(_ register: RegisterID) -> Duration? { readings(register).first?.time }

    func readings(_ register: RegisterID, since: Duration = .zero) -> [RegisterReading] {
        events.compactMap {
            guard $0.time >= since, case .reading(let reading) = $0.event, reading.register == register else {
                return nil
            }
            return reading
        }
    }

    func isRefused(_ register: RegisterID) -> Bool { events.contains { $0.event == .refused(register) } }

    func asked(_ register: RegisterID, since: Duration = .zero) -> Int {
        requests.count { $0.time >= since && $0.request == .get(register) }
    }
}
