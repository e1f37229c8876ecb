import Testing

@testable import VEDirect

@Suite("Devices that cannot read requests")
struct UnreadRequestsTests {
    /// A line on which each request is answered after 20 ms, and a value is sent unasked every second.
    private struct Line {
        var session = DeviceSession(now: .zero)
        var now: Duration = .zero
        var requests = 0
        var states: [DeviceSession.State] = []

        mutating func run(until end: Duration, reply: String?) {
            while now < end {
                now += .milliseconds(10)
                if now.components.attoseconds == 0 { session.receive(Array(":A8DED00380594\n".utf8), at: now) }
                if session.nextRequest(at: now) != nil {
                    requests += 1
                    if let reply {
                        now += .milliseconds(20)
                        session.receive(Array(reply.utf8), at: now)
                    }
                }
                for case .state(let state) in session.takeEvents() { states.append(state) }
            }
        }
    }

    @Test("Frames without an answer are a cut TX line, with frame errors and without", arguments: [":4AAAAFD\n", nil])
    func isNamed(reply: String?) {
        var line = Line()
        line.run(until: .seconds(12), reply: reply)
        #expect(line.session.state == .hexOnly)
        line.run(until: .seconds(60), reply: reply)
        #expect(line.session.state == .hexOnly)
        #expect(line.states == [.identifying, .hexOnly])
        #expect(line.session.counters.readings == 0)
        // One request a second, and not one for each frame error.
        #expect(line.requests < 120)
    }

    @Test("The state ends with the first answer")
    func ends() {
        var line = Line()
        line.run(until: .seconds(12), reply: ":4AAAAFD\n")
        #expect(line.session.state == .hexOnly)
        // A refusal is an answer: the device read the request.
        line.run(until: .seconds(15), reply: ":70A010142\n")
        #expect(line.session.state != .hexOnly)
    }
}
