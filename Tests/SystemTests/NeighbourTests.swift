import Bridge
import Glibc
import Simulation
import Synchronization
import Testing
import VEDirect

/// One port hangs, one floods, one flaps: the others must not feel it.
@Suite(.timeLimit(.minutes(1)))
struct NeighbourTests {
    /// Garbage as fast as a pseudo-terminal takes it, until stopped.
    private final class Flood: Sendable {
        let terminal: PseudoTerminal
        private let isOver = Mutex(false)

        init() throws {
            terminal = try PseudoTerminal()
            var thread = pthread_t()
            let this = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { @Sendable context in
                    guard let context else { return nil }
                    let flood = Unmanaged<Flood>.fromOpaque(context).takeRetainedValue()
                    let junk = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ 7) }
                    while !flood.isOver.withLock({ $0 }) {
                        // When the buffer is full, a millisecond: far more than any line carries.
                        if flood.terminal.write(junk) <= 0 { poll(nil, 0, 1) }
                    }
                    return nil
                }, this.toOpaque())
            if code == 0 { pthread_detach(thread) } else { this.release() }
        }

        func stop() { isOver.withLock { $0 = true } }
    }

    private func models() -> [ChargerModel] {
        [
            .smartSolar150x60(serial: "HQ2012AAAAA"), .smartSolar75x15(serial: "HQ2012BBBBB", firmware: .v316),
            .blueSolar75x15(serial: "HQ2012CCCCC"),
        ]
    }

    /// Rounds that were missed, and questions that came too fast or were asked twice.
    private func losses(_ bridge: Program, _ chargers: Chargers) -> Int {
        models().enumerated().reduce(0) { sum, entry in
            // A round a second, and the sun moves a little in each: a reading that was lost leaves a gap of two.
            let times = bridge.output.entries.filter {
                $0.element.hasPrefix("/venetworking/\(entry.element.serial)/edbc")
            }
            let missed = zip(times, times.dropFirst()).count { $1.time - $0.time > .milliseconds(1900) }
            let charger = chargers.host.plant.chargers[entry.offset]
            return sum + missed + charger.lostRequests + charger.damagedRequests
        }
    }

    @Test func goodPortsLoseNothingToBadOnes() async throws {
        let scratch = ScratchDirectory()
        // The same chargers twice: alone, and among bad neighbours. On a machine that is busy with other things both
        // lose something.
        let alone = try Chargers(models(), seed: 7)
        let good = try Chargers(models(), seed: 7)
        let hung = try Chargers([.smartSolar150x60(serial: "HQ2099HUNGS")])
        let flapping = try Chargers([.smartSolar75x15(serial: "HQ2099FLAPS")], links: [scratch.path + "/flapping"])
        let flood = try Flood()
        defer { flood.stop() }
        hung.host.mute(0)
        let control = try Program(vebridge: ["--dry-run", "--ports"] + alone.paths)
        let bridge = try Program(
            vebridge: ["--dry-run", "--ports"] + hung.paths + [flood.terminal.path, scratch.path + "/flapping"]
                + good.paths)
        let pulled = Mutex(0)
        let flap = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(500))
                flapping.host.unplug(0)
                pulled.withLock { $0 += 1 }
                try await Task.sleep(for: .milliseconds(500))
                try flapping.host.replug(0)
            }
        }
        for program in [bridge, control] {
            for model in models() {
                try await program.output.wait("rounds of \(model.serial)", limit: .seconds(40)) { entries in
                    entries.count { $0.element.hasPrefix("/venetworking/\(model.serial)/edbc") } >= 14
                }
            }
        }
        flap.cancel()
        for program in [bridge, control] {
            program.signal(15)
            try await program.end()
        }
        #expect(losses(bridge, good) <= losses(control, alone) + 1)
        // Each trouble is told once.
        let log = bridge.errors.elements
        #expect(log.count { $0.contains("no answer: check the cable") && $0.contains(hung.paths[0]) } == 1)
        #expect(log.count { $0.contains("flooded") } == 1)
        // The loose one is not told of at each pull; the more slowly this machine runs, the more of those there are.
        let loose = log.count { $0.contains("/flapping") }
        #expect(loose <= max(6, pulled.withLock { $0 } / 3), "\(log)")
        #expect(log.count - loose <= 10, "\(log)")
    }
}
