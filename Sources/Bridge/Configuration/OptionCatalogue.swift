/// Every option there is. Reading, checking, the example file and the list for the log all come from here; the
/// defaults are those of ``Configuration/init()``.
enum OptionCatalogue {
    /// The options of one `[table]`; those without a table have an empty name.
    struct Section: Sendable {
        /// The table's name, `broker.tls`.
        var name: String
        /// What the table is about.
        var summary: String
        var options: [ConfigurationOption<Configuration>]
    }

    /// The tables in the order of the example file.
    static let sections: [Section] = [
        root, schema, readable, homeAssistant, broker, offline, tls, poll, masterbus, serial, log, syslog, logTopic,
        bridge, history, web, update,
    ]

    /// The name of the array of tables with the settings of single ports.
    static let portTable = "port"

    /// The name of the array of tables with further brokers.
    static let brokerTable = "brokers"

    private typealias BrokerOption = ConfigurationOption<Configuration.Broker>
    private typealias Option = ConfigurationOption<Configuration>

    private static let root = Section(
        name: "", summary: "",
        options: [
            Option.list(
                "ports", \.ports, allowed: "a list of paths or patterns",
                tables: "did you mean [[port]]?",
                """
                Serial ports with a charger behind them, such as "/dev/ttyUSB0". A pattern as the shell has them, such \
                as "/dev/serial/by-id/usb-VictronEnergy*", is watched: a port that appears later is taken up. A single \
                backslash in double quotes is an escape in TOML. This option has to stand before the first [table].
                """, check: portPath),
            Option.list(
                "can", \.can, allowed: "a list of links",
                """
                Links to a MasterBus: "can0" is an interface of the kernel, "slcan:/dev/ttyACM0" an adapter on a \
                serial port that speaks Lawicel's protocol, "replay:FILE" a log of candump -L. This option has to \
                stand before the first [table].
                """, check: canLink),
        ])

    private static let schema = Section(
        name: "schema", summary: "Names and payloads of the topics.",
        options: [
            .word(
                "style", \.schema.style,
                """
                "documented" writes topics with a leading slash and the register in lower-case digits; "firmware" \
                writes them as the firmware of the BLE bridge does, without the slash and in upper-case digits.
                """),
            .text(
                "prefix", \.schema.prefix, allowed: "the first part of a topic",
                """
                What stands before the charger's serial number. With style = "firmware" the default is \
                "venetworking", without the slash.
                """, check: topic),
            .text(
                "masterbus_prefix", \.schema.masterbusPrefix, allowed: "the first part of a topic",
                """
                What stands before the number of a MasterBus device. With style = "firmware" the default is \
                "masterbus", without the slash.
                """, check: topic),
            .word(
                "registers", \.schema.registers,
                "\"documented\" publishes the registers of the documented schema, \"all\" every one that is answered."),
            .flag(
                "retain", \.schema.retain,
                "Whether the broker keeps the last value of each topic for those who subscribe later."),
            .integer(
                "qos", \.schema.qos, among: [0, 1, 2],
                "Quality of service: 0 at most once, 1 at least once, 2 exactly once."),
            .duration(
                "expiry", \.schema.expiry, .seconds(1) ... .seconds(604_800), zero: "for ever",
                """
                How long the broker keeps a value for those who are away or, with retain, subscribe later. Needs a \
                broker that speaks MQTT 5. To be useful it is longer than interval.
                """),
            .duration(
                "interval", \.schema.interval, .seconds(1) ... .seconds(86_400),
                "The heartbeat: a value that does not change is published again after this long."),
            .text(
                "master", \.schema.master, allowed: "a serial number, or \"\"",
                """
                The serial number of the solar charger that stands for the network of chargers. Empty, or not seen: \
                the first by serial number of those that say they are a group's master (200F is 1 or 3), else the first.
                """, check: serialNumber),
            .flag(
                "derive_setpoint", \.schema.deriveSetpoint,
                """
                Whether register 2001, the set-point of the network, is made up from the set-point of the present \
                charge state where the chargers are not networked.
                """),
        ])

    private static let broker = Section(
        name: "broker", summary: "The MQTT broker.", options: brokerOptions.map { $0.lifted(\.broker) })

