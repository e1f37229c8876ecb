/// What an answer is worth, and what comes of it.
extension DeviceSession {
    mutating func receiveAnswer(_ frame: borrowing HexFrame, at now: Duration) {
        guard let register = frame.register, let flags = frame.flags else { return noteUnsolicited() }
        guard case .get(let wanted)? = outstanding?.request, wanted == register else {
            // A late answer to a request that was given up, or damage: evidence, no more.
            counters.unsolicited += 1
            noteLateAnswer(register, at: now)
            guard flags.isEmpty, phase == .polling, let place = places[register] else { return }
            if place == pursued, judge.hasDamage {
                // The answer to a request that was sent twice, or late.
                claim(place, frame.value, .asked, at: now)
            } else {
                judge.witness(place, frame.value, at: now)
            }
            return
        }
        settle(by: frame, at: now)
        guard flags.isEmpty else { return receiveRefusal(of: register, flags, at: now) }
        if register == .serialNumber {
            receiveSerial(frame.value, isRepaired: frame.repairs > 0, at: now)
        } else if let place = place(of: register, at: now) {
            slots[place].refusals = 0
            claim(place, frame.value, .asked, at: now)
        }
    }

    mutating func receiveAsync(_ frame: borrowing HexFrame, at now: Duration) {
        guard phase == .polling, !isLineShared, let register = frame.register, frame.flags?.isEmpty == true,
            register != .serialNumber, let place = place(of: register, at: now)
        else { return }
        if register == .historyTotal || register == .historyDay(0) {
            // Records change every minute and are long: one is asked for in its turn, and what is said here stands by
            // as a witness.
            judge.witness(place, frame.value, at: now)
            return
        }
        lastUnasked = now
        slots[place].telling = .told
        claim(place, frame.value, .async, at: now)
    }

    mutating func receiveDone(_ frame: borrowing HexFrame, at now: Duration) {
        guard let request = outstanding?.request, frame.count >= 2 else { return noteUnsolicited() }
        switch request {
        case .productID:
            settle(by: frame, at: now)
            voteProduct(UInt16(frame[0]) | UInt16(frame[1]) << 8)
        case .applicationVersion:
            settle(by: frame, at: now)
            noteVersion(frame.value, at: now)
        case .ping, .get:
            noteUnsolicited()
        }
    }

    /// The outstanding request is answered.
    mutating func settle(by frame: borrowing HexFrame, at now: Duration) {
        guard let settled = outstanding else { return }
        outstanding = nil
        givenUp = nil
        unansweredInRow = 0
        if let place = settled.place { slots[place].failures = 0 }
        // The answer to a repeated request may be the late one to the first: not a measurement.
        guard settled.tries == 1, !settled.isRepeated else { return }
        let turnaround = max(.zero, now - settled.sent)
        counters.turnaround.record(turnaround)
        // An answer that waited for the end of a TEXT block says nothing of the next one.
        guard let first = settled.firstByte, first >= now - Self.byteTime * (frame.count * 2 + 5) else { return }
        if let mean = meanTurnaround {
            let error = turnaround > mean ? turnaround - mean : mean - turnaround
            turnaroundDeviation = turnaroundDeviation * 3 / 4 + error / 4
            meanTurnaround = mean * 7 / 8 + turnaround / 8
        } else {
            meanTurnaround = turnaround
            turnaroundDeviation = turnaround / 2
        }
    }

    /// Learns from the answer to a request that was given up: where nothing is answered in time the time-out is too short,
    /// and no answer in time would ever correct it.
    mutating func noteLateAnswer(_ register: RegisterID, at now: Duration) {
        guard unansweredInRow >= Self.maximumTries, let late = givenUp, late.request == .get(register),
            now - late.begun < .seconds(1)
        else { return }
        let turnaround = max(.zero, now - late.begun)
        guard turnaround > meanTurnaround ?? .zero else { return }
        meanTurnaround = turnaround
        turnaroundDeviation = turnaround / 4
        nextAttempt = min(nextAttempt, now)
    }

    mutating func claim(
        _ place: Int, _ raw: RawValue, _ provenance: RegisterReading.Provenance, at now: Duration
    ) {
        guard identity != nil, phase != .verifying else { return }
        let value: RegisterValue
        if let definition = slots[place].definition {
            do {
                value = try definition.decode(raw)
            } catch {
                counters.implausible += 1
                judge.noteDamage(at: now)
                confirm(place)
                return
            }
        } else {
            value = .bytes(raw.bytes)
        }
        if provenance == .asked { noteChange(place, raw) }
        switch judge.judge(place, raw, value, isSolicited: provenance != .async, at: now) {
        case .believe(let confidence):
            if slots[place].doubts > 0 { counters.confirmed += 1 }
            dropDoubt(place)
            if place == pursued { combiner.clear() }
            noteAbsence(place, value, at: now)
            postpone(place, at: now)
            accept(place, raw, value, provenance, confidence, at: now)
        case .doubt:
            // What was said unasked waits for its turn where a turn takes long.
            guard provenance == .asked || !judge.isHeavilyDamaged else { return }
            confirm(place, atOnce: provenance == .asked)
        case .doubtDevice:
            wantsSerial = true
            confirm(place, atOnce: provenance == .asked)
        case .refuse:
            counters.implausible += 1
            confirm(place)
        }
    }

