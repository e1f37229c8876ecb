import Testing

@testable import Bridge

@Suite("The broker's address")
struct BrokerURLTests {
    @Test(
        "is read in its parts",
        arguments: [
            ("mqtt://localhost", .init(transport: .mqtt, host: "localhost", port: 1883)),
            ("mqtts://broker.example", .init(transport: .mqtts, host: "broker.example", port: 8883)),
            ("MQTT://10.0.0.1:2883/", .init(transport: .mqtt, host: "10.0.0.1", port: 2883)),
            ("mqtt://[::1]:1", .init(transport: .mqtt, host: "::1", port: 1)),
            ("mqtt://[fe80::1%25eth0]", .init(transport: .mqtt, host: "fe80::1%eth0")),
            ("mqtt://[fe80::1%eth0]", .init(transport: .mqtt, host: "fe80::1%eth0")),
            ("mqtt://me@host:65535", .init(transport: .mqtt, user: "me", host: "host", port: 65535)),
            (
                "mqtt://a%40b:p%2Fq%25@host",
                .init(transport: .mqtt, user: "a@b", password: Secret("p/q%"), host: "host")
            ),
            ("mqtt://u:a:b@c@host", .init(transport: .mqtt, user: "u", password: Secret("a:b@c"), host: "host")),
            ("mqtt://u:@host", .init(transport: .mqtt, user: "u", host: "host")),
        ] as [(String, BrokerURL.Server)])
    func parts(text: String, server: BrokerURL.Server) throws {
        #expect(try BrokerURL(parsing: text) == .server(server))
    }

    @Test("may be found by mDNS")
    func mdns() throws {
        #expect(try BrokerURL(parsing: "mdns:") == .mdns(instance: nil))
        #expect(try BrokerURL(parsing: "mdns:Boat%20broker") == .mdns(instance: "Boat broker"))
        #expect(throws: BrokerURL.ParseError.self) { try BrokerURL(parsing: "mdns://x") }
    }

    @Test(
        "is refused with what would be right",
        arguments: [
            ("", "an address begins with mqtt:// or mqtts://"),
            ("localhost", "an address begins with mqtt:// or mqtts://: did you mean 'mqtt://localhost'?"),
            ("localhost:1883", "an address begins with mqtt:// or mqtts://: did you mean 'mqtt://localhost:1883'?"),
            ("mqqt://host", "'mqqt://' is not known: did you mean 'mqtt://'?"),
            ("tcp://host", "'tcp://' is not known: did you mean 'mqtt://'?"),
            ("ssl://host", "'ssl://' is not known: did you mean 'mqtts://'?"),
            ("mqtt:host", "'mqtt:' lacks its slashes: write mqtt://host"),
            ("mqtt://", "there is no host: write mqtt://localhost for a broker on this machine"),
            ("mqtt://:1883", "there is no host: write mqtt://localhost for a broker on this machine"),
            ("mqtt://host:0", "'0' is not a port: a port is a number from 1 to 65535"),
            ("mqtt://host:65536", "'65536' is not a port: a port is a number from 1 to 65535"),
            ("mqtt://host:+1", "'+1' is not a port: a port is a number from 1 to 65535"),
            ("mqtt://host:", "'' is not a port: a port is a number from 1 to 65535"),
            ("mqtt://::1", "there are too many colons after the host: write [::1]"),
            ("mqtt://[::1", "the bracket around the IPv6 address is not closed: write [::1]:1883"),
            ("mqtt://[::g]", "'::g' is not an IPv6 address: write it like [fe80::1%25eth0] or [::1]"),
            ("mqtt://[::1]x", "something other than a port follows the ']': write [::1]:1883"),
            (
                "mqtt://host/topic",
                "the address of a broker ends after host and port: the first part of the topics is set by schema.prefix"
            ),
            ("mqtt://@host", "there is no user before the '@': write mqtt://user@host or mqtt://host"),
        ])
    func refused(text: String, message: String) {
        let error = #expect(throws: BrokerURL.ParseError.self) { try BrokerURL(parsing: text) }
        #expect(error?.description == message)
    }

