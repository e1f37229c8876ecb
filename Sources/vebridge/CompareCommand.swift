import ArgumentParser
import Bridge
import Compare
import Glibc
import Logging
import Synchronization

/// What vebridge reads against what another bridge publishes.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Hold what is read here against what a bridge by Bluetooth publishes.",
        discussion: """
              vebridge compare --ports /dev/ttyUSB* --broker mqtt://boat
              vebridge compare --with-running --broker mqtt://boat
                                                         the daemon's topics instead of
                                                         ports; its schema.prefix must
                                                         not be that of the other bridge
              vebridge compare --ports /dev/ttyUSB* --for 10m --report boat.html

            Each value is held against what the other side held within a few seconds
            of it. What differs is named: another unit, a turned sign, a delay, a topic
            that stands still, two chargers exchanged, samples that were lost.

            Exit status: 0 all agree, 1 they disagree, 3 there is nothing to compare, or
            it was too short to say: a minute is enough.
            """)

    @OptionGroup var options: BridgeOptions

    @Flag(help: "Compare the topics of the running daemon, and open no port.")
    var withRunning = false

    @Option(
        name: .customLong("for"), help: "How long, such as 90, 10m or 1h; without a terminal 5m. Ctrl-C ends it too.")
    var time: String?

    @Option(
        parsing: .upToNextOption,
        help: "A report as FILE.md, FILE.json or FILE.html, with both curves of each topic; may name several.")
    var report: [String] = []

    @Option(
        name: .customLong("match"), parsing: .upToNextOption,
        help: "Whose charger an id of the other side is: ID=SERIAL.")
    var matches: [String] = []

    @Option(help: "What the other side is called.")
    var other = "BLE"

    func validate() throws {
        _ = try DurationOption.value("--for", time)
        for name in report where Self.form(of: name) == nil {
            throw ValidationError("--report: a file that ends in .md, .json or .html, not '\(name)'")
        }
        for match in matches where match.split(separator: "=", omittingEmptySubsequences: false).count != 2 {
            throw ValidationError("--match: ID=SERIAL such as AABBCCDDEEFF=HQ2012ABCDE, not '\(match)'")
        }
    }

    func run() throws {
        var configuration = try options.load()
        guard case .server = configuration.broker.url else {
            Terminal.complain("--broker: name the broker here, such as mqtt://boat")
            throw Status.usage.exit
        }
        if withRunning {
            guard options.ports.isEmpty, options.can.isEmpty else {
                Terminal.complain("--with-running takes the daemon's topics: leave out --ports and --can")
                throw Status.usage.exit
            }
        } else {
            try options.requireSources(configuration)
        }
        let end = Mailbox()
        StopSignals.watch { end.stop(reason: $0) }
        let stand = ComparisonStand(
            ownPrefix: configuration.schema.prefix, ownBusPrefix: configuration.schema.masterbusPrefix,
            isRunning: withRunning, matches: pairs, otherName: other)
        let listener = MQTTClient(settings: MQTTClient.Settings(visiting: configuration)) { event in
            switch event {
            case .message(let topic, let payload, let isRetained, _):
                stand.hear(topic, String(decoding: payload, as: UTF8.self), isRetained: isRetained)
            case .disconnected(let lost): stand.lost(lost.reason)
            case .connected: stand.lost(nil)
            default: break
            }
        }
        for filter in stand.filters { listener.subscribe(filter, qos: 0) }

        // Whoever compares leaves no traces: nothing is published, kept or announced.
        configuration.bridge.stateDirectory = ""
        configuration.history.enabled = false
        let level: Logger.Level = options.verbose > 0 ? (options.verbose > 1 ? .trace : .debug) : .warning
        let outlets = LogOutlets(
            configuration.log, level: Terminal.isInteractive && options.verbose == 0 ? .error : level)
        let log = outlets.logger(label: "vebridge")
        defer { outlets.finish() }
        let mailbox = Mailbox()
        var bridge: BridgeThread?
        do {
            try listener.start()
            if !withRunning {
                let daemon = Daemon(
                    configuration: configuration, output: .lines { stand.read(line: $0) }, once: false, log: log,
                    mailbox: mailbox)
                bridge = try BridgeThread(daemon) { outcome in
                    switch outcome {
                    case .done: break
                    case .nothingToDo(let reason), .failed(let reason):
                        stand.fail(reason)
                        end.stop(reason: reason)
                    }
                }
            }
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
        watch(stand, end)
        let trouble = stand.trouble
        mailbox.stop(reason: "the comparison ends")
        bridge?.join()
        listener.stop(timeout: .zero)
        try conclude(stand, trouble)
    }

    // MARK: While it runs

    /// Until the time is over, somebody ends it, or the two cannot be told apart.
    private func watch(_ stand: ComparisonStand, _ end: Mailbox) {
        let begin = ContinuousClock.now
        let limit = time.flatMap(DurationText.duration) ?? (Terminal.isInteractive ? nil : .seconds(300))
        if Terminal.isInteractive { Terminal.draw("\u{1B}[?25l\u{1B}[H\u{1B}[2J") }
        defer { if Terminal.isInteractive { Terminal.draw("\u{1B}[?25h\u{1B}[H\u{1B}[2J") } }
        while true {
            let rest = limit.map { $0 - (ContinuousClock.now - begin) }
            if let rest, rest <= .zero { return }
            if end.waitForStop(min(rest ?? .seconds(1), .seconds(1))) != nil { return }
            if stand.conflict != nil { return }
            if Terminal.isInteractive { draw(stand, begin, limit) }
        }
    }

    private func draw(_ stand: ComparisonStand, _ begin: ContinuousClock.Instant, _ limit: Duration?) {
        var size = winsize()
        let (rows, columns) =
            ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 5
            ? (Int(size.ws_row), Int(size.ws_col)) : (24, 80)
        let seconds = Int((ContinuousClock.now - begin).components.seconds)
        let rest = limit.map { " of \($0.components.seconds)" } ?? ""
        var lines = ["vebridge compare: serial against \(other), \(seconds)\(rest) s   Ctrl-C ends it with the report"]
        if let trouble = stand.trouble { lines.append("broker: \(trouble)") }
        do {
            let verdict = try stand.verdict(isFinal: false)
            let found = TextReport.findings(verdict, paint: .coloured)
            let room = max(4, rows - lines.count - 3 - min(found.count, max(2, rows / 3)))
            if verdict.topics.isEmpty {
                let counts = stand.counts
                lines += ["", "waiting: \(counts.serial) topics read here, \(counts.other) heard from \(other)"]
            } else {
                lines += [""] + TextReport.table(verdict, otherName: other, paint: .coloured, rows: room)
            }
            lines += [""] + found
        } catch {
            lines.append(error.description)
        }
        let shown = lines.prefix(rows - 1).map { $0.contains("\u{1B}") ? $0 : String($0.prefix(columns)) }
        Terminal.draw("\u{1B}[H" + shown.map { $0 + "\u{1B}[K\r\n" }.joined() + "\u{1B}[J")
    }

    // MARK: The end of it

    private func conclude(_ stand: ComparisonStand, _ trouble: String?) throws {
        if let conflict = stand.conflict {
            Terminal.complain(conflict)
            throw Status.nothingToDo.exit
        }
        if let failure = stand.failure {
            Terminal.complain(failure)
            throw Status.nothingToDo.exit
        }
        let verdict: Comparison.Verdict
        do { verdict = try stand.verdict(isFinal: true) } catch {
            Terminal.complain(error.description)
            throw Status.failed.exit
        }
        let paint: TextReport.Paint = Terminal.isInteractive ? .coloured : .plain
        Terminal.draw(TextReport.text(verdict, otherName: other, paint: paint))
        for name in report { try write(verdict, to: name) }
        guard let agrees = verdict.agrees else {
            if verdict.isTooShort { throw Status.nothingToDo.exit }
            let counts = stand.counts
            if counts.other == 0 {
                Terminal.complain(
                    trouble ?? "\(other) published nothing under \(stand.filters.joined(separator: ", "))")
            }
            if counts.serial == 0 {
                Terminal.complain(
                    withRunning ? "no daemon publishes under \(stand.ownPrefix)/" : "no charger answered on the ports")
            }
            throw Status.nothingToDo.exit
        }
        if !agrees { throw Status.failed.exit }
    }

    private func write(_ verdict: Comparison.Verdict, to name: String) throws {
        var text =
            switch Self.form(of: name) {
            case .json: JSONReport.text(verdict, otherName: other)
            case .html: HTMLReport.text(verdict, otherName: other)
            case .markdown, nil: TextReport.markdown(verdict, otherName: other)
            }
        // Written beside and moved into place, so that there is a whole one or none.
        let draft = name + ".part"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        let isWritten = descriptor >= 0 && text.withUTF8 { Self.writeAll($0, to: descriptor) }
        let code = errno
        if descriptor >= 0 { close(descriptor) }
        guard isWritten, rename(draft, name) == 0 else {
            let reason = String(cString: strerror(isWritten ? errno : code))
            unlink(draft)
            Terminal.complain("--report \(name): \(reason)")
            throw Status.failed.exit
        }
    }

    private static func writeAll(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) -> Bool {
        var rest = UnsafeRawBufferPointer(bytes)
        while rest.count > 0 {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        return true
    }

    // MARK: Options

    private enum Form { case markdown, json, html }

    private static func form(of name: String) -> Form? {
        let name = name.lowercased()
        return name.hasSuffix(".md")
            ? .markdown : name.hasSuffix(".json") ? .json : name.hasSuffix(".html") ? .html : nil
    }

    private var pairs: [String: String] {
        var pairs: [String: String] = [:]
        for match in matches {
            let parts = match.split(separator: "=").map(String.init)
            if parts.count == 2 { pairs[parts[0]] = parts[1] }
        }
        return pairs
    }
}
