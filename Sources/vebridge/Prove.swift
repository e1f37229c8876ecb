import ArgumentParser
import Glibc
import Simulation
import Synchronization

/// Proofs of what the README promises, that anybody can run.
struct Prove: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prove on this machine what is promised about noise.", subcommands: [ProveNoise.self])
}

/// No wrong value, whatever the line does to the bytes.
struct ProveNoise: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "noise",
        abstract: "Read a simulated charger over noisy lines; count wrong values.",
        discussion: """
              vebridge prove noise
              vebridge prove noise --ber 1e-3 --readings 100000000
              vebridge prove noise --ber 0 1e-4 1e-2 --json

            The real decoder, session and guard, a simulated charger and a line that
            flips bits, in virtual time, on all cores. Exit status 0 only if no
            wrong value was published at any rate.
            """)

    @Option(parsing: .upToNextOption, help: "Bit error rates; without any 0, 1e-5, 1e-4, 1e-3, 3e-3 and 1e-2.")
    var ber: [Double] = []

    @Option(help: "More damage beside the bit errors, as with simulate: drop=1e-4,burst=0.1/s:20ms,dup=1e-4.")
    var noise: String?

    @Option(help: "Readings to publish at each rate.")
    var readings = 1_000_000

    @Option(help: "Another seed is other weather and other damage.")
    var seed: UInt64 = 1

    @Option(help: "Threads; without it one for each core.")
    var threads: Int?

    @Option(help: "Milliseconds from round to round, as the daemon has them; 0 is back to back.")
    var interval = 1000

    @Option(help: "Milliseconds that the charger takes to answer, at most; a real one takes up to 130.")
    var turnAround = 130

    @Flag(help: "JSON Lines, one for each rate, instead of a table.")
    var json = false

    func validate() throws {
        for rate in ber where !(0...0.1).contains(rate) {
            throw ValidationError("--ber: from 0 to 0.1, not \(rate)")
        }
        guard (1...10_000_000_000).contains(readings) else {
            throw ValidationError("--readings: 1 to 10000000000, not \(readings)")
        }
        guard (0...60_000).contains(interval) else {
            throw ValidationError("--interval: 0 to 60000, not \(interval)")
        }
        guard (1...1000).contains(turnAround) else {
            throw ValidationError("--turn-around: 1 to 1000, not \(turnAround)")
        }
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads: 1 to 256, not \(threads)") }
        if let noise { do { _ = try NoisyLine.Rates(noise) } catch { throw ValidationError("--noise: \(error)") } }
    }

    func run() throws {
        let rates = ber.isEmpty ? [0, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2] : ber
        let cores = threads ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var clean: Double?
        var isProven = true
        if !json { Terminal.print(Self.head) }
        for rate in rates {
            var damage = (try? noise.map { try NoisyLine.Rates($0) }) ?? NoisyLine.Rates()
            damage.bitErrors = rate
            let start = ContinuousClock.now
            let result = try prove(damage, cores: cores)
            let elapsed = ContinuousClock.now - start
            if damage.isClean { clean = result.readingsPerSecond }
            let baseline = try clean ?? prove(NoisyLine.Rates(), cores: 1, readings: 20_000).readingsPerSecond
            clean = baseline
            isProven = isProven && result.wrong == 0 && result.phantoms == 0 && result.wronglyRefused == 0
            Terminal.print(
                json
                    ? Self.line(rate, result, throughput: result.readingsPerSecond / baseline, elapsed: elapsed)
                    : Self.row(rate, result, throughput: result.readingsPerSecond / baseline, elapsed: elapsed))
            for example in result.examples { Terminal.complain("wrong: \(example)") }
            if result.phantoms > 0 { Terminal.complain("phantom identities: \(result.phantoms)") }
            if result.wronglyRefused > 0 { Terminal.complain("wrongly refused: \(result.wronglyRefused)") }
        }
        guard isProven else { throw Status.failed.exit }
    }

    /// Chunks of readings, each a charger and a line of its own, on several threads.
    private func prove(_ rates: NoisyLine.Rates, cores: Int, readings: Int? = nil) throws -> LineProof.Result {
        let readings = readings ?? self.readings
        let chunk = min(2_000_000, (readings + cores - 1) / cores)
        let work = ProofWork(count: (readings + chunk - 1) / chunk)
        let seed = self.seed
        let interval = self.interval
        let turnAround = self.turnAround
        try ProofWork.onThreads(cores) {
            while let index = work.next() {
                var settings = LineProof.Settings()
                settings.rates = rates
                settings.interval = .milliseconds(interval)
                settings.turnAround = .milliseconds(turnAround / 3)...(.milliseconds(turnAround))
                settings.seed = seed &* 1_000_003 &+ UInt64(index)
                var proof = LineProof(settings)
                proof.run(readings: chunk)
                work.add(proof.result)
            }
        }
        return work.result
    }

    private static let head = """
        bit errors   readings  wrong  trusting*  careful*  throughput  extra  p50 ms  p99 ms  longest gap  readings/s
        """

    private static func row(
        _ rate: Double, _ result: LineProof.Result, throughput: Double, elapsed: Duration
    ) -> String {
        let extra = Double(result.extraRequests) / Double(max(1, result.requests))
        return [
            pad(rate == 0 ? "0" : "\(rate)", 10), pad("\(result.readings)", 10), pad("\(result.wrong)", 6),
            pad(perMillion(result.trusting), 10), pad(perMillion(result.careful), 9),
            pad(percent(throughput), 11), pad(percent(extra), 6), pad("\(milliseconds(result.latency(0.5)))", 7),
            pad("\(milliseconds(result.latency(0.99)))", 7), pad("\(milliseconds(result.longestGap)) ms", 12),
            pad("\(Int(Double(result.readings) / (elapsed / .seconds(1))))", 11),
        ].joined(separator: " ")
    }

    private static func line(
        _ rate: Double, _ result: LineProof.Result, throughput: Double, elapsed: Duration
    ) -> String {
        var object = JSONObject()
        object.add("ber", rate)
        object.add("readings", result.readings)
        object.add("wrong", result.wrong)
        object.add("phantom_ids", result.phantoms)
        object.add("wrongly_refused", result.wronglyRefused)
        object.add("trusting_values", result.trusting.values)
        object.add("trusting_wrong", result.trusting.wrong)
        object.add("careful_values", result.careful.values)
        object.add("careful_wrong", result.careful.wrong)
        object.add("throughput", throughput)
        object.add("extra_requests", Double(result.extraRequests) / Double(max(1, result.requests)))
        object.add("rejected_frames", result.rejectedFrames)
        object.add("latency_p50_ms", milliseconds(result.latency(0.5)))
        object.add("latency_p99_ms", milliseconds(result.latency(0.99)))
        object.add("longest_gap_ms", milliseconds(result.longestGap))
        object.add("line_seconds", result.time / .seconds(1))
        object.add("seconds", elapsed / .seconds(1))
        return object.text
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
    private static func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
    private static func perMillion(_ tally: LineProof.Result.Tally) -> String {
        guard tally.values > 0 else { return "-" }
        return "\((Double(tally.wrong) / Double(tally.values) * 1e7).rounded() / 10)"
    }
    private static func milliseconds(_ time: Duration) -> Int { Int((time / .milliseconds(1)).rounded()) }
}

/// Pieces of work that threads take, and what came of them.
private final class ProofWork: Sendable {
    private struct Contents {
        var next = 0
        var result = LineProof.Result()
    }

    private let count: Int
    private let contents = Mutex(Contents())

    init(count: Int) { self.count = count }

    func next() -> Int? {
        contents.withLock { contents in
            guard contents.next < count else { return nil }
            contents.next += 1
            return contents.next - 1
        }
    }

    func add(_ result: LineProof.Result) { contents.withLock { $0.result.add(result) } }

    var result: LineProof.Result { contents.withLock { $0.result } }

    /// Runs the same on some threads and waits for all of them.
    static func onThreads(_ count: Int, _ body: @escaping @Sendable () -> Void) throws {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var threads: [pthread_t] = []
        defer { for thread in threads { pthread_join(thread, nil) } }
        for _ in 0..<count {
            var thread = pthread_t()
            let box = Unmanaged.passRetained(Box(body))
            let code = pthread_create(
                &thread, nil,
                { context in
                    guard let context else { return nil }
                    Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
                    return nil
                }, box.toOpaque())
            guard code == 0 else {
                box.release()
                throw Status.failed.exit
            }
            threads.append(thread)
        }
    }
}
