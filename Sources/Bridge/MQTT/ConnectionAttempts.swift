/// What the client remembers from one attempt to connect to the next.
struct ConnectionAttempts {
    /// The version to offer.
    private(set) var choice = ProtocolChoice()
    /// The local address to connect from. Only ever `0.0.0.0`, which limits an attempt to IPv4: the library tries a
    /// single address of a name, and where IPv6 is configured but leads nowhere the IPv4 address gets its turn so.
    private(set) var bindAddress: String?

    private var backoff: ReconnectBackoff
    private var attempts = 0
    private var repeats = 0
    private var lastReason: String?
    private var connectedSince: ContinuousClock.Instant?
    private var generator = SystemRandomNumberGenerator()

    init(minimum: Duration, maximum: Duration) {
        backoff = ReconnectBackoff(minimum: minimum, maximum: maximum)
    }

    mutating func connected(at now: ContinuousClock.Instant) {
        choice.accepted()
        connectedSince = now
        attempts = 0
    }

    /// Notes a failure. Answers what to tell the handler, or `nil` where the other version of the protocol is to be
    /// tried at once.
    mutating func failed(_ failure: ConnectionFailure, at now: ContinuousClock.Instant) -> MQTTClient.Disconnection? {
        if let since = connectedSince {
            connectedSince = nil
            // A connection that is lost again at once, such as when two clients share an id, must not be retried at
            // full speed.
            if now - since >= backoff.maximum { backoff.reset() }
        } else {
            attempts += 1
            switch failure.cause {
            case .version where choice.refused():
                attempts -= 1
                return nil
            case .closed: choice.closed()
            case .timedOut, .unreachable: bindAddress = bindAddress == nil ? "0.0.0.0" : nil
            // Perhaps there is no IPv4 address.
            case .hostNotFound, .other: bindAddress = nil
            default: break
            }
        }
        repeats = failure.reason == lastReason ? repeats + 1 : 1
        lastReason = failure.reason
        return MQTTClient.Disconnection(
            cause: failure.cause, reason: failure.reason, attempts: attempts, repeats: repeats,
            retryAfter: backoff.next(using: &generator))
    }
}
