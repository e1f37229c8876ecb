import CLinux
import Glibc
import MasterBus
import Synchronization

/// A simulated bus behind an adapter on a pseudo-terminal, in real time, run by one thread.
///
/// Where a ``ChargerHost`` is given, the bus's shunt measures the battery of its plant, and the plant feeds the bus's
/// inverter. Every call is safe from any thread.
public final class BusHost: Sendable {
    private struct State: Sendable {
        var bus: SimulatedBus
        var adapter = SlcanAdapter()
        var mustStop = false
        var thread: pthread_t?
        var started: SuspendingClock.Instant?
        var elapsed: Duration = .zero
        var nextUpdate: Duration = .zero
        /// Bytes that nobody read in time.
        var lost = 0

        var now: Duration { elapsed + (started.map { SuspendingClock.now - $0 } ?? .zero) }
    }

    /// How often the devices take new values from the plant.
    public static let refresh: Duration = .milliseconds(250)
    /// The name of the inverter among the loads of the plant's site.
    static let load = "inverter"

    private let state: Mutex<State>
    private let terminal: PseudoTerminal
    private let link: String?
    private let plant: ChargerHost?
    /// What the battery is where there is no plant.
    private let loneSite = SimulatedSite()
    private let wake: Int32

    /// An adapter on a pseudo-terminal; nothing runs yet.
    ///
    /// - Parameters:
    ///   - bus: the bus behind it.
    ///   - plant: whose battery the shunt measures.
    ///   - link: a symbolic link to the terminal, replaced if there is one already.
    /// - Throws: ``TerminalError`` with the call and path that failed.
    public init(_ bus: SimulatedBus, plant: ChargerHost? = nil, link: String? = nil) throws(TerminalError) {
        terminal = try PseudoTerminal()
        self.plant = plant
        self.link = link
        let wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw TerminalError(call: "eventfd", subject: "", code: errno) }
        self.wake = wake
        state = Mutex(State(bus: bus))
        if let link {
            Self.unlink(link)
            guard symlink(terminal.path, link) == 0 else {
                throw TerminalError(call: "symlink", subject: link, code: errno)
            }
        }
    }

    deinit {
        if let link { Self.unlink(link) }
        close(wake)
    }

    /// Where a program opens the adapter: the link where one was asked for, else the terminal.
    public var path: String { link ?? terminal.path }
    /// The bus as it is now.
    public var bus: SimulatedBus { state.withLock { $0.bus } }
    /// The adapter as it is now.
    public var adapter: SlcanAdapter { state.withLock { $0.adapter } }
    /// The bus's time now: what ``BusFault`` counts in.
    public var time: Duration { state.withLock { $0.now } }

    /// Changes the bus between two rounds; the time is the bus's.
    public func change<Result: Sendable>(_ body: @Sendable (inout SimulatedBus, Duration) -> Result) -> Result {
        defer { nudge() }
        return state.withLock { body(&$0.bus, $0.now) }
    }

    /// Starts the bus; nothing if it runs.
    public func start() throws(TerminalError) {
        update()
        let failure = state.withLock { state -> Int32 in
            guard state.thread == nil else { return 0 }
            state.mustStop = false
            var thread = pthread_t()
            // The thread holds the host alive until it ends.
            let this = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<BusHost>.fromOpaque(argument).takeRetainedValue().run() }
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

    /// Stops the bus and waits until the thread has ended; a host that runs is never released.
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
            let isDue = state.withLock { $0.now >= $0.nextUpdate }
            if isDue { update() }
            let pause = state.withLock { state -> Duration? in
                guard !state.mustStop else { return nil }
                let now = state.now
                serve(&state, now)
                return max(min(state.bus.nextDeadline, state.nextUpdate) - now, .milliseconds(1))
            }
            guard let pause else { return }
            let (seconds, attoseconds) = min(pause, .seconds(1)).components
            let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
            var polled = [wake, terminal.master].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&polled, nfds_t(polled.count), Int32(milliseconds))
            var count: UInt64 = 0
            _ = read(wake, &count, 8)
        }
    }

    private func serve(_ state: inout State, _ now: Duration) {
        let bytes = terminal.read()
        if !bytes.isEmpty {
            var frames: [Frame] = []
            let answer = state.adapter.receive(bytes, isBusOff: state.bus.isBusOff) { frames.append($0) }
            for frame in frames { state.bus.receive(frame, at: now) }
            if !answer.isEmpty, terminal.write(answer) < answer.count { state.lost += 1 }
        }
        for timed in state.bus.transmit(until: now) {
            let bytes = state.adapter.bytes(of: timed.frame)
            if !bytes.isEmpty, terminal.write(bytes) < bytes.count { state.lost += 1 }
        }
    }

    /// The devices take what the battery does, and the battery what the inverter takes.
    private func update() {
        let load = state.withLock { $0.bus.inverterLoad }
        let name = Self.load
        let site = plant?.change { plant -> SimulatedSite in
            plant.site.loads[name] = load
            return plant.site
        }
        let time = plant?.time
        state.withLock { state in
            let site = site ?? loneSite
            state.bus.update(site, seconds: site.clock.seconds(at: time ?? state.now))
            state.nextUpdate = state.now + Self.refresh
        }
    }

    /// Removes the link, and nothing that is not a link.
    private static func unlink(_ link: String) {
        var status = stat()
        if lstat(link, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { _ = Glibc.unlink(link) }
    }
}