    /// The options of `[broker]` and of each `[[brokers]]`.
    static let brokerOptions: [ConfigurationOption<Configuration.Broker>] = [
        .address(
            "url", \.url,
            """
            Where the broker is. mqtt:// is plain, port 1883 unless given; mqtts:// is TLS, port 8883 unless \
            given. An IPv6 address stands in brackets: mqtt://[::1]. A user may stand before the host: \
            mqtt://user@host. "mdns:" looks for a broker that announces itself in the network, "mdns:NAME" for \
            the one of that name.
            """),
        .text(
            "client_id", \.clientID, allowed: "a text",
            """
            The name of this client, which no other client of the broker may have. Empty: "vebridge-", the name of \
            the host, and a mark made of this machine's id and the path of this file.
            """, check: clientID),
        .text("username", \.username, "The user to log in as. Empty: none.", check: printable),
        .secret(
            "password", \.password,
            """
            The password. Better kept out of this file: give password_file or password_env instead, only one of \
            the three.
            """),
        .path(
            "password_file", \.passwordFile, allowed: "a path, or \"\"",
            """
            A file with the password and nothing else; a line end after it does not count. For the service: \
            sudo install -m 640 -g vebridge /dev/null /etc/vebridge/password, and then sudoedit on it.
            """),
        sensitive(
            .text(
                "password_env", \.passwordEnvironment, allowed: "the name of a variable, or \"\"",
                "The variable of the environment that holds the password, such as \"MQTT_PASSWORD\".",
                check: variable)),
        .duration(
            "keepalive", \.keepalive, .seconds(5) ... .seconds(64_800),
            "After one and a half times this long without a sign of life, the broker says that vebridge is gone."),
        .duration(
            "reconnect_min", \.reconnectMin, .milliseconds(100) ... .seconds(3600),
            "The wait before the first attempt to connect again. It doubles with every attempt that fails."),
        .duration(
            "reconnect_max", \.reconnectMax, .seconds(1) ... .seconds(86_400),
            "The longest wait between attempts to connect. There is no last attempt."),
        .duration(
            "will_delay", \.willDelay, .seconds(1) ... .seconds(3600), zero: "at once",
            """
            How long the broker waits before it says that vebridge is gone, so that a short break is not seen. Needs \
            MQTT 5.
            """),
        .duration(
            "session_expiry", \.sessionExpiry, .seconds(1) ... .seconds(604_800), zero: "nothing is kept",
            "How long the broker keeps requests to vebridge while the connection is lost. Needs MQTT 5."),
        .list(
            "send", \.send, allowed: "a list of topics, + and # as in MQTT",
            "Which topics this broker is sent. A slash at the beginning of a topic does not count.", check: filter),
        .count(
            "queue", \.queue, 100...100_000,
            """
            How many messages may wait for this broker: on the way, and of different topics while it is away. Of one \
            topic only the latest waits.
            """),
    ]

    private static let offline = Section(
        name: "broker.offline", summary: "What is kept while the broker is away, besides the latest of each topic.",
        options: offlineOptions.map { $0.lifted(\.broker) })

    static let offlineOptions: [ConfigurationOption<Configuration.Broker>] = [
        .list(
            "samples", \.offline.samples, allowed: "a list of topics, + and # as in MQTT",
            """
            Topics of which every value is kept, with its time, and sent on return: as JSON, on the topic with \
            /missed after it. For example "venetworking/+/edbc".
            """, check: filter),
        .count("limit", \.offline.limit, 1...1_000_000, "How many values are kept at most; the oldest go first."),
    ]

    private static let tls = Section(
        name: "broker.tls",
        summary: """
            Whom to trust, for mqtts:// and for brokers found by mdns:. Relative paths start from this file's \
            directory. TLS 1.2 is the oldest version spoken.
            """, options: tlsOptions.map { $0.lifted(\.broker) })

    static let tlsOptions: [ConfigurationOption<Configuration.Broker>] = [
        .path(
            "ca_file", \.tls.caFile, allowed: "a path, or \"\"",
            "The authorities that may sign the broker's certificate, as PEM. Empty: those of the system."),
        .path(
            "certificate", \.tls.certificate, allowed: "a path, or \"\"",
            "The certificate that vebridge shows to the broker, as PEM. Empty: none."),
        .path(
            "key", \.tls.key, allowed: "a path, or \"\"",
            "The private key of the certificate, as PEM, not encrypted."),
        .text(
            "server_name", \.tls.serverName, allowed: "a host name or address, or \"\"",
            "The name that the broker's certificate must carry. Empty: the host that is connected to.",
            check: printable),
        .fingerprints(
            "fingerprint", \.tls.fingerprint,
            """
            Accepts the certificate with this SHA-256 and no other, whoever signed it and whatever it names. With a \
            list a certificate can be changed without a gap. What a broker presents is in the log when it is refused.
            """),
        .flag(
            "trust_on_first_use", \.tls.trustOnFirstUse,
            """
            Whether the certificate of the first connection is the one that is accepted ever after. It is kept in \
            bridge.state_directory.
            """),
        .text(
            "psk_identity", \.tls.pskIdentity, allowed: "a text of at most 127 bytes, or \"\"",
            "The name of a pre-shared key, used in place of certificates. Empty: none.", check: pskIdentity),
        .path(
            "psk_file", \.tls.pskFile, allowed: "a path, or \"\"",
            "A file with the pre-shared key in hex digits and nothing else."),
        sensitive(
            .text(
                "psk_env", \.tls.pskEnvironment, allowed: "the name of a variable, or \"\"",
                "The variable of the environment that holds the pre-shared key.", check: variable)),
    ]

