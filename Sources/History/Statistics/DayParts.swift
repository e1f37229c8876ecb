/// The last value of a series, and within the running minute all of them.
struct HeldValue: Sendable {
    private(set) var lastTime = -Double.infinity
    private var lastValue = 0.0
    private var times: [Double] = []
    private var values: [Double] = []
    /// The place of the value that was asked for last.
    private var cursor = 0

    /// Takes a minute's samples; the last one before them still holds until the first.
    mutating func set(_ times: [UInt16], _ values: [Int64], _ step: Double, _ base: Double) {
        keepLast()
        for index in times.indices {
            self.times.append(base + Double(times[index]) / 10)
            self.values.append(Double(values[index]) * step)
        }
        if let last = self.times.last { lastTime = max(lastTime, last) }
    }

    mutating func add(_ value: Double, at time: Double) {
        times.append(time)
        values.append(value)
        lastTime = max(lastTime, time)
    }

    /// The minute is over: only its last value counts from here on.
    mutating func keepLast() {
        guard times.count > 1, let time = times.last, let value = values.last else { return }
        times.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        times.append(time)
        values.append(value)
        cursor = 0
    }

    /// The value that held at a time; nil if it is too old. Times are asked for in their order, as a rule.
    mutating func value(at time: Double, _ longestHold: Double) -> Double? {
        let count = times.count
        guard count > 0 else { return nil }
        var place = min(cursor, count - 1)
        while place >= 0, times[place] > time { place -= 1 }
        if place < 0 {
            // Read a moment later than the other one: the same round of asking.
            return times[0] - time < 15 ? values[0] : nil
        }
        while place + 1 < count, times[place + 1] <= time { place += 1 }
        cursor = place
        return time - times[place] <= longestHold ? values[place] : nil
    }
}

/// A charger's day.
struct ChargerDay: Sendable {
    let device: String
    var yield: YieldMeter
    private(set) var productionStart: Double?
    private(set) var productionStop: Double?
    /// Whether it was seen before it produced; else it may have begun long before.
    private(set) var isStartSeen = false
    /// Whether it was seen after it produced; else it may have gone on.
    private(set) var isStopSeen = false
    private var firstSeen: Double?
    var voltage = HeldValue()
    var current = HeldValue()
    var power = HeldValue()
    var limitedMinute = Int.min

    private var states: [Int: Double] = [:]
    private var state: (code: Int, time: Double)?
    private var minuteStates: (minute: Int, isBulk: Bool) = (.min, false)
    /// Ws in the running minute.
    private var minuteEnergy: (minute: Int, energy: Double) = (.min, 0)
    private var powerBefore: (value: Double, time: Double)?
    /// Ws by which chargers could be compared, then by quarter of an hour of the day.
    private var comparedEnergy: [UInt64: [Float]] = [:]

    /// W, summed over the moments at which both are known; with some moments at a usual efficiency to begin with.
    private var outputSum = 97_000.0
    private var panelSum = 100_000.0

    init(device: String, yield: YieldMeter) {
        self.device = device
        self.yield = yield
    }

    mutating func take(
        power value: Double, at time: Double, from start: Double, to end: Double, _ longestHold: Double
    ) {
        power.add(value, at: time)
        let minute = Int(time / 60)
        if minuteEnergy.minute != minute { minuteEnergy = (minute, 0) }
        if let before = powerBefore, time > before.time, time - before.time <= 90 {
            minuteEnergy.energy += (value + before.value) / 2 * (time - before.time)
        }
        let isContinued = powerBefore.map { time - $0.time <= longestHold } ?? false
        powerBefore = (value, time)
        // Into the next day it is the last sample of this one that counts.
        if isContinued, productionStop != nil, value < DayFold.productionThreshold || time >= end { isStopSeen = true }
        guard time < end else { return }
        if time >= start { firstSeen = firstSeen ?? time }
        yield.add(power: time < start ? 0 : value, at: time)
        guard value >= DayFold.productionThreshold, time >= start else { return }
        if productionStart == nil {
            productionStart = time
            isStartSeen = isContinued
        }
        productionStop = time
        isStopSeen = false
    }

    /// True if this is the change to float.
    mutating func take(state code: Int, at time: Double, from start: Double, to end: Double, _ longestHold: Double)
        -> Bool
    {
        let before = state
        if let before, time > before.time, time - before.time <= longestHold {
            let length = min(time, end) - max(before.time, start)
            if length > 0 { states[before.code, default: 0] += length }
        }
        state = (code, time)
        let minute = Int(time / 60)
        let isBulk = code == 3
        minuteStates = minuteStates.minute == minute ? (minute, minuteStates.isBulk && isBulk) : (minute, isBulk)
        guard let before else { return false }
        return code == 5 && before.code != 5 && time - before.time <= longestHold
    }

