/// Where a register's state stands in the session's list: a small open table, for it is looked up with every frame.
struct RegisterPlaces: Sendable {
    private static let free: UInt32 = .max
    /// Register in the high half, place in the low one; twice as many as can ever be filled, a power of two.
    private var table = [UInt32](repeating: RegisterPlaces.free, count: 64)
    private var count = 0

    subscript(register: RegisterID) -> Int? {
        var index = hash(register)
        while true {
            let entry = table[index]
            if entry == Self.free { return nil }
            if entry >> 16 == UInt32(register.rawValue) { return Int(entry & 0xFFFF) }
            index = (index + 1) & (table.count - 1)
        }
    }

    /// Notes the place of a register that has none yet.
    mutating func add(_ register: RegisterID, _ place: Int) {
        // The place FFFF of register FFFF would look like a free entry; there are never that many places.
        precondition(place < 0xFFFF, "too many registers")
        count += 1
        if count * 2 > table.count {
            let old = table
            table = [UInt32](repeating: Self.free, count: old.count * 2)
            for entry in old where entry != Self.free { insert(entry) }
        }
        insert(UInt32(register.rawValue) << 16 | UInt32(place))
    }

    private mutating func insert(_ entry: UInt32) {
        var index = hash(RegisterID(UInt16(entry >> 16)))
        while table[index] != Self.free { index = (index + 1) & (table.count - 1) }
        table[index] = entry
    }

    private func hash(_ register: RegisterID) -> Int {
        Int(UInt32(register.rawValue) &* 0x9E37_79B1 >> 16) & (table.count - 1)
    }
}
