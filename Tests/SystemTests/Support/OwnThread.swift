import Glibc
import Synchronization

/// A thread outside Swift's pool, which tests that start dozens of programs keep waiting for seconds.
enum OwnThread {
    static func start(_ body: @escaping @Sendable () -> Void) throws {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let code = pthread_create(
            &thread, nil,
            { @Sendable context in
                if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw Program.Failure(description: "no thread")
        }
        pthread_detach(thread)
    }
}

/// Does something once a second until it goes.
final class EverySecond: Sendable {
    private let isStopped: Stop

    private final class Stop: Sendable {
        let flag = Atomic(false)
    }

    init(_ body: @escaping @Sendable () -> Void) throws {
        let stop = Stop()
        isStopped = stop
        try OwnThread.start {
            while !stop.flag.load(ordering: .acquiring) {
                body()
                sleep(1)
            }
        }
    }

    deinit { isStopped.flag.store(true, ordering: .releasing) }
}
