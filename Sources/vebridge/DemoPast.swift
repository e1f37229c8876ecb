import History
import Simulation

/// The past of the demo's plant: weeks of figures, two days minute by minute, and a charger that has been falling
/// behind for some of them.
struct DemoPast {
    /// A day of one charger.
    struct ChargerDay {
        /// kWh.
        var yield = 0.0
        /// W.
        var maximumPower = 0.0
        /// kWh before half past ten, before half past one, and after it.
        fileprivate var parts = [0.0, 0.0, 0.0]
    }

    private struct Day {
        var date: CivilDate
        var length: Double
        var chargers: [ChargerDay]
        var plant = (maximum: 0.0, at: 0.0, first: 0.0, last: 0.0, consumed: 0.0, direct: 0.0)
        var battery = (low: 99.0, high: 0.0, least: 2.0, most: 0.0, into: 0.0, out: 0.0)
        var minutes: [(time: Double, powers: [Double], voltage: Double, current: Double, charge: Double)] = []
    }

    static let chargers = 3
    static let shunt = "0x31297"
    /// Ah at 12 V.
    static let capacity = 400.0
    private static let days = 45
    private static let detailedDays = 2
    /// W per W/m² of each charger's panels.
    private static let sizes = [0.80, 0.20, 0.19]
    /// Since so many days the last charger gives less.
    private static let faultDays = 10

    /// The battery's state of charge at the end, 0…1.
    private(set) var charge = 0.8
    /// kWh that each charger had given by the end.
    private(set) var lifetimes = (0..<chargers).map { 400 + 150 * Double($0) }
    private let zone: TimeZoneRules
    private var sky = Sky(latitude: 47, dayOfYear: 150, cloudiness: 0.5, seed: 11)
    private var past: [Day] = []

    init(zone: TimeZoneRules) { self.zone = zone }

    /// Simulates the days before `today`.
    mutating func add(until today: CivilDate) {
        for age in (1...Self.days).reversed() { addDay(today - age, age: age) }
    }

    /// What a charger gave on the last days, yesterday first.
    func latestDays(charger index: Int) -> [ChargerDay] { past.reversed().map { $0.chargers[index] } }

    private mutating func addDay(_ date: CivilDate, age: Int) {
        let start = Double(zone.start(of: date))
        var day = Day(
            date: date, length: Double(zone.start(of: date + 1)) - start,
            chargers: [ChargerDay](repeating: ChargerDay(), count: Self.chargers))
        let isDetailed = age <= Self.detailedDays
        let step = isDetailed ? 60.0 : 300
        var elapsed = 0.0
        while elapsed < day.length {
            let sun = sky.irradiance(at: Double(Self.days - age) * 86_400 + elapsed)
            let hour = elapsed / 3600
            let load = 140.0 + (hour > 18 && hour < 23 ? 240 : 0) + (Int(hour * 6) % 7 == 0 ? 45 : 0)
            // A full battery takes no more.
            let part = charge > 0.985 ? min(1, (load + 30) / max(1, sun)) : 1
            var powers: [Double] = []
            for index in day.chargers.indices {
                let isFaulty = index == Self.chargers - 1 && age <= Self.faultDays
                let power = sun > 8 ? sun * Self.sizes[index] * part * (isFaulty ? 0.68 : 1) : 0
                powers.append((power * 100).rounded() / 100)
                let energy = power * step / 3_600_000
                day.chargers[index].yield += energy
                day.chargers[index].parts[hour < 10.5 ? 0 : hour < 13.5 ? 1 : 2] += energy
                day.chargers[index].maximumPower = max(day.chargers[index].maximumPower, power)
                lifetimes[index] += energy
            }
            let solar = powers.reduce(0, +)
            if solar > day.plant.maximum { (day.plant.maximum, day.plant.at) = (solar, start + elapsed) }
            if solar >= 1 {
                if day.plant.first == 0 { day.plant.first = start + elapsed }
                day.plant.last = start + elapsed
            }
            let net = solar * 0.97 - load
            charge = min(1, max(0.3, charge + net * (net > 0 ? 0.96 : 1) * step / 3600 / (Self.capacity * 12.8)))
            let voltage = 11.9 + charge + (net > 0 ? min(1.4, net / 300) : net / 700)
            day.plant.consumed += load * step / 3_600_000
            day.plant.direct += min(solar, load) * step / 3_600_000
            day.battery = (
                min(day.battery.low, voltage), max(day.battery.high, voltage), min(day.battery.least, charge),
                max(day.battery.most, charge), day.battery.into + max(0, net) * step / 3_600_000,
                day.battery.out + max(0, -net) * step / 3_600_000
            )
            if isDetailed { day.minutes.append((start + elapsed, powers, voltage, net / voltage, charge)) }
            elapsed += step
        }
        past.append(day)
    }

