import Synchronization
import VEDirect

/// Many runs of ``LineProof`` at one bit error rate, on as many threads as wanted: chargers of several models and
/// firmwares, each with its own sky, noise and session.
public struct NoiseProof: Sendable {
    /// What the line does to bytes, both ways.
    public var noise: NoiseScript
    /// How many readings are to be published.
    public var readings: Int
    /// Equal seeds give equal numbers, whatever the number of threads.
    public var seed: UInt64
    /// Threads, at least 1.
    public var threads: Int
    /// How the chargers take their time.
    public var timing: ChargerTiming
    /// Readings of one session; then the next one begins with the identification of its charger.
    public var readingsPerSession = 100_000

    /// A proof with bits that are flipped with this chance (0…1), both ways.
    public init(bitErrorRate: Double, readings: Int, seed: UInt64 = 1, threads: Int = 1, timing: ChargerTiming) {
        var noise = Noise()
        noise.rates.bitErrors = bitErrorRate
        self.init(noise: NoiseScript(noise), readings: readings, seed: seed, threads: threads, timing: timing)
    }

    /// A proof with noise of any kind.
    public init(noise: NoiseScript, readings: Int, seed: UInt64 = 1, threads: Int = 1, timing: ChargerTiming) {
        self.noise = noise
        self.readings = readings
        self.seed = seed
        self.threads = max(1, threads)
        self.timing = timing
    }

    /// Chargers that answer almost at once, so that the line is the only limit: the most readings, and the most
    /// damage, for the time.
    public static var swiftTiming: ChargerTiming {
        var timing = ChargerTiming()
        timing.usualTurnAround = .milliseconds(1)...(.milliseconds(3))
        timing.slowTurnAround = .milliseconds(3)...(.milliseconds(12))
        return timing
    }

    /// What session number `index` is.
    public func settings(ofSession index: Int) -> LineProofSettings {
        let serial = "HQ2\(100 + index % 900)" + String(index % 33_000 + 3_000, radix: 33, uppercase: true)
        let model: ChargerModel =
            switch index % 6 {
            case 0: .smartSolar150x60(serial: serial, firmware: .v164)
            case 1: .smartSolar75x15(serial: serial, firmware: .v316)
            case 2: .blueSolar75x15(serial: serial, firmware: .v150)
            case 3: .smartSolar150x60(serial: serial, firmware: .v316, link: .master)
            case 4: .blueSolar75x15(serial: serial, firmware: .v116)
            default: .smartSolar75x15(serial: serial, firmware: .v164, link: .slave)
            }
        return LineProofSettings(
            model: model, timing: timing, noise: noise, seed: SeededRandom.seed(seed, part: index))
    }

    /// Runs all sessions and returns what came of them together.
    ///
    /// - Parameter progress: called with the readings so far, on any of the threads, one call at a time.
    public func run(progress: @escaping @Sendable (_ readings: Int) -> Void = { _ in }) -> ProofTally {
        let sessions = max(1, (readings + readingsPerSession - 1) / readingsPerSession)
        let share = (readings + sessions - 1) / sessions
        let done = Mutex(0)
        let crew = ProofCrew(sessions: sessions) { (tally: ProofTally) in
            progress(
                done.withLock {
                    $0 += tally.readings
                    return $0
                })
        } work: { index in
            let settings = settings(ofSession: index)
            var proof = LineProof(settings, session: DeviceSession(plan: settings.plan, now: .zero))
            // On a line on which next to nothing passes, a second for each reading is enough to give up.
            proof.run(readings: share, until: .seconds(60 + share))
            return proof.tally
        }
        var sum = ProofTally()
        for tally in crew.run(threads: min(threads, sessions)) { sum.add(tally) }
        return sum
    }
}
