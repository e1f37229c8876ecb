/// A simulated charger and a host of any kind on one line, in virtual time: deterministic, and as fast as the
/// machine goes.
public struct VirtualLine: Sendable {
    /// In which pieces the host's port hands out what arrives.
    public struct Delivery: Sendable, Hashable {
        /// At most this many bytes at once, at least 1.
        public var bytes: ClosedRange<Int>
        /// The longest that a byte waits for others, as an adapter's latency timer.
        public var latency: Duration

        /// Each piece has a number of bytes drawn from `bytes`, or what came within `latency`.
        public init(bytes: ClosedRange<Int>, latency: Duration) {
            precondition(bytes.lowerBound >= 1, "a piece has at least one byte")
            self.bytes = bytes
            self.latency = latency
        }

        /// Byte by byte.
        public static let bytewise = Delivery(bytes: 1...1, latency: .zero)
        /// As a USB adapter with its latency timer at 1 ms.
        public static let lowLatency = Delivery(bytes: 62...62, latency: .milliseconds(1))
        /// As a USB adapter with its latency timer at 16 ms.
        public static let usual = Delivery(bytes: 62...62, latency: .milliseconds(16))
        /// Pieces of any size from 1 to 64 bytes.
        public static let ragged = Delivery(bytes: 1...64, latency: .milliseconds(40))
    }

    /// What a host does when it was given bytes or its time has come.
    public struct HostAction: Sendable {
        /// Bytes to send.
        public var send: [UInt8]
        /// When to be called again even if nothing arrives; nil for never. Each action replaces what the one before
        /// wanted.
        public var wake: Duration?

        /// An action.
        public init(send: [UInt8] = [], wake: Duration? = nil) {
            self.send = send
            self.wake = wake
        }
    }

    /// The charger at the far end.
    public var charger: SimulatedCharger
    /// What happens to bytes on their way to the host.
    public var toHost: any LineImpairment
    /// What happens to bytes on their way to the charger.
    public var toCharger: any LineImpairment
    /// In which pieces the host gets what arrives.
    public var delivery: Delivery
    /// How far time has come.
    public private(set) var now: Duration = .zero
    /// Bytes handed to the host so far.
    public private(set) var delivered = 0
    /// Bytes taken from the host so far.
    public private(set) var sent = 0

    private var random: SeededRandom
    private var arriving: [UInt8] = []
    private var arrivingSince: Duration?
    private var pieceSize: Int
    private var hostWake: Duration? = .zero
    /// What the host sent and is still on the wire, in pieces, each with the time of its last byte.
    private var underWay: [(bytes: [UInt8], time: Duration)] = []
    private var hostLineFree: Duration = .zero

    /// A line.
    public init(
        _ charger: SimulatedCharger, delivery: Delivery = .usual, toHost: any LineImpairment = CleanLine(),
        toCharger: any LineImpairment = CleanLine(), seed: UInt64 = 1
    ) {
        self.charger = charger
        self.delivery = delivery
        self.toHost = toHost
        self.toCharger = toCharger
        random = SeededRandom(seed: seed)
        pieceSize = delivery.bytes.lowerBound
    }

    /// Runs until `end`. The host is called at the start with no bytes, then whenever bytes arrive or it wanted to be
    /// woken; calls follow each other in time.
    ///
    /// - Parameter host: takes bytes that arrived (none on a wake-up) and the time, returns what it does.
    public mutating func run(
        until end: Duration, host: (_ bytes: [UInt8], _ now: Duration) throws -> HostAction
    ) rethrows {
        while let next = nextEvent(), next <= end {
            now = max(now, next)
            feedCharger()
            gather()
            let isDue = hostWake.map { $0 <= now } ?? false
            let piece = takePiece()
            guard isDue || !piece.isEmpty else { continue }
            delivered += piece.count
            take(try host(piece, now))
        }
        now = max(now, end)
    }

    private func nextEvent() -> Duration? {
        var next: Duration?
        func consider(_ time: Duration?) { if let time { next = next.map { min($0, time) } ?? time } }
        consider(hostWake)
        consider(underWay.first?.time)
        if let since = arrivingSince {
            // Either enough bytes for a piece, or the latency timer.
            let missing = max(0, pieceSize - arriving.count)
            consider(min(since + delivery.latency, now + OutgoingLine.byteTime * missing))
        } else {
            consider(charger.nextDeadline)
        }
        return next
    }

    private mutating func feedCharger() {
        while let piece = underWay.first, piece.time <= now {
            underWay.removeFirst()
            charger.receive(toCharger.pass(piece.bytes, at: piece.time), at: piece.time)
        }
    }

    private mutating func gather() {
        let bytes = toHost.pass(charger.transmit(until: now), at: now)
        guard !bytes.isEmpty else { return }
        if arrivingSince == nil { arrivingSince = now }
        arriving += bytes
    }

    private mutating func takePiece() -> [UInt8] {
        guard let since = arrivingSince, arriving.count >= pieceSize || now >= since + delivery.latency else {
            return []
        }
        let piece = Array(arriving.prefix(pieceSize))
        arriving.removeFirst(piece.count)
        arrivingSince = arriving.isEmpty ? nil : now
        let sizes = delivery.bytes
        pieceSize = sizes.lowerBound + random.whole(below: sizes.count)
        return piece
    }

    private mutating func take(_ action: HostAction) {
        // A little later at least, so that time moves on whatever the host wants.
        hostWake = action.wake.map { max($0, now + .microseconds(10)) }
        guard !action.send.isEmpty else { return }
        sent += action.send.count
        var time = max(now, hostLineFree)
        // A request counts from its line feed: split there, so that each arrives when its last byte does.
        for line in action.send.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let end = line.endIndex < action.send.endIndex ? line.endIndex + 1 : line.endIndex
            let piece = Array(action.send[line.startIndex..<end])
            guard !piece.isEmpty else { continue }
            time += OutgoingLine.byteTime * piece.count
            underWay.append((piece, time))
        }
        hostLineFree = time
    }
}
