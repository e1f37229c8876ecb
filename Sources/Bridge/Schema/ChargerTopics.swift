public import VEDirect

/// The topics `/venetworking/MPPT_ID/REGISTER`: which registers, under which names, with which payloads.
public struct ChargerTopics: Sendable {
    /// The registers of the schema, in the order of its table.
    public static let documented: [RegisterID] = [
        .productID, .applicationVersion, .linkAlgorithmVersion, .linkVoltageSetpoint, .linkStateTime,
        .linkAbsorptionTime, .linkIdleVoltage, .linkDeviceState, .linkTotalPower, .batteryCurrent, .panelPower,
        .systemVoltage, .undocumentedEC3E,
    ]

    private let prefix: String
    private let isUpperCase: Bool

    /// The topics as a configuration wants them.
    public init(_ schema: Configuration.Schema) {
        prefix = schema.prefix
        isUpperCase = schema.style.registersInUpperCase
    }

    /// The topic of a charger's register.
    public func topic(serial: String, register: RegisterID) -> String {
        "\(prefix)/\(serial)/\(isUpperCase ? register.hex : register.hex.lowercased())"
    }

    /// The payload: an unsigned decimal of the one, two or four bytes, as the BLE bridge prints them; product id and
    /// version are the bytes in wire order as upper-case hex. Other values have no payload in this schema.
    public static func payload(_ value: SchemaValue) -> String? {
        if value.register == .productID || value.register == .applicationVersion { return value.raw.hex }
        guard [1, 2, 4].contains(value.raw.count), let number = value.raw.unsigned else { return nil }
        return String(number)
    }
}
