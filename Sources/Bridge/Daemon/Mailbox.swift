import Synchronization

/// How other threads tell the daemon's loop something. What waits is bounded: of each kind of message at most one,
/// or the last, matters.
public final class Mailbox: Sendable {
    struct Contents {
        var stopReason: String?
        var isConnected: MQTTClient.ProtocolVersion?
        var disconnection: MQTTClient.Disconnection?
        var isDrained = false
        /// A topic that the broker does not take, and why.
        var refusal: String?
        /// The information that another bridge published in our place.
        var otherBridge: [UInt8]?
        /// What others say that concerns the readable topics.
        var heard = ReadableNews()
        /// What brokers can never take, with the broker's name; at most `noticeLimit`.
        var notices: [(broker: String, notice: BrokerLink.Notice)] = []
        /// What was asked of the bridge, at most `requestLimit`.
        var requests: [PendingRequest] = []
        /// Whether something is new about updates.
        var hasUpdateNews = false
        /// The handlers that wait for a snapshot, at most `lookLimit`.
        var looks: [@Sendable (BridgeSnapshot) -> Void] = []
    }

    static let requestLimit = 32
    static let noticeLimit = 256
    static let lookLimit = 4

    private let contents = Mutex(Contents())
    private let reloads = Mutex(false)
    let wake = WakeSignal()

    /// An empty mailbox.
    public init() {}

    /// Asks the daemon to end cleanly because another takes its place at once, with another configuration.
    public func stopForReload(reason: String) {
        reloads.withLock { $0 = true }
        stop(reason: reason)
    }

    /// Whether another daemon takes this one's place at once.
    var isReload: Bool { reloads.withLock { $0 } }

    /// Asks the daemon to end cleanly.
    public func stop(reason: String) {
        contents.withLock { $0.stopReason = reason }
        wake.raise()
    }

    /// Asks for a snapshot. The answer comes on the daemon's thread and must not hold it up. Of those that ask at once
    /// only the last few are answered, so that a server asks once for all its clients.
    public func look(_ answer: @escaping @Sendable (BridgeSnapshot) -> Void) {
        post { contents in
            if contents.looks.count >= Self.lookLimit { contents.looks.removeFirst() }
            contents.looks.append(answer)
        }
    }

    func post(_ change: (inout Contents) -> Void) {
        contents.withLock { change(&$0) }
        wake.raise()
    }

    func take() -> Contents {
        wake.clear()
        return contents.withLock { contents in
            defer { contents = Contents() }
            return contents
        }
    }
}

extension Mailbox {
    /// Waits until somebody asks to stop, or the time has passed; gives the reason, nil for the time.
    public func waitForStop(_ limit: Duration? = nil) -> String? {
        let deadline = limit.map { ContinuousClock.now + $0 }
        while true {
            let isRaised = wake.wait(until: deadline ?? .now + .seconds(3600))
            if isRaised, let reason = take().stopReason { return reason }
            if let deadline, ContinuousClock.now >= deadline { return nil }
        }
    }
}
