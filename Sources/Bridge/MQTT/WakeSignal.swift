import CLinux
import Glibc

/// Wakes a thread that waits in `poll`, from any thread. An eventfd.
final class WakeSignal: Sendable {
    /// For `poll`; readable while raised. -1 if the system had no descriptor left, which `poll` ignores.
    let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    var isValid: Bool { descriptor >= 0 }

    /// Raises the signal; it stays raised until cleared. Can't block: the counter would have to overflow.
    func raise() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }

    /// Waits until the signal is raised; `false` if the time passed first.
    func wait(until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&entry, 1, PollTimeout.milliseconds(until: deadline))
            if ready > 0 { return true }
            if ready < 0, errno != EINTR { return false }
            if ContinuousClock.now >= deadline { return false }
        }
    }
}

/// Times as `poll` wants them.
enum PollTimeout {
    /// Milliseconds from now to the deadline, rounded up so that `poll` doesn't return too early and spin.
    static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let (seconds, attoseconds) = (deadline - ContinuousClock.now).components
        if seconds < 0 || attoseconds < 0 { return 0 }
        if seconds > 86_400 { return 86_400_000 }
        return Int32(seconds) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
