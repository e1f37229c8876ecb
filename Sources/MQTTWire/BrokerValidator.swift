/// Checks everything that a broker sends before anything else reads it (MQTT 3.1.1 and 5).
///
/// Bytes go in, in any pieces; whole packets come out that keep to the protocol, or the first violation. What comes out is
/// written again in the shortest form: without properties and strings that the client has no use for, without packets
/// that answer nothing, and without those that the client handles by itself (a refusal, DISCONNECT). No I/O and no clock.
public struct BrokerValidator: Sendable {
    /// The limits of what is accepted.
    public enum Limit {
        /// The most bytes of a packet. The client announces it to a broker of MQTT 5.
        public static let packet = 1 << 20
        /// How many messages of quality of service 1 and 2 may be unacknowledged; libmosquitto announces it in MQTT 5.
        public static let receiveMaximum = 20
        /// The same with MQTT 3.1.1, which has no such announcement: of quality of service 2.
        static let heldMessages = 100
        /// How many bytes the messages of quality of service 2 may have that wait for their release.
        static let heldBytes = 4 << 20
        /// How many answers to nothing are ignored in a connection.
        static let strays = 100
    }

    /// What the client is to do.
    public enum Output: Hashable, Sendable {
        /// A packet for the library.
        case packet([UInt8])
        /// The broker refused the connection, with this code.
        case refusal(UInt8)
        /// The broker ended the connection, with this code.
        case disconnection(UInt8)
    }

    /// What is known to be outstanding on a packet identifier that the client chose.
    private enum Expected {
        case puback
        case pubrec
        /// PUBREC has come, and the client has not sent PUBREL yet.
        case nothing
        case pubcomp
        case suback
        case unsuback
    }

    private enum Phase {
        case unanswered
        case accepted
        case ended
    }

    private let version: MQTTVersion
    private let hasClientID: Bool
    private var framer = PacketFramer(limit: Limit.packet)
    private var tracker = OutgoingTracker()
    private var phase = Phase.unanswered
    private var expected: [UInt16: Expected] = [:]
    private var isPingOutstanding = false
    /// Messages of quality of service 2 that the library holds until their PUBREL, with their sizes.
    private var held: [UInt16: Int] = [:]
    private var heldBytes = 0
    /// Messages of quality of service 1 that the library was given and has not acknowledged.
    private var unacknowledged = 0
    private var strays = 0

    /// How many packets the library has to answer and has not answered. Grows only while its output is held up.
    public private(set) var owedAnswers = 0

    /// A validator for one connection.
    ///
    /// - Parameters:
    ///   - version: The version that CONNECT offers.
    ///   - hasClientID: Whether CONNECT has a client identifier; without one the broker assigns it.
    public init(version: MQTTVersion, hasClientID: Bool) {
        self.version = version
        self.hasClientID = hasClientID
    }

    /// Whether the stream has begun a packet that is not complete, or has packets that were not taken yet.
    public var hasUnfinishedInput: Bool { framer.count > 0 }

    /// Takes what the client sends, in order, before it is written to the network.
    public mutating func sent(_ bytes: ArraySlice<UInt8>) {
        var tracker = tracker
        tracker.consume(bytes) { noteSent($0) }
        self.tracker = tracker
    }

    /// Takes what the broker sent. Call ``next()`` until it gives nil before adding more: that bounds what is kept.
    public mutating func receive(_ bytes: some Sequence<UInt8>) {
        framer.append(bytes)
    }

    /// The next output; nil where more bytes are needed.
    ///
    /// - Throws: The violation; the connection is of no use after it.
    public mutating func next() throws(MQTTViolation) -> Output? {
        if phase == .unanswered, let first = framer.firstByte, first != 0x20 {
            throw MQTTViolation(
                "it begins with \(first.hexadecimal) instead of \(UInt8(0x20).hexadecimal), a CONNACK "
                    + "(does another protocol use this port?)")
        }
        while phase != .ended, let frame = try framer.next() {
            if let output = try check(frame) { return output }
        }
        return nil
    }

    private mutating func noteSent(_ packet: OutgoingTracker.Packet) {
        switch packet.type {
        case .publish where packet.qos > 0: expected[packet.identifier] = packet.qos == 1 ? .puback : .pubrec
        case .subscribe: expected[packet.identifier] = .suback
        case .unsubscribe: expected[packet.identifier] = .unsuback
        case .pingreq: isPingOutstanding = true
        case .puback:
            unacknowledged = max(0, unacknowledged - 1)
            owedAnswers = max(0, owedAnswers - 1)
        case .pubrec, .pubrel, .pubcomp: owedAnswers = max(0, owedAnswers - 1)
        default: break
        }
        if packet.type == .pubrel, expected[packet.identifier] == .nothing { expected[packet.identifier] = .pubcomp }
        if packet.type == .pubcomp, let size = held.removeValue(forKey: packet.identifier) { heldBytes -= size }
    }

