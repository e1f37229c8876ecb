internal import Glibc
internal import History
import Simulation

/// A year of eight chargers and a shunt, a sample of everything every five seconds: how big, how fast, how much written.
package enum BigYear {
    package struct Report: Sendable {
        package var bytes = 0
        package var largestBytes = 0
        package var dayTime = 0.0
        package var openDayTime = 0.0
        package var chartTime = 0.0
        package var chartPoints = 0
        package var allChartsTime = 0.0
        package var writtenPerHour = 0
    }

    private static let quantities: [(Quantity, String)] = [
        (.panelPower, "W"), (.panelVoltage, "V"), (.chargerVoltage, "V"), (.chargerCurrent, "A"), (.deviceState, ""),
        (.systemYield, "kWh"), (Quantity(rawValue: "charger_internal_temperature"), "degC"), (.trackerMode, ""),
    ]
    private static let shunt: [(Quantity, String)] = [
        (.batteryVoltage, "V"), (.batteryCurrent, "A"), (.stateOfCharge, "%"),
        (Quantity(rawValue: "consumed_charge"), "Ah"),
    ]

    /// Values at a time; `clear` says how clear the minute is.
    private static func values(_ charger: Int, _ sun: Double, _ random: inout SeededRandom, _ lifetime: Double)
        -> [Double]
    {
        let power = sun > 0 ? sun * (200 + 40 * Double(charger)) * (0.97 + 0.06 * random.unit()) : 0
        let voltage = 12.6 + sun * 1.2 + 0.01 * random.unit()
        return [
            power, sun > 0 ? 34 + random.unit() : 0.01, voltage, power / voltage, power > 1 ? 3 : 0, lifetime,
            25 + sun * 20, power > 1 ? 2 : 0,
        ]
    }

    @discardableResult
    package static func run(directory: String, days: Int) throws -> Report {
        var report = Report()
        let zone = TimeZoneRules(named: "Europe/Berlin") ?? .utc
        let path = directory + "/" + HistoryStore.fileName
        let store = try HistoryStore.open(at: path, zone: zone)
        var ids: [[Series]] = []
        for charger in 0..<8 {
            ids.append(
                try quantities.compactMap {
                    try store.makeSeries(device: "HQ220\(charger)ABCDE", quantity: $0.0, unit: $0.1)
                })
        }
        ids.append(try shunt.compactMap { try store.makeSeries(device: "0x31297", quantity: $0.0, unit: $0.1) })
        let firstDay = CivilDate(year: 2026, month: 1, day: 1)
        let sky = Sky(latitude: 48, dayOfYear: 1, cloudiness: 0.45, seed: 3)
        var random = SeededRandom(seed: 5)
        var lifetimes = (0..<8).map { 100 + 50 * Double($0) }
        let times = (0..<12).map { UInt16($0 * 50 + 3) }
        let begin = seconds()
        for day in 0..<days {
            for hour in 0..<24 {
                var blocks: [(minute: Int, block: MinuteBlock)] = []
                for minute in 0..<60 {
                    let place = (firstDay.number + day) * 1440 + hour * 60 + minute
                    let elapsed = Double(day * 86_400 + hour * 3600 + minute * 60)
                    var suns: [Double] = []
                    for sample in 0..<12 { suns.append(sky.irradiance(at: elapsed + Double(sample) * 5) / 1000) }
                    var block = MinuteBlock()
                    for charger in 0..<8 {
                        var columns = [[Int64]](repeating: [], count: quantities.count)
                        for sun in suns {
                            let all = values(charger, sun, &random, (lifetimes[charger] * 100).rounded(.down) / 100)
                            lifetimes[charger] += all[0] * 5 / 3_600_000
                            for (index, value) in all.enumerated() {
                                columns[index].append(ids[charger][index].stepsForProof(value))
                            }
                        }
                        for (index, column) in columns.enumerated() {
                            block.runs.append(SampleRun(series: ids[charger][index].id, times: times, values: column))
                        }
                    }
                    var columns = [[Int64]](repeating: [], count: shunt.count)
                    for sun in suns {
                        let current = sun * 140 - 6 + random.unit() * 0.4
                        let all = [12.6 + sun * 1.2 + 0.02 * random.unit(), current, 80 + sun * 10, -40 + sun * 20]
                        for (index, value) in all.enumerated() {
                            columns[index].append(ids[8][index].stepsForProof(value))
                        }
                    }
                    for (index, column) in columns.enumerated() {
                        block.runs.append(SampleRun(series: ids[8][index].id, times: times, values: column))
                    }
                    blocks.append((place, block))
                }
                try store.writeMany(blocks, retention: HistoryRetention())
            }
            if day % 30 == 29 {
                report.largestBytes = max(report.largestBytes, try store.size().file)
                print("day \(day + 1): \(try store.size().file) bytes, \(Int(seconds() - begin)) s")
                fflush(nil)
            }
        }
        report.bytes = try store.size().file
        store.close()
        try measure(path, zone, firstDay, days, &report)
        report.writtenPerHour = try writtenBytes(path, zone, from: Double(firstDay.number + days) * 86_400 + 10 * 3600)
        print("\(report)")
        return report
    }

    /// How long the questions take to a history that ``run(directory:days:)`` made.
    package static func time(directory: String, days: Int) throws {
        var report = Report()
        let zone = TimeZoneRules(named: "Europe/Berlin") ?? .utc
        try measure(
            directory + "/" + HistoryStore.fileName, zone, CivilDate(year: 2026, month: 1, day: 1), days, &report)
        print("\(report)")
    }

    private static func measure(
        _ path: String, _ zone: TimeZoneRules, _ firstDay: CivilDate, _ days: Int, _ report: inout Report
    ) throws {
        let store = try HistoryStore.read(at: path, zone: zone)
        func milliseconds(_ seconds: Double) -> Double { (seconds * 10_000).rounded() / 10 }
        func best(_ name: String, _ body: () throws -> Void) rethrows -> Double {
            var best = Double.infinity
            var work = Double.infinity
            defer { print("\(name): \(milliseconds(best)) ms, of which \(milliseconds(work)) ms at work") }
            for _ in 0..<5 {
                let begin = (seconds(), seconds(CLOCK_PROCESS_CPUTIME_ID))
                try body()
                best = min(best, seconds() - begin.0)
                work = min(work, seconds(CLOCK_PROCESS_CPUTIME_ID) - begin.1)
            }
            return best
        }
        let last = firstDay + (days - 1)
        report.dayTime = try best("a closed day") { _ = try store.figures(of: last - 2) }
        report.openDayTime = try best("the running day") { _ = try store.foldAgain(last) }
        _ = try best("who falls behind") { _ = try store.findings(upTo: last) }
        _ = try best("the figures of a year") { _ = try store.figures(from: firstDay, to: last) }
        let power = try store.series().filter { $0.quantity == .panelPower }
        let from = Double(firstDay.number) * 86_400
        let to = from + Double(days) * 86_400
        report.chartTime = try best("a chart of a year") {
            report.chartPoints = try power.first.map { try store.chart($0, from: from, to: to).count } ?? 0
        }
        report.allChartsTime = try best("eight charts of a year") {
            for series in power { _ = try store.chart(series, from: from, to: to) }
        }
        store.close()
    }

    /// Bytes that this process hands to the disk for an hour, by the kernel's count, over two hours with all that is
    /// due in them.
    private static func writtenBytes(_ path: String, _ zone: TimeZoneRules, from: Double) throws -> Int {
        let recorder = HistoryRecorder(path: path, zone: zone, boot: "proof") { print($0.text) }
        var random = SeededRandom(seed: 9)
        let hours = 3
        var before = 0
        for step in 0..<(hours * 720) {
            let monotonic = 1000 + Double(step) * 5
            let wall = from + Double(step) * 5
            if step == 720 { before = diskBytes() }
            recorder.tick(wall: wall, monotonic: monotonic, isSynchronised: true)
            var samples: [HistorySample] = []
            func add(_ device: String, _ quantity: Quantity, _ value: Double, _ unit: String) {
                samples.append(
                    HistorySample(
                        device: device, quantity: quantity, value: value, unit: unit, wall: wall, monotonic: monotonic))
            }
            for charger in 0..<8 {
                let all = values(charger, 0.5, &random, 2000 + Double(step) * 0.0003)
                for (index, quantity) in quantities.enumerated() {
                    add("HQ220\(charger)ABCDE", quantity.0, all[index], quantity.1)
                }
            }
            for (quantity, unit) in shunt { add("0x31297", quantity, 10 + random.unit(), unit) }
            recorder.record(samples)
        }
        recorder.close(monotonic: 1000 + Double(hours) * 3600)
        return (diskBytes() - before) / (hours - 1)
    }

    private static func diskBytes() -> Int {
        guard let file = fopen("/proc/self/io", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 100)
        while fgets(&line, 100, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.hasPrefix("write_bytes:") { return Int(text.dropFirst(13).filter(\.isNumber)) ?? 0 }
        }
        return 0
    }

    private static func seconds(_ clock: clockid_t = CLOCK_MONOTONIC) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
