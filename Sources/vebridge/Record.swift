import ArgumentParser
import Bridge
import Glibc
import Logging

/// Records what ports and buses send.
struct Record: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record what ports and buses send, for 'vebridge replay' and for other tools.",
        discussion: """
              vebridge record morning --ports '/dev/ttyUSB*' --can can0 --for 1h

            The folder holds port0.raw, port1.raw, … (the bytes as they came),
            bus0.log, … (as candump -L writes them), index.tsv (what came when) and
            topics.txt (what would have been published). Nothing is published.
            """)

    @Argument(help: "The folder; it must be empty or not there yet.")
    var folder: String

    @OptionGroup var options: BridgeOptions

    @Option(name: .customLong("for"), help: "How long, such as 90, 10m or 1h; by default until Ctrl-C.")
    var length: String?

    @Flag(help: "Print 'topic payload' lines meanwhile.")
    var dryRun = false

    func validate() throws {
        _ = try DurationOption.value("--for", length)
    }

    func run() throws {
        let configuration = try options.load()
        try options.requireSources(configuration)
        let mailbox = Mailbox()
        StopSignals.watch { mailbox.stop(reason: $0) }
        let isLoud = dryRun
        let daemon = Daemon(
            configuration: configuration, output: .lines { if isLoud { Terminal.print($0) } }, once: false,
            recording: folder, log: options.logger(configuration), mailbox: mailbox)
        if let limit = try DurationOption.value("--for", length) {
            Alarm.set(limit) { mailbox.stop(reason: "time is up") }
        }
        switch daemon.run() {
        case .done: Terminal.complain("recorded in \(folder)")
        case .nothingToDo:
            Terminal.complain("no port matches \(configuration.ports.joined(separator: " "))")
            throw Status.nothingToDo.exit
        case .failed(let reason):
            Terminal.complain(reason)
            throw Status.failed.exit
        }
    }
}

/// Plays a recording.
struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Play a recording of 'vebridge record' into the same stages as live bytes.",
        discussion: """
              vebridge replay morning                    every topic as a line,
                                                         as fast as it goes
              vebridge replay morning --speed 1 --broker mqtt://boat.local

            The topics depend on the recording alone: they are the same, byte for
            byte, every time.
            """)

    @Argument(help: "The folder.")
    var folder: String

    @Option(help: "How much faster than recorded; max is as fast as it goes.")
    var speed = "max"

    @Option(help: "Publish to this broker instead of printing lines.")
    var broker: String?

    @Option(help: "The configuration file, for the names of topics.")
    var config: String?

    @Flag(name: .shortAndLong, help: "Log more; twice for everything.")
    var verbose: Int

    func run() throws {
        let configuration = try BridgeOptions.load(config: config, broker: broker)
        let factor = try Speed(speed, "--speed").factor
        let mailbox = Mailbox()
        StopSignals.watch { mailbox.stop(reason: $0) }
        let lines = LineBuffer()
        let isLive = factor != nil
        let output: Daemon.Output =
            broker == nil ? .lines { lines.print($0, now: isLive) } : .broker
        let daemon = Daemon(
            configuration: configuration, output: output, once: false,
            log: BridgeOptions.logger(configuration, verbose: verbose),
            mailbox: mailbox)
        let outcome = daemon.replay(folder, speed: factor)
        lines.flush()
        switch outcome {
        case .done: return
        case .nothingToDo: throw Status.nothingToDo.exit
        case .failed(let reason):
            Terminal.complain(reason)
            throw Status.failed.exit
        }
    }
}
