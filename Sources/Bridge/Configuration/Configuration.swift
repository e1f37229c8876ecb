import Glibc
import Logging

/// What the daemon is told to do. `Configuration()` holds the defaults; every value is changeable, so that a command
/// line can have the last word.
///
/// The options' names, limits and explanations are in the catalogue of options, from which the example file is made.
public struct Configuration: Sendable, Equatable {
    /// Serial ports: paths, or patterns as the shell has them (`*`, `?`, `[…]`) that are watched.
    public var ports: [String] = []
    /// Serial ports with several chargers behind a switch.
    public var multiplexers: [Multiplexer] = []
    /// Links to a MasterBus: `can0`, `slcan:/dev/ttyACM0`, `replay:FILE`.
    public var can: [String] = []
    /// Names and payloads of the topics.
    public var schema = Schema()
    /// The topics for people.
    public var readable = Readable()
    /// What Home Assistant is told.
    public var homeAssistant = HomeAssistant()
    /// The broker and the way to it.
    public var broker = Broker()
    /// Further brokers, each with a way, a filter and a queue of its own.
    public var brokers: [Broker] = []
    /// How often registers are asked for.
    public var poll = Poll()
    /// How a MasterBus is spoken to.
    public var masterbus = MasterBus()
    /// How serial lines are set up, unless a port has its own entry.
    public var serial = Serial()
    /// Settings of single ports, the first that matches a port counts.
    public var portOverrides: [PortOverride] = []
    /// What is logged and how.
    public var log = Log()
    /// The daemon's own state.
    public var bridge = Bridge()
    /// What is kept of the past.
    public var history = History()
    /// The page, the interface for programs and the metrics.
    public var web = Web()
    /// Updates from afar.
    public var updates = Updates()
    /// The file that this was read from, in full; empty: none.
    public internal(set) var file = ""

    /// The defaults.
    public init() {}

    /// Names and payloads of the topics.
    public struct Schema: Sendable, Equatable {
        /// Whose spelling of the topics is used.
        public enum Style: String, Sendable, CaseIterable {
            /// A leading slash, register digits in lower case.
            case documented
            /// As the firmware of the BLE bridge has it: no leading slash, register digits in upper case.
            case firmware

            /// What stands before the charger's serial number unless the configuration says otherwise.
            public var defaultPrefix: String { self == .documented ? "/venetworking" : "venetworking" }
            /// What stands before a MasterBus device unless the configuration says otherwise.
            public var defaultMasterBusPrefix: String { self == .documented ? "/masterbus" : "masterbus" }
            /// Whether the four hex digits of a register are in upper case.
            public var registersInUpperCase: Bool { self == .firmware }
        }

        /// Which registers have a topic.
        public enum Registers: String, Sendable, CaseIterable {
            /// Those of the documented schema.
            case documented
            /// Every one that a charger answers.
            case all
        }

        /// Whose spelling of the topics is used.
        public var style = Style.documented
        /// What stands before the charger's serial number; no slash at the end.
        public var prefix = Style.documented.defaultPrefix
        /// What stands before a MasterBus device; no slash at the end.
        public var masterbusPrefix = Style.documented.defaultMasterBusPrefix
        /// Which registers have a topic.
        public var registers = Registers.documented
        /// Whether the broker keeps the last value of a topic.
        public var retain = false
        /// Quality of service, 0, 1 or 2.
        public var qos = 1
        /// How long the broker keeps a value for those who are away or subscribe later; zero: for ever. MQTT 5 only.
        public var expiry = Duration.zero
        /// A value that does not change is published again after this long.
        public var interval = Duration.seconds(60)
        /// The serial number of the solar charger that stands for the network; empty: see ``Plant/master(at:)``.
        public var master = ""
        /// Whether register 2001 is made up from the set-point of the charge state where there is no network.
        public var deriveSetpoint = false
    }

    /// The broker and the way to it.
    public struct Broker: Sendable, Equatable {
        /// Where the broker is. User and password are moved to ``username`` and ``password`` when a file is read.
        public var url = BrokerURL.server(.init(transport: .mqtt, host: "localhost"))
        /// The client's name; empty: made up, see ``clientIdentifier(hostName:mark:)``.
        public var clientID = ""
        /// The user, whether given by itself or in the address; empty: none.
        public var username = ""
        /// The password, wherever it came from; nil: none.
        public var password: Secret?
        /// The file the password was read from; empty: none.
        public var passwordFile = ""
        /// The variable of the environment the password was taken from; empty: none.
        public var passwordEnvironment = ""
        /// Silence after which the broker takes the client for dead.
        public var keepalive = Duration.seconds(30)
        /// The wait before the first attempt to connect again.
        public var reconnectMin = Duration.milliseconds(500)
        /// The longest wait between attempts to connect.
        public var reconnectMax = Duration.milliseconds(1500)
        /// How long the broker waits before it says that vebridge is gone; MQTT 5 only.
        public var willDelay = Duration.zero
        /// How long the broker keeps requests for vebridge while it is away; MQTT 5 only.
        public var sessionExpiry = Duration.zero
        /// What it is called in the log; empty: its address.
        public var name = ""
        /// Which topics it is sent.
        public var send: [String] = ["#"]
        /// How many messages may wait for it.
        public var queue = 8192
        /// What is kept for it while it is away.
        public var offline = Offline()
        /// Whom to trust; used with `mqtts:` and `mdns:` only.
        public var tls = TLS()

