import Glibc

/// A short mark that tells one vebridge from another and is the same after a restart.
enum BridgeMark {
    /// Six hex digits made of the machine's id and what else is different between two bridges on one machine.
    static func of(_ configuration: Configuration, machine: String = machineID()) -> String {
        // Without a file, what is read from is what differs: a port has only one owner.
        let origin =
            configuration.file.isEmpty
            ? (configuration.ports + configuration.can).joined(separator: "|") : configuration.file
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in [machine, origin, configuration.bridge.topic, configuration.bridge.name].joined(separator: "\0")
            .utf8
        {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        let digits = String((hash ^ hash >> 32) & 0xFF_FFFF, radix: 16)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    /// The id that the system was given when it was installed (machine-id(5)); empty where there is none.
    static func machineID() -> String {
        for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
            if let bytes = try? Configuration.readFile(path, limit: 256) {
                return String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
            }
        }
        return ""
    }
}
