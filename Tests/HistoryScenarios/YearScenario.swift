internal import Glibc
package import History

/// Three chargers, one that loses 15 % from day 200, one that is shaded in winter; outages, restarts, both changes of
/// the clocks, and a clock that jumps a year ahead.
package struct YearScenario {
    package let days: Double
    package let zone: TimeZoneRules
    package let start: CivilDate
    package let failingFrom: Double
    package let failing = "HQ2201FAILS"
    package let shaded = "HQ2202SHADE"
    package let sound = "HQ2203SOUND"
    package let events: [PlantRun.Event]
    package let disturbed: Set<CivilDate>

    package init(
        days: Double, start: CivilDate = CivilDate(year: 2026, month: 3, day: 1), failingFrom: Double = 200
    ) {
        self.days = days
        self.start = start
        self.failingFrom = failingFrom
        zone = TimeZoneRules(named: "Europe/Berlin") ?? .utc
        let hour = 3600.0
        let day = 86_400.0
        let year = 365 * day
        events = [
            // A night and a bit; half a day in the sun; three days.
            .outage(from: 10 * day + 18 * hour, to: 11 * day + 5 * hour),
            .outage(from: 40 * day + 9 * hour, to: 40 * day + 15 * hour),
            .outage(from: 90 * day + 13 * hour, to: 93 * day + 10 * hour),
            .outage(from: 230 * day + 11 * hour, to: 231 * day + 11 * hour),
            .reboot(at: 3 * day + 10 * hour, taking: 60, clockError: 0, until: 0),
            // Without a battery the clock begins at 1970; the network sets it after a minute and a half.
            .reboot(at: 5 * day + 12 * hour, taking: 60, clockError: -1_700_000_000, until: 90),
            // A year ahead for five minutes after a restart.
            .reboot(at: 7 * day + 14 * hour, taking: 60, clockError: year, until: 300),
            // Ten minutes behind, as saved at the last shutdown.
            .reboot(at: 120 * day + 9 * hour, taking: 600, clockError: -590, until: 120),
            .crash(at: 8 * day + 13 * hour), .crash(at: 8 * day + 13 * hour + 1234), .crash(at: 150 * day + 8 * hour),
            // A year ahead for three hours while it runs.
            .clockJump(from: 9 * day + 10 * hour, to: 9 * day + 13 * hour, by: year),
            .clockJump(from: 180 * day + 22 * hour, to: 181 * day + 3 * hour, by: -year),
        ]
        var disturbed: Set<CivilDate> = []
        for event in events {
            switch event {
            case .outage(let from, let to):
                for moment in stride(from: from, through: to, by: hour) {
                    disturbed.insert(zone.date(at: Double(start.number) * day + moment))
                }
            case .reboot(let at, _, _, _), .crash(let at):
                disturbed.insert(zone.date(at: Double(start.number) * day + at))
            case .clockJump: break
            }
        }
        self.disturbed = disturbed
    }

    package var model: PlantModel {
        let failingFrom = failingFrom
        let winter = CivilDate(year: 2026, month: 12, day: 21) - start
        return PlantModel(
            chargers: [
                .init(serial: failing, peak: 420) { day, _ in day >= failingFrom ? 0.85 : 1 },
                .init(serial: shaded, peak: 330) { day, hour in
                    // A roof in the way of the low sun: from the middle of October to the end of February, most at
                    // the solstice, and in the morning.
                    let low = max(0, cos((day - Double(winter)) / 70 * .pi / 2))
                    guard abs(day - Double(winter)) < 70 else { return 1 }
                    return 1 - low * (hour < 11.5 ? 0.65 : 0.2)
                },
                .init(serial: sound, peak: 250),
            ], start: start, zone: zone)
    }

    package func run(
        interval: Double, truthStep: Double, path: String, notify: @escaping @Sendable (HistoryNotice) -> Void
    ) -> PlantRun {
        PlantRun(model: model, events: events, interval: interval, truthStep: truthStep, path: path, notify: notify)
    }

    package func verdict(_ run: PlantRun, _ store: HistoryStore) throws -> YearVerdict {
        // The first civil day begins before the simulation does.
        try YearVerdict(model: run.model, store: store, days: start + 1...start + (Int(days) - 1), disturbed: disturbed)
    }
}
