/// The properties of MQTT 5 that a server may send (section 2.2.2.2), with their encoding and their places.
enum PropertyID: UInt8, Sendable, CaseIterable {
    case payloadFormatIndicator = 0x01
    case messageExpiryInterval = 0x02
    case contentType = 0x03
    case responseTopic = 0x08
    case correlationData = 0x09
    case subscriptionIdentifier = 0x0B
    case sessionExpiryInterval = 0x11
    case assignedClientIdentifier = 0x12
    case serverKeepAlive = 0x13
    case authenticationMethod = 0x15
    case authenticationData = 0x16
    case requestProblemInformation = 0x17
    case willDelayInterval = 0x18
    case requestResponseInformation = 0x19
    case responseInformation = 0x1A
    case serverReference = 0x1C
    case reasonString = 0x1F
    case receiveMaximum = 0x21
    case topicAliasMaximum = 0x22
    case topicAlias = 0x23
    case maximumQoS = 0x24
    case retainAvailable = 0x25
    case userProperty = 0x26
    case maximumPacketSize = 0x27
    case wildcardSubscriptionAvailable = 0x28
    case subscriptionIdentifierAvailable = 0x29
    case sharedSubscriptionAvailable = 0x2A

    /// How the value is encoded, and which values there are.
    enum Encoding {
        /// One byte, 0 or 1.
        case flag
        /// Two bytes.
        case number
        /// Two bytes, not 0.
        case positiveNumber
        /// Four bytes.
        case longNumber
        /// Four bytes, not 0.
        case positiveLongNumber
        /// A variable byte integer, not 0.
        case positiveVariable
        /// Bytes with their length before them.
        case data
        /// UTF-8 with its length before it.
        case string
        /// Two strings.
        case pair
    }

    var encoding: Encoding {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable,
            .sharedSubscriptionAvailable:
            .flag
        case .serverKeepAlive, .topicAliasMaximum: .number
        case .receiveMaximum, .topicAlias: .positiveNumber
        case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval: .longNumber
        case .maximumPacketSize: .positiveLongNumber
        case .subscriptionIdentifier: .positiveVariable
        case .correlationData, .authenticationData: .data
        case .contentType, .responseTopic, .assignedClientIdentifier, .authenticationMethod, .responseInformation,
            .serverReference, .reasonString:
            .string
        case .userProperty: .pair
        }
    }

    /// Whether a server may send the property only to a client that offers topic aliases or extended authentication.
    var isUnasked: Bool { self == .topicAlias || self == .authenticationMethod || self == .authenticationData }

    /// Whether a server may send the property in this packet.
    func isAllowed(in packet: PacketType) -> Bool {
        switch self {
        case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData,
            .subscriptionIdentifier:
            packet == .publish
        case .sessionExpiryInterval, .assignedClientIdentifier, .serverKeepAlive, .responseInformation,
            .receiveMaximum, .topicAliasMaximum, .maximumQoS, .retainAvailable, .maximumPacketSize,
            .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            packet == .connack
        case .serverReference: packet == .connack || packet == .disconnect
        case .reasonString: packet != .publish
        case .userProperty: true
        case .authenticationMethod, .authenticationData, .requestProblemInformation, .willDelayInterval,
            .requestResponseInformation, .topicAlias:
            false
        }
    }

    /// Whether the property may stand more than once in a packet.
    var isRepeatable: Bool { self == .userProperty || self == .subscriptionIdentifier }

    /// Whether the library is given the property: what it acts on or hands to its callbacks, and nothing else.
    var isPassedOn: Bool {
        switch self {
        case .responseTopic, .correlationData, .sessionExpiryInterval, .assignedClientIdentifier, .serverKeepAlive,
            .receiveMaximum, .topicAliasMaximum, .maximumQoS, .retainAvailable, .maximumPacketSize,
            .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            true
        default: false
        }
    }

    /// The name of the specification, and the number.
    var name: String {
        let words: String =
            switch self {
            case .payloadFormatIndicator: "Payload Format Indicator"
            case .messageExpiryInterval: "Message Expiry Interval"
            case .contentType: "Content Type"
            case .responseTopic: "Response Topic"
            case .correlationData: "Correlation Data"
            case .subscriptionIdentifier: "Subscription Identifier"
            case .sessionExpiryInterval: "Session Expiry Interval"
            case .assignedClientIdentifier: "Assigned Client Identifier"
            case .serverKeepAlive: "Server Keep Alive"
            case .authenticationMethod: "Authentication Method"
            case .authenticationData: "Authentication Data"
            case .requestProblemInformation: "Request Problem Information"
            case .willDelayInterval: "Will Delay Interval"
            case .requestResponseInformation: "Request Response Information"
            case .responseInformation: "Response Information"
            case .serverReference: "Server Reference"
            case .reasonString: "Reason String"
            case .receiveMaximum: "Receive Maximum"
            case .topicAliasMaximum: "Topic Alias Maximum"
            case .topicAlias: "Topic Alias"
            case .maximumQoS: "Maximum QoS"
            case .retainAvailable: "Retain Available"
            case .userProperty: "User Property"
            case .maximumPacketSize: "Maximum Packet Size"
            case .wildcardSubscriptionAvailable: "Wildcard Subscription Available"
            case .subscriptionIdentifierAvailable: "Subscription Identifiers Available"
            case .sharedSubscriptionAvailable: "Shared Subscription Available"
            }
        return "\(words) (\(rawValue.hexadecimal))"
    }
}

extension FixedWidthInteger {
    /// `0x7F`: at least two digits.
    var hexadecimal: String {
        let digits = String(self, radix: 16, uppercase: true)
        return "0x" + (digits.count == 1 ? "0" : "") + digits
    }
}
