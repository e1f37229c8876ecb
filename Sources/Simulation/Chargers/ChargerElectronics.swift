/// The state of charge control, with the numbers of register 0201.
public enum ChargeState: UInt8, Sendable, CustomStringConvertible {
    /// Does not charge: the panels are too dark, or it is told not to.
    case off = 0
    /// Stopped by an error.
    case fault = 2
    /// Gives all it can.
    case bulk = 3
    /// Holds the absorption voltage until the battery is full.
    case absorption = 4
    /// Holds the float voltage.
    case float = 5

    /// In one word.
    public var description: String {
        switch self {
        case .off: "off"
        case .fault: "fault"
        case .bulk: "bulk"
        case .absorption: "absorption"
        case .float: "float"
        }
    }
}

/// What the owner set: the registers EDE0…EDFE and 0200. Voltages are those of the whole battery.
struct ChargeSettings: Sendable {
    var absorptionVoltage: Double
    var floatVoltage: Double
    var equalisationVoltage: Double
    /// Hours.
    var absorptionLimit = 2.0
    /// A.
    var tailCurrent = 2.0
    /// V below float at which bulk starts again.
    var rebulkOffset: Double
    /// A.
    var maximumCurrent: Double

    init(systemVoltage: Int, maximumCurrent: Double) {
        let blocks = Double(systemVoltage) / 12
        absorptionVoltage = 14.4 * blocks
        floatVoltage = 13.8 * blocks
        equalisationVoltage = 16.2 * blocks
        rebulkOffset = 0.4 * blocks
        self.maximumCurrent = maximumCurrent
    }
}

/// A charger's record of one day, in the units of nature; the registers round.
struct DayRecord: Sendable {
    /// Wh.
    var yield = 0.0
    /// Wh through the load output.
    var consumed = 0.0
    var maximumVoltage = 0.0
    var minimumVoltage = 99.0
    /// Seconds.
    var bulk = 0.0
    var absorption = 0.0
    var float = 0.0
    /// W.
    var maximumPower = 0.0
    /// A.
    var maximumCurrent = 0.0
    var maximumPanelVoltage = 0.0
    /// Error codes, the newest first, at most four.
    var errors: [UInt8] = []
    var sequence: Int
}

/// Panels, converter and charge control of one charger, without any line.
struct ChargerElectronics: Sendable {
    let panels: PanelArray
    let hasLoadOutput: Bool
    let ratedCurrent: Double
    var settings: ChargeSettings
    /// A through the load output while it is on.
    var loadCurrentWanted: Double

    private(set) var state = ChargeState.off
    /// Simulated seconds in this state.
    private(set) var stateTime = 0.0
    private(set) var panelVoltage = 0.01
    /// W.
    private(set) var panelPower = 0.0
    private(set) var batteryVoltage: Double
    /// What the battery had when charging began, V.
    private(set) var idleVoltage: Double
    /// At the converter's output, the load's included.
    private(set) var current = 0.0
    private(set) var isLimited = false
    private(set) var loadIsOn: Bool
    private(set) var loadCurrent = 0.0
    private(set) var temperature = 20.0
    private(set) var isLight = false
    /// Wh before the days that are remembered.
    private(set) var forgottenYield: Double
    /// Wh since the owner's counter was reset, less than the whole by this.
    let yieldBeforeReset: Double
    /// Today first; at most 31.
    private(set) var days: [DayRecord]
    /// As in register EDDA; 0 is none. The charger does not charge while there is one.
    private(set) var errorCode: UInt8 = 0
    /// Of all days, the newest first, at most four.
    private(set) var errors: [UInt8] = []
    private(set) var lifetimePanelVoltage = 0.0
    private(set) var lifetimeMaximumVoltage = 0.0
    private(set) var lifetimeMinimumVoltage = 99.0

    private var irradiance = 0.0
    /// A charger that is switched on in the dark has had its night.
    private var darkTime = 3 * 3600.0
    private var hasLooked = false
    private var lowTime = 0.0
    /// Whether a network master decides the state.
    private var follows = false

    /// Output power for panel power.
    static let efficiency = 0.97

