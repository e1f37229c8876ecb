import Glibc
import VEDirect

/// Keeps one multiplexer going, whatever happens to it: holds its serial port and its select lines, opens them again
/// when they are lost, and does what its session wants.
///
/// All time is the caller's.
final class MultiplexerSupervisor {
    /// What a supervisor reports.
    enum Event {
        /// Port and select lines are open; nothing was heard yet.
        case opened
        /// They could not be opened. The same reason comes once an hour at most.
        case unavailable(SerialPort.Failure)
        /// They were lost or given up, and are opened again soon.
        case closed(reason: String)
        /// Something from the conversations.
        case session(MultiplexerSession.Event)
    }

    /// Without a byte from any channel for this long, the port is opened anew.
    private static let silenceLimit: Duration = .seconds(20)
    private static let shortestRetry: Duration = .milliseconds(500)
    private static let longestRetry: Duration = .seconds(1)
    private static let floodRetry: Duration = .seconds(5)
    /// Bytes a second that a line of 19200 baud can carry, four times over.
    private static let carriedBytes = 7680
    private static let reminder: Duration = .seconds(3600)

    let settings: Configuration.Multiplexer
    /// The channels in use, by their number in the session.
    let channels: [Configuration.Multiplexer.Channel]
    private let serial: Configuration.Serial
    private var port: SerialPort?
    private var lines: (any SelectLines)?
    private(set) var session: MultiplexerSession
    /// The descriptor to wait on; nil while the port is closed.
    private(set) var descriptor: Int32?
    private var nextOpen: Duration
    private var retry = MultiplexerSupervisor.shortestRetry
    private var lastByte: Duration = .zero
    private var recentBytes = 0
    private var recentSince: Duration = .zero
    private var reported: [String: Duration] = [:]
    private(set) var reopens = 0
    private var wasOpened = false
    private(set) var lastTrouble: PortTrouble?
    private(set) var troubles: [PortTrouble: Int] = [:]
    private(set) var openedAt: Duration?
    private(set) var blockedWrites = 0

    init(_ settings: Configuration.Multiplexer, serial: Configuration.Serial, plan: PollPlan, now: Duration) {
        self.settings = settings
        var serial = serial
        serial.baud = 19200
        self.serial = serial
        channels = settings.channels
        session = MultiplexerSession(
            channels: channels.count,
            settings: MultiplexerSession.Settings(
                settle: settings.settle, shortestTurn: settings.turnMin, longestTurn: settings.turnMax),
            plan: plan, now: now)
        nextOpen = now
    }

    /// The name of a channel's port.
    func path(_ channel: Int) -> String { "\(settings.name)/\(channels[channel].name)" }

    /// Asks for a register out of turn when the channel has the line; false if no device answers on it.
    func demand(_ register: RegisterID, channel: Int) -> Bool { session.demand(register, channel: channel) }

    /// Nobody waits any more for a register that was asked for out of turn.
    func withdrawDemand(_ register: RegisterID, channel: Int) { session.withdrawDemand(register, channel: channel) }

    /// When to call ``advance(to:_:)`` if nothing arrives.
    var deadline: Duration {
        descriptor == nil ? nextOpen : min(session.deadline, lastByte + Self.silenceLimit)
    }

    /// Ports have come or gone: a closed one is tried again without waiting out its pause.
    func retrySoon(at now: Duration) {
        if descriptor == nil { nextOpen = min(nextOpen, now + .milliseconds(100)) }
    }

    /// Does what is due. Returns whether the descriptor changed.
    func advance(to now: Duration, _ report: (Event) -> Void) -> Bool {
        guard descriptor != nil else { return now >= nextOpen ? open(at: now, report) : false }
        if act(at: now, report) { return true }
        guard now - lastByte >= Self.silenceLimit else { return false }
        close(reason: "silent on every channel", .silent, at: now, report)
        return true
    }

    /// Reads what arrived. Returns whether the descriptor changed.
    func receive(into buffer: inout [UInt8], at now: Duration, _ report: (Event) -> Void) -> Bool {
        for _ in 0..<4 {
            guard let result = port?.read(into: &buffer) else { return false }
            switch result {
            case .bytes(let count):
                lastByte = now
                session.receive(buffer.span.extracting(0..<count), at: now)
                guard isAllowed(count, at: now) else {
                    close(reason: PortTrouble.flooded.advice, .flooded, at: now, report)
                    nextOpen = now + Self.floodRetry
                    return true
                }
                if count == buffer.count { continue }
            case .nothing:
                break
            case .gone(let reason, let trouble):
                close(reason: reason, trouble, at: now, report)
                return true
            }
            break
        }
        return act(at: now, report)
    }

