import VEDirect

/// What two publishers are compared by: a register of a charger, or an attribute of a device on a MasterBus.
public enum ComparedTopic: Sendable, Hashable, Comparable {
    /// A register of the charger with this id, in upper case.
    case register(device: String, RegisterID)
    /// An attribute of a device on the bus.
    case attribute(device: UInt32, UInt16)

    /// Who it belongs to, as people write it.
    public var device: String {
        switch self {
        case .register(let device, _): device
        case .attribute(let device, _): "0x" + String(device, radix: 16, uppercase: true)
        }
    }

    /// The register in lower case, or the attribute as in its topic.
    public var name: String {
        switch self {
        case .register(_, let register): register.hex.lowercased()
        case .attribute(_, let attribute):
            "0x" + (attribute < 16 ? "0" : "") + String(attribute, radix: 16, uppercase: true)
        }
    }

    /// The same of another charger.
    func of(_ other: String) -> ComparedTopic {
        if case .register(_, let register) = self { .register(device: other, register) } else { self }
    }

    /// Chargers before the bus, each by name.
    public static func < (left: ComparedTopic, right: ComparedTopic) -> Bool {
        switch (left, right) {
        case (.register(let a, let b), .register(let c, let d)): (a, b) < (c, d)
        case (.attribute(let a, let b), .attribute(let c, let d)): (a, b) < (c, d)
        case (.register, .attribute): true
        case (.attribute, .register): false
        }
    }
}

/// What a message says, in the meaning of its register.
public enum ComparedValue: Sendable, Hashable {
    /// A number in the register's unit.
    case number(Double)
    /// Bytes or words, which are the same or are not.
    case text(String)
    /// The number that stands for no value.
    case notAvailable
}

/// A message of either publisher, understood.
public struct ComparedMessage: Sendable, Hashable {
    /// What it is about.
    public var topic: ComparedTopic
    /// What it says.
    public var value: ComparedValue

    /// Reads a message in any spelling of the schema: with or without the leading slash, in either case, with or without
    /// `0x` and zeros before a number, raw (`venetworking/ID/EDBC`) or scaled (`vedirect/ID/0xEDBC`). Nil for what is no
    /// value, such as names and units.
    ///
    /// - Parameter prefixes: further first parts, beside `venetworking` and `masterbus`, as in `schema.prefix`.
    public init?(topic: String, payload: String, prefixes: Prefixes = Prefixes()) {
        let plain = Prefixes.plain(topic)
        let payload = payload.filter { $0 != " " && $0 != "\n" && $0 != "\0" }
        guard !payload.isEmpty else { return nil }
        if let rest = Prefixes.rest(of: plain, after: prefixes.registers) {
            guard rest.count == 2, let number = Self.hex(rest[1]), number <= 0xFFFF, Self.isDevice(rest[0]) else {
                return nil
            }
            let register = RegisterID(UInt16(number))
            guard let value = Self.raw(payload, register) else { return nil }
            self.topic = .register(device: rest[0].uppercased(), register)
            self.value = value
        } else if let rest = Prefixes.rest(of: plain, after: ["vedirect"]) {
            guard rest.count == 2, rest[1].lowercased().hasPrefix("0x"), let number = Self.hex(rest[1]),
                number <= 0xFFFF,
                Self.isDevice(rest[0]), let scaled = Double(payload), scaled.isFinite
            else { return nil }
            self.topic = .register(device: rest[0].uppercased(), RegisterID(UInt16(number)))
            self.value = .number(scaled)
        } else if let rest = Prefixes.rest(of: plain, after: prefixes.attributes) {
            guard rest.count == 2, let device = Self.hex(rest[0]), device <= 0x7F_FFFF,
                let attribute = Self.hex(rest[1]),
                attribute <= 0xFFFF
            else { return nil }
            self.topic = .attribute(device: UInt32(device), UInt16(attribute))
            self.value = Double(payload).map { $0.isFinite ? .number($0) : .notAvailable } ?? .text(payload)
        } else {
            return nil
        }
    }

    private static func isDevice(_ text: String) -> Bool {
        (2...32).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func hex(_ text: String) -> UInt64? {
        let digits = text.lowercased().hasPrefix("0x") ? String(text.dropFirst(2)) : text
        guard !digits.isEmpty, digits.first != "+", digits.first != "-", digits.count <= 16 else { return nil }
        return UInt64(digits, radix: 16)
    }

    /// A raw number as a register's bytes, and what they mean.
    private static func raw(_ payload: String, _ register: RegisterID) -> ComparedValue? {
        if register == .productID || register == .applicationVersion { return .text(payload.uppercased()) }
        let definition = RegisterCatalogue.standard[register]
        if let number = Int64(payload) {
            guard let definition else { return .number(Double(number)) }
            let width: Int
            switch definition.kind {
            case .unsigned(let bytes), .signed(let bytes): width = bytes
            case .bits, .float: width = definition.observedSizes.max() ?? 4
            default: return .number(Double(number))
            }
            let bits = UInt64(bitPattern: number)
            let fits = width >= 8 || number < 0 || bits >> UInt64(width * 8) == 0
            guard fits else {
                // Wider than the register: a sign that was extended, or nonsense; the number tells.
                return .number(definition.scale.value(of: number))
            }
            let bytes = (0..<width).map { UInt8(truncatingIfNeeded: bits >> UInt64($0 * 8)) }
            switch try? definition.decode(RawValue(bytes)) {
            case .number(_, let scaled)?: return .number(scaled)
            case .notAvailable?: return .notAvailable
            default: return .number(definition.scale.value(of: number))
            }
        }
        // Some write raw numbers as fractions.
        if let number = Double(payload), number.isFinite {
            let scale = definition?.scale ?? .one
            return .number(number * Double(scale.numerator) / Double(scale.denominator))
        }
        return .text(payload)
    }
}

/// The first parts of topics that carry values.
public struct Prefixes: Sendable, Hashable {
    /// Before a charger's id and a register.
    public var registers: [String]
    /// Before a bus device and an attribute.
    public var attributes: [String]

    /// The schema's own, and what a configuration says.
    public init(registers: [String] = ["venetworking"], attributes: [String] = ["masterbus"]) {
        self.registers = registers.map(Self.plain)
        self.attributes = attributes.map(Self.plain)
    }

    /// Without a leading slash.
    static func plain(_ topic: String) -> String { topic.hasPrefix("/") ? String(topic.dropFirst()) : topic }

    /// What comes behind the first of these that a topic begins with, in parts.
    static func rest(of topic: String, after prefixes: [String]) -> [String]? {
        for prefix in prefixes {
            let start = prefix.hasSuffix("/") ? prefix : prefix + "/"
            guard topic.utf8.count > start.utf8.count,
                topic.lowercased().hasPrefix(start.lowercased())
            else { continue }
            return topic.dropFirst(start.count).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        }
        return nil
    }
}
