/// What a charger says in an hour, end to end: a block of TEXT, eight answers and ten frames unasked each second.
public struct WireStream {
    /// As they come from the port.
    public private(set) var bytes: [UInt8] = []
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// - Parameters:
    ///   - size: about as many bytes.
    ///   - bitErrorRate: the chance that a bit is flipped, 0 to 1.
    public init(size: Int, bitErrorRate: Double = 0) {
        bytes.reserveCapacity(size + 1024)
        while bytes.count < size { second() }
        guard bitErrorRate > 0 else { return }
        let limit = UInt64(bitErrorRate * Double(UInt64.max))
        for index in bytes.indices {
            for bit in 0..<8 where next() < limit { bytes[index] ^= 1 << UInt8(bit) }
        }
    }

    private mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    private mutating func second() {
        let registers: [UInt16] = [0xEDBC, 0xEDBB, 0xEDD5, 0xEDD7, 0xEDAD, 0x0201, 0x2027, 0xEDB3, 0xED8D, 0xEDDB]
        for index in 0..<8 { frame(7, registers[index], UInt32(truncatingIfNeeded: next()), index % 3 == 0 ? 4 : 2) }
        block()
        for register in registers { frame(0xA, register, UInt32(truncatingIfNeeded: next()), 2) }
    }

    private mutating func frame(_ nibble: UInt8, _ register: UInt16, _ value: UInt32, _ size: Int) {
        var payload: [UInt8] = [UInt8(register & 0xFF), UInt8(register >> 8), 0]
        for index in 0..<size { payload.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * index))) }
        payload.append(payload.reduce(0x55 &- nibble) { $0 &- $1 })
        let digits = Array("0123456789ABCDEF".utf8)
        bytes += [0x3A, digits[Int(nibble)]]
        for byte in payload { bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        bytes.append(0x0A)
    }

    private mutating func block() {
        let fields = [
            ("PID", "0xA057"), ("FW", "164"), ("SER#", "HQ2012ABCDE"), ("V", "\(12_000 + next() % 2_000)"),
            ("I", "\(next() % 9_000)"), ("VPV", "\(40_000 + next() % 30_000)"), ("PPV", "\(next() % 400)"), ("CS", "3"),
            ("MPPT", "2"), ("ERR", "0"), ("LOAD", "ON"), ("IL", "\(next() % 900)"), ("H19", "4321"), ("H20", "12"),
            ("H21", "220"), ("H22", "91"), ("H23", "301"), ("HSDS", "211"),
        ]
        var text: [UInt8] = []
        for (label, value) in fields { text += Array("\r\n\(label)\t\(value)".utf8) }
        text += Array("\r\nChecksum\t".utf8)
        text.append(text.reduce(0) { $0 &- $1 })
        bytes += text
    }
}
