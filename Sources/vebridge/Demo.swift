import ArgumentParser
import Bridge
import Glibc
import History
import Logging
import Simulation
import Synchronization
import Web

/// All of it with no hardware.
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Three simulated chargers, a MasterBus, a private broker and the bridge, live in the terminal.",
        discussion: """
              vebridge demo                until Ctrl-C
              vebridge demo --for 10       ten seconds; status 0 only if every charger
                                           and the bus published
              vebridge demo --compare      beside a simulated bridge by Bluetooth, held
                                           against it

            Where mosquitto is not installed it runs without a broker.
            """)

    @Option(name: .customLong("for"), help: "Seconds to run; without a terminal 10.")
    var seconds: Double?

    @Option(help: "How long a simulated day takes.")
    var day = "10m"

    @Option(help: "Where the page is served, such as 127.0.0.1:0 for a free port.")
    var web = ""

    @Flag(help: "Compare with a simulated bridge by Bluetooth.")
    var compare = false

    func validate() throws {
        guard web.isEmpty || ListenAddress(web)?.isLoopback ?? false else {
            throw ValidationError("--web: an address of this machine such as 127.0.0.1:8070, not '\(web)'")
        }
        if let seconds, !(0.5...864_000).contains(seconds) {
            throw ValidationError("--for: 0.5 to 864000 seconds, not \(seconds)")
        }
        guard SimulatedFleet.duration(day) != nil else {
            throw ValidationError("--day: a time such as 10m, 1h or 24h, not '\(day)'")
        }
    }

    func run() throws {
        if compare { return try runComparison() }
        let end = Mailbox()
        StopSignals.watch { end.stop(reason: $0) }
        let plant = SimulatedFleet.plant(
            chargers: 3, firmware: nil, startHour: 10, dayLength: SimulatedFleet.duration(day) ?? .seconds(600), seed: 1
        )
        let serials = plant.chargers.map(\.serial)
        let host: ChargerHost
        let bus: BusHost
        let broker = try startBroker()
        do {
            host = try ChargerHost(plant)
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
            broker?.stop()
        }
        let ports = host.paths.compactMap { $0 }
        Terminal.complain("three simulated chargers on \(ports.joined(separator: " "))")
        Terminal.complain("a simulated MasterBus behind an adapter on \(bus.path)")
        let board = TopicBoard()
        var configuration = Configuration()
        configuration.ports = ports
        configuration.can = ["slcan:\(bus.path)"]
        let state = DemoState(serials: serials, zone: configuration.history.rules)
        defer { state?.remove() }
        configuration.bridge.stateDirectory = state?.path ?? ""
        var output = Daemon.Output.lines { board.note(line: $0) }
        var listener: MQTTClient?
        if let broker {
            Terminal.complain(
                "a private broker on mqtt://127.0.0.1:\(broker.port) (mosquitto_sub -p \(broker.port) -t '#' -v)")
            configuration.broker.url = .server(.init(transport: .mqtt, host: "127.0.0.1", port: broker.port))
            output = .broker
            listener = MQTTClient(settings: .init(address: broker.address, clientID: "vebridge-demo-screen")) { event in
                if case .message(let topic, let payload, _, _) = event {
                    board.note(topic, String(decoding: payload, as: UTF8.self))
                }
            }
            listener?.subscribe("#", qos: 0)
        }
        // On a terminal the table is drawn over the log, so only trouble is logged.
        let level: Logger.Level = Terminal.isInteractive ? .error : .notice
        let outlets = LogOutlets(configuration.log, level: level)
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
        let server = serve(configuration, mailbox, outlets, log)
        defer { server?.stop() }
        let limit: Double? = seconds ?? (Terminal.isInteractive ? nil : 10)
        watch(board, until: limit.map { .seconds($0) }, end: end)
        mailbox.stop(reason: "the demo ends")
        bridge.join()
        listener?.stop()

        var silent = serials.filter { serial in !board.hasTopic(containing: "/\(serial)/edbc") }
        // The state of charge, and the inverter's state: a value from each device of the bus.
        silent += ["/masterbus/0x31297/0x00", "/masterbus/0x2F412/0x10"].filter { !board.hasTopic(containing: $0) }
        if !Terminal.isInteractive { for line in board.lines { Terminal.print(line) } }
        guard silent.isEmpty else {
            Terminal.complain("nothing was published for \(silent.joined(separator: ", "))")
            throw Status.failed.exit
        }
        Terminal.complain("every charger and the bus published: \(board.lines.count) topics, \(board.count) messages")
    }

    private func runComparison() throws {
        let plant = SimulatedFleet.plant(
            chargers: 3, firmware: nil, startHour: 11, dayLength: SimulatedFleet.duration("24h") ?? .seconds(86_400),
            seed: 1)
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
        try DemoCompare(host: host, broker: broker, seconds: seconds).run()
    }

    /// The page, where it always is or, if somebody has that address, at a free one.
    private func serve(
        _ configuration: Configuration, _ mailbox: Mailbox, _ outlets: LogOutlets, _ log: Logger
    ) -> WebServer? {
        var configuration = configuration
        let wanted = web.isEmpty ? [Configuration.Web.defaultListen, "127.0.0.1:0"] : [web]
        for address in wanted {
            configuration.web.listen = address
            guard let server = WebServer(configuration, mailbox: mailbox, ring: outlets.ring, log: log) else {
                continue
            }
            if let url = server.start() {
                Terminal.complain("the page: \(url)")
                return server
            }
            server.stop()
        }
        return nil
    }

    /// A broker of our own; nil where there is no mosquitto to be it.
    private func startBroker() throws -> PrivateBroker? {
        do {
            return try PrivateBroker()
        } catch PrivateBroker.Failure.notInstalled {
            Terminal.complain("no broker, for \(PrivateBroker.Failure.notInstalled): the topics are shown all the same")
            return nil
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
    }

    private func watch(_ board: TopicBoard, until limit: Duration?, end: Mailbox) {
        let start = ContinuousClock.now
        guard Terminal.isInteractive else {
            _ = end.waitForStop(limit)
            return
        }
        Terminal.draw("\u{1B}[?25l")
        defer { Terminal.draw("\u{1B}[?25h") }
        while true {
            let rest = limit.map { $0 - (ContinuousClock.now - start) }
            if let rest, rest <= .zero { return }
            if end.waitForStop(min(rest ?? .milliseconds(500), .milliseconds(500))) != nil { return }
            Terminal.draw("\u{1B}[H\u{1B}[2J" + board.screen() + "\nCtrl-C ends the demo\n")
        }
    }
}

