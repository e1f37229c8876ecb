import Foundation

/// Says what Home Assistant would refuse or warn of in a discovery message of a device.
///
/// Written from its documentation (MQTT discovery, sensor and binary sensor entities) and not from the code that makes
/// the messages: it reads the JSON text that goes to the broker and shares nothing with the program.
struct DiscoveryValidator {
    private(set) var faults: [String] = []
    private(set) var uniqueIDs = Set<String>()
    private(set) var identifiers = Set<String>()
    /// Devices that are said to be reached through another.
    private(set) var vias = Set<String>()
    /// Every topic that an entity listens to.
    private(set) var stateTopics = Set<String>()
    private(set) var energyEntities = Set<String>()

    private static let sensorUnits: [String: [String?]] = [
        "power": ["W", "kW", "mW", "MW", "GW", "TW", "BTU/h"], "voltage": ["V", "mV", "µV", "kV", "MV"],
        "current": ["A", "mA"],
        "energy": ["J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"],
        "energy_storage": ["Wh", "kWh", "MWh"], "temperature": ["°C", "°F", "K"], "battery": ["%"],
        "duration": ["d", "h", "min", "s", "ms", "µs"],
        "data_size": ["bit", "B", "kB", "MB", "GB", "KiB", "MiB", "GiB"], "frequency": ["Hz", "kHz", "MHz", "GHz"],
        "power_factor": ["%", nil], "enum": [nil], "timestamp": [nil], "date": [nil],
    ]
    /// Which state classes a device class allows; others allow `measurement` alone.
    private static let sensorStates: [String: Set<String>] = [
        "energy": ["total", "total_increasing"], "enum": [], "timestamp": [], "date": [],
        "energy_storage": ["measurement"], "duration": ["measurement", "total", "total_increasing"],
    ]
    private static let binaryClasses: Set<String> = [
        "battery", "battery_charging", "connectivity", "heat", "light", "plug", "power", "presence", "problem",
        "running", "safety", "update",
    ]
    private static let rootKeys: Set<String> = [
        "dev", "device", "o", "origin", "cmps", "components", "availability", "availability_mode",
        "availability_topic", "availability_template", "payload_available", "payload_not_available", "state_topic",
        "command_topic", "qos", "encoding",
    ]
    private static let deviceKeys: Set<String> = [
        "ids", "identifiers", "cns", "connections", "name", "mf", "manufacturer", "mdl", "model", "mdl_id", "model_id",
        "sn", "serial_number", "hw", "hw_version", "sw", "sw_version", "sa", "suggested_area", "cu",
        "configuration_url", "via_device",
    ]
    private static let sensorKeys: Set<String> = [
        "platform", "unique_id", "default_entity_id", "name", "state_topic", "availability", "availability_mode",
        "device_class", "state_class", "unit_of_measurement", "suggested_display_precision", "options", "icon",
        "entity_category", "enabled_by_default", "expire_after", "value_template", "force_update", "qos", "encoding",
        "json_attributes_topic", "json_attributes_template", "last_reset_value_template", "entity_picture",
    ]
    private static let binaryKeys: Set<String> = [
        "platform", "unique_id", "default_entity_id", "name", "state_topic", "availability", "availability_mode",
        "device_class", "icon", "entity_category", "enabled_by_default", "expire_after", "value_template",
        "force_update", "payload_on", "payload_off", "off_delay", "qos", "encoding", "json_attributes_topic",
        "json_attributes_template", "entity_picture",
    ]

    mutating func check(topic: String, payload: String, isRetained: Bool) {
        let parts = topic.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[1] == "device", parts[3] == "config", Self.isID(parts[2]) else {
            return fault(topic, "is not prefix/device/id/config")
        }
        if !isRetained { fault(topic, "is not retained") }
        guard let object = try? JSONSerialization.jsonObject(with: Data(payload.utf8)) as? [String: Any] else {
            return fault(topic, "is no JSON object")
        }
        for key in object.keys where !Self.rootKeys.contains(key) { fault(topic, "unknown key \(key)") }
        checkDevice(topic, object["dev"] ?? object["device"])
        guard let origin = (object["o"] ?? object["origin"]) as? [String: Any],
            let name = origin["name"] as? String, !name.isEmpty
        else { return fault(topic, "no origin with a name") }
        if origin["sw"] as? String == nil { fault(topic, "the origin has no version") }
        guard let components = (object["cmps"] ?? object["components"]) as? [String: Any], !components.isEmpty else {
            return fault(topic, "no components")
        }
        for (key, value) in components {
            guard let component = value as? [String: Any] else {
                fault(topic, "\(key) is no object")
                continue
            }
            check(component, "\(topic) \(key)")
        }
    }

    private mutating func checkDevice(_ topic: String, _ value: Any?) {
        guard let device = value as? [String: Any] else { return fault(topic, "no device") }
        for key in device.keys where !Self.deviceKeys.contains(key) { fault(topic, "unknown key of a device: \(key)") }
        guard let ids = (device["ids"] ?? device["identifiers"]) as? [String], !ids.isEmpty, !ids.contains("") else {
            return fault(topic, "no identifiers")
        }
        for id in ids where !identifiers.insert(id).inserted { fault(topic, "identifier \(id) of another device") }
        if let via = device["via_device"] as? String {
            if ids.contains(via) { fault(topic, "is reached through itself") }
            vias.insert(via)
        }
        for (key, value) in device where key != "ids" && key != "identifiers" && !(value is String) {
            fault(topic, "\(key) is no text")
        }
        if (device["name"] as? String ?? "").isEmpty { fault(topic, "no name") }
    }

