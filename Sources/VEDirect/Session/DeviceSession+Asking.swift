/// One request at a time: when it is sent, how long it is waited for, when it is sent again.
extension DeviceSession {
    /// The request to send now, if any. Call it after bytes arrived and when ``deadline`` has passed.
    public mutating func nextRequest(at now: Duration) -> Request? {
        // The driver asks for the deadline at every turn of its loop, for this session and all others.
        defer { if seldomDue == nil { seldomDue = firstSeldomDue } }
        if case .listening(let until) = phase {
            guard now >= until else { return nil }
            begin(.identifying, at: now)
        }
        if let waiting = outstanding {
            if waiting.wantsTwin {
                outstanding?.wantsTwin = false
                counters.requests += 1
                counters.retries += 1
                return waiting.request
            }
            guard now >= waiting.deadline else { return nil }
            if !waiting.hasHeardFrame, now - lastByte < speakingPause, now < waiting.limit {
                // It is speaking: the answer waits for the end of a TEXT block.
                let pause = speakingPause
                outstanding?.deadline = min(waiting.limit, lastByte + pause)
                return nil
            }
            if let request = repeatOrDrop(waiting, at: now) { return request }
        }
        if phase == .polling, now - lastGoodFrame > Self.senselessTime, now - lastByte < Self.textLife,
            unansweredInRow > 0
        {
            begin(.verifying, at: now)
        }
        if phase == .polling, unreadRequests.isUnread(limit: patience, at: now) { begin(.verifying, at: now) }
        updateState(at: now)
        switch phase {
        case .listening: return nil
        case .identifying: return nextQuestion(at: now)
        case .verifying:
            guard now >= nextAttempt else { return nil }
            return send(refusesSerial ? .ping : .get(.serialNumber), at: now)
        case .polling: return nextPoll(at: now)
        }
    }

    /// When to call ``nextRequest(at:)`` again if nothing arrives.
    public var deadline: Duration {
        if let outstanding { return outstanding.wantsTwin ? .zero : outstanding.deadline }
        switch phase {
        case .listening(let until): return until
        case .identifying, .verifying: return nextAttempt
        case .polling:
            let isUrgent = !confirmations.isEmpty || !questions.isEmpty || !demands.isEmpty
            if isUrgent || wantsSerial && !refusesSerial { return .zero }
            var next = nextRound
            if let quietLimit, quietLimit < next { next = quietLimit }
            if roundIndex < plannedCount, nextTurn < next { next = nextTurn }
            return min(next, seldomDue ?? firstSeldomDue)
        }
    }

    var firstSeldomDue: Duration {
        var first = Duration.seconds(Int64.max / 4)
        for index in 0..<plannedCount where slots[index].pace != .fast && slots[index].due < first {
            first = slots[index].due
        }
        return first
    }

    mutating func send(
        _ request: Request, place: Int? = nil, tries: Int = 1, begun: Duration? = nil, at now: Duration
    ) -> Request {
        counters.requests += 1
        let wait = timeout(try: tries, at: now)
        let sent = now + Self.requestWireTime
        if let place, place != pursued {
            pursued = place
            combiner.begin(slots[place].register)
        }
        outstanding = Outstanding(
            request: request, place: place, sent: sent, begun: begun ?? sent, deadline: sent + wait,
            limit: sent + max(wait, .milliseconds(400)), tries: tries)
        outstanding?.isRepeated = givenUp?.request == request
        if judge.isHeavilyDamaged {
            // More than half of all requests are lost or damaged: each is sent twice.
            outstanding?.wantsTwin = true
            outstanding?.answersDue = 2
            outstanding?.deadline += Self.requestWireTime * 2
        }
        return request
    }

    /// From the measured turn-around. On a clean line silence is rare, and patience costs nothing; on a damaged one
    /// requests get lost, and whether the device is busy with TEXT can be seen.
    func timeout(try tries: Int, at now: Duration) -> Duration {
        guard let mean = meanTurnaround else { return .milliseconds(400) }
        let base = mean + turnaroundDeviation * 4
        guard judge.hasDamage else {
            return min(max(base + .milliseconds(150), .milliseconds(350)) * tries, .seconds(1))
        }
        // A little more each time, for a device that has become slower; and then from the beginning, for on a line that
        // loses most of what is said long waits would be most of the time.
        return min(base + .milliseconds(8) + base / 2 * ((tries - 1) % 6), .milliseconds(600))
    }

