import CLinux
import Glibc
import Synchronization

// What runs on the client's own thread.
extension MQTTClient {
    /// The thread from start to end.
    func runThread() {
        // Signals are the main thread's business, and a broken connection must not raise SIGPIPE here.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_SETMASK, &signals, nil)
        nameThread()
        var attempts = ConnectionAttempts(
            minimum: settings.reconnectMinimum, maximum: settings.reconnectMaximum, clientID: settings.clientID)
        while stopRequest == nil {
            guard let address = takeAddress() else {
                // Whoever looks for the broker says when there is a place to go to.
                _ = wake.wait(until: .now + .seconds(3600))
                wake.clear()
                continue
            }
            let failure = serve(&attempts, at: resolved(address))
            _ = state.withLock { $0.closeSession() }
            guard stopRequest == nil else { break }
            guard let disconnection = attempts.failed(failure, at: .now) else { continue }
            handler(.disconnected(disconnection))
            if let wait = disconnection.retryAfter, failure.cause != .moved { pause(wait) }
        }
        let last = Disconnection(cause: .stopped, reason: "stopped", attempts: 0, repeats: 1, retryAfter: nil)
        handler(.disconnected(last))
        finished.raise()
    }

    /// For `ps -L` and `top -H`; if it fails the thread keeps the name of the process.
    private func nameThread() {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = write(file, "mqtt", 4)
        close(file)
    }

    private var stopRequest: StopRequest? { state.withLock { $0.stop } }

    /// Where to connect to; from now on a connection leads there.
    private func takeAddress() -> BrokerAddress? {
        state.withLock { state in
            state.hasMoved = false
            return state.address
        }
    }

    /// The address with a `.local` name replaced by what it stands for, where only multicast DNS knows it.
    private func resolved(_ address: BrokerAddress) -> BrokerAddress {
        guard let resolveLocal, address.host.lowercased().hasSuffix(".local"), !Self.isKnown(address.host),
            let found = resolveLocal(address.host)
        else { return address }
        return BrokerAddress(host: found, port: address.port, tls: address.tls, name: address.host)
    }

