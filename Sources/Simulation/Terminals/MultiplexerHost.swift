import CLinux
import Glibc
import Synchronization

/// A plant's chargers behind a simulated multiplexer on one pseudo-terminal in real time, run by one thread.
///
/// The select lines are a file: whoever writes a decimal number into it selects that channel. Every call is safe from
/// any thread.
public final class MultiplexerHost: Sendable {
    private struct State: Sendable {
        var plant: SimulatedPlant
        /// Which charger is plugged in at which select value.
        var plugs: [Int?]
        var terminal: PseudoTerminal?
        var selected = 0
        var stuck: (mask: Int, value: Int)?
        var selections = 0
        var mustStop = false
        var thread: pthread_t?
        let started = SuspendingClock.now

        var now: Duration { SuspendingClock.now - started }

        var connected: Int? {
            var value = selected
            if let stuck { value = value & ~stuck.mask | stuck.value }
            return value < plugs.count ? plugs[value] : nil
        }

        /// What the host wrote goes to the charger that is joined to the line, and what that says to the host; what
        /// the others say is lost.
        mutating func serve(at now: Duration) {
            let connected = connected
            let received = terminal?.read() ?? []
            if let connected, !received.isEmpty { plant.receive(received, charger: connected, at: now) }
            for index in plant.chargers.indices {
                let bytes = plant.transmit(charger: index, until: now)
                if index == connected, !bytes.isEmpty { _ = terminal?.write(bytes) }
            }
        }
    }

    /// The select file.
    public let selectFile: String
    private let link: String?
    private let state: Mutex<State>
    private let wake: Int32
    private let timer: Int32
    private let watch: Int32
    private let select: Int32
    private static let granularity: Duration = .milliseconds(4)

    /// Chargers behind a multiplexer; nothing runs yet.
    ///
    /// - Parameters:
    ///   - plant: the chargers; the first is joined to select value 0.
    ///   - selectFile: the file with the select value, made anew.
    ///   - link: a symbolic link for the port, replaced if there is one already.
    /// - Throws: ``TerminalError`` with the call and path that failed.
    public init(_ plant: SimulatedPlant, selectFile: String, link: String? = nil) throws(TerminalError) {
        let terminal = try PseudoTerminal()
        let select = open(selectFile, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard select >= 0 else { throw TerminalError(call: "open", subject: selectFile, code: errno) }
        let watch = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard watch >= 0, inotify_add_watch(watch, selectFile, UInt32(IN_MODIFY)) >= 0 else {
            throw TerminalError(call: "inotify", subject: selectFile, code: errno)
        }
        let wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw TerminalError(call: "eventfd", subject: "", code: errno) }
        let timer = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        guard timer >= 0 else { throw TerminalError(call: "timerfd_create", subject: "", code: errno) }
        self.selectFile = selectFile
        self.link = link
        self.wake = wake
        self.timer = timer
        self.watch = watch
        self.select = select
        state = Mutex(State(plant: plant, plugs: Array(plant.chargers.indices), terminal: terminal))
        try makeLink(terminal.path)
    }

    deinit {
        removeLink()
        _ = Glibc.unlink(selectFile)
        for descriptor in [wake, timer, watch, select] { close(descriptor) }
    }

    // MARK: Running

    /// Starts the chargers.
    public func start() throws(TerminalError) {
        let failure = state.withLock { state -> Int32 in
            guard state.thread == nil else { return 0 }
            var thread = pthread_t()
            // The thread holds the host alive until it ends.
            let this = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<MultiplexerHost>.fromOpaque(argument).takeRetainedValue().run() }
                    return nil
                }, this.toOpaque())
            if code == 0 { state.thread = thread } else { this.release() }
            return code
        }
        if failure != 0 { throw TerminalError(call: "pthread_create", subject: "", code: failure) }
    }

    /// Stops the chargers for good and waits until the thread has ended; a host that runs is never released.
    public func stop() {
        let thread = state.withLock { state -> pthread_t? in
            state.mustStop = true
            defer { state.thread = nil }
            return state.thread
        }
        nudge()
        if let thread, pthread_equal(thread, pthread_self()) == 0 { pthread_join(thread, nil) }
    }

    private func nudge() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    private func run() {
        while true {
            let round = state.withLock { state -> (terminal: PseudoTerminal?, pause: Duration)? in
                guard !state.mustStop else { return nil }
                let now = state.now
                // What was said until now was said over the old channel.
                state.serve(at: now)
                if let value = readSelection(), value != state.selected {
                    state.selected = value
                    state.selections += 1
                }
                return (state.terminal, max(state.plant.nextDeadline - now, Self.granularity))
            }
            guard let round else { return }
            sleep(round.pause, terminal: round.terminal)
        }
    }

    private func readSelection() -> Int? {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = pread(select, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: buffer[..<count].prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
    }

    /// Sleeps for `pause`, until a host writes or selects, or until something changes outside.
    private func sleep(_ pause: Duration, terminal: PseudoTerminal?) {
        let (seconds, attoseconds) = max(pause, .microseconds(1)).components
        var setting = itimerspec()
        setting.it_value = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        timerfd_settime(timer, 0, &setting, nil)
        var polled = [wake, timer, watch].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        if let terminal { polled.append(pollfd(fd: terminal.master, events: Int16(POLLIN), revents: 0)) }
        _ = withExtendedLifetime(terminal) { poll(&polled, nfds_t(polled.count), -1) }
        var count: UInt64 = 0
        _ = read(wake, &count, 8)
        _ = read(timer, &count, 8)
        var events = [UInt8](repeating: 0, count: 1024)
        while read(watch, &events, events.count) > 0 {}
    }

    // MARK: Looking

    /// The port: the link where one was asked for, else the terminal; nil while it is unplugged.
    public var path: String? { state.withLock { $0.terminal.map { link ?? $0.path } } }

    /// The plant as it is now.
    public var plant: SimulatedPlant { state.withLock { $0.plant } }

    /// How often another channel was selected.
    public var selections: Int { state.withLock { $0.selections } }

    // MARK: Trouble

    /// Pulls the plug at a select value, or puts in a charger.
    public func plug(_ charger: Int?, at value: Int) { state.withLock { $0.plugs[value] = charger } }

    /// The bits of `mask` on the select lines are stuck at those of `value`; a mask of 0 sets them free.
    public func stick(mask: Int, value: Int) { state.withLock { $0.stuck = mask == 0 ? nil : (mask, value & mask) } }

    /// Pulls the cable of the port: it disappears, and whoever has it open gets a hang-up.
    public func unplug() {
        removeLink()
        state.withLock { $0.terminal = nil }
        nudge()
    }

    /// Plugs the cable in again; the terminal may have another number, the link is the same.
    public func replug() throws(TerminalError) {
        let terminal = try PseudoTerminal()
        state.withLock { if $0.terminal == nil { $0.terminal = terminal } }
        try makeLink(terminal.path)
        nudge()
    }

    private func makeLink(_ path: String) throws(TerminalError) {
        guard let link else { return }
        removeLink()
        guard symlink(path, link) == 0 else { throw TerminalError(call: "symlink", subject: link, code: errno) }
    }

    /// Removes the link, and nothing that is not a link.
    private func removeLink() {
        guard let link else { return }
        var status = stat()
        if lstat(link, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { _ = Glibc.unlink(link) }
    }
}
