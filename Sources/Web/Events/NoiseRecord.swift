import Bridge
import NIOCore
import Synchronization
import VEDirect

/// How much was rejected on each port in each of the last minutes.
final class NoiseRecord: Sendable {
    /// A minute of a port.
    struct Minute: Sendable, Hashable {
        /// When it ended, seconds since 1970.
        var time: Int
        /// Frames and blocks that were right.
        var good: Int
        /// Those that were not, by reason.
        var rejected: [String: Int]
    }

    private struct State {
        var minutes: [String: [Minute]] = [:]
        var before: [String: (good: Int, rejected: [String: Int])] = [:]
        var task: RepeatedTask?
    }

    static let kept = 60
    private let state = Mutex(State())

    /// The minutes by port.
    var minutes: [String: [Minute]] { state.withLock { $0.minutes } }

    func begin(_ loop: any EventLoop, _ desk: SnapshotDesk) {
        let task = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .minutes(1)) { [self] _ in
            desk.snapshot(maximumAge: .seconds(5)).whenSuccess { [self] in take($0) }
        }
        state.withLock { $0.task = task }
    }

    func end() { state.withLock { $0.task }?.cancel() }

    func take(_ snapshot: BridgeSnapshot) {
        state.withLock { state in
            // A port that is gone for good is forgotten with its minutes.
            let paths = Set(snapshot.ports.map(\.report.path))
            for gone in state.minutes.keys where !paths.contains(gone) { state.minutes[gone] = nil }
            for gone in state.before.keys where !paths.contains(gone) { state.before[gone] = nil }
            for port in snapshot.ports {
                let counters = port.report.counters
                let good = counters.frames + counters.blocks
                let rejected = HealthDocument.rejections(counters)
                if let before = state.before[port.report.path], good >= before.good {
                    let fresh = rejected.reduce(into: [String: Int]()) { sum, entry in
                        let count = entry.value - (before.rejected[entry.key] ?? 0)
                        if count > 0 { sum[entry.key] = count }
                    }
                    var minutes = state.minutes[port.report.path] ?? []
                    minutes.append(Minute(time: Int(snapshot.time), good: good - before.good, rejected: fresh))
                    state.minutes[port.report.path] = minutes.suffix(Self.kept)
                }
                state.before[port.report.path] = (good, rejected)
            }
        }
    }
}
