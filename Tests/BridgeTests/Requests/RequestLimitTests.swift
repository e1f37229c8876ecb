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

    @Test("a response topic is used below the bridge's own and below the prefixes of the configuration")
    func replies() throws {
        let usual = ReplyRule(Configuration())
        #expect(usual.allows("vebridge/bridge/response/me"))
        #expect(usual.allows("vebridge/bridge/response/me/17"))
        // Topics of values, of other programs, and of this bridge under any prefix.
        let foreign = [
            "", "/", "x", "clients/me", "/clients/me", "vebridge/bridge/response/", "vebridge/bridge/response",
            "/vebridge/bridge/response/me", "vebridge/bridge/responses/me", "venetworking/HQ2012ABCDE/edbc",
            "/venetworking/HQ2012ABCDE/edbc", "masterbus/1/2", "vebridge/bridge/request/health",
            "vebridge/bridge/state", "boat/charger/HQ2012ABCDE/panel_power", "homeassistant/device/x/config",
            "zigbee2mqtt/bridge/request/restart", "$SYS/x", "vebridge/bridge/response/+", "vebridge/bridge/response/#",
            "vebridge/bridge/response/a\u{1B}b", "vebridge/bridge/response/" + String(repeating: "x", count: 600),
        ]
        for topic in foreign { #expect(!usual.allows(topic), "\(topic)") }
        var configuration = Configuration()
        configuration.bridge.name = "roof"
        configuration.bridge.replyTopics = ["clients", "/answers/a"]
        configuration.readable.prefix = "boat"
        let listed = ReplyRule(configuration)
        for topic in ["clients/me", "/answers/a/b", "vebridge/bridge/roof/response/me"] {
            #expect(listed.allows(topic), "\(topic)")
        }
        for topic in foreign + ["clients", "clients/", "clientsx/me", "answers/a/b", "/answers/b"]
        where topic != "clients/me" {
            #expect(!listed.allows(topic), "\(topic)")
        }
        let answer = usual.noting(BridgeAnswer.done(data: "{}").json(transaction: "7"))
        let value = try #require(JSONValue(Array(answer.utf8)))
        #expect(value["status"]?.asText == "ok" && value["transaction"] == .number("7"))
        #expect(value["note"]?.asText?.contains("vebridge/bridge/response/") == true)
        #expect(value["note"]?.asText?.contains("bridge.reply_topics") == true)
    }

    @Test("a prefix for answers is not one that the bridge publishes below")
    func replyTopics() throws {
        let good = "[bridge]\nreply_topics = [\"clients\", \"answers/a\"]\n"
        #expect(try configuration(good).bridge.replyTopics == ["clients", "answers/a"])
        for topic in [
            "vebridge", "vebridge/x", "/venetworking", "venetworking/HQ2012ABCDE", "masterbus", "homeassistant", "boat",
            "/boat/charger",
        ] {
            let faults = faults("[readable]\nprefix = \"boat\"\n[bridge]\nreply_topics = [\"x\", \"\(topic)\"]\n")
            #expect(faults.count == 1 && faults[0].contains(":4: 'bridge.reply_topics'"), "\(topic): \(faults)")
        }
        #expect(faults("[bridge]\nreply_topics = [\"a/#\"]\n").count == 1)
        #expect(faults("[bridge]\nreply_topics = \"clients\"\n").count == 1)
    }
}
