import Synchronization
import VEDirect

/// Many runs of ``MultiplexerRun`` with everything that can go wrong around a switch, on as many threads as wanted.
public struct MultiplexerProof: Sendable {
    /// How many times another channel is to be selected.
    public var switches: Int
    /// Chargers behind each multiplexer, 1 to 64.
    public var channels: Int
    /// Equal seeds give equal numbers, whatever the number of threads.
    public var seed: UInt64
    /// Threads, at least 1.
    public var threads: Int
    /// What goes wrong.
    public var troubles: MultiplexedLine.Troubles
    /// How the line is shared.
    public var settings = MultiplexerSession.Settings(shortestTurn: .zero, longestTurn: .seconds(1))
    /// How the chargers take their time.
    public var timing = NoiseProof.swiftTiming
    /// Switches of one run; then the next begins with chargers that nobody knows.
    public var switchesPerSession = 2000

    /// A proof.
    public init(
        switches: Int, channels: Int = 4, seed: UInt64 = 1, threads: Int = 1,
        troubles: MultiplexedLine.Troubles = .all
    ) {
        self.switches = switches
        self.channels = min(64, max(1, channels))
        self.seed = seed
        self.threads = max(1, threads)
        self.troubles = troubles
    }

    /// The line of run number `index`.
    public func line(ofSession index: Int) -> MultiplexedLine {
        let seed = SeededRandom.seed(seed, part: index)
        let chargers = (0..<channels).map { channel -> SimulatedCharger in
            var random = SeededRandom(seed: SeededRandom.seed(seed, part: channel))
            // Other hours and other skies, so that the values of two chargers are seldom the same.
            var site = SimulatedSite(clock: SolarClock(startHour: random.number(in: 7...16)))
            site.sky = Sky(seed: random.next())
            let number = index * channels + channel
            let serial = "HQ2\(100 + number % 900)" + String(number % 33_000 + 3_000, radix: 33, uppercase: true)
            let model: ChargerModel =
                switch number % 4 {
                case 0: .smartSolar150x60(serial: serial, firmware: .v164)
                case 1: .smartSolar75x15(serial: serial, firmware: .v316)
                case 2: .blueSolar75x15(serial: serial, firmware: .v150)
                default: .smartSolar75x15(serial: serial, firmware: .v164)
                }
            return SimulatedCharger(model, site: site, timing: timing, seed: random.next())
        }
        return MultiplexedLine(chargers, troubles: troubles, seed: SeededRandom.seed(seed, part: 1000))
    }

    /// Runs all and returns what came of them together.
    ///
    /// - Parameter progress: called with the switches so far, on any of the threads, one call at a time.
    public func run(progress: @escaping @Sendable (_ switches: Int) -> Void = { _ in }) -> MultiplexerTally {
        let sessions = max(1, (switches + switchesPerSession - 1) / switchesPerSession)
        let share = (switches + sessions - 1) / sessions
        let done = Mutex(0)
        let crew = ProofCrew(sessions: sessions) { (tally: MultiplexerTally) in
            progress(
                done.withLock {
                    $0 += tally.switches
                    return $0
                })
        } work: { index in
            let multiplexer = MultiplexerSession(channels: channels, settings: settings, now: .zero)
            var run = MultiplexerRun(multiplexer, line: line(ofSession: index))
            run.run(switches: share, until: .seconds(60 + share * 10))
            return run.finalTally
        }
        var sum = MultiplexerTally()
        for tally in crew.run(threads: min(threads, sessions)) { sum.add(tally) }
        return sum
    }
}
