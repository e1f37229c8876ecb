// With `once`: when everything was read and published, and how that ended.
extension Daemon.BridgeLoop {
    mutating func onceOutcome(at time: Duration) -> Daemon.Outcome? {
        let isLate = time >= Daemon.onceLimit
        let isComplete =
            ports.allSatisfy { $0.isPolled || ($0.isResolved && $0.serial == nil) }
            && buses.allSatisfy { $0.supervisor.isComplete }
        // A log takes the time it takes.
        let isPlaying = buses.contains { $0.supervisor.source.isReplay && !$0.supervisor.isFinished }
        guard isComplete || isLate && !isPlaying else { return nil }
        let failures =
            ports.filter { !$0.isPolled }.map { ($0.path, $0.trouble ?? .unusable("not read in full in time")) }
            + buses.filter { !$0.hasValues }.map { bus in
                let trouble = bus.supervisor.finalReason.map { Daemon.PortSlot.Trouble.unusable($0) }
                return (bus.supervisor.source.description, trouble ?? .absent("no value was heard"))
            }
        let hasNothing = failures.count == ports.count + buses.count
        if hasNothing, failures.allSatisfy({ $0.1.isAbsent }) {
            end(at: time)
            return .nothingToDo("no device answered:\n" + Self.list(failures))
        }
        guard !hasNothing else {
            end(at: time)
            return .failed("no port could be read:\n" + Self.list(failures))
        }
        // What could not be said while a port was still unclear, such as sums.
        if isConnected || !sink.needsBroker {
            for serial in plant.chargers.keys.sorted() {
                publisher.appeared(serial, plant: plant, at: time) { [sink] in sink.publish($0, $1) }
            }
        }
        guard let outcome = lastOutcome(at: time) else { return nil }
        if case .done = outcome, !failures.isEmpty {
            return .failed("not every port could be read:\n" + Self.list(failures))
        }
        return outcome
    }

    /// Everything was published: the end, once the broker has it. Nil while that is waited for.
    mutating func lastOutcome(at time: Duration) -> Daemon.Outcome? {
        let limit = brokerLimit ?? max(Daemon.onceLimit, time + Daemon.brokerPatience)
        brokerLimit = limit
        guard isConnected || !sink.needsBroker else {
            guard time >= limit else { return nil }
            end(at: time)
            let reason = lastDisconnection.map { ": \($0)" } ?? ""
            return .failed("the broker was not reached within \(limit.components.seconds) s\(reason)")
        }
        return end(at: time, timeout: Daemon.onceFarewell)
            ? recordingOutcome ?? .done : .failed("the broker did not confirm everything that was published")
    }

    static func list(_ failures: [(String, Daemon.PortSlot.Trouble)]) -> String {
        failures.map { "    \($0.0): \($0.1.words)" }.joined(separator: "\n")
    }
}
