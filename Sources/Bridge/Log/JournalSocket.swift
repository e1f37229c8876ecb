import Glibc
import Logging

/// systemd's journal by its own protocol: a record is a datagram of fields.
///
/// `journalctl VEBRIDGE_PORT=/dev/ttyUSB0` then finds what was said of a port.
struct JournalSocket: Sendable {
    /// Where the journal listens.
    static let path = "/run/systemd/journal/socket"

    private let descriptor: Int32
    private let address: sockaddr_un

    /// Opens a socket for records; whether a journal listens shows when the first is sent. Nil if the system has no
    /// descriptor left. It stays open as long as the process.
    init?(path: String = JournalSocket.path) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        self.address = address
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
    }

    /// Sends a record, without waiting. False if the journal did not take it.
    func send(_ line: LogLine) -> Bool {
        if send(Self.datagram(line)) { return true }
        guard errno == EMSGSIZE else { return false }
        var short = line
        short.values = []
        return send(Self.datagram(short))
    }

    private func send(_ bytes: [UInt8]) -> Bool {
        var address = address
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL), $0,
                    socklen_t(MemoryLayout<sockaddr_un>.size)) == bytes.count
            }
        }
    }

    /// The fields of a record: `MESSAGE`, `PRIORITY`, and of the metadata `port` as `VEBRIDGE_PORT`.
    static func datagram(_ line: LogLine) -> [UInt8] {
        var bytes: [UInt8] = []
        add("MESSAGE", LogLine.cut(line.message), to: &bytes)
        add("PRIORITY", "\(line.level.journalPriority)", to: &bytes)
        add("SYSLOG_IDENTIFIER", line.label, to: &bytes)
        for (key, value) in line.values {
            let name = key.utf8.prefix(48).map { byte -> UInt8 in
                switch byte {
                case 0x61...0x7A: byte - 0x20
                case 0x41...0x5A, 0x30...0x39: byte
                default: UInt8(ascii: "_")
                }
            }
            add("VEBRIDGE_" + String(decoding: name, as: UTF8.self), LogLine.cut(value), to: &bytes)
        }
        return bytes
    }

    private static func add(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes += Array(name.utf8)
        if value.utf8.contains(UInt8(ascii: "\n")) {
            // A value of several lines is counted: eight bytes, the lowest first.
            bytes.append(UInt8(ascii: "\n"))
            let count = UInt64(value.utf8.count)
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: count >> (8 * UInt64(shift)))) }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += Array(value.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }
}
