import ArgumentParser
import Bridge
import Glibc
import History
import Logging
import Simulation
import Synchronization
import Web

/// Everything without hardware.
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Three simulated chargers, a MasterBus, a private broker and the bridge, with the page.",
        discussion: """
              vebridge demo                until q or Ctrl-C: a board with the page's
                                           address; it is a late morning, and the page
                                           shows the hours since midnight
              vebridge demo --fast         a day in ten minutes
              vebridge demo --topics       every topic as it is published
              vebridge demo --for 10       ten seconds; status 0 only if every charger
                                           and the bus published
              vebridge demo --compare      compares with a simulated Bluetooth bridge

            Without mosquitto it runs without a broker.
            """)

    @Option(name: .customLong("for"), help: "How long, such as 10, 10m or 1h; without a terminal 10s.")
    var length: String?

    @Option(help: "How long a simulated day takes, such as 10m or 1h; by default 24h, which is real time.")
    var day: String?

    @Flag(help: "A day in ten minutes, as --day 10m.")
    var fast = false

    @Flag(help: "Print every topic as it is published.")
    var topics = false

    @Option(help: "Where the page is served, such as 127.0.0.1:0 for a free port.")
    var web = ""

    @Flag(help: "Compare with a simulated Bluetooth bridge.")
    var compare = false

    private static let lengths: ClosedRange<Duration> = .milliseconds(500)...DurationOption.longest
    private static let realTime = Duration.seconds(86_400)

    func validate() throws {
        guard web.isEmpty || ListenAddress(web)?.isLoopback ?? false else {
            throw ValidationError("--web: an address of this machine such as 127.0.0.1:8070, not '\(web)'")
        }
        guard day == nil || !fast else { throw ValidationError("--fast or --day, not both") }
        _ = try DurationOption.value("--for", length, in: Self.lengths)
        _ = try DurationOption.value("--day", day)
    }

    func run() throws {
        if compare { return try runComparison() }
        let end = Mailbox()
        StopSignals.watch({ end.stop(reason: $0) }, stopsAtHangUp: true)
        Terminal.onReaderGone { end.stop(reason: "nothing reads standard output") }
        var configuration = Configuration()
        let broker = try startBroker()
        defer { broker?.stop() }
        let history = DemoHistory()
        defer { history?.remove() }
        let host = try makePlant(history, &configuration)
        let bus: BusHost
        do {
            bus = try BusHost(SimulatedBus(), plant: host)
            try host.start()
            try bus.start()
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
        defer {
            bus.stop()
            host.stop()
        }
        configuration.ports = host.paths.compactMap { $0 }
        configuration.can = ["slcan:\(bus.path)"]
        Terminal.complain("three simulated chargers on \(configuration.ports.joined(separator: " "))")
        Terminal.complain("a simulated MasterBus behind an adapter on \(bus.path)")
        let record = DemoTopics(prints: topics)
        var output = Daemon.Output.lines { record.record(line: $0) }
        var listener: MQTTClient?
        if let broker {
            Terminal.complain(
                "a private broker on mqtt://127.0.0.1:\(broker.port) (mosquitto_sub -p \(broker.port) -t '#' -v)")
            configuration.broker.url = .server(.init(transport: .mqtt, host: "127.0.0.1", port: broker.port))
            output = .broker
            listener = MQTTClient(settings: .init(address: broker.address, clientID: "vebridge-demo-screen")) { event in
                if case .message(let topic, let payload, _, _) = event {
                    record.record(topic, String(decoding: payload, as: UTF8.self))
                }
            }
            listener?.subscribe("#", qos: 0)
        }
        // The board is drawn over the log, so only errors are logged.
        let showsBoard = Terminal.isInteractive && !topics
        let outlets = LogOutlets(configuration.log, level: showsBoard ? .error : .notice)
        let log = outlets.logger(label: "vebridge")
        let mailbox = Mailbox()
        let daemon = Daemon(configuration: configuration, output: output, once: false, log: log, mailbox: mailbox)
        let bridge: BridgeThread
        do {
            try listener?.start()
            bridge = try BridgeThread(daemon)
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
        let (server, page) = serve(configuration, mailbox, outlets, log)
        defer { server?.stop() }
        let limit = try DurationOption.value("--for", length, in: Self.lengths)
        let isOver: Bool
        if showsBoard {
            let source = DemoBoardSource(
                page: page, port: broker?.port, zone: configuration.history.rules, record: record, mailbox: mailbox)
            isOver = show(source, until: limit, end: end)
        } else {
            isOver = end.waitForStop(limit ?? (Terminal.isInteractive ? nil : .seconds(10))) == nil
        }
        mailbox.stop(reason: "the demo ends")
        bridge.join()
        listener?.stop()
        if !Terminal.isInteractive, !topics { for line in record.lines { Terminal.print(line) } }
        try conclude(record, serials: host.plant.chargers.map(\.serial), isOver: isOver)
    }

    /// The simulated plant, and its past in the history.
    private func makePlant(_ history: DemoHistory?, _ configuration: inout Configuration) throws -> ChargerHost {
        let dayLength = fast ? .seconds(600) : try DurationOption.value("--day", day) ?? Self.realTime
        let now = Double(time(nil))
        if dayLength == Self.realTime {
            configuration.history.zone = DemoZone.name(now: now, local: configuration.history.rules)
        }
        let zone = configuration.history.rules
        let made = DemoPlant(dayLength: dayLength == Self.realTime ? nil : dayLength, zone: zone, now: now)
        history?.write(made.rows, zone: zone)
        configuration.bridge.stateDirectory = history?.path ?? ""
        do {
            return try ChargerHost(made.plant)
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
    }

    /// The verdict after a time that was set; a demo that the user ends needs none.
    private func conclude(_ record: DemoTopics, serials: [String], isOver: Bool) throws {
        let counts = record.counts
        var silent = serials.filter { serial in !record.hasTopic(containing: "/\(serial)/edbc") }
        // The state of charge, and the inverter's state: a value from each device of the bus.
        silent += ["/masterbus/0x31297/0x00", "/masterbus/0x2F412/0x10"].filter { !record.hasTopic(containing: $0) }
        guard silent.isEmpty else {
            guard isOver else { return }
            Terminal.complain("nothing was published for \(silent.joined(separator: ", "))")
            throw Status.failed.exit
        }
        Terminal.complain("every charger and the bus published: \(counts.topics) topics, \(counts.messages) messages")
    }

    private func runComparison() throws {
        let plant = SimulatedFleet.plant(
            chargers: 3, firmware: nil, startHour: 11, dayLength: Self.realTime, seed: 1)
        guard let broker = try startBroker() else { throw Status.nothingToDo.exit }
        defer { broker.stop() }
        let host: ChargerHost
        do {
            host = try ChargerHost(plant)
            try host.start()
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
        defer { host.stop() }
        try DemoCompare(host: host, broker: broker, length: length).run()
    }

    /// Serves the page at its usual address or, if that is in use, on a free port; gives the address.
    private func serve(
        _ configuration: Configuration, _ mailbox: Mailbox, _ outlets: LogOutlets, _ log: Logger
    ) -> (WebServer?, String?) {
        var configuration = configuration
        let wanted = web.isEmpty ? [Configuration.Web.defaultListen, "127.0.0.1:0"] : [web]
        for address in wanted {
            configuration.web.listen = address
            guard let server = WebServer(configuration, mailbox: mailbox, ring: outlets.ring, log: log) else {
                continue
            }
            if let url = server.start() {
                Terminal.complain("the page: \(url)")
                return (server, url)
            }
            server.stop()
        }
        return (nil, nil)
    }

    /// A private broker; nil where mosquitto is not installed.
    private func startBroker() throws -> PrivateBroker? {
        do {
            return try PrivateBroker()
        } catch PrivateBroker.Failure.notInstalled {
            Terminal.complain("no broker: \(PrivateBroker.Failure.notInstalled)")
            return nil
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
    }

    /// Draws the board until the time is over (true) or something stops it.
    private func show(_ source: DemoBoardSource, until limit: Duration?, end: Mailbox) -> Bool {
        let start = ContinuousClock.now
        let screen = DemoScreen(end)
        defer { screen.restore() }
        while true {
            screen.draw(source.board())
            let rest = limit.map { $0 - (ContinuousClock.now - start) }
            if let rest, rest <= .zero { return true }
            if end.waitForStop(min(rest ?? .milliseconds(500), .milliseconds(500))) != nil { return false }
        }
    }
}

/// Takes the values of the board from the running bridge.
private final class DemoBoardSource: Sendable {
    private let page: String?
    private let port: UInt16?
    private let zone: TimeZoneRules
    private let record: DemoTopics
    private let mailbox: Mailbox
    private let last = Mutex<BridgeSnapshot?>(nil)

    init(page: String?, port: UInt16?, zone: TimeZoneRules, record: DemoTopics, mailbox: Mailbox) {
        self.page = page
        self.port = port
        self.zone = zone
        self.record = record
        self.mailbox = mailbox
    }

    /// The board by the latest snapshot; asks for the next one.
    func board() -> DemoBoard {
        mailbox.look { [self] snapshot in last.withLock { $0 = snapshot } }
        var board = DemoBoard()
        board.page = page
        board.broker = port.map { "mqtt://127.0.0.1:\($0)" }
        (board.messages, board.topics) = record.counts
        board.clock = zone.clockText(of: Double(time(nil)))
        board.hints = [
            port.map { "all topics: mosquitto_sub -p \($0) -t '#' -v" } ?? "all topics: vebridge demo --topics",
            "a day in ten minutes: vebridge demo --fast",
        ]
        guard let snapshot = last.withLock({ $0 }) else { return board }
        board.chargers = snapshot.chargers.map { charger in
            // Every model is a charger.
            let model = charger.identity.model?.split(separator: " ").filter { $0 != "Charger" }.joined(separator: " ")
            var row = DemoBoard.Charger(name: charger.name ?? model ?? charger.identity.serial)
            row.power = charger["panel_power"]?.value
            row.voltage = charger["battery_voltage"]?.value
            row.state = charger.state
            row.yield = charger["yield_today"]?.value
            return row
        }
        let picture = snapshot.picture
        board.solar = picture.solarPower?.value
        board.charge = picture.stateOfCharge?.value
        board.voltage = picture.batteryVoltage?.value
        board.current = picture.batteryCurrent?.value
        board.consumption = picture.consumption?.value
        board.inverter = picture.inverter?.stateText
        return board
    }
}
