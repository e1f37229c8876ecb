import Glibc
import HistoryScenarios
import Testing

@testable import History

/// The proofs of the whole, in short; at length with VEBRIDGE_LONG_TESTS=1, which takes a quarter of an hour, best in a
/// release build of the program HistoryProof.
@Suite struct ProofTests {
    private static let isLong = getenv("VEBRIDGE_LONG_TESTS") != nil

    /// Built with the tests, beside them.
    private static var program: String? {
        let arguments = CommandLine.arguments
        var places: [String] = []
        if let index = arguments.firstIndex(of: "--test-bundle-path"), index + 1 < arguments.count {
            places.append(arguments[index + 1])
        }
        places.append(arguments[0])
        for place in places {
            var parts = place.split(separator: "/", omittingEmptySubsequences: false)
            while parts.count > 1 {
                parts.removeLast()
                let path = parts.joined(separator: "/") + "/HistoryProof"
                if access(path, X_OK) == 0 { return path }
            }
        }
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let path = "/" + root + "/.build/debug/HistoryProof"
        return access(path, X_OK) == 0 ? path : nil
    }

    /// Six days with the change of the clocks, a restart, and a start without a clock.
    @Test func figuresAreTheTruth() throws {
        let scratch = try ScratchDirectory()
        let days = Self.isLong ? 365.0 : 6
        let start = CivilDate(year: 2026, month: 3, day: Self.isLong ? 1 : 25)
        let scenario = YearScenario(days: days, start: start)
        let interval = Self.isLong ? 5.0 : 60
        var run = scenario.run(interval: interval, truthStep: Self.isLong ? 2.5 : 20, path: scratch.database) { _ in }
        run.run(days: days)
        run.finish()
        let store = try HistoryStore.read(at: scratch.database, zone: scenario.zone)
        let verdict = try scenario.verdict(run, store)
        #expect(verdict.days == Int(days) - 1)
        #expect(verdict.missingDays.isEmpty)
        for (name, error) in verdict.energyErrors {
            // With a minute between samples in and out of a cloud's edge are a guess.
            #expect(error.sum < (Self.isLong ? 0.005 : 0.01), "\(name)")
            // A minute between samples sees a refrigerator come and go half a minute late; a day with a tenth of a kWh
            // is no day to be measured by, and what came unseen is as good as the charger's own record, 0.01 kWh.
            #expect(error.worstDay < (name == "yield" ? 0.005 : Self.isLong ? 0.01 : 0.03), "\(name)")
        }
        for name in ["production_start", "production_stop"] {
            // In the twilight the power may be over a watt for less than a sample's time.
            #expect(verdict.timeErrors[name] ?? .infinity <= interval * 2, "\(name)")
        }
        for name in ["full_at", "met_consumption"] {
            #expect(verdict.timeErrors[name] ?? .infinity <= interval * 4, "\(name)")
        }
        let alarms = verdict.findings.filter { $0.kind.isAlarm }
        guard Self.isLong else {
            #expect(alarms.isEmpty)
            return
        }
        #expect(alarms.map(\.device) == [scenario.failing])
        #expect((alarms.first.map { $0.noticed - (start + 200) } ?? 99) <= 10)
    }

