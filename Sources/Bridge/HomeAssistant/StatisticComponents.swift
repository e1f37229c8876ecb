/// The statistics that were ever told, by the device that they belong to: what has a topic can be announced.
struct KnownStatistics: Sendable, Equatable {
    /// Whose figure it is.
    struct Owner: Sendable, Hashable {
        var subject: StatisticTopic.Subject
        /// The charger's serial number or the battery monitor's number; empty for the system.
        var device: String
    }

    private var known: [Owner: Set<String>] = [:]
    let prefix: String

    /// - Parameter prefix: the first part of the topics.
    init(prefix: String) { self.prefix = prefix }

    /// Takes a topic that was told; one that is no statistic is passed over.
    mutating func told(_ topic: String) {
        let start = "\(prefix)/stats/"
        guard topic.hasPrefix(start) else { return }
        let parts = topic.dropFirst(start.count).split(separator: "/", omittingEmptySubsequences: false)
        guard let subject = parts.first.flatMap({ StatisticTopic.Subject(rawValue: String($0)) }),
            let name = parts.last,
            parts.count == (subject == .system ? 2 : 3)
        else { return }
        let owner = Owner(subject: subject, device: subject == .system ? "" : String(parts[1]))
        known[owner, default: []].insert(String(name))
    }

    /// What is known of one, in the order of the table.
    subscript(owner: Owner) -> [StatisticTopic] {
        guard let names = known[owner] else { return [] }
        return StatisticTopic.all.filter { $0.subject == owner.subject && names.contains($0.name) }
    }
}

extension HomeAssistantAnnouncer {
    /// The statistics of a device: those of the shunt that stands for the battery are the battery's.
    static func owner(of device: Device, _ plant: Plant) -> KnownStatistics.Owner? {
        switch device.owner {
        case .charger: device.serial.map { .init(subject: .charger, device: $0) }
        case .battery: plant.shunt.map { .init(subject: .battery, device: $0.address.text) }
        case .system: .init(subject: .system, device: "")
        case .inverter: nil
        }
    }

    /// The entity of a statistic.
    ///
    /// - Parameters:
    ///   - id: the device's id.
    ///   - taken: names of entities that the device has already.
    static func component(
        _ entry: StatisticTopic, topic: String, id: String, taken: Set<String>,
        bridge: DiscoveryComponent.Availability
    ) -> (key: String, component: DiscoveryComponent) {
        let key = "stats_\(entry.name)"
        // The charger counts its own days, from dawn to dawn.
        let isTaken = taken.contains(entry.title)
        var component = DiscoveryComponent(
            platform: "sensor", uniqueID: "\(id)_\(key)", name: isTaken ? entry.title + " (civil day)" : entry.title,
            stateTopic: topic, availability: [bridge, .unlessEmpty(topic)], deviceClass: entry.deviceClass,
            stateClass: entry.stateClass, unit: entry.unit)
        // The charger's own counter is shown as it is; once is enough.
        component.isEnabled = !isTaken && entry.figure != "lifetime_yield"
        if case .number(let places) = entry.payload { component.precision = places }
        return (key, component)
    }
}
