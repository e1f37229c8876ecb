extension Configuration {
    /// A configuration file with every option, its explanation and its default.
    ///
    /// Every option stands behind a `#`, so that the file as it is says nothing but the defaults, and what somebody
    /// changes stands out.
    public static func exampleFile() -> String {
        let defaults = Configuration()
        var lines = wrapped(
            """
            The configuration of vebridge, in TOML: every option, with its default. To change one, remove the # before \
            its name. Text after # and a space is an explanation. Durations have a unit: "500ms", "10s", "5m", "1h", \
            "1d"; a number without quotes is seconds. Unknown names and impossible values are refused, with their line.
            """)
        for section in OptionCatalogue.sections {
            lines.append("")
            if !section.name.isEmpty { lines += wrapped(section.summary) + ["[\(section.name)]"] }
            for (index, option) in section.options.filter(\.isDocumented).enumerated() {
                if index > 0 { lines.append("") }
                lines += explanation(option)
                lines.append("#\(option.key) = \(option.show(defaults) ?? option.sample ?? "\"\"")")
            }
        }
        lines += [""] + wrapped(OptionCatalogue.portSummary) + ["#[[\(OptionCatalogue.portTable)]]"]
        for (index, option) in OptionCatalogue.port.enumerated() {
            if index > 0 { lines.append("") }
            lines += explanation(option) + ["#\(option.key) = \(option.sample ?? "\"\"")"]
        }
        lines += [""] + wrapped(OptionCatalogue.multiplexerSummary) + ["#[[\(OptionCatalogue.multiplexerTable)]]"]
        for (index, option) in OptionCatalogue.multiplexer.enumerated() {
            if index > 0 { lines.append("") }
            lines += explanation(option) + ["#\(option.key) = \(option.sample ?? "\"\"")"]
        }
        lines += [""] + wrapped(OptionCatalogue.brokerSummary) + ["#[[\(OptionCatalogue.brokerTable)]]"]
        let shown = [OptionCatalogue.nameOption] + OptionCatalogue.brokerOptions.filter { $0.key == "url" }
        for (index, option) in shown.enumerated() {
            if index > 0 { lines.append("") }
            lines += explanation(option) + ["#\(option.key) = \(option.show(defaults.broker) ?? "\"\"")"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Every option in force, one a line as `broker.url = "…"`, secrets as three dots: for the log.
    public func redactedDescription() -> String {
        var lines: [String] = []
        for section in OptionCatalogue.sections {
            let prefix = section.name.isEmpty ? "" : section.name + "."
            for option in section.options {
                guard let value = option.show(self), option.isDocumented || value != "\"\"" else { continue }
                lines.append("\(prefix)\(option.key) = \(value)")
            }
        }
        for (index, broker) in brokers.enumerated() {
            let parts = [
                ("", [OptionCatalogue.nameOption] + OptionCatalogue.brokerOptions),
                ("offline.", OptionCatalogue.offlineOptions), ("tls.", OptionCatalogue.tlsOptions),
            ]
            for (part, options) in parts {
                for option in options {
                    guard let value = option.show(broker) else { continue }
                    lines.append("\(OptionCatalogue.brokerTable)[\(index)].\(part)\(option.key) = \(value)")
                }
            }
        }
        for (index, port) in portOverrides.enumerated() {
            for option in OptionCatalogue.port {
                guard let value = option.show(port) else { continue }
                lines.append("\(OptionCatalogue.portTable)[\(index)].\(option.key) = \(value)")
            }
        }
        for (index, multiplexer) in multiplexers.enumerated() {
            for option in OptionCatalogue.multiplexer {
                guard let value = option.show(multiplexer) else { continue }
                lines.append("\(OptionCatalogue.multiplexerTable)[\(index)].\(option.key) = \(value)")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func explanation<Root>(_ option: ConfigurationOption<Root>) -> [String] {
        return wrapped(option.summary) + wrapped("Takes: " + option.allowed + ".")
    }

    /// Comment lines of at most 80 columns.
    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= 80 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append("# " + word)
            }
        }
        return lines
    }
}
