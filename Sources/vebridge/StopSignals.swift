import Glibc

/// Ctrl-C and SIGTERM, taken by a thread that waits for them, so that no handler runs in the middle of anything.
enum StopSignals {
    /// Calls `stop` once, with the signal's name, when one arrives; a second one ends the program at once.
    ///
    /// Call it before other threads start: they inherit that these signals are not for them.
    static func watch(_ stop: @escaping @Sendable (String) -> Void) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM] { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let box = Unmanaged.passRetained(Handler(stop: stop))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let handler = Unmanaged<Handler>.fromOpaque(context).takeRetainedValue()
                var set = sigset_t()
                sigemptyset(&set)
                for number in [SIGINT, SIGTERM] { sigaddset(&set, number) }
                var number: Int32 = 0
                guard sigwait(&set, &number) == 0 else { return nil }
                handler.stop(number == SIGINT ? "Ctrl-C" : "SIGTERM")
                pthread_sigmask(SIG_UNBLOCK, &set, nil)
                return nil
            }, box.toOpaque())
        if code == 0 { pthread_detach(thread) } else { box.release() }
    }

    /// Calls `hangUp` each time that SIGHUP arrives. With a terminal that signal says that it is gone, and ends the
    /// program as it always has; then nothing is watched.
    ///
    /// Call it before other threads start.
    static func watchHangUp(_ hangUp: @escaping @Sendable () -> Void) {
        guard isatty(0) == 0, isatty(2) == 0 else { return }
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGHUP)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let box = Unmanaged.passRetained(Handler { _ in hangUp() })
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let handler = Unmanaged<Handler>.fromOpaque(context).takeRetainedValue()
                var set = sigset_t()
                sigemptyset(&set)
                sigaddset(&set, SIGHUP)
                var number: Int32 = 0
                while sigwait(&set, &number) == 0 { handler.stop("SIGHUP") }
                return nil
            }, box.toOpaque())
        if code == 0 { pthread_detach(thread) } else { box.release() }
    }

    private final class Handler: Sendable {
        let stop: @Sendable (String) -> Void
        init(stop: @escaping @Sendable (String) -> Void) { self.stop = stop }
    }
}
