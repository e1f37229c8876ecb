import Testing
import VEDirect

@testable import Simulation

/// Each kind of noise by itself: it happens as often as was said, to one direction as to the other, and again in the
/// same way with the same seed.
@Suite("Noise: every kind of it")
struct NoiseTests {
    /// What came out at both ends of a line when both sides said the same for some seconds.
    private struct Passage {
        var sent = 0
        var toHost: [UInt8] = []
        var toCharger: [UInt8] = []
        /// When each byte came to the host.
        var times: [Duration] = []
    }

    /// The charger says `byte` in runs of ten with a pause of ten; the host too, in its own pauses or at the same time.
    private func passage(
        _ spec: String, seconds: Int = 6, byte: UInt8 = 0x55, overlaps: Bool = false, seeds: (UInt64, UInt64) = (1, 2)
    ) throws -> Passage {
        var line = ImpairedLine(try Noise(spec), toHost: seeds.0, toCharger: seeds.1)
        var passage = Passage()
        let run = OutgoingLine.byteTime * 10
        var now: Duration = .milliseconds(1)
        func take(_ bytes: [UInt8]) {
            passage.toCharger += line.toCharger(until: now)
            let arrived = line.toHost(bytes, until: now)
            passage.toHost += arrived
            passage.times += arrived.map { _ in now }
        }
        while now < .seconds(seconds) {
            if overlaps { line.send([UInt8](repeating: byte, count: 10), at: now) }
            now += run
            take([UInt8](repeating: byte, count: 10))
            if !overlaps { line.send([UInt8](repeating: byte, count: 10), at: now) }
            now += run
            take([])
            passage.sent += 10
        }
        // What is held back comes within a second.
        for _ in 0..<10 {
            now += .milliseconds(100)
            take([])
        }
        return passage
    }

    private static let kinds = [
        "ber=1e-3", "burst=2/s:20ms", "drop=1e-2", "dup=1e-2", "stuck=2/s:50ms", "baud=2/s:50ms:9600",
        "bounce=2/s:50ms", "eat=17", "lump=16ms", "tear=1/s:40ms", "echo", "collide",
        "ber=1e-3,burst=0.1/s:20ms,drop=1e-4,dup=1e-4,stuck=0.1/s,baud=0.1/s,bounce=0.1/s,eat=100,lump=16ms,echo,collide",
    ]

    @Test("the same seed gives the same damage, another one another", arguments: kinds)
    func reproduces(spec: String) throws {
        let first = try passage(spec, overlaps: true)
        let second = try passage(spec, overlaps: true)
        #expect(first.toHost == second.toHost && first.toCharger == second.toCharger && first.times == second.times)
        // What draws nothing has nothing to differ in; what comes late comes late in its times.
        guard !["eat=17", "lump=16ms", "echo", "collide"].contains(spec) else { return }
        let other = try passage(spec, overlaps: true, seeds: (3, 4))
        #expect(first.toHost != other.toHost || first.times != other.times)
    }

    @Test(
        "what happens one way is not what happens the other way",
        arguments: kinds.prefix(7))
    func isIndependent(spec: String) throws {
        let passage = try passage(spec)
        #expect(passage.toHost != passage.toCharger)
        // The one does not depend on the seed of the other.
        let other = try self.passage(spec, seeds: (1, 99))
        #expect(other.toHost == passage.toHost && other.toCharger != passage.toCharger)
    }

    @Test(
        "a clean line and a line with late bytes change and lose nothing",
        arguments: ["clean", "lump=16ms", "tear=5/s:40ms"])
    func losesNothing(spec: String) throws {
        let passage = try passage(spec)
        #expect(passage.toHost == [UInt8](repeating: 0x55, count: passage.sent))
        #expect(passage.toCharger == passage.toHost)
    }

    @Test("every n-th byte is eaten, each way")
    func eats() throws {
        let passage = try passage("eat=17")
        #expect(passage.toHost.count == passage.sent - passage.sent / 17)
        #expect(passage.toCharger.count == passage.sent - passage.sent / 17)
    }

    @Test("lumps come at multiples of their time, torn frames late by theirs")
    func late() throws {
        let lumps = try passage("lump=16ms")
        // The run ends between two lumps, and is asked for there: never before the time of the lump.
        let together = Dictionary(grouping: lumps.times, by: { $0 }).values.map(\.count)
        #expect((together.max() ?? 0) >= 20)
        let torn = try passage("tear=2/s:40ms", seconds: 60)
        let gaps = zip(torn.times, torn.times.dropFirst()).count { $1 - $0 > .milliseconds(30) }
        // Some 2 a second; a few fall together or into each other.
        #expect((70...140).contains(gaps), "\(gaps)")
    }

