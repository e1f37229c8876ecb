import VEDirect

/// What a VE.Direct device is to the plant. It alone decides who takes part in the sums of solar power, in shares, in
/// the comparison of chargers, in the counts of chargers and in the choice of the master.
public enum DeviceRole: Sendable, Hashable {
    /// A solar charger.
    case solarCharger
    /// A device of another kind: a battery monitor, an inverter, an AC charger, a DC-DC charger.
    case other
    /// Not known yet: sums wait for it.
    case undetermined

    /// How long sums wait for a device or a port of which nothing is known. A device that has not shown what it is by
    /// then is not counted as a solar charger.
    static let limit: Duration = .seconds(60)

    /// The registers whose numbers mean panels only where there are panels: a DC-DC charger answers some of them with
    /// its input.
    static let solarRegisters: Set<RegisterID> = [
        .panelPower, .panelVoltage, .panelCurrent, .trackerMode, .yieldToday, .yieldYesterday, .systemYield, .userYield,
        .maximumPowerToday, .maximumPowerYesterday, .linkTotalPower,
    ]
}

extension Plant.Charger {
    /// What tells the kind of a device. It is kept while the device is away: a serial number does not change its kind.
    struct Evidence: Sendable {
        /// When the device was identified for the first time.
        let since: Duration
        /// By its product id.
        var family: Product.Family?
        /// Labels of its TEXT, where the product id says nothing.
        var labels: TextLabels = []
        /// Whether it answered EDBC and EDB3 with a number.
        var hasPanelPower = false
        var hasTracker = false

        init(since: Duration) { self.since = since }

        mutating func add(_ identity: DeviceIdentity) {
            family = identity.family ?? family
            labels.formUnion(identity.textLabels)
        }

        mutating func add(_ reading: RegisterReading) {
            guard !hasPanelPower || !hasTracker, case .number = reading.value else { return }
            if reading.register == .panelPower { hasPanelPower = true }
            if reading.register == .trackerMode { hasTracker = true }
        }
    }

    /// What the device is.
    public func role(at now: Duration) -> DeviceRole {
        if let family = evidence.family { return family.isSolarCharger ? .solarCharger : .other }
        guard evidence.labels.isDisjoint(with: .notSolar) else { return .other }
        if evidence.labels.contains(.panelPower) { return .solarCharger }
        let isLate = now - evidence.since >= DeviceRole.limit
        // Its product id or its TEXT may still say something else.
        if evidence.hasPanelPower, evidence.hasTracker, identity.productID != nil || isLate { return .solarCharger }
        return isLate ? .other : .undetermined
    }

    /// Whether it may charge the battery without being a solar charger.
    var isOtherSource: Bool {
        switch evidence.family {
        case .acCharger, .dcdc, .inverterCharger: true
        case .mppt, .mpptVECan, .mpptRS, .batteryMonitor, .inverter, .batteryProtect, .other: false
        case nil:
            evidence.labels.contains(.inputVoltage)
                || evidence.labels.isEmpty && readings[.chargerCurrent].map { $0.value != .notAvailable } == true
        }
    }
}

extension Plant {
    /// The solar chargers that answer, or did a moment ago, by serial number.
    func solarChargers(at now: Duration) -> [Charger] {
        chargers.values.filter { isPart($0, at: now) && $0.role(at: now) == .solarCharger }
            .sorted { $0.identity.serial < $1.identity.serial }
    }

    /// Whether sums may be incomplete: a device or a port is still unknown.
    func isIncomplete(at now: Duration) -> Bool {
        isAwaitingPorts(at: now)
            || chargers.values.contains { isPart($0, at: now) && $0.role(at: now) == .undetermined }
    }

    /// Whether it is not clear yet what answers on a port.
    func isAwaitingPorts(at now: Duration) -> Bool {
        unresolvedPorts > 0 && unresolvedLimit.map { now < $0 } ?? true
    }

    /// The master: the solar charger that the configuration names, if it was seen; else the first by serial number of
    /// those that say by register 200F that they lead their group; else the first by serial number.
    public func master(at now: Duration) -> String? {
        if let named = key(of: preferredMaster), chargers[named]?.role(at: now) != .other { return named }
        var first: (isLeader: Bool, serial: String)?
        for (serial, charger) in chargers
        where isPart(charger, at: now) && charger.role(at: now) == .solarCharger {
            let isLeader = leadsGroup(charger, at: now)
            guard let best = first else {
                first = (isLeader, serial)
                continue
            }
            if isLeader == best.isLeader ? serial < best.serial : isLeader { first = (isLeader, serial) }
        }
        return first?.serial
    }

    /// Register 200F: 1 is the master of a group, 3 of group and instance.
    private func leadsGroup(_ charger: Charger, at now: Duration) -> Bool {
        guard isCurrent(.linkNetworkStatus, of: charger, at: now),
            case .number(let status, _)? = charger.readings[.linkNetworkStatus]?.value
        else { return false }
        return status == 1 || status == 3
    }

    /// The serial number of a device as it is known here; nil for one that was not seen.
    func key(of serial: String) -> String? {
        guard !serial.isEmpty else { return nil }
        return chargers[serial] != nil ? serial : chargers.keys.first { DeviceIdentity.isSame($0, serial) }
    }
}