    private mutating func check(_ component: [String: Any], _ place: String) {
        guard let platform = (component["platform"] ?? component["p"]) as? String else {
            return fault(place, "no platform")
        }
        let known = platform == "sensor" ? Self.sensorKeys : Self.binaryKeys
        guard platform == "sensor" || platform == "binary_sensor" else { return fault(place, "platform \(platform)") }
        for key in component.keys where !known.contains(key) { fault(place, "unknown key \(key)") }
        guard let id = component["unique_id"] as? String, Self.isID(id) else { return fault(place, "no unique_id") }
        if !uniqueIDs.insert("\(platform) \(id)").inserted { fault(place, "unique_id \(id) twice") }
        if let entity = component["default_entity_id"] as? String {
            let parts = entity.split(separator: ".", omittingEmptySubsequences: false)
            let isSlug = parts.last.map { $0.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") } }
            if parts.count != 2 || parts[0] != platform || isSlug != true { fault(place, "entity id \(entity)") }
        }
        guard let topic = component["state_topic"] as? String, Self.isTopic(topic) else {
            return fault(place, "no state_topic")
        }
        if topic.hasPrefix("~") { fault(place, "a ~ is not resolved in components") }
        stateTopics.insert(topic)
        if let name = component["name"], !(name is NSNull), (name as? String ?? "").isEmpty {
            fault(place, "empty name")
        }
        if let category = component["entity_category"] as? String, category != "diagnostic" {
            fault(place, "a \(platform) cannot be \(category)")
        }
        // Whoever installs it sees what the plant does; what only an engineer wants waits to be asked for.
        if component["entity_category"] != nil, component["enabled_by_default"] as? Bool != false {
            fault(place, "diagnostic and shown at once")
        }
        if let value = component["expire_after"], (value as? Int ?? 0) <= 0 { fault(place, "expire_after \(value)") }
        if let value = component["enabled_by_default"], !(value is Bool) { fault(place, "enabled_by_default \(value)") }
        if let icon = component["icon"] as? String, !icon.contains(":") { fault(place, "icon \(icon)") }
        checkAvailability(component, place)
        if platform == "sensor" { checkSensor(component, place) } else { checkBinary(component, place) }
    }

    private mutating func checkAvailability(_ component: [String: Any], _ place: String) {
        guard let value = component["availability"] else { return }
        guard let list = value as? [[String: Any]], !list.isEmpty else {
            return fault(place, "availability is no list")
        }
        for entry in list {
            guard let topic = entry["topic"] as? String, Self.isTopic(topic) else {
                fault(place, "availability without a topic")
                continue
            }
            for key in entry.keys
            where !["topic", "payload_available", "payload_not_available", "value_template"].contains(key) {
                fault(place, "unknown key of an availability: \(key)")
            }
        }
        let topics = list.compactMap { $0["topic"] as? String }
        if Set(topics).count != topics.count { fault(place, "an availability twice") }
        if list.count > 1, component["availability_mode"] as? String != "all" {
            fault(place, "of several topics the last would count")
        }
    }

    private mutating func checkSensor(_ component: [String: Any], _ place: String) {
        let kind = component["device_class"] as? String
        let state = component["state_class"] as? String
        let unit = component["unit_of_measurement"] as? String
        if let state, !["measurement", "measurement_angle", "total", "total_increasing"].contains(state) {
            fault(place, "state class \(state)")
        }
        if let kind {
            guard let units = Self.sensorUnits[kind] else { return fault(place, "device class \(kind)") }
            if !units.contains(unit) { fault(place, "unit \(unit ?? "none") of \(kind)") }
            let allowed = Self.sensorStates[kind] ?? ["measurement"]
            if let state, !allowed.contains(state) { fault(place, "\(kind) with \(state)") }
            if kind == "energy", state != nil { energyEntities.insert(component["unique_id"] as? String ?? "") }
        }
        if unit == "" { fault(place, "an empty unit") }
        let options = component["options"] as? [String]
        if (kind == "enum") != (options != nil) { fault(place, "enum and options belong together") }
        if let options, options.isEmpty || Set(options).count != options.count || options.contains("") {
            fault(place, "options \(options)")
        }
        if options != nil, state != nil || unit != nil { fault(place, "options with a state class or unit") }
        if component["suggested_display_precision"] != nil {
            let digits = component["suggested_display_precision"] as? Int
            if digits.map({ (0...10).contains($0) }) != true { fault(place, "precision") }
        }
        if state != nil, unit == nil, kind == nil, component["suggested_display_precision"] == nil {
            fault(place, "statistics of a text")
        }
    }

    private mutating func checkBinary(_ component: [String: Any], _ place: String) {
        if let kind = component["device_class"] as? String, !Self.binaryClasses.contains(kind) {
            fault(place, "device class \(kind)")
        }
        let on = component["payload_on"] as? String ?? "ON"
        let off = component["payload_off"] as? String ?? "OFF"
        if on == off || on.isEmpty || off.isEmpty { fault(place, "payloads \(on) and \(off)") }
    }

    /// After the last message: what is reached through another has to find it.
    mutating func finish() {
        for via in vias where !identifiers.contains(via) { fault(via, "is a way to devices and none itself") }
    }

    private mutating func fault(_ place: String, _ words: String) { faults.append("\(place): \(words)") }

    private static func isID(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }

    private static func isTopic(_ text: String) -> Bool {
        !text.isEmpty && !text.contains("+") && !text.contains("#") && !text.contains("//") && !text.hasSuffix("/")
    }
}
