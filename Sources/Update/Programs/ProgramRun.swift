import Glibc

/// Another program, run to its end: what it prints is handed on as it comes, and what it complains of is kept.
struct ProgramRun {
    /// How it ended.
    struct Ending {
        /// Its exit status; 128 and the signal's number where a signal ended it, as a shell has it.
        var status: Int32
        /// The last lines that it wrote to standard error.
        var complaints: [String]
        /// The last line of them; empty if there is none.
        var complaint: String { complaints.last.map { String($0.prefix(300)) } ?? "" }
    }

    /// The program, found by the PATH unless it has a slash, and its arguments.
    var words: [String]
    /// After this long it is ended.
    var patience: Duration
    /// Asked a few times a second; true ends it.
    var isCancelled: @Sendable () -> Bool = { false }

    /// Of what it complains, no more is kept.
    private static let complaintLimit = 4096

    /// Runs it.
    ///
    /// - Parameter take: gets what it prints, piece by piece; throwing ends it.
    /// - Throws: that it could not be started, took too long or was cancelled, or what `take` throws.
    func run(_ take: (UnsafeRawBufferPointer) throws(UpdateFault) -> Void) throws(UpdateFault) -> Ending {
        let (output, complaints) = (try Pipe(), try Pipe())
        let process = try spawn(output: output.writer, complaints: complaints.writer)
        output.closeWriter()
        complaints.closeWriter()
        do throws(UpdateFault) {
            let deadline = ContinuousClock.now + patience
            let lines = try listen(output, complaints, deadline, take)
            return Ending(status: try wait(process, deadline), complaints: lines)
        } catch {
            kill(process, SIGKILL)
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            throw error
        }
    }

    private func listen(
        _ output: Pipe, _ complaints: Pipe, _ deadline: ContinuousClock.Instant,
        _ take: (UnsafeRawBufferPointer) throws(UpdateFault) -> Void
    ) throws(UpdateFault) -> [String] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var said: [UInt8] = []
        var open = [output.reader, complaints.reader]
        while open.contains(where: { $0 >= 0 }) {
            try mind(deadline)
            var entries = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&entries, nfds_t(entries.count), 200) >= 0 || errno == EINTR else {
                throw .file("read from", words[0])
            }
            for index in entries.indices where entries[index].revents != 0 {
                let count = read(open[index], &buffer, buffer.count)
                if count < 0, errno == EINTR || errno == EAGAIN { continue }
                guard count > 0 else {
                    open[index] = -1
                    continue
                }
                if index == 1 {
                    said = (said + buffer.prefix(count)).suffix(Self.complaintLimit)
                    continue
                }
                // A closure that throws one kind of error is given the bytes outside of one that throws any.
                let result: Result<Void, UpdateFault> = buffer.withUnsafeBytes { bytes in
                    do throws(UpdateFault) {
                        try take(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                        return .success(())
                    } catch {
                        return .failure(error)
                    }
                }
                try result.get()
            }
        }
        return String(decoding: said, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }

    /// Gives up when it is time to.
    private func mind(_ deadline: ContinuousClock.Instant) throws(UpdateFault) {
        guard !isCancelled() else { throw UpdateFault("'\(words[0])' was given up", isOfMachine: true) }
        guard ContinuousClock.now < deadline else {
            throw UpdateFault("'\(words[0])' did not end within \(patience.components.seconds) s")
        }
    }

    /// Waits for its end: it may have nothing more to say, and go on.
    private func wait(_ process: pid_t, _ deadline: ContinuousClock.Instant) throws(UpdateFault) -> Int32 {
        var status: Int32 = 0
        var pause: Int32 = 1
        while true {
            let reaped = waitpid(process, &status, WNOHANG)
            if reaped == process { return Self.status(status) }
            guard reaped == 0 || errno == EINTR else { throw .file("wait for", words[0]) }
            try mind(deadline)
            poll(nil, 0, pause)
            pause = min(pause * 2, 100)
        }
    }

