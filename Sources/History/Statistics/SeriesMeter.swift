/// What one series does over a range of minutes: means of minutes, extremes with their times.
///
/// Between two samples a value runs straight from one to the other (a code holds), unless they are further apart than
/// the longest hold: then nothing is known between them.
struct SeriesMeter: Sendable {
    /// A minute on its way.
    struct Minute: Sendable {
        /// Seconds for which the value is known.
        var known = 0.0
        /// Value times seconds.
        var integral = 0.0
        var minimum = Double.infinity
        var maximum = -Double.infinity
        var last = 0.0

        mutating func touch(_ value: Double) {
            if value < minimum { minimum = value }
            if value > maximum { maximum = value }
            last = value
        }
    }

    /// The range, in minutes since 1970.
    let range: Range<Int>
    let isCode: Bool
    let longestHold: Double
    /// Value by whole steps.
    let step: Double

    private(set) var minutes: [Minute]
    private(set) var minimum: (value: Double, time: Double)?
    private(set) var maximum: (value: Double, time: Double)?
    private(set) var lastTime = -Double.infinity
    private(set) var lastValue = 0.0
    /// The last value within the range.
    private(set) var lastInside: Double?

    init(_ series: Series, range: Range<Int>, longestHold: Double) {
        self.range = range
        isCode = series.quantity.isCode
        self.longestHold = longestHold
        step = 1 / series.scale
        minutes = [Minute](repeating: Minute(), count: range.count)
    }

    /// Takes a minute's samples; minutes come in their order, those around the range included.
    mutating func add(minute: Int, times: [UInt16], values: [Int64]) {
        guard let first = times.first, times.count == values.count else { return }
        let start = Double(minute) * 60
        let isInside = range.contains(minute)
        // From the last sample to the first of this minute; the rest lies within it.
        let begin = (time: start + Double(first) / 10, value: Double(values[0]) * step)
        if begin.time > lastTime, begin.time - lastTime <= longestHold { spread(to: begin.time, begin.value) }
        guard isInside else {
            lastTime = start + Double(times[times.count - 1]) / 10
            lastValue = Double(values[values.count - 1]) * step
            return
        }
        var part = minutes[minute - range.lowerBound]
        var (time, value) = begin
        part.touch(value)
        let isCode = isCode
        let longestHold = longestHold
        let step = step
        // The place of the greatest and the least, so that their times are worked out once.
        var least = (value: value, time: time)
        var greatest = least
        times.withUnsafeBufferPointer { times in
            values.withUnsafeBufferPointer { values in
                for index in 1..<max(times.count, 1) {
                    let nextTime = start + Double(times[index]) / 10
                    let nextValue = Double(values[index]) * step
                    let length = nextTime - time
                    if length > 0, length <= longestHold {
                        part.known += length
                        part.integral += length * (isCode ? value : (value + nextValue) / 2)
                    }
                    time = nextTime
                    value = nextValue
                    if value < least.value { least = (value, time) }
                    if value > greatest.value { greatest = (value, time) }
                }
            }
        }
        part.minimum = min(part.minimum, least.value)
        part.maximum = max(part.maximum, greatest.value)
        if least.value < minimum?.value ?? .infinity { minimum = least }
        if greatest.value > maximum?.value ?? -.infinity { maximum = greatest }
        part.last = value
        minutes[minute - range.lowerBound] = part
        lastTime = time
        lastValue = value
        lastInside = value
    }

    /// A stretch over the end of a minute, part by part.
    private mutating func spread(to time: Double, _ value: Double) {
        var from = lastTime
        let slope = isCode ? 0 : (value - lastValue) / (time - lastTime)
        var minute = Int(from / 60)
        while from < time {
            let end = min(time, Double(minute + 1) * 60)
            if range.contains(minute) {
                let first = lastValue + slope * (from - lastTime)
                let second = lastValue + slope * (end - lastTime)
                let place = minute - range.lowerBound
                minutes[place].known += end - from
                minutes[place].integral += (end - from) * (first + second) / 2
                if minutes[place].minimum > minutes[place].maximum {
                    minutes[place].touch(first)
                    minutes[place].touch(second)
                }
            }
            from = end
            minute += 1
        }
    }

    /// Seconds for which the value is known.
    var known: Double { minutes.reduce(0) { $0 + $1.known } }

    /// Weighted by time; nil if nothing is known.
    var mean: Double? {
        let known = known
        return known > 0 ? minutes.reduce(0) { $0 + $1.integral } / known : nil
    }

    /// Of the minutes' means, weighted by time.
    var median: Double? {
        var means: [(value: Double, weight: Double)] = []
        means.reserveCapacity(minutes.count)
        for minute in minutes where minute.known > 0 { means.append((minute.integral / minute.known, minute.known)) }
        return weightedMedian(means)
    }

    /// The minutes as the store keeps them.
    func slots() -> [Slot?] {
        minutes.map { minute in
            guard minute.known > 0 || minute.minimum <= minute.maximum else { return nil }
            let mean = minute.known > 0 ? minute.integral / minute.known : minute.last
            return Slot(
                known: Int((min(minute.known, 60) * 10).rounded()), minimum: steps(minute.minimum),
                maximum: steps(minute.maximum), last: steps(minute.last), mean: Int64((mean / step * 16).rounded()))
        }
    }

    private func steps(_ value: Double) -> Int64 { Int64((value / step).rounded()) }
}

/// The value at which half of the weight is reached; nil without weight.
func weightedMedian(_ items: some Sequence<(value: Double, weight: Double)>) -> Double? {
    var sorted = Array(items)
    sorted.sort { $0.value < $1.value }
    var total = 0.0
    for item in sorted { total += item.weight }
    guard total > 0 else { return nil }
    var sum = 0.0
    for item in sorted {
        sum += item.weight
        if sum >= total / 2 { return item.value }
    }
    return sorted.last?.value
}

/// The middle value; of two middle ones their mean; nil for nothing.
func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
