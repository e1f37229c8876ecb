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

    /// The minutes by port that are over.
    var minutes: [String: [Minute]] { state.withLock { $0.minutes } }

    /// The last hour by port, the running minute included.
    func minutes(upTo snapshot: BridgeSnapshot) -> [String: [Minute]] {
        state.withLock { state in
            var minutes = state.minutes
            for port in snapshot.ports {
                let path = port.report.path
                guard let running = Self.minute(port.report.counters, since: state.before[path], at: snapshot.time)
                else { continue }
                minutes[path] = ((minutes[path] ?? []) + [running]).suffix(Self.kept)
            }
            return minutes
        }
    }

    func begin(_ loop: any EventLoop, _ desk: SnapshotDesk) {
        let task = loop.scheduleRepeatedTask(initialDelay: .minutes(1), delay: .minutes(1)) { [self] _ in
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
                let path = port.report.path
                if let minute = Self.minute(counters, since: state.before[path], at: snapshot.time) {
                    state.minutes[path] = ((state.minutes[path] ?? []) + [minute]).suffix(Self.kept)
                }
                state.before[path] = (Self.good(counters), HealthDocument.rejections(counters))
            }
        }
    }

    private static func good(_ counters: LinkCounters) -> Int { counters.frames + counters.blocks }

    /// What was counted since the last minute; all of it for a port that is new. Nil where the counters began again.
    private static func minute(
        _ counters: LinkCounters, since before: (good: Int, rejected: [String: Int])?, at time: Double
    ) -> Minute? {
        let before = before ?? (0, [:])
        guard good(counters) >= before.good else { return nil }
        let fresh = HealthDocument.rejections(counters).reduce(into: [String: Int]()) { sum, entry in
            let count = entry.value - (before.rejected[entry.key] ?? 0)
            if count > 0 { sum[entry.key] = count }
        }
        return Minute(time: Int(time), good: good(counters) - before.good, rejected: fresh)
    }
}
