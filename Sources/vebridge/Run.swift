import ArgumentParser
import Bridge
import Glibc
import Logging
import Web

/// The daemon.
struct Run: ParsableCommand, Sendable {
    static let configuration = CommandConfiguration(
        abstract: "Read every port and publish (the default).",
        discussion: """
              vebridge --ports /dev/ttyUSB0 /dev/ttyUSB1 --broker mqtt://me@boat
              vebridge --ports '/dev/ttyUSB*'            quoted: ports that appear
                                                         later are taken up
              vebridge --ports '/dev/ttyUSB*' --can can0 chargers and a MasterBus
              vebridge --can slcan:/dev/ttyACM0          a MasterBus by an adapter
              vebridge --can replay:candump.log --dry-run
                                                         a log, as it was recorded;
                                                         --replay-speed max at once
              vebridge --config /etc/vebridge/vebridge.toml
              vebridge --ports /dev/ttyUSB0 --once --dry-run

            Without --broker the broker is mqtt://localhost. A password comes from
            the configuration file, from a file or the environment named there, and
            never from the command line, where others could read it.
            """)

    @OptionGroup var options: BridgeOptions

    @Flag(help: "Print 'topic payload' lines instead of publishing.")
    var dryRun = false

    @Flag(help: "With --dry-run: the readable topics as well.")
    var readable = false

    @Flag(help: "Poll every port once, publish, and exit.")
    var once = false

    func run() throws {
        var configuration = try load()
        try requireDescriptors()
        let reload = Reload(configuration)
        // What the command line says stays said.
        let (file, again) = (options.config, self)
        let lock = StateLock()
        try lockState(of: configuration, lock)
        let readAgain: @Sendable () -> Void = {
            reload.read(file) {
                let next = try again.load()
                try again.lockState(of: next, lock)
                return next
            }
        }
        StopSignals.watch({ reload.stop($0) }, hangUp: once ? nil : readAgain)
        while true {
            let outcome = try run(configuration, reload)
            if case .done = outcome, let next = reload.takeNext() {
                configuration = next
                lock.release(except: configuration)
                continue
            }
            return try end(outcome)
        }
    }

    /// Ends the command where another daemon keeps its state in the same place. A run that keeps none needs no lock.
    private func lockState(of configuration: Configuration, _ lock: StateLock) throws {
        guard !once, !dryRun else { return }
        do {
            try lock.acquire(configuration)
        } catch {
            Terminal.complain(error.description)
            throw Status.failed.exit
        }
    }

    private func load() throws -> Configuration {
        var configuration = try options.load()
        try options.requireSources(configuration)
        configuration.readable.isPrinted = readable
        return configuration
    }

    /// Raises the limit of open files; ends the command where even that is too low to work with.
    private func requireDescriptors() throws {
        let limit = DescriptorLimit.raise()
        guard limit < DescriptorLimit.least else { return }
        Terminal.complain(
            "the limit of open files is \(limit); vebridge needs \(DescriptorLimit.least) at least "
                + "(ulimit -n, or LimitNOFILE= in the unit)")
        throw Status.failed.exit
    }

    /// One daemon, from its beginning to its end.
    private func run(_ configuration: Configuration, _ reload: Reload) throws -> Daemon.Outcome {
        let mailbox = Mailbox()
        let log = options.logger(configuration)
        log.debug("configuration in force", metadata: ["configuration": .string(configuration.redactedDescription())])
        defer { LogOutlets.behind(log)?.finish() }
        guard reload.begin(mailbox, log) else { return .done }
        let output: Daemon.Output = dryRun ? .lines { Terminal.print($0) } : .broker
        let daemon = Daemon(configuration: configuration, output: output, once: once, log: log, mailbox: mailbox)
        // Who only looks at what would be published leaves no traces, and takes no address.
        let server =
            once || dryRun
            ? nil : WebServer(configuration, mailbox: mailbox, ring: LogOutlets.behind(log)?.ring, log: log)
        server?.start()
        defer { server?.stop() }
        return daemon.run()
    }

