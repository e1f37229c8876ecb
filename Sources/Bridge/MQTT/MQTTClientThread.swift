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
                settings: settings, address: address, version: attempts.choice.version)
            state.withLock { $0.session = session }
            var keepalive = max(5, min(65_535, Int(settings.keepalive.components.seconds)))
            try session.connect(keepalive: Int32(keepalive), bindAddress: attempts.bindAddress)
            // The library does not: a program that is started meanwhile would hold the connection open after its end.
            _ = fcntl(session.socket, F_SETFD, FD_CLOEXEC)
            if let insisted = try waitForAnswer(session, address) { keepalive = max(1, Int(insisted)) }
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
        _ session: MosquittoSession, _ address: BrokerAddress
    ) throws(ConnectionFailure) -> UInt16? {
        let deadline = ContinuousClock.now + settings.connectTimeout
        var isTCPConnected = false
        while true {
            guard stopRequest == nil else { throw ConnectionFailure(.stopped, "stopped") }
            guard !hasMoved else { throw ConnectionFailure(.moved, "the broker is no longer at \(address)") }
            guard ContinuousClock.now < deadline else {
                throw isTCPConnected
                    ? ConnectionFailure(
                        .timedOut, "\(address) took the connection but sent no answer for \(settings.connectTimeout)")
                    : ConnectionFailure(.timedOut, "no answer from \(address) for \(settings.connectTimeout)")
            }
            let ready = waitForSocket(session, writes: !isTCPConnected || session.wantsToWrite, until: deadline)
            guard !ready.isEmpty else { continue }
            if !isTCPConnected {
                let code = Self.pendingError(session.socket)
                guard code == 0 else {
                    let failure = ConnectionFailure(system: code, address: address)
                    throw failure.cause == .closed ? session.closedBeforeAnswer : failure
                }
                isTCPConnected = true
            }
            let unread = Self.unreadBytes(session.socket)
            var failure: ConnectionFailure?
            do throws(ConnectionFailure) {
                if ready.contains(.read) { try session.readAvailable() }
                if session.socket >= 0, session.wantsToWrite { try session.writeWaiting() }
            } catch {
                failure = error
            }
            // A refusal is reported and returned as an error at the same time; the report says more.
            for case .answered(let code, let keepalive) in session.takeProgress().reports {
                guard code == 0 else {
                    throw ConnectionFailure(
                        refusal: code, address: address, hasUsername: settings.username != nil,
                        clientID: settings.clientID)
                }
                return keepalive
            }
            if let failure, failure.cause != .closed { throw failure }
            // A peer that closed and left nothing to read won't answer any more. The library overlooks this during
            // the TLS handshake, and polling such a socket would spin.
            if failure != nil || session.socket < 0
                || (ready.contains(.closed) && Self.unreadBytes(session.socket) == unread)
            {
                throw session.closedBeforeAnswer
            }
        }
    }

    private func announceConnection(_ session: MosquittoSession, version: ProtocolVersion) {
        session.stopLogging()
        let subscriptions = state.withLock { state in
            state.counters.connects += 1
            state.acceptsMessages = state.stop == nil
            return state.subscriptions
        }
        for (filter, qos) in subscriptions { session.subscribe(filter, qos: qos) }
        if let words = session.keepTrust() { handler(.trusted(words)) }
        handler(.connected(version))
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
            let ready = waitForSocket(session, writes: session.wantsToWrite, until: deadline)
            state.withLock { $0.wakeUps += 1 }
            var failure: ConnectionFailure?
            do throws(ConnectionFailure) {
                if ready.contains(.read) { try session.readAvailable() }
                if session.socket >= 0, session.wantsToWrite { try session.writeWaiting() }
                if session.socket >= 0 { try session.keepAlive() }
            } catch {
                failure = error
            }
            // The broker's own words come before the library's error, which only says that the socket is closed.
            if let code = deliver(session) {
                throw ConnectionFailure(disconnect: code, address: address, clientID: settings.clientID)
            }
            if let failure { throw failure }
            guard session.socket >= 0 || farewell?.isSaid == true else {
                throw ConnectionFailure(.closed, "\(address) closed the connection")
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
        /// DISCONNECT is queued; the library closes the socket once it is written.
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
        if current.isSaid, session.socket < 0 {
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

    private struct Readiness: OptionSet {
        let rawValue: Int
        static let read = Readiness(rawValue: 1)
        static let write = Readiness(rawValue: 2)
        /// The peer has closed its side, or the connection is broken.
        static let closed = Readiness(rawValue: 4)
    }

    /// POLLRDHUP, which Swift's Glibc module does not show: the peer closed its side.
    private static let peerClosed: Int16 = 0x2000

    /// Waits for the socket, a caller's `wake`, or the deadline.
    private func waitForSocket(
        _ session: MosquittoSession, writes: Bool, until deadline: ContinuousClock.Instant
    ) -> Readiness {
        let interest = Int16(POLLIN) | Self.peerClosed | (writes ? Int16(POLLOUT) : 0)
        var entries = (
            pollfd(fd: session.socket, events: interest, revents: 0),
            pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        )
        let timeout = PollTimeout.milliseconds(until: deadline)
        let count = withUnsafeMutableBytes(of: &entries) { bytes in
            bytes.withMemoryRebound(to: pollfd.self) { poll($0.baseAddress, 2, timeout) }
        }
        guard count > 0 else { return [] }
        if entries.1.revents != 0 { wake.clear() }
        let events = entries.0.revents
        var ready: Readiness = []
        if events & Int16(POLLOUT) != 0 { ready.insert(.write) }
        if events & (Self.peerClosed | Int16(POLLHUP) | Int16(POLLERR)) != 0 { ready.insert([.closed, .read]) }
        if events & Int16(POLLIN) != 0 { ready.insert(.read) }
        return ready
    }

    /// The outcome of a `connect` in the background, an errno; 0 if it succeeded.
    private static func pendingError(_ socket: Int32) -> Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
    }

    private static func unreadBytes(_ socket: Int32) -> Int32 {
        var count: Int32 = 0
        return ioctl(socket, UInt(FIONREAD), &count) == 0 ? count : 0
    }
}