    /// Whether it gave all that its panels had during the whole minute.
    func isUnlimited(in minute: Int) -> Bool {
        minuteStates.minute == minute && minuteStates.isBulk && limitedMinute != minute
            && minuteEnergy.minute == minute
    }

    mutating func addCompared(mask: UInt64, minute: Int, count: Int) {
        comparedEnergy[mask, default: [Float](repeating: 0, count: count / 15 + 1)][minute / 15] +=
            Float(minuteEnergy.energy)
    }

    /// kWh in the thirds of the production, while all of `participants` could be compared.
    func compared(among participants: UInt64, from start: Double, to end: Double) -> [Double] {
        var thirds = [0.0, 0, 0]
        for (mask, energies) in comparedEnergy.sorted(by: { $0.key < $1.key }) where mask & participants == participants
        {
            for (index, energy) in energies.enumerated() where energy > 0 {
                let part = (Double(index) * 15 + 7.5 - start) / max(end - start, 1) * 3
                thirds[max(0, min(2, Int(part)))] += Double(energy) / 3_600_000
            }
        }
        return thirds
    }

    /// W out of the converter; nil if it is not known.
    ///
    /// Its current comes in steps of 0.1 A, its panel power in steps of 0.01 W: the first tells the efficiency in the
    /// long run, the second what happens now.
    mutating func output(at time: Double, _ longestHold: Double) -> Double? {
        let panels = power.value(at: time, longestHold)
        if let volts = voltage.value(at: time, longestHold), let amperes = current.value(at: time, longestHold) {
            guard let panels else { return volts * amperes }
            outputSum += volts * amperes
            panelSum += panels
        }
        return panels.map { $0 * min(1, max(0.8, outputSum / panelSum)) }
    }

    func figures() -> [String: Double] {
        var values: [String: Double] = ["yield": yield.gained, "yield_source": YieldSource.measured.rawValue]
        values["lifetime_yield"] = yield.estimate
        if isStartSeen { values["production_start"] = productionStart }
        if isStopSeen { values["production_stop"] = productionStop }
        values["first_seen"] = firstSeen
        if let seen = yield.lastSeen ?? (power.lastTime > -.infinity ? power.lastTime : nil) {
            values["last_seen"] = seen
        }
        for (code, seconds) in states { values["state." + Self.word(code), default: 0] += seconds }
        return values
    }

    static func word(_ code: Int) -> String {
        switch code {
        case 0: "off"
        case 2: "fault"
        case 3: "bulk"
        case 4, 246: "absorption"
        case 5: "float"
        case 6: "storage"
        case 7, 247: "equalise"
        default: "other"
        }
    }
}

/// A battery monitor's day.
struct BatteryDay: Sendable {
    let device: String
    var voltage = HeldValue()

    private var before: (current: Double, volts: Double?, time: Double)?
    private var chargeIn = 0.0
    private var chargeOut = 0.0
    private var energyIn = 0.0
    private var energyOut = 0.0
    private var negativeDay = 0.0
    private var nightBefore = Night()
    private var nightAfter = Night()
    private var charge: (value: Double, time: Double)?
    private var chargeOutAtCharge = 0.0
    private var fullAt: Double?
    private var fullTime = 0.0
    private var fallingCharge = 0.0
    private var fallingPart = 0.0
    private var hasFlow = false

    /// A stretch without production: seconds of negative flow, and Ws out less Ws in.
    private struct Night: Sendable {
        var known = 0.0
        var negative = 0.0
        var out = 0.0

        mutating func add(_ length: Double, negative: Double, out: Double) {
            known += length
            self.negative += negative
            self.out += out
        }

        /// Whether all but a twentieth of so many seconds is known.
        func isWhole(_ length: Double) -> Bool { known >= length * 0.95 }
    }

    init(device: String) { self.device = device }

    mutating func take(
        current: Double, at time: Double, within day: Range<Double>, production: (first: Double, last: Double)?,
        _ longestHold: Double
    ) {
        let voltsNow = voltage.value(at: time, longestHold)
        defer { before = (current, voltsNow, time) }
        guard let before, time > before.time, time - before.time <= longestHold else { return }
        let from = max(before.time, day.lowerBound)
        let until = min(time, day.upperBound)
        guard until > from else { return }
        hasFlow = true
        let slope = (current - before.current) / (time - before.time)
        let first = before.current + slope * (from - before.time)
        let last = before.current + slope * (until - before.time)
        let length = until - from
        // A load is switched at any moment between two samples: half of the time is its, on the average. A straight line
        // through zero would give in and out too little of it.
        let positive = (max(first, 0) + max(last, 0)) / 2 * length
        let negative = (max(-first, 0) + max(-last, 0)) / 2 * length
        chargeIn += positive
        chargeOut += negative
        let negativeTime =
            (before.current < -DayFold.negativeThreshold ? length / 2 : 0)
            + (current < -DayFold.negativeThreshold ? length / 2 : 0)
        // Without a voltage there is charge but no energy.
        let volts = voltsNow.map { ($0 + (before.volts ?? $0)) / 2 } ?? before.volts ?? 0
        energyIn += positive * volts
        energyOut += negative * volts
        let out = (negative - positive) * volts
        guard let production, until > production.first else {
            nightBefore.add(length, negative: negativeTime, out: out)
            return
        }
        if until <= production.last {
            negativeDay += nightAfter.negative + negativeTime
            nightAfter = Night()
        } else {
            if from < production.last {
                // Production went on within this minute: what came before it was day.
                negativeDay += nightAfter.negative
                nightAfter = Night()
            }
            nightAfter.add(length, negative: negativeTime, out: out)
        }
    }

