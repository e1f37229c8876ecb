import Glibc
import History
import Logging
import MasterBus
import VEDirect

/// Takes samples of the plant for the history, and publishes the figures that come back; part of the daemon's loop.
struct HistoryDesk {
    /// What is kept of a charger.
    private static let registers: [(register: RegisterID, quantity: History.Quantity, unit: String)] = [
        (.panelPower, .panelPower, "W"), (.panelVoltage, .panelVoltage, "V"), (.chargerVoltage, .chargerVoltage, "V"),
        (.chargerCurrent, .chargerCurrent, "A"), (.deviceState, .deviceState, ""), (.trackerMode, .trackerMode, ""),
        (.systemYield, .systemYield, "kWh"), (.loadCurrent, History.Quantity(rawValue: "load_current"), "A"),
        (.chargerTemperature, History.Quantity(rawValue: "charger_temperature"), "°C"),
        (.chargerError, History.Quantity(rawValue: "charger_error"), ""),
    ]
    /// What is kept of the shunt that stands for the battery.
    private static let attributes: [(attribute: UInt16, quantity: History.Quantity, unit: String)] = [
        (BusAttribute.batteryVoltage, .batteryVoltage, "V"), (BusAttribute.batteryCurrent, .batteryCurrent, "A"),
        (BusAttribute.stateOfCharge, .stateOfCharge, "%"),
        (BusAttribute.consumedCharge, History.Quantity(rawValue: "consumed_charge"), "Ah"),
    ]

    let writer: HistoryWriter?
    private let interval: Duration
    /// When to look next; nil without a history.
    private(set) var due: Duration?
    private var last: [String: [RegisterID: Duration]] = [:]
    private var lastAttributes: [DeviceAddress: [UInt16: Duration]] = [:]
    private var lastBusClock: Duration?
    private var days: [String: [HistoryDay]] = [:]
    private var figures: [String: String] = [:]
    private var sent: [String: String] = [:]
    /// Of which nothing of an earlier run is left.
    private var swept = Set<String>()
    /// What was ever told and can be announced.
    private(set) var known: KnownStatistics

    /// - Parameter isWanted: false for a look at the plant that leaves no traces.
    init(
        _ configuration: Configuration, isWanted: Bool, clocks: HistoryWriter.Clocks = HistoryWriter.Clocks(),
        log: Logger
    ) {
        interval = configuration.history.interval
        known = KnownStatistics(prefix: configuration.bridge.topic)
        guard isWanted, configuration.history.enabled else {
            writer = nil
            return
        }
        guard let path = configuration.historyPath else {
            log.notice("no history is kept: set bridge.state_directory, or history.enabled = false to do without")
            writer = nil
            return
        }
        if let problem = configuration.history.zoneProblem { log.warning("history: \(problem)") }
        let writer = HistoryWriter(
            path: path, zone: configuration.history.rules, retention: configuration.history.retention,
            prefix: configuration.history.publish ? configuration.bridge.topic : nil, clocks: clocks, log: log)
        writer.start()
        self.writer = writer
        due = .zero
    }

