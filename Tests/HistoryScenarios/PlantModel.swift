internal import Glibc
package import History
import Simulation
package import VEDirect

/// A plant of chargers, a battery and loads, simple enough to know every truth about it and fast enough for years.
///
/// Light comes from the simulation's sky. It writes down what really happened while ``PlantRun`` tells the recorder
/// what its instruments saw.
package struct PlantModel {
    /// A charger and what befalls it.
    package struct Charger {
        package var serial: String
        /// W.
        package var peak: Double
        /// What its panels give of what they should, by time in days since the beginning and hour of solar time.
        package var health: (_ day: Double, _ hour: Double) -> Double

        package init(serial: String, peak: Double, health: @escaping (Double, Double) -> Double = { _, _ in 1 }) {
            self.serial = serial
            self.peak = peak
            self.health = health
        }
    }

    /// What a charger does now.
    package struct ChargerState {
        package var power = 0.0
        package var current = 0.0
        package var state = 0
        package var lifetime: Double
        package var days: [Record] = [Record()]
        var dark = 0.0

        /// As the charger's registers have it.
        package struct Record {
            package var sequence = 0
            package var yield = 0.0
            package var maximum = 0.0
        }
    }

    /// What really happened on a civil day.
    package struct Truth {
        /// By charger, in their order.
        package var yields: [Double]
        package var starts: [Double?]
        package var stops: [Double?]
        /// The same without moments of production that were shorter than ``PlantModel/blink``, which no sample need see.
        package var lastingStarts: [Double?]
        package var lastingStops: [Double?]
        package var lastingMet: Double?
        /// By charger, then by state's number: how often it came or went.
        package var changes: [[Int]]
        package var flowChanges = 0
        /// By charger, then by state's number.
        package var states: [[Double]]
        package var maxima: [Double]
        package var chargeIn = 0.0, chargeOut = 0.0, energyIn = 0.0, energyOut = 0.0
        package var consumption = 0.0, direct = 0.0, solar = 0.0, other = 0.0
        package var negativeDay = 0.0, negativeNight = 0.0
        package var nightBefore = 0.0, nightAfter = 0.0
        package var minimumVoltage = 99.0, maximumVoltage = 0.0, voltageSum = 0.0, seconds = 0.0
        package var minimumCharge = 100.0
        package var fullAt: Double?
        package var metConsumption: Double?
        package var lastProduction: Double?
        package var firstProduction: Double?
        var pendingNegative = 0.0, pendingOut = 0.0

        init(chargers count: Int) {
            yields = [Double](repeating: 0, count: count)
            starts = [Double?](repeating: nil, count: count)
            stops = starts
            lastingStarts = starts
            lastingStops = starts
            changes = [[Int]](repeating: [Int](repeating: 0, count: 6), count: count)
            states = [[Double]](repeating: [Double](repeating: 0, count: 6), count: count)
            maxima = yields
        }
    }

    package let chargers: [Charger]
    package let zone: TimeZoneRules
    /// Seconds since 1970 of the beginning, a UTC midnight.
    package let origin: Double
    package private(set) var states: [ChargerState]
    package private(set) var truth: [CivilDate: Truth] = [:]
    /// Seconds since 1970.
    package private(set) var time: Double
    package private(set) var voltage = 12.8
    package private(set) var current = 0.0
    package private(set) var charge = 0.8
    package private(set) var load = 0.0

    private let sky: Sky
    private let dayOfYear: Int
    /// Seconds: the time between two samples.
    package var blink = 0.0
    private var producingSince: [Double?]
    private var metSince: Double?
    private var statesBefore: [Int]
    private var wasNegative = false
    private var isAbsorbing = false
    private var hasShore = false
    private var day = CivilDate(number: 0)
    private var dayStart = 0.0
    private var dayEnd = 0.0
    private var today: Truth
    private var random: SeededRandom
    private var dailyNoise: [Double]

    /// Ah.
    package static let capacity = 400.0

    package init(
        chargers: [Charger], start: CivilDate, zone: TimeZoneRules, cloudiness: Double = 0.45, seed: UInt64 = 7
    ) {
        self.chargers = chargers
        self.zone = zone
        origin = Double(start.number) * 86_400
        time = origin
        dayOfYear = start - CivilDate(year: start.components.year, month: 1, day: 1) + 1
        sky = Sky(latitude: 48, dayOfYear: dayOfYear, cloudiness: cloudiness, seed: seed)
        states = chargers.indices.map { ChargerState(lifetime: 812.345 + 100 * Double($0)) }
        random = SeededRandom(seed: seed)
        dailyNoise = chargers.map { _ in 0 }
        producingSince = chargers.map { _ in nil }
        statesBefore = chargers.map { _ in 0 }
        today = Truth(chargers: chargers.count)
        roll()
    }

    private mutating func roll() {
        if day.number > 0 {
            today.negativeNight += today.pendingNegative
            today.nightAfter = today.pendingOut
            truth[day] = today
        }
        day = zone.date(at: time)
        dayStart = time
        dayEnd = Double(zone.start(of: day + 1))
        today = Truth(chargers: chargers.count)
        for index in chargers.indices {
            // Dirt, dew and the angle of the day: two charges of one plant differ by a per cent or two.
            dailyNoise[index] = random.number(in: -0.02...0.02)
        }
    }

    /// Moves on by some seconds.
    package mutating func step(_ seconds: Double) {
        let elapsed = time - origin
        let days = elapsed / 86_400
        // The plant lies an hour east of Greenwich by the sun.
        let solar = elapsed + 3600
        let hour = (solar / 3600).truncatingRemainder(dividingBy: 24)
        let light = sky.irradiance(at: solar)
        var offers: [Double] = []
        for (index, charger) in chargers.enumerated() {
            let health = charger.health(days, hour) * (1 + dailyNoise[index])
            let power = light > 2 ? charger.peak * (light - 2) / 1000 * health : 0
            offers.append(power >= 1.5 ? power : 0)
        }
        let offered = offers.reduce(0, +) * 0.97
        // A refrigerator that comes and goes, an evening, a base.
        let cycle = elapsed.truncatingRemainder(dividingBy: 2400) < 900
        load = 35 + (cycle ? 55 : 0) + (hour > 18 && hour < 22.5 ? 70 : 0)
        if charge < 0.3 { hasShore = true }
        if charge > 0.6 { hasShore = false }
        let shore = hasShore ? 220.0 : 0
        if charge > 0.93 { isAbsorbing = true }
        if charge < 0.88 { isAbsorbing = false }
        let accepted = isAbsorbing ? max(5, (1.0 - charge) / 0.07 * 900) : 5000
        let scale = min(1, max(0, accepted + load - shore) / max(offered, 0.001))
        let isFull = charge >= 0.995
        var output = 0.0
        for index in chargers.indices {
            let power = offers[index] * scale
            states[index].power = power
            states[index].state = power <= 0 ? 0 : scale < 1 ? (isFull ? 5 : 4) : 3
            states[index].lifetime += power * seconds / 3_600_000
            output += power * 0.97
            record(index, power, seconds)
        }
        let battery = output + shore - load
        voltage = 11.8 + 1.1 * charge + battery / 12.5 * 0.006 + (isAbsorbing && output > 0 ? 0.6 : 0)
        current = battery / voltage
        for index in chargers.indices { states[index].current = states[index].power * 0.97 / voltage }
        charge = min(1, max(0, charge + current * (current > 0 ? 0.97 : 1) * seconds / 3600 / Self.capacity))
        account(seconds, output: output, battery: battery, shore: shore)
        time += seconds
        if time >= dayEnd { roll() }
    }

    /// The charger's own day begins at its dawn.
    private mutating func record(_ index: Int, _ power: Double, _ seconds: Double) {
        if power > 0 {
            if states[index].dark > 2 * 3600 {
                let next = (states[index].days[0].sequence + 1) % 365
                states[index].days.insert(.init(sequence: next), at: 0)
                if states[index].days.count > 31 { states[index].days.removeLast() }
            }
            states[index].dark = 0
        } else {
            states[index].dark += seconds
        }
        states[index].days[0].yield += power * seconds / 3_600_000
        states[index].days[0].maximum = max(states[index].days[0].maximum, power)
    }

    private mutating func account(_ seconds: Double, output: Double, battery: Double, shore: Double) {
        today.seconds += seconds
        var isProducing = false
        for index in chargers.indices {
            let power = states[index].power
            today.yields[index] += power * seconds / 3_600_000
            today.states[index][states[index].state] += seconds
            if states[index].state != statesBefore[index] {
                today.changes[index][states[index].state] += 1
                today.changes[index][statesBefore[index]] += 1
                statesBefore[index] = states[index].state
            }
            today.maxima[index] = max(today.maxima[index], power)
            if power >= 1 {
                isProducing = true
                if today.starts[index] == nil { today.starts[index] = time }
                today.stops[index] = time
                let since = producingSince[index] ?? time
                producingSince[index] = since
                if time + seconds - since >= blink {
                    if today.lastingStarts[index] == nil { today.lastingStarts[index] = max(since, dayStart) }
                    today.lastingStops[index] = time
                }
            } else {
                producingSince[index] = nil
            }
        }
        if isProducing {
            today.firstProduction = today.firstProduction ?? time
            today.lastProduction = time
            today.negativeDay += today.pendingNegative
            today.pendingNegative = 0
            today.pendingOut = 0
        }
        let hours = seconds / 3600
        if current > 0 {
            today.chargeIn += current * hours
            today.energyIn += battery * hours / 1000
        } else {
            today.chargeOut -= current * hours
            today.energyOut -= battery * hours / 1000
        }
        let negative = current < -0.1 ? seconds : 0
        if (negative > 0) != wasNegative { today.flowChanges += 1 }
        wasNegative = negative > 0
        if today.firstProduction == nil {
            today.negativeNight += negative
            today.nightBefore -= battery * hours / 1000
        } else {
            today.pendingNegative += negative
            if !isProducing { today.pendingOut -= battery * hours / 1000 }
        }
        if isProducing, current >= 0 {
            if today.metConsumption == nil { today.metConsumption = time }
            let since = metSince ?? time
            metSince = since
            if today.lastingMet == nil, time + seconds - since >= blink { today.lastingMet = max(since, dayStart) }
        } else {
            metSince = nil
        }
        today.solar += output * hours / 1000
        // What consumption can be seen: shore power hides what it feeds.
        let seen = max(0, output - battery)
        today.consumption += seen * hours / 1000
        today.other += max(0, battery - output) * hours / 1000
        today.direct += min(output, seen) * hours / 1000
        today.minimumVoltage = min(today.minimumVoltage, voltage)
        today.maximumVoltage = max(today.maximumVoltage, voltage)
        today.voltageSum += voltage * seconds
        today.minimumCharge = min(today.minimumCharge, charge * 100)
        if charge * 100 >= 99.5 { today.fullAt = today.fullAt ?? time }
    }

    /// The charger's records as it would answer them, today's first.
    package func records(_ index: Int) -> [HistoryDay] {
        states[index].days.compactMap { day in
            var bytes = [UInt8](repeating: 0, count: 34)
            func put(_ value: Int, _ place: Int, _ size: Int) {
                for byte in 0..<size { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
            }
            put(Int((day.yield * 100).rounded(.down)), 1, 4)
            put(0xFFFF_FFFF, 5, 4)
            put(1400, 9, 2)
            put(1250, 11, 2)
            put(Int(day.maximum), 24, 4)
            put(day.sequence, 32, 2)
            return HistoryDay(RawValue(bytes))
        }
    }
}