    // MARK: Packets

    private mutating func check(_ frame: PacketFramer.Frame) throws(MQTTViolation) -> Output? {
        var reader = PacketReader(frame.type, frame.body)
        switch frame.type {
        case .connack: return try connack(&reader)
        case .publish: return try publish(&reader, frame)
        case .puback, .pubrec, .pubcomp, .pubrel: return try acknowledgement(&reader, frame.firstByte)
        case .suback, .unsuback: return try subscriptionAnswer(&reader, frame.firstByte)
        case .pingresp:
            try reader.requireEnd()
            guard isPingOutstanding else { return try stray("PINGRESP") }
            isPingOutstanding = false
            return .packet([frame.firstByte, 0])
        case .disconnect: return try disconnect(&reader)
        case .auth: throw MQTTViolation("AUTH, which this client did not ask for")
        case .connect, .subscribe, .unsubscribe, .pingreq:
            throw MQTTViolation("\(frame.type), which only clients send")
        }
    }

    /// An answer to nothing: left out, up to a number.
    private mutating func stray(_ words: String) throws(MQTTViolation) -> Output? {
        strays += 1
        guard strays <= Limit.strays else {
            throw MQTTViolation("more than \(Limit.strays) answers to packets that were never sent, the last \(words)")
        }
        return nil
    }

    private mutating func connack(_ reader: inout PacketReader) throws(MQTTViolation) -> Output? {
        guard phase == .unanswered else { throw MQTTViolation("a second CONNACK") }
        let flags = try reader.byte("flags")
        let code = try reader.byte("code")
        guard flags <= 1, code == 0 || flags == 0 else { throw MQTTViolation("CONNACK has flags \(flags.hexadecimal)") }
        // The codes of 3.1.1, which a broker that knows no other version gives to any client.
        let isOld = version == .v311 || reader.remaining == 0
        guard isOld ? code <= 5 : code <= 5 || PacketType.connack.allows(code) else {
            throw MQTTViolation("CONNACK has the code \(code.hexadecimal), which \(version.name) does not define")
        }
        if isOld { try reader.requireEnd() }
        if isOld, version == .v5 {
            phase = .ended
            return .refusal(code == 0 ? 1 : code)
        }
        var packet: [UInt8] = [flags, code]
        if version == .v5 {
            let properties = try reader.properties()
            try reader.requireEnd()
            if hasClientID, properties.contains(.assignedClientIdentifier) {
                throw MQTTViolation("CONNACK assigns a client identifier, although CONNECT had one")
            }
            Self.append(properties: properties, to: &packet)
        }
        phase = code == 0 ? .accepted : .ended
        return code == 0 ? .packet(Self.packet(0x20, packet)) : .refusal(code)
    }

