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
    static let sections: [Section] = [root, schema, broker, tls, poll, masterbus, serial, log, bridge]

    /// The name of the array of tables with the settings of single ports.
    static let portTable = "port"

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
                "interval", \.schema.interval, .seconds(1) ... .seconds(86_400),
                "The heartbeat: a value that does not change is published again after this long."),
            .text(
                "master", \.schema.master, allowed: "a serial number, or \"\"",
                """
                The serial number of the charger that stands for the network of chargers. Empty: the one that says \
                it is the master, else the first by serial number.
                """, check: serialNumber),
            .flag(
                "derive_setpoint", \.schema.deriveSetpoint,
                """
                Whether register 2001, the set-point of the network, is made up from the set-point of the present \
                charge state where the chargers are not networked.
                """),
        ])

    private static let broker = Section(
        name: "broker", summary: "The MQTT broker.",
        options: [
            .address(
                "url", \.broker.url,
                """
                Where the broker is. mqtt:// is plain, port 1883 unless given; mqtts:// is TLS, port 8883 unless \
                given. An IPv6 address stands in brackets: mqtt://[::1]. A user may stand before the host: \
                mqtt://user@host.
                """),
            .text(
                "client_id", \.broker.clientID, allowed: "a text",
                """
                The name of this client, which no other client of the broker may have. Empty: "vebridge-" and the \
                name of the host.
                """, check: clientID),
            .text("username", \.broker.username, "The user to log in as. Empty: none.", check: printable),
            .secret(
                "password", \.broker.password,
                """
                The password. Better kept out of this file: give password_file or password_env instead, only one of \
                the three.
                """),
            .path(
                "password_file", \.broker.passwordFile, allowed: "a path, or \"\"",
                """
                A file with the password and nothing else; a line end after it does not count. With systemd's \
                LoadCredential=mqtt:FILE it is "/run/credentials/vebridge.service/mqtt".
                """),
            sensitive(
                .text(
                    "password_env", \.broker.passwordEnvironment, allowed: "the name of a variable, or \"\"",
                    "The variable of the environment that holds the password, such as \"MQTT_PASSWORD\".",
                    check: variable)),
            .duration(
                "keepalive", \.broker.keepalive, .seconds(5) ... .seconds(64_800),
                "After one and a half times this long without a sign of life, the broker says that vebridge is gone."),
            .duration(
                "reconnect_min", \.broker.reconnectMin, .milliseconds(100) ... .seconds(3600),
                "The wait before the first attempt to connect again. It doubles with every attempt that fails."),
            .duration(
                "reconnect_max", \.broker.reconnectMax, .seconds(1) ... .seconds(86_400),
                "The longest wait between attempts to connect. There is no last attempt."),
        ])

    private static let tls = Section(
        name: "broker.tls",
        summary: "Certificates, for mqtts:// only. Relative paths start from this file's directory.",
        options: [
            .path(
                "ca_file", \.broker.tls.caFile, allowed: "a path, or \"\"",
                "The authorities that may sign the broker's certificate, as PEM. Empty: those of the system."),
            .path(
                "certificate", \.broker.tls.certificate, allowed: "a path, or \"\"",
                "The certificate that vebridge shows to the broker, as PEM. Empty: none."),
            .path(
                "key", \.broker.tls.key, allowed: "a path, or \"\"",
                "The private key of the certificate, as PEM, not encrypted."),
            undocumented(
                .text(
                    "fingerprint", \.broker.tls.fingerprint, allowed: "64 hex digits, or \"\"",
                    "SHA-256 of the broker's certificate.", check: fingerprint)),
        ])

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
                "The shunt whose figures stand for the battery. Empty: the first one on the bus.",
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
        name: "log", summary: "The log, on standard error.",
        options: [
            .word("level", \.log.level, "The least important messages that are still written."),
            .word("format", \.log.format, "\"text\" is for people, \"json\" writes one object a line."),
        ])

    private static let bridge = Section(
        name: "bridge", summary: "The daemon itself.",
        options: [
            .text(
                "topic", \.bridge.topic, allowed: "the first part of a topic",
                "The first part of the topics about the daemon, such as vebridge/bridge/state.", check: topic),
            .path(
                "state_directory", \.bridge.stateDirectory, allowed: "a path, or \"\"",
                """
                Where the daemon keeps what must outlive it. Empty: nothing is kept. With systemd's \
                StateDirectory=vebridge it is "/var/lib/vebridge".
                """),
        ])

    // MARK: Marks

    private static func sensitive(_ option: Option) -> Option {
        var option = option
        option.isSensitive = true
        return option
    }

    private static func undocumented(_ option: Option) -> Option {
        var option = option
        option.isDocumented = false
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

    private static func topic(_ text: String) throws(Problem) {
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

    private static func fingerprint(_ text: String) throws(Problem) {
        let digits = text.filter { $0 != ":" }
        guard text.isEmpty || (digits.utf8.count == 64 && digits.allSatisfy { $0.isASCII && $0.isHexDigit }) else {
            throw Problem("is not the SHA-256 of a certificate", hint: "it has 64 hex digits, colons between or not")
        }
    }
}
