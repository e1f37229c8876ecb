import Simulation
import Testing
import VEDirect

@Suite("Lines: virtual and noisy")
struct LineTests {
    @Test("bytes cross in the pieces that were asked for, in order, none lost")
    func pieces() {
        var reference: [UInt8] = []
        for delivery in [VirtualLine.Delivery.bytewise, .lowLatency, .usual, .ragged] {
            var line = VirtualLine(SimulatedCharger(.smartSolar150x60(), seed: 2), delivery: delivery, seed: 9)
            var received: [UInt8] = []
            var last = Duration.zero
            var largest = 0
            line.run(until: .seconds(5)) { bytes, now in
                #expect(now >= last)
                last = now
                largest = max(largest, bytes.count)
                received += bytes
                return VirtualLine.HostAction()
            }
            #expect(largest <= delivery.bytes.upperBound)
            if delivery == .bytewise { reference = received }
            let common = min(received.count, reference.count)
            #expect(common > 700 && received.prefix(common).elementsEqual(reference.prefix(common)))
            #expect(abs(received.count - reference.count) < 100)
        }
    }

    @Test("what the host sends takes its time on the wire")
    func hostWire() {
        var line = VirtualLine(SimulatedCharger(.smartSolar150x60(), seed: 2), delivery: .bytewise)
        var sent = false
        line.run(until: .milliseconds(40)) { _, _ in
            defer { sent = true }
            // Ten pings are fifty bytes, 26 ms; two are at the charger within 5.3 ms.
            return sent
                ? VirtualLine.HostAction()
                : VirtualLine.HostAction(send: (0..<10).flatMap { _ in Request.ping.bytes })
        }
        #expect(line.charger.acceptedRequests == 1)
        #expect(line.charger.lostRequests == 8)
        #expect(line.sent == 50)
    }

    @Test("noise has the rates that were asked for")
    func rates() throws {
        let zeros = [UInt8](repeating: 0, count: 1000)
        var noise = NoisyLine(try Noise("ber=1e-3").rates, seed: 1)
        var flipped = 0
        for block in 0..<200 {
            let arrived = noise.pass(zeros, at: .milliseconds(521 * block))
            #expect(arrived.count == 1000)
            flipped += arrived.reduce(0) { $0 + $1.nonzeroBitCount }
        }
        // 1.6 million bits, 1600 expected, five sigma are 200.
        #expect((1400...1800).contains(flipped), "\(flipped)")
        var lossy = NoisyLine(try Noise("drop=0.1,dup=0.05").rates, seed: 1)
        let count = (0..<100).reduce(0) { sum, block in sum + lossy.pass(zeros, at: .milliseconds(521 * block)).count }
        #expect((93_500...95_500).contains(count), "\(count)")
        var bursty = NoisyLine(try Noise("burst=0.5/s:20ms").rates, seed: 1)
        var hit = 0
        for piece in 0..<20_000 {
            hit += bursty.pass([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], at: .microseconds(5208 * piece)).count { $0 != 0 }
        }
        // 104 s, 52 bursts of 38 bytes.
        #expect((1200...2800).contains(hit), "\(hit)")
        #expect(bursty.damaged == hit)
        var again = NoisyLine(try Noise("ber=1e-2").rates, seed: 7)
        var same = NoisyLine(try Noise("ber=1e-2").rates, seed: 7)
        #expect(again.pass(zeros, at: .seconds(1)) == same.pass(zeros, at: .seconds(1)))
        var clean = NoisyLine(try Noise("clean").rates, seed: 7)
        #expect(clean.pass(zeros, at: .seconds(1)) == zeros && clean.rates.isClean)
    }

    @Test("impairments can be joined, changed while the line runs, and cut it")
    func chain() throws {
        let rates = try Noise("drop=0.5").rates
        var chain = LineChain([NoisyLine(rates, seed: 1), CleanLine(), NoisyLine(rates, seed: 2)])
        let left = chain.pass([UInt8](repeating: 0, count: 10_000), at: .seconds(9)).count
        #expect((2200...2800).contains(left))
        var line = VirtualLine(SimulatedCharger(.smartSolar150x60(), seed: 2), toCharger: CutLine())
        let host = PollingHost([.ping, .ping])
        line.run(host, until: .seconds(2))
        #expect(host.answers.count == 2 && host.answers.allSatisfy { $0.came == nil } && !host.texts.isEmpty)
        #expect(line.charger.acceptedRequests == 0)
        line.toCharger = CleanLine()
        let again = PollingHost([.ping])
        line.run(until: .seconds(2)) { _, now in VirtualLine.HostAction(wake: now) }
        line.run(again, until: .seconds(4))
        #expect(again.answers.first?.came != nil)
    }

    @Test("under noise the decoder rejects, the charger complains, and service goes on")
    func service() throws {
        let rates = try Noise("ber=1e-3").rates
        var line = VirtualLine(
            SimulatedCharger(.smartSolar150x60(), seed: 3), delivery: .ragged, toHost: NoisyLine(rates, seed: 1),
            toCharger: NoisyLine(rates, seed: 2), seed: 4)
        let host = PollingHost(SimulatedChargerTests.fast.map(Request.get), repeats: true)
        line.run(host, until: .seconds(120))
        #expect(!host.rejections.isEmpty)
        #expect(line.charger.damagedRequests > 5)
        let answered = host.answers.filter { $0.came != nil }.count
        #expect(answered > host.answers.count / 2 && answered < host.answers.count)
    }
}