    /// What further a `[[brokers]]` has.
    static let nameOption = ConfigurationOption<Configuration.Broker>.text(
        "name", \.name, allowed: "a text, or \"\"", "What this broker is called in the log. Empty: its address.",
        check: printable)

    /// What a `[[brokers]]` is about.
    static let brokerSummary =
        """
        Further brokers, each with its own filter and queue; the table may stand here many times. It takes what \
        [broker] takes, and [brokers.offline] and [brokers.tls] after it what [broker.offline] and [broker.tls] take.
        """

    private static let poll = Section(
        name: "poll", summary: "How often chargers are asked. What they say unasked is published as it comes.",
        options: [
            .duration(
                "fast", \.poll.fast, .milliseconds(100) ... .seconds(3600), zero: "back to back",
                "The period of a round of what changes all the time: power, current, voltage."),
            .duration(
                "slow", \.poll.slow, .seconds(1) ... .seconds(86_400),
                "The period of what changes over minutes: charge state, yield, temperature."),
            .duration(
                "constant", \.poll.constant, .seconds(10) ... .seconds(604_800),
                "The period of what never changes: product, serial number, firmware."),
            .duration(
                "settings", \.poll.settings, .seconds(10) ... .seconds(604_800),
                "The period of the charger's settings. vebridge reads them and never writes them."),
            .duration(
                "night", \.poll.night, .seconds(1) ... .seconds(600), zero: "as by day",
                """
                The period of a round while a charger's panels are dark: no power, and a voltage below the battery's. \
                What is asked at the period slow is asked four times as seldom as this. To be useful it is longer \
                than fast.
                """),
            .duration(
                "night_after", \.poll.nightAfter, .seconds(1) ... .seconds(86_400),
                "How long panels must be dark before their charger is asked less often."),
            .flag(
                "text", \.poll.text,
                "Whether the TEXT blocks that a charger sends every second while nobody asks are read too."),
        ])

    private static let masterbus = Section(
        name: "masterbus", summary: "How a MasterBus is spoken to. vebridge asks, and never writes.",
        options: [
            .flag(
                "listen_only", \.masterbus.listenOnly,
                "Whether nothing at all is sent. Values then come only while a display is awake and asks for them."),
            .duration(
                "fast", \.masterbus.fast, .milliseconds(100) ... .seconds(3600),
                "The period of what changes by the second: volts, amps, watts, states and switches."),
            .duration(
                "slow", \.masterbus.slow, .seconds(1) ... .seconds(86_400),
                "The period of everything else: charge, capacity, temperature, time and date."),
            .flag(
                "discover", \.masterbus.discover,
                "Whether devices are asked once for their attributes, and for the names, units and options of these."),
            .flag(
                "describe", \.masterbus.describe,
                """
                Whether name, unit and options of an attribute are published beside its value, in /name, /unit and \
                /options below its topic, kept by the broker.
                """),
            .text(
                "address", \.masterbus.address, allowed: "hex digits, 0x1 to 0x3FFFF",
                "The unique id with which vebridge says hello. No device may have it.", check: uniqueID),
            .text(
                "shunt", \.masterbus.shunt, allowed: "the number of a device, as in its topics, or \"\"",
                """
                The device whose figures stand for the battery, such as the cluster of several battery modules. Empty: \
                the only one of its kind; of several none, and a warning names them.
                """,
                check: optionalUniqueID),
        ])

