/// Reads the fields of one packet, never beyond its end.
struct PacketReader {
    /// The packet's type, for the words of a violation.
    let packet: PacketType
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private var end: Int
    private var isInProperties = false

    /// Reads the body of a packet: what follows the remaining length.
    init(_ packet: PacketType, _ body: ArraySlice<UInt8>) {
        self.packet = packet
        bytes = body
        position = body.startIndex
        end = body.endIndex
    }

    /// How many bytes are left.
    var remaining: Int { end - position }

    /// A string, and whether the library accepts it.
    struct Text {
        let bytes: ArraySlice<UInt8>
        let isPlain: Bool
    }

    private func missing(_ field: String) -> MQTTViolation {
        MQTTViolation("\(packet) ends within its \(isInProperties ? "properties" : field)")
    }

    mutating func byte(_ field: String) throws(MQTTViolation) -> UInt8 {
        guard remaining >= 1 else { throw missing(field) }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func number(_ field: String) throws(MQTTViolation) -> UInt16 {
        guard remaining >= 2 else { throw missing(field) }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func longNumber(_ field: String) throws(MQTTViolation) -> UInt32 {
        let high = try number(field)
        let low = try number(field)
        return UInt32(high) << 16 | UInt32(low)
    }

    /// A variable byte integer (section 1.5.5): at most four bytes, and no more than needed.
    mutating func variable(_ field: String) throws(MQTTViolation) -> Int {
        var value = 0
        for index in 0..<4 {
            let next = try byte(field)
            value |= Int(next & 0x7F) << (7 * index)
            guard next & 0x80 == 0 else { continue }
            guard next != 0 || index == 0 else { throw MQTTViolation("\(packet) pads its \(field) with a zero") }
            return value
        }
        throw MQTTViolation("\(packet) has more than four bytes for its \(field)")
    }

    /// Bytes with their length before them.
    mutating func data(_ field: String) throws(MQTTViolation) -> ArraySlice<UInt8> {
        let count = Int(try number(field))
        guard remaining >= count else { throw missing(field) }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    /// UTF-8 with its length before it.
    mutating func text(_ field: String) throws(MQTTViolation) -> Text {
        let bytes = try data(field)
        switch UTF8Form(bytes) {
        case .malformed: throw MQTTViolation("the \(field) of \(packet) is not UTF-8")
        case .unusual: return Text(bytes: bytes, isPlain: false)
        case .plain: return Text(bytes: bytes, isPlain: true)
        }
    }

    /// What is left.
    mutating func rest() -> ArraySlice<UInt8> {
        defer { position = end }
        return bytes[position..<end]
    }

    func requireEnd() throws(MQTTViolation) {
        guard remaining == 0 else { throw MQTTViolation("\(packet) is \(remaining) bytes too long") }
    }

    /// Reads the properties of MQTT 5 and gives the encoding of those that are passed on.
    mutating func properties() throws(MQTTViolation) -> PropertyList {
        let count = try variable("property length")
        guard count <= remaining else { throw missing("properties") }
        let bodyEnd = end
        end = position + count
        isInProperties = true
        var list = PropertyList()
        while remaining > 0 { try readProperty(into: &list) }
        end = bodyEnd
        isInProperties = false
        list.isUnchanged = list.encoded.count == count
        return list
    }

    private mutating func readProperty(into list: inout PropertyList) throws(MQTTViolation) {
        let start = position
        let number = try variable("property identifier")
        guard let property = UInt8(exactly: number).flatMap(PropertyID.init(rawValue:)) else {
            throw MQTTViolation("\(packet) has property \(number.hexadecimal), which MQTT 5 does not define")
        }
        guard !property.isUnasked else {
            throw MQTTViolation("\(packet) has property \(property.name), which this client did not ask for")
        }
        guard property.isAllowed(in: packet) else {
            throw MQTTViolation("\(packet) has property \(property.name), which is not allowed there")
        }
        guard list.insert(property) || property.isRepeatable else {
            throw MQTTViolation("\(packet) has property \(property.name) twice")
        }
        var isValid = true
        var isPlain = true
        switch property.encoding {
        case .flag: isValid = try byte(property.name) <= 1
        case .number: _ = try self.number(property.name)
        case .positiveNumber: isValid = try self.number(property.name) > 0
        case .longNumber: _ = try longNumber(property.name)
        case .positiveLongNumber: isValid = try longNumber(property.name) > 0
        case .positiveVariable: isValid = try variable(property.name) > 0
        case .data: _ = try data(property.name)
        case .string: isPlain = try text(property.name).isPlain
        case .pair:
            _ = try text(property.name)
            _ = try text(property.name)
        }
        guard isValid else { throw MQTTViolation("\(packet) has a value out of range for \(property.name)") }
        if property.isPassedOn, isPlain { list.encoded += bytes[start..<position] }
    }
}

/// The properties of one packet.
struct PropertyList {
    private var present: UInt64 = 0
    /// Those that are passed on, as they came.
    var encoded: [UInt8] = []
    /// Whether `encoded` is everything that came.
    var isUnchanged = true

    /// Adds a property; false if it was there.
    mutating func insert(_ property: PropertyID) -> Bool {
        let bit: UInt64 = 1 << UInt64(property.rawValue)
        defer { present |= bit }
        return present & bit == 0
    }

    func contains(_ property: PropertyID) -> Bool { present & (1 << UInt64(property.rawValue)) != 0 }
}
