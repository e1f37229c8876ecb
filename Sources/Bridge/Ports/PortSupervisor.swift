import Glibc
import VEDirect

/// Keeps one port going, whatever happens to it: opens it, runs the session on it, closes and reopens it.
///
/// No port knows of another. All time is the caller's.
struct PortSupervisor: ~Copyable {
    /// What a supervisor reports.
    enum Event {
        case opened
        /// The port could not be opened, or was lost; the same reason comes once.
        case closed(reason: String)
        case session(DeviceSession.Event)
    }

    /// A port on which nothing is heard for this long is closed and opened again.
    private static let silenceLimit: Duration = .seconds(8)
    private static let shortestRetry: Duration = .milliseconds(500)
    private static let longestRetry: Duration = .seconds(5)

    let path: String
    private let recorder: Recorder?
    private let recorded: Recorder.Source
    private let settings: Configuration.Serial
    private let plan: PollPlan
    private var port: SerialPort?
    private(set) var session: DeviceSession?
    private var memory = DeviceMemory()
    private var nextOpen: Duration
    private var retry = PortSupervisor.shortestRetry
    private var lastReason: String?
    private var lastByte: Duration = .zero
    /// Times the port was opened again after the first.
    private(set) var reopens = 0
    private var wasOpened = false
    /// What earlier sessions of this port counted.
    private(set) var bytesBefore = 0

    init(
        path: String, settings: Configuration.Serial, plan: PollPlan, recorder: Recorder? = nil, number: Int = 0,
        now: Duration
    ) {
        self.path = path
        self.recorder = recorder
        recorded = .port(number)
        self.settings = settings
        self.plan = plan
        nextOpen = now
        recorder?.appeared(recorded, name: path, at: now)
    }

    /// The descriptor to wait on; nil while the port is closed.
    private(set) var descriptor: Int32?

    /// When to call ``advance(to:_:)`` if nothing arrives.
    func deadline(now: Duration) -> Duration {
        guard let session else { return nextOpen }
        return min(session.deadline, lastByte + Self.silenceLimit)
    }

    /// Does what is due: opens, asks, gives up. Returns whether the descriptor changed.
    mutating func advance(to now: Duration, _ report: (Event) -> Void) -> Bool {
        guard session != nil else { return now >= nextOpen ? open(at: now, report) : false }
        ask(at: now, report)
        if now - lastByte >= Self.silenceLimit {
            close(reason: "silent for \(Self.silenceLimit.components.seconds) s", at: now, report)
            return true
        }
        return false
    }

    /// Reads what arrived. Returns whether the descriptor changed.
    mutating func receive(into buffer: inout [UInt8], at now: Duration, _ report: (Event) -> Void) -> Bool {
        // A flood is served in turns: a few reads, then the other ports.
        for _ in 0..<4 {
            guard let result = port?.read(into: &buffer) else { return false }
            switch result {
            case .bytes(let count):
                lastByte = now
                recorder?.received(buffer.span.extracting(0..<count), recorded, at: now)
                take(buffer.span.extracting(0..<count), at: now)
                if count == buffer.count { continue }
            case .nothing:
                break
            case .gone(let reason):
                close(reason: reason, at: now, report)
                return true
            }
            break
        }
        ask(at: now, report)
        return false
    }

    // MARK: The session, with a port or from a recording

    /// The port was opened.
    mutating func begin(at now: Duration, _ report: (Event) -> Void) {
        session = DeviceSession(plan: plan, memory: memory, now: now)
        report(.opened)
    }

    /// Bytes have come.
    mutating func take(_ bytes: Span<UInt8>, at now: Duration) { session?.receive(bytes, at: now) }

    /// Asks what is due, and hands on what happened.
    mutating func ask(at now: Duration, _ report: (Event) -> Void) {
        recorder?.asked(recorded, at: now)
        if let request = session?.nextRequest(at: now) {
            // What the port does not take is lost like any request on a bad line: the session asks again.
            _ = port?.write(request.bytes)
        }
        forward(report)
    }

    /// The port was closed.
    mutating func end(reason: String, _ report: (Event) -> Void) {
        forward(report)
        if let session {
            memory = session.memory
            bytesBefore += session.counters.bytes
            // A port that delivered gets its retries anew; one that stayed silent is opened ever more seldom.
            if session.identity != nil {
                retry = Self.shortestRetry
                lastReason = nil
            }
        }
        session = nil
        guard lastReason != reason else { return }
        lastReason = reason
        report(.closed(reason: reason))
    }

    private mutating func forward(_ report: (Event) -> Void) {
        guard let events = session?.takeEvents(), !events.isEmpty else { return }
        for event in events { report(.session(event)) }
    }

    private mutating func open(at now: Duration, _ report: (Event) -> Void) -> Bool {
        do {
            let opened = try SerialPort(path: path, settings: settings)
            descriptor = opened.descriptor
            port = consume opened
        } catch {
            nextOpen = now + retry
            retry = min(retry * 2, Self.longestRetry)
            if lastReason != error.description {
                lastReason = error.description
                recorder?.note("failed", recorded, at: now, detail: error.description)
                report(.closed(reason: error.description))
            }
            return false
        }
        if wasOpened { reopens += 1 }
        wasOpened = true
        lastByte = now
        recorder?.note("open", recorded, at: now)
        begin(at: now, report)
        return true
    }

    private mutating func close(reason: String, at now: Duration, _ report: (Event) -> Void) {
        recorder?.note("close", recorded, at: now, detail: reason)
        descriptor = nil
        port = nil
        end(reason: reason, report)
        nextOpen = now + retry
        retry = min(retry * 2, Self.longestRetry)
    }
}
