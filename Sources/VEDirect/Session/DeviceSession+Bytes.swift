/// Bytes in: what the line brings, and what it says of the line.
extension DeviceSession {
    /// Takes bytes that arrived at `now`.
    public mutating func receive(_ bytes: Span<UInt8>, at now: Duration) {
        guard !bytes.isEmpty else { return }
        counters.bytes += bytes.count
        // Bytes come one after the other, whether an adapter or the reader let them gather or not: it was silent before the
        // first of them.
        let begun = max(lastByte, now - Self.byteTime * (bytes.count - 1))
        if phase == .polling {
            if wasDark(until: begun) { begin(.verifying, at: now) }
            learnPause(until: begun)
        }
        if nextAttempt > now, now - lastByte > Self.longPause { nextAttempt = now }
        let pause = begun - lastByte
        if decoder.isInsideFrame, pause <= Self.longestPiecePause {
            piecePause = pause > piecePause ? pause : piecePause - (piecePause - pause) / 64
        }
        lastByte = now
        if outstanding != nil, outstanding?.firstByte == nil { outstanding?.firstByte = now }
        if judge.hasDamage { combiner.receive(bytes, at: now) }
        // The decoder is moved out while it runs, for the closure changes the rest of the session.
        var decoder = StreamDecoder()
        swap(&decoder, &self.decoder)
        decoder.decode(
            bytes, frames: { receive($0, at: now) }, blocks: { receive($0, at: now) },
            rejections: { receive($0, at: now) })
        swap(&decoder, &self.decoder)
        if combiner.hasNews { readCopies(at: now) }
    }

    /// Takes bytes that arrived at `now`; for callers that have an array.
    public mutating func receive(_ bytes: [UInt8], at now: Duration) { receive(bytes.span, at: now) }

    mutating func receive(_ rejection: StreamDecoder.Rejection, at now: Duration) {
        switch rejection.what {
        case .hex:
            counters.rejectedFrames[rejection.reason, default: 0] += 1
            judge.noteDamage(at: now)
            judge.noteFrame(isDamaged: true)
            // It may have been a change that was told.
            distrustSilence()
            // Perhaps that was the answer: don't wait out the whole timeout, but don't talk into it either.
            if let waiting = outstanding {
                let expected = waiting.sent + (meanTurnaround ?? .milliseconds(100))
                // One whose sum is wrong is over; of one that broke off the rest is still to come.
                let rest: Duration = rejection.reason == .checksum ? .zero : .milliseconds(6)
                let isEarly = now + turnaroundDeviation * 2 < expected
                let retry = isEarly ? expected + turnaroundDeviation * 2 : now + rest
                unreadRequests.recordDamage()
                outstanding?.answersDue -= 1
                if waiting.answersDue <= 1 { outstanding?.deadline = min(waiting.deadline, retry) }
                outstanding?.hasHeardFrame = true
            }
        case .text:
            // The first block after opening is usually half a block; on old firmware the first request cuts one.
            let isExpected = !hasHeardBlock || identity?.firmware?.stopsTextWhileAsked == true
            hasHeardBlock = true
            counters.rejectedBlocks[rejection.reason, default: 0] += 1
            if !isExpected {
                judge.noteDamage(at: now)
                // A frame in the middle of it may be lost altogether.
                distrustSilence()
            }
        }
    }

    mutating func receive(_ frame: borrowing HexFrame, at now: Duration) {
        if isEcho(frame, at: now) { return }
        counters.frames += 1
        lastGoodFrame = now
        judge.noteFrame(isDamaged: frame.repairs > 0)
        if frame.repairs > 0 {
            counters.repairedFrames += 1
            judge.noteDamage(at: now)
        }
        outstanding?.hasHeardFrame = true
        switch frame.response {
        case .async, .error: if frame.repairs == 0 { unreadRequests.recordFrame(at: now) }
        case .get, .done, .ping, .unknown: unreadRequests.reset()
        case .set, .restart, .boot, .reserved: break
        }
        switch frame.response {
        case .get:
            receiveAnswer(frame, at: now)
        case .async:
            counters.asyncFrames += 1
            receiveAsync(frame, at: now)
        case .done:
            receiveDone(frame, at: now)
        case .ping:
            guard frame.count >= 2, outstanding?.request == .ping else { return noteUnsolicited() }
            settle(by: frame, at: now)
            noteVersion(frame.value, at: now)
        case .unknown:
            guard let request = outstanding?.request, request == .applicationVersion || request == .productID else {
                return noteUnsolicited()
            }
            settle(by: frame, at: now)
            if request == .applicationVersion { queue(.ping) }
        case .error:
            counters.deviceErrors += 1
            judge.noteDamage(at: now)
            // The device could not read the request and says so: ask again at once.
            if let waiting = outstanding {
                outstanding?.answersDue -= 1
                if waiting.answersDue <= 1 { outstanding?.deadline = now }
            }
        case .set, .restart, .boot, .reserved:
            noteUnsolicited()
        }
    }

    mutating func noteUnsolicited() { counters.unsolicited += 1 }

    /// Looks whether the copies of the last answer, damaged as they are, say what it was.
    mutating func readCopies(at now: Duration) {
        guard phase == .polling, let place = pursued, let raw = combiner.value(claims: judge.necessaryClaims),
            let definition = slots[place].definition, let value = try? definition.decode(raw)
        else { return }
        switch judge.judge(place, raw, value, isSolicited: true, isAgreed: true, at: now) {
        case .believe(let confidence):
            if outstanding?.place == place { outstanding = nil }
            unansweredInRow = 0
            if slots[place].doubts > 0 { counters.confirmed += 1 }
            counters.combined += 1
            dropDoubt(place)
            noteAbsence(place, value, at: now)
            postpone(place, at: now)
            accept(place, raw, value, .asked, confidence, at: now)
        case .doubtDevice:
            wantsSerial = true
            confirm(place, atOnce: true)
        case .doubt, .refuse:
            break
        }
    }
}
