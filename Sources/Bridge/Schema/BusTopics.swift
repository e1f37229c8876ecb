public import MasterBus

/// The topics `/masterbus/0xDEVICE/0xATTRIBUTE`: names and payloads.
public struct BusTopics: Sendable {
    private let prefix: String

    /// The topics as a configuration wants them.
    public init(_ schema: Configuration.Schema) { prefix = schema.masterbusPrefix }

    /// The topic of an attribute. Devices are named by unique id alone; two that share one share topics.
    public func topic(device: DeviceAddress, attribute: UInt16) -> String {
        "\(prefix)/\(device.text)/\(BusNotation.hex(attribute))"
    }

    /// The payload of a value; nil for one that the device says it does not have, which is not published.
    public static func payload(_ value: BusValue) -> String? { value.text }

    /// What stands beside a value, by the last part of the topic: `name`, `unit` and `options`, as far as the device
    /// or a table of measured devices tells.
    public static func descriptions(of attribute: UInt16, in schema: DeviceSchema) -> [(part: String, text: String)] {
        let known = schema.description(of: attribute)
        guard known.isDiscovered || known.isVerified else { return [] }
        var parts: [(part: String, text: String)] = []
        if let name = known.name, !name.isEmpty { parts.append(("name", name)) }
        if let unit = known.unit { parts.append(("unit", unit)) }
        if known.isList, !known.options.isEmpty { parts.append(("options", options(known.options))) }
        return parts
    }

    /// A JSON object of the texts by index: `{"0":"Off","1":"On"}`.
    static func options(_ options: [UInt8: String]) -> String {
        let members = options.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\(quoted($0.value))" }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
