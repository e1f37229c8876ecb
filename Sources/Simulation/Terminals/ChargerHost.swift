import CLinux
import Glibc
import Synchronization

/// A plant's chargers on pseudo-terminals in real time, run by one thread.
///
/// Every charger has a port of its own. The thread sleeps until the next byte is due or a host writes; bytes leave
/// at 19200 baud in small pieces, as they come out of a USB adapter. Every call is safe from any thread.
public final class ChargerHost: Sendable {
    /// What crossed a port.
    public struct Traffic: Sendable, Hashable {
        /// Bytes from the host to the charger.
        public var received = 0
        /// Bytes that the host could read.
        public var sent = 0
        /// Bytes that nobody read in time, or that were sent while the port was away or muted.
        public var lost = 0
    }

    private struct Port: Sendable {
        var terminal: PseudoTerminal?
        let link: String?
        var isMuted = false
        var isDeaf = false
        var toHost: any LineImpairment = CleanLine()
        var toCharger: any LineImpairment = CleanLine()
        /// In place of those two where there is one.
        var line: ImpairedLine?
        var traffic = Traffic()
    }

    private struct State: Sendable {
        var plant: SimulatedPlant
        var ports: [Port]
        var mustStop = false
        var rounds = 0
        var thread: pthread_t?
        /// The plant's time when it last started, and when that was; the clock stands while the machine sleeps.
        var elapsed: Duration = .zero
        var started: SuspendingClock.Instant?

        var now: Duration { elapsed + (started.map { SuspendingClock.now - $0 } ?? .zero) }

        /// One round: what hosts wrote goes in, what chargers have sent by `now` goes out.
        mutating func serve(at now: Duration) {
            rounds += 1
            for index in ports.indices {
                take(index, at: now)
                let said = plant.transmit(charger: index, until: now)
                let bytes: [UInt8]
                if ports[index].line != nil {
                    let ended = plant.chargers[index].lastTransmitted
                    bytes = ports[index].line?.toHost(said, ended: ended, until: now) ?? said
                } else {
                    bytes = said.isEmpty ? said : ports[index].toHost.pass(said, at: now)
                }
                guard !bytes.isEmpty || !said.isEmpty else { continue }
                var written = 0
                if let terminal = ports[index].terminal, !ports[index].isMuted, !bytes.isEmpty {
                    written = terminal.write(bytes)
                }
                ports[index].traffic.sent += written
                ports[index].traffic.lost += max(0, said.count - written)
            }
        }

        /// Takes what a host wrote and hands it to the charger, as it comes out of the line.
        private mutating func take(_ index: Int, at now: Duration) {
            var bytes: [UInt8] = []
            if let terminal = ports[index].terminal {
                bytes = terminal.read()
                ports[index].traffic.received += bytes.count
            }
            if ports[index].line != nil {
                if !bytes.isEmpty { ports[index].line?.send(bytes, at: now) }
                bytes = ports[index].line?.toCharger(until: now) ?? []
            } else if !bytes.isEmpty {
                bytes = ports[index].toCharger.pass(bytes, at: now)
            }
            if !bytes.isEmpty, !ports[index].isDeaf { plant.receive(bytes, charger: index, at: now) }
        }

        /// When the next byte leaves, of a charger or of a line that held it back.
        var nextDeadline: Duration {
            ports.reduce(plant.nextDeadline) { deadline, port in
                port.line?.nextDeadline.map { min(deadline, $0) } ?? deadline
            }
        }
    }

    /// How often bytes are handed on at most while they flow.
    public let granularity: Duration
    private let state: Mutex<State>
    /// Wakes the thread for a change from outside.
    private let wake: Int32
    private let timer: Int32