    /// Starts it with nothing to read, and no signal blocked or ignored.
    private func spawn(output: Int32, complaints: Int32) throws(UpdateFault) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, complaints, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        defer { pointers.forEach { free($0) } }
        pointers.append(nil)
        var process: pid_t = 0
        let code = posix_spawnp(&process, words[0], &actions, &attributes, pointers, environ)
        guard code == 0 else { throw .file(code == EAGAIN ? "make" : "run", words[0], code) }
        return process
    }

    private static func status(_ status: Int32) -> Int32 {
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    /// What the program writes to, and where it is read; no other child gets its ends.
    private final class Pipe {
        let reader: Int32
        private(set) var writer: Int32

        init() throws(UpdateFault) {
            var ends: [Int32] = [-1, -1]
            // Unlike a pipe's, its ends are made close-on-exec in one step.
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
                throw .file("make", "a pair of sockets")
            }
            (reader, writer) = (ends[0], ends[1])
        }

        func closeWriter() {
            if writer >= 0 { close(writer) }
            writer = -1
        }

        deinit {
            close(reader)
            closeWriter()
        }
    }
}

extension UpdateInstaller.Machine {
    /// This machine: programs are asked for their version, and commands stop and restart the service.
    ///
    /// - Parameters:
    ///   - stop: the command that stops the service and its arguments; nil: `restart` alone ends it.
    ///   - restart: the command that restarts it and its arguments.
    ///   - isStopped: true ends the wait for a version on probation; it is taken up at the next start.
    public init(stop: [String]?, restart: [String], isStopped: @escaping @Sendable () -> Bool) {
        let start = ContinuousClock.now
        self.init(
            versionOf: { program throws(UpdateFault) in try Self.version(of: program, isStopped) },
            stop: { () throws(UpdateFault) in
                guard let stop else { return }
                do throws(UpdateFault) {
                    try Self.run(stop, isStopped)
                } catch {
                    // Nothing was switched yet.
                    throw UpdateFault("cannot stop the service: \(error)", isOfMachine: true)
                }
            },
            // Not to be cancelled: a service that was stopped for this has to start.
            restart: { () throws(UpdateFault) in try Self.run(restart) },
            isRunning: { process, program in
                var (running, file) = (Glibc.stat(), Glibc.stat())
                return stat("/proc/\(process)/exe", &running) == 0 && stat(program, &file) == 0
                    && running.st_dev == file.st_dev && running.st_ino == file.st_ino
            },
            pause: {
                // Nothing tells of a file in a folder that another user may replace at any time.
                poll(nil, 0, 250)
                return !isStopped()
            },
            now: { ContinuousClock.now - start })
    }

    private static func run(
        _ command: [String], _ isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(UpdateFault) {
        let run = ProgramRun(words: command, patience: .seconds(60), isCancelled: isCancelled)
        let ending = try run.run { _ in }
        guard ending.status == 0 else {
            let words = command.joined(separator: " ")
            throw UpdateFault("'\(words)' ended with \(ending.status): \(ending.complaint)")
        }
    }

    /// What a program says its version is.
    ///
    /// - Throws: that it does not run here, because a library is missing, say, or the disk has damaged it.
    public static func version(
        of program: String, _ isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws(UpdateFault) -> String {
        var said: [UInt8] = []
        let run = ProgramRun(words: [program, "--version"], patience: .seconds(20), isCancelled: isStopped)
        let ending = try run.run { bytes throws(UpdateFault) in said += bytes.prefix(max(0, 200 - said.count)) }
        guard ending.status == 0 else {
            let isStopped = isStopped()
            throw UpdateFault(
                "it does not run here: exit status \(ending.status) \(ending.complaint)", isOfMachine: isStopped)
        }
        return String(decoding: said, as: UTF8.self).filter { !$0.isWhitespace }
    }
}