        /// The defaults.
        public init() {}

        /// The name to give the broker: ``clientID``, or `vebridge-`, the host's name without its domain, and a mark
        /// that tells this vebridge from others.
        public func clientIdentifier(hostName: String, mark: String) -> String {
            guard clientID.isEmpty else { return clientID }
            let host = hostName.prefix { $0 != "." }
            return ["vebridge", String(host), mark].filter { !$0.isEmpty }.joined(separator: "-")
        }

        /// Takes another address; a user or password in it replaces the ones there are.
        public mutating func use(_ address: BrokerURL) {
            url = address
            guard case .server(var server) = address else { return }
            if let user = server.user {
                username = user
                // A password belongs to its user: the one of another user is of no use.
                password = server.password
                passwordFile = ""
                passwordEnvironment = ""
            }
            server.user = nil
            server.password = nil
            url = .server(server)
        }
    }

    /// What is kept for a broker that is away.
    public struct Offline: Sendable, Equatable {
        /// The topics whose missed samples are kept and sent on return, with their times.
        public var samples: [String] = []
        /// How many samples are kept; the oldest go first.
        public var limit = 10_000
    }

    /// Whom to trust on a connection by TLS, and what to show.
    public struct TLS: Sendable, Equatable {
        /// Authorities that may sign the broker's certificate, PEM; empty: the system's.
        public var caFile = ""
        /// The client's certificate, PEM; empty: none.
        public var certificate = ""
        /// The key of ``certificate``, PEM.
        public var key = ""
        /// The name that the broker's certificate must carry; empty: the host that is connected to.
        public var serverName = ""
        /// The certificates that are accepted; empty: those that an authority signed.
        public var fingerprint: [CertificateFingerprint] = []
        /// Whether the certificate of the first connection is the one that is accepted ever after.
        public var trustOnFirstUse = false
        /// The name of the pre-shared key; empty: certificates are used.
        public var pskIdentity = ""
        /// The file that the pre-shared key was read from; empty: none.
        public var pskFile = ""
        /// The variable of the environment that the pre-shared key was taken from; empty: none.
        public var pskEnvironment = ""
        /// The pre-shared key in hex digits, wherever it came from; nil: none.
        public var preSharedKey: Secret?

        /// The defaults: whom the system trusts.
        public init() {}
    }

    /// How often registers are asked for.
    public struct Poll: Sendable, Equatable {
        /// The period of a round of the registers that change all the time; zero: back to back.
        public var fast = Duration.seconds(1)
        /// The period of those that change over minutes.
        public var slow = Duration.seconds(10)
        /// The period of those that never change: product, serial number, firmware.
        public var constant = Duration.seconds(3600)
        /// The period of the charger's settings.
        public var settings = Duration.seconds(3600)
        /// The period of a round while a charger's panels are dark; zero: as by day.
        public var night = Duration.seconds(15)
        /// How long panels must be dark before their charger is asked less often.
        public var nightAfter = Duration.seconds(300)
        /// Whether the TEXT blocks that chargers send by themselves are read too.
        public var text = true
    }

    /// How a MasterBus is spoken to.
    public struct MasterBus: Sendable, Equatable {
        /// The unique id in a text such as `0x351D6`; nil for what is none.
        static func uniqueID(_ text: String) -> UInt32? {
            let digits = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : text[...]
            guard let number = UInt32(digits, radix: 16), (1...0x3_FFFF).contains(number) else { return nil }
            return number
        }

        /// Whether nothing at all is sent.
        public var listenOnly = false
        /// The period of what changes by the second: volts, amps, watts, states and switches.
        public var fast = Duration.seconds(1)
        /// The period of everything else.
        public var slow = Duration.seconds(10)
        /// Whether devices are asked for the names, units and options of their attributes.
        public var discover = true
        /// Whether name, unit and options are published beside the values.
        public var describe = true
        /// The unique id with which vebridge says hello, 18 bits in hex digits.
        public var address = "0x351D6"
        /// The unique id of the device whose figures stand for the battery; empty: the only one of its kind.
        public var shunt = ""
        /// How much faster than recorded a log is played; zero: as fast as it goes.
        public var replaySpeed = 1.0
    }

