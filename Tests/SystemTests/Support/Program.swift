import Glibc
import Synchronization
import Testing

/// A program of its own: the built vebridge, or another. Killed when the object goes.
final class Program: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How it ended.
    enum Ending: Sendable, Hashable {
        case exit(Int32)
        case signal(Int32)
    }

    /// Lines of standard output and standard error as they come.
    let output = Timeline<String>()
    let errors = Timeline<String>()
    let started = ContinuousClock.now
    let process: pid_t
    private let input: Mutex<Int32>
    private let ending = Timeline<Ending>()
    /// Keeps others from signalling a process number that was given to someone else.
    private let isReaped = Mutex(false)

    /// The vebridge that was built with these tests; it lies beside the test bundle.
    static let vebridge: String = {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.assumingMemoryBound(to: CChar.self).baseAddress.map { readlink("/proc/self/exe", $0, bytes.count) }
                ?? -1
        }
        let path = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        return (path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".") + "/vebridge"
    }()

    /// Runs the built vebridge.
    convenience init(_ arguments: String...) throws { try self.init(vebridge: arguments) }

    convenience init(vebridge arguments: [String], environment: [String: String] = [:]) throws {
        try self.init(path: Self.vebridge, arguments, environment: environment)
    }

    init(path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let pipes = try (0..<3).map { _ in try Self.pipe() }
        posix_spawn_file_actions_adddup2(&actions, pipes[0].read, 0)
        posix_spawn_file_actions_adddup2(&actions, pipes[1].write, 1)
        posix_spawn_file_actions_adddup2(&actions, pipes[2].write, 2)
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") }
        var entry = environ
        while let text = entry.pointee {
            variables.append(strdup(text))
            entry += 1
        }
        variables.append(nil)
        defer { (words + variables).forEach { free($0) } }
        // As a shell or systemd starts it. A thread of Swift's pool, which may be this one, blocks every signal, and
        // what it starts would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var child: pid_t = 0
        let code = posix_spawnp(&child, path, &actions, &attributes, &words, &variables)
        close(pipes[0].read)
        close(pipes[1].write)
        close(pipes[2].write)
        guard code == 0 else {
            close(pipes[0].write)
            close(pipes[1].read)
            close(pipes[2].read)
            throw Failure(description: "cannot run \(path): \(String(cString: strerror(code)))")
        }
        process = child
        input = Mutex(pipes[0].write)
        let readers = Readers()
        try OwnThread.start { [output] in
            Self.readLines(pipes[1].read, into: output)
            readers.ended()
        }
        try OwnThread.start { [errors] in
            Self.readLines(pipes[2].read, into: errors)
            readers.ended()
        }
        let process = child
        try OwnThread.start { [weak self] in
            // Everything it said is read before its end is told.
            readers.waitForBoth()
            var status: Int32 = 0
            var info = siginfo_t()
            while waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
            let reap = { while waitpid(process, &status, 0) < 0, errno == EINTR {} }
            if let self {
                self.isReaped.withLock {
                    reap(); $0 = true
                }
            } else {
                reap()
            }
            let signal = status & 0x7F
            self?.ending.append(signal == 0 ? .exit((status >> 8) & 0xFF) : .signal(signal))
        }
    }

    deinit {
        closeInput()
        signal(SIGKILL)
    }

    func signal(_ number: Int32) {
        isReaped.withLock { if !$0 { _ = kill(process, number) } }
    }

    func write(_ bytes: [UInt8]) {
        input.withLock { descriptor in
            _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    func closeInput() {
        input.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    /// Waits until it has ended.
    @discardableResult
    func end(within limit: Duration = .seconds(20)) async throws -> Ending {
        do {
            return try await ending.first("the end of \(process)", limit: limit) { _ in true }.element
        } catch {
            throw Failure(description: "\(error)\nstandard error:\n\(complaint)")
        }
    }

    /// All that it said on standard error.
    var complaint: String { errors.elements.joined(separator: "\n") }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        // A pair of sockets, because they can be made close-on-exec in one step: no other child may hold an end.
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Failure(description: "no pipe") }
        return (ends[0], ends[1])
    }

    private static func readLines(_ descriptor: Int32, into timeline: Timeline<String>) {
        defer { close(descriptor) }
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest += buffer.prefix(count)
            while let end = rest.firstIndex(of: 0x0A) {
                timeline.append(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }
        if !rest.isEmpty { timeline.append(String(decoding: rest, as: UTF8.self)) }
    }

    /// Tells when both readers have come to an end.
    private final class Readers: Sendable {
        private let ends: (read: Int32, write: Int32)

        init() { ends = (try? Program.pipe()) ?? (-1, -1) }

        deinit {
            close(ends.read)
            close(ends.write)
        }

        func ended() { _ = Glibc.write(ends.write, "x", 1) }

        func waitForBoth() {
            var byte: UInt8 = 0
            for _ in 0..<2 { while read(ends.read, &byte, 1) < 0, errno == EINTR {} }
        }
    }
}
