import Glibc
import History
import Simulation

/// The state directory of a demo: made below /tmp with a past in it, and removed with all that is in it.
struct DemoHistory {
    let path: String

    /// Makes the directory; nil where that is not possible.
    init?() {
        var name = Array("/tmp/vebridge-demo-XXXXXX".utf8CString)
        guard name.withUnsafeMutableBufferPointer({ $0.baseAddress.map { mkdtemp($0) != nil } ?? false }) else {
            return nil
        }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Writes rows as of `vebridge history export` into a new history.
    func write(_ rows: [String], zone: TimeZoneRules) {
        do {
            let store = try HistoryStore.open(at: path + "/" + HistoryStore.fileName, zone: zone)
            defer { store.close() }
            var reader = try HistoryImport(into: store, format: .csv)
            for row in [Self.columns] + rows { try reader.take(row) }
            try reader.finish()
        } catch {
            Terminal.complain("the demo has no past: \(error)")
        }
    }

    /// Removes the directory.
    func remove() { Self.remove(path) }

    private static let columns = "kind,time,device,name,unit,value,known,mean,minimum,maximum,derived"

    private static func remove(_ path: String) {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard name != ".", name != ".." else { continue }
                // A directory is no file to unlink, and a link to one is.
                if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}

/// The plant of the demo and the rows of its history, which agree with each other.
struct DemoPlant {
    private(set) var plant: SimulatedPlant
    private(set) var rows: [String] = []

    /// A plant with a past up to today's midnight. At real time the morning is simulated too, so that today begins at
    /// midnight and counters, battery and history go on from there.
    ///
    /// - Parameters:
    ///   - dayLength: how long a simulated day takes; nil for real time.
    ///   - now: seconds since 1970.
    init(dayLength: Duration?, zone: TimeZoneRules, now: Double) {
        let today = zone.date(at: now)
        let midnight = Double(zone.start(of: today))
        var past = DemoPast(zone: zone)
        past.add(until: today)
        plant = SimulatedFleet.plant(
            chargers: DemoPast.chargers, firmware: nil,
            startHour: dayLength == nil ? min(now - midnight, 86_399) / 3600 : 10,
            dayLength: dayLength ?? .seconds(86_400),
            battery: SimulatedBattery(capacity: DemoPast.capacity, stateOfCharge: past.charge), seed: 1)
        let serials = plant.chargers.map(\.serial)
        rows = past.rows(serials)
        for index in plant.chargers.indices {
            for (age, day) in past.latestDays(charger: index).enumerated() {
                plant.setPastDay(age + 1, yield: day.yield, maximumPower: day.maximumPower, charger: index)
            }
            plant.addEarlierYield(past.lifetimes[index] - plant.chargers[index].totalYield / 1000, charger: index)
        }
        // The days before are complete as they are; from today's midnight on the history works them out itself.
        rows.append("state,,,closed_day,,\((today - 1).number),,,,,")
        rows.append("state,,,rolled_hour,,\(Int(midnight / 3600) - 1),,,,,")
        guard dayLength == nil else { return }
        var morning: [String] = []
        plant.simulateMorning(
            every: 60, load: { SimulatedBus.inverterLoad(for: SimulatedBus.household($0)) },
            { seconds, plant in morning += Self.samples(plant, at: midnight + seconds) })
        rows += morning
    }

    private static func samples(_ plant: SimulatedPlant, at time: Double) -> [String] {
        func row(_ device: String, _ name: String, _ unit: String, _ value: Double, _ decimals: Double) -> String {
            "sample,\(Int(time)),\(device),\(name),\(unit),\((value * decimals).rounded() / decimals),,,,,"
        }
        var rows: [String] = []
        for charger in plant.chargers {
            rows += [
                row(charger.serial, "panel_power", "W", charger.panelPower, 100),
                row(charger.serial, "panel_voltage", "V", charger.panelVoltage, 100),
                row(charger.serial, "charger_voltage", "V", charger.outputVoltage, 100),
                row(charger.serial, "charger_current", "A", charger.outputCurrent, 10),
                row(charger.serial, "device_state", "", Double(charger.state.rawValue), 1),
                // As the register counts: whole steps of 0.01 kWh.
                row(charger.serial, "system_yield", "kWh", (charger.totalYield / 10).rounded(.down) / 100, 100),
            ]
        }
        let battery = plant.site.battery
        return rows + [
            row(DemoPast.shunt, "battery_voltage", "V", battery.voltage, 100),
            row(DemoPast.shunt, "battery_current", "A", battery.current, 100),
            row(DemoPast.shunt, "state_of_charge", "%", battery.stateOfCharge * 100, 10),
            row(DemoPast.shunt, "consumed_charge", "Ah", battery.consumed, 10),
        ]
    }
}

/// Where the plant of the demo lies: it is late morning there, whatever the time is here.
enum DemoZone {
    /// The name for `history.zone`: empty for this machine's zone while it is 10:00 to 12:59 in it, else a zone in which
    /// it is between 11:00 and 11:59 now.
    static func name(now: Double, local: TimeZoneRules) -> String {
        if let hour = Int(local.clockText(of: now).prefix(2)), (10..<13).contains(hour) { return "" }
        let east = 11 - Int((now / 3600).rounded(.down)) % 24
        // The names count west of Greenwich.
        let name = east == 0 ? "Etc/UTC" : east > 0 ? "Etc/GMT-\(east)" : "Etc/GMT+\(-east)"
        return TimeZoneRules(named: name) == nil ? "" : name
    }
}
