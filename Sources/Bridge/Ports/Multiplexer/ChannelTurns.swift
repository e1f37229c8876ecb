/// Whose turn it is on a multiplexer, and to whom the bytes belong.
///
/// A value without clock or descriptor. One UART serves several channels in turn. Around a switch the line carries
/// what the old channel sent last (in the UART, the USB chip and the kernel) and the second half of whatever the new
/// one is just saying; such bytes belong to nobody. So after a switch:
///
/// 1. every byte is dropped for the settle time;
/// 2. then until the line has been quiet for the quiet time: a line that was quiet holds nothing back;
/// 3. then the channel's session must hear its own charger's serial number, asked for after the switch, before it lets
///    a reading pass. Bytes keep their order, so what follows that answer was sent after the switch.
///
/// The third step does not rest on any time and makes the attribution certain; the first two keep it from failing
/// often.
struct ChannelTurns: Sendable {
    /// What to do.
    enum Action: Equatable {
        /// Put this channel on the select lines, now.
        case select(Int)
        /// The line is quiet: discard what the system still holds and let the channel's session speak.
        case serve(Int)
    }

    /// Where in its turn a channel is.
    private enum Phase: Equatable {
        case starting
        case settling(until: Duration)
        case waitingForQuiet(since: Duration, limit: Duration)
        case serving(until: Duration)
        case leaving(limit: Duration)
    }

    /// How many channels there are.
    let count: Int
    /// How long a channel is served before the next has its turn.
    let dwell: Duration
    /// How long bytes are dropped after a switch.
    let settle: Duration
    /// How long the line has to be quiet then.
    let quiet: Duration
    /// A line that does not get quiet for this long loses its turn: a TEXT block takes 0.12 s and leaves the rest of
    /// its second quiet.
    static let quietLimit: Duration = .milliseconds(600)
    /// How long a channel's last answer is waited for at the end of its turn.
    static let leaveLimit: Duration = .milliseconds(400)

    /// The channel that is joined to the UART; nil before the first.
    private(set) var channel: Int?
    /// Turns that were lost because the line did not get quiet, by channel.
    private(set) var lostTurns: [Int]
    private var phase = Phase.starting
    private var lastByte: Duration = .zero

    /// Turns for some channels.
    ///
    /// - Parameters:
    ///   - count: how many channels, at least one.
    ///   - dwell: how long each is served.
    ///   - settle: how long bytes are dropped after a switch.
    ///   - quiet: how long the line has to be quiet then.
    init(count: Int, dwell: Duration, settle: Duration, quiet: Duration = .milliseconds(5)) {
        self.count = max(1, count)
        self.dwell = dwell
        self.settle = settle
        self.quiet = quiet
        lostTurns = [Int](repeating: 0, count: max(1, count))
    }

    /// The channel whose session may hear and speak now.
    var served: Int? {
        switch phase {
        case .serving, .leaving: channel
        case .starting, .settling, .waitingForQuiet: nil
        }
    }

    /// Whether the served channel may ask something new: not at the end of its turn.
    var mayAsk: Bool { if case .serving = phase { true } else { false } }

    /// When to call ``advance(to:isWaiting:)`` if nothing arrives.
    var deadline: Duration {
        switch phase {
        case .starting: .zero
        case .settling(let until), .serving(let until): until
        case .waitingForQuiet(let since, let limit): min(max(since, lastByte) + quiet, limit)
        case .leaving(let limit): limit
        }
    }

    /// Bytes arrived. Gives the channel that they belong to; nil if to nobody.
    mutating func received(at now: Duration) -> Int? {
        lastByte = now
        return served
    }

    /// Does what is due.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - isWaiting: whether the served session waits for an answer: it is not taken from the line before that.
    mutating func advance(to now: Duration, isWaiting: Bool) -> Action? {
        switch phase {
        case .starting:
            return next(at: now)
        case .settling(let until):
            guard now >= until else { return nil }
            phase = .waitingForQuiet(since: now, limit: now + Self.quietLimit)
            return nil
        case .waitingForQuiet(let since, let limit):
            if now >= max(since, lastByte) + quiet, let channel {
                phase = .serving(until: now + dwell)
                return .serve(channel)
            }
            guard now >= limit, let channel else { return nil }
            lostTurns[channel] += 1
            return next(at: now)
        case .serving(let until):
            // A single channel keeps its turn for ever.
            guard now >= until, count > 1 else {
                if now >= until { phase = .serving(until: now + dwell) }
                return nil
            }
            guard isWaiting else { return next(at: now) }
            phase = .leaving(limit: now + Self.leaveLimit)
            return nil
        case .leaving(let limit):
            return !isWaiting || now >= limit ? next(at: now) : nil
        }
    }

    private mutating func next(at now: Duration) -> Action {
        let next = channel.map { ($0 + 1) % count } ?? 0
        channel = next
        phase = .settling(until: now + settle)
        return .select(next)
    }
}
