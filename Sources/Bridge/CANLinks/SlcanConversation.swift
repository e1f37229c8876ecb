import MasterBus

/// What is said with an adapter, from the first word to the last: opening at 250 kbit/s, frames, a look at the
/// controller now and then, closing.
///
/// A value without I/O. Adapters differ in what they acknowledge: an answer that does not come is waited for a
/// moment and done without; a refusal counts only where going on would be wrong.
struct SlcanConversation: Sendable {
    enum State: Sendable, Hashable {
        case opening
        case open
        case failed(String)
    }

    private enum Step: Sendable, Hashable {
        case settle, timestamps, speed, join, open
    }

    /// How long the adapter may go on with what it was doing.
    static let settleTime: Duration = .milliseconds(60)
    private static let answerTime: Duration = .milliseconds(200)
    private static let statusInterval: Duration = .seconds(5)
    /// Status requests that brought nothing, before no more are made.
    private static let statusPatience = 2
    /// Frames refused in a row, with none received between, before the adapter is closed and opened again. That also
    /// brings a controller back that is off the bus.
    static let refusalPatience = 20

    private(set) var state = State.opening
    /// Frames that the adapter refused to send.
    private(set) var refusals = 0
    /// Lines that were no lines.
    private(set) var damaged = 0

    private let isListenOnly: Bool
    private var hasTriedPlain = false
    private var step = Step.settle
    private var until: Duration
    private var parser = SlcanParser()
    private var output: [UInt8] = []
    private var refusalsInARow = 0
    private var statusMisses = 0
    private var isStatusAsked = false
    private var lastStatus: UInt8 = 0

    /// A conversation that begins now.
    init(isListenOnly: Bool, at now: Duration) {
        self.isListenOnly = isListenOnly
        output = SlcanCommand.flush.bytes + SlcanCommand.close.bytes
        until = now + Self.settleTime
    }

    /// When to call ``advance(to:)`` if nothing comes.
    var deadline: Duration? {
        switch state {
        case .opening: until
        case .open: statusMisses < Self.statusPatience ? until : nil
        case .failed: nil
        }
    }

    /// The bytes to send since this was last called.
    mutating func takeOutput() -> [UInt8] {
        defer { output.removeAll(keepingCapacity: true) }
        return output
    }

    /// Bytes from the adapter; gives the frames in them.
    mutating func receive(_ bytes: Span<UInt8>, at now: Duration, _ body: (Frame) -> Void) {
        var parser = self.parser
        parser.parse(bytes) { take($0, now, body) }
        self.parser = parser
        advance(to: now)
    }

    /// Does what is due.
    mutating func advance(to now: Duration) {
        guard now >= until else { return }
        switch step {
        case .settle: go(.timestamps, .timestampsOff, now)
        case .timestamps: go(.speed, .speed, now)
        case .speed: go(.join, isListenOnly ? .listen : .open, now)
        case .join: joined(now)
        case .open:
            guard statusMisses < Self.statusPatience else { return }
            if isStatusAsked { statusMisses += 1 }
            isStatusAsked = true
            output += SlcanCommand.status.bytes
            until = now + Self.statusInterval
        }
    }

    /// Sends a frame; false unless open.
    mutating func send(_ frame: Frame) -> Bool {
        guard state == .open, !isListenOnly, let bytes = SlcanCommand.bytes(of: frame) else { return false }
        output += bytes
        return true
    }

    private mutating func go(_ next: Step, _ command: SlcanCommand, _ now: Duration) {
        step = next
        output += command.bytes
        until = now + Self.answerTime
    }

    private mutating func joined(_ now: Duration) {
        step = .open
        state = .open
        until = now + Self.statusInterval
    }

    private mutating func take(_ token: SlcanParser.Token, _ now: Duration, _ body: (Frame) -> Void) {
        switch (token, step) {
        case (.frame(let frame), .open):
            refusalsInARow = 0
            body(frame)
        case (.status(let bits), .open):
            isStatusAsked = false
            statusMisses = 0
            if bits != lastStatus, let report = Self.report(bits) { body(report) }
            lastStatus = bits
        case (.refused, .open):
            refusals += 1
            refusalsInARow += 1
            if refusalsInARow >= Self.refusalPatience {
                state = .failed("the adapter refuses every frame: nobody else on the bus, or off the bus")
            }
        case (.taken, .open): refusalsInARow = 0
        case (.damaged, .open): damaged += 1
        case (.done, .timestamps), (.refused, .timestamps): go(.speed, .speed, now)
        case (.done, .speed): go(.join, isListenOnly ? .listen : .open, now)
        case (.refused, .speed): state = .failed("the adapter does not take 250 kbit/s (S5)")
        case (.done, .join): joined(now)
        case (.refused, .join) where isListenOnly && !hasTriedPlain:
            // It knows no silent mode. Nothing is sent all the same: ``send(_:)`` refuses.
            hasTriedPlain = true
            go(.join, .open, now)
        case (.refused, .join): state = .failed("the adapter does not open the bus (O)")
        default: break
        }
    }

    /// The controller's state as Linux would report it; nil for a state without trouble.
    static func report(_ bits: UInt8) -> Frame? {
        var classes: UInt32 = 0
        var controller: UInt8 = 0
        if bits & 0x09 != 0 { controller |= 0x01 }
        if bits & 0x02 != 0 { controller |= 0x02 }
        if bits & 0x04 != 0 { controller |= 0x04 | 0x08 }
        if bits & 0x20 != 0 { controller |= 0x10 | 0x20 }
        if controller != 0 { classes |= 0x04 }
        if bits & 0x40 != 0 { classes |= 0x02 }
        if bits & 0x80 != 0 { classes |= 0x80 }
        guard classes != 0 else { return nil }
        return Frame(rawIdentifier: classes, flags: .error, bits: UInt64(controller) << 8, count: 8)
    }
}
