public import MasterBus
import VEDirect

/// A number about the plant, with what it rests on.
public struct Figure: Sendable, Hashable {
    /// Where a figure comes from.
    public enum Origin: Sendable, Hashable {
        /// A charger, by serial number.
        case charger(String)
        /// Several chargers, by serial number.
        case chargers([String])
        /// A device on a MasterBus.
        case device(DeviceAddress)
        /// Chargers and devices together.
        case plant
    }

    /// The value, in the unit that its place in ``PlantPicture`` says.
    public let value: Double
    /// How long ago the oldest reading in it was made.
    public let age: Duration
    /// Where it comes from.
    public let origin: Origin
    /// True where it must not be taken for the present: a reading in it is old, its device does not answer, or a part
    /// is missing.
    public let isStale: Bool

    /// A figure.
    public init(value: Double, age: Duration, origin: Origin, isStale: Bool) {
        self.value = value
        self.age = age
        self.origin = origin
        self.isStale = isStale
    }
}

/// How old a reading may be and still count as the present.
public struct Freshness: Sendable, Hashable {
    /// For what is read in every round.
    public var fast: Duration
    /// For what is read now and then.
    public var slow: Duration
    /// For what is read in every round of a charger whose panels are dark.
    public var nightFast: Duration
    /// For what is read now and then of such a charger.
    public var nightSlow: Duration

    /// Limits; five seconds and half a minute suit the standard intervals of 1 s and 10 s.
    public init(fast: Duration = .seconds(5), slow: Duration = .seconds(30)) {
        self.fast = fast
        self.slow = slow
        nightFast = fast
        nightSlow = slow
    }

    /// Limits for a configuration's intervals: two rounds may fail.
    public init(_ configuration: Configuration) {
        fast = max(.seconds(5), max(configuration.poll.fast, configuration.masterbus.fast) * 3 + .seconds(2))
        slow = max(.seconds(30), max(configuration.poll.slow, configuration.masterbus.slow) * 3)
        nightFast = max(fast, configuration.poll.night * 3 + .seconds(2))
        nightSlow = max(slow, configuration.poll.night * 12)
    }

    /// The limit for a reading of a charger.
    func limit(isSlow: Bool, isDark: Bool) -> Duration {
        isDark ? isSlow ? nightSlow : nightFast : isSlow ? slow : fast
    }
}

/// Chargers, battery and inverter in one picture, at one moment.
///
/// A figure is nil where nothing is known that it could be made of. Where a part of it is old or missing it is marked
/// stale, and so is everything made of it.
public struct PlantPicture: Sendable, Hashable {
    /// What one charger contributes.
    public struct Share: Sendable, Hashable {
        /// The charger.
        public let serial: String
        /// W from its panels (EDBC).
        public let power: Figure?
        /// Its part of ``PlantPicture/solarPower``, 0…1; nil where nothing is made or it is not known.
        public let fraction: Double?
    }

    /// The inverter as it says itself.
    public struct Inverter: Sendable, Hashable {
        /// The device.
        public let device: DeviceAddress
        /// Its state, as the index of an option (attribute 10).
        public let state: Figure?
        /// The option's text, in the device's language; nil where it is not known.
        public let stateText: String?
        /// A on its AC output (attribute 0B).
        public let outputCurrent: Figure?
    }

