/// Sky, battery and loads: what the chargers of one plant have in common.
public struct SimulatedSite: Sendable {
    /// Sun and clouds.
    public var sky: Sky
    /// How simulated days run.
    public var clock: SolarClock
    /// The battery all chargers charge.
    public private(set) var battery: SimulatedBattery
    /// W that consumers take, by a name of your choice: the place where an inverter or any other device attaches.
    public var loads: [String: Double]

    /// A site; without anything given a summer's day with some clouds over a 12 V, 200 Ah battery.
    public init(
        sky: Sky = Sky(), clock: SolarClock = SolarClock(), battery: SimulatedBattery = SimulatedBattery(),
        loads: [String: Double] = ["house": 60]
    ) {
        self.sky = sky
        self.clock = clock
        self.battery = battery
        self.loads = loads
    }

    /// The longest simulated time that is taken as one step, seconds.
    private static let longestStep = 10.0

    /// Moves chargers and battery from one time to a later one.
    ///
    /// `followers` tells which chargers take their state from the one at `master`.
    mutating func step(
        _ chargers: inout [ChargerElectronics], followers: [Bool], master: Int?, from start: Duration, to end: Duration
    ) {
        let first = clock.seconds(at: start)
        let total = clock.seconds(at: end) - first
        guard total > 0 else { return }
        let steps = max(1, Int((total / Self.longestStep).rounded(.up)))
        let seconds = total / Double(steps)
        // In a fixed order, so that rounding is the same in every run.
        let wattage = loads.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value }
        for step in 1...steps {
            let irradiance = sky.irradiance(at: first + Double(step) * seconds)
            let leader = master.map { chargers[$0].state }
            var offers: [ChargeOffer] = []
            var offering: [Int] = []
            for index in chargers.indices {
                let followed = followers[index] ? leader : nil
                guard let offer = chargers[index].offer(irradiance: irradiance, master: followed) else { continue }
                offers.append(offer)
                offering.append(index)
            }
            let outputs = chargers.reduce(0) { $0 + $1.loadCurrent * $1.batteryVoltage }
            let given = battery.settle(offers, load: wattage + outputs, seconds: seconds)
            var currents = [Double?](repeating: nil, count: chargers.count)
            for (index, current) in zip(offering, given) { currents[index] = current }
            for index in chargers.indices {
                chargers[index].settle(voltage: battery.voltage, current: currents[index], seconds: seconds)
            }
        }
    }
}