    // MARK: Rows

    /// The past as rows of an export.
    func rows(_ serials: [String]) -> [String] {
        var rows: [String] = []
        var lifetimes = lifetimes
        for day in past { for index in lifetimes.indices { lifetimes[index] -= day.chargers[index].yield } }
        for day in past {
            for index in lifetimes.indices { lifetimes[index] += day.chargers[index].yield }
            rows += Self.minutes(day, serials) + Self.figures(day, serials, lifetimes)
        }
        return rows
    }

    private static func minutes(_ day: Day, _ serials: [String]) -> [String] {
        func row(_ time: Double, _ device: String, _ name: String, _ unit: String, _ value: Double) -> String {
            let number = (value * 1000).rounded() / 1000
            return "minute,\(Int(time)),\(device),\(name),\(unit),\(number),60,\(number),\(number),\(number),"
        }
        return day.minutes.flatMap { minute in
            zip(serials, minute.powers).map { row(minute.time, $0, "panel_power", "W", $1) } + [
                row(minute.time, shunt, "battery_voltage", "V", minute.voltage),
                row(minute.time, shunt, "battery_current", "A", minute.current),
                row(minute.time, shunt, "state_of_charge", "%", minute.charge * 100),
            ]
        }
    }

    private static func figures(_ day: Day, _ serials: [String], _ lifetimes: [Double]) -> [String] {
        func rows(_ device: String, _ figures: [String: Double]) -> [String] {
            figures.sorted { $0.key < $1.key }.map { name, value in
                "figure,\(day.date),\(device),\(name),,\((value * 10_000).rounded() / 10_000),,,,,"
            }
        }
        let total = day.chargers.reduce(0) { $0 + $1.yield }
        var all: [String] = []
        for (index, charger) in day.chargers.enumerated() where index < serials.count {
            all += rows(
                serials[index],
                [
                    "yield": charger.yield, "yield_source": 0, "lifetime_yield": lifetimes[index],
                    "share": total > 0 ? charger.yield / total * 100 : 0, "production_start": day.plant.first,
                    "production_stop": day.plant.last, "panel_power.max": charger.maximumPower,
                    "panel_power.max_at": day.plant.at, "compare.morning": charger.parts[0],
                    "compare.noon": charger.parts[1], "compare.evening": charger.parts[2],
                    "compare.time": day.plant.last - day.plant.first,
                ])
        }
        all += rows(
            DayFigures.plant,
            [
                "yield": total, "maximum_power": day.plant.maximum, "maximum_power_at": day.plant.at,
                "production_start": day.plant.first, "production_stop": day.plant.last,
                "consumption": day.plant.consumed, "direct": day.plant.direct, "solar": total * 0.97,
                "self_sufficiency": min(100, total * 97 / day.plant.consumed), "known": day.length,
            ])
        return all
            + rows(
                shunt,
                [
                    "battery_voltage.min": day.battery.low, "battery_voltage.max": day.battery.high,
                    "state_of_charge.min": day.battery.least * 100, "state_of_charge.max": day.battery.most * 100,
                    "energy_in": day.battery.into, "energy_out": day.battery.out,
                ])
    }
}
