import VEDirect

/// Two bridges without a guard, on the same bytes: one believes every answer and unasked frame whose checksum holds,
/// the other also wants a register that it knows with a value of a size that it can have.
struct ChecksumBridge: Sendable {
    private(set) var checksumOnly = ProofTally.Naive()
    private(set) var checksumAndLength = ProofTally.Naive()
    private var decoder = StreamDecoder()

    mutating func receive(_ bytes: [UInt8], from charger: borrowing SimulatedCharger, at now: Duration) {
        var decoder = self.decoder
        decoder.decode(bytes) { event in
            guard case .hex(let frame) = event, frame.response == .get || frame.response == .async,
                let register = frame.register, frame.flags?.isEmpty == true
            else { return }
            take(register, frame.value, from: charger, at: now)
        }
        self.decoder = decoder
    }

    private mutating func take(
        _ register: RegisterID, _ raw: RawValue, from charger: borrowing SimulatedCharger, at now: Duration
    ) {
        let isRight = charger.held(register, raw, since: now - truthLasts)
        let isPhantom = !isRight && register == .serialNumber
        checksumOnly.readings += 1
        if !isRight { checksumOnly.wrongValues += 1 }
        if isPhantom { checksumOnly.phantoms += 1 }
        // What is right has the right size.
        guard isRight || (try? RegisterCatalogue.standard[register]?.decode(raw)) != nil else { return }
        checksumAndLength.readings += 1
        if !isRight { checksumAndLength.wrongValues += 1 }
        if isPhantom { checksumAndLength.phantoms += 1 }
    }
}
