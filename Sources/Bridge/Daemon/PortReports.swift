import Logging

// What the loop tells of its ports.
extension Daemon.BridgeLoop {
    /// How each port is doing, in the order in which they were found.
    func portReports(at time: Duration) -> [PortReport] {
        let multiplexers = multiplexers
        return ports.map { port in
            guard let channel = port.channel else { return port.supervisor.value.report(at: time) }
            return multiplexers[channel.multiplexer].supervisor.report(channel.number, at: time)
        }
    }

    /// Says by what ports that come and go are noticed, where that is not the usual way.
    func tellOfWitnesses() {
        guard !once, !watcher.hearsUdev, patterns.hasWildcards else { return }
        let interval = Daemon.rescanInterval.components.seconds
        log.notice("udev is not running; watching /dev by inotify and every \(interval) s")
    }
}
