import Glibc

/// What stands behind the path of a port, found without opening it.
public enum PortKind {
    /// Why a path cannot be a serial port, such as `not a serial port (a directory)`.
    ///
    /// Nil for a serial port or a pseudo-terminal, for a path that does not exist, and for a device whose driver the
    /// kernel does not name.
    public static func mismatch(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let kind: String
        switch status.st_mode & S_IFMT {
        case S_IFCHR:
            let (major, minor) = number(of: status.st_rdev)
            guard let drivers = try? Configuration.readFile("/proc/tty/drivers", limit: 1 << 16),
                !isSerial(major: major, minor: minor, drivers: String(decoding: drivers, as: UTF8.self))
            else { return nil }
            kind = "character device \(major):\(minor)"
        case S_IFREG: kind = "a file"
        case S_IFDIR: kind = "a directory"
        case S_IFIFO: kind = "a FIFO"
        case S_IFSOCK: kind = "a socket"
        case S_IFBLK: kind = "a block device"
        default: return nil
        }
        return "not a serial port (\(kind))"
    }

    /// Whether the table of terminal drivers (proc(5), /proc/tty/drivers) has a serial port of this number.
    ///
    /// Its columns are driver, device node, major, minor or range of minors, and type. Consoles and the master's end of
    /// a pseudo-terminal are terminals and not serial ports.
    static func isSerial(major: Int, minor: Int, drivers: String) -> Bool {
        for line in drivers.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 5, Int(fields[2]) == major, let range = minors(fields[3]), range.contains(minor)
            else {
                continue
            }
            let type = fields[4]
            return !type.hasPrefix("system") && !type.hasPrefix("console") && type != "pty:master"
        }
        return false
    }

    private static func minors(_ text: Substring) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-").map { Int($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else { return nil }
        return first...last
    }

    /// Major and minor number as glibc's makedev joins them.
    private static func number(of device: dev_t) -> (major: Int, minor: Int) {
        let device = UInt64(device)
        return (
            Int((device >> 8) & 0xFFF | (device >> 32) & 0xFFFF_F000), Int(device & 0xFF | (device >> 12) & 0xFFFF_FF00)
        )
    }
}