    mutating func take(charge value: Double, at time: Double, within day: Range<Double>, _ longestHold: Double) {
        defer {
            charge = (value, time)
            chargeOutAtCharge = chargeOut - chargeIn
        }
        guard day.contains(time) else { return }
        if value >= DayFold.fullCharge { fullAt = fullAt ?? time }
        guard let before = charge, time > before.time, time - before.time <= longestHold else { return }
        if before.value >= DayFold.fullCharge { fullTime += time - max(before.time, day.lowerBound) }
        let out = chargeOut - chargeIn - chargeOutAtCharge
        if out >= 0, value <= before.value, value < 98 {
            fallingCharge += out
            fallingPart += before.value - value
        }
    }

    /// - Parameter isStartSeen: whether production began where the span says.
    func figures(
        day: Range<Double>, production: (first: Double, last: Double)?, isStartSeen: Bool
    ) -> [String: Double] {
        guard hasFlow else { return [:] }
        var values = [
            "charge_in": chargeIn / 3600, "charge_out": chargeOut / 3600, "energy_in": energyIn / 3_600_000,
            "energy_out": energyOut / 3_600_000, "negative_day": negativeDay,
            "negative_night": nightBefore.negative + nightAfter.negative, "full_time": fullTime,
            "falling_charge": fallingCharge / 3600, "falling_part": fallingPart,
        ]
        values["full_at"] = fullAt
        if let production {
            // A night that was seen in part has no sum.
            if isStartSeen, nightBefore.isWhole(production.first - day.lowerBound) {
                values["night_before"] = nightBefore.out / 3_600_000
            }
            if nightAfter.isWhole(day.upperBound - production.last) {
                values["night_after"] = nightAfter.out / 3_600_000
            }
        }
        return values
    }
}

/// Sun, battery and loads together.
struct PlantFlow: Sendable {
    private var metConsumption: (time: Double, isSeen: Bool)?
    private var lastLook = -Double.infinity
    private var before: (solar: Double, battery: Double, time: Double)?
    private var solar = 0.0
    private var consumption = 0.0
    private var direct = 0.0
    private var other = 0.0
    private var known = 0.0

    /// Something is not known: nothing is counted until it is again.
    mutating func pause() { before = nil }

    /// Whether production meets consumption at a time.
    mutating func look(isMet: Bool, at time: Double, _ longestHold: Double) {
        // What was so already when it was seen first may have been so for long.
        if isMet, metConsumption == nil { metConsumption = (time, time - lastLook <= longestHold) }
        lastLook = time
    }

    /// W of the chargers and into the battery at a time.
    mutating func take(
        solar: Double, battery: Double, at time: Double, within day: Range<Double>, _ longestHold: Double
    ) {
        defer { before = (solar, battery, time) }
        guard let before, time > before.time, time - before.time <= longestHold else { return }
        let length = min(time, day.upperBound) - max(before.time, day.lowerBound)
        guard length > 0 else { return }
        known += length
        // Half of the time as it was, half as it is: a load may be switched at any moment in between.
        for (sun, stored) in [(before.solar, before.battery), (solar, battery)] {
            let load = sun - stored
            self.solar += sun * length / 2
            consumption += max(load, 0) * length / 2
            other += max(-load, 0) * length / 2
            direct += min(sun, max(load, 0)) * length / 2
        }
    }

    func figures() -> [String: Double] {
        var values: [String: Double] = [:]
        if let met = metConsumption, met.isSeen { values["met_consumption"] = met.time }
        guard known > 0 else { return values }
        values["known"] = known
        values["solar"] = solar / 3_600_000
        values["consumption"] = consumption / 3_600_000
        values["direct"] = direct / 3_600_000
        values["other_sources"] = other / 3_600_000
        if consumption > 0 { values["self_sufficiency"] = min(100, solar / consumption * 100) }
        return values
    }
}
