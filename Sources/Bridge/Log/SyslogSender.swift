import CLinux
import COpenSSL
import Glibc
import Logging
import Synchronization

/// Sends records to a log server, on a thread of its own.
///
/// What waits is bounded; what had no room is counted, and the server told the count.
final class SyslogSender: Sendable {
    private struct State {
        var queue: [LogLine] = []
        var dropped = 0
        var isEnding = false
    }

    static let queueLimit = 1000

    private let address: SyslogAddress
    private let tls: TLSSettings
    private let facility: Int
    private let state = Mutex(State())
    private let wake = WakeSignal()
    private let idle = WakeSignal()

    init(_ address: SyslogAddress, tls: TLSSettings, facility: Int) {
        self.address = address
        self.tls = tls
        self.facility = facility
    }

    /// Starts the thread, which lives as long as the process.
    ///
    /// - Parameter trouble: is told once when the server cannot be reached, and once when it can again.
    func start(trouble: @escaping @Sendable (String) -> Void) {
        final class Work: Sendable {
            let sender: SyslogSender
            let trouble: @Sendable (String) -> Void
            init(_ sender: SyslogSender, _ trouble: @escaping @Sendable (String) -> Void) {
                self.sender = sender
                self.trouble = trouble
            }
        }
        let owner = Unmanaged.passRetained(Work(self, trouble))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { @Sendable raw in
                guard let raw else { return nil }
                let work = Unmanaged<Work>.fromOpaque(raw).takeRetainedValue()
                work.sender.run(work.trouble)
                return nil
            }, owner.toOpaque())
        if code == 0 { pthread_detach(thread) } else { owner.release() }
    }

    /// Queues a record. Never waits.
    func enqueue(_ line: LogLine) {
        state.withLock { state in
            if state.queue.count >= Self.queueLimit {
                state.dropped += 1
            } else {
                state.queue.append(line)
            }
        }
        wake.raise()
    }

    /// Waits until the queue is empty, but not long.
    func finish(timeout: Duration) {
        let isEmpty = state.withLock { state in
            state.isEnding = true
            return state.queue.isEmpty
        }
        if isEmpty { return }
        wake.raise()
        _ = idle.wait(until: .now + timeout)
    }

    // MARK: The thread

    private func run(_ trouble: @Sendable (String) -> Void) {
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_SETMASK, &signals, nil)
        let place = "\(address.transport.rawValue)://\(address.host):\(address.port)"
        var link: SyslogLink?
        var pause: Duration = .seconds(1)
        var complaint: String?
        while true {
            _ = wake.wait(until: .now + .seconds(3600))
            wake.clear()
            while let line = first() {
                do throws(SyslogLink.Failure) {
                    let current: SyslogLink
                    if let link, link.isOpen {
                        current = link
                    } else {
                        link = nil
                        current = try SyslogLink(address, tls: tls)
                        link = current
                    }
                    try current.send(
                        SyslogRecord.text(line, facility: facility, host: Self.hostName, process: getpid()))
                    removeFirst()
                    if complaint != nil { trouble("the log server \(place) takes records again") }
                    complaint = nil
                    pause = .seconds(1)
                } catch {
                    link = nil
                    if complaint == nil { trouble("the log server \(place) cannot be reached: \(error.reason)") }
                    complaint = error.reason
                    // In the middle of a pause the process may want to end.
                    let deadline = ContinuousClock.now + pause
                    while ContinuousClock.now < deadline, !state.withLock({ $0.isEnding }), wake.wait(until: deadline) {
                        wake.clear()
                        poll(nil, 0, 200)
                    }
                    if state.withLock({ $0.isEnding }) { break }
                    pause = min(pause * 2, .seconds(60))
                }
            }
            idle.raise()
        }
    }

    private func first() -> LogLine? {
        state.withLock { state in
            if state.dropped > 0, state.queue.count < Self.queueLimit / 2 {
                let words = "\(state.dropped) records had no room and are lost"
                state.dropped = 0
                state.queue.append(
                    LogLine(
                        level: .warning, label: "vebridge", message: words, metadata: [:], time: time(nil),
                        hasPriority: false))
            }
            return state.queue.first
        }
    }

    private func removeFirst() {
        state.withLock { state in
            if !state.queue.isEmpty { state.queue.removeFirst() }
        }
    }

    private static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}

/// One connection to a log server, for one thread.
private final class SyslogLink {
    struct Failure: Error {
        let reason: String
    }

    private let socket: Int32
    private let transport: SyslogAddress.Transport
    private var context: TLSContext?
    private var connection: OpaquePointer?

    init(_ address: SyslogAddress, tls: TLSSettings) throws(Failure) {
        transport = address.transport
        socket = try Self.connect(address)
        guard transport == .tls else { return }
        let context: TLSContext
        do throws(TLSContext.Failure) {
            context = try TLSContext(tls, host: address.host, server: "\(address.host):\(address.port)")
        } catch {
            throw Failure(reason: error.reason)
        }
        self.context = context
        connection = SSL_new(context.pointer)
        SSL_set_fd(connection, socket)
        // SSL_set_tlsext_host_name is a macro, which Swift does not see.
        _ = context.check.name.withCString { name in
            SSL_ctrl(
                connection, Int32(VEBRIDGE_SSL_CTRL_SET_TLSEXT_HOSTNAME), 0,
                UnsafeMutableRawPointer(mutating: name))
        }
        guard SSL_connect(connection) == 1 else {
            let reason =
                context.check.refusal ?? context.check.alert ?? "the TLS handshake failed (\(TLSContext.lastError()))"
            throw Failure(reason: reason)
        }
    }

    deinit {
        if let connection { SSL_free(connection) }
        if socket >= 0 { close(socket) }
    }

    /// Whether the server has not closed the connection: what is sent after that is lost in silence.
    var isOpen: Bool {
        guard transport != .udp else { return true }
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
    }

    func send(_ record: [UInt8]) throws(Failure) {
        // In a stream the length goes before the record, RFC 6587 section 3.4.1.
        let bytes = transport == .udp ? record : Array("\(record.count) ".utf8) + record
        var start = 0
        while start < bytes.count {
            let count: Int = bytes[start...].withUnsafeBytes { rest in
                if let connection { return Int(SSL_write(connection, rest.baseAddress, Int32(rest.count))) }
                return Glibc.send(socket, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                start += count
            } else if connection == nil, errno == EINTR {
                continue
            } else if transport == .udp {
                // A refusal of an earlier datagram; nobody knows of this one.
                return
            } else {
                throw Failure(
                    reason: context?.check.alert ?? "the connection broke (\(String(cString: strerror(errno))))")
            }
        }
    }

    private static func connect(_ address: SyslogAddress) throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(address.transport == .udp ? SOCK_DGRAM.rawValue : SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, "\(address.port)", &hints, &list)
        guard code == 0 else { throw Failure(reason: "host name not found: \(String(cString: gai_strerror(code)))") }
        defer { freeaddrinfo(list) }
        var reason = "it has no address"
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            let socket = Glibc.socket(
                entry.ai_family, entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), entry.ai_protocol)
            guard socket >= 0 else { continue }
            // Reading, writing and, on Linux, connecting take no longer than this.
            var limit = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            if Glibc.connect(socket, entry.ai_addr, entry.ai_addrlen) == 0 { return socket }
            reason = String(cString: strerror(errno))
            close(socket)
        }
        throw Failure(reason: reason)
    }
}
