/// A line between a host and a charger, both ways, with everything that ``Noise`` can do to it, in the time of its user:
/// virtual or real. Equal seeds and equal bytes at equal times give equal damage.
///
///     line.send(request, at: now)                         // the host says something
///     charger.receive(line.toCharger(until: now), …)      // then, and at `nextDeadline`
///     let said = charger.transmit(until: now)
///     host.receive(line.toHost(said, ended: charger.lastTransmitted, until: now))
public struct ImpairedLine: Sendable {
    /// Bytes that wait for the far end; more than a host sends in seconds.
    private static let maximumWaiting = 65_536

    private let script: NoiseScript
    private let seeds: (toHost: UInt64, toCharger: UInt64)
    private var number: Int
    private var noise: Noise
    private var changes: Duration?
    /// What the host has sent and has not crossed yet. One line feed ends one piece.
    private var underWay: [TimedByte] = []
    private var hostLineFree: Duration = .zero
    private var hostDirection: Direction
    private var chargerDirection: Direction
    /// What the host says on the wire at the other end of which it listens, if that matters there.
    private var fromHost: [TimedByte] = []
    /// What the charger says, if that matters on the way to it.
    private var fromCharger: [TimedByte] = []
    /// What comes back to the host between the bytes of the charger.
    private var echo: [TimedByte] = []
    private var damagedBefore = 0

    /// What happens to bytes one way.
    private struct Direction: Sendable {
        var receiver: LineReceiver?
        var noisy: NoisyLine
        let eat: Int
        let lump: Int64
        var tears: RandomSpells
        var tear: Range<Int64>?
        var count = 0
        var eaten = 0
        /// What is held back, with the time at which it is handed on.
        var held: [TimedByte] = []
        var lastHandedOn: Duration = .zero

        init(_ noise: Noise, seed: UInt64, isToHost: Bool) {
            receiver =
                noise.hasWaveform
                ? LineReceiver(
                    noise, hearsOthers: isToHost && noise.echoes, seed: SeededRandom.seed(seed, part: 1)) : nil
            noisy = NoisyLine(noise.rates, seed: seed)
            eat = noise.eat
            lump = isToHost ? noise.lump.nanoseconds : 0
            let never = Noise.Spells(length: .zero)
            tears = RandomSpells(isToHost ? noise.tear : never, seed: SeededRandom.seed(seed, part: 2))
        }

        var damaged: Int { noisy.damaged + eaten + (receiver?.framingErrors ?? 0) }

        var nextDeadline: Duration? {
            let candidates = [receiver?.nextDeadline, held.first?.time].compactMap { $0 }
            return candidates.min()
        }

        mutating func pass(_ bytes: [TimedByte], others: [TimedByte], until now: Duration) -> [UInt8] {
            var bytes = bytes
            if receiver != nil {
                receiver?.hear(bytes, others: others)
                bytes = receiver?.read(until: now) ?? []
            }
            if !noisy.rates.isClean {
                var arrived: [TimedByte] = []
                for entry in bytes {
                    for byte in noisy.pass([entry.byte], at: entry.time) {
                        arrived.append(TimedByte(byte: byte, time: entry.time))
                    }
                }
                bytes = arrived
            }
            if eat > 0 {
                bytes.removeAll { _ in
                    count += 1
                    guard count % eat == 0 else { return false }
                    eaten += 1
                    return true
                }
            }
            return handOn(bytes, until: now)
        }

        /// Holds back what is to come later, and hands on what is due.
        private mutating func handOn(_ bytes: [TimedByte], until now: Duration) -> [UInt8] {
            for var entry in bytes {
                if let begun = tears.begun(before: entry.time.nanoseconds).last { tear = begun }
                if let tear, tear.contains(entry.time.nanoseconds) { entry.time = .nanoseconds(tear.upperBound) }
                if lump > 0 {
                    entry.time = .nanoseconds((entry.time.nanoseconds + lump - 1) / lump * lump)
                }
                // Nothing overtakes.
                entry.time = max(entry.time, held.last?.time ?? .zero)
                held.append(entry)
            }
            let due = held.prefix { $0.time <= now }.count
            defer { held.removeFirst(due) }
            return held.prefix(due).map(\.byte)
        }

        /// Everything that is held back, for the noise changes.
        mutating func release() -> [TimedByte] {
            defer { held = [] }
            return held
        }
    }

    /// A line with this noise for ever.
    ///
    /// - Parameters:
    ///   - noise: what it does.
    ///   - toHost: a seed for what happens to bytes of the charger.
    ///   - toCharger: a seed for what happens to bytes of the host.
    public init(_ noise: Noise, toHost: UInt64, toCharger: UInt64) {
        self.init(NoiseScript(noise), toHost: toHost, toCharger: toCharger)
    }