    @Test func exportedAndImportedItIsTheSame() throws {
        let scratch = try ScratchDirectory()
        let scenario = YearScenario(days: 2, start: CivilDate(year: 2026, month: 3, day: 28))
        var run = scenario.run(interval: 120, truthStep: 60, path: scratch.database) { _ in }
        run.run(days: 2)
        run.finish()
        let original = try HistoryStore.read(at: scratch.database, zone: scenario.zone)
        let days = try #require(try original.days())
        for format in ExchangeFormat.allCases {
            let other = try ScratchDirectory()
            let copy = try HistoryStore.open(at: other.database, zone: scenario.zone)
            var lines: [String] = []
            try original.export(as: format) { lines.append($0) }
            var reader = try HistoryImport(into: copy)
            for line in lines { try reader.take(line) }
            try reader.finish()
            #expect(
                try copy.figures(from: days.lowerBound, to: days.upperBound + 1)
                    == original.figures(from: days.lowerBound, to: days.upperBound + 1))
            for series in try original.series() {
                let twin = try #require(
                    try copy.series().first { $0.device == series.device && $0.quantity == series.quantity })
                for span: Double in [86_400, 3 * 86_400] {
                    let from = Double(scenario.zone.start(of: days.lowerBound + 1))
                    let mine = try original.chart(series, from: from, to: from + span)
                    #expect(try copy.chart(twin, from: from, to: from + span) == mine)
                }
            }
            // What comes out of the copy is what went in, to the last digit.
            var again: [String] = []
            try copy.export(as: format) { again.append($0) }
            #expect(again.sorted() == lines.sorted())
        }
    }

    @Test func tiersAloneCanBeLookedAt() throws {
        let scratch = try ScratchDirectory()
        let store = try HistoryStore.open(at: scratch.database, zone: berlin)
        var reader = try HistoryImport(into: store)
        try reader.take("kind,time,device,name,unit,value,known,mean,minimum,maximum")
        for minute in 10..<40 { try reader.take("minute,2026-06-01T08:\(minute):00Z,HQ1,panel_power,W,5,60,4.5,4,5") }
        try reader.finish()
        let series = try #require(try store.series().first)
        let points = try store.chart(series, from: june, to: june + 3600)
        #expect(points.count == 30)
        #expect(points.first == ChartPoint(time: june + 600, length: 60, mean: 4.5, minimum: 4, maximum: 5))
    }

    @Test func whatIsNotOursIsRefusedWithItsLine() throws {
        let scratch = try ScratchDirectory()
        let store = try HistoryStore.open(at: scratch.database, zone: berlin)
        let bad: [([String], Int)] = [
            (["a,b,c"], 1), (["kind,time,device,name,value", "sample,2026-06-01T00:00:00Z,HQ1,panel_power"], 2),
            (["kind,time,device,name,value", "sample,2026-06-01T00:00:00Z,HQ1,panel_power,many"], 2),
            (["kind,time,device,name,value", "sample,yesterday,HQ1,panel_power,5"], 2),
            (["{\"kind\":\"sample\",\"device\":[1]}"], 1), (["vebridge_sample,device=x value"], 1),
            (["kind,time,device,name,value", "# a remark", "sample,2026-06-01,,panel_power,5"], 3),
        ]
        for (lines, line) in bad {
            var reader = try HistoryImport(into: store)
            let error = #expect(throws: HistoryError.self) { for text in lines { try reader.take(text) } }
            switch error {
            case .badLine(let number, _), .notExported(let number, _): #expect(number == line)
            default: Issue.record("\(lines)")
            }
        }
    }

    @Test func killedAtAnyMoment() throws {
        let program = try #require(Self.program, "HistoryProof is built with the tests")
        let scratch = try ScratchDirectory()
        let report = try KillProof.run(
            program: program, directory: scratch.path, count: Self.isLong ? 200 : 12, seed: UInt64(getpid()))
        #expect(report.kills >= (Self.isLong ? 200 : 12))
        #expect(report.isGood, "\(report)")
    }

    @Test func aFullDiskLosesNothing() throws {
        let program = try #require(Self.program, "HistoryProof is built with the tests")
        let scratch = try ScratchDirectory()
        let result = try #require(FaultyDisk.run([program, "full", scratch.path]))
        #expect(result.status == 0)
        #expect(result.output.contains("history is not written"), "\(result.output)")
        #expect(result.output.contains("history is written again"), "\(result.output)")
        #expect(result.output.contains("end trouble=none lost=0"), "\(result.output)")
        // Said when it begins and when it ends, not every minute.
        #expect(result.output.split(separator: "\n").count < 12, "\(result.output)")
        let size = try HistoryStore.read(at: scratch.database, zone: berlin).size()
        #expect(size.rows["samples"] == 3 * 60)
    }

    @Test func aDiskThatMayNotBeWritten() throws {
        let program = try #require(Self.program, "HistoryProof is built with the tests")
        let scratch = try ScratchDirectory()
        _ = try HistoryStore.open(at: scratch.database, zone: berlin).close()
        chmod(scratch.database, 0o444)
        chmod(scratch.path, 0o555)
        defer { chmod(scratch.path, 0o755) }
        let result = try #require(FaultyDisk.run([program, "readonly", scratch.path]))
        #expect(result.status == 0)
        #expect(result.output.contains("history is not written"), "\(result.output)")
        #expect(result.output.contains("lost=0"), "\(result.output)")
        #expect(!result.output.contains("power=-1"), "\(result.output)")
    }

    @Test(.enabled(if: isLong)) func aBigYearFits() throws {
        let scratch = try ScratchDirectory()
        let report = try BigYear.run(directory: scratch.path, days: 365)
        #expect(report.bytes < 400_000_000)
        #expect(report.writtenPerHour < 2_000_000)
    }
}
