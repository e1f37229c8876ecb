import ArgumentParser
import Bridge
import Glibc
import History

/// Days, weeks and months in figures.
struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Yield, battery, consumption, and which charger falls behind.",
        discussion: """
              vebridge stats                      today so far
              vebridge stats --day yesterday      or --day 2026-11-22
              vebridge stats --week               from Monday to today
              vebridge stats --month --json
              vebridge stats --since 2026-06-01   from that day to today

            It reads the history that the daemon keeps in its state directory; the
            daemon may run meanwhile. What each figure means is in docs/statistics.md.

            Exit status 3: there is no history, or nothing of these days.
            """)

    @OptionGroup var place: HistoryPlace

    @Option(help: "A day: 2026-11-23, today or yesterday.")
    var day: String?

    @Flag(help: "This week, from Monday.")
    var week = false

    @Flag(help: "This month.")
    var month = false

    @Option(help: "From this day to today.")
    var since: String?

    @Flag(help: "Every figure of every device in the table.")
    var all = false

    @Flag(help: "One JSON object instead of a table.")
    var json = false

    func validate() throws {
        guard [day != nil, week, month, since != nil].filter({ $0 }).count <= 1 else {
            throw ValidationError("only one of --day, --week, --month and --since")
        }
    }

    func run() throws {
        let store = try place.open()
        let zone = store.zone
        let today = zone.date(at: Double(time(nil)))
        let days: ClosedRange<CivilDate>
        if let day {
            let wanted = try HistoryPlace.date(day, option: "--day", today: today)
            days = wanted...wanted
        } else if let since {
            let first = try HistoryPlace.date(since, option: "--since", today: today)
            guard first <= today else {
                Terminal.complain("--since: \(first) is in the future")
                throw Status.usage.exit
            }
            days = first...today
        } else {
            days = (week ? today.startOfWeek : month ? today.startOfMonth : today)...today
        }
        do {
            let figures = try store.figures(from: days.lowerBound, to: days.upperBound)
            guard !figures.isEmpty else {
                let known = try store.days().map { "\($0.lowerBound) to \($0.upperBound)" } ?? "nothing yet"
                Terminal.complain("no figures from \(days.lowerBound) to \(days.upperBound); there is \(known)")
                throw Status.nothingToDo.exit
            }
            // What is usual is learned from the past, however short the time that is shown.
            let findings = try store.findings(upTo: days.upperBound)
                .filter { ($0.until ?? days.upperBound) >= days.lowerBound }
            let statistics = PeriodStatistics(days, figures, unfinished: today)
            let medians = try self.medians(store, days, figures)
            try place.reportDamage(store)
            let units = Dictionary(
                try store.series().map { ($0.quantity.rawValue, $0.unit) }, uniquingKeysWith: { first, _ in first })
            if json {
                printObject(statistics, days.count == 1 ? figures : nil, medians, findings, zone)
            } else {
                printTable(
                    days.count == 1 ? figures : statistics.figures, statistics, medians, findings, zone, units,
                    today: today)
            }
        } catch let error as HistoryError {
            Terminal.complain(error.description)
            throw Status.failed.exit
        }
    }

    /// A day's medians are among its figures; those of longer times are worked out.
    private func medians(
        _ store: HistoryStore, _ days: ClosedRange<CivilDate>, _ figures: [DayFigures]
    ) throws -> [String: [String: Double]] {
        guard days.count > 1, all || json else { return [:] }
        var medians: [String: [String: Double]] = [:]
        for series in try store.series(of: figures) {
            guard let median = try store.median(of: series, from: days.lowerBound, to: days.upperBound) else {
                continue
            }
            medians[series.device, default: [:]][series.quantity.rawValue + ".median"] = median
        }
        return medians
    }

    // MARK: JSON

    private func printObject(
        _ statistics: PeriodStatistics, _ single: [DayFigures]?, _ medians: [String: [String: Double]],
        _ findings: [Underperformance], _ zone: TimeZoneRules
    ) {
        var object = JSONObject()
        object.add("from", "\(statistics.days.lowerBound)")
        object.add("to", "\(statistics.days.upperBound)")
        object.add("zone", zone.name)
        object.add("known_days", statistics.knownDays)
        var devices = JSONObject()
        for figures in single ?? statistics.figures {
            var device = JSONObject()
            var values = figures.values
            values.merge(medians[figures.device] ?? [:]) { _, new in new }
            for (figure, value) in values.sorted(by: { $0.key < $1.key }) {
                if figure == "yield_source" {
                    device.add(figure, YieldSource(rawValue: value)?.word ?? "unknown")
                } else if FigureDefinition.of(figure)?.kind == .moment {
                    device.add(figure, zone.text(of: value))
                } else {
                    device.add(figure, Self.rounded(value))
                }
            }
            if let yields = statistics.dailyYields[figures.device], yields.count > 1 {
                var daily = JSONObject()
                daily.add("days", yields.count)
                daily.add("min", Self.rounded(yields.minimum))
                daily.add("max", Self.rounded(yields.maximum))
                daily.add("mean", Self.rounded(yields.mean))
                daily.add("median", Self.rounded(yields.median))
                device.addRaw("daily_yield", daily.text)
            }
            devices.addRaw(figures.device, device.text)
        }
        object.addRaw("devices", devices.text)
        object.addRaw("findings", JSONObject.array(findings.map { Self.object($0) }))
        Terminal.print(object.text)
    }

    private static func object(_ finding: Underperformance) -> String {
        var object = JSONObject()
        object.add("device", finding.device)
        object.add("kind", finding.kind.rawValue)
        object.add("alarm", finding.kind.isAlarm)
        object.add("since", "\(finding.since)")
        if let until = finding.until { object.add("until", "\(until)") }
        object.add("noticed", "\(finding.noticed)")
        object.add("less_percent", (finding.less * 10).rounded() / 10)
        object.add("confidence", Double(finding.certaintyPercent) / 100)
        return object.text
    }

    private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }

    // MARK: Table

    private func printTable(
        _ figures: [DayFigures], _ statistics: PeriodStatistics, _ medians: [String: [String: Double]],
        _ findings: [Underperformance], _ zone: TimeZoneRules, _ units: [String: String], today: CivilDate
    ) {
        let days = statistics.days
        let title = days.count == 1 ? "\(days.lowerBound)" : "\(days.lowerBound) to \(days.upperBound)"
        Terminal.print(title + (days.count > 1 ? "  (\(statistics.knownDays) of \(days.count) days known)" : ""))
        for device in figures.sorted(by: { Self.rank($0) < Self.rank($1) }) {
            Terminal.print("")
            Terminal.print(device.device)
            var values = device.values
            values.merge(medians[device.device] ?? [:]) { _, new in new }
            let names =
                all
                ? values.keys.sorted()
                : Self.shown.filter {
                    values[$0] != nil && (days.count == 1 || !Self.isMoment($0) || $0.hasSuffix("x_at"))
                }
            for name in names {
                guard let value = values[name] else { continue }
                Terminal.print(
                    "  " + Self.padded(Self.labels[name] ?? name, 28)
                        + Self.text(name, value, zone, units, withDate: days.count > 1))
            }
            if days.count > 1, let yields = statistics.dailyYields[device.device] {
                let numbers = [yields.minimum, yields.median, yields.mean, yields.maximum].map { Self.number($0) }
                Terminal.print(
                    "  " + Self.padded("daily yield", 28) + numbers.joined(separator: " / ") + " kWh"
                        + "  (min / median / mean / max" + (days.contains(today) ? ", without today)" : ")"))
            }
        }
        guard !findings.isEmpty else { return }
        Terminal.print("")
        for finding in findings { Terminal.print(finding.sentence) }
    }

    /// Two figures that are easily taken for one: the plant's is a mean, a charger's is a sample.
    private static let labels = [
        "maximum_power": "peak (1 min average)", "maximum_power_at": "peak (1 min average) at",
        "panel_power.max": "peak", "panel_power.max_at": "peak at",
    ]

    private static let shown = [
        "yield", "yield_source", "share", "lifetime_yield", "maximum_power", "maximum_power_at", "production_start",
        "met_consumption", "production_stop", "panel_power.max", "panel_power.max_at", "state.bulk", "state.absorption",
        "state.float", "state.off", "state.fault", "float_at", "consumption", "direct", "self_sufficiency",
        "other_sources",
        "battery_voltage.min", "battery_voltage.max", "battery_voltage.mean", "state_of_charge.min",
        "state_of_charge.min_at", "full_at", "charge_in", "charge_out", "energy_in", "energy_out", "overnight",
        "negative_day", "negative_night", "capacity", "autonomy",
    ]

    private static func rank(_ figures: DayFigures) -> String {
        if figures.device == DayFigures.plant { return "0" }
        return (figures["yield"] != nil ? "1" : "2") + figures.device
    }

    private static func isMoment(_ name: String) -> Bool { FigureDefinition.of(name)?.kind == .moment }

    private static func text(
        _ name: String, _ value: Double, _ zone: TimeZoneRules, _ units: [String: String], withDate: Bool
    ) -> String {
        if name == "yield_source" { return YieldSource(rawValue: value)?.word ?? "unknown" }
        guard let definition = FigureDefinition.of(name) else { return number(value) }
        switch definition.kind {
        case .moment: return withDate ? String(zone.text(of: value).prefix(16)) : zone.clockText(of: value)
        case .time:
            let minutes = Int((value / 60).rounded())
            return "\(minutes / 60) h \(minutes % 60) min"
        case .amount:
            let quantity = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
            let unit = definition.subject == .quantity ? units[quantity] ?? "" : definition.unit
            return number(value) + (unit.isEmpty ? "" : " " + unit)
        }
    }

    private static func number(_ value: Double) -> String {
        let steps = abs(value) < 100 ? 100.0 : 10
        let text = "\((value * steps).rounded() / steps)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}

/// Where the history is.
struct HistoryPlace: ParsableArguments {
    @Option(help: "The configuration file of the daemon, which says where its history is.")
    var config: String?

    @Option(help: "The state directory, or the history's file itself.")
    var state: String?

    @Option(help: "The place whose midnights part the days, as Europe/Berlin; else the daemon's.")
    var zone: String?

    func validate() throws {
        if let zone, TimeZoneRules(named: zone) == nil {
            throw ValidationError("--zone: '\(zone)' is no time zone of this machine; write Europe/Berlin or UTC")
        }
    }

    private func configuration(_ file: String) throws -> Configuration {
        do {
            return try Configuration.load(file: file)
        } catch {
            for diagnostic in error.diagnostics { Terminal.complain("\(diagnostic)") }
            throw Status.usage.exit
        }
    }

    var path: String {
        get throws {
            if let state {
                var status = stat()
                let isDirectory = stat(state, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
                return isDirectory ? state + "/" + HistoryStore.fileName : state
            }
            if let config {
                guard let path = try configuration(config).historyPath else {
                    Terminal.complain("\(config): bridge.state_directory is not set, so no history is kept")
                    throw Status.usage.exit
                }
                return path
            }
            let directory = getenv("STATE_DIRECTORY").map { String(cString: $0) } ?? "/var/lib/vebridge"
            return directory + "/" + HistoryStore.fileName
        }
    }

    /// The zone that was asked for; nil where the history's own will do.
    var wantedZone: TimeZoneRules? {
        get throws {
            if let zone { return TimeZoneRules(named: zone) }
            guard let config else { return nil }
            let name = try configuration(config).history.zone
            return name.isEmpty ? nil : TimeZoneRules(named: name)
        }
    }

    /// Opens the history to read it.
    func open() throws -> HistoryStore {
        do {
            let store = try HistoryStore.read(at: try path, zone: try wantedZone)
            if let problem = store.zoneProblem { Terminal.complain(problem) }
            return store
        } catch let error as HistoryError {
            Terminal.complain(error.description)
            switch error {
            case .missing(let path):
                if HistoryStore.isDiskFull(at: path) { Terminal.complain("nothing can be recorded: the disk is full") }
                Terminal.complain("name another place with --state DIRECTORY or --config FILE")
                throw Status.nothingToDo.exit
            case .empty: throw Status.nothingToDo.exit
            default: throw Status.failed.exit
            }
        }
    }

    /// Names the rows that were left out.
    ///
    /// - Parameter all: whether packed rows that were not read yet are looked into as well.
    func reportDamage(_ store: HistoryStore, all: Bool = false) throws {
        try store.findDamagedRows(blocks: all)
        let damage = store.damagedRows
        if damage.count > 0 { Terminal.complain("\(store.path): left out \(damage)") }
    }

    static func date(_ text: String, option: String, today: CivilDate) throws -> CivilDate {
        switch text {
        case "today": return today
        case "yesterday": return today - 1
        default:
            guard let day = CivilDate(text) else {
                Terminal.complain("\(option): '\(text)' is no day; write 2026-11-23, today or yesterday")
                throw Status.usage.exit
            }
            return day
        }
    }
}
