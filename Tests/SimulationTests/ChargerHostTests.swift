import Glibc
import Simulation
import Testing
import VEDirect

/// The host's side of a port for tests: opens it, writes, and waits for what it wants to see.
final class OpenPort {
    let descriptor: Int32
    private(set) var received: [UInt8] = []

    init?(_ path: String?) {
        guard let path else { return nil }
        descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { return nil }
        cfmakeraw(&settings)
        guard tcsetattr(descriptor, TCSANOW, &settings) == 0 else { return nil }
    }

    deinit { close(descriptor) }

    func send(_ text: String) -> Bool { write(descriptor, text, text.utf8.count) == text.utf8.count }

    /// Reads until `isEnough` or the port hangs up or ten seconds have passed; whether it was enough.
    func wait(until isEnough: ([UInt8]) -> Bool) -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while !isEnough(received) {
            guard ContinuousClock.now < deadline else { return false }
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, 1000) >= 0 else { return false }
            var buffer = [UInt8](repeating: 0, count: 512)
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 { received += buffer.prefix(count) }
            if count == 0 || (count < 0 && errno != EAGAIN) { return isEnough(received) }
        }
        return true
    }

    /// Waits for the hang-up of a port that was pulled.
    func waitForHangUp() -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&polled, 1, 1000)
            if Int32(polled.revents) & POLLHUP != 0 { return true }
            var buffer = [UInt8](repeating: 0, count: 512)
            _ = read(descriptor, &buffer, buffer.count)
        }
        return false
    }
}

extension [UInt8] {
    func contains(text: String) -> Bool { String(decoding: self, as: Unicode.ASCII.self).contains(text) }
}

@Suite("Chargers on pseudo-terminals", .serialized)
struct ChargerHostTests {
    static func plant() -> SimulatedPlant {
        var plant = SimulatedPlant()
        plant.add(.smartSolar150x60(serial: "HQ2012AAAAA", firmware: .v164), seed: 1)
        plant.add(.smartSolar75x15(serial: "HQ2012BBBBB", firmware: .v316), seed: 2)
        return plant
    }

    @Test("a ping is answered and TEXT arrives, on every port")
    func service() throws {
        let host = try ChargerHost(Self.plant())
        try host.start()
        defer { host.stop() }
        let paths = host.paths
        #expect(paths.count == 2)
        for (path, answer, serial) in zip3(paths, [":56441AB\n", ":51643F7\n"], ["HQ2012AAAAA", "HQ2012BBBBB"]) {
            let port = try #require(OpenPort(path))
            #expect(port.send(":154\n"))
            #expect(port.wait { $0.contains(text: answer) && $0.contains(text: serial + "\r\n") })
            var texts = 0
            var decoder = StreamDecoder()
            // What is sent unasked after the first ping comes before or after.
            #expect(port.wait { $0.contains(text: "HSDS") && $0.contains(text: "Checksum\t") && $0.count > 900 })
            decoder.decode(port.received) { if case .text = $0 { texts += 1 } }
            #expect(texts >= 1)
        }
        #expect(host.plant.chargers[0].acceptedRequests == 1)
        #expect(host.plant.chargers[0].forbiddenCommands == 0)
    }

    @Test("the line is no faster than 19200 baud")
    func paced() throws {
        let host = try ChargerHost(Self.plant())
        try host.start()
        defer { host.stop() }
        let port = try #require(OpenPort(host.paths[0]))
        let start = ContinuousClock.now
        for _ in 0..<4 { #expect(port.send(":7501000EE\n")) }
        #expect(port.wait { $0.count > 800 })
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        // What waited before the port was opened is a second's worth at most.
        #expect(Double(port.received.count) < 1920 * (seconds + 1))
    }

    @Test("muted it says nothing, unplugged it hangs up, replugged it is at the same link")
    func trouble() throws {
        let link = "/tmp/vebridge-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let host = try ChargerHost(Self.plant(), links: [link])
        try host.start()
        defer { host.stop() }
        #expect(host.paths[0] == link)
        let port = try #require(OpenPort(link))
        #expect(port.wait { $0.contains(text: "Checksum") })
        host.mute(0)
        let lost = host.traffic(0).lost
        #expect(port.send(":154\n"))
        let other = try #require(OpenPort(host.paths[1]))
        #expect(
            other.wait { bytes in
                bytes.contains(text: "Checksum") && host.traffic(0).lost > lost + 100
            })
        #expect(!port.received.contains(text: ":56441AB"))
        #expect(host.plant.chargers[0].acceptedRequests == 1)
        host.mute(0, false)
        host.unplug(0)
        #expect(port.waitForHangUp())
        #expect(host.paths[0] == nil)
        #expect(OpenPort(link) == nil)
        try host.replug(0)
        let again = try #require(OpenPort(link))
        #expect(again.send(":154\n"))
        #expect(again.wait { $0.contains(text: ":56441AB") })
    }

    @Test("a port that nobody reads neither blocks nor grows")
    func unread() throws {
        let terminal = try PseudoTerminal()
        let piece = [UInt8](repeating: 0x55, count: 200)
        var taken = 0
        for _ in 0..<2000 { taken += terminal.write(piece) }
        // The kernel moves bytes on in its own time: what it holds at most is a few buffers.
        #expect(taken > 1000 && taken < 80_000, "\(taken)")
        terminal.discardUnread()
        #expect(terminal.read().isEmpty)
    }

    @Test("a link that cannot be made says which")
    func badLink() {
        let error = #expect(throws: TerminalError.self) {
            try ChargerHost(Self.plant(), links: ["/nonexistent/directory/port"])
        }
        #expect(error?.description.contains("/nonexistent/directory/port") == true)
    }

    @Test("the thread sleeps between pieces, and stops when told")
    func sleeps() throws {
        let host = try ChargerHost(Self.plant(), granularity: .milliseconds(10))
        let start = ContinuousClock.now
        try host.start()
        let port = try #require(OpenPort(host.paths[0]))
        #expect(port.wait { $0.count > 600 })
        host.stop()
        let elapsed = (ContinuousClock.now - start) / .milliseconds(10)
        #expect(host.rounds > 30 && Double(host.rounds) < elapsed + 10)
        let rounds = host.rounds
        #expect(host.traffic(0).sent > 600 && host.traffic(0).received == 0)
        // Stopped, nothing moves; started again, it goes on.
        try host.start()
        defer { host.stop() }
        #expect(port.send(":154\n"))
        #expect(port.wait { $0.contains(text: ":56441AB") })
        #expect(host.rounds > rounds)
    }
}

private func zip3<A, B, C>(_ a: [A], _ b: [B], _ c: [C]) -> [(A, B, C)] {
    zip(a, zip(b, c)).map { ($0, $1.0, $1.1) }
}
