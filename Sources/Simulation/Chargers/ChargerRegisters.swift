import VEDirect

/// What a networked charger knows of the others.
struct NetworkConditions: Sendable {
    /// W of panel power of all chargers.
    var totalPower: Double
    /// A of all chargers.
    var totalCurrent: Double
    /// A into the battery.
    var batteryCurrent: Double
    var state: ChargeState
    /// Simulated seconds in this state.
    var stateTime: Double
    var setpoint: Double
    var absorptionLimit: Double
}

/// What the charger measures at one refresh, rounded as it rounds: registers and TEXT say the same.
struct ChargerReadings: Sendable {
    var batteryVoltage = 0
    var chargerCurrent = 0
    var batteryCurrent = 0
    var loadCurrent = 0
    var panelVoltage = 0
    var panelPower = 0
    var panelCurrent = 0
    var temperature = 0
    var mode: UInt8 = 0
    var state: UInt8 = 0
    var offReason = 0
    var error: UInt8 = 0
    var loadIsOn = false
    var isLight = false
    /// 0.01 kWh.
    var userYield = 0
    var systemYield = 0
    var yieldToday = 0
    var yieldYesterday = 0
    /// W.
    var powerToday = 0
    var powerYesterday = 0
    var daySequence = 0

    init() {}

    /// Reads the electronics with the little noise of an analogue converter.
    init(_ electronics: ChargerElectronics, random: inout SeededRandom) {
        func noisy(_ value: Double, _ share: Double) -> Double { value * (1 + random.number(in: -share...share)) }
        batteryVoltage = Int((electronics.batteryVoltage * 100 + random.number(in: -0.6...0.6)).rounded())
        let milliamperes = Int((noisy(electronics.current, 0.002) * 100).rounded()) * 10
        chargerCurrent = (milliamperes + 50) / 100
        let load = electronics.loadCurrent
        loadCurrent = Int((load * 10).rounded())
        batteryCurrent = milliamperes - Int((load * 1000).rounded())
        panelVoltage = max(1, Int((noisy(electronics.panelVoltage, 0.003) * 100).rounded()))
        panelPower = Int((noisy(electronics.panelPower, 0.002) * 100).rounded())
        panelCurrent = electronics.panelPower > 0 ? panelPower * 10 / panelVoltage : 0
        temperature = Int((electronics.temperature * 100).rounded())
        state = electronics.state.rawValue
        error = electronics.errorCode
        switch electronics.state {
        case .off: (mode, offReason) = (0, 1)
        case .fault: (mode, offReason) = (0, 0x10)
        case .bulk, .absorption, .float: (mode, offReason) = (electronics.isLimited ? 1 : 2, 0)
        }
        loadIsOn = electronics.loadIsOn
        isLight = electronics.isLight
        userYield = Int(electronics.userYield / 10)
        systemYield = Int(electronics.systemYield / 10)
        yieldToday = Int(electronics.today.yield / 10)
        yieldYesterday = Int((electronics.yesterday?.yield ?? 0) / 10)
        powerToday = Int(electronics.today.maximumPower)
        powerYesterday = Int(electronics.yesterday?.maximumPower ?? 0)
        daySequence = electronics.today.sequence
    }
}

/// Which registers a charger has, by model and firmware, and their bytes.
struct ChargerRegisters: Sendable {
    let model: ChargerModel
    private(set) var file = RegisterFile()

    init(model: ChargerModel, settings: ChargeSettings, systemVoltage: Int, at now: Duration) {
        self.model = model
        writeIdentity(at: now)
        writeSettings(settings, systemVoltage: systemVoltage, at: now)
        _ = file.takeChanged()
    }

    private func has(_ major: Int, _ minor: Int) -> Bool {
        model.firmware >= FirmwareVersion(major: major, minor: minor, stage: .bootloader)
    }
    private var isBig: Bool { model.maximumChargeCurrent > 20 }

    private mutating func set(_ id: UInt16, _ number: some BinaryInteger, _ count: Int, at now: Duration) {
        file.set(RegisterID(id), little(number, count), at: now)
    }

    private mutating func writeIdentity(at now: Duration) {
        let product = model.productID
        // Old firmware sends two bytes, the high one first.
        if has(1, 30) {
            file.set(.productID, [0] + little(product, 2) + [0xFF], at: now)
        } else {
            file.set(.productID, little(product, 2).reversed(), at: now)
        }
        if has(1, 17) { set(0x0104, 0, 1, at: now) }
        let serial = Array(model.serial.utf8.prefix(16))
        let padding = model.padsSerial ? 16 - serial.count : 0
        file.set(.serialNumber, serial + [UInt8](repeating: 0, count: padding), at: now)
        file.set(.modelName, Array(model.name.utf8) + [0], at: now)
        if let name = model.customName { file.set(.customName, Array(name.utf8.prefix(62)) + [0], at: now) }
        if has(1, 16) { file.set(.capabilities, little(model.capabilities, 4), at: now) }
    }

