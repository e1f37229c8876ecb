import Glibc
import History
import Synchronization

/// Connects to a broker as the daemon would, under a name of its own, and leaves at once.
enum BrokerCall {
    /// The answer of the first attempt that ends, or of the time that ran out.
    private final class Answer: Sendable {
        let trouble = Mutex<SystemFacts.BrokerTrouble?>(nil)
        let arrived = WakeSignal()

        func give(_ trouble: SystemFacts.BrokerTrouble?) {
            self.trouble.withLock { $0 = trouble }
            arrived.raise()
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
        // Nothing is learned by looking: who is trusted on first use is for the daemon to say.
        settings.tls.trustFile = settings.tls.trustFile.flatMap { access($0, F_OK) == 0 ? $0 : nil }
        let answer = Answer()
        let client = MQTTClient(settings: settings, resolveLocal: { LocalName.address(of: $0) }) { event in
            switch event {
            case .connected: answer.give(nil)
            case .disconnected(let lost): answer.give(.init(lost.cause, lost.reason))
            default: break
            }
        }
        do {
            try client.start()
        } catch {
            return .init(.other, error.description)
        }
        let isAnswered = answer.arrived.wait(until: .now + patience)
        let trouble = answer.trouble.withLock { $0 }
        client.stop()
        return isAnswered ? trouble : .init(.timedOut, "no answer within \(patience.components.seconds) s")
    }
}

/// The history database, seen from outside.
enum HistoryFacts {
    static func trouble(_ path: String) -> String? { HistoryStore.examine(path)?.description }
}
