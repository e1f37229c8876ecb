/// A charger's energy from its lifetime counter, which never goes back and knows no midnight but counts in steps of
/// 0.01 kWh, and from its power, which knows every watt but nothing of the time when nobody listened.
///
/// The estimate moves with the power and is held inside the step that the counter shows, so it never departs from the
/// counter by more than a step, and sums of days are the counter's own differences. It never goes back.
struct YieldMeter: Sendable {
    /// kWh; nil until the counter has been read.
    private(set) var estimate: Double?
    /// kWh that came while nobody listened, with the time of the last sample before; not part of ``gained``.
    private(set) var unseen: (energy: Double, since: Double)?
    /// kWh that came since the meter was made, what came unseen apart.
    private(set) var gained = 0.0
    /// When the counter was last read.
    private(set) var lastSeen: Double?

    private var counter = 0.0
    private var sinceCounter = 0.0
    private var powerTime = -Double.infinity
    private var power = 0.0
    private let longestHold: Double
    /// kWh.
    static let step = 0.01

    /// Goes on from where the day before ended.
    init(estimate: Double?, lastSeen: Double?, longestHold: Double) {
        self.estimate = estimate
        self.lastSeen = lastSeen
        self.longestHold = longestHold
        counter = estimate ?? 0
    }

    /// W at a time.
    mutating func add(power: Double, at time: Double) {
        let length = time - powerTime
        if length > 0, length <= longestHold {
            let energy = (self.power + power) / 2 * length / 3_600_000
            sinceCounter += energy
            if let known = estimate {
                // The counter may lag behind by what came since it was read, and by no more.
                let next = max(known, min(known + energy, counter + Self.step + sinceCounter))
                gained += next - known
                estimate = next
            } else {
                gained += energy
            }
        }
        self.power = power
        powerTime = time
    }

    /// What the counter shows at a time, kWh.
    mutating func add(counter: Double, at time: Double) {
        let gap = time - (lastSeen ?? time)
        lastSeen = max(lastSeen ?? time, time)
        self.counter = counter
        sinceCounter = 0
        guard let known = estimate else {
            estimate = counter + Self.step / 2
            return
        }
        // A counter that runs back by much is another counter: no energy was taken back.
        if counter < known - 10 * Self.step {
            estimate = counter + Self.step / 2
            return
        }
        guard known < counter else { return }
        // After a gap anything within the step may be true.
        if gap > longestHold {
            let energy = counter + Self.step / 2 - known
            unseen = ((unseen?.energy ?? 0) + energy, unseen?.since ?? time - gap)
            estimate = counter + Self.step / 2
        } else {
            gained += counter - known
            estimate = counter
        }
    }
}
