import Glibc
import Simulation
import Synchronization
import Testing
import VEDirect

@testable import Bridge

@Suite(.timeLimit(.minutes(2)))
struct PortSupervisorTests {
    private func isPolled(_ rig: PortRig) -> Bool { rig.readings.contains { $0.register == .panelPower } }

    @Test func opensIdentifiesAndPolls() async throws {
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let rig = PortRig(try chargers.path())
        try await rig.run("a reading") { isPolled(rig) }
        #expect(rig.reports == ["opened"])
        #expect(rig.identities.first?.serial == "HQ2012ABCDE")
        let reading = try #require(rig.readings.first { $0.register == .panelPower })
        let held = chargers.host.plant.chargers[0].heldValues(.panelPower, since: .zero)
        #expect(held.contains(reading.raw.bytes))
        #expect(chargers.host.plant.chargers[0].forbiddenCommands == 0)
    }

    @Test func aSilentPortIsReopenedWithinTenSecondsAndToldOfOnce() async throws {
        let chargers = try Chargers()
        let rig = PortRig(try chargers.path())
        try await rig.run("a reading") { isPolled(rig) }
        chargers.host.mute(0)
        for cycle in 1...4 {
            let opened = rig.count("opened")
            var heard = rig.supervisor.lastByte
            while rig.isOpen {
                heard = rig.supervisor.lastByte
                rig.skip(.milliseconds(200))
                rig.turn()
                await Task.yield()
            }
            try await rig.run("reopened") { rig.count("opened") > opened }
            #expect(rig.supervisor.lastByte - heard < .seconds(10))
            #expect(rig.supervisor.reopens == cycle)
        }
        #expect(rig.count("closed: silent") == 1)

        chargers.host.mute(0, false)
        let count = rig.readings.count
        try await rig.run("readings again") { rig.readings.count > count + 5 }
        // It answered for a moment only: still the same trouble, until it has lasted for an hour.
        chargers.host.mute(0)
        rig.skip(.seconds(9))
        try await rig.run("closed") { !rig.isOpen }
        #expect(rig.count("closed: silent") == 1)
        rig.skip(.seconds(3600))
        try await rig.run("told again") { rig.count("closed: silent") == 2 }
    }

    @Test func aMachineThatSleptHasNotLostItsPorts() async throws {
        let chargers = try Chargers()
        let rig = PortRig(try chargers.path())
        try await rig.run("a reading") { isPolled(rig) }
        rig.sleep(.seconds(8 * 3600))
        let count = rig.readings.count
        try await rig.run("readings again") { rig.readings.count > count + 5 }
        #expect(rig.count("closed") == 0 && rig.count("opened") == 1)
    }

    @Test func aPortThatIsSeldomAskedMayBeSilentForLonger() async throws {
        let chargers = try Chargers()
        let rig = PortRig(try chargers.path())
        try await rig.run("a reading") { isPolled(rig) }
        rig.adopt(PollPlan(fastInterval: .seconds(15), slowInterval: .seconds(60)))
        chargers.host.mute(0)
        let heard = rig.supervisor.lastByte
        while rig.isOpen {
            rig.skip(.milliseconds(200))
            rig.turn()
        }
        // The round's fifteen seconds, and a little more than with the usual plan beyond them.
        #expect(rig.now - heard >= .seconds(17) && rig.now - heard < .seconds(20))
    }

    @Test func aPulledCableIsTakenUpAgainSoonAfterItIsBack() async throws {
        let directory = ScratchDirectory()
        let chargers = try Chargers([.smartSolar75x15()], links: [directory.path + "/port"])
        let rig = PortRig(try chargers.path())
        try await rig.run("a reading") { isPolled(rig) }
        chargers.host.unplug(0)
        try await rig.run("lost", limit: .seconds(2)) { !rig.isOpen }
        try await rig.run("looked for") { rig.count("unavailable: no such port") == 1 }
        // A night without a cable: the retries must not have become seldom, nor chatty.
        for _ in 0..<20 {
            rig.skip(.seconds(60))
            rig.turn()
        }
        #expect(rig.reports.count == 3)
        let count = rig.readings.count
        try chargers.host.replug(0)
        let plugged = ContinuousClock.now
        try await rig.run("a reading after the cable is back") { rig.readings.count > count }
        #expect(ContinuousClock.now - plugged < .seconds(5))
        #expect(Set(rig.identities.map(\.serial)).count == 1)
    }

    @Test func aDeafChargerIsToldApartFromASilentOne() async throws {
        let chargers = try Chargers()
        chargers.host.deafen(0)
        let rig = PortRig(try chargers.path())
        try await rig.run("TEXT only") { rig.states.last == .textOnly }
        #expect(rig.identities.isEmpty)
        chargers.host.deafen(0, false)
        try await rig.run("a reading") { isPolled(rig) }
        #expect(rig.reports == ["opened"])
    }

