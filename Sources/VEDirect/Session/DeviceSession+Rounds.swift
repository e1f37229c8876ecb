/// What to ask next: rounds of what moves fast, and between them what is seldom due.
extension DeviceSession {
    /// When the next round of fast registers begins.
    var nextRound: Duration {
        guard let roundStart else { return .zero }
        return roundStart + (isFirstPass ? max(plan.fastInterval, Self.firstPassInterval) : plan.fastInterval)
    }

    /// Whether everything is to be asked for once before the fast registers are again. Not on a line where that takes
    /// for ever.
    var isFirstPass: Bool { !hasCompletedPass && !judge.isHeavilyDamaged }

    mutating func nextPoll(at now: Duration) -> Request? {
        if wantsSerial, !refusesSerial {
            wantsSerial = false
            counters.confirmations += 1
            return send(.get(.serialNumber), at: now)
        }
        // A line that is not clean has every value that moves read twice, and what the device says unasked read again:
        // enough to fill the line. Registers whose values grow old come first, and requests of the caller are not held up.
        if !judge.isLineClean(at: now) {
            if let place = stalestTurn(after: ageLimit, at: now) { return poll(place, at: now) }
            if !isReadingAgain, demands.isEmpty, let place = overdueSlowTurn(at: now) { return poll(place, at: now) }
        }
        if !confirmations.isEmpty, isReadingAgain || demands.isEmpty {
            let place = confirmations.removeFirst()
            slots[place].isQueued = false
            counters.confirmations += 1
            return send(.get(slots[place].register), place: place, at: now)
        }
        if !demands.isEmpty {
            let register = demands.removeFirst()
            return send(.get(register), place: place(of: register, at: now), at: now)
        }
        // The rest of a round of the fast registers…
        if let request = nextFast(at: now) { return request }
        // …then something seldom: all of it at first, later as much as the pace of the rounds allows…
        askForTheRest(at: now)
        if roundStart != nil, !hasCompletedPass, now < nextRound || !isFirstPass {
            if isFirstPass, !questions.isEmpty { return ask(questions.removeFirst(), at: now) }
            if let place = nextUnasked() {
                if isFirstPass { return poll(place, at: now) }
            } else {
                hasCompletedPass = true
                events.append(.passCompleted)
            }
        }
        if roundStart != nil, now < nextRound || extraBudget > 0 {
            extraBudget -= 1
            if !questions.isEmpty { return ask(questions.removeFirst(), at: now) }
            if let place = nextSeldom(at: now) { return poll(place, at: now) }
        }
        // …then the next round.
        guard roundStart == nil || now >= nextRound else {
            return nextAgainstQuiet(at: now).map { poll($0, at: now) }
        }
        // Where a round takes long, what moves with the clouds comes first; but what was never read is to come too.
        let isLate = roundStart.map { now - $0 > .seconds(2) } ?? false
        roundStart = now
        roundIndex = 0
        rounds &+= 1
        extraBudget = isFirstPass ? Self.firstPassBudget : isLate && rounds & 3 != 0 ? 0 : 1
        spreadTurns(at: now)
        if let request = nextFast(at: now) { return request }
        if !isFirstPass, extraBudget > 0, let place = nextSeldom(at: now) { return poll(place, at: now) }
        return nextAgainstQuiet(at: now).map { poll($0, at: now) }
    }

    mutating func nextFast(at now: Duration) -> Request? {
        if judge.isHeavilyDamaged, let place = stalestTurn(after: .seconds(2), at: now) { return poll(place, at: now) }
        while roundIndex < plannedCount, now >= nextTurn {
            let place = roundIndex
            roundIndex += 1
            guard slots[place].pace == .fast, slots[place].due <= now else { continue }
            nextTurn += turnSpacing
            return poll(place, at: now)
        }
        return nil
    }

    /// The turns of a round are spread over its time: a device that is asked all the time is never long unheard, and
    /// a plug that is moved is noticed.
    mutating func spreadTurns(at now: Duration) {
        let isSpread = hasCompletedPass && !judge.hasDamage && !isLineShared
        let end = now + plan.fastInterval
        let turns = isSpread ? (0..<plannedCount).count { slots[$0].pace == .fast && slots[$0].due < end } : 0
        turnSpacing = turns > 0 ? plan.fastInterval * 9 / 10 / turns : .zero
        let whole = (0..<plannedCount).count { slots[$0].pace == .fast && slots[$0].due < end + plan.fastInterval }
        wholeTurnSpacing = plan.fastInterval * 9 / 10 / max(1, whole)
        nextTurn = now
    }

