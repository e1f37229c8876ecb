import VEDirect

/// Decides when a topic of the schema is published: when its payload changed, and at the latest after the interval
/// while the charger answers.
struct SchemaPublisher {
    private struct Sent {
        var payload: String
        var time: Duration
    }

    private let topics: ChargerTopics
    private let publishesAll: Bool
    private let interval: Duration
    private var sent: [String: [RegisterID: Sent]] = [:]
    /// When the next unchanged topic is to be published again.
    private(set) var nextHeartbeat: Duration?

    init(_ schema: Configuration.Schema) {
        topics = ChargerTopics(schema)
        publishesAll = schema.registers == .all
        interval = schema.interval
    }

    /// A register of a charger was read or refused: publishes it and what follows from it.
    mutating func changed(
        _ register: RegisterID, serial: String, plant: Plant, at now: Duration, _ publish: (String, String) -> Bool
    ) {
        update(register, serial: serial, plant: plant, at: now, publish)
        for dependent in Derivation.dependents(of: register) {
            let owner = dependent == .linkTotalPower ? plant.master ?? serial : serial
            update(dependent, serial: owner, plant: plant, at: now, publish)
        }
    }

    /// The broker is back, or whoever listens has heard nothing yet: publishes everything that is known and current.
    mutating func publishAll(plant: Plant, at now: Duration, _ publish: (String, String) -> Bool) {
        sent = [:]
        // In a fixed order: what is published depends on what was said, not on how it is stored.
        for serial in plant.chargers.keys.sorted() { appeared(serial, plant: plant, at: now, publish) }
        schedule()
    }

    /// A charger is there, or there again: publishes what is known of it.
    mutating func appeared(_ serial: String, plant: Plant, at now: Duration, _ publish: (String, String) -> Bool) {
        guard let charger = plant.chargers[serial] else { return }
        for register in registers(of: charger).sorted() {
            update(register, serial: serial, plant: plant, at: now, publish)
        }
    }

    /// Publishes again what has not been published for the interval.
    mutating func heartbeat(plant: Plant, at now: Duration, _ publish: (String, String) -> Bool) {
        for (serial, registers) in sent.sorted(by: { $0.key < $1.key }) {
            for (register, last) in registers.sorted(by: { $0.key < $1.key }) where now - last.time >= interval {
                sent[serial]?[register] = nil
                update(register, serial: serial, plant: plant, at: now, publish)
            }
        }
        schedule()
    }

    private func registers(of charger: Plant.Charger) -> Set<RegisterID> {
        publishesAll ? Set(ChargerTopics.documented).union(charger.readings.keys) : Set(ChargerTopics.documented)
    }

    private mutating func update(
        _ register: RegisterID, serial: String, plant: Plant, at now: Duration, _ publish: (String, String) -> Bool
    ) {
        guard publishesAll || ChargerTopics.documented.contains(register),
            let value = plant.value(of: register, serial: serial, at: now), let payload = ChargerTopics.payload(value)
        else { return }
        if let last = sent[serial]?[register], last.payload == payload, now - last.time < interval { return }
        // What was not taken stays unsent, and is tried again with the next reading or heartbeat.
        guard publish(topics.topic(serial: serial, register: register), payload) else {
            sent[serial]?[register] = nil
            return
        }
        sent[serial, default: [:]][register] = Sent(payload: payload, time: now)
        let due = now + interval
        if nextHeartbeat.map({ due < $0 }) ?? true { nextHeartbeat = due }
    }

    private mutating func schedule() {
        nextHeartbeat = sent.values.flatMap(\.values).map { $0.time + interval }.min()
    }
}
