import Glibc
import History

/// The name under which a browser knows the plant's time zone.
enum ZoneName {
    /// The zone's own name; for the machine's, what the system calls it, `UTC` where that cannot be found.
    static func known(_ zone: TimeZoneRules) -> String {
        guard !zone.name.contains("/"), zone.name != "UTC" else { return zone.name }
        return machine
    }

    private static let machine: String = {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.assumingMemoryBound(to: CChar.self).baseAddress.map { readlink("/etc/localtime", $0, bytes.count) }
                ?? -1
        }
        guard count > 0 else { return "UTC" }
        let parts = String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "/")
        guard let place = parts.lastIndex(of: "zoneinfo") else { return "UTC" }
        let name = parts[(place + 1)...].joined(separator: "/")
        return name == "Etc/UTC" ? "UTC" : name
    }()
}
