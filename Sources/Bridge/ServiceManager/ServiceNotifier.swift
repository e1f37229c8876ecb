import CLinux
import Glibc

/// Tells the service manager how the daemon is, as systemd's `sd_notify(3)` describes it: a datagram to the socket
/// named by `NOTIFY_SOCKET`. Where nobody asked to be told, and wherever it fails, nothing happens.
struct ServiceNotifier: ~Copyable {
    private let descriptor: Int32
    private let address: [UInt8]
    /// How often the watchdog has to hear of progress, half of what the manager waits; nil if it does not watch.
    let watchdogInterval: Duration?
    private var nextPat: Duration = .zero
    private var lastStatus: ServiceStatus?
    private var isReady = false

    /// Reads what the manager said of itself in the environment.
    ///
    /// - Parameters:
    ///   - socket: the path of a socket, or `@` and an abstract name; nil: nobody listens.
    ///   - watchdogMicroseconds: after this much silence the manager restarts the service; nil: never.
    ///   - watchdogProcess: the process that the watchdog means; nil: whoever reads this.
    init(socket path: String?, watchdogMicroseconds: String?, watchdogProcess: String?) {
        guard let path, path.hasPrefix("/") || path.hasPrefix("@"), path.utf8.count < Self.longestPath else {
            descriptor = -1
            address = []
            watchdogInterval = nil
            return
        }
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        // An abstract name begins with a zero byte where its text has an at sign.
        address = path.hasPrefix("@") ? [0] + path.utf8.dropFirst() : Array(path.utf8)
        let isMeant = watchdogProcess.map { $0 == String(getpid()) } ?? true
        watchdogInterval =
            isMeant ? watchdogMicroseconds.flatMap { Int64($0) }.flatMap { $0 > 0 ? .microseconds($0 / 2) : nil } : nil
    }

    /// What the environment of this process says.
    init() {
        self.init(
            socket: Self.variable("NOTIFY_SOCKET"), watchdogMicroseconds: Self.variable("WATCHDOG_USEC"),
            watchdogProcess: Self.variable("WATCHDOG_PID"))
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The daemon is at work: it was configured and looked for its ports. The broker may be away for days.
    mutating func ready() {
        isReady = true
        send("READY=1")
    }

    /// The configuration is read again; ``ready()`` ends it.
    func reloading(at time: Duration) {
        var moment = timespec()
        clock_gettime(CLOCK_MONOTONIC, &moment)
        send("RELOADING=1\nMONOTONIC_USEC=\(moment.tv_sec * 1_000_000 + moment.tv_nsec / 1000)")
    }

    /// The daemon is about to end.
    func stopping() { send("STOPPING=1") }

    /// One line for people, as in `systemctl status`; sent when it changed.
    mutating func status(_ status: ServiceStatus) {
        guard descriptor >= 0, status != lastStatus else { return }
        lastStatus = status
        send("STATUS=\(status.text)")
    }

    /// The loop has been round once more.
    mutating func progress(at time: Duration) {
        guard isReady, let watchdogInterval, time >= nextPat else { return }
        nextPat = time + watchdogInterval
        send("WATCHDOG=1")
    }

    /// When ``progress(at:)`` has to be called next; nil if nobody watches.
    var deadline: Duration? { watchdogInterval == nil || !isReady ? nil : nextPat }

    /// What fits into the address of a socket, with the zero at its end.
    private static let longestPath = 108

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private func send(_ text: String) {
        guard descriptor >= 0, !address.isEmpty else { return }
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: address) }
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + address.count } ?? 0
        let bytes = Array(text.utf8)
        withUnsafePointer(to: target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                // A manager that is busy is told the next time; the loop never waits for it.
                _ = sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT),
                    address, socklen_t(length))
            }
        }
    }
}
