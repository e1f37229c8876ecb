/// What the daemon has to show in one line.
struct ServiceStatus: Equatable {
    /// Ports that are looked after.
    var ports = 0
    /// Those of them on which a charger answers.
    var chargers = 0
    /// Links to a MasterBus.
    var buses = 0
    /// Those of them on which values were heard.
    var speakingBuses = 0
    /// Whether the broker is there; nil where none is used.
    var isBrokerConnected: Bool?

    /// For example `3 of 4 ports answer, MasterBus heard, broker connected`.
    var text: String {
        var parts: [String] = []
        if ports > 0 || buses == 0 {
            parts.append(ports == 0 ? "waiting for a port" : "\(chargers) of \(ports) ports answer")
        }
        if buses > 0 { parts.append(speakingBuses == buses ? "MasterBus heard" : "MasterBus not heard") }
        if let isBrokerConnected { parts.append(isBrokerConnected ? "broker connected" : "broker not connected") }
        return parts.joined(separator: ", ")
    }
}

extension Daemon.BridgeLoop {
    /// Says that the loop turns, and in a line what it has to show, which `systemctl status` displays.
    mutating func tellServiceManager(at time: Duration) {
        notifier.progress(at: time)
        notifier.status(
            ServiceStatus(
                ports: ports.count, chargers: ports.count { $0.serial != nil }, buses: buses.count,
                speakingBuses: buses.count { $0.hasValues }, isBrokerConnected: sink.needsBroker ? isConnected : nil))
    }
}
