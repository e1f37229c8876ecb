import Logging
import Testing

@testable import Bridge

@Suite("A configuration in TOML")
struct ConfigurationParsingTests {
    @Test("an empty text is the defaults")
    func empty() throws {
        let read = try configuration("")
        #expect(read == Configuration())
        #expect(read.schema.interval == .seconds(60))
        #expect(read.schema.prefix == "/venetworking")
        #expect(read.broker.url == .server(.init(transport: .mqtt, host: "localhost", port: 1883)))
        #expect(read.poll.constant == .seconds(3600))
        #expect(read.serial.baud == 19200)
    }

    @Test("every option arrives where it belongs", arguments: ["\n", "\r\n"])
    func everything(lineEnd: String) throws {
        let text = """
            ports = ["/dev/ttyUSB0", '/dev/serial/by-id/usb-VictronEnergy*']
            broker.url = "mqtts://broker.example"
            broker.client_id = "Böot"
            broker.username = "me"
            broker.password_file = "pass"
            broker.keepalive = 20
            broker.reconnect_min = 0.5
            broker.reconnect_max = "2m"
            broker.tls = { ca_file = "/ca.pem", certificate = "c.pem", key = "k.pem" }
            log = { level = "debug", format = "json" }
            [schema]
            style = "firmware"
            masterbus_prefix = "mb"
            registers = "all"
            retain = true
            qos = 2
            interval = "5m"
            master = "HQ2012ABCDE"
            derive_setpoint = true
            [poll]
            fast = "0"
            slow = "1500ms"
            constant = "1d"
            settings = "30m"
            text = false
            [masterbus]
            listen_only = true
            fast = "2s"
            slow = "20s"
            discover = false
            describe = false
            address = "0x12345"
            shunt = "0x31297"
            [serial]
            baud = 9600
            dtr = false
            rts = false
            low_latency = false
            [[port]]
            path = "/dev/ttyUSB*"
            dtr = true
            [bridge]
            topic = "boat/vebridge"
            state_directory = "/var/lib/vebridge"
            """.split(separator: "\n").joined(separator: lineEnd)
        var expected = Configuration()
        expected.ports = ["/dev/ttyUSB0", "/dev/serial/by-id/usb-VictronEnergy*"]
        expected.broker.url = .server(.init(transport: .mqtts, host: "broker.example"))
        expected.broker.clientID = "Böot"
        expected.broker.username = "me"
        expected.broker.password = Secret("hunter2")
        expected.broker.passwordFile = "/etc/vebridge/pass"
        expected.broker.keepalive = .seconds(20)
        expected.broker.reconnectMin = .milliseconds(500)
        expected.broker.reconnectMax = .seconds(120)
        expected.broker.tls.caFile = "/ca.pem"
        expected.broker.tls.certificate = "/etc/vebridge/c.pem"
        expected.broker.tls.key = "/etc/vebridge/k.pem"
        expected.log.level = .debug
        expected.log.format = .json
        expected.schema.style = .firmware
        expected.schema.prefix = "venetworking"
        expected.schema.masterbusPrefix = "mb"
        expected.schema.registers = .all
        expected.schema.retain = true
        expected.schema.qos = 2
        expected.schema.interval = .seconds(300)
        expected.schema.master = "HQ2012ABCDE"
        expected.schema.deriveSetpoint = true
        expected.poll.fast = .zero
        expected.poll.slow = .milliseconds(1500)
        expected.poll.constant = .seconds(86_400)
        expected.poll.settings = .seconds(1800)
        expected.poll.text = false
        expected.masterbus.listenOnly = true
        expected.masterbus.fast = .seconds(2)
        expected.masterbus.slow = .seconds(20)
        expected.masterbus.discover = false
        expected.masterbus.describe = false
        expected.masterbus.address = "0x12345"
        expected.masterbus.shunt = "0x31297"
        expected.serial.baud = 9600
        expected.serial.dtr = false
        expected.serial.rts = false
        expected.serial.lowLatency = false
        expected.portOverrides = [.init(path: "/dev/ttyUSB*", dtr: true)]
        expected.bridge.topic = "boat/vebridge"
        expected.bridge.stateDirectory = "/var/lib/vebridge"
        let read = try configuration(
            text, file: "/etc/vebridge/vebridge.toml", secrets: ["/etc/vebridge/pass": "hunter2\r\n"])
        #expect(read == expected)
        // What the catalogue shows is what was read: no option is wired to another's place.
        #expect(read.redactedDescription() == expected.redactedDescription())
        #expect(read.redactedDescription().contains("\npoll.slow = \"1500ms\"\n"))
        #expect(read.redactedDescription().contains("\nport[0].dtr = true"))
    }

