import ArgumentParser
import Glibc
import Simulation
import VEDirect

/// No reading under another charger's name.
struct ProveMultiplexer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "multiplexer",
        abstract: "Read chargers through a bad multiplexer; count mix-ups.",
        usage: "vebridge prove multiplexer [--switches <n>] [--channels <n>] [options]",
        discussion: """
              vebridge prove multiplexer                  100000 switches among
                                                          four chargers
              vebridge prove multiplexer --switches 1000000 --channels 8 --json

            The real session in virtual time, and a simulated multiplexer that
            switches late, bounces, leaks what was said before the switch and what
            is said on other channels, whose select lines get stuck and whose plugs
            change places, all far more often than in life. A reading is mixed up if
            the charger under whose serial number it leaves did not hold that value
            and another did. docs/integrity.md explains the table.

            Exit status 1 if anything wrong left.
            """)

    @Option(help: ArgumentHelp("How often another channel is selected.", valueName: "n"))
    var switches = 100_000

    @Option(help: ArgumentHelp("Chargers behind each multiplexer, 2 to 64.", valueName: "n"))
    var channels = 4

    @Option(help: ArgumentHelp("Other seeds, other skies and troubles.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Threads; 0 is one per core.", valueName: "n"))
    var threads = 0

    @Option(help: ArgumentHelp("Noise on the line as for 'simulate', such as ber=1e-5.", valueName: "rates"))
    var noise: String?

    @Option(help: "Answers in 1 to 12 ms (quick), 45 to 130 (field).")
    var timing = "quick"

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...1_000_000_000).contains(switches) else {
            throw ValidationError("--switches: 1 to 1000000000, not \(switches)")
        }
        guard (2...64).contains(channels) else { throw ValidationError("--channels: 2 to 64, not \(channels)") }
        guard (0...1024).contains(threads) else { throw ValidationError("--threads: 0 to 1024, not \(threads)") }
        guard ["quick", "field"].contains(timing) else {
            throw ValidationError("--timing: quick or field, not '\(timing)'")
        }
        _ = try rates()
    }

    /// What the line does to bytes; nil for nothing.
    private func rates() throws -> NoisyLine.Rates? {
        guard let noise else { return nil }
        do {
            let wanted = try Noise(noise)
            var simple = Noise()
            simple.rates = wanted.rates
            guard wanted == simple else {
                throw ValidationError("--noise: only rates such as ber=1e-5 and drop=1e-4 here, not '\(noise)'")
            }
            return wanted.rates
        } catch let error as NoiseSpecificationError {
            throw ValidationError("--noise: \(error)")
        }
    }

    func run() throws {
        let count = threads > 0 ? threads : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var troubles = MultiplexedLine.Troubles.all
        if let rates = try rates() { troubles.noise = rates }
        var proof = MultiplexerProof(
            switches: switches, channels: channels, seed: seed, threads: count, troubles: troubles)
        if timing == "field" { proof.timing = ChargerTiming() }
        let start = SuspendingClock.now
        let isShown = !json && Terminal.isInteractive
        let total = switches
        let tally = proof.run { done in
            if isShown { Terminal.draw("\r\u{1B}[K  \(done) of \(total) switches") }
        }
        if isShown { Terminal.draw("\r\u{1B}[K") }
        let elapsed = start.duration(to: .now)
        Terminal.print(json ? object(tally, elapsed) : table(tally, elapsed))
        for example in tally.examples { Terminal.complain(example) }
        guard tally.isTrue else { throw Status.failed.exit }
    }

    private func table(_ tally: MultiplexerTally, _ elapsed: Duration) -> String {
        let rows: [(String, String)] = [
            ("switches", "\(tally.switches)"),
            ("readings published", "\(tally.readings)"),
            ("under another charger's name", "\(tally.misattributed)"),
            ("otherwise wrong", "\(tally.wrongValues)"),
            ("serial numbers of nobody", "\(tally.phantoms)"),
            ("chargers never identified", "\(tally.unidentified)"),
            ("", ""),
            ("readings dropped, nobody vouched for them", "\(tally.droppedReadings)"),
            ("turns in order", "\(tally.goodTurns)"),
            ("turns without an answer", "\(tally.silentTurns)"),
            ("turns answered by another channel's charger", "\(tally.foreignTurns)"),
            ("turns whose end nobody vouched for", "\(tally.brokenTurns)"),
            ("select lines stuck, and told so", "\(tally.stuckTimes), \(tally.complaints)"),
            ("plugs that changed places", "\(tally.swapTimes)"),
            ("bytes of before a switch that came after it", "\(tally.residue)"),
            ("", ""),
            ("a reader without fences: readings", "\(tally.unfenced.readings)"),
            ("of those wrong or of another charger", "\(tally.unfenced.wrongValues)"),
            ("", ""),
            ("virtual time", "\(tally.duration.components.seconds) s"),
            ("took", "\(elapsed.components.seconds) s"),
        ]
        return rows.map { name, value in
            name.isEmpty ? "" : name + String(repeating: " ", count: max(1, 62 - name.count - value.count)) + value
        }.joined(separator: "\n")
    }

    private func object(_ tally: MultiplexerTally, _ elapsed: Duration) -> String {
        var object = JSONObject()
        object.add("channels", channels)
        object.add("timing", timing)
        object.add("seed", Int(truncatingIfNeeded: seed))
        if let noise { object.add("noise", noise) }
        object.add("sessions", tally.sessions)
        object.add("switches", tally.switches)
        object.add("readings", tally.readings)
        object.add("misattributed", tally.misattributed)
        object.add("wrong_values", tally.wrongValues)
        object.add("phantom_identities", tally.phantoms)
        object.add("unidentified", tally.unidentified)
        object.add("dropped_readings", tally.droppedReadings)
        object.add("good_turns", tally.goodTurns)
        object.add("silent_turns", tally.silentTurns)
        object.add("foreign_turns", tally.foreignTurns)
        object.add("broken_turns", tally.brokenTurns)
        object.add("stuck_lines", tally.stuckTimes)
        object.add("complaints", tally.complaints)
        object.add("swapped_plugs", tally.swapTimes)
        object.add("bytes", tally.bytes)
        object.add("residue_bytes", tally.residue)
        object.add("unfenced_readings", tally.unfenced.readings)
        object.add("unfenced_wrong", tally.unfenced.wrongValues)
        object.add("longest_gap_s", Self.seconds(tally.longestGap))
        object.add("virtual_seconds", Self.seconds(tally.duration))
        object.add("elapsed_s", Self.seconds(elapsed))
        return object.text
    }

    private static func seconds(_ time: Duration) -> Double {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        return (seconds * 1000).rounded() / 1000
    }
}
