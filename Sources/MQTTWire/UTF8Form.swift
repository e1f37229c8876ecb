/// What the bytes of a string are (MQTT 5, section 1.5.4).
enum UTF8Form {
    /// Well-formed, without anything that a receiver may object to.
    case plain
    /// Well-formed, with control characters or non-characters, which MQTT discourages and libmosquitto rejects.
    case unusual
    /// Not UTF-8, or with NUL or surrogates, which MQTT forbids.
    case malformed

    /// Examines a string.
    init(_ bytes: ArraySlice<UInt8>) {
        self = bytes.withUnsafeBufferPointer { Self.form(of: $0) }
    }

    /// The string with `?` in place of what libmosquitto rejects; no longer than it was.
    static func plain(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        let scalars = text.unicodeScalars.map { isUnusual($0.value) ? "?" : $0 }
        var plain = String.UnicodeScalarView()
        plain.append(contentsOf: scalars)
        return Array(String(plain).utf8)
    }

    private static func isUnusual(_ scalar: UInt32) -> Bool {
        scalar < 0x20 || (0x7F...0x9F).contains(scalar) || (0xFDD0...0xFDEF).contains(scalar)
            || scalar & 0xFFFE == 0xFFFE
    }

    private static func form(of bytes: UnsafeBufferPointer<UInt8>) -> UTF8Form {
        var index = 0
        var isUnusual = false
        while index < bytes.count {
            let first = bytes[index]
            var scalar: UInt32
            let length: Int
            switch first {
            case 0x00: return .malformed
            case 0x01...0x7F: (scalar, length) = (UInt32(first), 1)
            case 0xC2...0xDF: (scalar, length) = (UInt32(first & 0x1F), 2)
            case 0xE0...0xEF: (scalar, length) = (UInt32(first & 0x0F), 3)
            case 0xF0...0xF4: (scalar, length) = (UInt32(first & 0x07), 4)
            default: return .malformed
            }
            guard index + length <= bytes.count else { return .malformed }
            for offset in 1..<max(1, length) {
                let next = bytes[index + offset]
                guard next & 0xC0 == 0x80 else { return .malformed }
                scalar = scalar << 6 | UInt32(next & 0x3F)
            }
            if length == 3, scalar < 0x800 || (0xD800...0xDFFF).contains(scalar) { return .malformed }
            if length == 4, scalar < 0x10000 || scalar > 0x10FFFF { return .malformed }
            if Self.isUnusual(scalar) { isUnusual = true }
            index += length
        }
        return isUnusual ? .unusual : .plain
    }
}
