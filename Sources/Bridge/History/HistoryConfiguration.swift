public import History

extension Configuration {
    /// What is kept of the past.
    public struct History: Sendable, Equatable {
        /// Whether anything is kept.
        public var enabled = true
        /// The database; empty: `history.sqlite` in the state directory.
        public var path = ""
        /// The place whose days are meant, as in `Europe/Berlin`; empty: the machine's.
        public var zone = ""
        /// The time between two samples of a quantity.
        public var interval = Duration.seconds(5)
        /// Days for which every sample is kept.
        public var samples = 7
        /// Days for which the minutes are kept.
        public var minutes = 92
        /// Days for which the quarters of an hour are kept.
        public var quarters = 1830
        /// What the file may have, MB.
        public var maximumSize = 400
        /// Whether figures are published.
        public var publish = true

        /// The defaults.
        public init() {}

        /// How long what is kept.
        public var retention: HistoryRetention {
            HistoryRetention(
                samples: samples, minutes: minutes, quarters: quarters, maximumSize: maximumSize * 1_000_000)
        }

        /// The zone of ``zone``; the machine's where none is named.
        public var rules: TimeZoneRules { TimeZoneRules(named: zone) ?? .local() }

        /// Why ``rules`` is not the zone that is meant; nil if it is.
        var zoneProblem: String? {
            if zone.isEmpty { return LocalZone().problem }
            return TimeZoneRules(named: zone) == nil
                ? "history.zone \(zone) is not a readable time zone: this machine's is used" : nil
        }
    }

    /// Where the history is kept; nil where there is no place for it.
    public var historyPath: String? {
        if !history.path.isEmpty { return history.path }
        return bridge.stateDirectory.isEmpty ? nil : bridge.stateDirectory + "/" + HistoryStore.fileName
    }
}

extension OptionCatalogue {
    static let history = Section(
        name: "history",
        summary: "What is kept of the past, and the figures that follow from it; see docs/statistics.md.",
        options: [
            .flag("enabled", \.history.enabled, "Whether anything is kept. It needs bridge.state_directory or path."),
            .path(
                "path", \.history.path, allowed: "a path, or \"\"",
                "The database. Empty: history.sqlite in bridge.state_directory."),
            .text(
                "zone", \.history.zone, allowed: "a time zone such as \"Europe/Berlin\", or \"\"",
                "The place whose midnights part the days. Empty: the machine's time zone.", check: timeZone),
            .duration(
                "interval", \.history.interval, .seconds(1) ... .seconds(60),
                "The time between two samples of a quantity."),
            .count("samples", \.history.samples, 2...3650, "Days for which every sample is kept."),
            .count("minutes", \.history.minutes, 2...3650, "Days for which the minutes are kept."),
            .count("quarters", \.history.quarters, 2...36_500, "Days for which the quarters of an hour are kept."),
            .count(
                "maximum_size", \.history.maximumSize, 4...100_000,
                """
                What the file may have, in megabytes. Beyond it samples go first, then minutes, then quarters; the \
                figures of the days always stay.
                """),
            .flag("publish", \.history.publish, "Whether figures are published as vebridge/stats/…"),
        ])

    private static func timeZone(_ text: String) throws(Problem) {
        guard text.isEmpty || TimeZoneRules(named: text) != nil else {
            throw Problem(
                "names no time zone of this machine", hint: "write for example \"Europe/Berlin\" or \"UTC\"")
        }
    }
}
