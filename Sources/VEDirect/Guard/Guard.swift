/// Decides which readings are true.
///
/// A frame that passes a one-byte checksum is a claim. The session has already seen to it that an answer is about
/// the register that was asked, without flags; the guard decides what the value is worth:
///
/// - The same as the last value that was believed: believed. Damage that turns one value into exactly that one is
///   as rare as the same damage twice.
/// - Impossible for the product: refused.
/// - The same as another claim of the last seconds, by whatever way that came (asked again, sent unasked, TEXT):
///   believed.
/// - On a line where nothing was damaged for a while, and plausible after the last value: believed at once.
/// - Else in doubt: read again, back to back. Doubt that is not resolved is dropped and counted.
///
/// Close is not enough for agreement: an error in the lowest digit is an error. Two equal answers in a row are wrong
/// together once in 10^11 at a bit error rate of 10^-3, where a single one is wrong once in 10^5.
public struct Guard: Sendable {
    /// What comes of a claim.
    public enum Verdict: Sendable, Hashable {
        /// Give it on.
        case believe(Confidence)
        /// Read it again first.
        case doubt
        /// It cannot be.
        case refuse
    }

    /// How long a claim can be confirmed by another.
    static let agreementWindow: Duration = .seconds(5)
    /// How long after the last damage a line counts as clean again.
    static let cautionAfterDamage: Duration = .seconds(60)
    /// Claims kept for a register that is in doubt.
    private static let maximumClaims = 8

    private struct Known {
        var raw: RawValue
        var value: RegisterValue
        var at: Duration
    }

    private struct Claim {
        var raw: RawValue
        var at: Duration
    }

    private var plausibility = Plausibility(product: nil)
    private var known: [RegisterID: Known] = [:]
    private var claims: [RegisterID: [Claim]] = [:]
    private var lastDamage: Duration?

    init() {}

    /// The device's ratings are known now.
    mutating func adopt(product: Product?) { plausibility = Plausibility(product: product) }

    /// Something on the line was damaged: be careful for a while.
    mutating func noteDamage(at now: Duration) { lastDamage = now }

    /// Whether nothing was damaged for a while.
    func isLineClean(at now: Duration, for time: Duration = Guard.cautionAfterDamage) -> Bool {
        guard let lastDamage else { return true }
        return now - lastDamage > time
    }

    /// Weighs a claim.
    ///
    /// - Parameter isSolicited: whether this register was asked for; a frame that came unasked is never believed
    ///   alone unless the register has been believed before.
    mutating func judge(
        _ register: RegisterID, _ raw: RawValue, _ value: RegisterValue, isSolicited: Bool, at now: Duration
    ) -> Verdict {
        let before = known[register]
        if let before, before.raw == raw {
            known[register]?.at = now
            return .believe(.confirmed)
        }
        guard plausibility.isPossible(register, value) else {
            noteDamage(at: now)
            return .refuse
        }
        if claims[register]?.contains(where: { $0.raw == raw && now - $0.at <= Self.agreementWindow }) == true {
            believe(register, raw, value, at: now)
            return .believe(.confirmed)
        }
        let isPlausible =
            if let before {
                raw.count == before.raw.count
                    && plausibility.canFollow(register, value, last: before.value, after: now - before.at)
            } else {
                isSolicited
            }
        if isPlausible, isLineClean(at: now) {
            believe(register, raw, value, at: now)
            return .believe(.plausible)
        }
        note(register, raw, at: now)
        return .doubt
    }

    /// Notes what another witness says, without believing it: a later claim may agree with it.
    mutating func witness(_ register: RegisterID, _ raw: RawValue, at now: Duration) {
        if let before = known[register], before.raw == raw { return }
        note(register, raw, at: now)
    }

    /// The device may be another one now: what was believed no longer counts.
    mutating func forget() {
        known.removeAll()
        claims.removeAll()
    }

    private mutating func believe(_ register: RegisterID, _ raw: RawValue, _ value: RegisterValue, at now: Duration) {
        // What was believed a moment ago goes on to bear witness: values swing between a few.
        if let before = known[register] { note(register, before.raw, at: before.at) }
        known[register] = Known(raw: raw, value: value, at: now)
    }

    private mutating func note(_ register: RegisterID, _ raw: RawValue, at now: Duration) {
        var list = claims[register] ?? []
        list.removeAll { now - $0.at > Self.agreementWindow || $0.raw == raw }
        if list.count >= Self.maximumClaims { list.removeFirst() }
        list.append(Claim(raw: raw, at: now))
        claims[register] = list
    }
}

/// How sure a reading is.
public enum Confidence: String, Sendable, Hashable {
    /// One answer, plausible, on a line without damage.
    case plausible
    /// Two independent claims agree.
    case confirmed
}