    /// Does what the session wants. Returns whether the port was closed over it.
    private func act(at now: Duration, _ report: (Event) -> Void) -> Bool {
        while let action = session.nextAction(at: now) {
            switch action {
            case .select(let channel):
                do {
                    try lines?.select(channels[channel].value)
                } catch {
                    close(reason: error.description, .unusable, at: now, report)
                    return true
                }
            case .discard:
                port?.discardInput()
            case .send(let request):
                switch port?.send(request.bytes) {
                case nil, .taken?: break
                // What the port does not take is lost like any request on a bad line.
                case .blocked?: blockedWrites += 1
                case .gone(let reason, let trouble)?:
                    close(reason: reason, trouble, at: now, report)
                    return true
                }
            }
        }
        forward(report)
        return false
    }

    private func forward(_ report: (Event) -> Void) {
        for event in session.takeEvents() { report(.session(event)) }
    }

    private func isAllowed(_ count: Int, at now: Duration) -> Bool {
        if now - recentSince >= .seconds(2) {
            recentBytes = 0
            recentSince = now
        }
        recentBytes += count
        return recentBytes <= Self.carriedBytes * 2
    }

    private func open(at now: Duration, _ report: (Event) -> Void) -> Bool {
        let failure: SerialPort.Failure
        do throws(SerialPort.Failure) {
            let opened = try SerialPort(path: settings.port, settings: serial)
            do throws(SelectFailure) {
                lines = try settings.select.open()
            } catch {
                throw SerialPort.Failure(description: error.description, isAbsent: false)
            }
            descriptor = opened.descriptor
            port = consume opened
            if wasOpened { reopens += 1 }
            wasOpened = true
            lastByte = now
            openedAt = now
            recentBytes = 0
            recentSince = now
            retry = Self.shortestRetry
            report(.opened)
            return true
        } catch {
            failure = error
        }
        nextOpen = now + retry
        retry = min(retry * 2, Self.longestRetry)
        note(failure.trouble)
        if isNews(failure.description, at: now) { report(.unavailable(failure)) }
        return false
    }

    private func close(reason: String, _ trouble: PortTrouble, at now: Duration, _ report: (Event) -> Void) {
        descriptor = nil
        port = nil
        lines = nil
        openedAt = nil
        nextOpen = now + retry
        note(trouble)
        session.close(at: now)
        forward(report)
        if isNews(reason, at: now) { report(.closed(reason: reason)) }
    }

    private func note(_ trouble: PortTrouble) {
        lastTrouble = trouble
        troubles[trouble, default: 0] += 1
    }

    private func isNews(_ reason: String, at now: Duration) -> Bool {
        if let last = reported[reason], now - last < Self.reminder { return false }
        if reported.count >= 8 { reported = [:] }
        reported[reason] = now
        return true
    }

    /// How a channel is doing, as if it were a port.
    func report(_ channel: Int, at now: Duration) -> PortReport {
        let state: PortState =
            descriptor == nil ? .trouble(lastTrouble ?? .absent) : .conversation(session.state(channel))
        var report = PortReport(path: path(channel), state: state)
        report.identity = session.identity(channel)
        report.counters = session.counters(channel)
        report.reopens = reopens
        report.troubles = troubles
        report.blockedWrites = blockedWrites
        report.openFor = openedAt.map { now - $0 }
        return report
    }

    /// The select lines that differ between two channels, in words: one of them is stuck if both answer as one.
    func suspects(_ channel: Int, _ owner: Int) -> String {
        let difference = channels[channel].value ^ channels[owner].value
        let bits = (0..<6).filter { difference & (1 << $0) != 0 }
        let names = bits.map { bit in bit < settings.lines.count ? settings.lines[bit] : bit }.map(String.init)
        guard names.count > 1 else { return "select line \(names.first ?? "?")" }
        return "one of the select lines \(names.joined(separator: ", "))"
    }
}
