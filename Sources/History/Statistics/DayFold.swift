/// One civil day's samples, minute by minute, into its figures.
///
/// What goes in is what the store keeps, so figures do not depend on when or how often they are asked for, nor on
/// restarts in between.
struct DayFold: Sendable {
    /// W from which a charger produces.
    static let productionThreshold = 1.0
    /// A out of the battery from which the flow is negative; less is what shunts see in nothing.
    static let negativeThreshold = 0.1
    /// % from which the battery is full.
    static let fullCharge = 99.5

    /// What the day before left behind.
    struct Carry: Sendable {
        /// By device, kWh.
        var lifetimes: [String: Double] = [:]
        /// By device: when its counter was last read.
        var lastSeen: [String: Double] = [:]
        /// By device, kWh: net energy out after the production's stop.
        var nightAfter: [String: Double] = [:]
    }

    let day: CivilDate
    /// The day's first instant and the next day's.
    let start: Double
    let end: Double
    /// Seconds that a value holds without another.
    let longestHold: Double
    private let carry: Carry
    private let series: [Series]
    /// Place of a series in the lists below by its number; -1 for numbers that are none's.
    private var places: [Int]
    private let steps: [Double]
    /// Made when a series has its first sample.
    private var meters: [SeriesMeter?]
    private var chargers: [ChargerDay] = []
    private var batteries: [BatteryDay] = []
    /// What a series is to a charger or a battery.
    private var roles: [Role?]
    private var flow = PlantFlow()
    /// By which chargers (bits) could be compared: seconds.
    private var comparedTime: [UInt64: Double] = [:]
    private var floatAt: Double?
    /// How many series it knows; samples of others are left out.
    var seriesCount: Int { series.count }
    /// The latest minute that was taken.
    private(set) var newest = Int.min

    private enum Role {
        case power(Int), voltage(Int), current(Int), state(Int), tracker(Int), yield(Int)
        case batteryVoltage(Int), batteryCurrent(Int), charge(Int)
    }

    init(day: CivilDate, zone: TimeZoneRules, series: [Series], carry: Carry = Carry(), longestHold: Double = 300) {
        self.day = day
        start = Double(zone.start(of: day))
        end = Double(zone.start(of: day + 1))
        self.longestHold = longestHold
        self.carry = carry
        self.series = series
        steps = series.map { 1 / $0.scale }
        meters = [SeriesMeter?](repeating: nil, count: series.count)
        roles = [Role?](repeating: nil, count: series.count)
        places = [Int](repeating: -1, count: (series.map(\.id).max() ?? 0) + 1)
        for (place, series) in series.enumerated() { places[series.id] = place }
        let chargerNames = Set(series.filter { [.panelPower, .systemYield].contains($0.quantity) }.map(\.device))
            .sorted()
        let batteryNames = Set(series.filter { $0.quantity == .batteryCurrent }.map(\.device))
            .subtracting(chargerNames).sorted()
        chargers = chargerNames.map { name in
            ChargerDay(
                device: name,
                yield: YieldMeter(
                    estimate: carry.lifetimes[name], lastSeen: carry.lastSeen[name], longestHold: longestHold))
        }
        batteries = batteryNames.map { BatteryDay(device: $0) }
        let chargerPlaces = Dictionary(zip(chargerNames, chargerNames.indices), uniquingKeysWith: { first, _ in first })
        let batteryPlaces = Dictionary(zip(batteryNames, batteryNames.indices), uniquingKeysWith: { first, _ in first })
        for (index, series) in series.enumerated() {
            if let place = chargerPlaces[series.device] {
                switch series.quantity {
                case .panelPower: roles[index] = .power(place)
                case .chargerVoltage: roles[index] = .voltage(place)
                case .chargerCurrent: roles[index] = .current(place)
                case .deviceState: roles[index] = .state(place)
                case .trackerMode: roles[index] = .tracker(place)
                case .systemYield: roles[index] = .yield(place)
                default: break
                }
            } else if let place = batteryPlaces[series.device] {
                switch series.quantity {
                case .batteryVoltage: roles[index] = .batteryVoltage(place)
                case .batteryCurrent: roles[index] = .batteryCurrent(place)
                case .stateOfCharge: roles[index] = .charge(place)
                default: break
                }
            }
        }
    }

    /// The first minute that matters: what holds into the day comes before it.
    var firstMinute: Int { Int((start - longestHold) / 60) }
    /// One beyond the last minute that matters.
    var endMinute: Int { Int((end + longestHold) / 60) + 1 }
    private var range: Range<Int> { Int(start / 60)..<Int(end / 60) }