    private static let serial = Section(
        name: "serial", summary: "Serial lines.",
        options: [
            .integer(
                "baud", \.serial.baud, among: [1200, 2400, 4800, 9600, 19200, 38400, 57600, 115_200],
                "Bits a second. VE.Direct has 19200; only a converter in between would need another."),
            .flag("dtr", \.serial.dtr, "Whether DTR is raised. An isolated RS232 cable is fed by DTR and RTS."),
            .flag("rts", \.serial.rts, "Whether RTS is raised."),
            .flag(
                "low_latency", \.serial.lowLatency,
                "Whether the driver is asked to pass on every byte at once rather than every 16 ms."),
        ])

    /// The options of a `[[port]]`.
    static let port: [ConfigurationOption<Configuration.PortOverride>] = {
        var path = ConfigurationOption<Configuration.PortOverride>.text(
            "path", \.path, allowed: "a path or pattern", "The port, by any of its names, or a pattern.",
            check: portPath)
        path.sample = "\"/dev/ttyUSB0\""
        return [
            path,
            .flag("dtr", \.dtr, sample: true, "DTR of this port. Not given: as in [serial]."),
            .flag("rts", \.rts, sample: true, "RTS of this port. Not given: as in [serial]."),
        ]
    }()

    /// What a `[[port]]` is about.
    static let portSummary =
        "Settings of a single port; the table may stand here many times. The first whose path matches counts."

    private static let log = Section(
        name: "log", summary: "The log.",
        options: [
            .word("level", \.log.level, "The least important messages that are still written."),
            .word("format", \.log.format, "\"text\" is for people, \"json\" writes one object a line."),
            .word(
                "output", \.log.output,
                """
                "stderr" writes lines; "journal" gives systemd's journal records with fields, such as VEBRIDGE_PORT, \
                to look for with journalctl.
                """),
        ])

    private static let syslog = Section(
        name: "log.syslog", summary: "A log server that speaks RFC 5424, beside the local log.",
        options: [
            .text(
                "address", \.log.syslog.address, allowed: "udp://host, tcp://host or tls://host, or \"\"",
                "Where it is. The ports are 514, 601 and 6514 unless given. Empty: there is none.", check: syslogAddress
            ),
            .word("level", \.log.syslog.level, "The least important messages that are still sent."),
            .word("facility", \.log.syslog.facility, "The part of the system that records are said to come from."),
            .path(
                "ca_file", \.log.syslog.caFile, allowed: "a path, or \"\"",
                "For tls://: the authorities that may sign the server's certificate. Empty: those of the system."),
            .fingerprints(
                "fingerprint", \.log.syslog.fingerprint, "For tls://: accepts the certificate with this SHA-256 only."),
        ])

    private static let logTopic = Section(
        name: "log.mqtt", summary: "The log as a topic, vebridge/bridge/log, one JSON object a message.",
        options: [
            .flag("enabled", \.log.mqtt.enabled, "Whether there is such a topic."),
            .word(
                "level", \.log.mqtt.level,
                """
                The least important messages that are still published. A message such as "debug" to \
                vebridge/bridge/request/log_level changes it until the next start.
                """),
            .count(
                "rate", \.log.mqtt.rate, 1...6000,
                "How many records a minute are published; what is left out is counted in the next one."),
        ])

    private static let bridge = Section(
        name: "bridge", summary: "The daemon itself.",
        options: [
            .text(
                "topic", \.bridge.topic, allowed: "the first part of a topic",
                "The first part of the topics about the daemon, such as vebridge/bridge/state.", check: topic),
            .text(
                "name", \.bridge.name, allowed: "a word, or \"\"",
                """
                Where several bridges publish to one broker, each needs a name of its own: with the name "roof" the \
                topics about the daemon are vebridge/bridge/roof/state and so on.
                """, check: bridgeName),
            .duration(
                "interval", \.bridge.interval, .seconds(5) ... .seconds(86_400), zero: "only when something changes",
                "How often vebridge/bridge/health, …/devices and …/ports are published."),
            .list(
                "reply_topics", \.bridge.replyTopics, allowed: "a list of the first parts of topics",
                """
                With MQTT 5 a request can name the topic for its answer. Answers go only below \
                vebridge/bridge/response/ and below the topics in this list, such as "clients"; a response topic \
                elsewhere is ignored, and the answer goes to the usual topic.
                """, check: topic),
            .path(
                "state_directory", \.bridge.stateDirectory, allowed: "a path, or \"\"",
                """
                Where the daemon keeps what must outlive it. Empty: nothing is kept. With systemd's \
                StateDirectory=vebridge it is "/var/lib/vebridge".
                """),
        ])

    // MARK: Marks

    private static func sensitive<Root>(_ option: ConfigurationOption<Root>) -> ConfigurationOption<Root> {
        var option = option
        option.isSensitive = true
        return option
    }

