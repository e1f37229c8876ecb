import Glibc
import Synchronization

/// The bridge's connection to a broker.
///
/// One thread of its own connects, reads, writes, pings and reconnects; callers only queue. Nothing is kept for a
/// broker that is away: `publish` answers `.offline`, and whoever holds the latest values publishes them again on
/// `.connected`. What waits on a slow connection is bounded by the settings.
///
/// A started client lives until `stop`.
public final class MQTTClient: Sendable {
    /// Why the client could not start.
    public struct StartFailure: Error, Hashable, CustomStringConvertible {
        /// The failure in words.
        public let description: String
    }

    struct StopRequest {
        let message: Message?
        let deadline: ContinuousClock.Instant
    }

    struct State {
        var isStarted = false
        var thread: pthread_t?
        var session: MosquittoSession?
        var acceptsMessages = false
        var subscriptions: [(filter: String, qos: Int)] = []
        var counters = Counters()
        var wakeUps = 0
        var stop: StopRequest?
        /// Where the broker is, as far as it is known.
        var address: BrokerAddress?
        /// Whether the connection there is leads to where the broker is no more.
        var hasMoved = false
        var stopResult = StopResult.offline

        /// Lets go of the connection; what was still waiting is lost. The caller drops the session outside the lock.
        mutating func closeSession() -> MosquittoSession? {
            acceptsMessages = false
            counters.dropped += session?.pendingCount ?? 0
            defer { session = nil }
            return session
        }
    }

    /// What the client was made with.
    public let settings: Settings

    let handler: @Sendable (Event) -> Void
    let resolveLocal: (@Sendable (String) -> String?)?
    let state = Mutex(State())
    let wake = WakeSignal()
    let finished = WakeSignal()

    /// Makes a client; `start` connects it.
    ///
    /// - Parameters:
    ///   - settings: The broker and the manners.
    ///   - resolveLocal: Gives the address of a host whose name ends in `.local`, where the system's resolver does not
    ///     know it. Called on the client's thread, and may take some seconds.
    ///   - handler: Receives every event, one at a time, on the client's thread. It must not block.
    public init(
        settings: Settings, resolveLocal: (@Sendable (String) -> String?)? = nil,
        handler: @escaping @Sendable (Event) -> Void
    ) {
        self.settings = settings
        self.resolveLocal = resolveLocal
        self.handler = handler
        state.withLock { $0.address = settings.address }
    }

    // MARK: For callers

