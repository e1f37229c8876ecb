import ArgumentParser
import Glibc
import History

/// The history, out and in.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Export, import and size of what was recorded.",
        subcommands: [HistoryExportCommand.self, HistoryImportCommand.self, HistorySizeCommand.self])
}

/// History to standard output.
struct HistoryExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the history to standard output.",
        discussion: """
              vebridge history export > history.csv
              vebridge history export --json --since 2026-11-01
              vebridge history export --line-protocol --only days |
                  curl --data-binary @- http://influx:8086/api/v2/write?...

            All of it, unless days or tiers are named. What is exported whole can be
            imported again, with the same statistics.
            """)

    enum Format: String, EnumerableFlag {
        case csv
        case json
        case lineProtocol

        static func name(for value: Format) -> NameSpecification {
            value == .lineProtocol ? .customLong("line-protocol") : .long
        }

        static func help(for value: Format) -> ArgumentHelp? {
            switch value {
            case .csv: "A table with a line of headings (the default)."
            case .json: "A JSON object a line."
            case .lineProtocol: "InfluxDB's line protocol."
            }
        }
    }

    @OptionGroup var place: HistoryPlace

    @Flag(exclusivity: .exclusive)
    var format = Format.csv

    @Option(help: "The first day.")
    var since: String?

    @Option(help: "The last day.")
    var until: String?

    @Option(help: "Only these: samples, minutes, quarters, days; may be given several times.")
    var only: [String] = []

    func run() throws {
        var tiers: Set<HistoryStore.Tier> = []
        for name in only {
            guard let tier = HistoryStore.Tier(rawValue: name) else {
                Terminal.complain("--only: '\(name)' is none of samples, minutes, quarters, days")
                throw Status.usage.exit
            }
            tiers.insert(tier)
        }
        let store = try place.open()
        let today = store.zone.date(at: Double(time(nil)))
        let first = try since.map { try HistoryPlace.date($0, option: "--since", today: today) }
        let last = try until.map { try HistoryPlace.date($0, option: "--until", today: today) }
        do {
            var days: ClosedRange<CivilDate>?
            if first != nil || last != nil, let known = try store.days() {
                let low = first ?? known.lowerBound
                let high = last ?? max(known.upperBound, low)
                guard low <= high else {
                    Terminal.complain("--since \(low) is after --until \(high)")
                    throw Status.usage.exit
                }
                days = low...high
            }
            let exchange: ExchangeFormat =
                switch format {
                case .csv: .csv
                case .json: .json
                case .lineProtocol: .lineProtocol
                }
            // Whole pages at a time: a year is millions of lines.
            var page = ""
            try store.export(as: exchange, tiers: tiers.isEmpty ? Set(HistoryStore.Tier.allCases) : tiers, days: days) {
                line in
                page += line
                page += "\n"
                guard page.utf8.count > 1 << 16 else { return }
                Terminal.draw(page)
                page = ""
            }
            Terminal.draw(page)
            try place.reportDamage(store)
        } catch let error as HistoryError {
            Terminal.complain(error.description)
            throw Status.failed.exit
        }
    }
}

/// What the history's file holds.
struct HistorySizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "size", abstract: "What the history's file holds.")

    @OptionGroup var place: HistoryPlace

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let store = try place.open()
        do {
            let size = try store.size()
            let days = try store.days()
            try place.reportDamage(store, all: true)
            if json {
                var object = JSONObject()
                object.add("path", store.path)
                object.add("bytes", size.file)
                object.add("free_bytes", size.free)
                if let days {
                    object.add("from", "\(days.lowerBound)")
                    object.add("to", "\(days.upperBound)")
                }
                for (table, rows) in size.rows.sorted(by: { $0.key < $1.key }) { object.add(table, rows) }
                Terminal.print(object.text)
                return
            }
            Terminal.print(store.path)
            Terminal.print("\(size.file) bytes, \(size.free) of them free")
            if let days { Terminal.print("\(days.lowerBound) to \(days.upperBound)") }
            for (table, rows) in size.rows.sorted(by: { $0.key < $1.key }) {
                Terminal.print("\(rows) rows of \(table)")
            }
        } catch let error as HistoryError {
            Terminal.complain(error.description)
            throw Status.failed.exit
        }
    }
}
