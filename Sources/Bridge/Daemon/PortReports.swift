import Logging

// What the loop tells of its ports.
extension Daemon.BridgeLoop {
    /// How each port is doing, in the order in which they were found.
    func portReports(at time: Duration) -> [PortReport] { ports.map { $0.supervisor.value.report(at: time) } }

    /// Says by what ports that come and go are noticed, where that is not the usual way.
    func tellOfWitnesses() {
        guard !once, !watcher.hearsUdev, patterns.hasWildcards else { return }
        let interval = Daemon.rescanInterval.components.seconds
        log.notice("udev is not running; watching /dev by inotify and every \(interval) s")
    }
}
