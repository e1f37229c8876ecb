import ArgumentParser
import Bridge
import Glibc
import Synchronization
import Update

/// Updates from afar, from the key to the version that runs.
struct UpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Signed updates: make, check and install them, and go back.",
        discussion: """
            Whoever makes updates:
              vebridge update key boat.key            a new key; prints its public part
              vebridge update sign vebridge --key boat.key --into www/
            Whoever takes them has the public part in the configuration, as
            update.key, and update.url or an offer over MQTT. Then:
              vebridge update status                  what runs and how the last one ended
              vebridge update revert                  back to the version of the package
            'install' and 'run' are for the service. docs/updates.md has the rest.
            """,
        subcommands: [
            UpdateKeyCommand.self, UpdateSignCommand.self, UpdateCheckCommand.self, UpdateStatusCommand.self,
            UpdateRevertCommand.self, UpdateInstallCommand.self, UpdateRunCommand.self,
        ])

    /// Does something; what went wrong is said, and ends the command.
    static func attempt<Value>(_ action: () throws(UpdateFault) -> Value) throws -> Value {
        do throws(UpdateFault) {
            return try action()
        } catch {
            Terminal.complain(error.description)
            throw Status.failed.exit
        }
    }

    /// A public key from the command line.
    static func key(_ text: String) throws -> UpdateKey {
        guard let key = UpdateKey(text) else {
            Terminal.complain("--key: a public key is 64 hexadecimal digits, as 'vebridge update key FILE' prints them")
            throw Status.usage.exit
        }
        return key
    }
}

/// A new key.
struct UpdateKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make a key to sign updates with, or print the public part of one.",
        discussion: """
            Writes a private key (Ed25519) to FILE, which must not exist yet, readable by
            its owner only, and prints the public part. With a file that is there it
            prints the public part again. The private key belongs on the machine where
            updates are made, and in a safe; on those that take them it has no business.
            """)

    @Argument(help: "The file of the private key.")
    var file: String

    func run() throws {
        let key = try UpdateCommand.attempt { () throws(UpdateFault) in
            guard access(file, F_OK) != 0 else { return try UpdateSigningKey(file: file) }
            let key = try UpdateSigningKey()
            try key.write(to: file)
            return key
        }
        Terminal.print("\(key.publicKey)")
        Terminal.complain(
            "for the configuration of those who take updates:\n    [update]\n    key = \"\(key.publicKey)\"")
    }
}

/// Makes an update of a program.
struct UpdateSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Make an update of a program.",
        discussion: """
            Writes two files, to be put into one folder of a web server or on a stick:
              vebridge-0.2.0-x86_64      the program
              vebridge-x86_64.update     the offer: version, size, digest and signature
            The address of the offer is the one for update.url. Version and kind of
            machine are read from the program, which may be for another machine.
            """)

    @Argument(help: "The program, such as usr/bin/vebridge of a package.")
    var program: String

    @Option(help: "The file of the private key.")
    var key: String

    @Option(help: "The folder for the two files.")
    var into = "."

    func run() throws {
        let (manifest, offer) = try UpdateCommand.attempt { () throws(UpdateFault) in
            let key = try UpdateSigningKey(file: key)
            let manifest = try UpdateManifest(program: program, version: try VersionMark.version(inProgram: program))
            let signed = try SignedManifest(manifest, by: key)
            return (manifest, try signed.publish(program, manifest, into: into))
        }
        Terminal.print(offer)
        Terminal.complain(
            "version \(manifest.version) for \(manifest.architecture), \(manifest.size) bytes; beside it stands "
                + manifest.programName)
    }
}

/// Looks at an update as one who takes it would.
struct UpdateCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check an offer and its program as a machine that takes it would.",
        discussion: "  vebridge update check https://example.org/vebridge-x86_64.update --key KEY")

    @Argument(help: "The address of the offer, or its file.")
    var offer: String

    @Option(help: "The public key; without it that of the configuration.")
    var key: String?

    @Option(help: "The configuration file.")
    var config: String?

    func run() throws {
        var digits = key
        if digits == nil, config != nil {
            var place = UpdatePlace()
            place.config = config
            digits = try place.open().configuration?.updates.key
        }
        guard let digits, !digits.isEmpty else {
            Terminal.complain("--key: name the public key, or with --config a file that has it as update.key")
            throw Status.usage.exit
        }
        let key = try UpdateCommand.key(digits)
        let manifest = try UpdateCommand.attempt { () throws(UpdateFault) in
            let address = try UpdateAddress(
                parsing: offer.contains("://") ? offer : "file://\(try Self.absolute(offer))")
            return try UpdateFetch(address).check(key)
        }
        Terminal.print("version \(manifest.version) for \(manifest.architecture), \(manifest.size) bytes: good")
    }

    private static func absolute(_ path: String) throws(UpdateFault) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let folder = getcwd(nil, 0) else { throw UpdateFault("the folder that this runs in is gone") }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }
}

