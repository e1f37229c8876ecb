/// A line that other devices have in their turns.
extension DeviceSession {
    /// Whether an answer is waited for.
    public var isWaiting: Bool { outstanding != nil }

    /// The line goes to another device: what is not answered by now is asked again in the next turn.
    public mutating func pause() {
        guard let waiting = outstanding else { return }
        outstanding = nil
        if let place = waiting.place, slots[place].pace != nil {
            setDue(place, waiting.sent)
        } else if waiting.request != .get(.serialNumber) {
            queue(waiting.request)
        }
    }

    /// Takes the serial number that was just asked for, from whoever has asked for it on the same line meanwhile.
    mutating func takeSerial(_ raw: RawValue, at now: Duration) {
        guard outstanding?.request == .get(.serialNumber) else { return }
        outstanding = nil
        unansweredInRow = 0
        lastByte = now
        lastGoodFrame = now
        receiveSerial(raw, isRepaired: false, at: now)
    }

    /// The line is back. Nothing of a known device is believed before its serial number was read again.
    public mutating func resume(at now: Duration) {
        decoder = StreamDecoder(repairsDigits: true)
        combiner.clear()
        hasHeardBlock = false
        unansweredInRow = 0
        lastByte = now
        lastGoodFrame = now
        nextAttempt = now
        if phase == .polling { begin(.verifying, at: now) }
    }
}
