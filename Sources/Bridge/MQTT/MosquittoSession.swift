import CMosquitto
import Glibc
import MQTTWire
import Synchronization

/// One attempt to connect and, if it succeeds, the connection: one libmosquitto client object.
///
/// A new object for every attempt means that nothing waits in the library from an earlier connection, so an old value
/// can't overtake a new one after a reconnect, and that certificate files are read again.
///
/// The library has no network: `BrokerTransport` has it, and hands over only what `BrokerValidator` has checked.
///
/// `connect` and `turn` belong to the client's thread. Everything else may be called from any thread. The object is
/// destroyed with the last reference, so never under a caller's feet.
final class MosquittoSession: Sendable {
    /// What the library reported, in order, for the client's thread to act on outside the library's locks.
    enum Report {
        case answered(code: Int32, keepalive: UInt16?)
        case disconnected(code: Int32)
        case message(topic: String, payload: [UInt8], retained: Bool, qos: Int, reply: MQTTClient.Reply?)
        case subscribed(filter: String, code: Int32, reason: String)
        case refused(topic: String, reason: String)
    }

    private struct Pending {
        let topic: String
        let bytes: Int
        let qos: Int
        let sent: ContinuousClock.Instant
    }

    private struct Ledger {
        var reports: [Report] = []
        var pending: [Int32: Pending] = [:]
        var pendingBytes = 0
        /// How many of the pending messages wait for an acknowledgement, and when the last one came.
        var unacknowledged = 0
        var lastProgress = ContinuousClock.now
        var limits = BrokerLimits()
        var filters: [Int32: String] = [:]
        var wasFull = false
        var hasDrained = false
        var acknowledged = 0
        var refused = 0
        var roundTrip: Duration?
    }

    /// What changed since the last look: for the client's counters.
    struct Progress {
        var reports: [Report] = []
        var acknowledged = 0
        var refused = 0
        var roundTrip: Duration?
        var hasDrained = false
    }

    private let handle: LibraryHandle
    private let settings: MQTTClient.Settings
    private let address: BrokerAddress
    private let version: MQTTClient.ProtocolVersion
    /// Trust in the broker; nil without TLS.
    private let encryption: TLSContext?
    private let ledger = Mutex(Ledger())
    /// The way to the broker, once `connect` was called. Its lock is also held while the library reads or writes.
    /// Taken before the ledger, never while that is held.
    private let transport = Mutex<BrokerTransport?>(nil)

    /// Initialised once and never cleaned up: the library's documentation asks for one call before all others.
    private static let libraryResult: Int32 = mosquitto_lib_init()

    init(
        settings: MQTTClient.Settings, address: BrokerAddress, version: MQTTClient.ProtocolVersion
    ) throws(ConnectionFailure) {
        self.address = address
        self.version = version
        if address.tls {
            do throws(TLSContext.Failure) {
                var tls = settings.tls
                tls.serverName = tls.serverName ?? address.name
                encryption = try TLSContext(tls, host: address.host, server: address.identity)
            } catch {
                throw ConnectionFailure(.settings, error.reason)
            }
        } else {
            encryption = nil
        }
        // Whoever wants the broker to remember a session must not begin it anew.
        let isFresh = version == .v311 || settings.sessionExpiry < .seconds(1) || settings.clientID.isEmpty
        guard Self.libraryResult == MOSQ_ERR_SUCCESS.rawValue,
            let pointer = settings.clientID.isEmpty
                ? mosquitto_new(nil, true, nil) : mosquitto_new(settings.clientID, isFresh, nil)
        else {
            throw ConnectionFailure(.settings, "libmosquitto cannot be used: \(String(cString: strerror(errno)))")
        }
        handle = LibraryHandle(pointer: pointer)
        self.settings = settings
        mosquitto_threaded_set(pointer, true)
        // Unretained: the callbacks run only inside calls made by someone who holds a reference.
        mosquitto_user_data_set(pointer, Unmanaged.passUnretained(self).toOpaque())
        mosquitto_int_option(
            pointer, MOSQ_OPT_PROTOCOL_VERSION, version == .v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311)
        mosquitto_int_option(pointer, MOSQ_OPT_RECEIVE_MAXIMUM, Int32(BrokerValidator.Limit.receiveMaximum))
        setCallbacks()
        try setCredentials()
        try setWill()
    }

