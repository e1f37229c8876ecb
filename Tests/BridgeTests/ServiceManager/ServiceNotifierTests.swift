import Glibc
import Testing

@testable import Bridge

@Suite struct ServiceNotifierTests {
    @Test func saysReadyThenPatsTheWatchdogAtHalfItsTime() throws {
        let manager = try ListeningManager()
        var notifier = ServiceNotifier(
            socket: manager.path, watchdogMicroseconds: "2000000", watchdogProcess: String(getpid()))
        notifier.progress(at: .seconds(1))
        #expect(manager.heard().isEmpty)
        notifier.ready()
        notifier.progress(at: .seconds(1))
        notifier.progress(at: .milliseconds(1999))
        notifier.progress(at: .seconds(2))
        notifier.stopping()
        #expect(manager.heard() == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"])
        let deadline = notifier.deadline
        #expect(deadline == .seconds(3))
    }

    @Test func saysAStatusOnce() throws {
        let manager = try ListeningManager()
        var notifier = ServiceNotifier(socket: manager.path, watchdogMicroseconds: nil, watchdogProcess: nil)
        notifier.status(ServiceStatus(ports: 2, chargers: 1, isBrokerConnected: false))
        notifier.status(ServiceStatus(ports: 2, chargers: 1, isBrokerConnected: false))
        notifier.status(ServiceStatus(ports: 2, chargers: 2, buses: 1, speakingBuses: 1, isBrokerConnected: true))
        notifier.status(ServiceStatus())
        #expect(
            manager.heard() == [
                "STATUS=1 of 2 ports answer, broker not connected",
                "STATUS=2 of 2 ports answer, MasterBus heard, broker connected", "STATUS=waiting for a port",
            ])
    }

    @Test func reachesAnAbstractSocket() throws {
        let manager = try ListeningManager(name: "@vebridge-test-\(getpid())-\(UInt32.random(in: .min ... .max))")
        var notifier = ServiceNotifier(socket: manager.path, watchdogMicroseconds: nil, watchdogProcess: nil)
        notifier.ready()
        #expect(manager.heard() == ["READY=1"])
    }

    @Test(arguments: [nil, "", "relative", "/no/such/socket", "/" + String(repeating: "x", count: 200)])
    func isQuietWhereNobodyListens(path: String?) {
        var notifier = ServiceNotifier(socket: path, watchdogMicroseconds: "1000000", watchdogProcess: nil)
        notifier.ready()
        notifier.progress(at: .seconds(1))
        notifier.stopping()
        let interval = notifier.watchdogInterval
        #expect(interval == nil || path == "/no/such/socket")
    }

    @Test(arguments: [("0", nil), ("-5", nil), ("soon", nil), ("3000000", "1")] as [(String, String?)])
    func aWatchdogThatIsNotForUsIsLeftAlone(microseconds: String, process: String?) throws {
        let manager = try ListeningManager()
        var notifier = ServiceNotifier(
            socket: manager.path, watchdogMicroseconds: microseconds, watchdogProcess: process)
        notifier.ready()
        notifier.progress(at: .seconds(9))
        #expect(manager.heard() == ["READY=1"])
        let deadline = notifier.deadline
        #expect(deadline == nil)
    }
}

/// The service manager's end of the socket.
private final class ListeningManager {
    let path: String
    private let descriptor: Int32

    struct Unavailable: Error { let code: Int32 }

    init(name: String? = nil) throws {
        path = name ?? "/tmp/vebridge-notify-\(getpid())-\(UInt32.random(in: .min ... .max))"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = path.hasPrefix("@") ? [0] + path.utf8.dropFirst() : Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count)
        let code = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard code == 0 else { throw Unavailable(code: errno) }
    }

    deinit {
        close(descriptor)
        if path.hasPrefix("/") { unlink(path) }
    }

    /// Every message so far. A datagram between sockets of one machine is there when `sendto` returns.
    func heard() -> [String] {
        var messages: [String] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return messages }
            messages.append(String(decoding: buffer.prefix(count), as: UTF8.self))
        }
    }
}
