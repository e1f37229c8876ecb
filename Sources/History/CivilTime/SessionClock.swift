/// Which time to write beside a sample when the system's clock may be wrong, step or not be set yet.
///
/// Within one run of the machine the monotonic clock is the truth about intervals; this value decides what to add to it
/// to have the time of day. A clock that the network keeps in step is believed at once. A clock that nobody vouches for
/// is believed until it steps: then what was written since the machine started is dated anew. A clock that was good
/// and jumps far is not followed until it has stayed there, for most such jumps are mistakes that are taken back.
public struct SessionClock: Sendable {
    /// What an observation changed.
    public enum Event: Sendable, Hashable {
        /// Nothing.
        case none
        /// The clock is believed from now on; what waited for a date can have one.
        case dated
        /// The network or the bus vouches for the clock as it is.
        case proved
        /// The clock stepped by so many seconds and is believed; if `redates`, it was wrong before.
        case moved(by: Double, redates: Bool)
        /// The clock is off by so many seconds and is not believed.
        case held(by: Double)
        /// The clock is back where it was.
        case released
    }

    /// To add to the monotonic clock to have seconds since 1970; nil while the clock is not set.
    public private(set) var offset: Double?
    /// Whether somebody vouched for the clock since the machine started.
    public private(set) var isProven: Bool
    /// A clock before this time is not set yet, in seconds since 1970.
    public let floor: Double

    private var datedAt = 0.0
    private var heldSince: Double?
    /// The system's clock as it was seen last, less the monotonic one.
    private var lastSeen: Double?
    /// Where the system's clock stood when the bus's was taken in its place: there it is not believed.
    private var refused: Double?

    /// A clock without a battery begins at 1970 or where it was when the machine stopped: 2026-01-01 has passed.
    public static let birth = 1_767_225_600.0
    /// Seconds by which a clock may differ without having stepped.
    static let tolerance = 2.0
    /// Steps beyond this are doubted if the clock was good, seconds.
    static let doubtful = 3600.0
    /// A clock that nobody vouches for counts as good when it ran so long without a step, seconds.
    static let settling = 3600.0
    /// How long a doubtful clock must stay before it is believed: with somebody who vouches for it, and without.
    static let patience = (vouched: 900.0, alone: 86_400.0)

    /// A clock; `offset` and `isProven` are what an earlier run since the same start of the machine knew.
    public init(floor: Double = SessionClock.birth, offset: Double? = nil, isProven: Bool = false) {
        self.floor = max(floor, Self.birth)
        self.offset = offset
        self.isProven = isProven
    }

    /// The time of a moment of the monotonic clock, in seconds since 1970; nil while the clock is not set.
    public func time(at monotonic: Double) -> Double? { offset.map { $0 + monotonic } }

    /// Looks at both clocks.
    ///
    /// - Parameters:
    ///   - wall: the system's clock, seconds since 1970.
    ///   - monotonic: seconds since the machine started.
    ///   - isSynchronised: whether the kernel knows that the clock is kept in step; nil if it cannot be known.
    public mutating func observe(wall: Double, monotonic: Double, isSynchronised: Bool?) -> Event {
        let vouched = isSynchronised == true
        let seen = wall - monotonic
        defer { lastSeen = seen }
        if let wrong = refused {
            if !vouched, abs(seen - wrong) <= Self.tolerance {
                refused = seen
                return .none
            }
            refused = nil
        }
        guard let offset else {
            guard wall >= floor || (vouched && wall >= Self.birth) else { return .none }
            self.offset = seen
            isProven = vouched
            datedAt = monotonic
            return .dated
        }
        let step = seen - offset
        if abs(step) <= Self.tolerance {
            let wasHeld = heldSince != nil
            heldSince = nil
            self.offset = seen
            if vouched, !isProven {
                isProven = true
                return .proved
            }
            return wasHeld ? .released : .none
        }
        let isGood = isProven || monotonic - datedAt >= Self.settling
        if vouched, !isProven { return follow(step, at: monotonic, vouched: true, redates: true) }
        if isGood, abs(step) > Self.doubtful {
            let since = heldSince ?? monotonic
            if heldSince == nil {
                heldSince = monotonic
                return .held(by: step)
            }
            let patience = vouched ? Self.patience.vouched : Self.patience.alone
            guard monotonic - since >= patience, wall >= Self.birth else { return .none }
            return follow(step, at: monotonic, vouched: vouched, redates: false)
        }
        guard wall >= floor || vouched else {
            defer { heldSince = heldSince ?? monotonic }
            return heldSince == nil ? .held(by: step) : .none
        }
        return follow(step, at: monotonic, vouched: vouched, redates: !isGood)
    }

    /// Takes the time from a bus that keeps one, where nobody vouches for the system's clock.
    ///
    /// - Parameters:
    ///   - busTime: seconds since 1970, good to a minute or two.
    ///   - monotonic: when it was read.
    ///   - isCalibrated: whether the bus's clock was compared with a good one before. One that was not is better than
    ///     none, and no better than a system's clock that may be right.
    public mutating func observe(busTime: Double, monotonic: Double, isCalibrated: Bool) -> Event {
        guard !isProven, busTime >= Self.birth else { return .none }
        let seen = busTime - monotonic
        guard let offset else {
            self.offset = seen
            datedAt = monotonic
            refused = lastSeen
            return .dated
        }
        guard isCalibrated, refused == nil, abs(seen - offset) > 300, monotonic - datedAt < Self.settling else {
            return .none
        }
        refused = lastSeen
        return follow(seen - offset, at: monotonic, vouched: false, redates: true)
    }

    private mutating func follow(_ step: Double, at monotonic: Double, vouched: Bool, redates: Bool) -> Event {
        offset = (offset ?? 0) + step
        isProven = isProven || vouched
        datedAt = monotonic
        heldSince = nil
        return .moved(by: step, redates: redates)
    }
}
