/// The samples of one series in one minute.
package struct SampleRun: Sendable, Hashable {
    package var series: Int
    /// Whether any of them was derived.
    package var isDerived = false
    /// Tenths of a second since the minute began, 0…599, rising.
    package var times: [UInt16] = []
    /// In the series' steps.
    package var values: [Int64] = []

    package init(series: Int, isDerived: Bool = false, times: [UInt16] = [], values: [Int64] = []) {
        self.series = series
        self.isDerived = isDerived
        self.times = times
        self.values = values
    }
}

/// All samples of one minute (UTC), as the store keeps them: one row, so that a minute costs few pages.
package struct MinuteBlock: Sendable, Hashable {
    /// By series.
    package var runs: [SampleRun] = []

    /// The most samples of a series in a minute: ten a second.
    static let longestRun = 600

    var isEmpty: Bool { runs.isEmpty }
    var count: Int { runs.reduce(0) { $0 + $1.times.count } }

    /// Adds a sample; a second one at the same tenth of a second replaces the first.
    mutating func add(series: Int, time: UInt16, value: Int64, isDerived: Bool = false) {
        let index: Int
        if let last = runs.last, last.series < series {
            index = runs.count
            runs.append(SampleRun(series: series))
        } else if let found = runs.firstIndex(where: { $0.series >= series }) {
            index = found
            if runs[found].series != series { runs.insert(SampleRun(series: series), at: found) }
        } else {
            index = runs.count
            runs.append(SampleRun(series: series))
        }
        if isDerived { runs[index].isDerived = true }
        var place = runs[index].times.count
        while place > 0, runs[index].times[place - 1] >= time { place -= 1 }
        if place < runs[index].times.count, runs[index].times[place] == time {
            runs[index].values[place] = value
        } else {
            runs[index].times.insert(time, at: place)
            runs[index].values.insert(value, at: place)
        }
    }

    /// Takes the samples of another block of the same minute.
    mutating func merge(_ other: MinuteBlock) {
        for run in other.runs {
            for (time, value) in zip(run.times, run.values) {
                add(series: run.series, time: time, value: value, isDerived: run.isDerived)
            }
        }
    }

    func packed() -> [UInt8] {
        var packer = Packer()
        packer.add(1)
        packer.add(runs.count)
        var series = 0
        for run in runs {
            packer.add((run.series - series) << 1 | (run.isDerived ? 1 : 0))
            series = run.series
            packer.add(run.times.count)
            pack(run.times, &packer)
            pack(run.values, &packer)
        }
        packer.seal()
        return packer.bytes
    }

    /// Even steps cost three bytes for the whole run; others one byte each as a rule.
    private func pack(_ times: [UInt16], _ packer: inout Packer) {
        guard let first = times.first else { return }
        packer.add(UInt64(first))
        guard times.count > 1 else { return }
        let step = times[1] - first
        let isEven = zip(times, times.dropFirst()).allSatisfy { $1 - $0 == step }
        packer.add(UInt64(isEven ? step : 0))
        guard !isEven else { return }
        for (time, next) in zip(times, times.dropFirst()) { packer.add(UInt64(next - time)) }
    }

    /// A value that does not move costs nothing after the first.
    private func pack(_ values: [Int64], _ packer: inout Packer) {
        guard let first = values.first else { return }
        packer.addSigned(first)
        guard values.count > 1 else { return }
        let isConstant = values.allSatisfy { $0 == first }
        packer.add(isConstant ? 0 : 1)
        guard !isConstant else { return }
        for (value, next) in zip(values, values.dropFirst()) { packer.addSigned(next &- value) }
    }

    /// Nil for a damaged block.
    init?(packed bytes: UnsafeRawBufferPointer) {
        var runs: [SampleRun] = []
        let isWhole = Self.forEachRun(packed: bytes) { series, isDerived, times, values in
            runs.append(SampleRun(series: series, isDerived: isDerived, times: times, values: values))
        }
        guard isWhole else { return nil }
        self.runs = runs
    }

    package init() {}

    /// Reads run by run into arrays that are used again; false for a damaged block, of which nothing is handed on.
    ///
    /// What comes out is in bounds: series, times and values are those that a block can hold.
    @discardableResult
    static func forEachRun(
        packed bytes: UnsafeRawBufferPointer,
        _ body: (_ series: Int, _ isDerived: Bool, _ times: [UInt16], _ values: [Int64]) -> Void
    ) -> Bool {
        guard var unpacker = Unpacker(bytes), unpacker.number() == 1 else { return false }
        let runs = unpacker.count(limit: Series.limit)
        var series = 0
        var times: [UInt16] = []
        var values: [Int64] = []
        for _ in 0..<runs {
            let head = unpacker.count(limit: Series.limit * 2 + 1)
            series += head >> 1
            let count = unpacker.count(limit: longestRun)
            times.removeAll(keepingCapacity: true)
            values.removeAll(keepingCapacity: true)
            if count > 0 {
                var time = unpacker.count(limit: 599)
                times.append(UInt16(time))
                if count > 1 {
                    let step = unpacker.count(limit: 599)
                    for _ in 1..<count {
                        time += step > 0 ? step : unpacker.count(limit: 599)
                        guard time < longestRun else { return false }
                        times.append(UInt16(time))
                    }
                }
                var value = unpacker.signed()
                values.append(value)
                if count > 1 {
                    if unpacker.number() == 0 {
                        for _ in 1..<count { values.append(value) }
                    } else {
                        for _ in 1..<count {
                            value &+= unpacker.signed()
                            values.append(value)
                        }
                    }
                }
            }
            // The check can hold for a block that was made to look right; still nothing wrong may leave.
            guard !unpacker.isDamaged, HistoryLimits.series.contains(series),
                values.allSatisfy({ HistoryLimits.steps.contains($0) })
            else { return false }
            body(series, head & 1 == 1, times, values)
        }
        return !unpacker.isDamaged
    }
}