    @Test("the host hears what it said, in its place, and the charger is none the wiser")
    func echoes() throws {
        var line = ImpairedLine(try Noise("echo"), toHost: 1, toCharger: 2)
        let request = Request.get(.panelPower).bytes
        line.send(request, at: .zero)
        let end = try #require(line.nextDeadline)
        #expect(end == OutgoingLine.byteTime * request.count)
        #expect(line.toCharger(until: end) == request)
        #expect(line.toHost([], until: end) == request)
        #expect(line.nextDeadline == nil)
    }

    @Test("a stuck line is silent as long as was said; low is one zero byte, high is none")
    func sticks() throws {
        let passage = try passage("stuck=2/s:30ms", seconds: 60)
        let zeros = passage.toHost.count { $0 == 0 }
        // One in 530 ms, in 60 s some 113, half of them low.
        #expect((20...80).contains(zeros), "\(zeros)")
        // Of each, 30 ms in 530 are lost, and what it cuts.
        let lost = Double(passage.sent - passage.toHost.count + zeros) / Double(passage.sent)
        #expect((0.035...0.09).contains(lost), "\(lost)")
        let other = Double(passage.sent - passage.toCharger.count) / Double(passage.sent)
        #expect((0.03...0.09).contains(other), "\(other)")
    }

    /// 0x55 is a bit pattern like 0101010101 on the wire. At half the rate each sample falls onto an edge's side that
    /// can be foretold: the start bit is the first two, and so on.
    @Test("bytes read at half the rate are what a UART makes of them")
    func isSampledAtTheWrongRate() throws {
        let passage = try passage("baud=10/s:10s:9600", seconds: 6, byte: 0x78)
        // 0x78 from its lowest bit: start 0, 0 0 0 1 1 1 1 0, stop 1. At half the rate the samples fall on line bits
        // 3, 5, 7, 9, and on into the next byte: 0x78 again, whose bits 0 to 9 are at 10 to 19.
        // Line bits: 0:start0 1:0 2:0 3:0 4:1 5:1 6:1 7:1 8:0 9:stop1 10:start0 11:0 12:0 13:0 14:1 15:1 16:1 17:1 18:0 19:1
        // Bit k of the byte is read at 2(k+1)+1: 3→0 5→1 7→1 9→1 11→0 13→0 15→1 17→1, the stop bit at 19→1: 0xCE.
        let garbled = passage.toHost.filter { $0 != 0x78 }
        #expect(garbled.count > 1000)
        #expect(Double(garbled.count { $0 == 0xCE }) > 0.6 * Double(garbled.count), "\(garbled.prefix(20))")
        // At twice the rate there are more bytes than were sent.
        let fast = try self.passage("baud=10/s:10s:38400", seconds: 6, byte: 0x78)
        #expect(fast.toHost.count > fast.sent)
    }

    @Test("a bouncing connector makes gaps and garbage for as long as was said")
    func bounces() throws {
        let passage = try passage("bounce=1/s:100ms", seconds: 60)
        let damaged = passage.toHost.count { $0 != 0x55 }
        let lost = passage.sent - passage.toHost.count
        // Some 55 times 100 ms, in which some bytes pass, some are garbage and some are lost: half of 10,000 at most.
        #expect((50...5_300).contains(damaged), "\(damaged)")
        #expect((100...5_300).contains(lost), "\(lost)")
        #expect(passage.toHost.count { $0 == 0x55 } > passage.sent * 85 / 100)
    }

    @Test("bytes that overlap damage each other; those that do not, don't")
    func collides() throws {
        let apart = try passage("collide")
        #expect(apart.toHost == [UInt8](repeating: 0x55, count: apart.sent))
        #expect(apart.toCharger == apart.toHost)
        // In step, equal bytes do not hurt each other: both pull the wire down at the same time.
        let inStep = try passage("collide", overlaps: true)
        #expect(inStep.toHost == [UInt8](repeating: 0x55, count: inStep.sent))
        // Out of step they do.
        var line = ImpairedLine(try Noise("collide"), toHost: 1, toCharger: 2)
        line.send([0x3C, 0x3C, 0x3C, 0x0A], at: .microseconds(200))
        let now = OutgoingLine.byteTime * 4
        var host = line.toHost([0x99, 0x99, 0x99, 0x99], until: now)
        let charger = line.toCharger(until: now + .milliseconds(2))
        host += line.toHost([], until: now + .milliseconds(2))
        #expect(host != [0x99, 0x99, 0x99, 0x99])
        #expect(charger != [0x3C, 0x3C, 0x3C, 0x0A])
    }

