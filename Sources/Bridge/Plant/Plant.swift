public import MasterBus
public import VEDirect

/// Everything that is known now: the chargers and the devices on MasterBuses, their readings, and what follows from them.
///
/// Readings come in from the ports and the buses; publishers look here. The plant says nothing of topics.
public struct Plant: Sendable {
    /// A VE.Direct device and what it last said; which kind of device it is, ``role(at:)`` says.
    public struct Charger: Sendable {
        /// Who it is.
        public internal(set) var identity: DeviceIdentity
        /// The port it was last seen on.
        public internal(set) var port: String
        /// Whether it answers now.
        public internal(set) var isAlive = true
        /// Whether its panels are dark and it is asked seldom.
        public internal(set) var isDark = false
        /// When it last answered.
        public internal(set) var lastSeen: Duration
        /// The last believed reading of each register.
        public internal(set) var readings: [RegisterID: RegisterReading] = [:]
        /// Registers that it does not have.
        public internal(set) var refused: Set<RegisterID> = []
        /// What tells which kind of device it is.
        var evidence: Evidence

        mutating func read(_ reading: RegisterReading) {
            evidence.add(reading)
            readings[reading.register] = reading
            if !refused.isEmpty { refused.remove(reading.register) }
            lastSeen = reading.time
            isAlive = true
        }

        /// The name that its owner gave it (register 010C); nil where it has none.
        public var customName: String? {
            guard case .text(let name)? = readings[.customName]?.value, !name.isEmpty else { return nil }
            return name
        }

        /// Whether the register has no value of its own: refused, or answered as not available.
        public func lacks(_ register: RegisterID) -> Bool {
            refused.contains(register) || readings[register]?.value == .notAvailable
        }
    }

    /// A charger that has been away for this long no longer holds back the sums.
    static let patience: Duration = .seconds(60)
    /// After a longer absence what a charger said before is not taken for what it would say now.
    static let memory: Duration = .seconds(5)

    /// The chargers by serial number.
    public private(set) var chargers: [String: Charger] = [:]
    /// The devices on MasterBuses by address.
    public internal(set) var busDevices: [DeviceAddress: BusDevice] = [:]
    /// Ports on which it is not yet clear what answers: sums wait for them.
    public var unresolvedPorts = 0
    /// Until when sums wait for those ports; nil: as long as there are any.
    public var unresolvedLimit: Duration?
    /// Whether devices on a MasterBus may still be announcing themselves.
    public var isScanningBus = false
    /// The serial that the configuration names as the one that stands for the network; may be empty.
    public let preferredMaster: String
    /// Whether 2001 may be derived.
    public let derivesSetpoint: Bool
    /// How old the last reading of a register may be and still be told as its value; registers that are not in here
    /// keep theirs while the charger answers.
    public var lifetimes: [RegisterID: Duration] = [:]
    /// The same for a charger whose panels are dark.
    public var nightLifetimes: [RegisterID: Duration] = [:]
    /// The unique id of the shunt that the configuration names for the battery; nil: the only one.
    public let preferredShunt: UInt32?
    /// How old a reading may be and still count as the present.
    public let freshness: Freshness

    /// A plant of which nothing is known.
    public init(
        preferredMaster: String = "", derivesSetpoint: Bool = false, preferredShunt: UInt32? = nil,
        freshness: Freshness = Freshness()
    ) {
        self.preferredMaster = preferredMaster
        self.derivesSetpoint = derivesSetpoint
        self.preferredShunt = preferredShunt
        self.freshness = freshness
    }

    /// Whether a charger answers, or did a moment ago.
    func isPart(_ charger: Charger, at now: Duration) -> Bool {
        charger.isAlive || now - charger.lastSeen < Self.patience
    }

    /// Whether the last reading of a register is young enough.
    func isCurrent(_ register: RegisterID, of charger: Charger, at now: Duration) -> Bool {
        guard let reading = charger.readings[register] else { return false }
        let lifetimes = charger.isDark ? nightLifetimes : lifetimes
        return lifetimes[register].map { now - reading.time <= $0 } ?? true
    }

    // MARK: In

    /// A device was identified on a port, or more of its identity is known.
    public mutating func identified(_ identity: DeviceIdentity, port: String, at now: Duration) {
        let identity = identity.spelled(key(of: identity.serial) ?? identity.serial)
        if chargers[identity.serial] == nil {
            chargers[identity.serial] = Charger(
                identity: identity, port: port, lastSeen: now, evidence: Charger.Evidence(since: now))
        } else {
            if let charger = chargers[identity.serial], !charger.isAlive, now - charger.lastSeen > Self.memory {
                chargers[identity.serial]?.readings = [:]
            }
            chargers[identity.serial]?.identity = identity
            chargers[identity.serial]?.port = port
            chargers[identity.serial]?.lastSeen = now
        }
        chargers[identity.serial]?.isAlive = true
        chargers[identity.serial]?.evidence.add(identity)
    }

    /// A charger stopped answering, or its port was closed.
    public mutating func lost(_ serial: String, port: String) {
        // It may have moved to another port already.
        guard chargers[serial]?.port == port else { return }
        chargers[serial]?.isAlive = false
    }

    /// A reading of a charger.
    public mutating func read(_ reading: RegisterReading, serial: String) {
        chargers[serial]?.read(reading)
    }

    /// The panels of a charger have become dark, or light again: how old its readings may be depends on it.
    public mutating func noted(isDark: Bool, serial: String) {
        chargers[serial]?.isDark = isDark
    }

    /// A charger said that it does not have a register.
    public mutating func refused(_ register: RegisterID, serial: String) {
        chargers[serial]?.refused.insert(register)
        chargers[serial]?.readings[register] = nil
    }

    // MARK: Out

    /// The value of a register as the schema wants it: the charger's own, else derived, else nil.
    ///
    /// The number is the register's bytes as an unsigned number would be printed; strings and records have none.
    public func value(of register: RegisterID, serial: String, at now: Duration) -> SchemaValue? {
        guard let charger = chargers[serial], charger.isAlive else { return nil }
        // Under the names of panel power and of the sum of it stand no numbers of other devices.
        if register == .panelPower || register == .linkTotalPower, charger.role(at: now) == .other { return nil }
        if let reading = charger.readings[register], reading.value != .notAvailable {
            guard isCurrent(register, of: charger, at: now) else { return nil }
            return SchemaValue(register: register, raw: reading.raw, isDerived: false)
        }
        guard let number = derive(register, charger: charger, at: now) else { return nil }
        return SchemaValue(register: register, raw: number, isDerived: true)
    }
}

/// A value ready for the schema's topics.
public struct SchemaValue: Sendable, Hashable {
    /// The register.
    public let register: RegisterID
    /// Its bytes.
    public let raw: RawValue
    /// Whether it was derived from other registers.
    public let isDerived: Bool
}