    init(
        model: ChargerModel, panels: PanelArray, systemVoltage: Int, batteryVoltage: Double, historyDays: Int,
        random: inout SeededRandom
    ) {
        self.panels = panels
        hasLoadOutput = model.hasLoadOutput
        ratedCurrent = model.maximumChargeCurrent
        settings = ChargeSettings(systemVoltage: systemVoltage, maximumCurrent: model.maximumChargeCurrent)
        // No two chargers measure the same voltage.
        settings.absorptionVoltage += random.number(in: -0.01...0.01)
        loadCurrentWanted = model.hasLoadOutput ? 1.2 : 0
        loadIsOn = model.hasLoadOutput
        self.batteryVoltage = batteryVoltage
        idleVoltage = batteryVoltage
        let past = max(0, historyDays)
        let known = min(past, 30)
        forgottenYield = Double(past - known) * panels.peakPower * 2.9 + random.number(in: 0...9)
        yieldBeforeReset = forgottenYield * 0.4
        days = [DayRecord(sequence: past % 365)]
        let blocks = Double(systemVoltage) / 12
        for age in 0..<known {
            var day = DayRecord(sequence: (past - 1 - age) % 365)
            let light = random.number(in: 0.25...1)
            day.yield = panels.peakPower * 5.2 * light
            day.consumed = model.hasLoadOutput ? random.number(in: 50...320) : 0
            day.maximumPower = panels.peakPower * min(1, 0.4 + light)
            day.maximumVoltage = blocks * random.number(in: 13.9...14.4)
            day.minimumVoltage = blocks * random.number(in: 12.1...12.6)
            day.bulk = 3600 * random.number(in: 4...9)
            day.absorption = 3600 * random.number(in: 0...2)
            day.float = 3600 * random.number(in: 0...3)
            day.maximumCurrent = min(day.maximumPower / day.maximumVoltage, model.maximumChargeCurrent)
            day.maximumPanelVoltage = panels.openCircuitVoltage * random.number(in: 0.93...1)
            days.append(day)
            remember(day)
        }
    }

    /// The day that runs.
    var today: DayRecord { days[0] }
    /// The day before; nil on the first.
    var yesterday: DayRecord? { days.count > 1 ? days[1] : nil }
    /// Wh since it was made.
    var systemYield: Double { days.reduce(forgottenYield) { $0 + $1.yield } }
    /// Wh since the owner reset the counter.
    var userYield: Double { systemYield - yieldBeforeReset }
    /// Whether the panels are bright enough for a charger that lives on them.
    var hasPanelSupply: Bool { panelVoltage > 8 }
    /// The voltage that is aimed at now.
    var setpoint: Double { state == .float ? settings.floatVoltage : settings.absorptionVoltage }

    /// What it can give under this light.
    mutating func offer(irradiance: Double, master: ChargeState?) -> ChargeOffer? {
        self.irradiance = irradiance
        follows = master != nil && master != .off && master != .fault
        if let master, follows, state != .off, state != .fault, master != state { enter(master) }
        if errorCode != 0 {
            if state != .fault { enter(.fault) }
            return nil
        }
        if state == .fault { enter(.off) }
        let idle = panels.idleVoltage(at: irradiance)
        // It starts well above the battery and holds on until it is nearly level with it.
        let enough = batteryVoltage + (state == .off ? 5 : 1)
        if idle < enough {
            if state != .off { enter(.off) }
            return nil
        }
        if state == .off { enter(.bulk) }
        return ChargeOffer(
            power: panels.power(at: irradiance) * Self.efficiency,
            currentLimit: min(settings.maximumCurrent, ratedCurrent), setpoint: setpoint)
    }

    /// Takes what came of the offer and moves `seconds` on.
    mutating func settle(voltage: Double, current: Double?, seconds: Double) {
        batteryVoltage = voltage
        if state == .off { idleVoltage = voltage }
        self.current = current ?? 0
        let idle = panels.idleVoltage(at: irradiance)
        let available = panels.power(at: irradiance)
        panelPower = self.current * voltage / Self.efficiency
        isLimited = current != nil && panelPower < available * 0.995
        // Half the open-circuit droop at the power point; towards open circuit as less is taken.
        let share = available > 0 ? min(1, panelPower / available) : 0
        panelVoltage = idle * (1 - 0.19 * share)
        temperature += (22 + 30 * self.current / ratedCurrent - temperature) * min(1, seconds / 900)
        moveLoad(voltage)
        passDay(seconds, idle)
        account(seconds)
        stateTime += seconds
        if !follows { moveState(voltage, seconds) }
    }

