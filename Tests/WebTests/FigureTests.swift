import Foundation
import Testing

@testable import Bridge
@testable import History
@testable import VEDirect
@testable import Web

@Suite("Figures that must not mislead")
struct FigureTests {
    /// A plant with one charger that was read a while ago.
    private static func plant(silentFor silence: Duration, at now: Duration, isAlive: Bool = true) throws -> Plant {
        var plant = Plant()
        let time = now - silence
        var identity = DeviceIdentity(serial: "HQ2012ABCDE")
        identity.productID = 0xA062
        plant.identified(identity, port: "/dev/ttyUSB0", at: time)
        try plant.read(.of(.yieldYesterday, 421, 2, at: time), serial: "HQ2012ABCDE")
        try plant.read(.of(.yieldToday, 100, 2, at: time), serial: "HQ2012ABCDE")
        try plant.read(.of(.panelPower, 10_000, 4, at: time), serial: "HQ2012ABCDE")
        if !isAlive { plant.lost("HQ2012ABCDE", port: "/dev/ttyUSB0") }
        return plant
    }

    @Test("the yield of yesterday ages by the day, that of today and the power by the second")
    func ageing() throws {
        let now = Duration.seconds(200_000)
        for (silence, isStale) in [
            (Duration.seconds(1320), false), (.seconds(86_300), false), (.seconds(86_500), true),
        ] {
            let snapshot = BridgeSnapshot.of(try Self.plant(silentFor: silence, at: now), at: now)
            let charger = try #require(snapshot.chargers.first)
            #expect(charger["yield_yesterday"]?.isStale == isStale, "\(silence)")
            #expect(charger["yield_today"]?.isStale == true)
            #expect(charger["panel_power"]?.isStale == true)
        }
    }

    @Test("a charger that does not answer has no share")
    func share() throws {
        let now = Duration.seconds(100)
        let alive = BridgeSnapshot.of(try Self.plant(silentFor: .seconds(1), at: now), at: now)
        #expect(alive.chargers.first?.share == 1)
        let dead = BridgeSnapshot.of(try Self.plant(silentFor: .seconds(10), at: now, isAlive: false), at: now)
        #expect(dead.chargers.first?.isAlive == false && dead.chargers.first?.share == nil)
        #expect(NowDocument.text(dead).contains("\"share\":null"))
    }

    @Test("what was rejected in the running minute, and before the first minute was over, is in the last hour")
    func runningMinute() throws {
        let record = NoiseRecord()
        var snapshot = try BridgeSnapshot.ofEverything()
        func count(_ frames: Int, _ checksum: Int) {
            snapshot.ports[0].report.counters.frames = frames
            snapshot.ports[0].report.counters.rejectedFrames = [.checksum: checksum]
        }
        func lastHour() -> [String: Int] {
            (record.minutes(upTo: snapshot)["/dev/ttyUSB0"] ?? []).reduce(into: [:]) { sum, minute in
                sum.merge(minute.rejected) { $0 + $1 }
            }
        }
        count(100, 1)
        #expect(lastHour() == ["checksum": 1])
        record.take(snapshot)
        #expect(lastHour() == ["checksum": 1])
        count(200, 4)
        #expect(lastHour() == ["checksum": 4])
        let document = HealthDocument.text(snapshot, noise: record.minutes(upTo: snapshot), lastRecord: nil)
        let health = try #require(try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any])
        let port = try #require((health["ports"] as? [[String: Any]])?.first)
        let minutes = try #require(port["rejected_minutes"] as? [[String: Any]])
        let sum = minutes.compactMap { ($0["rejected"] as? [String: Int])?["checksum"] }.reduce(0, +)
        #expect(sum == (port["rejected"] as? [String: Int])?["checksum"])
        // An hour later only the total has them.
        for _ in 0..<60 { record.take(snapshot) }
        #expect(lastHour().isEmpty)
        // Counters that begin again count from nothing.
        count(5, 1)
        record.take(snapshot)
        count(9, 2)
        #expect(lastHour() == ["checksum": 1])
    }

    @Test("today is in the sum of the days and not in their average, and nothing is certain")
    func days() throws {
        let today = CivilDate(year: 2026, month: 11, day: 23)
        let figures = [4.0, 5, 0.1].enumerated().map { index, yield in
            DayFigures(day: today - 2 + index, device: "plant", values: ["yield": yield])
        }
        let finding = Underperformance(
            device: "HQ1", kind: .failedString, since: today - 10, noticed: today - 5, until: nil, less: 32,
            confidence: 1)
        let text = DaysDocument.range(
            today - 2...today, figures, findings: [finding], known: nil, today: today, zone: .utc)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let total = try #require(document["total"] as? [String: Any])
        let daily = try #require((total["daily_yields"] as? [String: [String: Double]])?["plant"])
        #expect(daily["mean"] == 4.5 && daily["days"] == 2 && daily["min"] == 4)
        #expect((total["devices"] as? [String: [String: Double]])?["plant"]?["yield"] == 9.1)
        let told = try #require((document["findings"] as? [[String: Any]])?.first)
        #expect(told["confidence"] as? Double == 0.99)
        #expect((told["sentence"] as? String)?.contains("more than 99 % certain") == true)
    }
}
