import MasterBus

/// Keeps one link to a bus going, whatever happens to it: opens it, runs the session on it, closes and reopens it.
///
/// The session outlives the link: what was learned of the devices stays. All time is the caller's.
final class BusSupervisor {
    /// What a supervisor reports.
    enum Event {
        case opened
        /// The link could not be opened, or was lost; the same reason comes once. `isFinal` where waiting will not
        /// help.
        case closed(reason: String, isFinal: Bool)
        /// A recording has been played to its end.
        case ended
        case session(BusSession.Event)
    }

    private static let shortestRetry: Duration = .milliseconds(500)
    private static let longestRetry: Duration = .seconds(10)
    /// A system without CAN may get it while we run.
    private static let finalRetry: Duration = .seconds(60)

    let source: CANSource
    private let link: any CANLink
    private(set) var session: BusSession
    private let recorder: Recorder?
    private let recorded: Recorder.Source
    private(set) var isOpen = false
    /// A recording that was played, or cannot be.
    private(set) var isFinished = false
    /// Why nothing comes from here, where that will stay so.
    private(set) var finalReason: String?
    private var nextOpen: Duration
    private var retry = BusSupervisor.shortestRetry
    private var lastReason: String?
    /// Requests that the link did not take.
    private(set) var unsent = 0
    /// Times the link was opened again after the first.
    private(set) var reopens = 0
    private var wasOpened = false
    /// Why nothing comes from here now; nil while it is open.
    var trouble: String? { isOpen || isFinished && finalReason == nil ? nil : finalReason ?? lastReason }

    init(
        source: CANSource, link: any CANLink, session: BusSession, recorder: Recorder?, number: Int, now: Duration
    ) {
        self.source = source
        self.link = link
        self.session = session
        self.recorder = recorder
        recorded = .bus(number)
        nextOpen = now
        recorder?.appeared(recorded, name: source.description, at: now)
    }

    /// Whether nothing more is expected for one full look at the bus: a log was played, or every device has told all.
    var isComplete: Bool { isFinished || finalReason != nil || session.isCaughtUp }

    /// The descriptor to wait on; nil while the link is closed, or has none.
    var descriptor: Int32? { isOpen ? link.descriptor : nil }

    /// When to call ``advance(to:_:)`` if nothing arrives; nil where nothing will ever be due.
    func deadline(now: Duration) -> Duration? {
        if isFinished { return nil }
        guard isOpen else { return nextOpen }
        // A log is played on its own time, and nobody is asked.
        if source.isReplay { return link.deadline ?? now }
        guard link.isReady else { return link.deadline }
        return [link.deadline, session.deadline].compactMap(\.self).min()
    }

    /// Does what is due: opens, asks, gives up. Returns whether the descriptor changed.
    func advance(to now: Duration, _ report: (Event) -> Void) -> Bool {
        guard !isFinished else { return false }
        guard isOpen else { return now >= nextOpen ? open(at: now, report) : false }
        return receive(at: now, report)
    }

    /// Takes what arrived, and asks what is to be asked. Returns whether the descriptor changed.
    func receive(at now: Duration, _ report: (Event) -> Void) -> Bool {
        guard isOpen else { return false }
        let isReplay = source.isReplay
        let state = link.receive(at: now) { frame, time in
            recorder?.received(frame, recorded, at: time)
            take(frame, at: time)
            // The time between two frames of a log is the log's.
            if isReplay { ask(at: time, report) }
        }
        // What is asked while an adapter opens would be lost.
        if !isReplay { if link.isReady { ask(at: now, report) } else { forward(report) } }
        switch state {
        case .open: return false
        case .ended:
            isFinished = true
            isOpen = false
            link.close()
            recorder?.note("ended", recorded, at: now)
            report(.ended)
            return true
        case .lost(let reason):
            close(reason: reason, isFinal: isReplay, at: now, report)
            return true
        }
    }

    /// Closes the link, as at the end of a run.
    func shut() {
        if isOpen { link.close() }
        isOpen = false
    }

    // MARK: The session

    /// A frame has come.
    func take(_ frame: Frame, at time: Duration) {
        // Who has gone silent is noticed before the one that speaks.
        if source.isReplay { _ = session.nextRequest(at: time) }
        session.receive(frame, at: time)
    }

    /// Sends what is due, and hands on what happened.
    func ask(at now: Duration, _ report: (Event) -> Void) {
        var sent: [Frame] = []
        while let request = session.nextRequest(at: now) {
            // What the link does not take is lost like any request on a bad line: the session asks again.
            if isOpen, !link.send(request, at: now) { unsent += 1 }
            sent.append(request.frame)
        }
        recorder?.asked(recorded, sent: sent, at: now)
        forward(report)
    }

    /// The link was opened.
    func begin(_ report: (Event) -> Void) { report(.opened) }

    /// The link was closed.
    func end(reason: String, isFinal: Bool, _ report: (Event) -> Void) {
        forward(report)
        guard lastReason != reason else { return }
        lastReason = reason
        report(.closed(reason: reason, isFinal: isFinal))
    }

    private func forward(_ report: (Event) -> Void) {
        for event in session.takeEvents() { report(.session(event)) }
    }

    // MARK: The link

    private func open(at now: Duration, _ report: (Event) -> Void) -> Bool {
        do {
            try link.open(at: now)
        } catch {
            let isFinal = !error.isTemporary
            if isFinal { finalReason = error.description }
            if isFinal, source.isReplay { isFinished = true }
            nextOpen = now + (isFinal ? Self.finalRetry : retry)
            retry = min(retry * 2, Self.longestRetry)
            if lastReason != error.description {
                lastReason = error.description
                recorder?.note("failed", recorded, at: now, detail: error.description)
                report(.closed(reason: error.description, isFinal: isFinal))
            }
            return false
        }
        if wasOpened { reopens += 1 }
        wasOpened = true
        isOpen = true
        finalReason = nil
        recorder?.note("open", recorded, at: now)
        begin(report)
        return true
    }

    private func close(reason: String, isFinal: Bool, at now: Duration, _ report: (Event) -> Void) {
        link.close()
        isOpen = false
        if isFinal {
            isFinished = true
            finalReason = reason
        }
        recorder?.note("close", recorded, at: now, detail: reason)
        nextOpen = now + retry
        // A link on which a device was heard gets its retries anew.
        retry = session.devices.contains { $0.isAwake } ? Self.shortestRetry : min(retry * 2, Self.longestRetry)
        end(reason: reason, isFinal: isFinal, report)
    }
}
