import Glibc
import History
import Simulation

/// A past for the demo, so that there are days to look at: weeks of figures, two days minute by minute, and a charger
/// that has been falling behind for some of them.
struct DemoPast {
    private static let days = 45
    private static let detailedDays = 2
    private static let shunt = "0x31297"
    /// W per W/m² of each charger's panels.
    private static let sizes = [0.72, 0.16, 0.15]
    /// Since so many days the last charger gives less.
    private static let faultDays = 10

    private let serials: [String]
    private let zone: TimeZoneRules
    private var sky = Sky(latitude: 47, dayOfYear: 150, cloudiness: 0.5, seed: 11)
    private var charge = 0.8
    private var lifetimes: [Double]
    private var lines: [String] = ["kind,time,device,name,unit,value,known,mean,minimum,maximum,derived"]

    private init(serials: [String], zone: TimeZoneRules) {
        self.serials = serials
        self.zone = zone
        lifetimes = serials.indices.map { 400 + 150 * Double($0) }
    }

    /// Writes it into a new history.
    static func write(to path: String, serials: [String], zone: TimeZoneRules) throws {
        var past = DemoPast(serials: serials, zone: zone)
        let today = zone.date(at: Double(time(nil)))
        for age in (1...days).reversed() { past.addDay(today - age, age: age) }
        let store = try HistoryStore.open(at: path, zone: zone)
        defer { store.close() }
        var reader = try HistoryImport(into: store, format: .csv)
        for line in past.lines { try reader.take(line) }
        try reader.finish()
    }

    private mutating func addDay(_ day: CivilDate, age: Int) {
        let start = Double(zone.start(of: day))
        let length = Double(zone.start(of: day + 1)) - start
        let isDetailed = age <= Self.detailedDays
        let step = isDetailed ? 60.0 : 300
        var yields = [Double](repeating: 0, count: serials.count)
        var thirds = [[Double]](repeating: [0, 0, 0], count: serials.count)
        var maxima = yields
        var plant = (maximum: 0.0, at: 0.0, first: 0.0, last: 0.0, consumed: 0.0, direct: 0.0)
        var battery = (low: 99.0, high: 0.0, least: 2.0, most: 0.0, into: 0.0, out: 0.0)
        var elapsed = 0.0
        while elapsed < length {
            let sun = sky.irradiance(at: Double(Self.days - age) * 86_400 + elapsed)
            let hour = elapsed / 3600
            let load = 140 + (hour > 18 && hour < 23 ? 240 : 0) + (Int(hour * 6) % 7 == 0 ? 45 : 0)
            // A full battery takes no more.
            let part = charge > 0.985 ? min(1, (Double(load) + 30) / max(1, sun)) : 1
            var powers: [Double] = []
            for index in serials.indices {
                let isFaulty = index == serials.count - 1 && age <= Self.faultDays
                let power = sun > 8 ? sun * Self.sizes[index % Self.sizes.count] * part * (isFaulty ? 0.68 : 1) : 0
                powers.append((power * 100).rounded() / 100)
                yields[index] += power * step / 3_600_000
                thirds[index][hour < 10.5 ? 0 : hour < 13.5 ? 1 : 2] += power * step / 3_600_000
                maxima[index] = max(maxima[index], power)
            }
            let solar = powers.reduce(0, +)
            if solar > plant.maximum { (plant.maximum, plant.at) = (solar, start + elapsed) }
            if solar >= 1 {
                if plant.first == 0 { plant.first = start + elapsed }
                plant.last = start + elapsed
            }
            let net = solar * 0.97 - Double(load)
            charge = min(1, max(0.3, charge + net * (net > 0 ? 0.96 : 1) * step / 3600 / 2560))
            let voltage = 11.9 + charge * 1.0 + (net > 0 ? min(1.4, net / 300) : net / 700)
            plant.consumed += Double(load) * step / 3_600_000
            plant.direct += min(solar, Double(load)) * step / 3_600_000
            battery = (
                min(battery.low, voltage), max(battery.high, voltage), min(battery.least, charge),
                max(battery.most, charge), battery.into + max(0, net) * step / 3_600_000,
                battery.out + max(0, -net) * step / 3_600_000
            )
            if isDetailed {
                for index in serials.indices { add(start + elapsed, serials[index], "panel_power", "W", powers[index]) }
                add(start + elapsed, Self.shunt, "battery_voltage", "V", voltage)
                add(start + elapsed, Self.shunt, "battery_current", "A", net / voltage)
                add(start + elapsed, Self.shunt, "state_of_charge", "%", charge * 100)
            }
            elapsed += step
        }
        let total = yields.reduce(0, +)
        for index in serials.indices {
            lifetimes[index] += yields[index]
            figures(
                day, serials[index],
                [
                    "yield": yields[index], "yield_source": 0, "lifetime_yield": lifetimes[index],
                    "share": total > 0 ? yields[index] / total * 100 : 0, "production_start": plant.first,
                    "production_stop": plant.last, "panel_power.max": maxima[index],
                    "panel_power.max_at": plant.at, "compare.morning": thirds[index][0],
                    "compare.noon": thirds[index][1], "compare.evening": thirds[index][2],
                    "compare.time": plant.last - plant.first,
                ])
        }
        figures(
            day, DayFigures.plant,
            [
                "yield": total, "maximum_power": plant.maximum, "maximum_power_at": plant.at,
                "production_start": plant.first, "production_stop": plant.last, "consumption": plant.consumed,
                "direct": plant.direct, "solar": total * 0.97,
                "self_sufficiency": min(100, total * 97 / plant.consumed), "known": length,
            ])
        figures(
            day, Self.shunt,
            [
                "battery_voltage.min": battery.low, "battery_voltage.max": battery.high,
                "state_of_charge.min": battery.least * 100, "state_of_charge.max": battery.most * 100,
                "energy_in": battery.into, "energy_out": battery.out,
            ])
    }

    private mutating func add(_ time: Double, _ device: String, _ name: String, _ unit: String, _ value: Double) {
        let number = (value * 1000).rounded() / 1000
        lines.append("minute,\(Int(time)),\(device),\(name),\(unit),\(number),60,\(number),\(number),\(number),")
    }

    private mutating func figures(_ day: CivilDate, _ device: String, _ figures: [String: Double]) {
        for (name, value) in figures.sorted(by: { $0.key < $1.key }) {
            lines.append("figure,\(day),\(device),\(name),,\((value * 10_000).rounded() / 10_000),,,,,")
        }
    }
}
