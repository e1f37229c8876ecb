import Logging
import Synchronization
import Testing

@testable import Bridge

@Suite("Limits of requests")
struct RequestLimitTests {
    @Test("some at once, a few a second, and a word about it once a second")
    func allowance() {
        let allowance = RequestAllowance()
        let start = ContinuousClock.now
        for _ in 0..<RequestAllowance.burst { #expect(allowance.take(at: start) == .granted) }
        #expect(allowance.take(at: start) == .refused(isTold: true))
        #expect(allowance.take(at: start + .milliseconds(100)) == .refused(isTold: false))
        #expect(allowance.take(at: start + .milliseconds(200)) == .granted)
        #expect(allowance.take(at: start + .milliseconds(201)) == .refused(isTold: false))
        var granted = 0
        for step in 1...1000 where allowance.take(at: start + .milliseconds(200 + step * 10)) == .granted {
            granted += 1
        }
        #expect((49...51).contains(granted))
    }

    @Test("a flood is answered a few times and costs the loop nothing")
    func flood() {
        let outlets = LogOutlets(Configuration.Log(), level: .critical)
        let handled = Mutex(0)
        let desk = RequestDesk(place: "vebridge/bridge", outlets: outlets) { pending in
            handled.withLock { $0 += 1 }
            pending.answer(.done(data: "{}"))
            return true
        }
        let answers = Mutex<[String]>([])
        for _ in 0..<10_000 {
            _ = desk.take(topic: "vebridge/bridge/request/republish", payload: [], isRetained: false) { _, answer in
                answers.withLock { $0.append(answer) }
            }
        }
        let (done, told) = (handled.withLock { $0 }, answers.withLock { $0 })
        // The loop above takes far less than a second, or a little more on a machine that is busy.
        #expect((RequestAllowance.burst...RequestAllowance.burst * 5).contains(done))
        #expect(told.count < done + 20)
        #expect(told.contains { $0.contains("too many requests: 5 a second") })
    }

    @Test("an answer goes where its asker wants it, but not to the topics of values")
    func replies() {
        let rule = ReplyRule(Configuration())
        for topic in ["clients/me", "/clients/me", "vebridge/bridge/response/me", "x"] { #expect(rule.allows(topic)) }
        for topic in [
            "", "/", "venetworking/HQ2012ABCDE/edbc", "/venetworking/HQ2012ABCDE/edbc", "//venetworking/x",
            "masterbus/1/2",
            "vebridge/bridge/request/health", "vebridge/bridge/state", "homeassistant/device/x/config", "$SYS/x", "a/+",
            "a/#", String(repeating: "x", count: 600),
        ] {
            #expect(!rule.allows(topic), "\(topic)")
        }
    }
}
