@testable import Bridge
@testable import VEDirect

extension RegisterReading {
    /// A reading as the session gives it, from bytes in wire order.
    static func of(_ register: RegisterID, _ bytes: [UInt8], at time: Duration = .zero) throws -> RegisterReading {
        let raw = RawValue(bytes)
        let value = try RegisterCatalogue.standard[register]?.decode(raw) ?? .bytes(bytes)
        return RegisterReading(
            register: register, raw: raw, value: value, provenance: .asked, confidence: .confirmed, time: time)
    }
}

/// `count` bytes, the lowest first.
func wire(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}

extension DeviceIdentity {
    /// A charger whose product is known.
    static func solarCharger(_ serial: String) -> DeviceIdentity {
        var identity = DeviceIdentity(serial: serial)
        identity.productID = 0xA062
        return identity
    }
}

extension Plant {
    mutating func add(_ serial: String, port: String = "/dev/tty0", at now: Duration = .zero) {
        identified(.solarCharger(serial), port: port, at: now)
    }

    mutating func read(
        _ register: RegisterID, _ number: Int, _ count: Int, of serial: String, at now: Duration = .zero
    ) throws {
        read(try .of(register, wire(number, count), at: now), serial: serial)
    }

    /// The payload that the schema has for a register now.
    func payload(_ register: RegisterID, _ serial: String, at now: Duration = .zero) -> String? {
        value(of: register, serial: serial, at: now).flatMap(ChargerTopics.payload)
    }
}