    private mutating func writeSettings(_ settings: ChargeSettings, systemVoltage: Int, at now: Duration) {
        func hundredths(_ value: Double) -> Int { Int((value * 100).rounded()) }
        func tenths(_ value: Double) -> Int { Int((value * 10).rounded()) }
        set(0x0200, 1, 1, at: now)
        set(0x0202, 2, 4, at: now)
        set(0xEDB8, hundredths(model.maximumPanelVoltage), 2, at: now)
        set(0xEDDF, tenths(model.maximumChargeCurrent), 2, at: now)
        set(0xEDE0, 500, 2, at: now)
        set(0xEDE3, 100, 2, at: now)
        set(0xEDE4, 8, 1, at: now)
        set(0xEDE5, 1, 1, at: now)
        set(0xEDE6, 0xFFFF, 2, at: now)
        set(0xEDE8, 0, 1, at: now)
        set(0xEDEA, systemVoltage, 1, at: now)
        set(0xEDEF, systemVoltage, 1, at: now)
        set(0xEDF0, tenths(settings.maximumCurrent), 2, at: now)
        set(0xEDF1, 0xFF, 1, at: now)
        set(0xEDF2, -1620, 2, at: now)
        set(0xEDF4, hundredths(settings.equalisationVoltage), 2, at: now)
        set(0xEDF6, hundredths(settings.floatVoltage), 2, at: now)
        set(0xEDF7, hundredths(settings.absorptionVoltage), 2, at: now)
        set(0xEDFB, hundredths(settings.absorptionLimit), 2, at: now)
        if has(1, 16) { set(0xEDFD, 0, 1, at: now) }
        if has(1, 42) {
            set(0xED2E, hundredths(settings.rebulkOffset), 2, at: now)
            set(0xEDE7, tenths(settings.tailCurrent), 2, at: now)
            set(0xEDFE, 1, 1, at: now)
        } else {
            set(0xEDFC, 1000, 2, at: now)
            set(0xEDFF, 0, 1, at: now)
        }
        set(0xED98, model.hasLoadOutput ? 1 : 0, 1, at: now)
        set(0xED9E, 0, 1, at: now)
        if model.hasLoadOutput {
            set(0xED96, 0, 2, at: now)
            set(0xED97, 0, 2, at: now)
            set(0xEDAB, 4, 1, at: now)
        }
        if isBig { set(0x034E, 0, 1, at: now) }
    }

    /// Takes the values of this moment.
    mutating func refresh(
        _ readings: ChargerReadings, _ electronics: ChargerElectronics, battery: Double, network: NetworkConditions,
        uptime: Int, at now: Duration
    ) {
        set(0x0201, readings.state, 1, at: now)
        if has(1, 44) {
            set(0x0207, readings.offReason, 4, at: now)
        } else if has(1, 29), model.link != .absent {
            set(0x0205, readings.offReason, 1, at: now)
        }
        if has(3, 0) { set(0x0120, uptime, 4, at: now) }
        if has(1, 26) { set(0x2030, readings.isLight ? 1 : 0, 1, at: now) }
        set(0xEDBB, readings.panelVoltage, 2, at: now)
        set(0xEDBC, readings.panelPower, 4, at: now)
        if isBig { set(0xEDBD, readings.panelCurrent, 2, at: now) }
        if has(1, 42) {
            set(0xEDB3, readings.mode, 1, at: now)
            set(0xEDEC, model.sensesBatteryTemperature ? Int((battery + 273.15) * 100) : 0xFFFF, 2, at: now)
        }
        if has(3, 0) {
            set(0xEDB4, readings.panelPower, 4, at: now)
            set(0xEDB5, readings.panelVoltage, 2, at: now)
        }
        set(0xEDD5, readings.batteryVoltage, 2, at: now)
        set(0xEDD7, readings.chargerCurrent, 2, at: now)
        if model.answersBatteryCurrent { set(0xED8C, readings.batteryCurrent, 4, at: now) }
        set(0xEDDA, readings.error, 1, at: now)
        set(0xEDDB, readings.temperature, 2, at: now)
        if model.hasLoadOutput {
            set(0xEDA8, readings.loadIsOn ? 1 : 0, 1, at: now)
            set(0xEDAD, readings.loadCurrent, 2, at: now)
            if model.link != .absent { set(0xED91, readings.loadIsOn ? 0 : 1, 1, at: now) }
        }
        let width = has(1, 13) ? 2 : 4
        set(0xEDD0, readings.powerYesterday, 2, at: now)
        set(0xEDD1, readings.yieldYesterday, width, at: now)
        set(0xEDD2, readings.powerToday, 2, at: now)
        set(0xEDD3, readings.yieldToday, width, at: now)
        set(0xEDDC, readings.userYield, 4, at: now)
        set(0xEDDD, readings.systemYield, 4, at: now)
        writeHistory(readings, electronics, at: now)
        writeLink(idleVoltage: electronics.idleVoltage, network, at: now)
    }

