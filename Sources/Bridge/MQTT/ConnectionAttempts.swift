/// What the client remembers from one attempt to connect to the next.
struct ConnectionAttempts {
    /// The version to offer.
    private(set) var choice = ProtocolChoice()

    private var backoff: ReconnectBackoff
    private var attempts = 0
    private var repeats = 0
    private var lastReason: String?
    private var earlyLosses = 0
    private var stalls = 0
    private var lastCause: MQTTClient.Cause?
    /// What the broker accepts of a will, as far as it refused one.
    private var willLimits = BrokerLimits()
    private var takeovers = 0
    private var lastTakeover: ContinuousClock.Instant?
    private let clientID: String
    private var connectedSince: ContinuousClock.Instant?
    private var generator = SystemRandomNumberGenerator()

    init(minimum: Duration, maximum: Duration, clientID: String) {
        self.clientID = clientID
        backoff = ReconnectBackoff(minimum: minimum, maximum: maximum)
    }

    /// Takeovers further apart than this are not one quarrel.
    private static let quarrelMemory: Duration = .seconds(600)

    /// The wait in a quarrel, up to a minute: each of the two has the broker for a while.
    private static func quarrelWait(_ turn: Int, _ generator: inout SystemRandomNumberGenerator) -> Duration {
        min(.seconds(60), .seconds(5) * (1 << max(0, min(turn, 4)))) * Double.random(in: 0.5...1, using: &generator)
    }

    /// The settings with a will that the broker has not refused.
    func adapted(_ settings: MQTTClient.Settings) -> MQTTClient.Settings {
        var settings = settings
        settings.will = settings.will.map { willLimits.lowered($0) }
        return settings
    }

    /// The longest wait the next failure may ask for.
    var longestWait: Duration { backoff.ceiling }

    mutating func connected(at now: ContinuousClock.Instant) {
        choice.accepted()
        connectedSince = now
        attempts = 0
    }

    /// Notes a failure. Answers what to tell the handler, or `nil` where another version of the protocol or a
    /// lesser will is to be tried at once.
    mutating func failed(_ failure: ConnectionFailure, at now: ContinuousClock.Instant) -> MQTTClient.Disconnection? {
        var reason = failure.reason
        var retryAfter: Duration?
        if failure.cause == .takenOver {
            takeovers = lastTakeover.map { now - $0 < Self.quarrelMemory } ?? false ? takeovers + 1 : 1
            lastTakeover = now
            // Once may be an old connection of a restarted broker, or a person who looks something up.
            if takeovers >= 2 {
                reason =
                    "another program uses the client id '\(clientID)', and each takes the connection from the other: "
                    + "give one of them another broker.client_id"
                retryAfter = Self.quarrelWait(takeovers, &generator)
            }
        }
        // Reconnecting helps a broker that got stuck. One that never acknowledges is not to be connected to all the time.
        stalls = failure.cause == .unacknowledged ? stalls + 1 : connectedSince == nil ? stalls : 0
        if failure.cause == .unacknowledged, stalls > 1 { retryAfter = Self.quarrelWait(stalls - 2, &generator) }
        if let since = connectedSince {
            connectedSince = nil
            earlyLosses = failure.cause == .closed && now - since < .seconds(5) ? earlyLosses + 1 : 0
            if earlyLosses > 2 {
                // Some brokers don't say that they gave the place to a newcomer.
                reason +=
                    " soon after connecting, again and again: perhaps another program uses the client id '\(clientID)'"
                retryAfter = Self.quarrelWait(earlyLosses - 3, &generator)
            }
            // A connection that is lost again at once, such as when two clients share an id, must not be retried at
            // full speed.
            if now - since >= backoff.maximum { backoff.reset() }
        } else {
            attempts += 1
            switch failure.cause {
            case .version where choice.refused():
                attempts -= 1
                return nil
            case .willQoS where willLimits.maximumQoS > 0:
                willLimits.maximumQoS = 0
                attempts -= 1
                return nil
            case .willRetain where willLimits.acceptsRetain:
                willLimits.acceptsRetain = false
                attempts -= 1
                return nil
            case .closed: choice.closed()
            default: break
            }
        }
        // The number of unconfirmed messages differs each time; the reason does not.
        let isSame = reason == lastReason || failure.cause == .unacknowledged && lastCause == .unacknowledged
        repeats = isSame ? repeats + 1 : 1
        lastReason = reason
        lastCause = failure.cause
        return MQTTClient.Disconnection(
            cause: failure.cause, reason: reason, attempts: attempts, repeats: repeats,
            retryAfter: retryAfter ?? backoff.next(using: &generator))
    }
}
