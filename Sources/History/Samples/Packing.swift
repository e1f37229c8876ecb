/// Numbers in few bytes: seven bits a byte, the least first; signed ones with the sign in the lowest bit.
struct Packer {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ number: UInt64) {
        var number = number
        while number >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: number) | 0x80)
            number >>= 7
        }
        bytes.append(UInt8(number))
    }

    mutating func add(_ number: Int) { add(UInt64(max(0, number))) }

    mutating func addSigned(_ number: Int64) { add(UInt64(bitPattern: (number << 1) ^ (number >> 63))) }

    /// Ends the block with a check of what it holds: a bit that falls over must not become a wrong figure.
    mutating func seal() {
        let check = Self.check(bytes[...])
        bytes.append(UInt8(truncatingIfNeeded: check))
        bytes.append(UInt8(truncatingIfNeeded: check >> 8))
    }

    static func check(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        bytes.withUnsafeBufferPointer { Packer.check(UnsafeRawBufferPointer($0)) }
    }

    /// Fletcher's sum, by blocks that cannot run over.
    static func check(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
        var first: UInt32 = 1
        var second: UInt32 = 0
        var index = 0
        while index < bytes.count {
            let end = min(bytes.count, index + 5000)
            while index < end {
                first &+= UInt32(bytes[index])
                second &+= first
                index += 1
            }
            first %= 255
            second %= 255
        }
        return UInt16(second << 8 | first)
    }
}

/// Reads what a ``Packer`` wrote. After damage it gives zeros and says so.
struct Unpacker {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    private(set) var isDamaged = false

    /// Nil if the check at the end does not hold.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 2)])
        let check = UInt16(bytes[bytes.count - 2]) | UInt16(bytes[bytes.count - 1]) << 8
        guard Packer.check(body) == check else { return nil }
        self.bytes = body
    }

    var isAtEnd: Bool { index >= bytes.count }

    mutating func number() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count, shift < 64 {
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        isDamaged = true
        return 0
    }

    /// A number that counts something in memory: never more than `limit`.
    mutating func count(limit: Int) -> Int {
        let value = number()
        guard value <= UInt64(limit) else {
            isDamaged = true
            return 0
        }
        return Int(value)
    }

    mutating func signed() -> Int64 {
        let value = number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}
