import Bridge
import Logging
import Synchronization

/// The run of the daemon that signals are meant for, and the configuration of the next one.
///
/// A configuration is read again as a whole: the daemon ends as cleanly as ever, and another one takes its place in the
/// same process. So there is no option that would need a restart, and none that is half in force.
final class Reload: Sendable {
    private struct State {
        var mailbox: Mailbox?
        var log: Logger?
        var running: Configuration
        var next: Configuration?
        var isStopped = false
    }

    private let state: Mutex<State>

    init(_ configuration: Configuration) { state = Mutex(State(running: configuration)) }

    /// A run begins. False if it is to end before it did.
    func begin(_ mailbox: Mailbox, _ log: Logger) -> Bool {
        state.withLock { state in
            guard !state.isStopped else { return false }
            state.mailbox = mailbox
            state.log = log
            return true
        }
    }

    /// Somebody ends the program.
    func stop(_ reason: String) {
        state.withLock { state in
            state.isStopped = true
            state.mailbox?.stop(reason: reason)
        }
    }

    /// The configuration that the next run is to have; nil if there is to be none.
    func takeNext() -> Configuration? {
        state.withLock { state in
            guard !state.isStopped, let next = state.next else { return nil }
            state.next = nil
            state.running = next
            return next
        }
    }

    /// Reads the configuration again. One that is not valid changes nothing.
    ///
    /// - Parameter load: what file and command line say together.
    func read(_ file: String?, _ load: () throws -> Configuration) {
        let (log, running) = state.withLock { ($0.log, $0.running) }
        guard let file else {
            log?.warning("SIGHUP: there is no configuration file to read again; --config names one")
            return
        }
        let next: Configuration
        do {
            _ = try Configuration.load(file: file)
            next = try load()
        } catch let error as ConfigurationError {
            for diagnostic in error.diagnostics { log?.error("the configuration was not taken: \(diagnostic)") }
            log?.error("SIGHUP: the configuration that was in force stays in force")
            return
        } catch {
            log?.error("SIGHUP: the configuration that was in force stays in force")
            return
        }
        let changes = Self.changes(running, next)
        // Secrets are not shown, and may have changed all the same, as may certificates.
        log?.notice(
            "SIGHUP: reading everything again",
            metadata: ["changed": .string(changes.isEmpty ? "nothing that is shown" : changes.joined(separator: ", "))])
        state.withLock { state in
            guard !state.isStopped else { return }
            state.next = next
            state.mailbox?.stopForReload(reason: "SIGHUP")
        }
    }

    /// The names of the options whose values differ.
    static func changes(_ one: Configuration, _ other: Configuration) -> [String] {
        func lines(_ configuration: Configuration) -> Set<Substring> {
            Set(configuration.redactedDescription().split(separator: "\n"))
        }
        let differing = lines(one).symmetricDifference(lines(other))
        return Set(differing.map { String($0.prefix { $0 != " " }) }).sorted()
    }
}