    /// The time of the outstanding request is over: the request to send instead of it, if it is to be repeated.
    mutating func repeatOrDrop(_ waiting: Outstanding, at now: Duration) -> Request? {
        outstanding = nil
        givenUp = waiting
        counters.timeouts += 1
        unreadRequests.recordFailure()
        if waiting.hasHeardFrame, phase != .polling, unreadRequests.isUnread(limit: patience, at: now) {
            // Its frame errors arrive at once, and so would the next request.
            nextAttempt = now + .seconds(1)
            return nil
        }
        if waiting.hasHeardFrame {
            // Damaged, or drowned by others. The device is there.
            guard waiting.request != .get(.serialNumber) else {
                wantsSerial = phase == .polling
                return nil
            }
            guard phase == .polling, let place = waiting.place else {
                return waiting.tries < maximumDoubts ? again(waiting, at: now) : nil
            }
            slots[place].doubts += 1
            guard slots[place].doubts <= maximumDoubts(of: place) else {
                counters.unconfirmed += 1
                dropDoubt(place)
                setDue(place, now)
                return nil
            }
            return again(waiting, at: now)
        }
        unansweredInRow = min(unansweredInRow + 1, 1000)
        switch phase {
        case .listening:
            return nil
        case .identifying, .verifying:
            let excess = unansweredInRow - patience + 2
            if excess >= 0 { nextAttempt = now + min(.seconds(3), .milliseconds(100) * (1 << min(excess, 5))) }
            // Who it is is asked for as long as it takes; the rest can wait.
            guard waiting.request != .get(.serialNumber), waiting.tries < Self.maximumTries else { return nil }
            return again(waiting, at: now)
        case .polling:
            // On a line that loses requests a short silence is one that was lost. On any other it is the moment in
            // which a plug was pulled: nothing more is believed before the device has said who it is.
            let isDark = !judge.hasDamage || now - lastByte >= Self.plugTime
            let isUsedUp = waiting.tries >= Self.maximumTries
            guard isDark || isUsedUp else { return again(waiting, at: now) }
            if judge.hasDamage, !isDark, unansweredInRow < patience {
                if let place = waiting.place {
                    dropDoubt(place)
                    setDue(place, now)
                }
                return nil
            }
            if let place = waiting.place {
                dropDoubt(place)
                slots[place].failures = min(slots[place].failures + (isUsedUp ? Self.maximumTries : 1), 30)
                // A register that is never answered must not stall every round.
                let excess = slots[place].failures - Self.maximumTries
                let wait = excess < 0 || judge.hasDamage ? .zero : .seconds(2) * (1 << min(excess, 10))
                postpone(place, at: now, by: min(.seconds(3600), wait))
            }
            begin(.verifying, at: now)
            return nil
        }
    }

    mutating func again(_ waiting: Outstanding, at now: Duration) -> Request {
        counters.retries += 1
        return send(waiting.request, place: waiting.place, tries: waiting.tries + 1, begun: waiting.begun, at: now)
    }

    mutating func nextQuestion(at now: Duration) -> Request? {
        guard now >= nextAttempt else { return nil }
        guard identity != nil else {
            if refusesSerial {
                // Only TEXT can tell; a ping now and then keeps the line tried.
                nextAttempt = now + .seconds(1)
                return send(.ping, at: now)
            }
            return send(.get(.serialNumber), at: now)
        }
        askForTheRest(at: now)
        if !questions.isEmpty { return ask(questions.removeFirst(), at: now) }
        begin(.polling, at: now)
        return nextPoll(at: now)
    }

    mutating func ask(_ question: Request, at now: Duration) -> Request {
        if case .get(let register) = question { return send(question, place: places[register], at: now) }
        return send(question, at: now)
    }
}