/// A state directory for as long as the demo runs, with a past in it.
private struct DemoState {
    let path: String

    /// Nil where nothing can be written.
    init?(serials: [String], zone: TimeZoneRules) {
        var name = Array("/tmp/vebridge-demo-XXXXXX".utf8CString)
        guard name.withUnsafeMutableBufferPointer({ $0.baseAddress.map { mkdtemp($0) != nil } ?? false }) else {
            return nil
        }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do {
            try DemoPast.write(to: path + "/" + HistoryStore.fileName, serials: serials, zone: zone)
        } catch {
            Terminal.complain("the demo has no past: \(error)")
        }
    }

    /// Takes away what the demo has left.
    func remove() {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { unlink(path + "/" + name) }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}

/// The last payload of every topic that was heard.
private final class TopicBoard: Sendable {
    private struct Contents {
        var payloads: [String: String] = [:]
        var count = 0
    }

    private let contents = Mutex(Contents())

    func note(_ topic: String, _ payload: String) {
        contents.withLock {
            $0.payloads[topic] = payload
            $0.count += 1
        }
    }

    /// Takes a `topic payload` line.
    func note(line: String) {
        guard let space = line.firstIndex(of: " ") else { return }
        note(String(line[..<space]), String(line[line.index(after: space)...]))
    }

    var count: Int { contents.withLock { $0.count } }

    var lines: [String] { contents.withLock { $0.payloads.map { "\($0.key) \($0.value)" } }.sorted() }

    func hasTopic(containing text: String) -> Bool {
        contents.withLock { $0.payloads.keys.contains { $0.contains(text) } }
    }

    func screen() -> String {
        let (payloads, count) = contents.withLock { ($0.payloads, $0.count) }
        var text = "vebridge demo: \(payloads.count) topics, \(count) messages\n\n"
        for (topic, payload) in payloads.sorted(by: { $0.key < $1.key }) {
            text += topic + String(repeating: " ", count: max(1, 40 - topic.count)) + payload + "\n"
        }
        return text
    }
}
