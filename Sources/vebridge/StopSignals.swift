import Glibc

/// Ctrl-C and SIGTERM, taken by a thread that waits for them, so that no handler runs in the middle of anything.
enum StopSignals {
    /// Calls `stop` once, with the signal's name, when one arrives; a second one ends the program at once.
    ///
    /// Call it before other threads start: they inherit that these signals are not for them.
    ///
    /// - Parameter hangUp: is called each time that SIGHUP arrives. With a terminal that signal says that it is gone,
    ///   and ends the program as it always has; then nothing is watched.
    /// - Parameter stopsAtHangUp: whether a closed terminal stops the program as Ctrl-C does.
    static func watch(
        _ stop: @escaping @Sendable (String) -> Void, hangUp: (@Sendable () -> Void)? = nil, stopsAtHangUp: Bool = false
    ) {
        let stopping = [SIGINT, SIGTERM] + (stopsAtHangUp ? [SIGHUP] : [])
        let hangUp = isatty(0) == 0 && isatty(2) == 0 ? hangUp : nil
        // All of them before the first thread is there: a signal goes to any thread that does not block it, and one
        // that waits for others would be ended by it, and the program with it.
        block(stopping + (hangUp == nil ? [] : [SIGHUP]))
        start {
            let set = signals(stopping)
            guard let number = next(of: set) else { return }
            stop(number == SIGINT ? "Ctrl-C" : number == SIGTERM ? "SIGTERM" : "SIGHUP")
            unblock(set)
        }
        guard let hangUp else { return }
        start {
            let set = signals([SIGHUP])
            while next(of: set) != nil { hangUp() }
        }
    }

    private static func signals(_ numbers: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        return set
    }

    private static func block(_ numbers: [Int32]) {
        var set = signals(numbers)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    private static func unblock(_ set: sigset_t) {
        var set = set
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Waits for one of these signals; nil if that is not possible.
    private static func next(of set: sigset_t) -> Int32? {
        var set = set
        var number: Int32 = 0
        return sigwait(&set, &number) == 0 ? number : nil
    }

    /// Runs something on a thread of its own.
    private static func start(_ work: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Work(run: work))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if code == 0 { pthread_detach(thread) } else { box.release() }
    }

    private final class Work: Sendable {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
