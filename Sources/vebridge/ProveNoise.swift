import ArgumentParser
import Glibc
import Simulation
import VEDirect

/// What vebridge claims, and how to check it without hardware.
struct Prove: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a claim against simulated devices.", subcommands: [ProveNoise.self, ProveMultiplexer.self])
}

/// No wrong value on a noisy line.
struct ProveNoise: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "noise",
        abstract: "Read simulated chargers over noisy lines; count wrong values.",
        usage: "vebridge prove noise [--ber <rate> ...] [--readings <n>] [options]",
        discussion: """
              vebridge prove noise                        all rates, a million
                                                          readings at each
              vebridge prove noise --ber 1e-3 --readings 100000000
              vebridge prove noise --ber 0 1e-3 --timing field --json
              vebridge prove noise --noise echo --noise stuck=0.01/s:500ms,eat=17
                                                          other kinds of noise;
                                                          see simulate --help

            The real decoder, session and guard in virtual time, at 19200 baud.
            A wrong value is one that the charger did not hold within the five
            seconds before. The same bytes go to a bridge that believes every
            frame whose checksum holds. docs/integrity.md explains the table.

            Exit status 1 if anything wrong was published.
            """)

    static let usualRates = ["0", "1e-5", "1e-4", "1e-3", "3e-3", "1e-2"]

    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Bit error rates, 0 to 0.5 (all usual ones).", valueName: "rate"))
    var ber: [String] = []

    @Option(
        help: ArgumentHelp("Noise of other kinds, in place of bit error rates; may be given often.", valueName: "spec"))
    var noise: [String] = []

    @Option(help: ArgumentHelp("Noise that changes as time goes on.", valueName: "file"))
    var noiseScript: String?

    @Option(help: ArgumentHelp("Readings at each rate.", valueName: "n"))
    var readings = 1_000_000

    @Option(help: ArgumentHelp("Other seeds, other skies and noise.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Threads; 0 is one per core.", valueName: "n"))
    var threads = 0

    @Option(help: "Answers in 1 to 12 ms (quick), 45 to 130 (field).")
    var timing = "quick"

    @Flag(help: "Print JSON, one object a rate.")
    var json = false

    func validate() throws {
        for text in ber {
            guard let rate = Double(text), (0...0.5).contains(rate) else {
                throw ValidationError("--ber: a number from 0 to 0.5 such as 1e-3, not '\(text)'")
            }
        }
        guard ber.isEmpty || noise.isEmpty && noiseScript == nil else {
            throw ValidationError("--ber or --noise, not both: bit errors are ber=1e-3 in --noise")
        }
        _ = try lines()
        guard (1...100_000_000_000).contains(readings) else {
            throw ValidationError("--readings: 1 to 100000000000, not \(readings)")
        }
        guard (0...1024).contains(threads) else { throw ValidationError("--threads: 0 to 1024, not \(threads)") }
        guard ["quick", "field"].contains(timing) else {
            throw ValidationError("--timing: quick or field, not '\(timing)'")
        }
    }

    /// The lines to try, with their names.
    private func lines() throws -> [(name: String, noise: NoiseScript)] {
        var lines: [(name: String, noise: NoiseScript)] = []
        for text in noise {
            if let script = try NoiseText.script(noise: text, file: nil) { lines.append((text, script)) }
        }
        if let noiseScript, let script = try NoiseText.script(noise: nil, file: noiseScript) {
            lines.append((noiseScript, script))
        }
        guard lines.isEmpty else { return lines }
        return (ber.isEmpty ? Self.usualRates : ber).map { text in
            var noise = Noise()
            noise.rates.bitErrors = Double(text) ?? 0
            return (text, NoiseScript(noise))
        }
    }

    func run() throws {
        let isField = timing == "field"
        let count = threads > 0 ? threads : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var proof = NoiseProof(
            bitErrorRate: 0, readings: min(readings, 1_000_000), seed: seed, threads: count,
            timing: isField ? ChargerTiming() : NoiseProof.swiftTiming)
        // What the others are held against; short if nobody asked for it.
        let lines = try lines()
        let cleanLine = NoiseScript(Noise())
        var clean: ProofTally?
        if !lines.contains(where: { $0.noise == cleanLine }) { clean = proof.run() }
        if !json { Terminal.print(Self.heading) }
        var isTrue = true
        for (text, noise) in lines {
            proof.noise = noise
            proof.readings = readings
            let start = SuspendingClock.now
            let isShown = !json && Terminal.isInteractive
            let total = readings
            let tally = proof.run { done in
                if isShown { Terminal.draw("\r\u{1B}[K  \(text): \(done) of \(total) readings") }
            }
            if isShown { Terminal.draw("\r\u{1B}[K") }
            let elapsed = start.duration(to: .now)
            if noise == cleanLine { clean = tally }
            let share = clean.map { tally.readingsPerSecond / max($0.readingsPerSecond, 1e-9) }
            Terminal.print(
                json ? Self.json(text, timing, seed, tally, share, elapsed) : Self.row(text, tally, share, elapsed))
            for example in tally.examples { Terminal.complain(example) }
            if !tally.isTrue { isTrue = false }
        }
        guard isTrue else { throw Status.failed.exit }
    }

    // MARK: Saying it

    private static let columns = [8, 12, 6, 8, 8, 7, 9, 9, 8, 12, 8]

    private static let heading =
        line([
            "noise", "readings", "wrong", "phantom", "per s", "clean", "median", "99 %", "gap", "checksum", "speed",
        ]) + "\n"
        + line([
            "", "published", "values", "ids", "", "=100", "ms", "ms", "s", "only: wrong", "k/s",
        ])

    private static func row(_ rate: String, _ tally: ProofTally, _ share: Double?, _ elapsed: Duration) -> String {
        // A longer name stands on a line of its own.
        (rate.count > columns[0] ? rate + "\n" : "")
            + line([
                rate.count > columns[0] ? "" : rate, "\(tally.readings)", "\(tally.wrongValues + tally.wrongRefusals)",
                "\(tally.phantoms + tally.wrongDetails)", fixed(tally.readingsPerSecond, 1),
                share.map { fixed($0 * 100, 1) } ?? "-", milliseconds(tally.latency.quantile(0.5)),
                milliseconds(tally.latency.quantile(0.99)), fixed(seconds(tally.longestGap), 1),
                "\(tally.checksumOnly.wrongValues)",
                fixed(Double(tally.readings) / max(seconds(elapsed), 1e-9) / 1000, 0),
            ])
    }

    private static func line(_ cells: [String]) -> String {
        zip(cells, columns).map { cell, width in String(repeating: " ", count: max(1, width - cell.count)) + cell }
            .joined()
    }

    private static func json(
        _ rate: String, _ timing: String, _ seed: UInt64, _ tally: ProofTally, _ share: Double?, _ elapsed: Duration
    ) -> String {
        var object = JSONObject()
        if let number = Double(rate) { object.add("ber", number) } else { object.add("noise", rate) }
        object.add("timing", timing)
        object.add("seed", Int(truncatingIfNeeded: seed))
        object.add("sessions", tally.sessions)
        object.add("sessions_unidentified", tally.unidentified)
        object.add("readings", tally.readings)
        object.add("wrong_values", tally.wrongValues)
        object.add("phantom_identities", tally.phantoms)
        object.add("wrong_details", tally.wrongDetails)
        object.add("wrong_refusals", tally.wrongRefusals)
        object.add("virtual_seconds", rounded(seconds(tally.duration)))
        object.add("readings_per_second", rounded(tally.readingsPerSecond))
        object.add("throughput_of_clean", share.map(rounded))
        object.add("latency_ms_median", tally.latency.quantile(0.5).map { rounded(seconds($0) * 1000) })
        object.add("latency_ms_p90", tally.latency.quantile(0.9).map { rounded(seconds($0) * 1000) })
        object.add("latency_ms_p99", tally.latency.quantile(0.99).map { rounded(seconds($0) * 1000) })
        object.add("latency_ms_p999", tally.latency.quantile(0.999).map { rounded(seconds($0) * 1000) })
        object.add("longest_gap_s", rounded(seconds(tally.longestGap)))
        if let register = tally.longestGapRegister { object.add("longest_gap_register", register.hex) }
        object.add("gaps_over_10_s", tally.longGaps)
        object.add("bytes", tally.bytes)
        object.add("damaged_bytes", tally.damagedBytes)
        object.add("rejected_frames", tally.rejectedFrames)
        object.add("requests", tally.requests)
        object.add("retries", tally.retries)
        object.add("timeouts", tally.timeouts)
        object.add("echoes", tally.echoes)
        object.add("confirmations", tally.confirmations)
        object.add("confirmed", tally.confirmed)
        object.add("unconfirmed", tally.unconfirmed)
        object.add("implausible", tally.implausible)
        object.add("checksum_only_readings", tally.checksumOnly.readings)
        object.add("checksum_only_wrong", tally.checksumOnly.wrongValues)
        object.add("checksum_only_phantoms", tally.checksumOnly.phantoms)
        object.add("checksum_and_length_readings", tally.checksumAndLength.readings)
        object.add("checksum_and_length_wrong", tally.checksumAndLength.wrongValues)
        object.add("elapsed_s", rounded(seconds(elapsed)))
        return object.text
    }

    private static func seconds(_ time: Duration) -> Double {
        Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }

    private static func rounded(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }

    private static func milliseconds(_ time: Duration?) -> String { time.map { fixed(seconds($0) * 1000, 0) } ?? "-" }

    private static func fixed(_ number: Double, _ decimals: Int) -> String {
        let power = (0..<decimals).reduce(1) { power, _ in power * 10 }
        let scaled = Int((abs(number) * Double(power)).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + "\(scaled)" }
        let rest = "\(scaled % power)"
        return sign + "\(scaled / power)." + String(repeating: "0", count: decimals - rest.count) + rest
    }
}