/// Where the versions are.
struct UpdatePlace: ParsableArguments {
    @Option(help: "The configuration file.")
    var config: String?

    @Option(help: "Where the versions are kept, if not as the configuration says.")
    var directory: String?

    /// The versions, and what the configuration says of updates; nil where there is none.
    ///
    /// - Parameter tolerant: whether to go on without a configuration that is not valid, which was said.
    func open(tolerant: Bool = false) throws -> (store: VersionStore, configuration: Configuration?) {
        var configuration: Configuration?
        if let config {
            do {
                configuration = try Configuration.loadUpdates(file: config)
            } catch {
                for diagnostic in error.diagnostics { Terminal.complain("\(diagnostic)") }
                guard tolerant else { throw Status.usage.exit }
            }
        }
        let path = directory ?? configuration?.updates.directory ?? VersionStore.standardPath
        return (VersionStore(path), configuration)
    }
}

/// What runs, and how the last update ended.
struct UpdateStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Which version runs at the next start, and how the last update ended.")

    @OptionGroup var place: UpdatePlace

    @Flag(help: "As JSON.")
    var json = false

    func run() throws {
        let store = try place.open().store
        let packaged = SoftwareVersion(Daemon.version)
        let runs = store.chosen(over: packaged) ?? packaged
        if json {
            var members = [
                ("package", JSONText.quoted(Daemon.version)),
                ("runs", JSONText.quoted(runs?.description ?? Daemon.version)),
            ]
            if let trial = store.trial { members.append(("on_probation", JSONText.quoted("\(trial.version)"))) }
            if let highest = store.highest { members.append(("highest_tried", JSONText.quoted("\(highest)"))) }
            if let outcome = store.outcome {
                var last = [("outcome", JSONText.quoted(outcome.kind.rawValue))]
                if let version = outcome.version { last.append(("version", JSONText.quoted("\(version)"))) }
                if !outcome.reason.isEmpty { last.append(("reason", JSONText.quoted(outcome.reason))) }
                members.append(("last", JSONText.object(last)))
            }
            return Terminal.print(JSONText.object(members))
        }
        Terminal.print("of the package     \(Daemon.version)")
        Terminal.print("runs               \(runs?.description ?? Daemon.version)")
        if let trial = store.trial { Terminal.print("on probation       \(trial.version)") }
        guard let outcome = store.outcome else { return Terminal.print("last update        none yet") }
        let version = outcome.version.map { "\($0) " } ?? ""
        let reason = outcome.reason.isEmpty ? "" : ": \(outcome.reason)"
        Terminal.print("last update        \(version)\(outcome.kind.words)\(reason)")
    }
}

/// Back to the version of the package.
struct UpdateRevertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revert",
        abstract: "Go back to the version of the package; run it as root, then restart the service.")

    @OptionGroup var place: UpdatePlace

    func run() throws {
        let store = try place.open().store
        guard let current = store.current else {
            Terminal.complain("version \(Daemon.version) of the package runs; there is nothing to go back from")
            throw Status.nothingToDo.exit
        }
        try UpdateCommand.attempt { () throws(UpdateFault) in try store.goBack() }
        Terminal.complain(
            "version \(current) is no longer chosen, and will not be taken again; systemctl restart vebridge starts "
                + Daemon.version)
    }
}