    /// Terminals for the chargers of `plant`; nothing runs yet.
    ///
    /// - Parameters:
    ///   - plant: the chargers.
    ///   - links: a symbolic link for each charger's port, in their order, replaced if there is one already; nil or
    ///     a shorter list for none.
    ///   - granularity: how often bytes are handed on at most.
    /// - Throws: ``TerminalError`` with the call and path that failed.
    public init(
        _ plant: SimulatedPlant, links: [String] = [], granularity: Duration = .milliseconds(4)
    ) throws(TerminalError) {
        var ports: [Port] = []
        do {
            for index in plant.chargers.indices {
                let port = Port(terminal: try PseudoTerminal(), link: index < links.count ? links[index] : nil)
                try Self.link(port)
                ports.append(port)
            }
        } catch {
            for port in ports { Self.unlink(port) }
            throw error
        }
        let wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw TerminalError(call: "eventfd", subject: "", code: errno) }
        let timer = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        guard timer >= 0 else {
            let code = errno
            close(wake)
            throw TerminalError(call: "timerfd_create", subject: "", code: code)
        }
        self.wake = wake
        self.timer = timer
        self.granularity = granularity
        state = Mutex(State(plant: plant, ports: ports))
    }

    deinit {
        for port in state.withLock({ $0.ports }) where port.terminal != nil { Self.unlink(port) }
        close(wake)
        close(timer)
    }

    // MARK: Running

    /// Starts the chargers; nothing if they run.
    public func start() throws(TerminalError) {
        let failure = state.withLock { state -> Int32 in
            guard state.thread == nil else { return 0 }
            state.mustStop = false
            var thread = pthread_t()
            // The thread holds the host alive until it ends.
            let this = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<ChargerHost>.fromOpaque(argument).takeRetainedValue().run() }
                    return nil
                }, this.toOpaque())
            if code == 0 {
                state.thread = thread
                state.started = SuspendingClock.now
            } else {
                this.release()
            }
            return code
        }
        if failure != 0 { throw TerminalError(call: "pthread_create", subject: "", code: failure) }
    }

    /// Stops the chargers and waits until the thread has ended; a host that runs is never released. The ports stay
    /// until the host is released; ``start()`` goes on with the time at which it stopped.
    public func stop() {
        let thread = state.withLock { state -> pthread_t? in
            state.mustStop = true
            state.elapsed = state.now
            state.started = nil
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
            let round = state.withLock { state -> (terminals: [PseudoTerminal], pause: Duration)? in
                guard !state.mustStop else { return nil }
                let now = state.now
                state.serve(at: now)
                return (state.ports.compactMap(\.terminal), max(state.nextDeadline - now, granularity))
            }
            guard let round else { return }
            // The terminals are held while they are polled: a port that is unplugged meanwhile closes after it.
            sleep(round.pause, terminals: round.terminals)
        }
    }

    /// Sleeps for `pause`, until a host writes, or until something changes outside.
    private func sleep(_ pause: Duration, terminals: [PseudoTerminal]) {
        let (seconds, attoseconds) = max(pause, .microseconds(1)).components
        var setting = itimerspec()
        setting.it_value = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        timerfd_settime(timer, 0, &setting, nil)
        var polled = [wake, timer].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        polled += terminals.map { pollfd(fd: $0.master, events: Int16(POLLIN), revents: 0) }
        _ = withExtendedLifetime(terminals) { poll(&polled, nfds_t(polled.count), -1) }
        var count: UInt64 = 0
        _ = read(wake, &count, 8)
        _ = read(timer, &count, 8)
    }

    // MARK: Looking

    /// The path of each charger's port: the link where one was asked for, else the terminal; nil while unplugged.
    public var paths: [String?] {
        state.withLock { $0.ports.map { port in port.terminal.map { port.link ?? $0.path } } }
    }

    /// What crossed the port of charger `index`.
    public func traffic(_ index: Int) -> Traffic { state.withLock { $0.ports[index].traffic } }

    /// How often the thread woke up and looked; grows with the traffic, not with the machine.
    public var rounds: Int { state.withLock { $0.rounds } }

    /// The plant as it is now: chargers with what they hold and held, battery, sky.
    public var plant: SimulatedPlant { state.withLock { $0.plant } }

    /// The plant's time now: what ``SimulatedCharger/heldValues(_:since:)`` counts in.
    public var time: Duration { state.withLock { $0.now } }

    /// Changes the plant between two rounds: loads, clouds.
    public func change<Result: Sendable>(_ body: @Sendable (inout SimulatedPlant) -> Result) -> Result {
        defer { nudge() }
        return state.withLock { body(&$0.plant) }
    }

    // MARK: Trouble

    /// Charger `index` falls silent, or speaks again; it goes on hearing.
    public func mute(_ index: Int, _ isMuted: Bool = true) { state.withLock { $0.ports[index].isMuted = isMuted } }

    /// Charger `index` hears nothing, as with a cable that has one wire only, or hears again.
    public func deafen(_ index: Int, _ isDeaf: Bool = true) { state.withLock { $0.ports[index].isDeaf = isDeaf } }

    /// Puts noise on the line of charger `index`, in both directions.
    public func impair(_ index: Int, toHost: any LineImpairment, toCharger: any LineImpairment) {
        state.withLock {
            $0.ports[index].toHost = toHost
            $0.ports[index].toCharger = toCharger
            $0.ports[index].line = nil
        }
    }

    /// Puts noise of any kind on the line of charger `index`, in both directions. A script's time is the plant's.
    public func impair(_ index: Int, _ line: ImpairedLine?) { state.withLock { $0.ports[index].line = line } }

    /// Pulls the cable: the port disappears, and whoever has it open gets a hang-up. The charger runs on.
    public func unplug(_ index: Int) {
        state.withLock { state in
            Self.unlink(state.ports[index])
            state.ports[index].terminal = nil
        }
        nudge()
    }

    /// Plugs the cable in again; the terminal may have another number, the link is the same.
    ///
    /// - Throws: ``TerminalError`` with the call and path that failed.
    public func replug(_ index: Int) throws(TerminalError) {
        let terminal = try PseudoTerminal()
        let port = state.withLock { state in
            if state.ports[index].terminal == nil { state.ports[index].terminal = terminal }
            return state.ports[index]
        }
        try Self.link(port)
        nudge()
    }

    private static func link(_ port: Port) throws(TerminalError) {
        guard let link = port.link, let path = port.terminal?.path else { return }
        unlink(port)
        guard symlink(path, link) == 0 else { throw TerminalError(call: "symlink", subject: link, code: errno) }
    }

    /// Removes the link, and nothing that is not a link.
    private static func unlink(_ port: Port) {
        guard let link = port.link else { return }
        var status = stat()
        if lstat(link, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { _ = Glibc.unlink(link) }
    }
}
