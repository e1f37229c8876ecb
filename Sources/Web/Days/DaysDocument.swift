import Bridge
import History

/// What was: `/api/v1/days` and `/api/v1/days/2026-11-23`.
enum DaysDocument {
    /// What a day is drawn from.
    static let charted: Set<History.Quantity> = [
        .panelPower, .batteryVoltage, .batteryCurrent, .stateOfCharge, .chargerVoltage,
    ]

    /// Of a device and a day, in a range of days; a single day has all of them.
    private static let shown: Set<String> = [
        "yield", "yield_source", "share", "maximum_power", "consumption", "direct", "self_sufficiency", "energy_in",
        "energy_out", "overnight", "other_sources", "battery_voltage.min", "battery_voltage.max",
        "state_of_charge.min", "state_of_charge.max", "compare.morning", "compare.noon", "compare.evening",
    ]

    static func range(
        _ range: ClosedRange<CivilDate>, _ figures: [DayFigures], findings: [Underperformance],
        known: ClosedRange<CivilDate>?, today: CivilDate, zone: TimeZoneRules
    ) -> String {
        let statistics = PeriodStatistics(range, figures, unfinished: today)
        var byDay: [CivilDate: [DayFigures]] = [:]
        for entry in figures { byDay[entry.day, default: []].append(entry) }
        let days = byDay.sorted { $0.key < $1.key }.map { day, entries in
            JSONText.object([
                ("day", JSONText.quoted(day.description)),
                ("devices", devices(entries) { shown.contains($0) }),
            ])
        }
        return JSONText.object([
            ("zone", JSONText.quoted(ZoneName.known(zone))), ("today", JSONText.quoted(today.description)),
            ("first", JSONText.text(known?.lowerBound.description)),
            ("last", JSONText.text(known?.upperBound.description)),
            ("from", JSONText.quoted(range.lowerBound.description)),
            ("to", JSONText.quoted(range.upperBound.description)), ("days", JSONText.list(days)),
            (
                "total",
                JSONText.object([
                    ("known_days", "\(statistics.knownDays)"),
                    ("devices", devices(statistics.figures) { shown.contains($0) }),
                    ("daily_yields", yields(statistics.dailyYields)),
                ])
            ), ("findings", JSONText.list(findings.map(finding))),
        ])
    }

    static func day(
        _ day: CivilDate, start: Double, end: Double, _ figures: [DayFigures], _ lines: [(Series, [ChartPoint])],
        zone: TimeZoneRules
    ) -> String {
        JSONText.object([
            ("day", JSONText.quoted(day.description)), ("zone", JSONText.quoted(ZoneName.known(zone))),
            ("start", JSONText.rounded(start)), ("end", JSONText.rounded(end)),
            ("devices", devices(figures) { _ in true }),
            (
                "series",
                JSONText.list(
                    lines.map { series, points in
                        JSONText.object([
                            ("device", JSONText.quoted(series.device)),
                            ("quantity", JSONText.quoted(series.quantity.rawValue)),
                            ("unit", JSONText.quoted(series.unit)),
                            ("step", JSONText.rounded(points.first?.length ?? 60)),
                            ("points", JSONText.list(points.map { point($0, start) })),
                        ])
                    })
            ),
        ])
    }

    /// Seconds since the day began, and the mean of the time from then on.
    private static func point(_ point: ChartPoint, _ start: Double) -> String {
        "[\(JSONText.rounded(point.time - start)),\(JSONText.rounded((point.mean * 1000).rounded() / 1000))]"
    }

    private static func devices(_ figures: [DayFigures], _ isWanted: (String) -> Bool) -> String {
        JSONText.object(
            figures.sorted { $0.device < $1.device }.map { entry in
                let values = entry.values.filter { isWanted($0.key) }.sorted { $0.key < $1.key }
                return (entry.device, JSONText.object(values.map { ($0.key, JSONText.rounded($0.value)) }))
            })
    }

    private static func yields(_ yields: [String: PeriodStatistics.Distribution]) -> String {
        JSONText.object(
            yields.sorted { $0.key < $1.key }.map { device, yields in
                (
                    device,
                    JSONText.object([
                        ("days", "\(yields.count)"), ("min", JSONText.rounded(yields.minimum)),
                        ("max", JSONText.rounded(yields.maximum)), ("mean", JSONText.rounded(yields.mean)),
                        ("median", JSONText.rounded(yields.median)),
                    ])
                )
            })
    }

    private static func finding(_ finding: Underperformance) -> String {
        JSONText.object([
            ("device", JSONText.quoted(finding.device)), ("kind", JSONText.quoted(finding.kind.rawValue)),
            ("alarm", "\(finding.kind.isAlarm)"), ("since", JSONText.quoted(finding.since.description)),
            ("until", JSONText.text(finding.until?.description)),
            ("less_percent", JSONText.rounded((finding.less * 10).rounded() / 10)),
            ("confidence", JSONText.rounded(Double(finding.certaintyPercent) / 100)),
            ("sentence", JSONText.quoted(finding.sentence)),
        ])
    }
}
