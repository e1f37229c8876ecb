extension MQTTClient {
    /// One message to publish.
    public struct Message: Sendable, Hashable {
        /// The topic, UTF-8, without `+`, `#` or NUL.
        public var topic: String
        /// The payload. Empty and retained deletes the retained message.
        public var payload: [UInt8]
        /// 0 (at most once), 1 (at least once) or 2 (exactly once).
        public var qos: Int
        /// Whether the broker keeps the message for later subscribers.
        public var retain: Bool
        /// How long the broker keeps it for somebody who is away, and as the retained message; whole seconds, at least
        /// one. `nil` for ever. With MQTT 3.1.1 there is no such limit.
        public var expiry: Duration?
        /// What the asker wants back with an answer; `nil` for nothing. MQTT 5 only.
        public var correlation: [UInt8]?

        /// A message with a payload of bytes.
        public init(
            topic: String, payload: [UInt8], qos: Int = 1, retain: Bool = false, expiry: Duration? = nil,
            correlation: [UInt8]? = nil
        ) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
            self.expiry = expiry
            self.correlation = correlation
        }

        /// A message with a payload of text.
        public init(
            topic: String, payload: String, qos: Int = 1, retain: Bool = false, expiry: Duration? = nil,
            correlation: [UInt8]? = nil
        ) {
            self.init(
                topic: topic, payload: Array(payload.utf8), qos: qos, retain: retain, expiry: expiry,
                correlation: correlation)
        }
    }

    /// How to reach the broker and how to behave there.
    public struct Settings: Sendable, Hashable {
        /// The broker; `nil` where it is not known yet and ``MQTTClient/move(to:breaking:)`` will tell.
        public var address: BrokerAddress?
        /// The client identifier, unique at the broker. Empty lets the broker or the library choose one.
        public var clientID: String
        /// The user name, if the broker wants one.
        public var username: String?
        /// The password; without a user name it is not sent.
        public var password: String?
        /// The longest silence before the client pings, in whole seconds from 5 to 65535. A dead broker is noticed
        /// after at most twice this.
        public var keepalive: Duration
        /// The shortest wait before another attempt to connect.
        public var reconnectMinimum: Duration
        /// The longest wait before another attempt to connect.
        public var reconnectMaximum: Duration
        /// How long TCP, TLS and the broker's answer may take together.
        public var connectTimeout: Duration
        /// How long the broker may leave messages of quality of service 1 and 2 without any acknowledgement; then the
        /// connection is given up.
        public var acknowledgementTimeout: Duration
        /// What the broker publishes if the connection is lost without a clean stop.
        public var will: Message?
        /// How long the broker waits with the will, for a client that is soon back to have never been away. Whole
        /// seconds; MQTT 5 only.
        public var willDelay: Duration
        /// How long the broker keeps what it knows of this client after a lost connection: its subscriptions and what
        /// came for them at quality of service 1 and 2. Whole seconds; at least ``willDelay``. Zero: nothing is kept.
        /// MQTT 5 only.
        public var sessionExpiry: Duration
        /// Whom to trust, used where `address.tls` is set.
        public var tls: TLSSettings
        /// How many messages may wait to be written or acknowledged.
        public var maximumPending: Int
        /// How many bytes of topics and payloads may wait.
        public var maximumPendingBytes: Int

        /// Settings with usable defaults for everything but the address.
        public init(
            address: BrokerAddress?, clientID: String = "", username: String? = nil, password: String? = nil,
            keepalive: Duration = .seconds(30), reconnectMinimum: Duration = .milliseconds(500),
            reconnectMaximum: Duration = .seconds(30), connectTimeout: Duration = .seconds(10),
            acknowledgementTimeout: Duration = .seconds(30), will: Message? = nil,
            willDelay: Duration = .zero, sessionExpiry: Duration = .zero, tls: TLSSettings = TLSSettings(),
            maximumPending: Int = 8192, maximumPendingBytes: Int = 8 << 20
        ) {
            self.address = address
            self.clientID = clientID
            self.username = username
            self.password = password
            self.keepalive = keepalive
            self.reconnectMinimum = reconnectMinimum
            self.reconnectMaximum = reconnectMaximum
            self.connectTimeout = connectTimeout
            self.acknowledgementTimeout = acknowledgementTimeout
            self.will = will
            self.willDelay = willDelay
            self.sessionExpiry = sessionExpiry
            self.tls = tls
            self.maximumPending = maximumPending
            self.maximumPendingBytes = maximumPendingBytes
        }
    }
}
