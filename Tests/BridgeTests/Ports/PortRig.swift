import Glibc
import Simulation
import Testing
import VEDirect

@testable import Bridge

/// Turns a supervisor as the daemon does, on a clock that can be set forward: what takes the supervisor eight seconds
/// need not take the test eight seconds.
final class PortRig {
    struct Late: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var supervisor: PortSupervisor
    private let start = ContinuousClock.now
    private var skipped: Duration = .zero
    private var buffer = [UInt8](repeating: 0, count: 4096)
    /// What was reported, in words, session events aside.
    private(set) var reports: [String] = []
    private(set) var identities: [DeviceIdentity] = []
    private(set) var states: [DeviceSession.State] = []
    private(set) var readings: [RegisterReading] = []
    /// The longest that one call took.
    private(set) var longestCall: Duration = .zero

    /// Whether the clock stands but for what is skipped: for ports at whose other end nothing lives in real time.
    private let clockStands: Bool

    init(_ path: String, plan: PollPlan = PollPlan(), clockStands: Bool = false) {
        self.clockStands = clockStands
        supervisor = PortSupervisor(path: path, settings: Configuration.Serial(), plan: plan, now: .zero)
    }

    var now: Duration { (clockStands ? .zero : ContinuousClock.now - start) + skipped }
    var isOpen: Bool { supervisor.descriptor != nil }

    /// Sets the clock forward; the supervisor sees it at its next turn.
    func skip(_ time: Duration) { skipped += time }

    /// The machine slept for so long.
    func sleep(_ time: Duration) {
        skipped += time
        supervisor.hostSlept(at: now)
    }

    /// Asks at other intervals from now on.
    func adopt(_ plan: PollPlan) { supervisor.adopt(plan, at: now) }

    func count(_ report: String) -> Int { reports.count { $0.contains(report) } }

    /// Turns the supervisor until `condition` holds.
    func run(_ what: String, limit: Duration = .seconds(15), until condition: () -> Bool) async throws {
        let end = ContinuousClock.now + limit
        while !condition() {
            guard ContinuousClock.now < end else {
                throw Late(description: "not within \(limit): \(what); reports: \(reports), states: \(states)")
            }
            turn()
            // A turn waits; other tests have the thread in between.
            await Task.yield()
        }
    }

    /// When the supervisor wants its turn if nothing arrives.
    var deadline: Duration { supervisor.deadline(now: now) }

    func turn() {
        let wait = max(.zero, min(deadline - now, .milliseconds(20)))
        var entry = pollfd(fd: supervisor.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
        let pause = clockStands ? 1 : Int32(wait.components.attoseconds / 1_000_000_000_000_000) + 1
        let ready = poll(&entry, 1, pause)
        if clockStands, ready == 0 { skipped += wait }
        let before = ContinuousClock.now
        if ready > 0 { _ = supervisor.receive(into: &buffer, at: now, note) }
        if now >= supervisor.deadline(now: now) { _ = supervisor.advance(to: now, note) }
        longestCall = max(longestCall, ContinuousClock.now - before)
    }

    private func note(_ event: PortSupervisor.Event) {
        switch event {
        case .opened: reports.append("opened")
        case .unavailable(let failure): reports.append("unavailable: \(failure.description)")
        case .closed(let reason, let isNews): if isNews { reports.append("closed: \(reason)") }
        case .session(.identified(let identity)): identities.append(identity)
        case .session(.state(let state)): states.append(state)
        case .session(.reading(let reading)): readings.append(reading)
        case .session(.lostIdentity), .session(.refused), .session(.passCompleted): break
        }
    }
}

/// Simulated chargers on pseudo-terminals, running until the object goes.
final class Chargers {
    let host: ChargerHost

    init(_ models: [ChargerModel] = [.smartSolar150x60()], links: [String] = []) throws {
        var plant = SimulatedPlant(site: SimulatedSite(clock: SolarClock(startHour: 11)))
        for (index, model) in models.enumerated() { plant.add(model, seed: UInt64(index + 1)) }
        host = try ChargerHost(plant, links: links)
        try host.start()
    }

    deinit { host.stop() }

    func path(_ index: Int = 0) throws -> String { try #require(host.paths[index]) }
}