    @Test("a prefix of one's own stays with either style")
    func prefix() throws {
        #expect(try configuration("schema.style = \"firmware\"\nschema.prefix = \"/x\"").schema.prefix == "/x")
    }

    @Test(
        "a bad value is refused with what would be right",
        arguments: [
            ("ports = \"/dev/ttyUSB0\"", "'ports' must be a list, not a text: write ports = [\"/dev/ttyUSB0\"]"),
            ("ports = [ 1 ]", "'ports' must be a list of texts, not a whole number"),
            (
                "ports = [ \"ttyUSB0\" ]",
                "'ports' has \"ttyUSB0\", which is not a path that begins with '/': did you mean \"/dev/ttyUSB0\"?"
            ),
            ("ports = [ \"/a\", \"/a\" ]", "'ports' has \"/a\" twice"),
            ("[[ports]]", "'ports' must be a list of texts, not of tables: did you mean [[port]]?"),
            ("schema.style = \"documentd\"", "'schema.style' cannot be \"documentd\": did you mean \"documented\"?"),
            (
                "schema.style = \"new\"",
                "'schema.style' cannot be \"new\": it is \"documented\" or \"firmware\""
            ),
            ("schema.style = true", "'schema.style' must be \"documented\" or \"firmware\", not a flag"),
            ("schema.qos = 3", "'schema.qos' must be 0, 1 or 2, not 3"),
            ("schema.qos = \"1\"", "'schema.qos' must be 0, 1 or 2, not a text: write qos = 1, without quotes"),
            ("schema.qos = 1.0", "'schema.qos' must be 0, 1 or 2, not a number with a fraction"),
            (
                "schema.retain = \"yes\"",
                "'schema.retain' must be true or false, not a text: write retain = true, without quotes"
            ),
            (
                "schema.interval = \"60 sec\"",
                "'schema.interval' \"60 sec\" is not a duration: did you mean \"60s\"?"
            ),
            ("schema.interval = \"0\"", "'schema.interval' must be from 1s to 1d, not \"0\""),
            ("schema.interval = -5", "'schema.interval' must be from 1s to 1d, not -5"),
            ("schema.interval = nan", "'schema.interval' must be from 1s to 1d, not nan"),
            (
                "schema.interval = 9223372036854775807",
                "'schema.interval' must be from 1s to 1d, not 9223372036854775807"
            ),
            ("poll.fast = \"1ms\"", "'poll.fast' must be from 100ms to 1h, or \"0\" (back to back), not \"1ms\""),
            (
                "schema.prefix = \"/a/\"",
                "'schema.prefix' ends with a slash, which is added by itself: did you mean \"/a\"?"
            ),
            (
                "schema.prefix = \"a/+\"",
                "'schema.prefix' cannot be \"a/+\": '+' and '#' stand for other topics in MQTT"
            ),
            ("schema.prefix = \"\"", "'schema.prefix' cannot be empty"),
            ("readable.pace = -1", "'readable.pace' must be a number, 0 to 100, not -1"),
            ("readable.pace = 100.5", "'readable.pace' must be a number, 0 to 100, not 100.5"),
            ("readable.pace = \"1\"", "'readable.pace' must be a number, 0 to 100"),
            (
                "homeassistant.discovery_prefix = \"a/#\"",
                "'homeassistant.discovery_prefix' cannot be \"a/#\": '+' and '#' stand for other topics in MQTT"
            ),
            (
                "schema.master = \"H Q\"",
                "'schema.master' cannot be \"H Q\": a serial number looks like \"HQ2012ABCDE\""
            ),
            ("schema = 1", "'schema' is a table, not a whole number: write [schema] on a line"),
            (
                "broker.url = \"mqqt://host\"",
                "'broker.url' is not the address of a broker: 'mqqt://' is not known: did you mean 'mqtt://'?"
            ),
            (
                "broker.tls.fingerprint = \"abc\"",
                "'broker.tls.fingerprint' is not the SHA-256 of a certificate: write \"sha256:\" and 64 hex digits, colons between or not"
            ),
            (
                "broker.password_file = \"~/x\"",
                "'broker.password_file' '~' means nothing to a daemon: write the path from the root"
            ),
            (
                "serial.baud = 19201",
                "'serial.baud' must be 1200, 2400, 4800, 9600, 19200, 38400, 57600 or 115200, not 19201"
            ),
            ("log.level = \"warn\"", "'log.level' cannot be \"warn\": did you mean \"warning\"?"),
            ("[port]", "'port' is an array of tables, not a table: write [[port]], with two brackets"),
            ("[[port]]\ndtr = true", "[[port]] has no path: add path = \"/dev/…\""),
            ("port = [ 1 ]", "'port' must hold tables, not a whole number: write [[port]]"),
            ("[[port]]\npath = \"\"", "'port.path' has an empty path: write a path such as \"/dev/ttyUSB0\""),
            ("brokr = 1", "unknown key 'brokr': did you mean 'broker'?"),
            ("baud = 9600", "unknown key 'baud': it belongs below [serial]"),
            ("[bridge]\nports = []", "unknown key 'ports' in [bridge]: it belongs before the first [table]"),
            ("[tls]", "unknown key 'tls': did you mean [broker.tls]?"),
            (
                "[log]\nxyz = 1",
                "unknown key 'xyz' in [log]: there are 'level', 'format', 'output', 'syslog', 'mqtt' here"
            ),
            (
                "\"bad\\nkey\" = 1",
                "unknown key 'bad?key': there are 'ports', 'can', 'schema', 'readable', 'homeassistant', 'broker', 'poll', 'masterbus', 'serial', 'log', 'bridge', 'history', 'web', 'update', 'port', 'multiplexer', 'brokers' here"
            ),
        ])
    func badValue(text: String, message: String) {
        let line = text.contains("\n") && !message.hasPrefix("[[port]] has no") ? 2 : 1
        #expect(faults(text) == ["vebridge.toml:\(line): \(message)"])
        // The same further down, in a file with CRLF and other scripts, on its own line.
        let below = "# ü 😀\r\n\r\n" + text.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
        #expect(faults(below) == ["vebridge.toml:\(line + 2): \(message)"])
    }

