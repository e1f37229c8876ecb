import MasterBus

@testable import Bridge
@testable import Simulation
@testable import VEDirect

/// A plant that is lived through in virtual time: what chargers hold becomes readings at the paces of the poll plan,
/// and what the readable publisher says of it is kept with its time.
///
/// No bytes are exchanged, so that a day takes seconds; what bytes can do is tested elsewhere.
struct SimulatedDay {
    struct Message {
        var time: Duration
        var topic: String
        var payload: String
        var isRetained: Bool
    }

    let serials: [String]
    let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)
    let combi = DeviceAddress(type: 0x0E, uid: 0x2F412)
    var plant = Plant()
    var desk: ReadableDesk
    private(set) var now: Duration = .zero
    private(set) var messages: [Message] = []
    /// Chargers that answer no more, by index.
    var mute: Set<Int> = []
    /// When each register of each charger began to hold its present value and the ones before, as far as needed.
    private(set) var held: [String: [(time: Duration, raw: RawValue)]] = [:]

    private let models: [ChargerModel]
    private var site: SimulatedSite
    private var electronics: [ChargerElectronics]
    private var registers: [ChargerRegisters]
    private var random = SeededRandom(seed: 7)
    private let plan = PollPlan()
    private var isFirst = true

    init(
        chargers count: Int, startHour: Double, cloudiness: Double,
        _ change: (inout Configuration) -> Void = { _ in }
    ) {
        var configuration = Configuration()
        configuration.homeAssistant.enabled = true
        change(&configuration)
        desk = ReadableDesk(configuration, isSilent: false, log: quietLog)
        desk.publisher = ReadablePublisher(configuration, wallTime: { nil })
        site = SimulatedSite(
            sky: Sky(cloudiness: cloudiness, seed: 3), clock: SolarClock(startHour: startHour), loads: ["house": 90])
        models = (0..<count).map { index in
            switch index % 3 {
            case 0: .smartSolar150x60(serial: "HQ20\(10 + index)READ0")
            case 1: .smartSolar75x15(serial: "HQ20\(10 + index)READ1", firmware: .v316)
            default: .blueSolar75x15(serial: "HQ20\(10 + index)READ2")
            }
        }
        serials = models.map(\.serial)
        var random = SeededRandom(seed: 5)
        let battery = site.battery
        electronics = models.map { model in
            ChargerElectronics(
                model: model, panels: model.suitablePanels(systemVoltage: 12), systemVoltage: 12,
                batteryVoltage: battery.voltage, historyDays: 3, random: &random)
        }
        registers = zip(models, electronics).map { model, electronics in
            ChargerRegisters(model: model, settings: electronics.settings, systemVoltage: 12, at: .zero)
        }
        for entry in plan.entries {
            plant.lifetimes[entry.register] = plan.interval(of: entry.pace) * 3 + .seconds(30)
        }
        for model in models { appear(model) }
    }

    private mutating func appear(_ model: ChargerModel) {
        var identity = DeviceIdentity(serial: model.serial)
        identity.model = model.name
        identity.productID = model.productID
        identity.firmware = model.firmware
        plant.identified(identity, port: "/dev/tty\(model.serial)", at: now)
    }

    /// A charger stops answering, or answers again.
    mutating func setMute(_ index: Int, _ isMute: Bool) {
        if isMute {
            mute.insert(index)
            plant.lost(serials[index], port: "/dev/tty\(serials[index])")
        } else {
            mute.remove(index)
            appear(models[index])
        }
        desk.mark()
    }

    /// Lives on, in steps of a second or of another that ten seconds are a multiple of.
    mutating func run(
        for length: Duration, step: Duration = .seconds(1), watching isWatched: Set<RegisterID> = []
    ) {
        let end = now + length
        while now < end {
            let before = now
            now += step
            site.step(&electronics, followers: models.map { _ in false }, master: nil, from: before, to: now)
            refresh()
            poll(isWatched)
            look()
        }
    }

    /// Only time passes.
    mutating func idle(for length: Duration) {
        let end = now + length
        while let due = desk.nextLook, due <= end {
            now = max(now, due)
            look()
        }
        now = end
    }

    mutating func look() {
        guard let due = desk.nextLook, due <= now else { return }
        let time = now
        var said: [Message] = []
        desk.look(plant, at: now) { message in
            said.append(
                Message(
                    time: time, topic: message.topic, payload: String(decoding: message.payload, as: UTF8.self),
                    isRetained: message.retain))
            return true
        }
        messages += said
    }

    mutating func clearMessages() { messages = [] }

    private mutating func refresh() {
        let network = NetworkConditions(
            totalPower: 0, totalCurrent: 0, batteryCurrent: 0, state: .off, stateTime: 0, setpoint: 14,
            absorptionLimit: 2)
        for index in electronics.indices {
            registers[index].refresh(
                ChargerReadings(electronics[index], random: &random), electronics[index],
                battery: site.battery.temperature, network: network, uptime: 1, at: now)
        }
    }

    private mutating func poll(_ isWatched: Set<RegisterID>) {
        let second = Int(now.components.seconds)
        defer { isFirst = false }
        for index in models.indices where !mute.contains(index) {
            for entry in plan.entries {
                let interval = Int(plan.interval(of: entry.pace).components.seconds)
                // The first of each in the first seconds, as a session asks.
                guard second % interval == 0 || isFirst, entry.pace != .history else { continue }
                read(entry.register, index, isWatched.contains(entry.register))
            }
        }
        let voltage = Float(site.battery.voltage)
        let current = Float(site.battery.current)
        bus([1: voltage, 2: current], shunt)
        bus([0x0B: 1.2, 0x10: 3], combi)
        if second % 10 == 0 || isFirst { bus([0: 80, 3: 40], shunt) }
        desk.mark()
    }

    private mutating func read(_ register: RegisterID, _ index: Int, _ isWatched: Bool) {
        guard let bytes = registers[index].file[register] else {
            return plant.refused(register, serial: serials[index])
        }
        let raw = RawValue(bytes)
        guard let value = try? RegisterCatalogue.standard[register]?.decode(raw) else { return }
        plant.read(
            RegisterReading(
                register: register, raw: raw, value: value, provenance: .asked, confidence: .confirmed, time: now),
            serial: serials[index])
        if isWatched { held["\(serials[index])/\(register)", default: []].append((now, raw)) }
    }

    private mutating func bus(_ values: [UInt16: Float], _ device: DeviceAddress) {
        for (attribute, value) in values {
            plant.read(
                BusValue(time: now, device: device, attribute: attribute, bits: value.bitPattern, format: .number),
                schema: nil)
        }
        // As a device that has said what it is.
        if device == combi { plant.busDevices[combi]?.role = .inverter }
    }
}