    /// Takes a minute; minutes come in their order. False if the block is damaged, which then counts as a gap.
    mutating func add(minute: Int, packed bytes: UnsafeRawBufferPointer) -> Bool {
        // What the battery does is sorted by whether there is production, so it comes when all else of the minute is in.
        var battery: [(role: Role, times: [UInt16], values: [Int64], step: Double)] = []
        let base = Double(minute) * 60
        let isWhole = MinuteBlock.forEachRun(packed: bytes) { id, _, times, values in
            guard id < places.count, places[id] >= 0 else { return }
            let place = places[id]
            if meters[place] == nil {
                meters[place] = SeriesMeter(series[place], range: range, longestHold: longestHold)
            }
            meters[place]?.add(minute: minute, times: times, values: values)
            guard let role = roles[place] else { return }
            switch role {
            case .batteryCurrent, .charge: battery.append((role, times, values, steps[place]))
            default: take(role, times, values, step: steps[place], base: base)
            }
        }
        guard isWhole else { return false }
        newest = max(newest, minute)
        compare(minute: minute)
        let production = productionSpan
        for (role, times, values, step) in battery {
            switch role {
            case .batteryCurrent(let place):
                for index in times.indices {
                    let time = base + Double(times[index]) / 10
                    let current = Double(values[index]) * step
                    batteries[place].take(
                        current: current, at: time, within: start..<end, production: production, longestHold)
                    if place == 0 { takeFlow(current: current, at: time) }
                }
            case .charge(let place):
                for index in times.indices {
                    batteries[place].take(
                        charge: Double(values[index]) * step, at: base + Double(times[index]) / 10, within: start..<end,
                        longestHold)
                }
            default: break
            }
        }
        for place in chargers.indices { chargers[place].power.keepLast() }
        return true
    }

    private mutating func take(_ role: Role, _ times: [UInt16], _ values: [Int64], step: Double, base: Double) {
        switch role {
        case .power(let place):
            for index in times.indices {
                chargers[place].take(
                    power: Double(values[index]) * step, at: base + Double(times[index]) / 10, from: start, to: end,
                    longestHold)
            }
        case .yield(let place):
            for index in times.indices {
                let time = base + Double(times[index]) / 10
                if time < end { chargers[place].yield.add(counter: Double(values[index]) * step, at: time) }
            }
        case .state(let place):
            for index in times.indices {
                let time = base + Double(times[index]) / 10
                if chargers[place].take(state: Int(values[index]), at: time, from: start, to: end, longestHold),
                    time >= start, time < end
                {
                    floatAt = min(floatAt ?? time, time)
                }
            }
        case .tracker(let place):
            if values.contains(1) { chargers[place].limitedMinute = Int(base / 60) }
        case .voltage(let place): chargers[place].voltage.set(times, values, step, base)
        case .current(let place): chargers[place].current.set(times, values, step, base)
        case .batteryVoltage(let place): batteries[place].voltage.set(times, values, step, base)
        case .batteryCurrent, .charge: break
        }
    }

    /// From the first to the last sample of the day with production, so far.
    private var productionSpan: (first: Double, last: Double)? {
        var first = Double.infinity
        var last = -Double.infinity
        for charger in chargers {
            if let time = charger.productionStart { first = min(first, time) }
            if let time = charger.productionStop { last = max(last, time) }
        }
        return first < .infinity ? (first, last) : nil
    }

    /// Whether the span begins where production did: the charger that was first was seen before, too.
    private var isStartSeen: Bool {
        chargers.filter { $0.productionStart != nil }
            .min { ($0.productionStart ?? 0) < ($1.productionStart ?? 0) }?.isStartSeen ?? false
    }

    /// Whether the span ends where production did.
    private var isStopSeen: Bool {
        chargers.filter { $0.productionStop != nil }
            .max { ($0.productionStop ?? 0) < ($1.productionStop ?? 0) }?.isStopSeen ?? false
    }

    /// Whether chargers can be compared in this minute: all of those that take part give what their panels have.
    private mutating func compare(minute: Int) {
        guard range.contains(minute) else { return }
        var mask: UInt64 = 0
        for place in chargers.indices.prefix(64) where chargers[place].isUnlimited(in: minute) {
            mask |= 1 << UInt64(place)
        }
        guard mask != 0 else { return }
        comparedTime[mask, default: 0] += 60
        for place in chargers.indices.prefix(64) where mask & (1 << UInt64(place)) != 0 {
            chargers[place].addCompared(mask: mask, minute: minute - range.lowerBound, count: range.count)
        }
    }

    private mutating func takeFlow(current: Double, at time: Double) {
        guard let voltage = batteries[0].voltage.value(at: time, longestHold) else { return }
        var solar = 0.0
        var panels = 0.0
        for place in chargers.indices {
            guard let output = chargers[place].output(at: time, longestHold) else {
                // A charger that never spoke today has no part; one that fell silent leaves a hole.
                if chargers[place].power.lastTime > start - longestHold { return flow.pause() }
                continue
            }
            solar += output
            panels += chargers[place].power.value(at: time, longestHold) ?? 0
        }
        let isMet =
            current >= 0 && panels >= Self.productionThreshold && time < end
            && productionSpan.map { time >= $0.first } ?? false
        flow.look(isMet: isMet, at: time, longestHold)
        flow.take(solar: solar, battery: voltage * current, at: time, within: start..<end, longestHold)
    }

