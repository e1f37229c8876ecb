import Glibc
import Synchronization

/// A mosquitto of our own on a free port of the loopback interface, for the demo and the tests: nothing outside this
/// machine reaches it, and it dies with this process.
public final class PrivateBroker: Sendable {
    /// Why the broker could not be started.
    public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// There is no mosquitto in `PATH` or the usual directories.
        case notInstalled
        /// mosquitto ended at once; the text is what it logged.
        case ended(log: String)
        /// mosquitto runs and does not listen.
        case notReady(port: UInt16)
        /// The system refused something.
        case system(String)

        /// The failure in words, with the remedy where there is one.
        public var description: String {
            switch self {
            case .notInstalled: "mosquitto is not installed (on Debian: apt install mosquitto)"
            case .ended(let log): "mosquitto ended at once: \(log.isEmpty ? "it logged nothing" : log)"
            case .notReady(let port): "mosquitto runs but does not listen on 127.0.0.1:\(port)"
            case .system(let text): text
            }
        }
    }

    /// How the broker is to be set up.
    public struct Options: Sendable {
        /// Users and passwords in the clear. Empty lets anyone in.
        public var users: [String: String]
        /// Further lines for the configuration file; they follow the listener.
        public var lines: [String]

        /// Options; the defaults let anyone in.
        public init(users: [String: String] = [:], lines: [String] = []) {
            self.users = users
            self.lines = lines
        }
    }

    private struct State {
        var broker: pid_t?
        var guardian: Guardian?
    }

    /// A shell that waits for the end of this process and then kills the broker. It notices by its standard input, so
    /// it works however this process ends.
    private struct Guardian {
        let process: pid_t
        let lifeline: Int32
    }

    /// The port on 127.0.0.1, the same after `restart`.
    public let port: UInt16
    /// The configuration, the log and the password file. Removed when the object goes.
    public let directory: String

    private let executable: String
    private let state = Mutex(State())

    /// The broker's address.
    public var address: BrokerAddress { BrokerAddress(host: "127.0.0.1", port: port) }

    /// Starts a broker and waits until it takes connections.
    ///
    /// - Throws: `Failure`; `.notInstalled` where there is no mosquitto.
    public init(_ options: Options = Options()) throws(Failure) {
        guard let executable = Self.find("mosquitto") else { throw .notInstalled }
        self.executable = executable
        directory = try Self.makeDirectory()
        do throws(Failure) {
            let started = try Self.launchOnFreePort(executable, directory: directory, options: options)
            port = started.port
            state.withLock { $0 = State(broker: started.broker, guardian: started.guardian) }
        } catch {
            Self.remove(directory)
            throw error
        }
    }

    deinit {
        end(SIGKILL)
        Self.remove(directory)
    }

    // MARK: What can happen to a broker

    /// Ends the broker in order (SIGTERM) and waits for it.
    public func stop() { end(SIGTERM) }

    /// Kills the broker (SIGKILL) and waits until it is gone.
    public func kill() { end(SIGKILL) }

    /// Freezes the broker (SIGSTOP): connections stay open and nothing is answered.
    public func suspend() { signal(SIGSTOP) }

    /// Thaws a frozen broker (SIGCONT).
    public func resume() { signal(SIGCONT) }

    /// Starts the broker again on the same port, ending it first if it still runs. Retained messages are gone.
    public func restart() throws(Failure) {
        end(SIGTERM)
        let broker = try Self.launch(executable, directory: directory, port: port)
        let guardian = try Self.launchGuardian(for: broker)
        state.withLock { $0 = State(broker: broker, guardian: guardian) }
    }

    /// What the broker has logged so far.
    public var log: String { Self.readFile(directory + "/log") }

    private func signal(_ number: Int32) {
        state.withLock { state in
            if let broker = state.broker { _ = Glibc.kill(broker, number) }
        }
    }

    private func end(_ number: Int32) {
        let ended = state.withLock { state in
            defer { state = State() }
            return state
        }
        // The guardian goes first: it must never kill a process number that was given to someone else.
        if let guardian = ended.guardian {
            _ = Glibc.kill(guardian.process, SIGKILL)
            Self.reap(guardian.process)
            close(guardian.lifeline)
        }
        if let broker = ended.broker {
            _ = Glibc.kill(broker, number)
            // A frozen broker sees SIGTERM only once it runs again.
            _ = Glibc.kill(broker, SIGCONT)
            Self.reap(broker)
        }
    }

    // MARK: Starting

    /// Looks in `PATH` and where distributions put daemons, which is often not in a user's `PATH`.
    static func find(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let directories = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
        return directories.lazy.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    private static func makeDirectory() throws(Failure) -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/broker-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .system("cannot make a directory in \(parent): \(String(cString: strerror(errno)))")
        }
        return template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    private static func freePort() throws(Failure) -> UInt16 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw .system("no socket: \(String(cString: strerror(errno)))") }
        defer { close(socket) }
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
            }
        }
        guard isBound else { throw .system("no port on 127.0.0.1: \(String(cString: strerror(errno)))") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func configure(_ directory: String, port: UInt16, options: Options) throws(Failure) {
        var lines = ["persistence false", "log_dest stderr"]
        // mosquitto would otherwise become the user mosquitto, who can't read our directory.
        if geteuid() == 0 { lines.append("user root") }
        lines.append("listener \(port) 127.0.0.1")
        if options.users.isEmpty {
            lines.append("allow_anonymous true")
        } else {
            let file = directory + "/passwords"
            let entries = options.users.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)\n" }
            try writeFile(file, entries.joined())
            guard let tool = find("mosquitto_passwd") else { throw .notInstalled }
            let process = try spawn([tool, "-U", file], output: "/dev/null")
            guard reap(process) == 0 else { throw .system("mosquitto_passwd could not encrypt \(file)") }
            lines += ["allow_anonymous false", "password_file \(file)"]
        }
        try writeFile(directory + "/conf", (lines + options.lines).map { $0 + "\n" }.joined())
    }

    private static func launchOnFreePort(
        _ executable: String, directory: String, options: Options
    ) throws(Failure) -> (port: UInt16, broker: pid_t, guardian: Guardian) {
        var attempts = 5
        while true {
            attempts -= 1
            let port = try freePort()
            try configure(directory, port: port, options: options)
            do throws(Failure) {
                let broker = try launch(executable, directory: directory, port: port)
                return (port, broker, try launchGuardian(for: broker))
            } catch .ended(let log) where log.contains("in use") && attempts > 0 {
                // Someone took the port between our look and mosquitto's bind.
                unlink(directory + "/log")
            }
        }
    }

    /// Starts mosquitto and waits until the port answers.
    private static func launch(_ executable: String, directory: String, port: UInt16) throws(Failure) -> pid_t {
        let log = directory + "/log"
        let broker = try spawn([executable, "-c", directory + "/conf"], output: log)
        let deadline = ContinuousClock.now + .seconds(10)
        var pause: Int32 = 1
        while ContinuousClock.now < deadline {
            var status: Int32 = 0
            if waitpid(broker, &status, WNOHANG) == broker { throw .ended(log: complaint(in: log)) }
            if answers(port) { return broker }
            // Nothing to wait on tells of a listening socket elsewhere: look again soon, then less often.
            poll(nil, 0, pause)
            pause = min(pause * 2, 50)
        }
        _ = Glibc.kill(broker, SIGKILL)
        reap(broker)
        throw .notReady(port: port)
    }

    private static func answers(_ port: UInt16) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = loopback(port: port)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func launchGuardian(for broker: pid_t) throws(Failure) -> Guardian {
        // A socket pair, because its ends can be made close-on-exec in one step: no other child may hold the lifeline.
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) { bytes in
            bytes.withMemoryRebound(to: Int32.self) {
                socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, $0.baseAddress)
            }
        }
        guard made == 0 else {
            _ = Glibc.kill(broker, SIGKILL)
            reap(broker)
            throw .system("no socket pair: \(String(cString: strerror(errno)))")
        }
        defer { close(ends.1) }
        do throws(Failure) {
            let script = "read end; kill -KILL \(broker)"
            let process = try spawn(["/bin/sh", "-c", script], output: "/dev/null", input: ends.1)
            return Guardian(process: process, lifeline: ends.0)
        } catch {
            close(ends.0)
            _ = Glibc.kill(broker, SIGKILL)
            reap(broker)
            throw error
        }
    }

    /// Starts a program in a process group of its own, so that Ctrl-C in a terminal does not reach it, with no signal
    /// blocked or ignored.
    private static func spawn(_ arguments: [String], output: String, input: Int32? = nil) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer { pointers.forEach { free($0) } }
        pointers.append(nil)
        var process: pid_t = 0
        let code = posix_spawn(&process, arguments[0], &actions, &attributes, pointers, environ)
        guard code == 0 else { throw .system("cannot run \(arguments[0]): \(String(cString: strerror(code)))") }
        return process
    }

    @discardableResult
    private static func reap(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }

    // MARK: Files

    private static func writeFile(_ path: String, _ text: String) throws(Failure) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system("cannot write \(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard write(file, bytes, bytes.count) == bytes.count else {
            throw .system("cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Up to the last 64 KiB of a file.
    private static func readFile(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        lseek(file, max(0, size - 65_536), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// What the broker complained of, or else the last thing it said.
    private static func complaint(in path: String) -> String {
        let lines = readFile(path).split(separator: "\n").map(String.init)
        let errors = lines.filter { $0.contains("Error") }
        return errors.isEmpty ? lines.last ?? "" : errors.joined(separator: " ")
    }

    private static func remove(_ directory: String) {
        for name in ["conf", "log", "passwords"] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }
}
