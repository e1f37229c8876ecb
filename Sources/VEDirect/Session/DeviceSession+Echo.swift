/// Requests that come back: they say nothing of the device, not even that there is one.
extension DeviceSession {
    /// Whether a frame is the request come back. It says nothing of the device, not even that there is one.
    ///
    /// Late echoes, of requests that were given up, are known by having no value. A text can be empty, and the answer
    /// then looks as its request does: there only a line that is known to echo has one, before the answer.
    mutating func isEcho(_ frame: borrowing HexFrame, at now: Duration) -> Bool {
        if let waiting = outstanding, waiting.request.isRepeated(by: frame) {
            if case .get(let register) = waiting.request, Self.canBeEmpty(register),
                waiting.hasEchoed || !isEchoing(at: now)
            {
                return false
            }
            outstanding?.hasEchoed = true
        } else {
            let count = frame.count
            let isLate: Bool
            switch frame.response {
            case .get:
                // Flags that are set are a refusal, which has no value either.
                guard count == 3, frame[2] == 0, let register = frame.register else { return false }
                isLate = !Self.canBeEmpty(register)
            case .done, .unknown, .error: isLate = count == 0
            default: isLate = false
            }
            guard isLate else { return false }
        }
        counters.echoes += 1
        lastEcho = now
        return true
    }

    func isEchoing(at now: Duration) -> Bool { lastEcho.map { now - $0 < Self.echoLife } ?? false }

    static func canBeEmpty(_ register: RegisterID) -> Bool {
        guard register != .serialNumber, case .text? = RegisterCatalogue.standard[register]?.kind else { return false }
        return true
    }
}