    deinit {
        mosquitto_destroy(handle.pointer)
    }

    // MARK: Set-up

    private func setCredentials() throws(ConnectionFailure) {
        guard let username = settings.username else { return }
        guard mosquitto_username_pw_set(handle.pointer, username, settings.password) == MOSQ_ERR_SUCCESS.rawValue else {
            throw ConnectionFailure(.settings, "the user name for \(address) is not usable")
        }
    }

    private func setWill() throws(ConnectionFailure) {
        guard let will = settings.will else { return }
        var properties = try messageProperties(will)
        let delay = Self.wholeSeconds(settings.willDelay)
        if version == .v5, delay > 0 {
            mosquitto_property_add_int32(&properties, Int32(MQTT_PROP_WILL_DELAY_INTERVAL.rawValue), delay)
        }
        let result = mosquitto_will_set_v5(
            handle.pointer, will.topic, Int32(clamping: will.payload.count), will.payload, Int32(clamping: will.qos),
            will.retain, properties)
        guard result == MOSQ_ERR_SUCCESS.rawValue else {
            // On success the library has taken them over.
            mosquitto_property_free_all(&properties)
            throw ConnectionFailure(
                .settings,
                "the will on topic '\(will.topic)' is not usable: \(String(cString: mosquitto_strerror(result)))")
        }
    }

