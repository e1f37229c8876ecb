import Bridge
import Glibc
import Synchronization

/// The bridge on a thread of its own, beside a screen.
final class BridgeThread {
    private var thread = pthread_t()
    private let box: Box

    /// - Parameter ended: called on that thread when the bridge has ended, with how.
    init(_ daemon: Daemon, ended: @escaping @Sendable (Daemon.Outcome) -> Void = { _ in }) throws {
        box = Box(daemon, ended)
        let context = Unmanaged.passRetained(box)
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let box = Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
                box.ended(box.daemon.run())
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw Status.failed.exit
        }
    }

    func join() { pthread_join(thread, nil) }

    private final class Box: Sendable {
        let daemon: Daemon
        let ended: @Sendable (Daemon.Outcome) -> Void

        init(_ daemon: Daemon, _ ended: @escaping @Sendable (Daemon.Outcome) -> Void) {
            self.daemon = daemon
            self.ended = ended
        }
    }
}
