/// What one publisher said of one topic, in order of time. Bounded: the oldest samples go.
public struct Series: Sendable {
    /// A value and when it came, in seconds since the comparison began.
    public struct Sample: Sendable, Hashable {
        /// Seconds.
        public var time: Double
        /// The number; nil where it says that there is none.
        public var value: Double?
    }

    static let limit = 20_000

    /// The samples that are kept.
    public private(set) var samples: [Sample] = []
    /// All that ever came.
    public private(set) var count = 0
    /// The last text of a topic that carries no number.
    public private(set) var text: String?
    /// Whether all there is was kept by the broker, and is older than it looks.
    private(set) var wasRetained = false

    /// Nothing yet.
    public init() {}

    /// Takes a value.
    public mutating func add(_ value: ComparedValue, at time: Double, isRetained: Bool = false) {
        count += 1
        if wasRetained, !isRetained {
            // What the broker kept was true at a time that nobody knows.
            samples.removeAll()
            wasRetained = false
        }
        if isRetained { wasRetained = true }
        switch value {
        case .number(let number): append(Sample(time: time, value: number))
        case .notAvailable: append(Sample(time: time, value: nil))
        case .text(let words): text = words
        }
    }

    private mutating func append(_ sample: Sample) {
        // A late one takes its place at the end: order matters more than a clock that ran back.
        samples.append(Sample(time: max(sample.time, samples.last?.time ?? sample.time), value: sample.value))
        if samples.count >= Self.limit + Self.limit / 4 { samples.removeFirst(samples.count - Self.limit) }
    }

    /// The last number.
    public var last: Sample? { samples.last }

    /// The index of the last sample at or before a time; nil before the first.
    func index(at time: Double) -> Int? {
        var low = 0
        var high = samples.count
        while low < high {
            let middle = (low + high) / 2
            if samples[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }

    /// What was in force at a time: the last value that came.
    func value(at time: Double) -> Double? { index(at: time).flatMap { samples[$0].value } }

    /// When the value was read before and after a time; the time itself where that is more than `limit` away, or did not
    /// happen. A publisher that speaks only of changes has read a value long after the sample that tells it, so a change
    /// may have happened up to `limit` before the sample that tells of it.
    func reading(around time: Double, atMost limit: Double) -> (Double, Double) {
        guard let before = index(at: time), before + 1 < samples.count else { return (time, time) }
        let (first, second) = (samples[before].time, samples[before + 1].time)
        return (second - first <= limit ? first : time, second - time <= limit ? second : time)
    }

    /// The least and the greatest value that was in force in a span of time; nil where none was.
    func range(_ from: Double, _ to: Double) -> ClosedRange<Double>? {
        var low = Double.infinity
        var high = -Double.infinity
        var index = index(at: from) ?? 0
        while index < samples.count, samples[index].time <= to || index == self.index(at: from) {
            if let value = samples[index].value {
                low = min(low, value)
                high = max(high, value)
            }
            index += 1
        }
        return low <= high ? low...high : nil
    }

    /// Whether the value became less in a span of time, its value at the beginning included.
    func falls(from: Double, to: Double) -> Bool {
        var index = index(at: from) ?? 0
        var before: Double?
        while index < samples.count, samples[index].time <= to {
            if let value = samples[index].value {
                if let before, value < before { return true }
                before = value
            }
            index += 1
        }
        return false
    }

    /// How fast a value that mostly rises does so, by the second: the middle of its rises; 0 where it falls as often.
    var usualRise: Double {
        var rises: [Double] = []
        var falls = 0
        for (first, second) in zip(samples, samples.dropFirst()) {
            guard let before = first.value, let after = second.value, second.time > first.time else { continue }
            if after > before { rises.append((after - before) / (second.time - first.time)) }
            if after < before { falls += 1 }
        }
        return rises.count > falls * 2 ? rises.sorted()[rises.count / 2] : 0
    }

    /// The least step between two values that follow each other; 0 where nothing moved.
    var resolution: Double {
        var least = Double.infinity
        var before: Double?
        for sample in samples {
            guard let value = sample.value else { continue }
            if let before, before != value { least = min(least, abs(value - before)) }
            before = value
        }
        return least.isFinite ? least : 0
    }

    /// The middle 90 % of the values, from its lower to its upper end; nil without a number.
    var spread: ClosedRange<Double>? {
        let values = samples.compactMap(\.value).sorted()
        guard let first = values.first else { return nil }
        let low = values[values.count / 20]
        let high = values[values.count - 1 - values.count / 20]
        return min(first, low)...max(low, high)
    }

    /// The time between samples in which three of four come.
    var usualInterval: Double {
        guard samples.count > 2 else { return 0 }
        let gaps = zip(samples, samples.dropFirst()).map { $1.time - $0.time }.sorted()
        return gaps[gaps.count * 3 / 4]
    }

    /// The time between samples that a publisher with a beat has: a short one among those that came, for loss only makes
    /// gaps longer.
    var beat: Double {
        guard samples.count > 2 else { return 0 }
        let gaps = zip(samples, samples.dropFirst()).map { $1.time - $0.time }.filter { $0 > 0.05 }.sorted()
        return gaps.isEmpty ? 0 : gaps[gaps.count / 5]
    }

    /// When the value last became another one.
    var lastChange: Double? {
        guard let last = samples.last else { return nil }
        return (samples.last { $0.value != last.value }.flatMap { index(at: $0.time) }).map {
            samples[min($0 + 1, samples.count - 1)].time
        } ?? samples.first?.time
    }
}
