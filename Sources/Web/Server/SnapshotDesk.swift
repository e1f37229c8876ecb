import Bridge
import NIOCore
import Synchronization

/// Asks the bridge how everything is, once for all who want to know.
final class SnapshotDesk: Sendable {
    /// The bridge did not answer in time.
    struct Silence: Error {}

    private struct State {
        var last: (snapshot: BridgeSnapshot, time: NIODeadline)?
        var waiting: [EventLoopPromise<BridgeSnapshot>] = []
        /// Which question waits, so that the end of patience with one is not that with the next.
        var round = 0
    }

    private let loop: any EventLoop
    private let mailbox: Mailbox
    private let patience: TimeAmount
    private let state = Mutex(State())

    init(loop: any EventLoop, mailbox: Mailbox, patience: TimeAmount) {
        self.loop = loop
        self.mailbox = mailbox
        self.patience = patience
    }

    /// How everything is, no older than this. Fails with ``Silence``.
    func snapshot(maximumAge: TimeAmount = .milliseconds(400)) -> EventLoopFuture<BridgeSnapshot> {
        let promise = loop.makePromise(of: BridgeSnapshot.self)
        let (known, round) = state.withLock { state -> (BridgeSnapshot?, Int?) in
            if let last = state.last, .now() - last.time <= maximumAge { return (last.snapshot, nil) }
            state.waiting.append(promise)
            return (nil, state.waiting.count == 1 ? state.round : nil)
        }
        if let known {
            promise.succeed(known)
        } else if let round {
            let loop = loop
            mailbox.look { [self] snapshot in
                // A closed loop takes nothing any more, and nobody waits there either.
                loop.execute { [self] in settle(round, .success(snapshot)) }
            }
            loop.scheduleTask(in: patience) { [self] in settle(round, .failure(Silence())) }
        }
        return promise.futureResult
    }

    private func settle(_ round: Int, _ result: Result<BridgeSnapshot, any Error>) {
        let waiting = state.withLock { state -> [EventLoopPromise<BridgeSnapshot>] in
            guard state.round == round else { return [] }
            state.round += 1
            if case .success(let snapshot) = result { state.last = (snapshot, .now()) }
            defer { state.waiting = [] }
            return state.waiting
        }
        for promise in waiting { promise.completeWith(result) }
    }
}
