/// Devices that tell what changes: what need not be asked for in every round, and what is done so that nothing is missed.
///
/// From firmware 1.17 on a charger sends most registers when they change, until two minutes after the last frame of the
/// host (docs/vedirect.md, section 6). From such a device silence about a register says that it has not changed, and to
/// ask for it in each round learns nothing. But silence is weak evidence, so it is taken for less than it says:
///
/// - The register is still read in every second round, a slow one every second time. A change that was lost on the way, or
///   that the device never told, is known 3.6 rounds later at the latest, while a value counts as fresh for three rounds
///   and two seconds; of a slow one after two of its intervals, while it counts as fresh for three.
/// - It counts only of registers that the device has told of by itself, or that chargers are known to tell of and this
///   one has not been caught keeping to itself. An answer that is not what was believed says that a change was not told:
///   the register is asked for in each round again, until the device tells of it.
/// - Something must have come unasked in the last ten seconds. A device that has stopped, for whatever reason, is
///   asked as one that never began. A host that asks each round is never silent for the two minutes.
/// - On a line on which anything was damaged in the last minutes it counts for nothing: what was lost may have been a
///   change. With the first damage all that was put off is due.
/// - The line is not left silent: after 0.18 s without a word the register that waits longest is asked for. Else the plug
///   could be moved in a silence that is as usual, and what the next device says would be taken for this one's.
/// - After a silence in which the plug may have been moved all of it is asked for again, and the device has to begin
///   telling anew. What is said on a line that several devices share is nobody's.
///
/// How values are judged does not depend on any of this.
extension DeviceSession {
    /// What is known of whether a device says by itself when a register changes.
    enum Telling: Sendable, Hashable {
        /// Nothing; the catalogue of what chargers are known to tell of counts.
        case unknown
        /// It did last time.
        case told
        /// It did not: an answer brought the news.
        case withheld
    }

    /// From which firmware on chargers send a register when it changes; nil where that is not known of it.
    static func firstTelling(_ register: RegisterID) -> FirmwareVersion? {
        switch register {
        case .deviceState, .panelVoltage, .panelPower, .chargerCurrent, .loadCurrent, .linkTotalPower, .offReason,
            .trackerMode, .chargerTemperature, .batteryTemperature, .panelCurrent, .loadState:
            FirmwareVersion(major: 1, minor: 17)
        case .chargerVoltage: FirmwareVersion(major: 1, minor: 26)
        default: nil
        }
    }

    /// How long a register can wait after a value of it was believed.
    mutating func rest(of place: Int, _ pace: PollPlan.Pace, at now: Duration) -> Duration {
        let interval = plan.interval(of: pace)
        // A little early counts, so that a round does not skip what it read a hair later last time.
        let round = interval * 9 / 10
        setPutOff(place, false)
        guard pace <= .slow else { return round }
        // What the device has had no value for during a whole slow interval has none to grow old. Should it get one
        // it tells of it, or is asked soon enough; on a line with damage it would perhaps not be.
        if pace == .fast, let since = slots[place].absentSince, now - since >= plan.slowInterval,
            judge.isLineClean(at: now)
        {
            return max(round, plan.slowInterval * 7 / 10)
        }
        guard isTold(place, at: now) else {
            // From the round and not from the answer: its turn may come sooner in the next one.
            return pace == .fast ? (roundStart ?? now) + round - now : round
        }
        setPutOff(place, true)
        // From the turn of one round to the turn of the next but one, wherever in the rounds they are.
        return pace == .fast ? interval * 7 / 5 : interval * 9 / 5
    }

    /// Whether the silence of the device says that a register has not changed.
    func isTold(_ place: Int, at now: Duration) -> Bool {
        guard let lastUnasked, now - lastUnasked <= Self.tellingLife, plan.fastInterval <= Self.longestToldInterval,
            !isLineShared, judge.isLineClean(at: now)
        else { return false }
        switch slots[place].telling {
        case .told: return true
        case .withheld: return false
        case .unknown:
            guard let first = Self.firstTelling(slots[place].register), let firmware = identity?.firmware else {
                return false
            }
            return firmware >= first
        }
    }

    mutating func setPutOff(_ place: Int, _ isPutOff: Bool) {
        guard slots[place].isPutOff != isPutOff else { return }
        slots[place].isPutOff = isPutOff
        if slots[place].pace == .fast { putOffCount += isPutOff ? 1 : -1 }
    }

    /// When a device that is asked for less has been silent for so long that it is asked for something; nil: it is asked
    /// all the time.
    var quietLimit: Duration? {
        guard putOffCount > 0, hasCompletedPass, !judge.hasDamage, !isLineShared else { return nil }
        return lastByte + max(Self.longestQuiet, wholeTurnSpacing)
    }

    /// What to ask for against the silence: of the fast registers that are put off, the one that waits longest.
    func nextAgainstQuiet(at now: Duration) -> Int? {
        guard let quietLimit, now >= quietLimit else { return nil }
        var oldest: Int?
        for place in 0..<plannedCount where slots[place].pace == .fast && slots[place].isPutOff {
            if oldest.map({ slots[place].believed < slots[$0].believed }) ?? true { oldest = place }
        }
        return oldest
    }

    /// A change may have been lost, or told to nobody: what waits because none was heard waits no longer.
    mutating func distrustSilence() {
        guard lastUnasked != nil else { return }
        lastUnasked = nil
        for place in 0..<plannedCount where slots[place].isPutOff {
            guard let pace = slots[place].pace else { continue }
            setPutOff(place, false)
            setDue(place, min(slots[place].due, slots[place].believed + plan.interval(of: pace) * 9 / 10))
        }
    }

    /// An answer that is news was not told. If it only crosses the device's own word, that comes right after it.
    mutating func noteChange(_ place: Int, _ raw: RawValue) {
        // What is in doubt was said before, perhaps by the device itself.
        guard slots[place].doubts == 0, let before = judge.lastBelieved(place), before != raw else { return }
        slots[place].telling = .withheld
    }

    mutating func noteAbsence(_ place: Int, _ value: RegisterValue, at now: Duration) {
        guard value == .notAvailable else {
            slots[place].absentSince = nil
            return
        }
        if slots[place].absentSince == nil { slots[place].absentSince = now }
    }
}
