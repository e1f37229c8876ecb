import VEDirect

/// Whether two series say the same, and if not, what is between them.
///
/// A sample of the other side agrees if the serial side held such a value within a few seconds of it. How far off it may
/// be follows from how finely both are told and from how far the quantity moved just then: under a cloud that is much,
/// and at rest it is one step. What is left of a disagreement is tried against everything that has a name: a factor, a
/// sign, a constant, a delay, a value that stands still.
struct Judge {
    /// As far as two readings of one quantity may be apart in time, beside how often they are told.
    static let leeway = 2.5
    /// The longest time between two readings of a register that changes.
    static let slowRound = 30.0
    /// As many of a hundred samples may be off before the two disagree.
    static let needed = 0.9

    let serial: Series
    let other: Series
    /// The register's own step.
    let step: Double

    /// How far off a value at rest may be.
    let tolerance: Double
    /// How far apart in time two readings may be.
    let window: Double
    /// How fast serial usually rises, by the second; 0 where it does not.
    let usualRise: Double

    init(serial: Series, other: Series, step: Double) {
        self.serial = serial
        self.other = other
        self.step = step
        // What is told in coarse steps cannot agree more finely than they are. A step that is most of the range is none.
        let range = serial.spread.map { $0.upperBound - $0.lowerBound } ?? 0
        func coarse(_ resolution: Double) -> Double { min(resolution, max(step, range / 5)) }
        tolerance = max(step, coarse(serial.resolution), coarse(other.resolution)) * 1.01 + 1e-9
        // What is asked for seldom may be old by as much.
        window = Self.leeway + min(60, max(serial.beat, serial.usualInterval))
        usualRise = serial.usualRise
    }

    /// The values that serial may have had around a time; nil where nothing is known of it.
    ///
    /// A register of a slow round is read up to ``slowRound`` seconds apart. If it fell between two readings, it may have
    /// gone on rising as it usually does, and then have begun again: the time in a charge state does.
    private func held(around time: Double) -> ClosedRange<Double>? {
        let (from, to) = serial.reading(around: time, atMost: Self.slowRound)
        let (start, end) = (min(from, time - window), max(to, time + window))
        guard let held = serial.range(start, end) else { return nil }
        guard usualRise > 0, serial.falls(from: start, to: end) else { return held }
        let rise = usualRise * (end - start)
        return max(min(0, held.lowerBound), held.lowerBound - rise)...held.upperBound + rise
    }

    /// What comes of holding one against the other.
    struct Match {
        var compared = 0
        var agreed = 0
        var share: Double { compared > 0 ? Double(agreed) / Double(compared) : 0 }
    }

    /// Holds the other's samples, changed as told and moved earlier by a delay, against serial.
    func match(delay: Double = 0, slack: Double = 0, _ change: (Double) -> Double = { $0 }) -> Match {
        var result = Match()
        guard let begin = serial.samples.first?.time, let end = serial.samples.last?.time else { return result }
        for sample in other.samples {
            let time = sample.time - delay
            guard time >= begin, time <= end + 60 else { continue }
            // That there is no value is no value to compare: who has none where the other derives one says nothing wrong.
            guard let value = sample.value else { continue }
            guard let held = held(around: time) else { continue }
            let movement = held.upperBound - held.lowerBound
            let room = tolerance + slack + movement * 0.5
            let changed = change(value)
            let agrees = changed >= held.lowerBound - room && changed <= held.upperBound + room
            // After serial's last reading the value may have changed; what the other side saw then proves nothing.
            guard agrees || time <= end + Self.leeway else { continue }
            result.compared += 1
            if agrees { result.agreed += 1 }
        }
        return result
    }

    /// How far the serial side moved while both were there, in tolerances.
    var movement: Double {
        guard let spread = serial.spread else { return 0 }
        return (spread.upperBound - spread.lowerBound) / tolerance
    }

    /// The middle of other less serial, and how many times serial the other is.
    var relation: (offset: Double?, gain: Double?) {
        var differences: [Double] = []
        var ratios: [Double] = []
        for sample in other.samples {
            guard let value = sample.value, let held = serial.value(at: sample.time) else { continue }
            differences.append(value - held)
            if abs(held) > tolerance * 4 { ratios.append(value / held) }
        }
        func middle(_ values: [Double]) -> Double? { values.isEmpty ? nil : values.sorted()[values.count / 2] }
        return (middle(differences), ratios.count >= 3 || ratios.count == differences.count ? middle(ratios) : nil)
    }