    // MARK: Checks

    private static func portPath(_ text: String) throws(Problem) {
        guard !text.isEmpty else { throw Problem("has an empty path", hint: "write a path such as \"/dev/ttyUSB0\"") }
        guard text.hasPrefix("/") else {
            let hint =
                text.hasPrefix("tty") ? "did you mean \(tomlQuoted("/dev/" + text))?" : "write the path from the root"
            throw Problem("has \(tomlQuoted(text)), which is not a path that begins with '/'", hint: hint)
        }
        try printable(text)
    }

    private static func canLink(_ text: String) throws(Problem) {
        do throws(CANSource.ParseError) {
            _ = try CANSource(parsing: text)
        } catch {
            throw Problem("has a link that is none", hint: error.description)
        }
        try printable(text)
    }

    private static func uniqueID(_ text: String) throws(Problem) {
        guard Configuration.MasterBus.uniqueID(text) != nil else {
            throw Problem("cannot be \(tomlQuoted(text))", hint: "write hex digits such as \"0x351D6\"")
        }
    }

    private static func optionalUniqueID(_ text: String) throws(Problem) {
        if !text.isEmpty { try uniqueID(text) }
    }

    static func topic(_ text: String) throws(Problem) {
        guard !text.isEmpty else { throw Problem("cannot be empty") }
        try printable(text)
        guard !text.contains(where: { $0 == "+" || $0 == "#" }) else {
            throw Problem("cannot be \(tomlQuoted(text))", hint: "'+' and '#' stand for other topics in MQTT")
        }
        guard !text.hasPrefix("$") else {
            throw Problem("cannot be \(tomlQuoted(text))", hint: "topics that begin with '$' are the broker's own")
        }
        guard !text.hasSuffix("/") else {
            var trimmed = text[...]
            while trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
            let hint = trimmed.isEmpty ? nil : "did you mean \(tomlQuoted(String(trimmed)))?"
            throw Problem("ends with a slash, which is added by itself", hint: hint)
        }
        guard text.utf8.count <= 1024 else { throw Problem("is longer than 1024 bytes") }
    }

    private static func bridgeName(_ text: String) throws(Problem) {
        let isWord = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                || $0 == 0x5F
        }
        guard isWord, text.utf8.count <= 64 else {
            throw Problem("cannot be \(tomlQuoted(text))", hint: "up to 64 letters, digits, '-' and '_'")
        }
        // The names of the topics below.
        guard !["state", "info", "health", "devices", "ports", "log", "request", "response"].contains(text) else {
            throw Problem("cannot be \(tomlQuoted(text)), which is the name of a topic there")
        }
    }

    private static func printable(_ text: String) throws(Problem) {
        guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw Problem("holds a control character")
        }
    }

    private static func clientID(_ text: String) throws(Problem) {
        try printable(text)
        guard text.utf8.count <= 256 else { throw Problem("is longer than 256 bytes") }
    }

    private static func serialNumber(_ text: String) throws(Problem) {
        let isWord = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        }
        guard isWord, text.utf8.count <= 32 else {
            throw Problem("cannot be \(tomlQuoted(text))", hint: "a serial number looks like \"HQ2012ABCDE\"")
        }
    }

    // Somebody may have put the password itself here: nothing of the value is quoted.
    private static func variable(_ text: String) throws(Problem) {
        if text.hasPrefix("$") {
            throw Problem("holds a '$'", hint: "write the bare name of the variable, such as \"MQTT_PASSWORD\"")
        }
        let isName = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || $0 == UInt8(ascii: "_")
        }
        guard isName, text.first?.isNumber != true else {
            throw Problem(
                "is not the name of a variable", hint: "write the name of a variable, such as \"MQTT_PASSWORD\"")
        }
    }

    private static func filter(_ text: String) throws(Problem) {
        try printable(text)
        guard TopicFilter(text) != nil else {
            throw Problem(
                "has \(tomlQuoted(text)), which is no topic", hint: "'+' stands for one level, '#' for the rest, alone")
        }
    }

    private static func pskIdentity(_ text: String) throws(Problem) {
        try printable(text)
        guard text.utf8.count <= 127 else { throw Problem("is longer than 127 bytes") }
    }

    private static func syslogAddress(_ text: String) throws(Problem) {
        guard text.isEmpty || SyslogAddress(text) != nil else {
            throw Problem("is not the address of a log server", hint: "write for example \"udp://log.lan:514\"")
        }
    }
}