    private mutating func publish(
        _ reader: inout PacketReader, _ frame: PacketFramer.Frame
    ) throws(MQTTViolation) -> Output? {
        let qos = frame.firstByte >> 1 & 3
        guard qos < 3 else { throw MQTTViolation("PUBLISH has quality of service 3") }
        guard qos > 0 || frame.firstByte & 8 == 0 else {
            throw MQTTViolation("PUBLISH of quality of service 0 is marked as sent again")
        }
        let topic = try reader.text("topic")
        guard !topic.bytes.isEmpty else { throw MQTTViolation("PUBLISH has no topic") }
        guard !topic.bytes.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) else {
            throw MQTTViolation("the topic of PUBLISH has a wildcard")
        }
        let identifier = qos > 0 ? try reader.number("packet identifier") : 0
        guard qos == 0 || identifier > 0 else { throw MQTTViolation("PUBLISH has packet identifier 0") }
        let properties = version == .v5 ? try reader.properties() : PropertyList()
        if qos > 0 {
            guard try admit(identifier, qos: qos, size: frame.bytes.count) else { return nil }
            owedAnswers += 1
        }
        if topic.isPlain, properties.isUnchanged { return .packet(Array(frame.bytes)) }
        let name = topic.isPlain ? Array(topic.bytes) : UTF8Form.plain(topic.bytes)
        var packet = [UInt8(truncatingIfNeeded: name.count >> 8), UInt8(truncatingIfNeeded: name.count)] + name
        if qos > 0 { Self.append(identifier, to: &packet) }
        if version == .v5 { Self.append(properties: properties, to: &packet) }
        packet += reader.rest()
        return .packet(Self.packet(frame.firstByte, packet))
    }

    /// Counts a message that the library will acknowledge. False where the library has it already.
    private mutating func admit(_ identifier: UInt16, qos: UInt8, size: Int) throws(MQTTViolation) -> Bool {
        if qos == 2, held[identifier] != nil {
            guard version == .v311 else {
                throw MQTTViolation("PUBLISH of quality of service 2 uses the packet identifier of another one")
            }
            // Brokers of 3.1.1 may send it again within a connection.
            _ = try stray("PUBLISH")
            return false
        }
        if version == .v5, unacknowledged + held.count >= Limit.receiveMaximum {
            throw MQTTViolation("more than \(Limit.receiveMaximum) unacknowledged messages")
        }
        guard qos == 2 else {
            unacknowledged += 1
            return true
        }
        guard held.count < Limit.heldMessages, heldBytes + size <= Limit.heldBytes else {
            throw MQTTViolation("too many messages of quality of service 2 that are not released")
        }
        held[identifier] = size
        heldBytes += size
        return true
    }

    /// PUBACK, PUBREC, PUBREL and PUBCOMP: an identifier, and with MQTT 5 a code and properties.
    private mutating func acknowledgement(
        _ reader: inout PacketReader, _ firstByte: UInt8
    ) throws(MQTTViolation) -> Output? {
        let type = reader.packet
        let identifier = try reader.number("packet identifier")
        guard identifier > 0 else { throw MQTTViolation("\(type) has packet identifier 0") }
        var code: UInt8 = 0
        if version == .v5, reader.remaining > 0 {
            code = try reader.byte("code")
            guard type.allows(code) else {
                throw MQTTViolation("\(type) has the code \(code.hexadecimal), which it must not have")
            }
            if reader.remaining > 0 { _ = try reader.properties() }
        }
        try reader.requireEnd()
        switch (type, expected[identifier]) {
        case (.puback, .puback), (.pubcomp, .pubcomp): expected[identifier] = nil
        case (.pubrec, .pubrec):
            expected[identifier] = code < 0x80 ? .nothing : nil
            if code < 0x80 { owedAnswers += 1 }
        case (.pubrel, _): owedAnswers += 1
        default: return try stray("\(type)")
        }
        var packet: [UInt8] = []
        Self.append(identifier, to: &packet)
        if code != 0 { packet.append(code) }
        return .packet(Self.packet(firstByte, packet))
    }

    private mutating func subscriptionAnswer(
        _ reader: inout PacketReader, _ firstByte: UInt8
    ) throws(MQTTViolation) -> Output? {
        let type = reader.packet
        let identifier = try reader.number("packet identifier")
        guard identifier > 0 else { throw MQTTViolation("\(type) has packet identifier 0") }
        if version == .v5 { _ = try reader.properties() }
        let codes = reader.rest()
        // UNSUBACK of 3.1.1 has none; the client names one filter a packet.
        let count = type == .unsuback && version == .v311 ? 0 : 1
        guard codes.count == count else {
            throw MQTTViolation("\(type) has \(codes.count) codes for \(count) filter")
        }
        for code in codes {
            let isDefined = version == .v5 ? type.allows(code) : code <= 2 || code == 0x80
            guard isDefined else {
                throw MQTTViolation("\(type) has the code \(code.hexadecimal), which it must not have")
            }
        }
        guard expected[identifier] == (type == .suback ? .suback : .unsuback) else { return try stray("\(type)") }
        expected[identifier] = nil
        var packet: [UInt8] = []
        Self.append(identifier, to: &packet)
        if version == .v5 { packet.append(0) }
        packet += codes
        return .packet(Self.packet(firstByte, packet))
    }

    private mutating func disconnect(_ reader: inout PacketReader) throws(MQTTViolation) -> Output? {
        guard version == .v5 else { throw MQTTViolation("DISCONNECT, which only clients send in MQTT 3.1.1") }
        var code: UInt8 = 0
        if reader.remaining > 0 {
            code = try reader.byte("code")
            guard PacketType.disconnect.allows(code) else {
                throw MQTTViolation("DISCONNECT has the code \(code.hexadecimal), which it must not have")
            }
            if reader.remaining > 0 { _ = try reader.properties() }
            try reader.requireEnd()
        }
        phase = .ended
        return .disconnection(code)
    }

    // MARK: Writing

    private static func append(_ number: UInt16, to packet: inout [UInt8]) {
        packet.append(UInt8(truncatingIfNeeded: number >> 8))
        packet.append(UInt8(truncatingIfNeeded: number))
    }

    private static func append(properties: PropertyList, to packet: inout [UInt8]) {
        append(length: properties.encoded.count, to: &packet)
        packet += properties.encoded
    }

    private static func append(length: Int, to packet: inout [UInt8]) {
        var rest = length
        repeat {
            packet.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
    }

    private static func packet(_ firstByte: UInt8, _ body: [UInt8]) -> [UInt8] {
        var packet = [firstByte]
        append(length: body.count, to: &packet)
        return packet + body
    }
}