    /// W from the panels: the sum of EDBC over all solar chargers.
    public let solarPower: Figure?
    /// W from the solar chargers towards battery and loads: the sum of voltage (EDD5) times current (EDD7) over them.
    /// It is less than ``solarPower`` by what conversion costs, and includes what goes to load outputs.
    public let solarOutput: Figure?
    /// V: the shunt's (attribute 01), else a solar charger's (EDD5), as the origin says. Nil, like every figure of the
    /// battery, while it is not known which of several devices on the bus measures the whole of it.
    public let batteryVoltage: Figure?
    /// A, negative while discharging: the shunt's (attribute 02). Without one what the solar chargers give, less their
    /// load outputs; loads and other sources are then not in it, as the origin says.
    public let batteryCurrent: Figure?
    /// W into the battery, negative while discharging: the shunt's voltage times its current. Nil without a shunt.
    public let batteryPower: Figure?
    /// %: the shunt's (attribute 00), else a charger's (0FFF) where one knows it.
    public let stateOfCharge: Figure?
    /// Ah taken out since the battery was full: the shunt's (attribute 03), else a charger's (EEFF) where one knows it.
    public let consumedCharge: Figure?
    /// W that everything takes which is not the battery: ``solarOutput`` and what AC and DC-DC chargers give, less
    /// ``batteryPower``. Nil without a shunt, and where one of those chargers does not say what it gives.
    /// It is as exact as its parts; a change between two readings of them may make it wrong for a second.
    public let consumption: Figure?
    /// The inverter; nil where there is none.
    public let inverter: Inverter?
    /// What each solar charger contributes, by serial number.
    public let shares: [Share]
}

extension Plant {
    /// The picture at a moment.
    ///
    /// A charger that has been away for a minute is no part of it any more; before that it makes the sums stale. While
    /// it is not yet clear what answers on a port, sums are stale too.
    public func picture(at now: Duration) -> PlantPicture {
        let present = solarChargers(at: now)
        let isIncomplete = isIncomplete(at: now)
        let powers = present.map { reading(.panelPower, $0, now) }
        let solarPower = sum(powers, of: present, isIncomplete)
        let solarOutput = sum(present.map { output($0, now) }, of: present, isIncomplete)
        let (monitor, shunt) = (houseMonitor, shunt)
        let others = if case .undecided = monitor { [Charger]() } else { present }
        let voltage = shunt.flatMap { value(BusAttribute.batteryVoltage, $0, now, freshness.fast) }
        let current = shunt.flatMap { value(BusAttribute.batteryCurrent, $0, now, freshness.fast) }
        let batteryPower = product(voltage, current)
        return PlantPicture(
            solarPower: solarPower, solarOutput: solarOutput,
            batteryVoltage: best(voltage, others.map { reading(.chargerVoltage, $0, now) }),
            batteryCurrent: shunt == nil
                ? sum(others.map { chargeCurrent($0, now) }, of: others, isIncomplete) : current,
            batteryPower: batteryPower,
            stateOfCharge: best(
                shunt.flatMap { value(BusAttribute.stateOfCharge, $0, now, freshness.slow) },
                others.map { reading(Self.stateOfCharge, $0, now, isSlow: true) }),
            consumedCharge: best(
                shunt.flatMap { value(BusAttribute.consumedCharge, $0, now, freshness.slow) },
                others.map { reading(Self.consumedCharge, $0, now, isSlow: true) }),
            consumption: consumption(
                (present.isEmpty ? [] : [solarOutput]) + otherSources(now), batteryPower, isIncomplete),
            inverter: inverter(now), shares: shares(present, powers, solarPower))
    }

    private static let stateOfCharge = RegisterID(0x0FFF)
    private static let consumedCharge = RegisterID(0xEEFF)

    // MARK: Parts

    private func shares(
        _ present: [Charger], _ powers: [Figure?], _ total: Figure?
    ) -> [PlantPicture.Share] {
        zip(present, powers).map { charger, power in
            let fraction: Double? =
                if let power, let total, total.value > 0 { power.value / total.value } else { nil }
            return PlantPicture.Share(serial: charger.identity.serial, power: power, fraction: fraction)
        }
    }

    private func inverter(_ now: Duration) -> PlantPicture.Inverter? {
        guard let device = inverterDevice else { return nil }
        return PlantPicture.Inverter(
            device: device.address, state: value(BusAttribute.inverterState, device, now, freshness.fast),
            stateText: device.optionTexts[BusAttribute.inverterState],
            outputCurrent: value(BusAttribute.outputCurrent, device, now, freshness.fast))
    }

