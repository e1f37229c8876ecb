import CLinux
import Glibc

/// Where the doctor takes its facts from: the files of a system below a root, and answers that no file holds.
///
/// Everything can be put in its place, so that each fault can be prepared without breaking a machine.
public struct SystemFacts: Sendable {
    /// What stands before every path: empty for this machine.
    public var root: String
    /// Who asks: the effective user, and the groups.
    public var user: (id: UInt32, groups: [UInt32])
    /// Seconds since 1970, and whether somebody keeps the clock in step.
    public var clock: @Sendable () -> (seconds: Int, isSynchronised: Bool)
    /// The room left on the file system of a path; nil where that is not known.
    public var room: @Sendable (_ path: String) -> Room?
    /// Whether this user may read and write a device, by what the system says; nil: by its owner and mode.
    public var mayOpen: @Sendable (_ device: String) -> Bool?
    /// Waits a moment before one looks again at what changes.
    public var settle: @Sendable () -> Void
    /// Whether this user may write into a folder; nil if yes, else why not.
    public var writeTrouble: @Sendable (_ folder: String) -> String?
    /// What `ip -details -json link show NAME` says; nil where there is no such command or interface.
    public var link: @Sendable (_ name: String) -> String?
    /// Connects to a broker and leaves again; nil if it took us.
    public var broker: @Sendable (_ broker: Configuration.Broker, _ configuration: Configuration) -> BrokerTrouble?
    /// Asks a port that nobody holds who is there.
    public var askPort: @Sendable (_ path: String, _ settings: Configuration.Serial) -> PortProbe.Finding
    /// What is wrong with a history database; nil where it is sound.
    public var databaseTrouble: @Sendable (_ path: String) -> DatabaseTrouble?
    /// The programs that hold a port, as `name (pid)`.
    public var holders: @Sendable (_ path: String) -> [String]
    /// Why a device cannot be a serial port; nil for a serial port, and where that is not known.
    public var kindMismatch: @Sendable (_ device: String) -> String?

    /// What is left of a file system.
    public struct Room: Sendable, Equatable {
        /// What those who are not root may still write, bytes.
        public var free: Int64
        /// How large it is, bytes.
        public var total: Int64
        /// Whether no further file can be made, however many bytes there are.
        public var isOutOfFiles: Bool

        /// What is left.
        public init(free: Int64, total: Int64, isOutOfFiles: Bool = false) {
            self.free = free
            self.total = total
            self.isOutOfFiles = isOutOfFiles
        }
    }

    /// What is wrong with a history database.
    public struct DatabaseTrouble: Sendable, Equatable {
        /// What kind of trouble it is.
        public enum Kind: Sendable {
            case damaged
            /// A later vebridge wrote it.
            case newer
            /// It cannot be looked into from here, which says nothing of it.
            case closed
        }

        /// What kind of trouble it is.
        public var kind: Kind
        /// In words.
        public var reason: String

        /// A trouble.
        public init(_ kind: Kind, _ reason: String) {
            self.kind = kind
            self.reason = reason
        }
    }

    /// Why a broker does not take us.
    public struct BrokerTrouble: Sendable, Equatable {
        /// What kind of trouble it is.
        public var cause: MQTTClient.Cause
        /// In words.
        public var reason: String

        /// A trouble.
        public init(_ cause: MQTTClient.Cause, _ reason: String) {
            self.cause = cause
            self.reason = reason
        }
    }

    /// The facts of this machine, or of a tree of files that looks like one.
    public init(root: String = "") {
        self.root = root
        var groups = [gid_t](repeating: 0, count: 256)
        let count = getgroups(Int32(groups.count), &groups)
        user = (geteuid(), Array(groups.prefix(Int(max(0, count)))) + [getegid()])
        clock = { (Int(time(nil)), vebridge_clock_is_synchronised() == 1) }
        room = { path in
            var system = statvfs()
            guard statvfs(root + path, &system) == 0 else { return nil }
            let block = Int64(system.f_frsize)
            // A database needs some files beside it, such as its journal.
            return Room(
                free: Int64(system.f_bavail) * block, total: Int64(system.f_blocks) * block,
                isOutOfFiles: system.f_files > 0 && system.f_favail < 4)
        }
        mayOpen = { device in
            // The files of a tree are not the devices that they stand for.
            root.isEmpty ? faccessat(AT_FDCWD, device, R_OK | W_OK, AT_EACCESS) == 0 : nil
        }
        // A controller that starts again by itself is off the bus for 100 ms: this is longer, and a person does not notice it.
        settle = { usleep(150_000) }
        writeTrouble = { folder in
            access(root + folder, W_OK | X_OK) == 0 ? nil : String(cString: strerror(errno))
        }
        link = { CommandOutput.of(["ip", "-details", "-json", "link", "show", $0]) }
        broker = BrokerCall.trouble
        askPort = { PortProbe.ask($0, settings: $1, limit: .seconds(4)) }
        databaseTrouble = { HistoryFacts.trouble(root + $0) }
        holders = { PortInventory.holders(of: $0, root: root) }
        // The files of a tree are not the devices that they stand for.
        kindMismatch = { root.isEmpty ? PortKind.mismatch($0) : nil }
    }

    // MARK: Files

    func exists(_ path: String) -> Bool { access(root + path, F_OK) == 0 }