    /// Since when the other stands still although the serial side has gone on moving; nil if it does not.
    var frozenSince: Double? {
        guard let change = other.lastChange, let end = serial.samples.last?.time, let value = other.last?.value else {
            return nil
        }
        guard end - change > 45 else { return nil }
        guard let moved = serial.range(change + window, end) else { return nil }
        let away = max(moved.upperBound - value, value - moved.lowerBound)
        let range = moved.upperBound - moved.lowerBound
        return range > tolerance * 6 && away > tolerance * 6 ? change : nil
    }

    /// By how many seconds the other comes late (or early, negative), if that makes it agree and nothing less does.
    var lag: Double? {
        guard movement > 8, other.samples.count >= 8 else { return nil }
        func error(_ delay: Double) -> Double? {
            var sum = 0.0
            var count = 0
            for sample in other.samples {
                guard let value = sample.value, let held = serial.value(at: sample.time - delay) else { continue }
                sum += abs(value - held)
                count += 1
            }
            return count * 2 >= other.samples.count && count >= 8 ? sum / Double(count) : nil
        }
        var best: (delay: Double, error: Double)?
        for half in -60...240 {
            let delay = Double(half) / 2
            guard let error = error(delay) else { continue }
            if best.map({ error < $0.error }) ?? true { best = (delay, error) }
        }
        // A minimum that is hardly one says nothing.
        guard let best, let present = error(0), best.error < present * 0.7 else { return best == nil ? nil : 0 }
        return best.delay
    }

    /// The share of its beats at which the other said nothing although there was something new to say.
    var lost: Double {
        let beat = other.beat
        guard beat > 0, other.samples.count >= 10, let end = other.samples.last?.time else { return 0 }
        var due = 0
        var missing = 0
        for (before, after) in zip(other.samples, other.samples.dropFirst()) {
            due += 1
            let steps = Int(((after.time - before.time) / beat).rounded()) - 1
            guard steps > 0 else { continue }
            // A publisher that speaks when something changes has nothing to say where nothing did.
            for step in 1...min(steps, 600) {
                let time = before.time + Double(step) * beat
                guard time < end, let value = before.value, let held = serial.value(at: time),
                    abs(held - value) > tolerance
                else { continue }
                due += 1
                missing += 1
            }
        }
        return due > 0 ? Double(missing) / Double(due) : 0
    }

    // MARK: What is between them

    /// A way in which the other's values can be those of serial.
    enum Cause {
        case agrees
        case frozen(since: Double)
        case lag(Double)
        case scale(Double)
        case turnedSign
        case lostSign
        case narrowSign
        case offset(Double)
        case different

        /// Whether a comparison of seconds can prove it. A delay, an offset or a difference without a name may be the
        /// edge of a cloud or of a slow round.
        var needsNoTime: Bool {
            switch self {
            case .agrees, .turnedSign, .lostSign, .narrowSign: true
            case .scale(let factor): [10, 100, 1000, 0.1, 0.01, 0.001].contains(factor)
            case .frozen, .lag, .offset, .different: false
            }
        }
    }

    /// The simplest that explains what was heard.
    func cause(_ plain: Match) -> Cause {
        if plain.share >= Self.needed { return .agrees }
        if let since = frozenSince { return .frozen(since: since) }
        let (offset, gain) = relation
        for factor in [10, 0.1, 100, 0.01, 1000, 0.001] {
            guard let gain, abs(gain / factor - 1) < 0.15 else { continue }
            if match(slack: other.resolution / factor, { $0 / factor }).share >= Self.needed { return .scale(factor) }
        }
        if match({ -$0 }).share >= Self.needed { return .turnedSign }
        let wrap = 65_536 * step
        if match({ $0 > wrap / 2 ? $0 - wrap : $0 }).share >= Self.needed { return .narrowSign }
        if let least = serial.spread?.lowerBound, least < -tolerance, absolute.share >= Self.needed { return .lostSign }
        if let lag, abs(lag) > window, match(delay: lag).share >= Self.needed - 0.05 { return .lag(lag) }
        if let gain, abs(gain - 1) > 0.01, abs(gain) > 1e-4, movement > 3,
            match(slack: other.resolution / abs(gain), { $0 / gain }).share >= Self.needed
        {
            return .scale(gain)
        }
        if let offset, abs(offset) > tolerance, match({ $0 - offset }).share >= Self.needed { return .offset(offset) }
        return .different
    }

    /// The other's values against serial's without their sign.
    private var absolute: Match {
        var bare = Series()
        for sample in serial.samples {
            bare.add(sample.value.map { .number(abs($0)) } ?? .notAvailable, at: sample.time)
        }
        return Judge(serial: bare, other: other, step: step).match()
    }
}