    // MARK: Out

    /// The figures, by device, and what came to each charger while nobody listened.
    func result() -> Result {
        var result = Result()
        for (series, meter) in zip(series, meters) {
            guard let meter, let minimum = meter.minimum, let maximum = meter.maximum else { continue }
            let name = series.quantity.rawValue + "."
            var values: [String: Double] = [:]
            values[name + "known"] = meter.known
            if !series.quantity.isCode {
                values[name + "min"] = minimum.value
                values[name + "min_at"] = minimum.time
                values[name + "last"] = meter.lastInside
                values[name + "max"] = maximum.value
                values[name + "max_at"] = maximum.time
                values[name + "mean"] = meter.mean
                values[name + "median"] = meter.median
            }
            result.figures[series.device, default: DayFigures(day: day, device: series.device)]
                .values.merge(values) { _, new in new }
        }
        let participants = participants
        var total = 0.0
        for (place, charger) in chargers.enumerated() {
            guard result.figures[charger.device] != nil || charger.yield.unseen != nil else { continue }
            var values = charger.figures()
            if participants.mask & (1 << UInt64(place)) != 0, let span = productionSpan {
                let thirds = charger.compared(
                    among: participants.mask, from: (span.first - start) / 60, to: (span.last - start) / 60)
                values["compare.morning"] = thirds[0]
                values["compare.noon"] = thirds[1]
                values["compare.evening"] = thirds[2]
                values["compare.time"] = participants.time
            }
            if let unseen = charger.yield.unseen {
                // What was missed since this day began belongs to it; the rest is for the closing of the day to divide.
                if unseen.since >= start {
                    values["yield", default: 0] += unseen.energy
                } else {
                    result.unseen[charger.device] = unseen
                }
            }
            total += values["yield"] ?? 0
            result.figures[charger.device, default: DayFigures(day: day, device: charger.device)]
                .values.merge(values) { _, new in new }
        }
        for battery in batteries where result.figures[battery.device] != nil {
            var values = battery.figures(
                day: start..<end, production: productionSpan, isStartSeen: isStartSeen)
            if let before = carry.nightAfter[battery.device], let until = values["night_before"] {
                values["overnight"] = before + until
            }
            result.figures[battery.device]?.values.merge(values) { _, new in new }
        }
        guard !result.figures.isEmpty else { return result }
        var plant = flow.figures()
        plant["yield"] = chargers.isEmpty ? nil : total
        if isStartSeen { plant["production_start"] = productionSpan?.first } else { plant["met_consumption"] = nil }
        if isStopSeen { plant["production_stop"] = productionSpan?.last }
        plant["float_at"] = floatAt
        if let best = maximumPower() {
            plant["maximum_power"] = best.power
            plant["maximum_power_at"] = best.time
        }
        result.figures[DayFigures.plant] = DayFigures(day: day, device: DayFigures.plant, values: plant)
        Self.addShares(&result.figures)
        return result
    }

    /// Each charger's part of the plant's yield; again after yields have changed.
    static func addShares(_ figures: inout [String: DayFigures]) {
        guard let total = figures[DayFigures.plant]?["yield"], total > 0 else { return }
        for device in figures.keys where device != DayFigures.plant {
            guard let part = figures[device]?["yield"] else { continue }
            figures[device]?["share"] = part / total * 100
        }
    }

    struct Result: Sendable {
        var figures: [String: DayFigures] = [:]
        /// kWh by charger that came between a time before the day and the first sample in it.
        var unseen: [String: (energy: Double, since: Double)] = [:]
    }

    /// The chargers that could be compared long enough to be, and for how long all of them could.
    private var participants: (mask: UInt64, time: Double) {
        func time(of mask: UInt64) -> Double {
            comparedTime.reduce(0) { $0 + ($1.key & mask == mask ? $1.value : 0) }
        }
        let times = chargers.indices.prefix(64).map { time(of: 1 << UInt64($0)) }
        let longest = times.max() ?? 0
        var mask: UInt64 = 0
        for (place, time) in times.enumerated() where time >= max(1800, longest * 0.3) { mask |= 1 << UInt64(place) }
        guard mask.nonzeroBitCount > 1 else { return (0, 0) }
        let common = time(of: mask)
        return common >= 1200 ? (mask, common) : (0, 0)
    }

    private func maximumPower() -> (power: Double, time: Double)? {
        // In a fixed order, so that sums are the same to the last digit every time.
        let powers = series.indices.filter { if case .power? = roles[$0] { true } else { false } }
            .sorted { series[$0].device < series[$1].device }.compactMap { meters[$0] }
        var best: (power: Double, time: Double)?
        for minute in range.indices {
            var sum = 0.0
            var isKnown = false
            for meter in powers {
                let part = meter.minutes[minute - range.lowerBound]
                guard part.known > 0 else { continue }
                isKnown = true
                sum += part.integral / part.known
            }
            if isKnown, sum > best?.power ?? 0 { best = (sum, Double(minute) * 60) }
        }
        return best
    }
}
