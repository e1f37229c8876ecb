import CLinux
import CUdev
import Glibc

/// The serial ports of this machine, with what the system knows of each.
public struct PortInventory: Sendable {
    /// A port.
    public struct Port: Sendable, Hashable {
        /// The device node, for example `/dev/ttyUSB0`.
        public let path: String
        /// The link that stays the same over a replug, where udev made one.
        public let stablePath: String?
        /// USB vendor and product id, for example `0403:6015`; nil if the port is not on USB.
        public let usbID: String?
        /// The USB product's own name.
        public let product: String?
        /// The USB serial number of the cable.
        public let serial: String?
        /// The kernel driver.
        public let driver: String?

        init(
            path: String, stablePath: String?, usbID: String?, product: String?, serial: String?, driver: String?
        ) {
            self.path = path
            self.stablePath = stablePath
            self.usbID = usbID
            self.product = product
            self.serial = serial
            self.driver = driver
        }

        /// A port of which the system knows nothing more, such as a pseudo-terminal.
        public init(path: String) {
            self.init(path: path, stablePath: nil, usbID: nil, product: nil, serial: nil, driver: nil)
        }
    }

    /// Every tty that has a device behind it, by name; virtual consoles are none.
    public static func ports() -> [Port] {
        guard let udev = udev_new() else { return [] }
        defer { udev_unref(udev) }
        guard let enumeration = udev_enumerate_new(udev) else { return [] }
        defer { udev_enumerate_unref(enumeration) }
        udev_enumerate_add_match_subsystem(enumeration, "tty")
        udev_enumerate_scan_devices(enumeration)
        var ports: [Port] = []
        var entry = udev_enumerate_get_list_entry(enumeration)
        while let current = entry {
            entry = udev_list_entry_get_next(current)
            guard let name = udev_list_entry_get_name(current), let device = udev_device_new_from_syspath(udev, name)
            else {
                continue
            }
            defer { udev_device_unref(device) }
            guard udev_device_get_parent(device) != nil, let node = text(udev_device_get_devnode(device)) else {
                continue
            }
            let usb = udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device")
            // The sixteen legacy ports that a PC pretends to have have no hardware behind them.
            if usb == nil, node.hasPrefix("/dev/ttyS"), text(udev_device_get_sysattr_value(device, "type")) == "0" {
                continue
            }
            let vendor = text(udev_device_get_sysattr_value(usb, "idVendor"))
            let product = text(udev_device_get_sysattr_value(usb, "idProduct"))
            ports.append(
                Port(
                    path: node, stablePath: stableName(of: node),
                    usbID: vendor.flatMap { vendor in product.map { "\(vendor):\($0)" } },
                    product: text(udev_device_get_sysattr_value(usb, "product")),
                    serial: text(udev_device_get_sysattr_value(usb, "serial")),
                    driver: text(udev_device_get_driver(udev_device_get_parent(device)))))
        }
        return ports.sorted { $0.path < $1.path }
    }

    /// The device behind a path, through links; the path itself while nothing is there.
    public static func device(of path: String) -> String { PortPatterns.device(of: path) ?? path }

    /// The programs that have this port open, as `name (pid)`; only those that this user may look at.
    public static func holders(of path: String) -> [String] { holders(of: path, root: "") }

    /// The same in a tree of files that looks like a system's; there `path` is the device itself.
    static func holders(of path: String, root: String) -> [String] {
        let proc = root + "/proc"
        guard let device = root.isEmpty ? PortPatterns.device(of: path) : path, let processes = opendir(proc) else {
            return []
        }
        defer { closedir(processes) }
        var holders: [String] = []
        while let entry = readdir(processes) {
            guard let process = Int32(name(of: entry)), process != getpid() else { continue }
            guard let descriptors = opendir("\(proc)/\(process)/fd") else { continue }
            defer { closedir(descriptors) }
            var holds = false
            var made = false
            while let descriptor = readdir(descriptors) {
                let number = name(of: descriptor)
                switch link("\(proc)/\(process)/fd/\(number)") {
                case device: holds = true
                case "/dev/ptmx", "/dev/pts/ptmx": made = made || terminal(process, descriptor: number) == device
                default: break
                }
            }
            // Who made a pseudo-terminal is the device at its other end, even if it keeps this end open too.
            if holds, !made { holders.append("\(programName("\(proc)/\(process)")) (\(process))") }
        }
        return holders
    }

    /// The pseudo-terminal that belongs to a process's descriptor of the master's end.
    private static func terminal(_ process: Int32, descriptor: String) -> String? {
        let lines = contents("/proc/\(process)/fdinfo/\(descriptor)").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("tty-index:") }) else { return nil }
        return "/dev/pts/" + line.dropFirst("tty-index:".count).drop { $0 == " " || $0 == "\t" }
    }

    private static func stableName(of node: String) -> String? {
        for directory in ["/dev/vebridge", "/dev/serial/by-id"] {
            guard let entries = opendir(directory) else { continue }
            defer { closedir(entries) }
            while let entry = readdir(entries) {
                let path = "\(directory)/\(name(of: entry))"
                if !path.hasSuffix("."), PortPatterns.device(of: path) == node { return path }
            }
        }
        return nil
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
        withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.assumingMemoryBound(to: CChar.self).baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }

    private static func programName(_ process: String) -> String {
        let name = contents("\(process)/comm").prefix { $0 != "\n" }
        return name.isEmpty ? "?" : String(name)
    }

    /// The beginning of a small file of the system; empty if it can't be read.
    private static func contents(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
