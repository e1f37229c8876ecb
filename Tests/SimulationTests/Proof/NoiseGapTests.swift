import Simulation
import Testing

@testable import VEDirect

/// How long a fast register goes without a value, with chargers that take as long to answer as those in the field.
@Suite("Gaps on noisy lines")
struct NoiseGapTests {
    /// A run in which a register once waited for more than ten seconds.
    struct Run: Sendable, CustomTestStringConvertible {
        var rate: Double
        var seed: UInt64
        /// Decides the charger: model, firmware, network.
        var session: Int
        var seconds: Int64
        var interval: Duration = .zero

        var testDescription: String { "\(rate), seed \(seed), session \(session), rounds of \(interval)" }

        func tally() -> ProofTally {
            let proof = NoiseProof(bitErrorRate: rate, readings: 1, seed: seed, timing: ChargerTiming())
            var settings = proof.settings(ofSession: session)
            settings.plan.fastInterval = interval
            var run = LineProof(settings, session: DeviceSession(plan: settings.plan, now: .zero))
            run.run(readings: .max, until: .seconds(seconds))
            return run.tally
        }
    }

    private static let runs = [
        // The device state, which stands still, behind what the charger reports: 25.6, 20.2, 13.1, 13.0 s.
        Run(rate: 1e-6, seed: 6, session: 21, seconds: 150),
        Run(rate: 1e-5, seed: 3, session: 9, seconds: 200),
        Run(rate: 1e-4, seed: 4, session: 15, seconds: 100),
        Run(rate: 1e-4, seed: 3, session: 9, seconds: 200),
        // A register that is not available, which is asked for less often: 11.5 and 10.7 s.
        Run(rate: 1e-6, seed: 4, session: 12, seconds: 60),
        Run(rate: 0, seed: 1, session: 1, seconds: 40, interval: .seconds(1)),
        // A time-out that was learned from the late answer to the request before, 21 ms: nothing was answered for 40 s.
        Run(rate: 1e-3, seed: 8, session: 72, seconds: 60),
    ]

    @Test("no fast register waits for ten seconds, and nothing is wrong", arguments: runs)
    func longestGap(run: Run) {
        let tally = run.tally()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.longGaps == 0, "\(tally.longestGap) \(tally.longestGapRegister?.hex ?? "")")
        #expect(tally.longestGap < .seconds(9))
        #expect(tally.readings > 6 * Int(run.seconds) - 60)
    }

    @Test("every charger and firmware, one bit in a thousand to a million wrong", arguments: [1e-6, 1e-5, 1e-4, 1e-3])
    func everyCharger(rate: Double) {
        for session in 0..<6 {
            let tally = Run(rate: rate, seed: 12, session: session, seconds: 120, interval: .seconds(1)).tally()
            #expect(tally.isTrue, "\(tally.examples)")
            #expect(tally.longGaps == 0, "session \(session): \(tally.longestGap)")
            #expect(tally.unidentified == 0)
        }
    }
}