    private func end(_ outcome: Daemon.Outcome) throws {
        switch outcome {
        case .done: return
        case .nothingToDo(let reason):
            Terminal.complain(reason)
            throw Status.nothingToDo.exit
        case .failed(let reason):
            Terminal.complain(reason)
            throw Status.failed.exit
        }
    }
}

/// What every command that bridges takes.
struct BridgeOptions: ParsableArguments, Sendable {
    @Option(parsing: .upToNextOption, help: "Serial ports, or quoted patterns that are watched.")
    var ports: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: "Links to a MasterBus: can0, slcan:/dev/ttyACM0 or replay:FILE (a candump -L log).")
    var can: [String] = []

    @Flag(help: "Send nothing on a MasterBus; values come only while a display is awake.")
    var listenOnly = false

    @Option(help: "How much faster than recorded a log is played; max is as fast as it goes.")
    var replaySpeed: String?

    @Option(help: "The broker: mqtt://user@host:1883, mqtts://host, or mdns: to look for one.")
    var broker: String?

    @Option(help: "The configuration file.")
    var config: String?

    @Flag(name: .shortAndLong, help: "Log more; twice for everything.")
    var verbose: Int

    func load() throws -> Configuration {
        var configuration = try Self.load(config: config, ports: ports, can: can, broker: broker)
        if listenOnly { configuration.masterbus.listenOnly = true }
        if let replaySpeed {
            configuration.masterbus.replaySpeed = try Speed(replaySpeed, "--replay-speed").factor ?? 0
        }
        return configuration
    }

    /// What a file says, and over it what the command line says.
    static func load(
        config: String?, ports: [String] = [], can: [String] = [], broker: String?
    ) throws -> Configuration {
        var configuration = Configuration()
        if let config {
            do {
                configuration = try Configuration.load(file: config)
            } catch {
                for diagnostic in error.diagnostics { Terminal.complain("\(diagnostic)") }
                throw Status.usage.exit
            }
        }
        guard !ports.contains("") else {
            Terminal.complain("--ports: an empty name; write for example --ports /dev/ttyUSB0")
            throw Status.usage.exit
        }
        var address: BrokerURL?
        if let broker {
            do {
                address = try BrokerURL(parsing: broker)
            } catch {
                Terminal.complain("--broker: \(error)")
                throw Status.usage.exit
            }
            if case .server(let server)? = address, server.password != nil {
                Terminal.complain(
                    "--broker: a password on the command line can be read by other users: leave it out, and put it "
                        + "in a file that [broker] password_file names in the file given by --config")
                throw Status.usage.exit
            }
        }
        for name in can {
            do {
                _ = try CANSource(parsing: name)
            } catch {
                Terminal.complain("--can: \(error)")
                throw Status.usage.exit
            }
        }
        configuration.apply(ports: ports.isEmpty ? nil : ports, can: can.isEmpty ? nil : can, broker: address)
        return configuration
    }

    /// Ends the command where nothing is named to read from.
    func requireSources(_ configuration: Configuration) throws {
        guard configuration.ports.isEmpty, configuration.can.isEmpty, configuration.multiplexers.isEmpty else { return }
        Terminal.complain(
            "no port named: vebridge --ports /dev/ttyUSB*, or ports = [...] in the file given by --config\n"
                + "'vebridge ports' lists what there is; 'vebridge demo' needs no hardware")
        throw Status.nothingToDo.exit
    }

    func logger(_ configuration: Configuration) -> Logger { Self.logger(configuration, verbose: verbose) }

    static func logger(_ configuration: Configuration, verbose: Int) -> Logger {
        let level: Logger.Level =
            switch verbose {
            case 0: configuration.log.level
            case 1: .debug
            default: .trace
            }
        return LogOutlets(configuration.log, level: level).logger(label: "vebridge")
    }
}

/// How fast something recorded is played: a factor, or `max`.
struct Speed {
    /// How much faster than recorded; nil for as fast as it goes.
    let factor: Double?

    init(_ text: String, _ option: String) throws {
        if text == "max" {
            factor = nil
        } else if let number = Double(text), number > 0, number <= 1e6 {
            factor = number
        } else {
            Terminal.complain("\(option): a factor above 0 such as 1 or 60, or max, not '\(text)'")
            throw Status.usage.exit
        }
    }
}
