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
