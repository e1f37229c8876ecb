import CMosquitto

/// What a broker states in its CONNACK that it does not accept (MQTT 5, section 3.2.2.3).
public struct BrokerLimits: Sendable, Hashable {
    /// The largest packet in bytes, with its header; nil: the broker states no limit.
    public var packetSize: Int?
    /// The highest quality of service of a message.
    public var maximumQoS = 2
    /// Whether messages may be retained.
    public var acceptsRetain = true
    /// Whether `+` and `#` may stand in subscriptions.
    public var acceptsWildcards = true

    /// No limits.
    public init() {}

    /// Reads the properties of a CONNACK; what it does not state is not limited.
    init(connack properties: OpaquePointer?) {
        guard properties != nil else { return }
        var size: UInt32 = 0
        if mosquitto_property_read_int32(properties, Int32(MQTT_PROP_MAXIMUM_PACKET_SIZE.rawValue), &size, false)
            != nil,
            size > 0
        {
            packetSize = Int(size)
        }
        func byte(_ property: mqtt5_property) -> UInt8? {
            var value: UInt8 = 0
            return mosquitto_property_read_byte(properties, Int32(property.rawValue), &value, false) == nil
                ? nil : value
        }
        maximumQoS = min(2, byte(MQTT_PROP_MAXIMUM_QOS).map { Int($0) } ?? 2)
        acceptsRetain = byte(MQTT_PROP_RETAIN_AVAILABLE) != 0
        acceptsWildcards = byte(MQTT_PROP_WILDCARD_SUB_AVAILABLE) != 0
    }

    /// Announcements of devices are far smaller than this: a limit above it changes nothing.
    private static let relevantSize = 64 << 10

    /// The limits as sentences for the log, and whether each changes what is published.
    var sentences: [(text: String, isRelevant: Bool)] {
        var sentences: [(text: String, isRelevant: Bool)] = []
        if let packetSize {
            let isRelevant = packetSize < Self.relevantSize
            let text = "broker accepts packets of at most \(packetSize) bytes"
            sentences.append((text + (isRelevant ? ": announcements are split" : ""), isRelevant))
        }
        switch maximumQoS {
        case 0:
            sentences.append(("broker accepts quality of service 0 only: all messages are published with it", true))
        case 1: sentences.append(("broker accepts quality of service 1 at most", false))
        default: break
        }
        if !acceptsRetain {
            sentences.append(("broker accepts no retained messages: none is published as retained", true))
        }
        if !acceptsWildcards {
            sentences.append(("broker accepts no wildcards in subscriptions: requests are not received", true))
        }
        return sentences
    }

    /// The message as the broker accepts it: the quality of service lowered, not retained where nothing is.
    func lowered(_ message: MQTTClient.Message) -> MQTTClient.Message {
        guard message.qos > maximumQoS || message.retain && !acceptsRetain else { return message }
        var message = message
        message.qos = min(message.qos, maximumQoS)
        message.retain = message.retain && acceptsRetain
        return message
    }

    /// Why a message can never be sent; nil where it can.
    func fault(of message: MQTTClient.Message, _ version: MQTTClient.ProtocolVersion) -> String? {
        guard let packetSize else { return nil }
        let size = Self.size(of: message, version)
        return size > packetSize ? "\(size) bytes are more than the \(packetSize) that the broker accepts" : nil
    }

    /// Whether a subscription may be requested.
    func accepts(filter: String) -> Bool {
        acceptsWildcards || !filter.utf8.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }
    }

    /// The bytes of the PUBLISH packet of a message.
    private static func size(of message: MQTTClient.Message, _ version: MQTTClient.ProtocolVersion) -> Int {
        var rest = 2 + message.topic.utf8.count + message.payload.count + (message.qos > 0 ? 2 : 0)
        if version == .v5 {
            let properties = (message.expiry == nil ? 0 : 5) + (message.correlation.map { 3 + $0.count } ?? 0)
            rest += bytes(ofLength: properties) + properties
        }
        return 1 + bytes(ofLength: rest) + rest
    }

    /// The bytes of a length as a variable byte integer.
    private static func bytes(ofLength length: Int) -> Int {
        length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4
    }
}