    /// Reads a register again, back to back, until enough claims agree or it has been tried too often.
    mutating func confirm(_ place: Int, atOnce: Bool = false) {
        slots[place].doubts += 1
        guard slots[place].doubts <= maximumDoubts(of: place) else {
            counters.unconfirmed += 1
            dropDoubt(place)
            return
        }
        guard slots[place].pace != nil || demanded.contains(slots[place].register), !slots[place].isQueued else {
            return
        }
        slots[place].isQueued = true
        // The register that is being read comes first, then the one that the device sent last: the value may change while
        // others are read.
        confirmations.insert(place, at: atOnce || !isReadingAgain ? 0 : 1)
    }

    mutating func dropDoubt(_ place: Int) {
        slots[place].doubts = 0
        if slots[place].isQueued {
            slots[place].isQueued = false
            confirmations.removeAll { $0 == place }
        }
    }

    mutating func accept(
        _ place: Int, _ raw: RawValue, _ value: RegisterValue, _ provenance: RegisterReading.Provenance,
        _ confidence: Confidence, at now: Duration
    ) {
        let register = slots[place].register
        slots[place].believed = now
        if !memory.refused.isEmpty { memory.refused[register] = nil }
        if demanded.contains(register) { settleDemand(of: register, provenance) }
        switch value {
        case .number(let raw, _) where register == .productID:
            voteProduct(UInt16(truncatingIfNeeded: raw >> 8))
        case .number(let raw, _) where register == .capabilities:
            identity?.capabilities = Capabilities(rawValue: UInt32(truncatingIfNeeded: raw))
        case .text(let model) where register == .modelName && identity?.model != model:
            identity?.model = model
            if let identity { events.append(.identified(identity)) }
        case .historyDay(let day) where register == .historyDay(0):
            if daySequence != day.sequence { dueHistory(at: now) }
            daySequence = day.sequence
        default:
            break
        }
        report(register, raw, value, provenance, confidence, at: now)
    }

    mutating func report(
        _ register: RegisterID, _ raw: RawValue, _ value: RegisterValue, _ provenance: RegisterReading.Provenance,
        _ confidence: Confidence, at now: Duration
    ) {
        counters.readings += 1
        events.append(
            .reading(
                RegisterReading(
                    register: register, raw: raw, value: value, provenance: provenance, confidence: confidence,
                    time: now)))
    }

    mutating func receiveRefusal(of register: RegisterID, _ flags: HexFrame.Flags, at now: Duration) {
        guard let place = place(of: register, at: now) else { return }
        if slots[place].refusals > 0, now - slots[place].lastRefusal > .seconds(60) { slots[place].refusals = 0 }
        slots[place].refusals += 1
        slots[place].lastRefusal = now
        // On a line with damage one refusal is a claim like any other.
        guard judge.isLineClean(at: now) || slots[place].refusals >= judge.necessaryClaims else {
            if register != .serialNumber { confirm(place) }
            return
        }
        dropDoubt(place)
        if flags == .parameterError {
            // It knows the register and has nothing to say now (an empty history slot).
            postpone(place, at: now)
            return
        }
        if register == .serialNumber {
            // Who it is decides everything: asked twice on any line.
            if slots[place].refusals >= 2 { refusesSerial = true }
            tryToIdentify(at: now)
            return
        }
        // Said once on a clean line, it is asked again a little later, to be sure; said twice, it holds for a week.
        let isNew = memory.refused[register] == nil
        if slots[place].refusals >= 2 {
            memory.refused[register] = now
            postpone(place, at: now, by: DeviceMemory.lifetime)
        } else {
            postpone(place, at: now, by: plan.slowInterval)
        }
        let isDemanded = demanded.remove(register) != nil
        if isNew || isDemanded { events.append(.refused(register)) }
        if register == .applicationVersion, !versionRefused {
            versionRefused = true
            queue(.applicationVersion)
        }
    }

    /// The version from a ping or command 3. It stands for register 0102 where the device refuses that.
    mutating func noteVersion(_ raw: RawValue, at now: Duration) {
        guard let version = FirmwareVersion(answer: raw) else {
            counters.implausible += 1
            return
        }
        firmwareVotes.note(version, isText: false)
        completeIdentity()
        guard versionRefused, let place = places[.applicationVersion] else { return }
        let value = RegisterValue.bytes(raw.bytes)
        switch judge.judge(place, raw, value, isSolicited: true, at: now) {
        case .believe(let confidence): report(.applicationVersion, raw, value, .command, confidence, at: now)
        case .doubt, .doubtDevice, .refuse: queue(.applicationVersion)
        }
    }
}
