extension MQTTClient {
    /// The version of the protocol spoken on a connection.
    public enum ProtocolVersion: Sendable, Hashable, CustomStringConvertible {
        /// MQTT 5.0.
        case v5
        /// MQTT 3.1.1.
        case v311

        /// `5` or `3.1.1`.
        public var description: String {
            switch self {
            case .v5: "5"
            case .v311: "3.1.1"
            }
        }
    }

    /// Why there is no connection, for callers that branch.
    public enum Cause: Sendable, Hashable {
        /// The host is up and nothing listens on the port.
        case refused
        /// The name has no address.
        case hostNotFound
        /// The broker turned up at another address; the client goes there at once.
        case moved
        /// No route, or the network is down.
        case unreachable
        /// Nobody answered in time.
        case timedOut
        /// The encrypted connection could not be made: certificate, host name, no TLS on the port.
        case tls
        /// The broker does not accept the user name, password or client.
        case notAuthorised
        /// The broker does not speak the version offered; the other one is tried.
        case version
        /// The broker answered with a refusal of another kind.
        case rejected
        /// The broker, or something on the way, closed the connection.
        case closed
        /// The broker does not keep to MQTT, or something else listens on the port.
        case violation
        /// The broker does not accept a will of this quality of service; a lower one is tried.
        case willQoS
        /// The broker does not accept a retained will; one that is not retained is tried.
        case willRetain
        /// The broker left messages without an acknowledgement for too long.
        case unacknowledged
        /// Another client connected with our client identifier.
        case takenOver
        /// The settings cannot work, for example a certificate file that cannot be read.
        case settings
        /// `stop` was called.
        case stopped
        /// Something else; the text says what.
        case other
    }

    /// One lost connection, or one failed attempt to connect.
    public struct Disconnection: Sendable, Hashable {
        /// What kind of failure it was.
        public var cause: Cause
        /// The failure in words for a person, with host and port.
        public var reason: String
        /// How many attempts have failed since the last connection. 0 when an established connection was lost.
        public var attempts: Int
        /// How often this reason has come in a row, from 1. Log at 1, and seldom after it.
        public var repeats: Int
        /// The wait before the next attempt. `nil` after `stop`.
        public var retryAfter: Duration?
    }

    /// What happens on the connection. Events arrive one after the other on the client's own thread; a handler must
    /// not block, and may call `publish`, `subscribe` and `counters`.
    public enum Event: Sendable, Hashable {
        /// The broker accepted us and subscriptions were requested again. Republish what subscribers should see.
        case connected(ProtocolVersion)
        /// The broker stated limits when it accepted us; follows `connected`.
        case limited(BrokerLimits)
        /// The connection is gone, or could not be made.
        case disconnected(Disconnection)
        /// A message on a subscribed topic.
        case message(topic: String, payload: [UInt8], retained: Bool, qos: Int)
        /// A message whose sender says where the answer is to go (MQTT 5); it was not retained.
        case question(topic: String, payload: [UInt8], reply: Reply)
        /// The broker's certificate was trusted on its first use; the text says which, for the log.
        case trusted(String)
        /// The broker accepted a subscription with this quality of service.
        case subscribed(filter: String, qos: Int)
        /// The broker refused a subscription.
        case subscriptionRefused(filter: String, reason: String)
        /// The broker refused a message (known only with MQTT 5 and quality of service 1 or 2).
        case publishRefused(topic: String, reason: String)
        /// Half of the room is free again after `publish` answered `.full`.
        case drained
    }

    /// Where an answer is to go.
    public struct Reply: Sendable, Hashable {
        /// The topic, as the asker wrote it: not checked.
        public var topic: String
        /// What is to be sent back with the answer; nil for nothing.
        public var correlation: [UInt8]?
    }

    /// What became of a message handed to `publish`.
    public enum PublishResult: Sendable, Hashable {
        /// It will be sent if the connection lasts.
        case accepted
        /// There is no connection; the message was dropped.
        case offline
        /// Too much is waiting already; the message was dropped. `.drained` follows when there is room.
        case full
        /// The message can never be sent; the text says why.
        case invalid(String)
    }

    /// How a stop went.
    public enum StopResult: Sendable, Hashable {
        /// The last message is with the broker and the client took its leave. The will is discarded.
        case clean
        /// The broker did not confirm the last message in time. The connection was dropped, so the will is published.
        case unconfirmed
        /// There was no connection, so nothing was published.
        case offline
    }

    /// Figures since the start of the client.
    public struct Counters: Sendable, Hashable {
        /// Connections the broker accepted.
        public var connects = 0
        /// Messages accepted by `publish`.
        public var published = 0
        /// Messages the broker acknowledged (quality of service 1 and 2).
        public var acknowledged = 0
        /// Messages the broker refused.
        public var refused = 0
        /// Messages dropped: offline, no room, larger than the broker accepts or otherwise impossible to send, or lost
        /// with a connection before their acknowledgement.
        public var dropped = 0
        /// Bytes of topic and payload of the accepted messages.
        public var bytes = 0
        /// Messages received.
        public var received = 0
        /// Messages waiting to be written or acknowledged now.
        public var pending = 0
        /// Bytes of topic and payload waiting now.
        public var pendingBytes = 0
        /// Publish to acknowledgement of the last message with quality of service 1 or 2.
        public var roundTrip: Duration?
    }
}