    /// An error appears or goes (0); each new one is entered in the records.
    mutating func setError(_ code: UInt8) {
        if code != 0, code != errorCode {
            errors = Array(([code] + errors).prefix(4))
            days[0].errors = Array(([code] + today.errors).prefix(4))
        }
        errorCode = code
    }

    /// Keeps the current day open through the dark: the night before dawn belongs to the same record.
    mutating func stayInDay() { darkTime = 0 }

    /// Replaces what the charger remembers of an earlier day: 1 is yesterday. Days that it has not stay as they are.
    ///
    /// - Parameters:
    ///   - yield: Wh.
    ///   - maximumPower: W.
    mutating func setPastDay(_ age: Int, yield: Double, maximumPower: Double) {
        guard age >= 1, age < days.count else { return }
        days[age].yield = yield
        days[age].maximumPower = maximumPower
        days[age].maximumCurrent = min(maximumPower / days[age].maximumVoltage, ratedCurrent)
    }

    /// Adds energy from before the days that are remembered, Wh.
    mutating func addEarlierYield(_ energy: Double) { forgottenYield += energy }

    private mutating func moveLoad(_ voltage: Double) {
        guard hasLoadOutput else { return }
        let blocks = settings.floatVoltage / 13.8
        if voltage < 11.1 * blocks { loadIsOn = false }
        if voltage > 13.1 * blocks { loadIsOn = true }
        loadCurrent = loadIsOn ? loadCurrentWanted : 0
    }

    /// The charger's day begins when light returns after a night, whatever the clock says.
    private mutating func passDay(_ seconds: Double, _ idle: Double) {
        let lightNow = idle > (isLight ? 4 : 6)
        if lightNow {
            if hasLooked, !isLight, darkTime > 2 * 3600 {
                days.insert(DayRecord(sequence: (today.sequence + 1) % 365), at: 0)
                if days.count > 31 { forgottenYield += days.removeLast().yield }
            }
            darkTime = 0
        } else {
            darkTime += seconds
        }
        isLight = lightNow
        hasLooked = true
    }

    private mutating func account(_ seconds: Double) {
        let hours = seconds / 3600
        days[0].yield += panelPower * hours
        days[0].consumed += loadCurrent * batteryVoltage * hours
        days[0].maximumVoltage = max(today.maximumVoltage, batteryVoltage)
        days[0].minimumVoltage = min(today.minimumVoltage, batteryVoltage)
        days[0].maximumPower = max(today.maximumPower, panelPower)
        days[0].maximumCurrent = max(today.maximumCurrent, current)
        days[0].maximumPanelVoltage = max(today.maximumPanelVoltage, panelVoltage)
        switch state {
        case .off, .fault: break
        case .bulk: days[0].bulk += seconds
        case .absorption: days[0].absorption += seconds
        case .float: days[0].float += seconds
        }
        remember(today)
    }

    private mutating func remember(_ day: DayRecord) {
        lifetimePanelVoltage = max(lifetimePanelVoltage, day.maximumPanelVoltage)
        lifetimeMaximumVoltage = max(lifetimeMaximumVoltage, day.maximumVoltage)
        lifetimeMinimumVoltage = min(lifetimeMinimumVoltage, day.minimumVoltage)
    }

    private mutating func moveState(_ voltage: Double, _ seconds: Double) {
        switch state {
        case .off, .fault:
            break
        case .bulk:
            if voltage > settings.absorptionVoltage - 0.021 { enter(.absorption) }
        case .absorption:
            let isFull = current < settings.tailCurrent && voltage > settings.absorptionVoltage - 0.03
            if stateTime > settings.absorptionLimit * 3600 || (isFull && stateTime > 60) { enter(.float) }
        case .float:
            lowTime = voltage < settings.floatVoltage - settings.rebulkOffset ? lowTime + seconds : 0
            if lowTime > 60 { enter(.bulk) }
        }
    }

    private mutating func enter(_ next: ChargeState) {
        state = next
        stateTime = 0
        lowTime = 0
    }
}
