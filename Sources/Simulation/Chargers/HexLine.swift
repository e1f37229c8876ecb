/// HEX frames as bytes: any command digit, for devices say things that no host may.
enum HexLine {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The frame with this command digit and payload, check byte and line feed included.
    static func frame(_ command: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var line: [UInt8] = [0x3A, digits[Int(command & 15)]]
        line.reserveCapacity(payload.count * 2 + 5)
        var check: UInt8 = 0x55 &- (command & 15)
        for byte in payload {
            check &-= byte
            line.append(digits[Int(byte >> 4)])
            line.append(digits[Int(byte & 15)])
        }
        line.append(digits[Int(check >> 4)])
        line.append(digits[Int(check & 15)])
        line.append(0x0A)
        return line
    }

    /// What stands between colon and line feed: command and payload; nil if it is damaged.
    static func parse(_ line: [UInt8]) -> (command: UInt8, payload: [UInt8])? {
        guard line.count >= 3, line.count & 1 == 1 else { return nil }
        var nibbles: [UInt8] = []
        nibbles.reserveCapacity(line.count)
        for byte in line {
            switch byte {
            case 0x30...0x39: nibbles.append(byte - 0x30)
            case 0x41...0x46: nibbles.append(byte - 0x37)
            default: return nil
            }
        }
        var bytes: [UInt8] = []
        for index in stride(from: 1, to: nibbles.count, by: 2) {
            bytes.append(nibbles[index] << 4 | nibbles[index + 1])
        }
        guard bytes.reduce(nibbles[0], { $0 &+ $1 }) == 0x55 else { return nil }
        bytes.removeLast()
        return (nibbles[0], bytes)
    }
}

/// A number as little-endian bytes, the lowest `count` of them.
func little(_ number: some BinaryInteger, _ count: Int) -> [UInt8] {
    let bits = UInt64(truncatingIfNeeded: number)
    return (0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
}
