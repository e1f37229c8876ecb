/// Wishes of the caller: a register out of turn, other intervals.
extension DeviceSession {
    /// Registers that may wait to be asked for out of turn.
    public static let maximumDemands = 8

    /// Asks for a register out of turn, also for one that the plan does not have. Its value is judged like any other,
    /// and comes as an event, or its refusal does; where nothing comes of it, no event says so.
    ///
    /// - Returns: false if no device answers now, or ``maximumDemands`` wait already.
    public mutating func demand(_ register: RegisterID) -> Bool {
        guard phase == .polling else { return false }
        guard !demands.contains(register) else { return true }
        guard demanded.count < Self.maximumDemands else { return false }
        demanded.insert(register)
        demands.append(register)
        return true
    }

    /// A register that somebody waits for is believed. What came unasked is older than the wish; but it ends the doubt
    /// that the answer was in, so that this has to be asked for again.
    mutating func settleDemand(of register: RegisterID, _ provenance: RegisterReading.Provenance) {
        if provenance == .async {
            if !demands.contains(register) { demands.append(register) }
        } else {
            withdrawDemand(register)
        }
    }

    /// Nobody waits for a register any more that was asked for out of turn.
    public mutating func withdrawDemand(_ register: RegisterID) {
        demanded.remove(register)
        demands.removeAll { $0 == register }
    }

    /// Asks at other intervals from now on. The registers of the plan stay what they are.
    public mutating func adopt(intervalsOf other: PollPlan, at now: Duration) {
        plan.fastInterval = other.fastInterval
        plan.slowInterval = other.slowInterval
        plan.settingsInterval = other.settingsInterval
        plan.constantInterval = other.constantInterval
        plan.historyInterval = other.historyInterval
        for place in 0..<plannedCount {
            guard let pace = slots[place].pace, pace < .settings else { continue }
            setDue(place, min(slots[place].due, now + plan.interval(of: pace)))
        }
    }

    /// Has the serial number asked for next, for a caller that doubts that the device is still there: it comes as a
    /// reading of register 010A, or the session stops polling.
    public mutating func confirmIdentity() {
        if phase == .polling { wantsSerial = true }
    }

    /// Whether the device was identified and no request has gone unanswered since.
    public var isConfident: Bool { phase == .polling && unansweredInRow == 0 }

    /// Whether the device answers on a line without damage: then what it says may be read a little later.
    public var isCalm: Bool { phase == .polling && judge.isLineClean(at: lastByte) }
}