    /// Whether the register that was asked for last is to be read again at once: its value may change while others are read.
    var isReadingAgain: Bool { confirmations.first.map { $0 == pursued } ?? false }

    /// The age from which a fast register is asked for before all others. With longer rounds every value is older.
    var ageLimit: Duration { max(Self.urgentAge, plan.fastInterval * 3 / 2) }

    /// On a line that is not clean: the slow register that is oldest, if two of its intervals have passed since it was
    /// believed; at most every fourth request, and not where so much is damaged that fast registers come before all others.
    mutating func overdueSlowTurn(at now: Duration) -> Int? {
        guard !judge.isHeavilyDamaged else { return nil }
        turnsWithoutSlow += 1
        guard turnsWithoutSlow >= Self.turnsForEachSlow else { return nil }
        var oldest: Int?
        for place in 0..<plannedCount where slots[place].pace == .slow && slots[place].due <= now {
            let believed = slots[place].believed
            guard believed > .zero, now - believed > plan.slowInterval * 2 else { continue }
            if oldest.map({ believed < slots[$0].believed }) ?? true { oldest = place }
        }
        if oldest != nil { turnsWithoutSlow = 0 }
        return oldest
    }

    func stalestFast(after age: Duration, at now: Duration) -> Int? {
        var stalest: Int?
        for place in 0..<plannedCount where slots[place].pace == .fast && slots[place].due <= now {
            if stalest.map({ slots[place].believed < slots[$0].believed }) ?? true { stalest = place }
        }
        return stalest.flatMap { now - slots[$0].believed > age ? $0 : nil }
    }

    /// The fast register that has waited longest, if it has waited so long; every other time, so that one that is
    /// never answered holds up nobody. One that was answered before and is about to grow old has every turn.
    mutating func stalestTurn(after age: Duration, at now: Duration) -> Int? {
        guard let place = stalestFast(after: age, at: now) else { return nil }
        takesStalest.toggle()
        let wait = now - slots[place].believed
        return takesStalest || slots[place].believed > .zero && (Self.urgentAge..<Self.hopelessAge).contains(wait)
            ? place : nil
    }

    mutating func poll(_ place: Int, at now: Duration) -> Request {
        // Asked again even if nothing comes of this: a doubt that is dropped waits for its turn.
        postpone(place, at: now)
        slots[place].doubts = 0
        return send(.get(slots[place].register), place: place, at: now)
    }

    /// What was never asked, in the plan's order; the records of days come when there is time.
    func nextUnasked() -> Int? {
        for place in 0..<plannedCount where !slots[place].wasAsked && slots[place].pace != .history { return place }
        return nil
    }

    mutating func nextSeldom(at now: Duration) -> Int? {
        let first = seldomDue ?? firstSeldomDue
        seldomDue = first
        guard first <= now else { return nil }
        var best: Int?
        for place in 0..<plannedCount where slots[place].pace != .fast && slots[place].due <= now {
            // What was never asked comes first, in the plan's order; then the longest overdue.
            if !slots[place].wasAsked { return place }
            if best.map({ slots[place].due < slots[$0].due }) ?? true { best = place }
        }
        return best
    }

    mutating func postpone(_ place: Int, at now: Duration, by delay: Duration? = nil) {
        guard let pace = slots[place].pace else { return }
        slots[place].wasAsked = true
        if let delay {
            setPutOff(place, false)
            setDue(place, now + delay)
        } else if pace == .history, slots[place].register != .historyDay(0), slots[place].register != .historyTotal {
            setDue(place, now + plan.constantInterval)
        } else {
            setDue(place, now + rest(of: place, pace, at: now))
        }
    }

    /// When a register is to be asked for next.
    mutating func setDue(_ place: Int, _ time: Duration) {
        if slots[place].pace != .fast {
            // What was the first is perhaps no longer; any other that comes before it is now.
            if let first = seldomDue, slots[place].due <= first || time < first { seldomDue = nil }
        }
        slots[place].due = time
    }

    mutating func dueHistory(at now: Duration) {
        for place in 0..<plannedCount where slots[place].pace == .history {
            if slots[place].register != .historyDay(0) { setDue(place, now) }
        }
    }
}
