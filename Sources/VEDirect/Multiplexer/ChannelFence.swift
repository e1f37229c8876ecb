/// The question that opens and closes a turn on a multiplexer: who is at the other end of the line?
///
/// Bytes keep their order, so what follows an answer to a question that was asked after the switch was said after the
/// switch. The answer is register 010A. Where the device refuses that, it is the next TEXT block with a serial number:
/// the refusal was asked for after the switch too.
struct ChannelFence: Sendable {
    /// Who answered.
    enum Outcome: Equatable {
        /// The charger that was expected, or any where none was.
        case passed(String)
        /// Twice the same other charger, which no other channel has.
        case changed(String)
        /// Twice a charger that another channel has.
        case foreign(String)
        /// Nobody, or nobody that could be understood.
        case silent
    }

    /// An answer takes 40 ms of line; before it may stand 130 ms of TEXT and as much of thinking.
    private static let patience: Duration = .milliseconds(320)
    /// After a damaged frame the device is asked again this soon.
    private static let shortPause: Duration = .milliseconds(8)
    /// Devices that refuse the register send TEXT once a second.
    private static let textPatience: Duration = .milliseconds(2300)
    /// A refusal has to be said as often, for damage can look like one.
    private static let neededRefusals = 2

    private let expected: String?
    private let others: Set<String>
    private var limit: Duration
    private var decoder = StreamDecoder()
    private var next: Duration
    private var sent: Duration?
    private var isAsking = false
    private var other: String?
    private var refusals = 0
    /// Whether a good TEXT block was heard.
    private(set) var hasText = false
    /// Answers that were another channel's charger's.
    private(set) var foreignAnswers = 0
    /// What came of it; nil while it is open.
    private(set) var outcome: Outcome?
    /// The answer that decided, when it was asked for and when it came; nil if TEXT did.
    private(set) var proof: (value: RawValue, sent: Duration, heard: Duration)?

    /// - Parameters:
    ///   - expected: who should answer; nil if anybody may whom no other channel has.
    ///   - others: the chargers of the other channels.
    ///   - patience: how long is asked before the channel counts as silent.
    init(expected: String?, others: Set<String>, patience: Duration, at now: Duration) {
        self.expected = expected
        self.others = others
        limit = now + patience
        next = now
    }

    var deadline: Duration { outcome != nil ? .zero : min(next, limit) }

    mutating func nextRequest(at now: Duration) -> Request? {
        guard outcome == nil else { return nil }
        guard now < limit else {
            outcome = .silent
            return nil
        }
        guard now >= next, refusals < Self.neededRefusals else { return nil }
        sent = now
        isAsking = true
        next = now + Self.patience
        return .get(.serialNumber)
    }

    mutating func receive(_ bytes: Span<UInt8>, at now: Duration) {
        guard outcome == nil else { return }
        // Moved out while it runs, for the closure changes the rest.
        var decoder = StreamDecoder()
        swap(&decoder, &self.decoder)
        decoder.decode(bytes) { event in
            switch event {
            case .hex(let frame): receive(frame, at: now)
            case .text(let block):
                hasText = true
                if refusals >= Self.neededRefusals, let serial = block.value(of: "SER#") { hear(serial, at: now) }
            case .rejected(let rejection):
                if rejection.what == .hex, isAsking { askAgain(at: now) }
            }
        }
        swap(&decoder, &self.decoder)
    }

    private mutating func askAgain(at now: Duration) {
        isAsking = false
        next = min(next, now + Self.shortPause)
    }

    private mutating func receive(_ frame: borrowing HexFrame, at now: Duration) {
        guard outcome == nil, frame.response == .get, frame.register == .serialNumber, let sent, isAsking,
            let flags = frame.flags
        else { return }
        guard flags.isEmpty else {
            refusals += 1
            if refusals >= Self.neededRefusals {
                limit = max(limit, now + Self.textPatience)
                next = limit
            } else {
                askAgain(at: now)
            }
            return
        }
        // What echoes the question holds no value.
        guard let definition = RegisterCatalogue.standard[.serialNumber],
            case .text(let serial)? = try? definition.decode(frame.value)
        else { return }
        proof = (frame.value, sent, now)
        hear(serial, at: now)
        if outcome == nil { askAgain(at: now) }
    }

    private mutating func hear(_ serial: String, at now: Duration) {
        guard outcome == nil, DeviceIdentity.isPlausible(serial: serial) else { return }
        let known = [expected].compactMap(\.self) + others
        let serial = known.first { DeviceIdentity.isSame($0, serial) } ?? serial
        if serial == expected {
            outcome = .passed(serial)
        } else if others.contains(serial) {
            foreignAnswers += 1
            if other == serial { outcome = .foreign(serial) }
        } else if expected == nil {
            outcome = .passed(serial)
        } else if other == serial {
            // Said twice: damage, or what was left of another turn, is not.
            outcome = .changed(serial)
        }
        other = serial
    }
}
