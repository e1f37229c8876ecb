import Glibc
import History
import Synchronization

/// Connects to a broker as the daemon would, under a name of its own, and leaves at once.
enum BrokerCall {
    /// What came of it: the first trouble, unless a later attempt is taken.
    private final class Answer: Sendable {
        private struct State {
            var trouble: SystemFacts.BrokerTrouble?
            var attempts = 0
        }
        private let state = Mutex(State())
        let arrived = WakeSignal()

        var trouble: SystemFacts.BrokerTrouble? { state.withLock { $0.trouble } }

        func succeed() {
            state.withLock { $0.trouble = nil }
            arrived.raise()
        }

        func fail(_ trouble: SystemFacts.BrokerTrouble) {
            let isLast = state.withLock { state in
                state.attempts += 1
                if state.trouble == nil { state.trouble = trouble }
                return state.attempts >= BrokerCall.attempts(for: trouble.cause)
            }
            if isLast { arrived.raise() }
        }
    }

    /// How many attempts the daemon would make before it has tried both versions of the protocol.
    private static func attempts(for cause: MQTTClient.Cause) -> Int {
        switch cause {
        case .closed: 3
        default: 1
        }
    }

    /// How long a broker may take.
    static let patience: Duration = .seconds(12)

    @Sendable static func trouble(
        _ broker: Configuration.Broker, _ configuration: Configuration
    ) -> SystemFacts.BrokerTrouble? {
        var settings = TopicSink.settings(broker, configuration: configuration, stateTopic: "", mark: "doctor")
        // The daemon's own name would throw the daemon out, and its will would tell that it is gone.
        settings.clientID = "vebridge-doctor-\(getpid())"
        settings.will = nil
        settings.sessionExpiry = .zero
        settings.connectTimeout = .seconds(5)
        settings.reconnectMinimum = .milliseconds(100)
        settings.reconnectMaximum = .milliseconds(100)
        // Nothing is learned by looking. Whom the daemon has not trusted yet, or trusts in a file that this user does not
        // see, is trusted in a file that goes away again.
        // The six letters are `mkdtemp`'s, which puts its own in their place; nobody else can have made that folder.
        var folder = Array("/tmp/vebridge-doctor-XXXXXX".utf8CString)
        var forgotten: String?
        if let file = settings.tls.trustFile, access(file, R_OK) != 0, mkdtemp(&folder) != nil {
            forgotten = String(decoding: folder.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            settings.tls.trustFile = forgotten.map { $0 + "/trusted" }
        }
        defer {
            if let forgotten {
                unlink(forgotten + "/trusted")
                rmdir(forgotten)
            }
        }
        let answer = Answer()
        let client = MQTTClient(settings: settings, resolveLocal: { LocalName.address(of: $0) }) { event in
            switch event {
            case .connected: answer.succeed()
            case .disconnected(let lost) where lost.cause != .stopped: answer.fail(.init(lost.cause, lost.reason))
            default: break
            }
        }
        do {
            try client.start()
        } catch {
            return .init(.other, error.description)
        }
        let isAnswered = answer.arrived.wait(until: .now + patience)
        let trouble = answer.trouble
        client.stop()
        if isAnswered { return trouble }
        return trouble ?? .init(.timedOut, "no answer within \(patience.components.seconds) s")
    }
}

/// The history database, seen from outside.
enum HistoryFacts {
    static func trouble(_ path: String) -> SystemFacts.DatabaseTrouble? {
        HistoryStore.examine(path).map { error in
            switch error {
            case .damaged: .init(.damaged, error.description)
            case .newer: .init(.newer, error.description)
            case .missing, .empty, .notAFile, .unreadable, .unwritable, .badLine, .notExported:
                .init(.closed, error.description)
            }
        }
    }
}