    @Test("an element of a list is blamed on its own line")
    func element() {
        let text = "ports = [\n  \"/dev/ttyUSB0\", # good\n  \"ttyUSB1\",\n  3,\n]\n"
        #expect(faults(text).map { $0.prefix(16) } == ["vebridge.toml:3:", "vebridge.toml:4:"])
    }

    @Test(
        "options that do not fit together are refused",
        arguments: [
            (
                "[broker]\nreconnect_min = \"2m\"",
                [
                    "2: 'broker.reconnect_min' (2m) is longer than 'broker.reconnect_max' (1500ms): lower the one or raise the other"
                ]
            ),
            ("[broker]\nreconnect_min = \"2m\"\nreconnect_max = \"2m\"", []),
            (
                "[poll]\nslow = \"2s\"\nfast = \"3s\"",
                ["3: 'poll.fast' (3s) is longer than 'poll.slow' (2s): lower the one or raise the other"]
            ),
            (
                "[broker]\nusername = \"u\"\npassword_env = \"P_W\"\npassword = \"x\"",
                [
                    "4: 'broker.password' gives the password, and 'broker.password_env' on line 3 gives one too: keep one of them, best password_file or password_env"
                ]
            ),
            (
                "[broker]\npassword = \"x\"\nurl = \"mqtt://u:p@h\"",
                [
                    "3: 'broker.url' gives the password, and 'broker.password' on line 2 gives one too: keep one of them, best password_file or password_env"
                ]
            ),
            (
                "[broker]\nusername = \"x\"\nurl = \"mqtt://u@h\"",
                ["2: 'broker.username' is given, and 'broker.url' holds a user too: keep one of them"]
            ),
            (
                "[broker]\npassword = \"x\"",
                ["2: 'broker.password' gives a password, but there is no user: add username = \"…\""]
            ),
            (
                "[broker.tls]\nca_file = \"/x\"",
                [
                    "2: 'broker.tls.ca_file' has no use with 'mqtt://', which is not encrypted: write 'mqtts://' in broker.url"
                ]
            ),
            (
                "broker.url = \"mqtts://h\"\nbroker.tls.key = \"/x\"",
                ["2: 'broker.tls.key' is given without 'certificate': both are needed, or neither"]
            ),
            (
                "[[port]]\npath = \"/a\"\n[[port]]\npath = \"/a\"",
                ["4: [[port]] has the path \"/a\" twice: line 1 has it already"]
            ),
            // What is wrong by itself is not compared as well.
            (
                "[broker]\nreconnect_min = \"2m\"\nreconnect_max = \"1x\"",
                [
                    "3: 'broker.reconnect_max' \"1x\" is not a duration: write a number and a unit (ms, s, m, h or d), such as \"500ms\" or \"10m\""
                ]
            ),
            (
                "[broker]\nreconnect_min = \"2m\"\nreconnect_max = 5m",
                ["3: the value is not valid TOML: texts and durations stand in quotes: \"…\""]
            ),
            (
                "broker.password = \"x\"\nbroker.username = u",
                ["2: the value is not valid TOML: texts and durations stand in quotes: \"…\""]
            ),
        ] as [(String, [String])])
    func together(text: String, messages: [String]) {
        #expect(faults(text, environment: ["P_W": "y"]) == messages.map { "vebridge.toml:" + $0 })
    }