    /// A port whose output nobody takes must not hold up the thread that serves all ports, neither while it is asked
    /// nor when it is closed, which a terminal in its ordinary manners delays for half a minute.
    @Test func aTerminalThatTakesNoOutputHoldsNobodyUp() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("opened") { rig.isOpen }
        let filler = open(terminal.path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        defer { close(filler) }
        let junk = [UInt8](repeating: 0x20, count: 4096)
        while write(filler, junk, junk.count) > 0 {}
        #expect(errno == EAGAIN)
        try await rig.run("silent") { rig.states.last == .silent }
        rig.skip(.seconds(8))
        try await rig.run("closed") { !rig.isOpen }
        #expect(rig.longestCall < .seconds(1))
    }

    @Test func aPortInUseIsWaitedFor() async throws {
        let chargers = try Chargers()
        let path = try chargers.path()
        let other = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        #expect(flock(other, LOCK_EX | LOCK_NB) == 0)
        let rig = PortRig(path)
        try await rig.run("refused") { !rig.reports.isEmpty }
        for _ in 0..<5 {
            rig.skip(.seconds(5))
            rig.turn()
        }
        #expect(rig.reports == ["unavailable: in use by another program"])
        close(other)
        try await rig.run("opened", limit: .seconds(3)) { rig.isOpen }
    }

    /// The maker of a pseudo-terminal holds it open, so the kernel's exclusive mark would outlive a killed program.
    @Test func leavesNoMarkOnAPseudoTerminal() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("opened") { rig.isOpen }
        let descriptor = open(terminal.path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        defer { close(descriptor) }
        var isExclusive: Int32 = -1
        // TIOCGEXCL
        #expect(ioctl(descriptor, 0x8004_5440, &isExclusive) == 0)
        #expect(isExclusive == 0)
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    }

    @Test func whatIsNoSerialPortIsSaidSo() async throws {
        let directory = ScratchDirectory()
        directory.touch("file")
        let rig = PortRig(directory.path + "/file")
        try await rig.run("refused") { !rig.reports.isEmpty }
        #expect(rig.reports == ["unavailable: not a serial port"])
    }

    @Test func garbageAtTheLinesOwnSpeedIsGivenUpAndToldOfOnce() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("opened") { rig.isOpen }
        var byte: UInt8 = 0
        for _ in 0..<60 {
            let junk = (0..<100).map { _ in
                byte = byte &* 5 &+ 83
                return byte
            }
            _ = terminal.write(junk)
            rig.skip(.seconds(1))
            rig.turn()
        }
        #expect(rig.supervisor.reopens >= 2)
        #expect(rig.count("closed: hears nothing that is VE.Direct") == 1)
        #expect(rig.identities.isEmpty)
    }

    @Test func aFloodIsCutOffAndLookedAtSeldom() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("opened") { rig.isOpen }
        let junk = [UInt8](repeating: 0x3A, count: 2048)
        for _ in 0..<60 where rig.isOpen {
            _ = terminal.write(junk)
            rig.turn()
        }
        #expect(rig.reports == ["opened", "closed: flooded: more bytes than the line can carry"])
        // What may have been stored up, and one look more.
        #expect(rig.supervisor.countersBefore.bytes < 24_000)
        #expect(rig.deadline - rig.now > .seconds(4))
        // Once it is over the port is served again.
        terminal.discardUnread()
        rig.skip(.seconds(5))
        try await rig.run("opened again") { rig.isOpen }
    }

    /// A capture of a long history, or what a driver had stored up, is no flood.
    @Test func aBurstIsNoFlood() async throws {
        let terminal = try PseudoTerminal()
        let rig = PortRig(terminal.path, clockStands: true)
        try await rig.run("opened") { rig.isOpen }
        for _ in 0..<4 {
            let before = rig.supervisor.session?.counters.bytes ?? 0
            _ = terminal.write([UInt8](repeating: 0x0A, count: 3000))
            try await rig.run("all of it") { rig.supervisor.session?.counters.bytes == before + 3000 }
        }
        #expect(rig.reports == ["opened"])
    }

    /// A loose plug: nothing is ever identified, and each second has the same two things to say.
    @Test func aFlappingPortIsToldOfOnce() async throws {
        let directory = ScratchDirectory()
        let chargers = try Chargers([.smartSolar75x15()], links: [directory.path + "/port"])
        let rig = PortRig(try chargers.path())
        for _ in 0..<5 {
            try await rig.run("open") { rig.isOpen }
            chargers.host.unplug(0)
            try await rig.run("lost") { !rig.isOpen }
            rig.skip(.milliseconds(600))
            rig.turn()
            try chargers.host.replug(0)
            rig.skip(.seconds(1))
        }
        #expect(rig.supervisor.reopens == 4)
        // It may be found out in more than one way, each of which is told once.
        let troubles = rig.reports.filter { $0 != "opened" }
        #expect(troubles.contains { $0.hasPrefix("closed: ") })
        #expect(Set(troubles).count == troubles.count)
    }

    @Test func theOtherFirmwareToo() async throws {
        let chargers = try Chargers([.blueSolar75x15(firmware: .v116), .smartSolar75x15(firmware: .v316)])
        for index in 0..<2 {
            let rig = PortRig(try chargers.path(index))
            try await rig.run("a reading") { isPolled(rig) }
            #expect(rig.identities.first?.serial == chargers.host.plant.chargers[index].serial)
        }
    }
}
