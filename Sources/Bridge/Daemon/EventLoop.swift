import CLinux
import Glibc

/// Waits on file descriptors with epoll: one thread for all ports.
struct EventLoop: ~Copyable {
    private let poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    private var ready = [epoll_event](repeating: epoll_event(), count: 64)

    deinit { close(poll) }

    /// Waits for this descriptor to become readable or to hang up, from now on.
    func add(_ descriptor: Int32, token: UInt64) {
        _ = vebridge_epoll_add(poll, descriptor, UInt32(EPOLLIN.rawValue), token)
    }

    /// No longer waits for this descriptor.
    func remove(_ descriptor: Int32) {
        var event = epoll_event()
        _ = epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, &event)
    }

    /// Waits until a descriptor is ready or the time has passed, and gives the tokens of those that are in place of what was there.
    mutating func wait(_ timeout: Duration, _ tokens: inout [UInt64]) {
        tokens.removeAll(keepingCapacity: true)
        // Rounded up: to wake a millisecond early is to wake twice.
        let parts = max(timeout, .zero).components
        let milliseconds =
            min(parts.seconds, 3600) * 1000 + (parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        let count = ready.withUnsafeMutableBufferPointer { buffer in
            epoll_wait(poll, buffer.baseAddress, Int32(buffer.count), Int32(milliseconds))
        }
        guard count > 0 else { return }
        for index in 0..<Int(count) { tokens.append(vebridge_epoll_token(ready[index])) }
    }
}
