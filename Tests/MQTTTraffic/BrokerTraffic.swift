/// What a broker sends, valid or damaged: every type of packet, MQTT 3.1.1 and 5, from a seed.
///
/// The identifiers are those of a client that has just begun to publish and subscribe, so that many packets answer one.
package struct BrokerTraffic {
    /// SplitMix64: the same numbers on every machine.
    package struct Dice: RandomNumberGenerator {
        private var state: UInt64
        package init(seed: UInt64) { state = seed }
        package mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    private var dice: Dice
    private let isVersion5: Bool

    /// Traffic of one connection.
    package init(seed: UInt64, isVersion5: Bool) {
        dice = Dice(seed: seed)
        self.isVersion5 = isVersion5
    }

    /// The packets of a connection, in order: a CONNACK for the most part, then anything, some of it damaged.
    package mutating func packets() -> [[UInt8]] {
        var packets = one(in: 20) ? [] : [connack(accepts: !one(in: 12))]
        for _ in 0..<Int.random(in: 1...14, using: &dice) { packets.append(packet()) }
        if one(in: 2) {
            for index in packets.indices where one(in: 5) { packets[index] = damaged(packets[index]) }
        }
        if one(in: 6) {
            packets.swapAt(
                Int.random(in: packets.indices, using: &dice), Int.random(in: packets.indices, using: &dice))
        }
        if one(in: 6), let repeated = packets.randomElement(using: &dice) { packets.append(repeated) }
        return packets
    }

    /// Bytes in pieces, as a network delivers them.
    package mutating func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
        guard one(in: 3), bytes.count > 1 else { return [bytes] }
        let cut = Int.random(in: 1..<bytes.count, using: &dice)
        return [Array(bytes[..<cut]), Array(bytes[cut...])]
    }

    private mutating func one(in count: Int) -> Bool { Int.random(in: 0..<count, using: &dice) == 0 }
    private mutating func byte() -> UInt8 { UInt8.random(in: 0...255, using: &dice) }
    private mutating func pick<Element>(_ choices: [Element], or rest: Element) -> Element {
        choices.randomElement(using: &dice) ?? rest
    }

    // MARK: Packets

    private mutating func connack(accepts: Bool) -> [UInt8] {
        let code: UInt8 =
            accepts
            ? 0 : isVersion5 ? pick([0x80, 0x84, 0x86, 0x88, 0x95, 1], or: 0x80) : pick([1, 2, 3, 4, 5], or: 1)
        var body: [UInt8] = [accepts && one(in: 4) ? 1 : 0, code]
        if isVersion5 {
            body += properties([
                [0x11, 0, 0, 0, 9], [0x13, 0, 30], [0x1A] + text("r"), [0x1C] + text("other:1883"),
                [0x1F] + text("why"),
                [0x21, 0, 10], [0x22, 0, 4], [0x24, 1], [0x25, 1], [0x26] + text("k") + text("v"), [0x27, 0, 1, 0, 0],
                [0x28, 1], [0x29, 0], [0x2A, 1],
            ])
        }
        return Self.packet(0x20, body)
    }

    private mutating func packet() -> [UInt8] {
        let identifier = [0, UInt8.random(in: 1...12, using: &dice)]
        switch Int.random(in: 0..<20, using: &dice) {
        case 0..<6: return publish()
        case 6, 7: return acknowledgement(0x40, identifier, [0, 0x10, 0x87, 0x97])
        case 8: return acknowledgement(0x50, identifier, [0, 0x10, 0x87])
        case 9: return acknowledgement(0x62, identifier, [0, 0x92])
        case 10: return acknowledgement(0x70, identifier, [0, 0x92])
        case 11, 12, 13: return subscriptionAnswer(0x90, identifier, [0, 1, 2, 0x80])
        case 14: return subscriptionAnswer(0xB0, identifier, [0, 0x11])
        case 15: return [0xD0, 0]
        case 16 where isVersion5:
            let code: UInt8 = pick([0, 0x8B, 0x8E, 0x97, 0x9C], or: 0)
            return one(in: 2) ? [0xE0, 0] : Self.packet(0xE0, [code] + properties([[0x1F] + text("bye")]))
        case 17 where one(in: 3): return connack(accepts: true)
        case 18 where one(in: 3):
            return Self.packet(0xF0, [0x18] + properties([[0x15] + text("m"), [0x16] + text("d")]))
        case 19 where one(in: 3):
            return Self.packet(pick([0x00, 0x10, 0x82, 0xA2, 0xC0], or: 0), [0, 1, 0, 0])
        default: return publish()
        }
    }

    private mutating func publish() -> [UInt8] {
        let qos = UInt8.random(in: 0...2, using: &dice)
        let flags = qos << 1 | (one(in: 3) ? 1 : 0) | (qos > 0 && one(in: 8) ? 8 : 0)
        let topics = [
            "a", "vebridge/bridge/request/read", "t/ä/€/😀", "t/\u{7F}\u{1}", String(repeating: "x", count: 300),
        ]
        var body = text(pick(topics, or: "a"))
        if qos > 0 { body += [UInt8.random(in: 0...1, using: &dice), UInt8.random(in: 1...255, using: &dice)] }
        if isVersion5 {
            body += properties([
                [0x01, 1], [0x02, 0, 0, 0, 7], [0x03] + text("text/plain"), [0x08] + text("clients/me"),
                [0x08] + text("bad\u{1}"), [0x09] + text("17"), [0x0B, 5], [0x26] + text("k") + text("v"),
            ])
        }
        let count = pick([0, 1, 10, 100, one(in: 50) ? 300_000 : 1000], or: 0)
        return Self.packet(0x30 | flags, body + [UInt8](repeating: UInt8(ascii: "p"), count: count))
    }

    private mutating func acknowledgement(_ first: UInt8, _ identifier: [UInt8], _ codes: [UInt8]) -> [UInt8] {
        guard isVersion5, !one(in: 2) else { return Self.packet(first, identifier) }
        let body = identifier + [pick(codes, or: 0)]
        return Self.packet(
            first, one(in: 2) ? body : body + properties([[0x1F] + text("why"), [0x26] + text("k") + text("v")]))
    }

    private mutating func subscriptionAnswer(_ first: UInt8, _ identifier: [UInt8], _ codes: [UInt8]) -> [UInt8] {
        let properties = isVersion5 ? properties([[0x1F] + text("why"), [0x26] + text("k") + text("v")]) : []
        return Self.packet(first, identifier + properties + (first == 0xB0 && !isVersion5 ? [] : [pick(codes, or: 0)]))
    }

    /// Some of the properties, each once, with their length before them.
    private mutating func properties(_ choices: [[UInt8]]) -> [UInt8] {
        var seen: Set<UInt8> = []
        var chosen: [UInt8] = []
        for choice in choices where one(in: 4) && seen.insert(choice[0]).inserted { chosen += choice }
        return Self.length(chosen.count) + chosen
    }

    private func text(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }

    // MARK: Damage

    /// Bits, bytes and lengths changed, something cut off, put in or taken out.
    package mutating func damaged(_ packet: [UInt8]) -> [UInt8] {
        var packet = packet
        for _ in 0..<Int.random(in: 1...3, using: &dice) {
            // The beginning, where the fields are, for the most part.
            let end = one(in: 4) ? packet.count : min(packet.count, 24)
            guard end > 0 else { return [byte()] }
            let place = Int.random(in: 0..<end, using: &dice)
            switch Int.random(in: 0..<7, using: &dice) {
            case 0: packet[place] ^= 1 << UInt8.random(in: 0...7, using: &dice)
            case 1: packet[place] = pick([0, 1, 2, 0x7F, 0x80, 0xFF], or: 0)
            case 2: packet[place] = byte()
            case 3: packet.remove(at: place)
            case 4: packet.insert(byte(), at: place)
            case 5: packet.removeSubrange(place...)
            // The bytes are other ones, the length is right.
            default: packet = Self.packet(packet[0], packet.dropFirst(2).map { one(in: 6) ? byte() : $0 })
            }
        }
        return packet
    }

    private static func length(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = count
        repeat {
            bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }

    /// A packet from its first byte and its body.
    package static func packet(_ first: UInt8, _ body: [UInt8]) -> [UInt8] { [first] + length(body.count) + body }
}