    private mutating func writeHistory(
        _ readings: ChargerReadings, _ electronics: ChargerElectronics, at now: Duration
    ) {
        func hundredths(_ value: Double) -> [UInt8] { little(Int((value * 100).rounded()), 2) }
        func four(_ errors: [UInt8]) -> [UInt8] { errors + [UInt8](repeating: 0, count: 4 - errors.count) }
        var total: [UInt8] = [1, 0] + four(electronics.errors)
        total += little(readings.userYield, 4) + little(readings.systemYield, 4)
        total += hundredths(electronics.lifetimePanelVoltage) + hundredths(electronics.lifetimeMaximumVoltage)
        total.append(UInt8(electronics.days.count - 1))
        if has(1, 17) {
            total += hundredths(electronics.lifetimeMinimumVoltage)
            total += [UInt8](repeating: 0xFF, count: 13)
        }
        file.set(.historyTotal, total, at: now)
        for (age, day) in electronics.days.enumerated() {
            // Of the days past only the shift at dawn changes anything.
            let id = RegisterID.historyDay(age)
            if age > 0, let old = file[id], old.suffix(2) == little(day.sequence, 2)[...] { continue }
            var record: [UInt8] = [0]
            record += little(Int(day.yield / 10), 4)
            record += model.hasLoadOutput ? little(Int(day.consumed / 10), 4) : [0xFF, 0xFF, 0xFF, 0xFF]
            record += hundredths(day.maximumVoltage) + hundredths(day.minimumVoltage)
            record += [0] + four(day.errors)
            record += little(Int(day.bulk / 60), 2) + little(Int(day.absorption / 60), 2)
            record += little(Int(day.float / 60), 2) + little(Int(day.maximumPower), 4)
            record += little(Int((day.maximumCurrent * 10).rounded()), 2) + hundredths(day.maximumPanelVoltage)
            record += little(day.sequence, 2)
            file.set(id, record, at: now)
        }
    }

    private mutating func writeLink(idleVoltage: Double, _ network: NetworkConditions, at now: Duration) {
        func hundredths(_ value: Double) -> Int { Int((value * 100).rounded()) }
        switch model.link {
        case .absent:
            return
        case .standAlone:
            set(0x2001, 0xFFFF, 2, at: now)
            set(0x2002, 0xFFFF, 2, at: now)
            set(0x2003, 0x7FFF, 2, at: now)
            set(0x2007, UInt32.max, 4, at: now)
            set(0x2008, 0xFFFF, 2, at: now)
            set(0x200A, Int32.max, 4, at: now)
            set(0x200B, 0xFFFF, 2, at: now)
            set(0x200C, 0xFF, 1, at: now)
            set(0x200D, 0, 2, at: now)
            set(0x200E, 0, 1, at: now)
            set(0x200F, 4, 1, at: now)
            set(0x2013, Int32.max, 4, at: now)
            set(0x2015, 0xFFFF, 2, at: now)
            set(0x2027, UInt32.max, 4, at: now)
        case .master, .slave:
            let leads = model.link == .master
            if leads { set(0x2000, 10, 1, at: now) }
            set(0x2001, hundredths(network.setpoint), 2, at: now)
            set(0x2002, 0xFFFF, 2, at: now)
            set(0x2003, 0x7FFF, 2, at: now)
            set(0x2007, Int(network.stateTime) * 1000, 4, at: now)
            set(0x2008, hundredths(network.absorptionLimit), 2, at: now)
            set(0x200A, Int((network.batteryCurrent * 1000).rounded()), 4, at: now)
            set(0x200B, hundredths(idleVoltage), 2, at: now)
            set(0x200C, network.state.rawValue, 1, at: now)
            set(0x200D, leads ? 0x0008 : 0x0004, 2, at: now)
            set(0x200E, leads ? 0x21 : 0x03, 1, at: now)
            set(0x200F, leads ? 2 : 0, 1, at: now)
            set(0x2013, Int((network.totalCurrent * 1000).rounded()), 4, at: now)
            set(0x2015, 0xFFFF, 2, at: now)
            set(0x2027, hundredths(network.totalPower), 4, at: now)
            set(0xEC3E, 1, 1, at: now)
        }
    }

    mutating func takeChanged() -> [RegisterID] { file.takeChanged() }

    /// The answer to a read: flags and value.
    func answer(_ id: RegisterID) -> (flags: UInt8, value: [UInt8]) {
        if let value = file[id] { return (0, value) }
        let isEmptyDay = id >= .historyDay(0) && id <= .historyDay(30)
        return (isEmptyDay ? 4 : 1, [])
    }

    /// The answer to a write. It changes the register where that can be written and the size is right; the charge
    /// control goes on as before.
    mutating func write(_ id: RegisterID, _ value: [UInt8], at now: Duration) -> (flags: UInt8, value: [UInt8]) {
        let definition = RegisterCatalogue.standard[id]
        if definition?.kind == .command { return (0, value) }
        guard let old = file[id] else { return answer(id) }
        guard definition?.access == .readWrite else { return (2, []) }
        guard value.count == old.count else { return (4, []) }
        file.set(id, value, at: now)
        return (0, value)
    }

    mutating func resetUptime(at now: Duration) { if has(3, 0) { set(0x0120, 0, 4, at: now) } }
}