    /// Takes what was read since the last look.
    mutating func take(_ plant: Plant, at now: Duration) {
        guard let writer else { return }
        due = now + interval
        let clock = (wall: writer.clocks.wall(), monotonic: writer.clocks.monotonic())
        var samples: [HistorySample] = []
        var own: [HistoryWriter.OwnDays] = []
        func add(_ device: String, _ quantity: History.Quantity, _ unit: String, _ value: Double, _ age: Duration) {
            // The fast ones are read in one round: one time for all of them costs less room than one for each.
            let seconds = age < .milliseconds(2500) ? 0 : Double(age.components.seconds)
            samples.append(
                HistorySample(
                    device: device, quantity: quantity, value: value, unit: unit, wall: clock.wall - seconds,
                    monotonic: clock.monotonic - seconds))
        }
        for charger in plant.solarChargers(at: now) where charger.isAlive {
            let serial = charger.identity.serial
            // Under such a name the history keeps devices on a MasterBus.
            guard !serial.uppercased().hasPrefix("0X") else { continue }
            var times = last[serial] ?? [:]
            for entry in Self.registers {
                guard let reading = charger.readings[entry.register], let value = reading.value.scaled,
                    times[entry.register].map({ reading.time > $0 }) ?? true
                else { continue }
                times[entry.register] = reading.time
                add(serial, entry.quantity, entry.unit, value, max(.zero, now - reading.time))
            }
            last[serial] = times
            let records = Self.ownDays(charger)
            guard !records.isEmpty, records != days[serial] else { continue }
            days[serial] = records
            let power = charger.readings[.panelPower]?.value.scaled ?? 0
            own.append(
                .init(device: serial, records: records, isProducing: power >= 1, monotonic: clock.monotonic))
        }
        if let shunt = plant.shunt, shunt.isAwake {
            for entry in Self.attributes {
                guard let value = shunt.values[entry.attribute], let number = value.value,
                    lastAttributes[shunt.address]?[entry.attribute].map({ value.time > $0 }) ?? true
                else { continue }
                lastAttributes[shunt.address, default: [:]][entry.attribute] = value.time
                add(
                    shunt.address.text, entry.quantity, entry.unit, Double(number), max(.zero, now - value.time))
            }
        }
        if let shown = plant.busClock(at: now), shown.time != lastBusClock {
            lastBusClock = shown.time
            let age = now - shown.time
            writer.look(
                at: .init(
                    date: shown.date, seconds: shown.seconds,
                    monotonic: clock.monotonic - Double(age.components.seconds)))
        }
        if !samples.isEmpty || !own.isEmpty { writer.enqueue(samples, own) }
        if let news = writer.takeNews() {
            // What is told no more, such as a device that has no figures today, is taken back.
            for topic in figures.keys where news[topic] == nil { figures[topic] = "" }
            figures.merge(news) { _, new in new }
        }
    }

    /// The charger's own days, today's first, as far as they are of one reading: each one's number is one less than
    /// the one before.
    static func ownDays(_ charger: Plant.Charger) -> [HistoryDay] {
        var records: [HistoryDay] = []
        for age in 0...30 {
            guard case .historyDay(let day)? = charger.readings[.historyDay(age)]?.value else { break }
            // After 364 comes 0.
            if let before = records.last, (before.sequence + 365 - day.sequence) % 365 != 1 { break }
            records.append(day)
        }
        return records
    }

    /// Publishes what has changed.
    mutating func publish(_ publish: (MQTTClient.Message) -> Bool) {
        for (topic, payload) in figures where sent[topic] != payload {
            // What was never there need not be taken back, but for what an earlier run may have left at the broker.
            guard !payload.isEmpty || sent[topic] != nil || !swept.contains(topic) else { continue }
            if publish(MQTTClient.Message(topic: topic, payload: payload, qos: 1, retain: true)) {
                sent[topic] = payload
                swept.insert(topic)
                if !payload.isEmpty { known.told(topic) }
            }
        }
    }

    /// The broker knows nothing: everything is published again.
    mutating func forgetSent() { sent = [:] }
}

extension Plant {
    /// What the clock of the bus shows: a day, with the time of day in the attribute before it, of the shunt or else of
    /// the first device that has them. A time alone may be a time that remains.
    func busClock(at now: Duration) -> (date: CivilDate, seconds: Double, time: Duration)? {
        let others = busDevices.values.filter(\.isAwake).sorted { $0.address < $1.address }
        for device in [shunt].compactMap(\.self) + others where device.isAwake {
            for (attribute, value) in device.values.sorted(by: { $0.key < $1.key })
            where value.format == .date && attribute > 0 {
                guard let clock = device.values[attribute - 1], clock.format == .time, now - clock.time < .seconds(60),
                    now - value.time < .seconds(60), let date = value.value.flatMap({ BusDate($0) }),
                    date.isPlausible, !date.isUnset, let time = clock.value.flatMap({ BusTime($0) }),
                    // At midnight one of them may be of the day before.
                    (60..<86_400 - 60).contains(time.seconds)
                else { continue }
                return (
                    CivilDate(year: date.year, month: date.month, day: date.day), Double(time.seconds), clock.time
                )
            }
        }
        return nil
    }
}

extension Daemon.BridgeLoop {
    /// Samples for the history, and what follows from it.
    mutating func keepHistory(at time: Duration) {
        guard let due = history.due, time >= due else { return }
        history.take(plant, at: time)
        guard isConnected else { return }
        history.publish { [sink] in sink.tell($0) }
        readable.announcer?.statistics = history.known
    }

    /// A broker has come that knows nothing of the figures.
    mutating func tellHistory() {
        history.forgetSent()
        history.publish { [sink] in sink.tell($0) }
    }
}