    /// A line whose noise changes as time goes on.
    public init(_ script: NoiseScript, toHost: UInt64, toCharger: UInt64) {
        self.script = script
        seeds = (toHost, toCharger)
        let (number, noise, until) = script.entry(at: .zero)
        self.number = number
        self.noise = noise
        changes = until
        hostDirection = Direction(noise, seed: toHost, isToHost: true)
        chargerDirection = Direction(noise, seed: toCharger, isToHost: false)
    }

    /// Bytes that were changed, lost or doubled so far, and stop bits that were low.
    public var damaged: Int { damagedBefore + hostDirection.damaged + chargerDirection.damaged }

    /// The host begins to send these bytes; they follow what it is still sending. What is too much is lost.
    public mutating func send(_ bytes: [UInt8], at now: Duration) {
        var time = max(now, hostLineFree)
        for byte in bytes where underWay.count < Self.maximumWaiting {
            time += OutgoingLine.byteTime
            underWay.append(TimedByte(byte: byte, time: time))
        }
        hostLineFree = time
        if noise.hasWaveform, noise.collides || noise.echoes { fromHost += underWay.suffix(bytes.count) }
    }

    /// When something comes out at either end though nobody says anything; nil for never.
    public var nextDeadline: Duration? {
        // A request counts from its line feed, or else when its last byte is there.
        let end = underWay.first { $0.byte == 0x0A } ?? underWay.last
        let candidates = [
            end.map { $0.time + collisionTime }, hostDirection.nextDeadline,
            chargerDirection.nextDeadline.map { $0 + collisionTime },
        ]
        return candidates.compactMap { $0 }.min()
    }

    /// What the host sent can only be judged once it is known what the charger said at the same time.
    private var collisionTime: Duration { noise.collides ? OutgoingLine.byteTime : .zero }

    /// What has come to the charger by `now`.
    public mutating func toCharger(until now: Duration) -> [UInt8] {
        follow(to: now)
        guard !underWay.isEmpty || chargerDirection.nextDeadline != nil else { return [] }
        if noise.isPlain, let end = underWay.first(where: { $0.byte == 0x0A }), end.time > now { return [] }
        let count = underWay.prefix { $0.time + collisionTime <= now }.count
        let crossed = Array(underWay.prefix(count))
        underWay.removeFirst(count)
        if noise.echoes, !noise.hasWaveform { echo += crossed }
        let others = fromCharger
        fromCharger = []
        return chargerDirection.pass(crossed, others: others, until: now - collisionTime)
    }

    /// What has come to the host by `now`, when the charger has said these bytes one after the other.
    ///
    /// - Parameters:
    ///   - bytes: what it said since the last call.
    ///   - ended: when the last of them had been sent; at `now` where nothing is said of it. What happens to a wire
    ///     happens to bits: were a byte taken for a later one, it would overlap the next.
    public mutating func toHost(_ bytes: [UInt8], ended: Duration? = nil, until now: Duration) -> [UInt8] {
        follow(to: now)
        if noise.isPlain, hostDirection.held.isEmpty { return hostDirection.noisy.pass(bytes, at: now) }
        var said: [TimedByte] = []
        let ended = min(ended ?? now, now)
        for (index, byte) in bytes.enumerated() {
            said.append(
                TimedByte(byte: byte, time: ended - OutgoingLine.byteTime * (bytes.count - 1 - index)))
        }
        if noise.collides {
            fromCharger.removeAll { now - $0.time > .milliseconds(100) }
            fromCharger += said
        }
        if !echo.isEmpty {
            said = (said + echo).sorted { $0.time < $1.time }
            echo = []
        }
        let others = fromHost
        fromHost = []
        return hostDirection.pass(said, others: others, until: now)
    }

    /// Changes the noise when its time has come.
    private mutating func follow(to now: Duration) {
        guard let change = changes, now >= change else { return }
        let (number, noise, until) = script.entry(at: now)
        changes = until
        guard number != self.number else { return }
        self.number = number
        self.noise = noise
        damagedBefore += hostDirection.damaged + chargerDirection.damaged
        let late = hostDirection.release()
        hostDirection = Direction(noise, seed: SeededRandom.seed(seeds.toHost, part: number), isToHost: true)
        hostDirection.held = late
        chargerDirection = Direction(noise, seed: SeededRandom.seed(seeds.toCharger, part: number), isToHost: false)
        (fromHost, fromCharger, echo) = ([], [], [])
    }
}
