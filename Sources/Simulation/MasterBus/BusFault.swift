public import MasterBus

/// Something that goes wrong on the bus for a while.
public struct BusFault: Sendable, Hashable {
    /// What goes wrong.
    public enum Kind: Sendable, Hashable {
        /// A device says nothing.
        case mute(DeviceAddress)
        /// A device answers this much later.
        case late(DeviceAddress, by: Duration)
        /// A device answers everything twice.
        case duplicates(DeviceAddress)
        /// The adapter's controller is off the bus: nothing comes, nothing goes.
        case busOff
        /// The controller reports receive errors this often.
        case errorFrames(every: Duration)
        /// Another master asks for everything twice a second.
        case otherMaster
    }

    /// What goes wrong.
    public let kind: Kind
    /// From when, on the bus's clock.
    public let start: Duration
    /// Until when.
    public let end: Duration

    /// A fault from `start` for `length`.
    public init(_ kind: Kind, from start: Duration = .zero, for length: Duration = .seconds(1 << 40)) {
        self.kind = kind
        self.start = start
        end = start + length
    }

    /// Whether it is there at a time.
    public func isActive(at time: Duration) -> Bool { time >= start && time < end }

    /// Reads a fault as the command line has it: `mute:0x31297`, `late:0x2F412:400ms`, `duplicates:0x31297`, `busoff`,
    /// `errors:2s`, `master`; then, if it does not last for ever, `@START+LENGTH`, as in `busoff@20s+5s`.
    public init?(_ text: String, devices: [DeviceAddress]) {
        let halves = text.split(separator: "@", maxSplits: 1).map(String.init)
        guard let head = halves.first else { return nil }
        let words = head.split(separator: ":").map(String.init)
        let device = words.count > 1 ? devices.first { $0.text == words[1] } : nil
        switch (words.first, words.count) {
        case ("mute", 2): guard let device else { return nil }; kind = .mute(device)
        case ("duplicates", 2): guard let device else { return nil }; kind = .duplicates(device)
        case ("late", 3):
            guard let device, let pause = Self.time(words[2]) else { return nil }
            kind = .late(device, by: pause)
        case ("busoff", 1): kind = .busOff
        case ("errors", 2):
            guard let pause = Self.time(words[1]), pause >= .milliseconds(1) else { return nil }
            kind = .errorFrames(every: pause)
        case ("master", 1): kind = .otherMaster
        default: return nil
        }
        guard halves.count == 2 else {
            start = .zero
            end = .seconds(1 << 40)
            return
        }
        let times = halves[1].split(separator: "+").compactMap { Self.time(String($0)) }
        guard times.count == 2 else { return nil }
        start = times[0]
        end = times[0] + times[1]
    }

    private static func time(_ text: String) -> Duration? {
        for (unit, scale) in [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)] where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.utf8.count)), (0...1e6).contains(number) else { continue }
            return .seconds(number * scale)
        }
        return nil
    }
}