    /// Whether a path may exist and this user not see it.
    func isHidden(_ path: String) -> Bool {
        !exists(path) && (errno == EACCES || path.hasPrefix("/run/credentials/"))
    }

    /// The text of a small file without the space around it; nil if it cannot be read.
    func text(_ path: String) -> String? {
        guard let bytes = try? Configuration.readFile(root + path, limit: 1 << 20) else { return nil }
        var text = String(decoding: bytes, as: UTF8.self)[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }

    /// When a path was changed last, seconds since 1970; nil if there is none.
    func modified(_ path: String) -> Int? {
        var status = stat()
        return stat(root + path, &status) == 0 ? status.st_mtim.tv_sec : nil
    }

    /// Whether a path is on the file system of the root.
    func isOnRootFileSystem(_ path: String) -> Bool {
        var (here, there) = (stat(), stat())
        return stat(root + path, &here) == 0 && stat(root + "/", &there) == 0 && here.st_dev == there.st_dev
    }

    /// What a link names, as it stands in it; nil if it is none.
    func target(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(root + path, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// What udev's rules said of a terminal, as `NAME=VALUE`; nil where udev knows nothing of it.
    func udevProperties(_ device: String) -> Set<String>? {
        let name = device.split(separator: "/").last.map(String.init) ?? ""
        guard let number = text("/sys/class/tty/\(name)/dev"), let data = text("/run/udev/data/c\(number)") else {
            return nil
        }
        return Set(data.split(separator: "\n").filter { $0.hasPrefix("E:") }.map { String($0.dropFirst(2)) })
    }

    /// The service of systemd's that started a process; nil for those of users' sessions.
    func unit(of process: Int) -> String? {
        guard let groups = text("/proc/\(process)/cgroup") else { return nil }
        for line in groups.split(separator: "\n") {
            let parts = line.split(separator: "/")
            if parts.contains("system.slice"), let unit = parts.last(where: { $0.hasSuffix(".service") }) {
                return String(unit)
            }
        }
        return nil
    }

    /// The names in a folder, in order.
    func names(_ folder: String) -> [String] {
        guard let stream = opendir(root + folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The ports that patterns match: as they are named, and the device behind each.
    func ports(_ patterns: [String]) -> [PortPatterns.Port] {
        PortPatterns(patterns: patterns.map { root + $0 }).ports().map { port in
            PortPatterns.Port(path: unrooted(port.path), device: unrooted(port.device))
        }
    }

    /// A path of this machine as the tree has it.
    func unrooted(_ path: String) -> String {
        let real = PortPatterns.device(of: root.isEmpty ? "/" : root) ?? root
        for prefix in [root, real] where prefix.count > 1 && path.hasPrefix(prefix) {
            return String(path.dropFirst(prefix.count))
        }
        return path
    }

    /// Owner, group and permissions of a path; nil if there is none.
    func owner(_ path: String) -> (user: UInt32, group: UInt32, mode: UInt32)? {
        var status = stat()
        guard stat(root + path, &status) == 0 else { return nil }
        return (status.st_uid, status.st_gid, status.st_mode)
    }

    /// The name of a group in /etc/group, or its number.
    func groupName(_ number: UInt32) -> String { name(of: number, in: "/etc/group") }

    /// The name of a user in /etc/passwd, or its number.
    func userName(_ number: UInt32) -> String { name(of: number, in: "/etc/passwd") }

    /// Whether /etc/group has a group of this name.
    func hasGroup(_ name: String) -> Bool {
        (text("/etc/group") ?? "").split(separator: "\n").contains { $0.hasPrefix(name + ":") }
    }

    private func name(of number: UInt32, in file: String) -> String {
        for line in (text(file) ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, fields[2] == "\(number)" { return String(fields[0]) }
        }
        return "\(number)"
    }

    /// Whether a list of further users and groups (ACL) decides with owner and mode who may read a file.
    func hasAccessList(_ path: String) -> Bool { vebridge_has_access_list(root + path) == 1 }

    /// The terminals that a process has open besides its standard streams, as far as this user sees them.
    func terminals(of process: Int) -> [String] {
        let folder = "/proc/\(process)/fd"
        let paths = names(folder).filter { Int($0).map { $0 > 2 } ?? false }.compactMap { target("\(folder)/\($0)") }
        return Set(paths.filter { path in ["/dev/tty", "/dev/pts/", "/dev/rfcomm"].contains(where: path.hasPrefix) })
            .sorted()
    }

    /// The processes of a name, by number, with their words.
    func processes(named name: String) -> [(id: Int, words: [String])] {
        names("/proc").compactMap { Int($0) }.sorted().compactMap { number in
            guard let comm = text("/proc/\(number)/comm") else { return nil }
            let line = (try? Configuration.readFile("\(root)/proc/\(number)/cmdline", limit: 65_536)) ?? []
            let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            // The kernel keeps 15 bytes of the file's name; a program may also have been started by another one.
            let called = words.first?.split(separator: "/").last.map(String.init)
            return comm == String(name.prefix(15)) || called == name ? (number, words) : nil
        }
    }
}

/// What a command of the system prints.
enum CommandOutput {
    /// Standard output of a command, at most 64 KiB; nil if it cannot be run or fails. Its words go through no shell.
    static func of(_ words: [String]) -> String? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, words[0], &actions, nil, &arguments, environ)
        close(ends[1])
        guard code == 0 else { return nil }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 65_536 {
            let count = read(ends[0], &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