    /// What flows in and not into the battery. Without any source all that is taken comes out of the battery.
    private func consumption(_ sources: [Figure?], _ battery: Figure?, _ isIncomplete: Bool) -> Figure? {
        let known = sources.compactMap(\.self)
        guard let battery, known.count == sources.count else { return nil }
        return Figure(
            value: known.reduce(-battery.value) { $0 + $1.value },
            age: known.map(\.age).max().map { max($0, battery.age) }
                ?? battery.age,
            origin: known.isEmpty ? battery.origin : .plant,
            isStale: isIncomplete || battery.isStale || known.contains(where: \.isStale))
    }

    /// W of each AC or DC-DC charger that is there; nil for one that does not say, or may take instead of give.
    private func otherSources(_ now: Duration) -> [Figure?] {
        chargers.values.filter { isPart($0, at: now) && $0.role(at: now) == .other && $0.isOtherSource }
            .sorted { $0.identity.serial < $1.identity.serial }
            .map { reading(.deviceState, $0, now)?.value == Self.powerSupplyState ? nil : output($0, now) }
    }

    /// State 11: its output is a supply for something else than the battery.
    private static let powerSupplyState = 11.0

    private func output(_ charger: Charger, _ now: Duration) -> Figure? {
        product(reading(.chargerVoltage, charger, now), reading(.chargerCurrent, charger, now))
    }

    private func chargeCurrent(_ charger: Charger, _ now: Duration) -> Figure? {
        if let own = reading(.batteryCurrent, charger, now) { return own }
        guard let current = reading(.chargerCurrent, charger, now) else { return nil }
        guard !charger.lacks(.loadCurrent) else { return current }
        guard let load = reading(.loadCurrent, charger, now) else { return nil }
        return Figure(
            value: current.value - load.value, age: max(current.age, load.age), origin: current.origin,
            isStale: current.isStale || load.isStale)
    }

    // MARK: Readings

    private var inverterDevice: BusDevice? {
        busDevices.values.filter { $0.role == .inverter && !$0.values.isEmpty }.min { $0.address < $1.address }
    }

    private func reading(
        _ register: RegisterID, _ charger: Charger, _ now: Duration, isSlow: Bool = false
    ) -> Figure? {
        guard let reading = charger.readings[register], case .number(_, let scaled) = reading.value else { return nil }
        let age = max(.zero, now - reading.time)
        return Figure(
            value: scaled, age: age, origin: .charger(charger.identity.serial),
            isStale: !charger.isAlive || age > freshness.limit(isSlow: isSlow, isDark: charger.isDark))
    }

    private func value(_ attribute: UInt16, _ device: BusDevice, _ now: Duration, _ limit: Duration) -> Figure? {
        guard let value = device.values[attribute], let number = value.value else { return nil }
        let age = max(.zero, now - value.time)
        return Figure(
            value: Double(number), age: age, origin: .device(device.address), isStale: !device.isAwake || age > limit)
    }

    private func product(_ left: Figure?, _ right: Figure?) -> Figure? {
        guard let left, let right else { return nil }
        return Figure(
            value: left.value * right.value, age: max(left.age, right.age), origin: left.origin,
            isStale: left.isStale || right.isStale)
    }

    /// The sum of what each charger has; stale where one of them has nothing.
    private func sum(_ parts: [Figure?], of present: [Charger], _ isIncomplete: Bool) -> Figure? {
        let known = parts.compactMap(\.self)
        guard !known.isEmpty else { return nil }
        let serials = zip(present, parts).filter { $1 != nil }.map { $0.0.identity.serial }
        return Figure(
            value: known.reduce(0) { $0 + $1.value }, age: known.map(\.age).max() ?? .zero, origin: .chargers(serials),
            isStale: known.count < parts.count || known.contains(where: \.isStale) || isIncomplete)
    }

    /// The shunt's figure while it is fresh, else the freshest of the chargers', else what the shunt said last.
    private func best(_ shunt: Figure?, _ others: [Figure?]) -> Figure? {
        if let shunt, !shunt.isStale { return shunt }
        let fresh = others.compactMap(\.self).filter { !$0.isStale }.min { $0.age < $1.age }
        return fresh ?? shunt ?? others.compactMap(\.self).min { $0.age < $1.age }
    }
}
