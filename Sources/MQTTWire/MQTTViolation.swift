/// What a broker sent that MQTT does not allow, in words for the log.
public struct MQTTViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// The fault, such as `CONNACK has property 0x7F, which MQTT 5 does not define`.
    public let description: String

    /// A fault in words.
    init(_ description: String) { self.description = description }
}

/// A version of the protocol.
public enum MQTTVersion: Sendable, Hashable {
    /// MQTT 3.1.1.
    case v311
    /// MQTT 5.0.
    case v5

    /// The version in words.
    var name: String { self == .v5 ? "MQTT 5" : "MQTT 3.1.1" }
}