    /// How a serial line is set up.
    public struct Serial: Sendable, Equatable {
        /// Bits a second.
        public var baud = 19200
        /// Whether DTR is raised.
        public var dtr = true
        /// Whether RTS is raised.
        public var rts = true
        /// Whether the driver is asked to pass on every byte at once.
        public var lowLatency = true

        /// The settings that an isolated VE.Direct cable needs.
        public init() {}
    }

    /// What is different for one port.
    public struct PortOverride: Sendable, Equatable {
        /// The port's path, or a pattern that it matches.
        public var path = ""
        /// DTR, if it differs.
        public var dtr: Bool?
        /// RTS, if it differs.
        public var rts: Bool?

        /// Makes an entry.
        public init(path: String = "", dtr: Bool? = nil, rts: Bool? = nil) {
            self.path = path
            self.dtr = dtr
            self.rts = rts
        }
    }

    /// What is logged and how.
    public struct Log: Sendable, Equatable {
        /// How a line of the log looks.
        public enum Format: String, Sendable, CaseIterable {
            /// For people.
            case text
            /// One JSON object a line.
            case json
        }

        /// Where the local log goes.
        public enum Output: String, Sendable, CaseIterable {
            /// Lines on standard error.
            case stderr
            /// Records with fields to systemd's journal; lines where there is no journal.
            case journal
        }

        /// The least important messages that are still written.
        public var level = Logger.Level.info
        /// How a line of the log looks.
        public var format = Format.text
        /// Where the local log goes.
        public var output = Output.stderr
        /// A log server.
        public var syslog = Syslog()
        /// The log as a topic.
        public var mqtt = MQTT()

        /// A log server that speaks RFC 5424.
        public struct Syslog: Sendable, Equatable {
            /// The part of a system that a record is said to come from.
            public enum Facility: String, Sendable, CaseIterable {
                case user, daemon, local0, local1, local2, local3, local4, local5, local6, local7

                /// Its number in a priority.
                var code: Int {
                    switch self {
                    case .user: 1
                    case .daemon: 3
                    case .local0: 16
                    case .local1: 17
                    case .local2: 18
                    case .local3: 19
                    case .local4: 20
                    case .local5: 21
                    case .local6: 22
                    case .local7: 23
                    }
                }
            }

            /// `udp://host:514`, `tcp://host:601` or `tls://host:6514`; empty: none.
            public var address = ""
            /// The least important messages that are still sent.
            public var level = Logger.Level.info
            /// The part of a system that records are said to come from.
            public var facility = Facility.daemon
            /// Authorities that may sign the server's certificate, PEM; empty: the system's.
            public var caFile = ""
            /// The certificates that are accepted; empty: those that an authority signed.
            public var fingerprint: [CertificateFingerprint] = []
        }

        /// The log as a topic.
        public struct MQTT: Sendable, Equatable {
            /// Whether there is such a topic.
            public var enabled = true
            /// The least important messages that are still published; can be changed while it runs.
            public var level = Logger.Level.notice
            /// How many records a minute are published; bursts may take a minute's share at once.
            public var rate = 120
        }
    }

    /// The daemon's own state.
    public struct Bridge: Sendable, Equatable {
        /// The first part of the topics about the daemon itself, as in `vebridge/bridge/state`.
        public var topic = "vebridge"
        /// Tells this vebridge from others that publish below the same topic; empty: there are no others.
        public var name = ""
        /// How often the daemon tells how it is; zero: only when something changes.
        public var interval = Duration.seconds(60)
        /// The first parts of topics below which answers may go that a request asks for elsewhere (MQTT 5).
        public var replyTopics: [String] = []
        /// Where the daemon keeps what must outlive it; empty: nowhere.
        public var stateDirectory = ""

        /// What stands before the topics about the daemon: `vebridge/bridge`, or with a name `vebridge/bridge/NAME`.
        public var place: String { topic + "/bridge" + (name.isEmpty ? "" : "/" + name) }
    }

    /// Lays what a command line says over what a file says; nil leaves the file's word.
    public mutating func apply(ports: [String]? = nil, can: [String]? = nil, broker: BrokerURL? = nil) {
        if let ports { self.ports = ports }
        if let can { self.can = can }
        if let broker { self.broker.use(broker) }
    }

    /// The settings of the line at `path`; `aliases` are other names of the same device, such as links to it.
    public func serialSettings(path: String, aliases: [String] = []) -> Serial {
        var settings = serial
        let names = [path] + aliases
        if let port = portOverrides.first(where: { port in names.contains { port.matches($0) } }) {
            settings.dtr = port.dtr ?? settings.dtr
            settings.rts = port.rts ?? settings.rts
        }
        return settings
    }
}

extension Configuration.PortOverride {
    func matches(_ name: String) -> Bool {
        name == path || fnmatch(path, name, FNM_PATHNAME) == 0
    }
}
