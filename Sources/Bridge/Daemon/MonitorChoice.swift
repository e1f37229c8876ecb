import Logging
import MasterBus

/// What the log says of the choice between battery monitors.
struct MonitorChoice: Sendable {
    /// How long a single monitor is not trusted after a bus was opened: devices answer the first hello at once.
    static let scanTime: Duration = .seconds(3)

    /// Until when devices may be announcing themselves; nil: not any more, or no bus was opened yet.
    var scanLimit: Duration?
    /// When the choices are logged: a little after the last device or name became known, so that all are named at once.
    var logTime: Duration?
    private var logged: Set<DeviceAddress> = []
    private var hasLoggedNames = false

    /// The warning for a choice that has to be made; nil where there is none, or the log has it already.
    mutating func warning(_ choices: [(address: DeviceAddress, name: String?)]) -> String? {
        guard !choices.isEmpty else { return nil }
        let addresses = Set(choices.map(\.address))
        let hasNames = choices.allSatisfy { $0.name != nil }
        guard addresses != logged || hasNames && !hasLoggedNames else { return nil }
        logged = addresses
        hasLoggedNames = hasNames
        return choices.map { choice in
            choice.address.text + (choice.name.map { " (\(TOMLSource.printable($0)))" } ?? "")
        }.joined(separator: ", ")
    }
}

extension Daemon.BridgeLoop {
    /// A bus was opened: who is on it is known a little later. What a log will still tell cannot be waited for.
    mutating func beginBusScan(isReplay: Bool, at time: Duration) {
        guard !isReplay, monitorChoice.scanLimit == nil else { return }
        monitorChoice.scanLimit = time + MonitorChoice.scanTime
        plant.isScanningBus = true
    }

    /// Trusts a single battery monitor once all devices had time to announce themselves.
    mutating func endBusScan(at time: Duration) {
        if let due = monitorChoice.logTime, time >= due { warnOfMonitors() }
        guard plant.isScanningBus, let limit = monitorChoice.scanLimit, time >= limit else { return }
        plant.isScanningBus = false
        readable.mark()
    }

    /// Logs the choice between several devices that may measure the battery, if the configuration names none of them.
    mutating func warnOfMonitors() {
        monitorChoice.logTime = nil
        var devices = plant.monitorChoices
        for index in devices.indices where devices[index].name == nil {
            devices[index].name = Self.name(of: devices[index].address, in: buses)
        }
        guard let choices = monitorChoice.warning(devices) else { return }
        log.warning(
            """
            several battery monitors on the MasterBus: no figure of the battery until masterbus.shunt names one of them
            """,
            metadata: ["choices": .string(choices)])
    }

    /// The name as far as a bus has heard it.
    private static func name(of device: DeviceAddress, in buses: [Daemon.BusSlot]) -> String? {
        buses.lazy.compactMap { $0.supervisor.session.decoder.schema(of: device)?.name }.first
    }
}
