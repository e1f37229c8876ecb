/// Decides which readings are true.
///
/// A frame that passes a one-byte checksum is a claim. The session has already seen to it that an answer is about
/// the register that was asked, without flags; the guard decides what the value is worth:
///
/// - Impossible for the product: refused.
/// - The same as the last value that was believed, a few seconds ago at most: believed. Whatever happened to the
///   frame, the device held this value.
/// - On a line where nothing was damaged for minutes, and able to follow the last value: believed at once.
/// - Said often enough in the last seconds, by whatever way it came (asked, asked again, sent unasked, TEXT):
///   believed. Twice on a damaged line; three times where more than a fifth of all frames are damaged.
/// - A jump, a value that cannot follow the last one: said twice at least on any line, and the serial number read
///   again since it was first said, for it may be another device that says it.
/// - Else in doubt: read again, back to back. Doubt that is not resolved is dropped and counted.
///
/// Close is not enough for agreement: an error in the lowest digit is an error. The numbers behind these rules are in
/// docs/integrity.md.
public struct Guard: Sendable {
    /// What comes of a claim.
    public enum Verdict: Sendable, Hashable {
        /// Give it on.
        case believe(Confidence)
        /// Read it again first.
        case doubt
        /// It is a jump: make sure that it is the same device, then read it again.
        case doubtDevice
        /// It cannot be.
        case refuse
    }

    /// How long a claim can be confirmed by another. Less than five seconds, so that a value was held within five
    /// seconds even if the claim had to wait behind a TEXT block.
    static let agreementWindow: Duration = .milliseconds(4500)
    /// How long after the last damage a line counts as clean again.
    static let cautionAfterDamage: Duration = .seconds(300)
    /// Different values kept for a register that is in doubt.
    private static let maximumClaims = 4
    /// The share of damaged frames (of 256) from which two equal claims are not enough: more than two bits in a
    /// thousand are wrong.
    private static let heavyDamage = 52

    private struct Claim {
        var raw: RawValue
        var first: Duration
        var last: Duration
        var count: Int
    }

    private struct Cell {
        var register: RegisterID
        var rule: Plausibility.Rule
        var raw = RawValue()
        /// nil: nothing was believed yet.
        var value: RegisterValue?
        var at: Duration = .zero
        var claims: [Claim] = []
    }

    private var plausibility = Plausibility(product: nil)
    private var cells: [Cell] = []
    private var lastDamage: Duration?
    private var identityProven: Duration = .zero
    /// The share of frames that were damaged lately, of 65536.
    private var damage = 0

    init() {}

    /// Makes room for a register; its place is the number of calls before.
    mutating func add(_ register: RegisterID) {
        cells.append(Cell(register: register, rule: plausibility.rule(for: register)))
    }

    /// The device's ratings are known now.
    mutating func adopt(product: Product?) {
        plausibility = Plausibility(product: product)
        for index in cells.indices { cells[index].rule = plausibility.rule(for: cells[index].register) }
    }

    /// Something on the line was damaged: be careful for a while.
    mutating func noteDamage(at now: Duration) { lastDamage = now }

    /// A frame came whole or damaged.
    mutating func noteFrame(isDamaged: Bool) { damage += ((isDamaged ? 65_536 : 0) - damage) / 64 }

    /// The serial number was read and is the right one.
    mutating func noteIdentity(at now: Duration) { identityProven = now }

    /// Whether nothing was damaged for a while.
    func isLineClean(at now: Duration) -> Bool {
        guard let lastDamage else { return true }
        return now - lastDamage > Self.cautionAfterDamage
    }

    /// Whether frames are being damaged now, more than one, and not only a while ago: requests get lost too then.
    var hasDamage: Bool { damage >> 8 > 5 }

    /// Whether so much is damaged that two equal claims are not enough.
    var isHeavilyDamaged: Bool { damage >> 8 > Self.heavyDamage }