/// The privileged helper: installs what lies ready, and takes it out again if it is not well.
struct UpdateInstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install what lies ready, and take it out again if it is not well (for vebridge-update.service).",
        discussion: """
            Goes on with what was interrupted, takes the update that the daemon laid ready
            in its state directory, checks its signature and digest, stops the service,
            puts the version in place, starts the service and waits until a process that
            runs the new version reports that it is well. If none does, the version
            before it takes its place again. Exit status: 0 installed, 1 refused or taken
            out again, 3 nothing lay ready, 75 this machine had trouble of its own and it
            is worth trying again.
            """)

    @OptionGroup var place: UpdatePlace

    @Option(help: "The daemon's state directory, if not as the configuration says.")
    var stateDirectory: String?

    @Option(help: "The command that stops the service, in words; with --restart only if given.")
    var stop: String?

    @Option(help: "The command that restarts the service, in words.")
    var restart = Self.standardRestart

    @Option(help: "How long a version has to say that it is well.")
    var probation: ProbationTime = .init()

    func run() throws {
        let (store, configuration) = try place.open(tolerant: true)
        guard let state = stateDirectory ?? configuration?.bridge.stateDirectory ?? Self.standardState else {
            Terminal.complain("--state-directory: where does the daemon keep its state?")
            throw Status.usage.exit
        }
        let isStopped = Stop()
        StopSignals.watch { _ in isStopped.set() }
        let installer = UpdateInstaller(
            store: store, stage: UpdateStage(stateDirectory: state),
            key: configuration.flatMap { UpdateKey($0.updates.key) }, packaged: SoftwareVersion(Daemon.version),
            machine: .init(stop: stopCommand, restart: Self.parts(restart)) { isStopped.isSet },
            probation: probation.duration)
        let outcome: UpdateOutcome?
        do throws(UpdateFault) {
            outcome = try installer.run()
        } catch {
            Terminal.complain(error.description)
            throw Self.tryAgain
        }
        guard let outcome else {
            Terminal.complain("no update lies ready")
            throw Status.nothingToDo.exit
        }
        let version = outcome.version.map { "version \($0)" } ?? "an update"
        Terminal.complain("\(version) \(outcome.kind.words)" + (outcome.reason.isEmpty ? "" : ": \(outcome.reason)"))
        if outcome.kind != .installed { throw Status.failed.exit }
    }

    private static let standardStop = "systemctl stop vebridge.service"
    private static let standardRestart = "systemctl --no-block restart vebridge.service"

    /// With a restart of its own, another service manager is at work.
    private var stopCommand: [String]? {
        (stop ?? (restart == Self.standardRestart ? Self.standardStop : nil)).map(Self.parts)
    }

    private static func parts(_ command: String) -> [String] { command.split(separator: " ").map(String.init) }

    /// It was this machine that failed, not the update: EX_TEMPFAIL of sysexits.h, as the unit has it.
    private static let tryAgain = ExitCode(75)

    /// Where systemd keeps the state of the service.
    private static var standardState: String? { "/var/lib/private/vebridge" }

    private final class Stop: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }
}

/// How long a new version is on probation, a second to an hour.
struct ProbationTime: ExpressibleByArgument {
    var duration = UpdateInstaller.probation

    init() {}

    init?(argument: String) {
        guard let duration = DurationText.duration(argument), (.seconds(1)...(.seconds(3600))).contains(duration) else {
            return nil
        }
        self.duration = duration
    }

    var defaultValueDescription: String { "120s" }
}

/// Runs the version that an update put in place, else this one.
struct UpdateRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the newest version that is installed (for vebridge.service).",
        discussion: """
              vebridge update run -- --config /etc/vebridge/vebridge.toml

            What follows is what 'vebridge' itself would be told. If an update put a newer
            version in place than this one, that is run; else, and wherever it cannot be
            run, this one.
            """)

    @Option(help: "Where the versions are kept.")
    var directory = VersionStore.standardPath

    @Argument(parsing: .captureForPassthrough, help: "The command, as it would follow 'vebridge', best after '--'.")
    var command: [String] = []

    func run() throws {
        let store = VersionStore(directory)
        let command = Array(command.first == "--" ? command.dropFirst() : command[...])
        if let version = store.chosen(over: SoftwareVersion(Daemon.version)), isWhole(version, store.program(version)) {
            let program = store.program(version)
            var words: [UnsafeMutablePointer<CChar>?] = ([program] + command).map { strdup($0) }
            words.append(nil)
            execv(program, words)
            // Whatever is wrong with it, there is a version that works.
            Terminal.complain(
                "version \(version) cannot be run (\(String(cString: strerror(errno)))); this one takes its place")
            words.forEach { free($0) }
        }
        var parsed = try Vebridge.parseAsRoot(command)
        try parsed.run()
    }

    /// Whether a version can still be run. A library may have gone with an upgrade, and a disk may forget.
    private func isWhole(_ version: SoftwareVersion, _ program: String) -> Bool {
        let words: String
        do throws(UpdateFault) {
            let said = try UpdateInstaller.Machine.version(of: program)
            guard said != version.description else { return true }
            words = "it says that it is '\(said.prefix(40))'"
        } catch {
            words = error.description
        }
        Terminal.complain("version \(version) is not run, \(words); \(Daemon.version) takes its place")
        return false
    }
}