    /// Whether the system's resolver has an address for a name.
    private static func isKnown(_ host: String) -> Bool {
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, nil, &list) == 0 else { return false }
        freeaddrinfo(list)
        return true
    }

    private var hasMoved: Bool { state.withLock { $0.hasMoved } }

    /// Waits, unless a stop or another address ends the wait.
    private func pause(_ duration: Duration) {
        let deadline = ContinuousClock.now + duration
        while stopRequest == nil, !hasMoved, wake.wait(until: deadline) { wake.clear() }
    }

    /// Makes one connection and serves it until it ends. Answers why it ended.
    private func serve(_ attempts: inout ConnectionAttempts, at address: BrokerAddress) -> ConnectionFailure {
        do throws(ConnectionFailure) {
            let session = try MosquittoSession(
                settings: attempts.adapted(settings), address: address, version: attempts.choice.version)
            state.withLock { $0.session = session }
            var keepalive = max(5, min(65_535, Int(settings.keepalive.components.seconds)))
            let deadline = ContinuousClock.now + settings.connectTimeout
            try session.connect(keepalive: Int32(keepalive), deadline: deadline)
            if let insisted = try waitForAnswer(session, address, until: deadline) {
                // 0: the broker wants no pings.
                keepalive = insisted == 0 ? 65_535 : Int(insisted)
            }
            attempts.connected(at: .now)
            announceConnection(session, version: attempts.choice.version)
            try exchange(session, address, keepalive: .seconds(keepalive))
        } catch {
            return error
        }
        return ConnectionFailure(.stopped, "stopped")
    }

    // MARK: Connecting

    /// Waits for TCP, TLS and the broker's answer. Answers the keepalive the broker insists on, if any.
    private func waitForAnswer(
        _ session: MosquittoSession, _ address: BrokerAddress, until deadline: ContinuousClock.Instant
    ) throws(ConnectionFailure) -> UInt16? {
        while true {
            guard stopRequest == nil else { throw ConnectionFailure(.stopped, "stopped") }
            guard !hasMoved else { throw ConnectionFailure(.moved, "the broker is no longer at \(address)") }
            guard ContinuousClock.now < deadline else {
                throw session.isConnected
                    ? ConnectionFailure(
                        .timedOut, "\(address) took the connection but sent no answer for \(settings.connectTimeout)")
                    : ConnectionFailure(.timedOut, "no answer from \(address) for \(settings.connectTimeout)")
            }
            let ready = waitForSocket(session, until: deadline)
            var failure: ConnectionFailure?
            do throws(ConnectionFailure) {
                try session.turn(ready, keepsAlive: false)
            } catch {
                failure = error
            }
            // What the broker said before it closed the connection says more than that it did.
            for case .answered(let code, let keepalive) in session.takeProgress().reports {
                guard code == 0 else {
                    throw ConnectionFailure(
                        refusal: code, address: address, hasUsername: settings.username != nil,
                        clientID: settings.clientID)
                }
                return keepalive
            }
            if let failure { throw failure }
        }
    }

    private func announceConnection(_ session: MosquittoSession, version: ProtocolVersion) {
        let subscriptions = state.withLock { state in
            state.counters.connects += 1
            state.acceptsMessages = state.stop == nil
            return state.subscriptions
        }
        let limits = session.limits
        for (filter, qos) in subscriptions where limits.accepts(filter: filter) { session.subscribe(filter, qos: qos) }
        if let words = session.keepTrust() { handler(.trusted(words)) }
        handler(.connected(version))
        if limits != BrokerLimits() { handler(.limited(limits)) }
    }

    // MARK: Connected

    /// Serves an established connection until it fails, or until a stop is carried out.
    private func exchange(
        _ session: MosquittoSession, _ address: BrokerAddress, keepalive: Duration
    ) throws(ConnectionFailure) {
        var farewell: Farewell?
        while true {
            if farewell == nil, let request = stopRequest { farewell = beginFarewell(session, request) }
            if continueFarewell(session, &farewell) { return }
            if farewell == nil, hasMoved {
                throw ConnectionFailure(.moved, "the broker is no longer at \(address)")
            }
            // Nothing to write and nothing to read: wake up only to ping. When that is due the library knows, who counts
            // from what was said and heard last, in whole seconds; half of it is late enough, and seldom enough.
            var deadline = ContinuousClock.now + keepalive / 2
            if let farewell { deadline = min(deadline, farewell.deadline) }
            if let waiting = session.unacknowledged {
                deadline = min(deadline, waiting.since + settings.acknowledgementTimeout)
            }
            let ready = waitForSocket(session, until: deadline)
            state.withLock { $0.wakeUps += 1 }
            var failure: ConnectionFailure?
            do throws(ConnectionFailure) {
                try session.turn(ready, keepsAlive: true)
            } catch {
                failure = error
            }
            // The broker's own words come before the failure, which only says that the connection is closed.
            if let code = deliver(session) {
                throw ConnectionFailure(disconnect: code, address: address, clientID: settings.clientID)
            }
            if let failure {
                // A broker may close the connection as soon as it has our farewell.
                if failure.cause == .closed, farewell?.isSaid == true, session.isFarewellSent { continue }
                throw failure
            }
            // After reading: an acknowledgement may have waited in the socket while this machine slept.
            if farewell == nil, let waiting = session.unacknowledged,
                ContinuousClock.now - waiting.since >= settings.acknowledgementTimeout
            {
                throw ConnectionFailure(unacknowledged: waiting.count, for: settings.acknowledgementTimeout)
            }
        }
    }

    /// Passes on what the library reported. Answers the code of the broker's DISCONNECT, if there was one.
    private func deliver(_ session: MosquittoSession) -> Int32? {
        let progress = session.takeProgress()
        var disconnectCode: Int32?
        var events: [Event] = []
        for report in progress.reports {
            switch report {
            case .answered: break
            case .disconnected(let code): disconnectCode = code
            case .message(let topic, let payload, false, _, let reply?):
                events.append(.question(topic: topic, payload: payload, reply: reply))
            case .message(let topic, let payload, let retained, let qos, _):
                events.append(.message(topic: topic, payload: payload, retained: retained, qos: qos))
            case .subscribed(let filter, let code, let reason):
                events.append(
                    code < 0x80
                        ? .subscribed(filter: filter, qos: Int(code))
                        : .subscriptionRefused(filter: filter, reason: reason))
            case .refused(let topic, let reason):
                events.append(.publishRefused(topic: topic, reason: reason))
            }
        }
        if progress.hasDrained { events.append(.drained) }
        state.withLock { state in
            state.counters.acknowledged += progress.acknowledged
            state.counters.refused += progress.refused
            if let roundTrip = progress.roundTrip { state.counters.roundTrip = roundTrip }
            for case .message in progress.reports { state.counters.received += 1 }
        }
        for event in events { handler(event) }
        return disconnectCode
    }

    // MARK: Stopping

    private struct Farewell {
        let deadline: ContinuousClock.Instant
        /// DISCONNECT is queued.
        var isSaid = false
    }

    private func beginFarewell(_ session: MosquittoSession, _ request: StopRequest) -> Farewell {
        state.withLock { state in
            state.acceptsMessages = false
            state.stopResult = .unconfirmed
        }
        if let message = request.message, session.publish(message, limited: false) == .accepted {
            state.withLock { state in
                state.counters.published += 1
                state.counters.bytes += message.topic.utf8.count + message.payload.count
            }
        }
        return Farewell(deadline: request.deadline)
    }

    /// Takes leave once everything is acknowledged. Answers whether the connection is to be let go. Without an
    /// acknowledgement in time no DISCONNECT is sent, so the broker publishes the will.
    private func continueFarewell(_ session: MosquittoSession, _ farewell: inout Farewell?) -> Bool {
        guard var current = farewell else { return false }
        if current.isSaid, session.isFarewellSent {
            state.withLock { $0.stopResult = .clean }
            return true
        }
        // Too late is too late, also where the acknowledgement came just now: whoever asked was told so.
        guard ContinuousClock.now < current.deadline else { return true }
        if !current.isSaid, session.pendingCount == 0 {
            session.disconnect()
            current.isSaid = true
            farewell = current
        }
        return false
    }

    // MARK: The socket

    /// POLLRDHUP, which Swift's Glibc module does not show: the peer closed its side.
    private static let peerClosed: Int16 = 0x2000

    /// Waits for the socket, a caller's `wake`, or the deadline.
    private func waitForSocket(
        _ session: MosquittoSession, until deadline: ContinuousClock.Instant
    ) -> BrokerTransport.Readiness {
        let interest = session.interest
        let reads = interest.reads ? Int16(POLLIN) | Self.peerClosed : 0
        var entries = (
            pollfd(fd: interest.descriptor, events: reads | (interest.writes ? Int16(POLLOUT) : 0), revents: 0),
            pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        )
        let next = interest.deadline.map { min($0, deadline) } ?? deadline
        let timeout = interest.isImmediate ? 0 : PollTimeout.milliseconds(until: next)
        let count = withUnsafeMutableBytes(of: &entries) { bytes in
            bytes.withMemoryRebound(to: pollfd.self) { poll($0.baseAddress, 2, timeout) }
        }
        guard count > 0 else { return [] }
        if entries.1.revents != 0 { wake.clear() }
        let events = entries.0.revents
        var ready: BrokerTransport.Readiness = []
        if events & (Int16(POLLIN) | Self.peerClosed) != 0 { ready.insert(.read) }
        if events & Int16(POLLOUT) != 0 { ready.insert(.write) }
        if events & (Int16(POLLHUP) | Int16(POLLERR)) != 0 { ready.insert([.read, .write]) }
        return ready
    }
}
