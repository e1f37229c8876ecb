/// What Home Assistant demands of a component. It refuses a whole device for one that breaks a rule, so each is looked
/// at before it goes in.
enum DiscoveryRules {
    /// The units that a class of sensor may have; an empty text is none.
    private static let units: [String: Set<String>] = [
        "power": ["mW", "W", "kW"], "voltage": ["mV", "V"], "current": ["mA", "A"], "energy": ["Wh", "kWh", "MWh"],
        "temperature": ["°C", "°F", "K"], "battery": ["%"], "duration": ["s", "min", "h", "d"],
        "frequency": ["Hz"], "data_size": ["B", "kB", "MB"], "enum": [""], "timestamp": [""],
    ]
    /// Classes of sensor whose statistics can only be those of a counter.
    private static let counters: Set<String> = ["energy"]
    private static let binaryClasses: Set<String> = ["problem", "power", "running", "connectivity"]
    private static let stateClasses: Set<String> = ["measurement", "total", "total_increasing"]

    /// What is wrong with a component, in words; nil if nothing is.
    static func fault(in component: DiscoveryComponent) -> String? {
        guard isIdentifier(component.uniqueID) else { return "unique_id '\(component.uniqueID)' has other characters" }
        guard !component.name.isEmpty, component.name.utf8.count <= 255 else { return "the name is empty or too long" }
        for topic in [component.stateTopic] + component.availability.map(\.topic) where !isTopic(topic) {
            return "'\(topic)' is no topic"
        }
        if let seconds = component.expireAfter, seconds < 1 { return "expire_after is not above 0" }
        switch component.platform {
        case "sensor": return sensorFault(component)
        case "binary_sensor":
            if let kind = component.deviceClass, !binaryClasses.contains(kind) { return "no class '\(kind)'" }
            guard component.stateClass == nil, component.unit == nil, component.options == nil else {
                return "a binary sensor has no state class, unit or options"
            }
            return nil
        default: return "no platform '\(component.platform)'"
        }
    }

    private static func sensorFault(_ component: DiscoveryComponent) -> String? {
        if let kind = component.stateClass, !stateClasses.contains(kind) { return "no state class '\(kind)'" }
        if let kind = component.deviceClass {
            guard let allowed = units[kind] else { return "no class '\(kind)'" }
            guard allowed.contains(component.unit ?? "") else {
                return "'\(component.unit ?? "")' is no unit of \(kind)"
            }
            if counters.contains(kind), component.stateClass == "measurement" { return "\(kind) is no measurement" }
            if kind == "enum" || kind == "timestamp", component.stateClass != nil { return "\(kind) has no statistics" }
        }
        if let options = component.options {
            guard component.deviceClass == "enum", !options.isEmpty, Set(options).count == options.count,
                !options.contains("")
            else { return "options are for an enum, each once" }
        } else if component.deviceClass == "enum" {
            return "an enum has options"
        }
        if component.unit == "" { return "an empty unit" }
        return nil
    }

    /// Whether a text can be an id: letters, digits, `_` and `-`.
    static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
                    || $0 == 0x2D
            }
    }

    private static func isTopic(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 65_535 && !text.contains { $0 == "+" || $0 == "#" || $0 == "\0" }
    }
}
