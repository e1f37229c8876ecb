import MasterBus

/// Which device on a MasterBus measures the house battery.
enum HouseMonitor {
    /// No device does.
    case absent
    /// This one: the configuration names it, or it is the only one.
    case device(BusDevice)
    /// It is not known which. No figure of the battery can be right.
    case undecided([DeviceAddress])
}

extension Plant {
    /// The device that stands for the battery.
    ///
    /// Battery modules and their cluster are of the same type, and each measures a part or the whole. So of several
    /// devices none is taken unless `masterbus.shunt` names it; a device that was seen once counts until the end of
    /// the run, and while devices may still be announcing themselves a single one is not trusted either. The device
    /// that the configuration names is not replaced while it is away.
    var houseMonitor: HouseMonitor {
        let monitors = busDevices.values.filter { $0.role == .shunt }
        if let preferredShunt {
            guard let named = monitors.first(where: { $0.address.uid == preferredShunt && !$0.values.isEmpty }) else {
                return monitors.isEmpty ? .absent : .undecided([])
            }
            return .device(named)
        }
        guard let first = monitors.first else { return .absent }
        guard monitors.count == 1 else { return .undecided(monitors.map(\.address).sorted()) }
        guard !first.values.isEmpty else { return .absent }
        return isScanningBus ? .undecided([first.address]) : .device(first)
    }

    /// The device that stands for the battery; nil while there is none or it is not known which.
    var shunt: BusDevice? { if case .device(let device) = houseMonitor { device } else { nil } }

    /// The devices between which `masterbus.shunt` has to choose, with their names; empty where there is no choice.
    var monitorChoices: [(address: DeviceAddress, name: String?)] {
        guard case .undecided(let addresses) = houseMonitor, addresses.count > 1 else { return [] }
        return addresses.map { ($0, busDevices[$0]?.name) }
    }
}
