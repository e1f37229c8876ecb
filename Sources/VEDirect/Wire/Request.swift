/// Everything that can be asked of a device: reading, and nothing else.
///
/// vebridge is read-only by construction. The digits of the commands that start the boot loader (0), restart the
/// device (6) and write a register (8) exist in no type that can be encoded; there is no way to build such a frame.
public enum Request: Sendable, Hashable {
    /// Is anybody there, and with which firmware?
    case ping
    /// The version of the application firmware.
    case applicationVersion
    /// The product id; works on all models and firmwares, unlike register 0100.
    case productID
    /// The value of a register.
    case get(RegisterID)

    /// The digits that a request can begin with.
    private enum Command: UInt8 {
        case ping = 0x1
        case applicationVersion = 0x3
        case productID = 0x4
        case get = 0x7
    }

    /// The bytes to send, line feed included.
    public var bytes: [UInt8] {
        switch self {
        case .ping: Self.encode(.ping, [])
        case .applicationVersion: Self.encode(.applicationVersion, [])
        case .productID: Self.encode(.productID, [])
        case .get(let register):
            Self.encode(.get, [UInt8(truncatingIfNeeded: register.rawValue), UInt8(register.rawValue >> 8), 0])
        }
    }

    /// Whether a frame is this request itself, come back: an echo. A get without a value could also be the answer about
    /// a text that is empty.
    func isRepeated(by frame: borrowing HexFrame) -> Bool {
        let (nibble, count) = (frame.nibble, frame.count)
        switch self {
        case .ping: return nibble == Command.ping.rawValue && count == 0
        case .applicationVersion: return nibble == Command.applicationVersion.rawValue && count == 0
        case .productID: return nibble == Command.productID.rawValue && count == 0
        case .get(let register):
            guard nibble == Command.get.rawValue, count == 3 else { return false }
            return frame.register == register ? frame[2] == 0 : false
        }
    }

    private static func encode(_ command: Command, _ payload: [UInt8]) -> [UInt8] {
        let check = payload.reduce(0x55 &- command.rawValue) { $0 &- $1 }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = [0x3A, digits[Int(command.rawValue)]]
        for byte in payload + [check] {
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
        bytes.append(0x0A)
        return bytes
    }
}
