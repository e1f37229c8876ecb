import Logging
import Synchronization
import Testing

@testable import Bridge

@Suite("Requests to the bridge")
struct RequestTests {
    private func request(_ name: String, _ payload: String) throws -> BridgeRequest {
        try BridgeRequest(name: name, payload: Array(payload.utf8))
    }

    private func fault(_ name: String, _ payload: String) -> BridgeRequest.Fault? {
        do throws(BridgeRequest.Fault) {
            _ = try BridgeRequest(name: name, payload: Array(payload.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test("are read from nothing, a word or an object")
    func reads() throws {
        #expect(try request("health", "") == .init(.health))
        #expect(try request("republish", #"{"transaction":"a\"b"}"#) == .init(.republish, transaction: #""a\"b""#))
        #expect(try request("rediscover", #"{"transaction": 17}"#) == .init(.rediscover, transaction: "17"))
        #expect(try request("log_level", "debug\n") == .init(.logLevel(.debug, [.mqtt])))
        #expect(try request("log_level", #""warning""#) == .init(.logLevel(.warning, [.mqtt])))
        let all = try request("log_level", #"{"level":"trace","of":"all","transaction":1}"#)
        #expect(all == .init(.logLevel(.trace, [.local, .syslog, .mqtt]), transaction: "1"))
        let wanted = BridgeRequest(.read(device: "HQ2012ABCDE", register: "EDBC"))
        #expect(try request("read", #"{"device":"HQ2012ABCDE","register":"EDBC"}"#) == wanted)
        #expect(try request("read", "HQ2012ABCDE EDBC") == wanted)
    }

    @Test("that are none are answered with what would be right, and the transaction")
    func faults() throws {
        #expect(fault("log_levle", "")?.message == "unknown request 'log_levle': did you mean 'log_level'?")
        #expect(fault("log_level", "loud")?.message.hasPrefix("'loud' is no level: there are trace, debug") == true)
        #expect(fault("log_level", #"{"transaction":"x"}"#)?.transaction == #""x""#)
        #expect(fault("read", #"{"device":"x"}"#) != nil)
        #expect(fault("health", "{")?.message == "the request is not JSON")
        #expect(fault("health", String(repeating: "x", count: 5000)) != nil)
        #expect(fault("set", "") != nil)
    }

    @Test("reach the desk by their topic; answers carry status and transaction")
    func desk() throws {
        let taken = Mutex<[BridgeRequest]>([])
        let outlets = LogOutlets(Configuration.Log(), level: .critical)
        let desk = RequestDesk(place: "vebridge/bridge", outlets: outlets) { pending in
            let count = taken.withLock { taken in
                taken.append(pending.request)
                return taken.count
            }
            guard count < 3 else { return false }
            pending.answer(.done(data: #"{"n":\#(count)}"#))
            return true
        }
        #expect(desk.filter == "vebridge/bridge/request/+")
        let answers = Mutex<[String]>([])
        func send(_ topic: String, _ payload: String, retained: Bool = false) -> Bool {
            desk.take(topic: topic, payload: Array(payload.utf8), isRetained: retained) { topic, answer in
                answers.withLock { $0.append("\(topic) \(answer)") }
            }
        }
        #expect(send("vebridge/bridge/request/health", #"{"transaction":"t1"}"#))
        #expect(send("vebridge/bridge/request/republish", ""))
        #expect(send("vebridge/bridge/request/republish", #"{"transaction":3}"#))
        #expect(send("vebridge/bridge/request/log_level", "debug"))
        #expect(send("vebridge/bridge/request/nonsense", #"{"transaction":"t2"}"#))
        #expect(send("vebridge/bridge/request/health", #"{"transaction":"old"}"#, retained: true))
        #expect(!send("vebridge/bridge/state", ""))
        let seen = answers.withLock { $0 }
        #expect(seen.count == 6)
        #expect(seen[0] == #"vebridge/bridge/response/health {"status":"ok","data":{"n":1},"transaction":"t1"}"#)
        #expect(seen[1] == #"vebridge/bridge/response/republish {"status":"ok","data":{"n":2}}"#)
        #expect(
            seen[2]
                == #"vebridge/bridge/response/republish {"status":"error","error":"too many requests at once","transaction":3}"#
        )
        #expect(
            seen[3] == #"vebridge/bridge/response/log_level {"status":"ok","data":{"local":"critical","mqtt":"debug"}}"#
        )
        #expect(outlets.level(of: .mqtt) == .debug)
        #expect(seen[4].contains(#""status":"error""#) && seen[4].hasSuffix(#""transaction":"t2"}"#))
        #expect(seen[5].contains("retained message"))
        #expect(taken.withLock { $0.count } == 3)
    }

    @Test("JSON is read as it is defined")
    func json() {
        for text in ["null", "true", "[1,-2.5e3,\"\\u00e9\\ud83d\\ude00\"]", "{\"a\":{\"b\":[]},\"c\":0}"] {
            let value = JSONValue(Array(text.utf8))
            #expect(value != nil, "\(text)")
            if let value { #expect(JSONValue(Array(value.json.utf8)) == value) }
        }
        for text in ["", "{", "01", "1.", "[1,]", "{\"a\"}", "\"\n\"", "tru", "1 2", "\"\\ud800\"", "+1"] {
            #expect(JSONValue(Array(text.utf8)) == nil, "\(text)")
        }
        #expect(JSONValue(Array(String(repeating: "[", count: 100).utf8)) == nil)
        #expect(JSONValue.isNumber("2458") && JSONValue.isNumber("-1.5") && !JSONValue.isNumber("62A0"))
    }
}
