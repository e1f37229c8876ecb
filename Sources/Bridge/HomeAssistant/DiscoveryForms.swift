/// The form in which a broker holds the announcements: one message a device, or one message a component where the
/// device's is larger than the broker accepts.
///
/// Home Assistant ties an entity to the topic that it was announced on. Before an announcement moves to other topics,
/// the old ones get a request to migrate, which unloads their entities and keeps their settings and history, and are
/// emptied.
struct DiscoveryForms {
    private enum Form { case device, components }

    /// How many components of a device are remembered.
    private static let maximumComponents = 1024

    private let prefix: String
    /// Devices whose own topic the broker holds.
    private var devices = Set<String>()
    /// The topics of components that the broker holds, by device.
    private var components: [String: Set<String>] = [:]
    /// The form of the last announcement on this connection.
    private var announced: [String: Form] = [:]
    /// Topics that were emptied on this connection.
    private var emptied = Set<String>()
    /// Parts that this connection's broker does not accept.
    private var abandoned = Set<String>()

    /// - Parameter prefix: the first part of the topics, as Home Assistant has it.
    init(prefix: String) { self.prefix = prefix }

    /// The topics on which a device can be announced, in either form.
    func filters(of device: String) -> [String] {
        ["\(prefix)/device/\(device)/config", "\(prefix)/+/\(device)/+/config"]
    }

    /// A new connection: everything is announced again, and may be accepted now.
    mutating func connected() {
        announced = [:]
        emptied = []
        abandoned = []
    }

    /// Whether a topic is one of a part of an announcement, `PREFIX/PLATFORM/ID/KEY/config`.
    func isPart(_ topic: String) -> Bool { partOwner(of: topic) != nil }

    // MARK: Sending

    /// What to send for a message: itself, or the parts of an announcement that is too large.
    ///
    /// - Parameter accepts: whether the broker accepts a message of this size.
    mutating func messages(
        for message: MQTTClient.Message, accepts: (MQTTClient.Message) -> Bool
    ) -> [MQTTClient.Message] {
        guard let device = device(announcedOn: message.topic) else { return [message] }
        if accepts(message) {
            let old = components.removeValue(forKey: device) ?? []
            announced[device] = .device
            emptied.remove(message.topic)
            devices.insert(device)
            return vacate(old.sorted()) + [message]
        }
        guard let parts = DiscoveryMessage.parts(of: message, device: device, prefix: prefix, accepts: accepts)
        else { return [message] }
        let topics = Set(parts.map(\.topic))
        let gone = components[device, default: []].subtracting(topics).sorted()
        let old = devices.remove(device) == nil ? [] : vacate([message.topic])
        announced[device] = .components
        components[device] = topics
        emptied.formUnion(gone)
        emptied.subtract(topics)
        return old + gone.map { Self.empty($0) } + parts.filter { !abandoned.contains($0.topic) }
    }

    /// A message was refused as too large: a part is not sent again on this connection.
    mutating func abandon(_ topic: String) {
        guard let device = partOwner(of: topic), announced[device] == .components else { return }
        abandoned.insert(topic)
        components[device]?.remove(topic)
    }

    /// Asks Home Assistant to let go of the entities on these topics without forgetting them, and empties the topics.
    private mutating func vacate(_ topics: [String]) -> [MQTTClient.Message] {
        emptied.formUnion(topics)
        let requests = topics.map { MQTTClient.Message(topic: $0, payload: "{\"migrate_discovery\":true}", qos: 1) }
        return requests + topics.map { Self.empty($0) }
    }

    private static func empty(_ topic: String) -> MQTTClient.Message {
        MQTTClient.Message(topic: topic, payload: "", qos: 1, retain: true)
    }

    // MARK: What the broker holds

    /// Records a retained message that was there before this connection. True if an announcement of this connection has
    /// to be repeated because of it.
    mutating func observe(_ topic: String, _ payload: [UInt8]) -> Bool {
        guard !payload.isEmpty, !emptied.contains(topic) else { return false }
        if let device = device(announcedOn: topic) {
            return devices.insert(device).inserted && announced[device] == .components
        }
        guard let device = partOwner(of: topic), components[device, default: []].count < Self.maximumComponents,
            components[device, default: []].insert(topic).inserted
        else { return false }
        return announced[device] != nil
    }

    // MARK: Topics

    /// The device of `PREFIX/device/ID/config`.
    private func device(announcedOn topic: String) -> String? {
        let levels = levels(of: topic)
        return levels?.count == 3 && levels?[0] == "device" ? levels?[1] : nil
    }

    /// The device of `PREFIX/PLATFORM/ID/KEY/config`.
    private func partOwner(of topic: String) -> String? {
        let levels = levels(of: topic)
        return levels?.count == 4 && levels?[0] != "device" ? levels?[1] : nil
    }

    /// The levels after the prefix, where the last is `config`.
    private func levels(of topic: String) -> [String]? {
        guard topic.hasSuffix("/config"), topic.hasPrefix(prefix + "/") else { return nil }
        return topic.dropFirst(prefix.count + 1).split(separator: "/", omittingEmptySubsequences: false)
            .map { String($0) }
    }
}
