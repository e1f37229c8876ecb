package import History

/// How the figures of a run compare with the truth.
package struct YearVerdict {
    /// The greatest relative error of an energy over all days that have enough of it, and of its sum.
    package var energyErrors: [String: (worstDay: Double, sum: Double)] = [:]
    /// The greatest error of a moment or a length of time, seconds.
    package var timeErrors: [String: Double] = [:]
    /// How many times were compared, and how many were off by more than five seconds.
    package var timeCounts: [String: (all: Int, late: Int)] = [:]
    /// The greatest error of a length of time by the number of stretches' ends it is made of, seconds.
    package var errorsByChange: [String: Double] = [:]
    /// Moments that are not clear, because what happened was shorter than the time between two samples.
    package var unclear: [String] = []
    package var days = 0
    package var missingDays: [CivilDate] = []
    package var findings: [Underperformance] = []
    package var details: [String] = []

    /// - Parameter disturbed: days on which the program did not run all the time: only yields are compared there.
    package init(model: PlantModel, store: HistoryStore, days range: ClosedRange<CivilDate>, disturbed: Set<CivilDate>)
        throws
    {
        let all = try store.figures(from: range.lowerBound, to: range.upperBound)
        var byDay: [CivilDate: [String: DayFigures]] = [:]
        for figures in all { byDay[figures.day, default: [:]][figures.device] = figures }
        var sums: [String: (is: Double, should: Double)] = [:]
        var verdict = Worst()
        func energy(_ name: String, _ day: CivilDate, _ value: Double?, _ truth: Double, atLeast: Double) {
            let value = value ?? 0
            sums[name, default: (0, 0)].is += value
            sums[name, default: (0, 0)].should += truth
            guard truth >= atLeast else { return }
            let error = abs(value - truth) / truth
            if error > verdict.energy[name] ?? 0 { verdict.energy[name] = error }
            if error > 0.01 { verdict.details.append("\(day) \(name): \(value) instead of \(truth)") }
        }
        /// A length of time that is made of several stretches is off by what each of their ends is.
        func length(
            _ name: String, _ day: CivilDate, _ value: Double?, _ truth: Double, changes: Int, unclear: Double = 0
        ) {
            let error = max(0, abs((value ?? 0) - truth) - unclear)
            verdict.time[name] = max(verdict.time[name] ?? 0, error)
            verdict.counts[name, default: (0, 0)].all += 1
            if error > 5.01 { verdict.counts[name, default: (0, 0)].late += 1 }
            let each = error / Double(max(1, changes))
            verdict.each[name] = max(verdict.each[name] ?? 0, each)
            if each > 5.01 {
                verdict.details.append("\(day) \(name): \(value ?? 0) instead of \(truth), \(changes) changes")
            }
        }
        /// - Parameter lasting: the truth without what was too short to be seen; any moment between both is right.
        func time(_ name: String, _ day: CivilDate, _ value: Double?, _ truth: Double?, lasting: Double? = nil) {
            guard let truth else {
                if let value { verdict.details.append("\(day) \(name): \(value) instead of nothing") }
                return
            }
            guard let value else {
                verdict.details.append("\(day) \(name): nothing instead of \(truth)")
                verdict.time[name] = .infinity
                return
            }
            let low = min(truth, lasting ?? truth)
            let high = max(truth, lasting ?? truth)
            if high > low { verdict.unclear.append("\(day) \(name): \(high - low) s") }
            let error = max(0, low - value, value - high)
            verdict.time[name] = max(verdict.time[name] ?? 0, error)
            verdict.counts[name, default: (0, 0)].all += 1
            if error > 5.01 {
                verdict.counts[name, default: (0, 0)].late += 1
                if error > 30 { verdict.details.append("\(day) \(name): \(value) instead of \(truth)") }
            }
        }
        var day = range.lowerBound
        while day <= range.upperBound {
            defer { day = day + 1 }
            guard let truth = model.truth[day] else { continue }
            days += 1
            guard let found = byDay[day] else {
                missingDays.append(day)
                continue
            }
            for (index, charger) in model.chargers.enumerated() {
                let figures = found[charger.serial]
                let isOwn = !disturbed.contains(day)
                let should = truth.yields[index]
                energy(isOwn ? "yield" : "yield on disturbed days", day, figures?["yield"], should, atLeast: 0.3)
                guard isOwn else { continue }
                time(
                    "production_start", day, figures?["production_start"], truth.starts[index],
                    lasting: truth.lastingStarts[index])
                time(
                    "production_stop", day, figures?["production_stop"], truth.stops[index],
                    lasting: truth.lastingStops[index])
                for (code, word) in [(0, "off"), (3, "bulk"), (4, "absorption"), (5, "float")] {
                    length(
                        "state." + word, day, figures?["state." + word], truth.states[index][code],
                        changes: truth.changes[index][code])
                }
            }
            guard !disturbed.contains(day), let battery = found["0x31297"], let plant = found[DayFigures.plant] else {
                continue
            }
            energy("charge_in", day, battery["charge_in"], truth.chargeIn, atLeast: 10)
            energy("charge_out", day, battery["charge_out"], truth.chargeOut, atLeast: 10)
            energy("energy_in", day, battery["energy_in"], truth.energyIn, atLeast: 0.1)
            energy("energy_out", day, battery["energy_out"], truth.energyOut, atLeast: 0.1)
            energy("consumption", day, plant["consumption"], truth.consumption, atLeast: 0.1)
            energy("direct", day, plant["direct"], truth.direct, atLeast: 0.1)
            energy("solar", day, plant["solar"], truth.solar, atLeast: 0.1)
            // Between the first light and the first that lasts it is neither day nor night.
            let lastingStart = truth.lastingStarts.compactMap { $0 }.min() ?? 0
            let lastingStop = truth.lastingStops.compactMap { $0 }.max() ?? 0
            let twilight =
                abs(lastingStart - (truth.firstProduction ?? lastingStart))
                + abs(lastingStop - (truth.lastProduction ?? lastingStop))
            if truth.firstProduction != nil, twilight == 0 {
                energy("night_before", day, battery["night_before"], truth.nightBefore, atLeast: 0.1)
                energy("night_after", day, battery["night_after"], truth.nightAfter, atLeast: 0.1)
            }
            for (name, should) in [("negative_day", truth.negativeDay), ("negative_night", truth.negativeNight)] {
                length(name, day, battery[name], should, changes: truth.flowChanges, unclear: twilight)
            }
            time("full_at", day, battery["full_at"], truth.fullAt)
            time(
                "met_consumption", day, plant["met_consumption"], truth.metConsumption, lasting: truth.lastingMet)
        }
        for (name, sum) in sums {
            energyErrors[name] = (
                verdict.energy[name] ?? 0, sum.should > 0 ? abs(sum.is - sum.should) / sum.should : 0
            )
        }
        timeErrors = verdict.time
        errorsByChange = verdict.each
        details = verdict.details
        unclear = verdict.unclear
        timeCounts = verdict.counts
        findings = UnderperformanceWatch.findings(in: all)
    }

    private struct Worst {
        var energy: [String: Double] = [:]
        var time: [String: Double] = [:]
        var each: [String: Double] = [:]
        var unclear: [String] = []
        var details: [String] = []
        var counts: [String: (all: Int, late: Int)] = [:]
    }
}
