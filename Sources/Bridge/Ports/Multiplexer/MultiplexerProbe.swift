import Glibc
import VEDirect

/// Opens one multiplexer, asks who is on each channel, and closes it again: for commands that look by hand.
public struct MultiplexerProbe: Sendable {
    /// A channel.
    public struct Channel: Sendable {
        /// Its name, `MULTIPLEXER/CHANNEL`.
        public var path: String
        /// What was found there.
        public var finding = PortProbe.Finding()
    }

    /// Asks each channel who is there.
    ///
    /// - Parameter limit: how long at most for each channel.
    public static func ask(
        _ settings: Configuration.Multiplexer, serial: Configuration.Serial, limit: Duration = .seconds(6)
    ) -> [Channel] {
        let start = ContinuousClock.now
        // Said in more than one way, so that product and firmware are known.
        let plan = PollPlan(entries: [.productID, .applicationVersion, .modelName].map { .init($0, .constant) })
        let supervisor = MultiplexerSupervisor(settings, serial: serial, plan: plan, now: .zero)
        var channels = supervisor.channels.indices.map { Channel(path: supervisor.path($0)) }
        var isDone = [Bool](repeating: false, count: channels.count)
        var buffer = [UInt8](repeating: 0, count: 1024)
        var failure: String?
        func note(_ event: MultiplexerSupervisor.Event) {
            switch event {
            case .opened: break
            case .unavailable(let reason): failure = reason.description
            case .closed(let reason): failure = reason
            case .session(.device(let channel, .identified(let identity))):
                channels[channel].finding.identity = identity
            case .session(.device(let channel, .passCompleted)):
                isDone[channel] = true
            case .session(.device(let channel, .state(let state))):
                channels[channel].finding.state = state
                if state != .polling { isDone[channel] = true }
            case .session(.foreign(let channel, let owner, let serial)):
                channels[channel].finding.failure =
                    "\(supervisor.suspects(channel, owner)) seems stuck: answers as \(serial), "
                    + "which is on channel \(supervisor.channels[owner].name)"
                isDone[channel] = true
            case .session: break
            }
        }
        var now = Duration.zero
        while failure == nil, isDone.contains(false), now < limit * channels.count {
            let wait = max(.zero, min(supervisor.deadline - now, .seconds(1))).components
            var entry = pollfd(fd: supervisor.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
            _ = poll(&entry, 1, Int32(wait.seconds * 1000 + wait.attoseconds / 1_000_000_000_000_000) + 1)
            now = ContinuousClock.now - start
            if entry.revents != 0 { _ = supervisor.receive(into: &buffer, at: now, note) }
            if now >= supervisor.deadline { _ = supervisor.advance(to: now, note) }
        }
        for index in channels.indices {
            if let failure { channels[index].finding.failure = failure }
            channels[index].finding.counters = supervisor.session.counters(index)
        }
        return channels
    }
}