    /// The properties of a message, nil where there are none; the caller frees them.
    private func messageProperties(_ message: MQTTClient.Message) throws(ConnectionFailure) -> OpaquePointer? {
        guard version == .v5 else { return nil }
        var properties: OpaquePointer?
        var result = Int32(MOSQ_ERR_SUCCESS.rawValue)
        if let expiry = message.expiry {
            result = mosquitto_property_add_int32(
                &properties, Int32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue), max(1, Self.wholeSeconds(expiry)))
        }
        if result == MOSQ_ERR_SUCCESS.rawValue, let correlation = message.correlation {
            result = mosquitto_property_add_binary(
                &properties, Int32(MQTT_PROP_CORRELATION_DATA.rawValue), correlation,
                UInt16(clamping: correlation.count))
        }
        guard result == MOSQ_ERR_SUCCESS.rawValue else {
            if properties != nil { mosquitto_property_free_all(&properties) }
            throw ConnectionFailure(.other, String(cString: mosquitto_strerror(result)))
        }
        return properties
    }

    /// Rounded up: a limit is not to become none.
    private static func wholeSeconds(_ duration: Duration) -> UInt32 {
        let (seconds, attoseconds) = duration.components
        return UInt32(clamping: seconds + (attoseconds > 0 ? 1 : 0))
    }

    private func setCallbacks() {
        let pointer = handle.pointer
        mosquitto_connect_v5_callback_set(pointer) { @Sendable _, owner, code, _, properties in
            var keepalive: UInt16 = 0
            let given = mosquitto_property_read_int16(
                properties, Int32(MQTT_PROP_SERVER_KEEP_ALIVE.rawValue), &keepalive, false)
            let limits = BrokerLimits(connack: properties)
            MosquittoSession.from(owner)?.ledger.withLock { $0.limits = limits }
            MosquittoSession.from(owner)?.report(.answered(code: code, keepalive: given == nil ? nil : keepalive))
        }
        mosquitto_message_v5_callback_set(pointer) { @Sendable _, owner, message, properties in
            guard let message = message?.pointee, let topic = message.topic else { return }
            let bytes = UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen))
            MosquittoSession.from(owner)?.report(
                .message(
                    topic: String(cString: topic), payload: Array(bytes), retained: message.retain,
                    qos: Int(message.qos), reply: MosquittoSession.reply(properties)))
        }
        mosquitto_publish_v5_callback_set(pointer) { @Sendable _, owner, identifier, code, _ in
            MosquittoSession.from(owner)?.settle(identifier, code: code)
        }
        mosquitto_subscribe_v5_callback_set(pointer) { @Sendable _, owner, identifier, count, granted, _ in
            guard count > 0, let granted else { return }
            MosquittoSession.from(owner)?.subscriptionAnswered(identifier, code: granted[0])
        }
    }

    /// Where the sender of a message wants its answer; nil where it does not say.
    private static func reply(_ properties: OpaquePointer?) -> MQTTClient.Reply? {
        var topic: UnsafeMutablePointer<CChar>?
        guard properties != nil,
            mosquitto_property_read_string(properties, Int32(MQTT_PROP_RESPONSE_TOPIC.rawValue), &topic, false) != nil,
            let topic
        else { return nil }
        defer { free(topic) }
        var data: UnsafeMutableRawPointer?
        var count: UInt16 = 0
        var correlation: [UInt8]?
        if mosquitto_property_read_binary(
            properties, Int32(MQTT_PROP_CORRELATION_DATA.rawValue), &data, &count, false) != nil, let data
        {
            correlation = Array(UnsafeRawBufferPointer(start: data, count: Int(count)))
            free(data)
        }
        return MQTTClient.Reply(topic: String(cString: topic), correlation: correlation)
    }

    private static func from(_ owner: UnsafeMutableRawPointer?) -> MosquittoSession? {
        owner.map { Unmanaged<MosquittoSession>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: Reports of the library

    private func report(_ report: Report) {
        ledger.withLock { $0.reports.append(report) }
    }

    /// A message was written (quality of service 0) or acknowledged.
    private func settle(_ identifier: Int32, code: Int32) {
        ledger.withLock { ledger in
            guard let entry = ledger.pending.removeValue(forKey: identifier) else { return }
            ledger.pendingBytes -= entry.bytes
            if entry.qos > 0 {
                ledger.unacknowledged -= 1
                ledger.lastProgress = .now
                if code >= 0x80 {
                    ledger.refused += 1
                    let reason = String(cString: mosquitto_reason_string(code))
                    ledger.reports.append(.refused(topic: entry.topic, reason: reason))
                } else {
                    ledger.acknowledged += 1
                    ledger.roundTrip = ContinuousClock.now - entry.sent
                }
            }
            if ledger.wasFull, ledger.pending.count <= settings.maximumPending / 2,
                ledger.pendingBytes <= settings.maximumPendingBytes / 2
            {
                ledger.wasFull = false
                ledger.hasDrained = true
            }
        }
    }

    private func subscriptionAnswered(_ identifier: Int32, code: Int32) {
        ledger.withLock { ledger in
            guard let filter = ledger.filters.removeValue(forKey: identifier) else { return }
            let reason = String(cString: mosquitto_reason_string(code))
            ledger.reports.append(.subscribed(filter: filter, code: code, reason: reason))
        }
    }

    // MARK: For the client

    var pendingCount: Int { ledger.withLock { $0.pending.count } }
    var pendingBytes: Int { ledger.withLock { $0.pendingBytes } }
    /// What the broker stated at the connection.
    var limits: BrokerLimits { ledger.withLock { $0.limits } }

    /// The messages that wait for an acknowledgement, and since when none has come; nil where none waits.
    var unacknowledged: (count: Int, since: ContinuousClock.Instant)? {
        ledger.withLock { $0.unacknowledged > 0 ? ($0.unacknowledged, $0.lastProgress) : nil }
    }

    /// Takes what the library reported since the last call.
    func takeProgress() -> Progress {
        ledger.withLock { ledger in
            let progress = Progress(
                reports: ledger.reports, acknowledged: ledger.acknowledged, refused: ledger.refused,
                roundTrip: ledger.roundTrip, hasDrained: ledger.hasDrained)
            ledger.reports = []
            ledger.acknowledged = 0
            ledger.refused = 0
            ledger.roundTrip = nil
            ledger.hasDrained = false
            return progress
        }
    }

    /// Hands a message to the library, which only queues it: the client's thread writes. `limited` is false for the
    /// last message of a stop.
    func publish(_ message: MQTTClient.Message, limited: Bool) -> MQTTClient.PublishResult {
        let size = message.topic.utf8.count + message.payload.count
        guard !message.topic.utf8.contains(0) else { return .invalid("the topic contains NUL") }
        guard (0...2).contains(message.qos) else {
            return .invalid("quality of service \(message.qos) does not exist: 0, 1 or 2")
        }
        // The lock is held over the library call so that the acknowledgement finds the entry. The library takes only
        // its queue locks here, and none of those is held while it calls back.
        return ledger.withLock { ledger in
            let message = ledger.limits.lowered(message)
            if let fault = ledger.limits.fault(of: message, version) { return .invalid(fault) }
            // Messages of quality of service 0 are only written, and do not wait behind those that are acknowledged.
            let waiting = ledger.pending.count - (message.qos == 0 ? ledger.unacknowledged : 0)
            if limited,
                waiting >= settings.maximumPending
                    || ledger.pendingBytes + size > settings.maximumPendingBytes
            {
                guard size <= settings.maximumPendingBytes else {
                    return .invalid("\(size) bytes are more than \(settings.maximumPendingBytes), the most allowed")
                }
                ledger.wasFull = true
                return .full
            }
            var identifier: Int32 = 0
            var properties: OpaquePointer?
            do throws(ConnectionFailure) {
                properties = try messageProperties(message)
            } catch {
                return .invalid(error.reason)
            }
            // The library copies what it needs.
            defer { if properties != nil { mosquitto_property_free_all(&properties) } }
            let result = mosquitto_publish_v5(
                handle.pointer, &identifier, message.topic, Int32(clamping: message.payload.count), message.payload,
                Int32(message.qos), message.retain, properties)
            switch result {
            case MOSQ_ERR_SUCCESS.rawValue:
                let entry = Pending(topic: message.topic, bytes: size, qos: message.qos, sent: .now)
                if let stale = ledger.pending.updateValue(entry, forKey: identifier) {
                    ledger.pendingBytes -= stale.bytes
                    if stale.qos > 0 { ledger.unacknowledged -= 1 }
                }
                ledger.pendingBytes += size
                if message.qos > 0 {
                    if ledger.unacknowledged == 0 { ledger.lastProgress = .now }
                    ledger.unacknowledged += 1
                }
                return .accepted
            case MOSQ_ERR_NO_CONN.rawValue:
                return .offline
            case MOSQ_ERR_INVAL.rawValue:
                return .invalid("'\(message.topic)' is not a topic to publish on")
            case MOSQ_ERR_OVERSIZE_PACKET.rawValue:
                return .invalid("\(size) bytes are more than the broker accepts")
            default:
                return .invalid(String(cString: mosquitto_strerror(result)))
            }
        }
    }

    /// Asks for a subscription; the answer comes as a report.
    func subscribe(_ filter: String, qos: Int) {
        ledger.withLock { ledger in
            var identifier: Int32 = 0
            let result = mosquitto_subscribe_v5(handle.pointer, &identifier, filter, Int32(clamping: qos), 0, nil)
            if result == MOSQ_ERR_SUCCESS.rawValue { ledger.filters[identifier] = filter }
        }
    }

    /// Writes what is queued as far as the network takes it; from any thread. False where the client's own thread has
    /// to see to it: it is at work itself, something is left, or something went wrong.
    func writeAtOnce() -> Bool {
        let isWritten = transport.withLockIfAvailable { $0?.flush() ?? false }
        // A message of quality of service 0 is settled when it is written, and may have been the one in the way of others.
        return isWritten == true && !ledger.withLock { $0.hasDrained }
    }

    /// Breaks the connection, as a pulled cable would.
    func sever() { transport.withLock { $0?.sever() } }

    // MARK: For the client's thread

    /// What to wait for.
    struct Interest {
        var descriptor: Int32 = -1
        var reads = false
        var writes = false
        /// When to go on without an event.
        var deadline: ContinuousClock.Instant?
        /// Not to wait at all.
        var isImmediate = false
    }

    var interest: Interest {
        transport.withLock { transport in
            guard let transport else { return Interest() }
            return Interest(
                descriptor: transport.descriptor, reads: transport.wantsToRead, writes: transport.wantsToWrite,
                deadline: transport.nextDeadline, isImmediate: transport.hasMoreToDo)
        }
    }

    /// Whether TCP is connected.
    var isConnected: Bool { transport.withLock { $0?.isConnected ?? false } }
    /// Whether the farewell is on its way to the broker, and nothing is left to write.
    var isFarewellSent: Bool { transport.withLock { $0?.isFarewellSent ?? false } }

    /// Starts to connect. Resolving the name may block.
    func connect(keepalive: Int32, deadline: ContinuousClock.Instant) throws(ConnectionFailure) {
        try prepare(keepalive: keepalive)
        // Made inside the lock, which thereby owns it; until it is connected only this thread is here.
        try transport.withLock { transport throws(ConnectionFailure) in
            transport = try BrokerTransport(
                to: address, encryption: encryption, library: handle, validator: makeValidator(),
                keepalive: keepalive, deadline: deadline)
        }
    }

    /// Takes a socket that is connected already, and owns it: for tests without a network.
    func connect(over socket: Int32, keepalive: Int32) throws(ConnectionFailure) {
        try prepare(keepalive: keepalive)
        try transport.withLock { transport throws(ConnectionFailure) in
            transport = try BrokerTransport(
                over: socket, library: handle, validator: makeValidator(), keepalive: keepalive)
        }
    }

    private func makeValidator() -> BrokerValidator {
        BrokerValidator(version: version == .v5 ? .v5 : .v311, hasClientID: !settings.clientID.isEmpty)
    }

    /// Gives the library what belongs into CONNECT beside the options.
    private func prepare(keepalive: Int32) throws(ConnectionFailure) {
        guard version == .v5 else { return }
        var properties: OpaquePointer?
        let expiry = Self.wholeSeconds(max(settings.sessionExpiry, settings.willDelay))
        if expiry > 0 {
            mosquitto_property_add_int32(&properties, Int32(MQTT_PROP_SESSION_EXPIRY_INTERVAL.rawValue), expiry)
        }
        // A larger packet ends the connection: a broker that knows the limit does not send it.
        mosquitto_property_add_int32(
            &properties, Int32(MQTT_PROP_MAXIMUM_PACKET_SIZE.rawValue), UInt32(BrokerValidator.Limit.packet))
        defer { if properties != nil { mosquitto_property_free_all(&properties) } }
        // Only the call that waits for the connection takes properties. Without a host it keeps them, finds its
        // arguments wrong and does nothing more; the call that does not wait then sends them.
        mosquitto_connect_bind_v5(handle.pointer, nil, Int32(address.port), keepalive, nil, properties)
    }

    /// Moves bytes between broker and library as far as both take them.
    ///
    /// - Parameters:
    ///   - ready: What the socket is ready for.
    ///   - keepsAlive: Whether the library pings when it is time, and notices a missing answer.
    func turn(_ ready: BrokerTransport.Readiness, keepsAlive: Bool) throws(ConnectionFailure) {
        try transport.withLock { transport throws(ConnectionFailure) in
            try transport?.turn(ready, keepsAlive: keepsAlive) { self.report($0) }
        }
    }

    /// Keeps a certificate that was trusted on first use. Gives the words for the log, nil if nothing new was trusted.
    func keepTrust() -> String? { encryption?.check.keepTrust() }

    /// Queues DISCONNECT for the broker; ``isFarewellSent`` says when it has left.
    func disconnect() { transport.withLock { $0?.leave() } }
}