    @Test(
        "never shows a password, right or wrong",
        arguments: [
            "mqtt://me:hunter2@host", "mqtt://me:hunter2@host:99999", "mqtt://me:hunt/hunter2@host",
            "mqtt://me:12/hunter2@host", "mqtt://me:hunter2%zz@host", "me:hunter2@host", "mqqt://me:hunter2@host",
            "mqtt:me:hunter2@host", "mqtt://me:hunter2@[::1", "mqtt://me:hunter2@h ost", "mqtt://hunter2:x/@host",
            "mqtt://me:hunter2", "mqtt://me:x?hunter2@host", "mqtt://me:x#hunter2@host", "mqtt://me:hunter2\n@host",
            "hunter2://me@x", "mqtt://me:a@[hunter2]",
        ])
    func redacted(text: String) {
        do {
            let url = try BrokerURL(parsing: text)
            #expect(!"\(url) \(String(reflecting: url))".contains("hunter2"))
            var dumped = ""
            dump(url, to: &dumped)
            #expect(!dumped.contains("hunter2"))
        } catch {
            let isPart = ["mqtt://me:hunter2", "hunter2://me@x"].contains(text)
            #expect(isPart || !error.description.contains("hunter2"), "\(error)")
        }
    }

    @Test("is written so that it reads back")
    func description() throws {
        for text in ["mqtt://localhost:1883", "mqtts://me@[fe80::1%eth0]:8883", "mdns:", "mdns:boat"] {
            #expect(try BrokerURL(parsing: text).description == text)
        }
        #expect(try BrokerURL(parsing: "mqtt://u:p@h").description == "mqtt://u:•••@h:1883")
    }
}

@Suite("Durations")
struct DurationTextTests {
    @Test(
        "are read with their unit",
        arguments: [
            ("500ms", .milliseconds(500)), ("60s", .seconds(60)), ("10m", .seconds(600)), ("1h", .seconds(3600)),
            ("1d", .seconds(86_400)), ("0", .zero), ("1.5s", .milliseconds(1500)), ("0.25m", .seconds(15)),
            ("7", .seconds(7)),
        ] as [(String, Duration)])
    func read(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
        #expect(try DurationText.parse(DurationText.text(duration)) == duration)
    }

    @Test(
        "are refused otherwise",
        arguments: ["", "s", "-1s", "1 s", "1S", "1.s", ".5s", "1h30m", "1e3s", "9999999999999s", "999999999999d"])
    func refused(text: String) {
        #expect(throws: Problem.self) { try DurationText.parse(text) }
    }

    @Test("are guessed at", arguments: [("60 sec", "60s"), ("10 Minutes", "10m"), ("1hr", "1h"), ("1S", "1s")])
    func guessed(text: String, right: String) {
        let problem = #expect(throws: Problem.self) { try DurationText.parse(text) }
        #expect(problem?.hint == "did you mean \"\(right)\"?")
    }
}

@Suite("The nearest word")
struct NearestWordTests {
    @Test(
        "is found one slip away, not further",
        arguments: [
            ("brokr", "broker"), ("borker", "broker"), ("BROKER", "broker"), ("pol", "poll"),
            ("client-id", "client_id"),
            ("xyz", nil), ("", nil), ("b", nil),
        ])
    func nearest(word: String, match: String?) {
        #expect(NearestWord.match(word, among: ["schema", "broker", "poll", "serial", "log", "client_id"]) == match)
    }

    @Test("counts letters inserted, dropped, changed and swapped")
    func distance() {
        #expect(NearestWord.distance(Array(""), Array("abc")) == 3)
        #expect(NearestWord.distance(Array("abc"), Array("abc")) == 0)
        #expect(NearestWord.distance(Array("abc"), Array("acb")) == 1)
        #expect(NearestWord.distance(Array("kitten"), Array("sitting")) == 3)
    }
}
