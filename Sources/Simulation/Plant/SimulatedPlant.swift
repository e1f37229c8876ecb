import VEDirect

/// Several chargers on one battery under one sky.
///
/// Like a charger it does no I/O and has no clock. The first charger whose link is ``ChargerModel/Link/master`` leads
/// the networked ones.
public struct SimulatedPlant: Sendable {
    /// Sky, battery and loads; change `site.loads` for a consumer that comes or goes.
    public var site: SimulatedSite
    /// The chargers, in the order they were added.
    public private(set) var chargers: [SimulatedCharger]
    /// How often the values move.
    public let refresh: Duration

    private var lastStep: Duration = .zero
    private var nextStep: Duration

    /// A plant without chargers.
    public init(site: SimulatedSite = SimulatedSite(), refresh: Duration = .milliseconds(250)) {
        precondition(refresh > .zero, "values move in time")
        self.site = site
        self.refresh = refresh
        chargers = []
        nextStep = refresh
    }

    /// Adds a charger; one that comes later starts when it comes.
    ///
    /// - Returns: its place in ``chargers``.
    @discardableResult
    public mutating func add(
        _ model: ChargerModel, panels: PanelArray? = nil, historyDays: Int = 12,
        timing: ChargerTiming = ChargerTiming(), seed: UInt64
    ) -> Int {
        chargers.append(
            SimulatedCharger(
                inPlantOf: site, model, panels: panels, historyDays: historyDays, timing: timing, seed: seed,
                at: lastStep))
        // The new one has values before anybody asks.
        step(from: lastStep, to: lastStep + .milliseconds(1))
        lastStep += .milliseconds(1)
        return chargers.count - 1
    }

    /// Bytes from the host to charger `index`.
    public mutating func receive(_ bytes: [UInt8], charger index: Int, at now: Duration) {
        advance(to: now)
        chargers[index].receive(bytes, at: now)
    }

    /// The bytes that charger `index` has sent by `now` and that were not taken yet.
    public mutating func transmit(charger index: Int, until now: Duration) -> [UInt8] {
        advance(to: now)
        return chargers[index].transmit(until: now)
    }

    /// When the next thing happens in any charger.
    public var nextDeadline: Duration {
        chargers.reduce(nextStep) { earliest, charger in charger.nextDeadline.map { min($0, earliest) } ?? earliest }
    }

    /// An error appears in charger `index` (its number in register EDDA) or goes (0).
    public mutating func setError(_ code: UInt8, charger index: Int) { chargers[index].setError(code) }

    /// Charger `index` restarts.
    public mutating func restart(charger index: Int, at now: Duration) {
        advance(to: now)
        chargers[index].restart(at: now)
    }

    /// Moves sky, battery and values to `now`.
    public mutating func advance(to now: Duration) {
        while nextStep <= now {
            step(from: lastStep, to: nextStep)
            lastStep = nextStep
            nextStep += refresh
        }
    }

    /// Replaces what a charger remembers of an earlier day: 1 is yesterday.
    ///
    /// - Parameters:
    ///   - yield: kWh.
    ///   - maximumPower: W.
    public mutating func setPastDay(_ age: Int, yield: Double, maximumPower: Double, charger index: Int) {
        chargers[index].electronics.setPastDay(age, yield: yield * 1000, maximumPower: maximumPower)
    }

    /// Adds energy to a charger's counters from before the days that it remembers, kWh.
    public mutating func addEarlierYield(_ energy: Double, charger index: Int) {
        chargers[index].electronics.addEarlierYield(energy * 1000)
    }

    /// Simulates the hours from midnight to the time of day at which the clock starts, so that chargers and battery
    /// begin with a day that is under way.
    ///
    /// Call it after the last charger was added and before the plant runs.
    ///
    /// - Parameters:
    ///   - seconds: how many simulated seconds lie between two reports.
    ///   - load: W that an inverter takes at so many seconds after midnight.
    ///   - report: is called after each step with the seconds since midnight.
    public mutating func simulateMorning(
        every seconds: Double, load: (Double) -> Double = { _ in 0 }, _ report: (Double, SimulatedPlant) -> Void
    ) {
        precondition(seconds > 0, "values move in time")
        let (start, speed) = (site.clock.start, site.clock.speed)
        var time = 0.0
        while time < start {
            let next = min(time + seconds, start)
            for index in chargers.indices { chargers[index].electronics.stayInDay() }
            site.loads[BusHost.load] = load(time)
            stepElectronics(from: .seconds((time - start) / speed), to: .seconds((next - start) / speed))
            time = next
            report(time, self)
        }
        step(from: lastStep, to: lastStep + .milliseconds(1))
        lastStep += .milliseconds(1)
    }

    private mutating func stepElectronics(from start: Duration, to end: Duration) {
        let master = chargers.firstIndex { $0.model.link == .master }
        var electronics = chargers.map(\.electronics)
        site.step(
            &electronics, followers: chargers.map { $0.model.link == .slave }, master: master, from: start, to: end)
        for index in chargers.indices { chargers[index].electronics = electronics[index] }
    }

    private mutating func step(from start: Duration, to end: Duration) {
        for index in chargers.indices { chargers[index].advance(to: end) }
        let master = chargers.firstIndex { $0.model.link == .master }
        var electronics = chargers.map(\.electronics)
        site.step(
            &electronics, followers: chargers.map { $0.model.link == .slave }, master: master, from: start, to: end)
        guard let leader = master.map({ electronics[$0] }) ?? electronics.first else { return }
        let network = NetworkConditions(
            totalPower: electronics.reduce(0) { $0 + $1.panelPower },
            totalCurrent: electronics.reduce(0) { $0 + $1.current }, batteryCurrent: site.battery.current,
            state: leader.state, stateTime: leader.stateTime, setpoint: leader.setpoint,
            absorptionLimit: leader.settings.absorptionLimit)
        for index in chargers.indices {
            chargers[index].electronics = electronics[index]
            chargers[index].refresh(network: network, battery: site.battery.temperature, at: end)
        }
    }
}
