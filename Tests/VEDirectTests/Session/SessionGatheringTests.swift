import Simulation
import Testing

@testable import VEDirect

/// Bytes may gather while nothing can be whole, and no longer.
@Suite("Bytes that gather")
struct SessionGatheringTests {
    /// A session that is handed each byte as it comes, and what it would have let gather.
    private struct Run {
        /// Times at which a reading came sooner than a look would have been.
        var late: [Duration] = []
        var longest: Duration = .zero
        /// Pieces that would have been looked at: those that come while nothing gathers, and each end of a gathering.
        var looks = 0
        var bytes = 0
        var readings = 0
    }

    private func run(_ model: ChargerModel, seconds: Int64, seed: UInt64, skipping: Duration = .seconds(40)) -> Run {
        var run = Run()
        var line = VirtualLine(SimulatedCharger(model, seed: seed), delivery: .bytewise, seed: seed)
        var session = DeviceSession(now: .zero)
        var until: Duration = .zero
        var before = 0
        line.run(until: .seconds(seconds)) { bytes, now in
            if !bytes.isEmpty { session.receive(bytes, at: now) }
            let request = session.nextRequest(at: now)
            _ = session.takeEvents()
            if now > skipping {
                run.bytes += bytes.count
                let readings = session.counters.readings
                run.readings += readings - before
                if readings > before, now < until { run.late.append(now) }
                before = readings
                if now >= until {
                    run.looks += 1
                    until = now + (session.gatheringTime ?? .zero)
                    run.longest = max(run.longest, until - now)
                }
            } else {
                before = session.counters.readings
            }
            return .init(send: request?.bytes ?? [], wake: session.deadline)
        }
        return run
    }

    @Test("no reading waits for a look, whether frames come inside of blocks or after them", arguments: 0..<6, [1])
    func nothingWaits(index: Int, seed: Int) {
        let run = run(SessionTests.models[index], seconds: 80, seed: UInt64(seed))
        #expect(run.late.isEmpty, "\(run.late.prefix(3))")
        #expect(run.readings > 100)
    }

    @Test("a device that finishes its blocks needs a look in ten bytes and less")
    func savesLooks() {
        let run = run(.smartSolar150x60(firmware: .v164), seconds: 80, seed: 1)
        #expect(run.longest > .milliseconds(15))
        #expect(run.longest <= .milliseconds(40))
        // Frames are looked at byte by byte here, as they come.
        #expect(run.looks < run.bytes * 6 / 10, "\(run.looks) looks for \(run.bytes) bytes")
    }

    @Test("where bytes are damaged, and before it is known who is there, each piece is looked at")
    func caution() {
        var device = SessionBench(.smartSolar150x60(firmware: .v164), delivery: .bytewise, seed: 1)
        // In the middle of the first blocks nothing gathers yet.
        var gathered = 0
        for _ in 0..<100 {
            device.run(for: .milliseconds(10))
            if device.session.gatheringTime != nil { gathered += 1 }
        }
        #expect(gathered == 0)
        device.run(for: .seconds(20))
        for _ in 0..<300 {
            device.run(for: .milliseconds(10))
            if device.session.gatheringTime != nil { gathered += 1 }
        }
        #expect(gathered > 0)
        device.injected = Array(":7BCED00FFFF0000\n".utf8)
        device.run(for: .seconds(1))
        for _ in 0..<300 {
            device.run(for: .milliseconds(10))
            #expect(device.session.gatheringTime == nil)
        }
    }
}
