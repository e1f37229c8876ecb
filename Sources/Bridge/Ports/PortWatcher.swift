import CLinux
import CUdev
import Glibc

/// Says when ports may have come or gone, so that nobody has to look all the time.
///
/// Two witnesses: udev, whose word comes when links and permissions of a new port are in place, and inotify on the
/// folders that the patterns name, which works where no udevd runs (containers). Either only means "look again";
/// a slow rescan stays as the net under both.
struct PortWatcher: ~Copyable {
    /// Whether udevd runs here and will tell. Without it a monitor opens without an error and never delivers
    /// (observed), so its control socket decides.
    let hearsUdev: Bool

    private let patterns: [String]
    private let notifications: Int32
    private var watched: [Int32: String] = [:]
    private let context: OpaquePointer?
    private let monitor: OpaquePointer?

    private static let changes = UInt32(
        IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ATTRIB | IN_ONLYDIR | IN_DELETE_SELF)

    /// Watches what these paths and patterns may match. What the system does not give is done without.
    init(patterns: [String], udevControl: String = "/run/udev/control") {
        self.patterns = patterns
        notifications = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        var context: OpaquePointer?
        var monitor: OpaquePointer?
        if access(udevControl, F_OK) == 0, let udev = udev_new() {
            if let opened = udev_monitor_new_from_netlink(udev, "udev") {
                if udev_monitor_filter_add_match_subsystem_devtype(opened, "tty", nil) >= 0,
                    udev_monitor_enable_receiving(opened) >= 0
                {
                    context = udev
                    monitor = opened
                } else {
                    udev_monitor_unref(opened)
                    udev_unref(udev)
                }
            } else {
                udev_unref(udev)
            }
        }
        self.context = context
        self.monitor = monitor
        hearsUdev = monitor != nil
        watchFolders()
    }

    deinit {
        if notifications >= 0 { close(notifications) }
        if let monitor { udev_monitor_unref(monitor) }
        if let context { udev_unref(context) }
    }

    /// What to wait on: readable when something may have changed. Empty if the system gives neither witness.
    var descriptors: [Int32] {
        var descriptors: [Int32] = []
        if notifications >= 0, !watched.isEmpty { descriptors.append(notifications) }
        if let monitor { descriptors.append(udev_monitor_get_fd(monitor)) }
        return descriptors
    }

    /// Takes what the witnesses said; afterwards the descriptors are quiet again.
    mutating func drain() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // Bounded: what is left makes the descriptor readable again.
        for _ in 0..<16 {
            guard notifications >= 0,
                buffer.withUnsafeMutableBytes({ read(notifications, $0.baseAddress, $0.count) }) > 0
            else { break }
        }
        if let monitor {
            for _ in 0..<64 {
                guard let device = udev_monitor_receive_device(monitor) else { break }
                udev_device_unref(device)
            }
        }
        // A folder such as /dev/serial/by-id comes and goes with the first and the last port.
        watchFolders()
    }

    /// The folders in which a pattern's matches appear, as far as they exist: the fixed part of the pattern, and
    /// above it while that is missing.
    private mutating func watchFolders() {
        guard notifications >= 0 else { return }
        var wanted: Set<String> = []
        for pattern in patterns {
            var folder = Self.fixedFolder(of: pattern)
            while access(folder, F_OK) != 0, folder != "/", folder != "." { folder = Self.parent(of: folder) }
            wanted.insert(folder)
        }
        for (watch, folder) in watched where !wanted.contains(folder) || access(folder, F_OK) != 0 {
            inotify_rm_watch(notifications, watch)
            watched[watch] = nil
        }
        for folder in wanted {
            let watch = inotify_add_watch(notifications, folder, Self.changes)
            if watch >= 0 { watched[watch] = folder }
        }
    }

    /// The part of a path or pattern before its last fixed slash: `/dev` for `/dev/ttyUSB*` and for `/dev/ttyUSB0`.
    static func fixedFolder(of pattern: String) -> String {
        var folder = parent(of: pattern)
        while PortPatterns.isWildcard(folder) { folder = parent(of: folder) }
        return folder
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
