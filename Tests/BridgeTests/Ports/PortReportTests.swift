import Glibc
import Simulation
import Testing
import VEDirect

@testable import Bridge

@Suite(.timeLimit(.minutes(2)))
struct PortReportTests {
    @Test func whatWasCountedOutlivesTheReopening() async throws {
        let chargers = try Chargers([.smartSolar75x15()])
        let rig = PortRig(try chargers.path())
        try await rig.run("readings") { rig.readings.count > 10 }
        let before = rig.supervisor.report(at: rig.now)
        #expect(before.state == .conversation(.polling))
        #expect(before.state.advice == nil)
        #expect(before.identity?.serial == chargers.host.plant.chargers[0].serial)
        #expect(before.counters.readings == rig.readings.count)
        #expect(before.readingsPerSecond > 0)
        let turnaround = try #require(before.turnaround)
        #expect(turnaround.median <= turnaround.p90 && turnaround.p90 <= turnaround.p99)
        #expect(turnaround.median > .milliseconds(1) && turnaround.median < .seconds(1))

        chargers.host.mute(0)
        while rig.isOpen {
            rig.skip(.milliseconds(200))
            rig.turn()
            await Task.yield()
        }
        let closed = rig.supervisor.report(at: rig.now)
        #expect(closed.state == .trouble(.silent))
        #expect(closed.troubles[.silent] == 1)
        #expect(closed.identity == nil && closed.openFor == nil)
        #expect(closed.counters.readings == rig.readings.count)
        #expect(closed.turnaround?.median == turnaround.median || closed.counters.frames > before.counters.frames)

        chargers.host.mute(0, false)
        let count = rig.readings.count
        try await rig.run("readings again") { rig.readings.count > count }
        let after = rig.supervisor.report(at: rig.now)
        #expect(after.reopens >= 1)
        #expect(after.counters.readings == rig.readings.count)
        #expect(after.counters.requests > closed.counters.requests)
    }

    /// An echo looks like the answer to a read. Nothing of it may be believed, and it has a name of its own.
    @Test func anEchoIsNoDevice() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("the echo was understood") {
            // Before it is open the kernel echoes too, and the two would echo each other.
            if rig.isOpen { _ = terminal.write(terminal.read()) }
            return rig.states.last == .echoOnly
        }
        let end = rig.now + .seconds(30)
        try await rig.run("half a minute") {
            _ = terminal.write(terminal.read())
            return rig.now > end
        }
        let report = rig.supervisor.report(at: rig.now)
        #expect(report.state == .conversation(.echoOnly))
        #expect(report.state.name == "echo_only")
        #expect(report.state.advice?.hasPrefix("receives only its own echo") == true)
        #expect(report.counters.echoes > 3)
        #expect(report.counters.frames == 0 && report.counters.deviceErrors == 0)
        #expect(rig.readings.isEmpty && rig.identities.isEmpty)
        #expect(rig.reports == ["opened"])
    }

    @Test func aDeviceThatCannotReadRequestsIsNamed() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("frame errors were understood") {
            if rig.isOpen, !terminal.read().isEmpty { _ = terminal.write(Array(":4AAAAFD\n".utf8)) }
            return rig.states.last == .hexOnly
        }
        let report = rig.supervisor.report(at: rig.now)
        #expect(report.state.name == "hex_only")
        #expect(
            report.state.advice
                == "the device sends VE.Direct but cannot read what we send: check the TX line of the cable")
        #expect(rig.readings.isEmpty && rig.identities.isEmpty)
        // Within the time that `vebridge ports` and the doctor give a port.
        #expect(rig.now < .seconds(5))
    }

    @Test func aPortThatTakesNoOutputIsSaidSoAndOpenedAgain() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("opened") { rig.isOpen }
        let filler = open(terminal.path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        defer { close(filler) }
        let junk = [UInt8](repeating: 0x20, count: 4096)
        try await rig.run("a request that was not taken") {
            while write(filler, junk, junk.count) > 0 {}
            while write(filler, junk, 1) > 0 {}
            return rig.supervisor.blockedWrites > 0
        }
        #expect(rig.supervisor.report(at: rig.now).state == .trouble(.outputBlocked))
        // It is heard all the while: that is no reason to wait longer.
        try await rig.run("closed") {
            _ = terminal.write([0x0A])
            rig.skip(.milliseconds(100))
            return !rig.isOpen
        }
        let report = rig.supervisor.report(at: rig.now)
        #expect(report.state == .trouble(.outputBlocked))
        #expect(report.troubles == [.outputBlocked: 1])
        #expect(rig.count("closed: takes no output") == 1)
        // Closing threw away what was stuck.
        try await rig.run("opened again") { rig.isOpen }
        #expect(write(filler, "x", 1) == 1)
    }

    @Test func garbageHasAName() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("opened") { rig.isOpen }
        var states: Set<PortState> = []
        for round in 0..<12 {
            _ = terminal.write((0..<100).map { UInt8(truncatingIfNeeded: ($0 + round) &* 173 &+ 83) })
            rig.skip(.seconds(1))
            rig.turn()
            states.insert(rig.supervisor.report(at: rig.now).state)
        }
        #expect(states.contains(.trouble(.garbage)))
        #expect(rig.supervisor.report(at: rig.now).troubles[.garbage] == 1)
    }

    @Test func whatCannotBeOpenedSaysWhy() async throws {
        let directory = ScratchDirectory()
        directory.touch("file")
        for (name, trouble) in [("file", PortTrouble.notSerial), ("nothing", .absent)] {
            let rig = PortRig(directory.path + "/" + name)
            try await rig.run("refused") { !rig.reports.isEmpty }
            let report = rig.supervisor.report(at: rig.now)
            #expect(report.state == .trouble(trouble))
            #expect(report.troubles == [trouble: 1])
        }
    }

    @Test func aPulledCableIsCountedByItsKind() async throws {
        let directory = ScratchDirectory()
        let chargers = try Chargers([.smartSolar75x15()], links: [directory.path + "/port"])
        let rig = PortRig(try chargers.path())
        try await rig.run("open") { rig.isOpen }
        chargers.host.unplug(0)
        try await rig.run("missed") { rig.supervisor.troubles[.absent] != nil }
        let report = rig.supervisor.report(at: rig.now)
        #expect((report.troubles[.hungUp] ?? 0) + (report.troubles[.inputOutputError] ?? 0) == 1)
        #expect(report.state == .trouble(.absent))
    }

    @Test func theReportIsJSON() throws {
        var report = PortReport(path: "/dev/tty\"1", state: .trouble(.flooded))
        report.troubles = [.flooded: 2, .absent: 1]
        report.readingsPerSecond = 17.26
        let json = try #require(JSONValue(Array(report.json.utf8)))
        #expect(json["port"]?.asText == "/dev/tty\"1")
        #expect(json["state"]?.asText == "flooded")
        #expect(json["advice"]?.asText?.isEmpty == false)
        #expect(json["troubles"]?.json == "{\"absent\":1,\"flooded\":2}")
        #expect(json["readings_per_second"] == .number("17.3"))
        #expect(json["turnaround_ms_p50"] == nil)
    }

    @Test func aRateForgetsWhatIsOld() {
        var rate = EventRate()
        for second in 0..<60 { rate.note(5, at: .seconds(second)) }
        #expect((4.5...5.5).contains(rate.perSecond(at: .seconds(59))))
        #expect(rate.perSecond(at: .seconds(120)) < 0.1)
        #expect(EventRate().perSecond(at: .seconds(5)) == 0)
    }
}
