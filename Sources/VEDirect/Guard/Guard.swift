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
    static let agreementWindow: Duration = .seconds(3)
    /// On a line with damage: how long a value that was believed is evidence for the same value.
    static let knownLife: Duration = .seconds(3)
    /// After the last damage a line counts as clean again when so many bytes were good: some 1.6 million bits, so that
    /// the bit error rate is below 2·10^-6 with 95 % confidence.
    static let cautionAfterDamage = 200_000
    /// The share of damaged frames above which two equal claims are not enough.
    static let harshShare = 0.3
    /// What one frame weighs in that share.
    private static let shareWeight = 1.0 / 64
    /// Claims kept for a register that is in doubt.
    private static let maximumClaims = 6

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
    /// Good bytes still to come before the line counts as clean.
    private var caution = 0
    private var damagedShare = 0.0

    init() {}

    /// The device's ratings are known now.
    mutating func adopt(product: Product?) { plausibility = Plausibility(product: product) }

    /// Something on the line was damaged: be careful for a while.
    mutating func noteDamage() {
        caution = Self.cautionAfterDamage
        damagedShare += (1 - damagedShare) * Self.shareWeight
    }

    /// A frame came whose checksum held.
    mutating func noteGoodFrame() { damagedShare -= damagedShare * Self.shareWeight }

    /// Bytes came, good or bad.
    mutating func noteBytes(_ count: Int) { caution = max(0, caution - count) }

    /// Whether nothing was damaged for a while.
    var isLineClean: Bool { caution == 0 }

    /// How many equal claims make a fact.
    var claimsNeeded: Int { damagedShare > Self.harshShare ? 3 : 2 }

    /// Weighs a claim.
    ///
    /// - Parameter isSolicited: whether this register was asked for; a frame that came unasked is never believed
    ///   alone unless the register has been believed before.
    mutating func judge(
        _ register: RegisterID, _ raw: RawValue, _ value: RegisterValue, isSolicited: Bool, at now: Duration
    ) -> Verdict {
        let before = known[register]
        let isSame = before?.raw == raw
        // A value that stood a moment ago may be said again. One that is older may have changed, and damage may have
        // changed it back: on a line with damage it is one claim of several, unless it hardly ever changes.
        if let before, isSame,
            isLineClean || now - before.at <= Self.knownLife
                || claimsNeeded == 2 && Plausibility.isSteady(register, value)
        {
            known[register]?.at = now
            claims[register] = nil
            return .believe(.confirmed)
        }
        guard plausibility.isPossible(register, value) else {
            noteDamage()
            return .refuse
        }
        let agreeing = (claims[register] ?? []).count { $0.raw == raw && now - $0.at <= Self.agreementWindow }
        if agreeing + (isSame ? 2 : 1) >= claimsNeeded, agreeing > 0 {
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
        if isPlausible, isLineClean {
            believe(register, raw, value, at: now)
            return .believe(.plausible)
        }
        note(register, raw, at: now)
        return .doubt
    }

    /// Weighs a value that several damaged answers together say.
    mutating func judgeVoted(
        _ register: RegisterID, _ raw: RawValue, _ value: RegisterValue, at now: Duration
    ) -> Verdict {
        guard plausibility.isPossible(register, value) else { return .refuse }
        believe(register, raw, value, at: now)
        return .believe(.confirmed)
    }

    /// How many bytes the value has that was believed last.
    func size(of register: RegisterID) -> Int? { known[register]?.raw.count }

    /// When a value of the register was believed last.
    func lastBelieved(_ register: RegisterID) -> Duration? { known[register]?.at }

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
        known[register] = Known(raw: raw, value: value, at: now)
        claims[register] = nil
    }

    private mutating func note(_ register: RegisterID, _ raw: RawValue, at now: Duration) {
        var list = claims[register] ?? []
        list.removeAll { now - $0.at > Self.agreementWindow }
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
