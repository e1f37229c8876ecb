extension DiscoveryMessage {
    /// The short names that Home Assistant knows for what a component has.
    private static let abbreviations = [
        "unique_id": "uniq_id", "default_entity_id": "def_ent_id", "state_topic": "stat_t",
        "value_template": "val_tpl", "availability_mode": "avty_mode", "availability": "avty", "topic": "t",
        "device_class": "dev_cla", "state_class": "stat_cla", "unit_of_measurement": "unit_of_meas",
        "suggested_display_precision": "sug_dsp_prc", "options": "ops", "icon": "ic", "entity_category": "ent_cat",
        "enabled_by_default": "en", "expire_after": "exp_aft", "payload_on": "pl_on", "payload_off": "pl_off",
    ]

    /// The announcement of a device as one message a component, for a broker that accepts small packets only; nil if
    /// the payload is not an announcement of a device.
    ///
    /// The topic of a part is `PREFIX/PLATFORM/ID/KEY/config`. Home Assistant makes the same discovery id of it as of
    /// component `KEY` in the message of device `ID`, so it never shows both.
    ///
    /// - Parameters:
    ///   - message: the announcement, on `PREFIX/device/ID/config`.
    ///   - accepts: whether a part is small enough. One that is not is made smaller: it names the device by its id alone,
    ///     and where that is not enough, an enumeration becomes a text.
    static func parts(
        of message: MQTTClient.Message, device id: String, prefix: String,
        accepts: (MQTTClient.Message) -> Bool
    ) -> [MQTTClient.Message]? {
        guard let root = JSONValue(message.payload), let device = root["dev"], let origin = root["o"],
            case .object(let components)? = root["cmps"]
        else { return nil }
        return components.compactMap { component in
            guard let platform = component.value["platform"]?.asText,
                case .object(let members) = abbreviated(component.value)
            else { return nil }
            var part = message
            part.topic = "\(prefix)/\(platform)/\(id)/\(component.key)/config"
            func payload(_ device: JSONValue, without left: Set<String>) -> [UInt8] {
                let own = members.filter { !left.contains($0.key) }
                let root = JSONValue.object(
                    own + [.init(key: "dev", value: device), .init(key: "o", value: origin)])
                return Array(root.json.utf8)
            }
            part.payload = payload(device, without: ["platform"])
            if accepts(part) { return part }
            let short = JSONValue.object([.init(key: "ids", value: device["ids"] ?? .array([.text(id)]))])
            part.payload = payload(short, without: ["platform"])
            if !accepts(part), component.value["options"] != nil {
                part.payload = payload(short, without: ["platform", "ops", "dev_cla"])
            }
            return part
        }
    }

    private static func abbreviated(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(members.map { .init(key: abbreviations[$0.key] ?? $0.key, value: abbreviated($0.value)) })
        case .array(let values): .array(values.map { abbreviated($0) })
        case .null, .bool, .number, .text: value
        }
    }
}
