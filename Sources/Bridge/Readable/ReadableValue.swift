import VEDirect

/// What a quantity is at a moment.
struct ReadableValue: Sendable, Equatable {
    enum Content: Sendable, Equatable {
        case number(Double)
        /// A word or a text.
        case words(String)
        case flag(Bool)
    }

    /// How it came about, as the document of state says it.
    enum Provenance: String, Sendable {
        case asked, async, text, command, derived, masterbus, counted
    }

    var content: Content
    /// How long ago the oldest reading in it was made.
    var age: Duration
    var provenance: Provenance
}

/// Whether there is a value.
enum ReadableOutcome: Sendable, Equatable {
    case value(ReadableValue)
    /// There was one, and the next is late: what was said still stands for a while.
    case late
    /// None: not known, too old, or the device says that it has none.
    case none
}

/// A moment of the plant, as the quantities see it.
struct ReadableMoment {
    let plant: Plant
    let picture: PlantPicture
    let book: EnergyBook
    let now: Duration

    /// Whether a charger is there. A loose plug is no reason to say that it is gone.
    func isOnline(_ charger: Plant.Charger) -> Bool {
        charger.isAlive || now - charger.lastSeen < Self.patience
    }

    /// How long a device may be silent before it is said to be away.
    static let patience: Duration = .seconds(30)

    /// The value of a quantity.
    ///
    /// - Parameter charger: whose it is; nil for what is not a charger's.
    func outcome(of quantity: Quantity, charger: Plant.Charger?) -> ReadableOutcome {
        switch quantity.source {
        case .register(let register, let offset):
            guard let charger else { return .none }
            return outcome(of: register, offset, quantity, charger)
        case .port:
            guard let charger else { return .none }
            return .value(.init(content: .words(charger.port), age: .zero, provenance: .derived))
        case .share:
            guard let serial = charger?.identity.serial,
                let share = picture.shares.first(where: { $0.serial == serial }), let power = share.power,
                let total = picture.solarPower
            else { return .none }
            guard !power.isStale, !total.isStale else { return .late }
            // Of nothing nobody has a share.
            guard let fraction = share.fraction else { return .none }
            return .value(.init(content: .number(fraction * 100), age: total.age, provenance: .derived))
        case .figure(let path):
            return outcome(of: picture[keyPath: path])
        case .monitored(let path):
            guard let figure = picture[keyPath: path], case .device = figure.origin else { return .none }
            return outcome(of: figure)
        case .inverterState:
            guard let inverter = picture.inverter, let state = inverter.state else { return .none }
            guard !state.isStale else { return .late }
            let text = inverter.stateText ?? Quantity.text(state.value, decimals: 0)
            return .value(.init(content: .words(text), age: state.age, provenance: .masterbus))
        case .inverterCurrent:
            return outcome(of: picture.inverter?.outputCurrent)
        case .energy(let account):
            guard let energy = book.energy(account) else { return .none }
            return .value(.init(content: .number(energy.kilowattHours), age: now - energy.time, provenance: .counted))
        case .chargerCount:
            let roles = plant.chargers.values.map { (role: $0.role(at: now), isOnline: isOnline($0)) }
            guard !roles.contains(where: { $0.role == .undetermined && $0.isOnline }) else { return .late }
            let chargers = roles.filter { $0.role == .solarCharger }
            guard !chargers.isEmpty else { return .none }
            let count = chargers.count(where: \.isOnline)
            return .value(.init(content: .number(Double(count)), age: .zero, provenance: .derived))
        }
    }

    /// Whether it is certain that a device never has a quantity.
    func lacks(_ quantity: Quantity, _ charger: Plant.Charger?) -> Bool {
        guard let charger else { return false }
        switch quantity.source {
        case .register(let register, _): return charger.lacks(register) || isForeign(register, charger)
        case .share: return charger.role(at: now) == .other
        default: return false
        }
    }

    /// Whether a register means panels, and the device has none.
    private func isForeign(_ register: RegisterID, _ charger: Plant.Charger) -> Bool {
        DeviceRole.solarRegisters.contains(register) && charger.role(at: now) == .other
    }

    private func outcome(of figure: Figure?) -> ReadableOutcome {
        guard let figure else { return .none }
        guard !figure.isStale else { return .late }
        let provenance: ReadableValue.Provenance =
            switch figure.origin {
            case .device: .masterbus
            case .charger: .asked
            case .chargers, .plant: .derived
            }
        return .value(.init(content: .number(figure.value), age: figure.age, provenance: provenance))
    }

    private func outcome(
        of register: RegisterID, _ offset: Double, _ quantity: Quantity, _ charger: Plant.Charger
    ) -> ReadableOutcome {
        guard isOnline(charger), !isForeign(register, charger) else { return .none }
        guard let reading = charger.readings[register], reading.value != .notAvailable else {
            return derived(register, quantity, charger)
        }
        // A lifetime allows for answers that did not come: there is nothing to wait for after it.
        guard plant.isCurrent(register, of: charger, at: now),
            let content = content(of: reading.value, register, offset, quantity)
        else { return .none }
        let provenance = ReadableValue.Provenance(rawValue: reading.provenance.rawValue) ?? .asked
        return .value(.init(content: content, age: max(.zero, now - reading.time), provenance: provenance))
    }

    /// What a charger does not say and follows from what it does.
    private func derived(_ register: RegisterID, _ quantity: Quantity, _ charger: Plant.Charger) -> ReadableOutcome {
        guard let derivation = Derivation.all.first(where: { $0.register == register }) else { return .none }
        // The plant derives nothing for a charger that does not answer at this moment.
        guard charger.isAlive else { return .late }
        guard let derived = plant.value(of: register, serial: charger.identity.serial, at: now), derived.isDerived,
            let value = try? RegisterCatalogue.standard[register]?.decode(derived.raw),
            let content = content(of: value, register, 0, quantity)
        else { return .none }
        // Settings among the inputs do not age.
        let ages = derivation.inputs.compactMap { charger.readings[$0] }.map { now - $0.time }
        return .value(.init(content: content, age: max(.zero, ages.max() ?? .zero), provenance: .derived))
    }

    private func content(
        of value: RegisterValue, _ register: RegisterID, _ offset: Double, _ quantity: Quantity
    ) -> ReadableValue.Content? {
        switch (quantity.form, value) {
        case (.number, .number(_, let scaled)): .number(scaled + offset)
        case (.flag, .number(let raw, _)): .flag(raw != 0)
        case (.word(let words), .number(let raw, _)):
            .words(words.first { $0.code == raw }?.word ?? Quantity.otherWord)
        case (.text, .number(let raw, _)):
            .words(Self.words(raw, register))
        case (.text, .text(let text)): .words(text)
        default: nil
        }
    }

    private static func words(_ raw: Int64, _ register: RegisterID) -> String {
        guard let label = RegisterCatalogue.standard[register]?.label(of: UInt64(bitPattern: raw)) else {
            return "\(raw)"
        }
        // Of a set of bits none may be set.
        return label.isEmpty ? "none" : label
    }
}