    @Test("everything that is wrong is said at once, in the order of the lines, syntax and sense together")
    func atOnce() {
        let text = """
            ports = [ "/dev/ttyUSB0",
            brokr = 1
            [schema]
            style = documented
            qos = 7
            retain = yes
            qos = 1
            prefix = "/x
            [broker
            url = "nonsense that is not looked at"
            [poll]
            fast "1s"
            slow =
            text = true false
            [poll]
            [log]
            levle = "info"
            [log.x.]
            [serial]
            baud = 1_
            [[port]]
            path = /dev/ttyUSB0
            """
        #expect(
            faults(text) == [
                "vebridge.toml:1: the list is not closed: add a ']' at its end",
                "vebridge.toml:2: unknown key 'brokr': did you mean 'broker'?",
                "vebridge.toml:4: the value is not valid TOML: texts and durations stand in quotes: \"…\"",
                "vebridge.toml:5: 'schema.qos' must be 0, 1 or 2, not 7",
                "vebridge.toml:6: the value is not valid TOML: write true or false",
                "vebridge.toml:7: 'schema.qos' is given twice: line 5 has it already",
                "vebridge.toml:8: the text is not closed: add the quote at its end",
                "vebridge.toml:9: the header of a table is not closed or not a name: write [broker] or [[port]]",
                "vebridge.toml:12: this line has a key without a value: write key = value, or # before a comment",
                "vebridge.toml:13: the value is missing",
                "vebridge.toml:14: the value is not valid TOML: texts and durations stand in quotes: \"…\"",
                "vebridge.toml:15: 'poll' is given twice: line 11 has it already",
                "vebridge.toml:17: unknown key 'levle' in [log]: did you mean 'level'?",
                "vebridge.toml:18: the header of a table is not closed or not a name: write [broker] or [[port]]",
                "vebridge.toml:20: the value is not valid TOML: texts and durations stand in quotes: \"…\"",
                "vebridge.toml:22: the value is not valid TOML: texts and durations stand in quotes: \"…\"",
            ])
    }

    @Test("a text that is not TOML at all gives a bounded number of faults")
    func notTOML() {
        let found = faults(String(repeating: "<html>\n", count: 1000))
        #expect((1...51).contains(found.count))
        #expect(faults("a\u{0}b") == ["vebridge.toml:1: there is a NUL byte here: is this a text file?"])
        #expect(
            faults("\n[schema]\nprefix = \"a\\u0000b\"") == [
                "vebridge.toml:3: a text cannot hold the character U+0000"
            ])
    }

    @Test("any beginning of the example, and any character of it changed, is read or refused with lines")
    func damaged() {
        let text = """
            ports = ["/dev/ttyUSB0"]
            [broker]
            url = "mqtt://localhost:1883"
            keepalive = "30s"
            [[port]]
            path = "/dev/ttyUSB0"
            dtr = true
            """
        let characters = Array(text)
        for position in 0...characters.count {
            for replacement in ["\"", "[", "]", "=", "\n", "#", "{", "\\", "."] {
                let damaged =
                    String(characters[..<position]) + replacement + String(characters[position...].dropFirst())
                // Whatever is wrong, it is named by line, and nothing is named twice.
                let found = faults(damaged)
                #expect(
                    found.allSatisfy { $0.wholeMatch(of: /vebridge\.toml:[0-9]+: .*/) != nil }, "\(damaged)\n\(found)")
                #expect(Set(found).count == found.count, "\(damaged)\n\(found)")
            }
        }
    }

    @Test(
        "what would make the parser abort never gets there",
        arguments: ["[=]", "[é]", "[[#", "[.a]", "[\u{A0}a]", "[ [a]]", "[", "[["])
    func abort(header: String) {
        let message = "the header of a table is not closed or not a name: write [broker] or [[port]]"
        #expect(faults("\n" + header) == ["vebridge.toml:2: \(message)"])
        #expect(faults(header + "\n[log]\nx = 1").count == 2)
    }

    @Test(
        "nor what is no value in a list",
        arguments: ["}", "[ }", "1, }", "{ b = [ }", "\u{2028}", "\u{85}", "é", "\u{7F}"])
    func abort(list: String) {
        let message = "something in the list is no value: texts stand in quotes: \"…\""
        #expect(faults("ports = [\(list)]") == ["vebridge.toml:1: \(message)"])
    }

    @Test(
        "numbers are those of TOML, dates are none",
        arguments: [
            ("0", true), ("-0", true), ("+1_000", true), ("0xDEAD_beef", true), ("0o7", true), ("0b1", true),
            ("1.5", true),
            ("6.02e+23", true), ("1E5", true), ("-inf", true), ("nan", true), ("00", false), ("1_", false),
            ("_1", false),
            ("1__0", false), ("0x", false), ("+0x1", false), ("0o8", false), ("1.", false), (".5", false),
            ("1e", false),
            ("1.e5", false), ("--1", false), ("0XF", false), ("1e5.0", false), ("1s", false), ("infinity", false),
            ("1979-05-27Tx", false), ("1979-05-27", false), ("07:32:00", false), ("1979-05-27 07:32:00Z", false),
        ])
    func numbers(word: String, isNumber: Bool) throws {
        #expect((SourceMap("a = \(word)").statements.first?.fault == nil) == isNumber)
        // What is a number here is one for the parser too: nothing else comes of it than a wrong value.
        let fault = try #require(faults("schema.retain = \(word)").first)
        #expect(fault.contains("must be true or false") == isNumber, "\(fault)")
    }

    @Test("pieces of TOML in any order are read or refused, and never end the process")
    func shuffled() {
        let pieces = [
            "[", "]", "[[", "]]", "=", ".", ",", "{", "}", "#", "\n", "\r\n", " ", "\t", "\"", "'", "\"\"\"", "'''",
            "\\",
            "\\u00e9", "\\U0010FFFF", "broker", "port", "ports", "url", "path", "1", "-", "+", "_", "0x", "1e5", "inf",
            "nan",
            "true", "1979-05-27", "T07:32:00", "Z", "é", "\u{A0}", "\u{2028}", "\u{FEFF}", "\u{1}", "\r", "\u{B}", ":",
            "12:00",
        ]
        // A fixed sequence: a failure comes again.
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        for _ in 0..<4000 {
            var text = ""
            for _ in 0..<14 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int((state >> 33) % UInt64(pieces.count))]
            }
            let found = faults(text)
            #expect(found.allSatisfy { $0.hasPrefix("vebridge.toml:") }, "\(text)")
        }
    }

    @Test("the command line has the last word")
    func commandLine() throws {
        var read = try configuration("ports = [\"/a\"]\nbroker.url = \"mqtt://me:secret@one\"")
        read.apply()
        #expect(read.ports == ["/a"])
        #expect(read.broker.username == "me")
        read.apply(ports: ["/b"], broker: try BrokerURL(parsing: "mqtts://two"))
        #expect(read.ports == ["/b"])
        #expect(read.broker.url == .server(.init(transport: .mqtts, host: "two")))
        #expect(read.broker.username == "me" && read.broker.password == Secret("secret"))
        read.apply(broker: try BrokerURL(parsing: "mqtt://you@three"))
        #expect(read.broker.username == "you" && read.broker.password == nil, "a password belongs to its user")
    }

    @Test("a port's own settings count where its path or another of its names matches; the first entry wins")
    func ports() {
        var configuration = Configuration()
        configuration.portOverrides = [
            .init(path: "/dev/serial/by-id/usb-V*", dtr: false), .init(path: "/dev/ttyUSB[01]", dtr: true, rts: false),
        ]
        #expect(configuration.serialSettings(path: "/dev/ttyUSB1").rts == false)
        #expect(configuration.serialSettings(path: "/dev/ttyUSB2") == configuration.serial)
        let linked = configuration.serialSettings(path: "/dev/ttyUSB1", aliases: ["/dev/serial/by-id/usb-Vx"])
        #expect(linked.dtr == false && linked.rts)
    }

    @Test("the client is named after the host, without its domain")
    func clientIdentifier() {
        var broker = Configuration.Broker()
        #expect(broker.clientIdentifier(hostName: "boat.local", mark: "1a2b3c") == "vebridge-boat-1a2b3c")
        #expect(broker.clientIdentifier(hostName: "", mark: "") == "vebridge")
        broker.clientID = "own"
        #expect(broker.clientIdentifier(hostName: "boat", mark: "1a2b3c") == "own")
    }
}
