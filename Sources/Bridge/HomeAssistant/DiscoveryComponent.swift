/// One entity in a discovery message, under Home Assistant's names (its documentation of MQTT discovery).
struct DiscoveryComponent: Sendable, Equatable {
    /// `sensor` or `binary_sensor`.
    var platform: String
    var uniqueID: String
    var name: String
    var stateTopic: String
    var availability: [Availability]
    var deviceClass: String?
    var stateClass: String?
    var unit: String?
    var precision: Int?
    var options: [String]?
    var icon: String?
    var isDiagnostic = false
    var isEnabled = true
    /// Seconds after which a value that is not renewed counts no more.
    var expireAfter: Int?
    var payloads: (on: String, off: String)?
    /// Takes the value out of a document.
    var template: String?

    /// A topic that says whether the entity can be believed.
    struct Availability: Sendable, Equatable {
        var topic: String
        /// Makes `online` or `offline` of the payload; nil where it is one of them already.
        var template: String?

        /// A quantity's own topic, which is empty where there is no value.
        static func unlessEmpty(_ topic: String) -> Availability {
            Availability(topic: topic, template: "{{ 'offline' if value == '' else 'online' }}")
        }

        var json: JSONValue {
            var members = [JSONValue.Member(key: "topic", value: .text(topic))]
            if let template { members.append(.init(key: "value_template", value: .text(template))) }
            return .object(members)
        }
    }

    static func == (left: DiscoveryComponent, right: DiscoveryComponent) -> Bool { left.json == right.json }

    /// The component as it goes into `cmps`.
    var json: JSONValue {
        var members: [JSONValue.Member] = []
        func add(_ key: String, _ value: JSONValue?) {
            if let value { members.append(.init(key: key, value: value)) }
        }
        add("platform", .text(platform))
        add("unique_id", .text(uniqueID))
        add("default_entity_id", .text("\(platform).\(uniqueID.lowercased())"))
        add("name", .text(name))
        add("state_topic", .text(stateTopic))
        add("value_template", template.map { .text($0) })
        if !availability.isEmpty {
            add("availability_mode", .text("all"))
            add("availability", .array(availability.map(\.json)))
        }
        add("device_class", deviceClass.map { .text($0) })
        add("state_class", stateClass.map { .text($0) })
        add("unit_of_measurement", unit.map { .text($0) })
        add("suggested_display_precision", precision.map { .number("\($0)") })
        add("options", options.map { .array($0.map { .text($0) }) })
        add("icon", icon.map { .text($0) })
        add("entity_category", isDiagnostic ? .text("diagnostic") : nil)
        add("enabled_by_default", isEnabled ? nil : .bool(false))
        add("expire_after", expireAfter.map { .number("\($0)") })
        add("payload_on", payloads.map { .text($0.on) })
        add("payload_off", payloads.map { .text($0.off) })
        return .object(members)
    }
}