    /// Starts the client's thread, which connects and keeps connecting. A second call does nothing.
    ///
    /// - Throws: `StartFailure` if the system is out of descriptors or threads.
    public func start() throws(StartFailure) {
        guard wake.isValid, finished.isValid else {
            throw StartFailure(description: "no file descriptor left for the connection to the broker")
        }
        let code: Int32 = state.withLock { state in
            guard !state.isStarted, state.stop == nil else { return 0 }
            var thread = pthread_t()
            // The thread holds a reference until it ends.
            let owner = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { @Sendable raw in
                    guard let raw else { return nil }
                    Unmanaged<MQTTClient>.fromOpaque(raw).takeRetainedValue().runThread()
                    return nil
                }, owner.toOpaque())
            if code == 0 {
                state.isStarted = true
                state.thread = thread
            } else {
                owner.release()
            }
            return code
        }
        guard code == 0 else {
            throw StartFailure(description: "no thread for the connection: \(String(cString: strerror(code)))")
        }
    }

    /// Queues a message. Never waits for the network. From any thread.
    public func publish(_ message: Message) -> PublishResult {
        let result = queue(message)
        if result == .accepted { wake.raise() }
        return result
    }

    /// Queues a message and leaves it at that: it leaves with the next ``flush()``. From any thread.
    func queue(_ message: Message) -> PublishResult {
        let session = state.withLock { $0.acceptsMessages ? $0.session : nil }
        let result = session?.publish(message, limited: true) ?? .offline
        state.withLock { state in
            switch result {
            case .accepted:
                state.counters.published += 1
                state.counters.bytes += message.topic.utf8.count + message.payload.count
            case .offline, .full, .invalid: state.counters.dropped += 1
            }
        }
        return result
    }

    /// Sends what is queued. Where the socket takes it at once it is written here: to wake the client's thread for it
    /// costs more than the writing. Never waits for the network. From any thread.
    func flush() {
        guard let session = state.withLock({ $0.acceptsMessages ? $0.session : nil }) else { return }
        if !session.writeAtOnce() { wake.raise() }
    }

    /// Queues a message with a payload of bytes. Never waits for the network. From any thread.
    public func publish(_ topic: String, _ payload: [UInt8], qos: Int, retain: Bool) -> PublishResult {
        publish(Message(topic: topic, payload: payload, qos: qos, retain: retain))
    }

    /// Queues a message with a payload of text. Never waits for the network. From any thread.
    public func publish(_ topic: String, _ payload: String, qos: Int, retain: Bool) -> PublishResult {
        publish(Message(topic: topic, payload: payload, qos: qos, retain: retain))
    }

    /// Subscribes now and after every reconnect. Once per filter: a second call changes the quality of service.
    ///
    /// - Parameters:
    ///   - filter: A topic, with `+` and `#` as usual.
    ///   - qos: The highest quality of service wanted, 0 to 2.
    public func subscribe(_ filter: String, qos: Int) {
        let session: MosquittoSession? = state.withLock { state in
            state.subscriptions.removeAll { $0.filter == filter }
            state.subscriptions.append((filter, qos))
            return state.acceptsMessages ? state.session : nil
        }
        if let session, session.limits.accepts(filter: filter) { session.subscribe(filter, qos: qos) }
        wake.raise()
    }

    /// Says where the broker is from now on. From any thread.
    ///
    /// - Parameters:
    ///   - address: the place; `nil` where it is not known: then nothing is tried until it is.
    ///   - breaking: whether a connection to another place is given up for it. If not, it lasts as long as it does.
    public func move(to address: BrokerAddress?, breaking: Bool) {
        state.withLock { state in
            if state.address != address, breaking { state.hasMoved = true }
            state.address = address
        }
        wake.raise()
    }

    /// What the broker of this connection stated that it does not accept; no limits while there is none. From any thread.
    public var limits: BrokerLimits { state.withLock { $0.session }?.limits ?? BrokerLimits() }

    /// Whether `publish` takes messages now. From any thread.
    public var isReady: Bool { state.withLock { $0.acceptsMessages } }

    /// Asks for a stop without waiting for it; `stop` then waits. From any thread.
    func requestStop(publish message: Message?, deadline: ContinuousClock.Instant) {
        state.withLock { state in
            if state.stop == nil { state.stop = StopRequest(message: message, deadline: deadline) }
        }
        wake.raise()
    }

    /// The figures so far. From any thread.
    public var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            counters.pending = state.session?.pendingCount ?? 0
            counters.pendingBytes = state.session?.pendingBytes ?? 0
            return counters
        }
    }

    /// Publishes a last message, waits for its acknowledgement, takes leave and ends the thread. Returns at the latest
    /// half a second after the timeout: a name lookup can't be interrupted, and then the thread ends by itself.
    /// Must not be called by the handler's thread to wait: there it only asks for the stop and answers `.unconfirmed`.
    ///
    /// - Parameters:
    ///   - message: The last message, usually the state the will would have announced.
    ///   - timeout: How long to wait for the broker.
    @discardableResult
    public func stop(publish message: Message? = nil, timeout: Duration = .seconds(5)) -> StopResult {
        let deadline = ContinuousClock.now + timeout
        let thread: pthread_t? = state.withLock { state in
            if state.stop == nil { state.stop = StopRequest(message: message, deadline: deadline) }
            return state.thread
        }
        guard state.withLock({ $0.isStarted }) else { return .offline }
        wake.raise()
        if let thread, pthread_equal(thread, pthread_self()) != 0 {
            pthread_detach(thread)
            state.withLock { $0.thread = nil }
            return .unconfirmed
        }
        guard finished.wait(until: deadline + .milliseconds(500)) else { return .unconfirmed }
        // The first to get here joins; others see that the thread has finished.
        let joinable = state.withLock { state in
            let thread = state.thread
            state.thread = nil
            return thread
        }
        if let joinable { pthread_join(joinable, nil) }
        return state.withLock { $0.stopResult }
    }

    /// How often the thread has woken from waiting on a connection. For the test that an idle client sleeps.
    var wakeUps: Int { state.withLock { $0.wakeUps } }

    /// Breaks the connection as a pulled cable or a killed process would: no farewell. For tests of the will.
    func breakConnection() {
        state.withLock { $0.session }?.sever()
    }
}
