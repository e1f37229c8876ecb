import Glibc
import Synchronization
import Testing

/// The built vebridge on a pseudo-terminal of its own, as in a window of a certain size. Killed when the object goes.
final class TerminalProgram: Sendable {
    /// What it has written so far, at each piece that came.
    let output = Timeline<String>()
    let process: pid_t
    private let master: Int32
    private let ending = Timeline<Program.Ending>()
    private let isReaped = Mutex(false)

    init(_ arguments: [String], columns: UInt16, rows: UInt16) throws {
        var (master, slave): (Int32, Int32) = (-1, -1)
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        var name = [CChar](repeating: 0, count: 128)
        guard openpty(&master, &slave, nil, nil, &size) == 0, ttyname_r(slave, &name, name.count) == 0 else {
            throw Program.Failure(description: "no pseudo-terminal: \(String(cString: strerror(errno)))")
        }
        // Open until the program has it: then its end is the end of the terminal.
        defer { close(slave) }
        for end in [master, slave] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.master = master
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The first terminal that the leader of a session opens is the one that Ctrl-C comes from.
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        // POSIX_SPAWN_SETSID of <spawn.h>.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | 0x80)
        var words = ([Program.vebridge] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, Program.vebridge, &actions, &attributes, &words, environ)
        guard code == 0 else {
            close(master)
            throw Program.Failure(description: "cannot run vebridge: \(String(cString: strerror(code)))")
        }
        process = child
        let (output, ending, descriptor, process) = (output, ending, master, child)
        try OwnThread.start { [weak self] in
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                // The last end of the terminal is closed: EIO.
                guard count > 0 else { break }
                text += String(decoding: buffer.prefix(count), as: UTF8.self)
                output.append(text)
            }
            var status: Int32 = 0
            let reap = { while waitpid(process, &status, 0) < 0, errno == EINTR {} }
            if let self {
                self.isReaped.withLock {
                    reap()
                    $0 = true
                }
            } else {
                reap()
            }
            ending.append(status & 0x7F == 0 ? .exit((status >> 8) & 0xFF) : .signal(status & 0x7F))
        }
    }

    deinit {
        signal(SIGKILL)
        close(master)
    }

    func signal(_ number: Int32) {
        isReaped.withLock { if !$0 { _ = kill(process, number) } }
    }

    /// Presses keys.
    func type(_ keys: String) { _ = Array(keys.utf8).withUnsafeBytes { write(master, $0.baseAddress, $0.count) } }

    func end(within limit: Duration = .seconds(20)) async throws -> Program.Ending {
        try await ending.first("the end of vebridge", limit: limit) { _ in true }.element
    }

    /// The lines of the last whole frame that was drawn from the top of the screen; nil before the first one.
    static func frame(_ text: String) -> [String]? {
        let frames = text.components(between: "\u{1B}[H", and: "\u{1B}[J")
        return frames.last?.components("\r\n").map { $0.components("\u{1B}[K").joined() }
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        // As bytes: a carriage return and a line feed are one character.
        while let range = rest.firstRange(ofBytes: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }

    fileprivate func components(between start: String, and end: String) -> [String] {
        components(start).dropFirst().compactMap { part in
            let pieces = part.components(end)
            return pieces.count > 1 ? pieces[0] : nil
        }
    }
}

extension Substring {
    fileprivate func firstRange(ofBytes text: String) -> Range<Index>? {
        let wanted = Array(text.utf8)
        var start = utf8.startIndex
        while start < utf8.endIndex {
            if utf8[start...].starts(with: wanted) { return start..<utf8.index(start, offsetBy: wanted.count) }
            start = utf8.index(after: start)
        }
        return nil
    }
}