    @Test("a line is quiet when nothing is on it: no deadline for ever", arguments: kinds)
    func comesToRest(spec: String) throws {
        var line = ImpairedLine(try Noise(spec), toHost: 5, toCharger: 6)
        line.send(Request.ping.bytes, at: .zero)
        var now: Duration = .zero
        _ = line.toHost([0x41, 0x42], until: .milliseconds(2))
        var turns = 0
        while let next = line.nextDeadline, turns < 1000 {
            now = max(now, next)
            _ = line.toCharger(until: now)
            _ = line.toHost([], until: now)
            turns += 1
        }
        #expect(turns < 50)
    }

    @Test("a script changes the noise at its times, and begins again")
    func script() throws {
        let script = try NoiseScript(
            script: """
                # a bad minute
                at 10s drop=1      # nothing comes
                at 20s clean

                repeat 30s
                """)
        var line = ImpairedLine(script, toHost: 1, toCharger: 2)
        var heard: [Int] = []
        for second in 0..<60 where !line.toHost([1], until: .seconds(second) + .milliseconds(500)).isEmpty {
            heard.append(second)
        }
        #expect(heard == Array(0..<10) + Array(20..<40) + Array(50..<60))
    }

    @Test("what is held back when the noise changes is not lost")
    func changesWithoutLoss() throws {
        var line = ImpairedLine(
            try NoiseScript(script: "at 0s lump=1s\nat 1500ms clean"), toHost: 1, toCharger: 2)
        #expect(line.toHost([1, 2, 3], until: .milliseconds(1400)).isEmpty)
        #expect(line.toHost([4], until: .milliseconds(1600)).isEmpty)
        #expect(line.nextDeadline == .seconds(2))
        #expect(line.toHost([], until: .seconds(2)) == [1, 2, 3, 4])
    }

    @Test("a specification says what each part is, and what is wrong with one that is none")
    func specification() throws {
        let noise = try Noise("ber=1e-3, burst=0.1/s:20ms,stuck=0.01/s:500ms,baud=1/s:1s:38400,echo,eat=17,lump=16ms")
        #expect(noise.rates.bitErrors == 0.001 && noise.rates.bursts == 0.1)
        #expect(noise.rates.burstLength == .milliseconds(20))
        #expect(noise.stuck == Noise.Spells(rate: 0.01, length: .milliseconds(500)))
        #expect(noise.otherBaud == 38_400 && noise.baudMismatch.length == .seconds(1))
        #expect(noise.echoes && !noise.collides && noise.eat == 17 && noise.lump == .milliseconds(16))
        #expect(try Noise("clean").isClean)
        #expect(try !Noise("tear=1/s").isClean)
        let wrong = [
            "ber=2", "ber", "noise=1", "burst=1", "burst=1/s:20", "burst=1/s:0ms", "drop=-1", "ber=x", "echo=1",
            "eat=1", "eat=x", "lump=0ms", "lump", "baud=1/s:1s:99", "baud=1/s:1s:9600:1", "stuck=1/s:2h", "", "clean",
        ]
        for part in wrong {
            let error = #expect(throws: NoiseSpecificationError.self) { try Noise("drop=0," + part) }
            #expect(error?.part == part)
            #expect(error?.description.contains("'\(part)'") == true)
            if let kind = error?.kind { #expect(error?.description.contains(kind.usage) == true) }
        }
        // What is said to be right is right.
        for kind in Noise.Kind.allCases { _ = try Noise(String(kind.usage.prefix { $0 != " " })) }
    }

    @Test(
        "a script says which line is wrong",
        arguments: [
            ("at 30s", 1, "at needs"), ("\n\nat 5 ber=1", 3, "no time"), ("at 5s ber=1\nat 1s clean", 2, "before"),
            ("at 5s ber=7", 1, "'ber=7'"), ("after 5s echo", 1, "'after'"), ("repeat", 1, "repeat needs"),
            ("repeat 5s\nat 9s echo", 2, "nothing can follow"),
        ])
    func scriptErrors(text: String, line: Int, words: String) {
        let error = #expect(throws: NoiseScriptError.self) { try NoiseScript(script: text) }
        #expect(error?.line == line)
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
}
