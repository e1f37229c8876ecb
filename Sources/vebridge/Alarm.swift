import Glibc

/// Something that is done once, later, by a thread of its own.
enum Alarm {
    /// Calls `body` after the time has passed, unless the program has ended by then.
    static func set(_ pause: Duration, _ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Box(pause, body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let alarm = Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
                var rest = timespec(
                    tv_sec: Int(alarm.pause.components.seconds),
                    tv_nsec: Int(alarm.pause.components.attoseconds / 1_000_000_000))
                var left = timespec()
                while nanosleep(&rest, &left) != 0, errno == EINTR { rest = left }
                alarm.body()
                return nil
            }, box.toOpaque())
        if code == 0 { pthread_detach(thread) } else { box.release() }
    }

    private final class Box: Sendable {
        let pause: Duration
        let body: @Sendable () -> Void
        init(_ pause: Duration, _ body: @escaping @Sendable () -> Void) {
            self.pause = pause
            self.body = body
        }
    }
}
