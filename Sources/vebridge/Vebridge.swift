import ArgumentParser
import Bridge
import Glibc

/// The program: commands, thin, over the library's rooms.
@main
struct Vebridge: ParsableCommand {
    static let version = Daemon.version

    static let configuration = CommandConfiguration(
        commandName: "vebridge",
        abstract: "Reads Victron solar chargers over VE.Direct and publishes to MQTT.",
        discussion: """
              vebridge --ports /dev/ttyUSB*              read every charger there is
                                                         and publish to localhost
              vebridge --ports '/dev/ttyUSB*' --dry-run  print topics; ports that
                                                         appear later are taken up
              vebridge ports                             what answers on each port
              vebridge demo                              all of it with no hardware

            Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 3 nothing
            to do (no port, no device).
            """,
        version: version,
        subcommands: [
            Run.self, Ports.self, Get.self, Registers.self, Decode.self, MasterBusCommand.self,
            Record.self, Replay.self, Stats.self, HistoryCommand.self, Simulate.self, Demo.self, Prove.self,
            Purge.self, CompareCommand.self, DoctorCommand.self, UpdateCommand.self,
        ],
        defaultSubcommand: Run.self)

    static func main() {
        // A reader that goes away (`| head`) is no reason to die with a signal's noise.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let code = exitCode(for: error)
            if code == .validationFailure {
                let words = Array(CommandLine.arguments.dropFirst())
                Terminal.complain(UsageError.message(for: error, arguments: words))
                Glibc.exit(Status.usage.rawValue)
            }
            exit(withError: error)
        }
    }
}

/// The exit statuses that scripts can rely on.
enum Status: Int32 {
    case done = 0
    case failed = 1
    case usage = 2
    case nothingToDo = 3

    /// Ends the command with this status.
    var exit: ExitCode { ExitCode(rawValue) }
}