    /// How many equal claims make a fact on a line that is not clean.
    var necessaryClaims: Int { isHeavilyDamaged ? 3 : 2 }

    /// Weighs a claim about the register at `place`.
    ///
    /// - Parameters:
    ///   - isSolicited: whether this register was asked for; a frame that came unasked is never believed alone unless
    ///     the register has been believed before.
    ///   - isAgreed: whether it stands for as many claims as are necessary already.
    mutating func judge(
        _ place: Int, _ raw: RawValue, _ value: RegisterValue, isSolicited: Bool, isAgreed: Bool = false,
        at now: Duration
    ) -> Verdict {
        let isSame = cells[place].value != nil && cells[place].raw == raw
        if isSame, cells[place].rule.stands || now - cells[place].at <= Self.agreementWindow {
            cells[place].at = now
            if !cells[place].claims.isEmpty { cells[place].claims.removeAll(keepingCapacity: true) }
            return .believe(.confirmed)
        }
        guard cells[place].rule.allows(value) else {
            noteDamage(at: now)
            return .refuse
        }
        var follows = isSolicited
        var isJump = false
        if let before = cells[place].value {
            follows =
                raw.count == cells[place].raw.count
                && cells[place].rule.canFollow(value, last: before, after: now - cells[place].at)
            isJump = !follows
        }
        let isClean = isLineClean(at: now)
        if follows, isClean {
            believe(place, raw, value, at: now)
            return .believe(.plausible)
        }
        let claim = note(place, raw, at: now)
        let isOtherDevicePossible = isJump && identityProven < claim.first
        guard isAgreed || claim.count >= (isClean ? 2 : necessaryClaims) else {
            // With the serial number read between the two answers a real jump waits for no third. Where most frames are
            // damaged so long an answer seldom comes whole, and a jump is damage more often than not: there the values
            // have to agree first.
            return isOtherDevicePossible && !isHeavilyDamaged ? .doubtDevice : .doubt
        }
        if isOtherDevicePossible { return .doubtDevice }
        believe(place, raw, value, at: now)
        return .believe(.confirmed)
    }

    /// Notes what another witness says, without believing it: a later claim may agree with it.
    mutating func witness(_ place: Int, _ raw: RawValue, at now: Duration) {
        guard cells[place].raw != raw || cells[place].value == nil else { return }
        _ = note(place, raw, at: now)
    }

    /// The device may be another one now: what was believed no longer counts.
    mutating func forget() {
        for index in cells.indices {
            cells[index].value = nil
            cells[index].claims.removeAll(keepingCapacity: true)
        }
    }

    /// What was believed of a register last; nil before the first.
    func lastBelieved(_ place: Int) -> RawValue? { cells[place].value == nil ? nil : cells[place].raw }

    private mutating func believe(_ place: Int, _ raw: RawValue, _ value: RegisterValue, at now: Duration) {
        cells[place].raw = raw
        cells[place].value = value
        cells[place].at = now
        if !cells[place].claims.isEmpty { cells[place].claims.removeAll(keepingCapacity: true) }
    }

    private mutating func note(_ place: Int, _ raw: RawValue, at now: Duration) -> Claim {
        cells[place].claims.removeAll { now - $0.last > Self.agreementWindow }
        if let index = cells[place].claims.firstIndex(where: { $0.raw == raw }) {
            cells[place].claims[index].count += 1
            cells[place].claims[index].last = now
            return cells[place].claims[index]
        }
        if cells[place].claims.count >= Self.maximumClaims { cells[place].claims.removeFirst() }
        let claim = Claim(raw: raw, first: now, last: now, count: 1)
        cells[place].claims.append(claim)
        return claim
    }
}

/// How sure a reading is.
public enum Confidence: String, Sendable, Hashable {
    /// One answer, plausible, on a line without damage.
    case plausible
    /// Independent claims agree.
    case confirmed
}
