import Dispatch
import Foundation
import Logging
import Synchronization

@testable import Bridge

/// A daemon on a thread of its own, until it is stopped.
final class RunningDaemon: Sendable {
    let lines: PrintedLines
    private let mailbox = Mailbox()
    private let outcome = Mutex<Daemon.Outcome?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    convenience init(log: Logger = quietLog, _ change: (inout Configuration) -> Void) {
        var configuration = Configuration()
        change(&configuration)
        self.init(configuration, lines: PrintedLines(), log: log)
    }

    init(
        _ configuration: Configuration, recording: String? = nil, lines: PrintedLines, log: Logger = quietLog
    ) {
        self.lines = lines
        let daemon = Daemon(
            configuration: configuration, output: .lines { lines.add($0) }, once: false,
            recording: recording, log: log, mailbox: mailbox)
        Thread.detachNewThread { [self] in
            let outcome = daemon.run()
            self.outcome.withLock { $0 = outcome }
            ended.signal()
        }
    }

    func stop() -> Daemon.Outcome? {
        mailbox.stop(reason: "the test ends")
        _ = ended.wait(timeout: .now() + 10)
        return outcome.withLock { $0 }
    }
}

/// Waits until something holds, looking often; false after half a minute.
func eventually(_ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(30)
    while !condition() {
        if ContinuousClock.now > end { return false }
        try? await Task.sleep(for: .milliseconds(20))
    }
    return true
}
