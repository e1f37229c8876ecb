import VEDirect

/// A bridge that hears the chargers over the air and publishes what it hears, the way an ESP32 does: raw numbers once a
/// second or so, with gaps while its radio is busy, and now and then the same thing twice.
///
/// It does nothing by itself: time and plant go in, messages come out.
public struct BluetoothBridge: Sendable {
    /// How it names chargers and writes topics.
    public enum Style: String, Sendable, CaseIterable {
        /// `/venetworking/HQ2012ABCDE/edbc`
        case documented
        /// `venetworking/HQyywwABCDE/EDBC`: week and year of manufacture are not heard.
        case firmware
        /// `vedirect/HQ2012ABCDE/0xEDBC`, scaled.
        case scaled
    }

    /// A message as it goes to the broker.
    public struct Message: Sendable, Hashable {
        /// Where it goes.
        public let topic: String
        /// What it says.
        public let payload: String

        /// A message.
        public init(topic: String, payload: String) {
            self.topic = topic
            self.payload = payload
        }
    }

    /// What it tells of, where a charger has it.
    public static let registers: [RegisterID] = [
        0x0100, 0x0102, 0x2000, 0x2001, 0x2007, 0x2008, 0x200B, 0x200C, 0x2027, 0xED8C, 0xEDBC, 0xEDEF, 0xEC3E,
    ].map { RegisterID($0) }

    /// How it writes.
    public var style = Style.firmware
    /// The share of samples that it does not hear, 0…1.
    public var loss = 0.1
    /// The share of samples that it publishes twice, 0…1.
    public var duplicates = 0.02
    /// How often its radio is away, and for how long at most.
    public var gap: (every: Duration, atMost: Duration) = (.seconds(120), .seconds(20))

    private var random: SeededRandom
    private var due: [Duration] = []
    private var gapEnd = Duration.zero
    private var nextGap: Duration

    /// Nothing heard yet.
    public init(seed: UInt64 = 1) {
        random = SeededRandom(seed: seed)
        nextGap = random.time(in: .seconds(30) ... .seconds(120))
    }

    /// What it publishes up to now.
    public mutating func publish(_ chargers: [SimulatedCharger], at now: Duration) -> [Message] {
        while due.count < chargers.count { due.append(now + random.time(in: .zero ... .seconds(1))) }
        if now >= nextGap {
            gapEnd = now + random.time(in: .seconds(2)...max(.seconds(2), gap.atMost))
            nextGap = gapEnd + random.time(in: gap.every * 0.5...gap.every * 1.5)
        }
        var messages: [Message] = []
        for (index, charger) in chargers.enumerated() where now >= due[index] {
            due[index] = now + random.time(in: .milliseconds(850) ... .milliseconds(1150))
            guard now >= gapEnd, random.unit() >= loss else { continue }
            for register in Self.registers {
                guard let bytes = charger.currentValue(register), let message = message(charger.serial, register, bytes)
                else { continue }
                messages.append(message)
                if random.unit() < duplicates { messages.append(message) }
            }
        }
        return messages
    }

    private func message(_ serial: String, _ register: RegisterID, _ bytes: [UInt8]) -> Message? {
        let isHex = register == .productID || register == .applicationVersion
        guard isHex || [1, 2, 4].contains(bytes.count) else { return nil }
        let number = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
        let payload = isHex ? hex : "\(number)"
        switch style {
        case .documented:
            return Message(topic: "/venetworking/\(serial)/\(register.hex.lowercased())", payload: payload)
        case .firmware:
            let id = String(serial.prefix(2)) + "yyww" + serial.dropFirst(6)
            return Message(topic: "venetworking/\(id)/\(register.hex.uppercased())", payload: payload)
        case .scaled:
            guard !isHex, let value = try? RegisterCatalogue.standard[register]?.decode(RawValue(bytes)),
                let scaled = value.scaled
            else { return nil }
            return Message(topic: "vedirect/\(serial)/0x\(register.hex.uppercased())", payload: "\(scaled)")
        }
    }
}
