/// The type of a control packet: the upper four bits of its first byte (MQTT 5, section 2.1.2).
enum PacketType: UInt8, Sendable, CustomStringConvertible {
    case connect = 1
    case connack = 2
    case publish = 3
    case puback = 4
    case pubrec = 5
    case pubrel = 6
    case pubcomp = 7
    case subscribe = 8
    case suback = 9
    case unsubscribe = 10
    case unsuback = 11
    case pingreq = 12
    case pingresp = 13
    case disconnect = 14
    case auth = 15

    /// The type of a first byte; nil for the reserved type 0.
    init?(firstByte: UInt8) { self.init(rawValue: firstByte >> 4) }

    var description: String {
        switch self {
        case .connect: "CONNECT"
        case .connack: "CONNACK"
        case .publish: "PUBLISH"
        case .puback: "PUBACK"
        case .pubrec: "PUBREC"
        case .pubrel: "PUBREL"
        case .pubcomp: "PUBCOMP"
        case .subscribe: "SUBSCRIBE"
        case .suback: "SUBACK"
        case .unsubscribe: "UNSUBSCRIBE"
        case .unsuback: "UNSUBACK"
        case .pingreq: "PINGREQ"
        case .pingresp: "PINGRESP"
        case .disconnect: "DISCONNECT"
        case .auth: "AUTH"
        }
    }

    /// The lower four bits that the specification prescribes; nil for PUBLISH, where they have a meaning.
    var flags: UInt8? {
        switch self {
        case .publish: nil
        case .pubrel, .subscribe, .unsubscribe: 2
        default: 0
        }
    }

    /// Whether the packet begins with a packet identifier (PUBLISH has one after its topic).
    var beginsWithIdentifier: Bool {
        switch self {
        case .puback, .pubrec, .pubrel, .pubcomp, .subscribe, .suback, .unsubscribe, .unsuback: true
        default: false
        }
    }

    /// The reason codes that a server may give in this packet of MQTT 5.
    func allows(_ code: UInt8) -> Bool {
        switch self {
        case .puback, .pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99].contains(code)
        case .pubrel, .pubcomp: code == 0x00 || code == 0x92
        case .suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2].contains(code)
        case .unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91].contains(code)
        case .connack:
            code == 0x00 || (0x80...0x8A).contains(code)
                || [0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F].contains(code)
        case .disconnect:
            (0x93...0xA2).contains(code)
                || [0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90].contains(code)
        default: false
        }
    }
}
