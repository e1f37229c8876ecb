/// Goes once through a TOML text and fills a configuration, gathering what is wrong.
struct ConfigurationReader {
    var configuration = Configuration()
    var diagnostics: [Diagnostic] = []

    let file: String
    let source: TOMLSource
    /// Options that were given and are right, by their full name.
    var given: Set<String> = []
    /// Options that were given and are wrong: nothing is concluded from their value.
    var failed: Set<String> = []
    var portPaths: [(path: String, line: Int?)] = []
    var multiplexers: [(Configuration.Multiplexer, names: Set<String>, place: [SourceStep])] = []
    /// The names of the page's secret files as they stand in the text.
    var writtenWebFiles = ("", "")
    var brokerPlaces = [BrokerPlace(name: "broker", steps: [.key("broker")], path: \.broker)]

    /// One of the brokers: where it stands in the text and in the configuration.
    struct BrokerPlace {
        /// The first part of the full names of its options.
        var name: String
        var steps: [SourceStep]
        var path: WritableKeyPath<Configuration, Configuration.Broker>
        /// The password that stood in the address.
        var addressPassword: Secret?
        /// The name of the password's file as it stands in the text.
        var writtenPasswordFile = ""
    }

    init(text: String, file: String) {
        self.file = file
        source = TOMLSource(text, file: file) { path in
            guard let option = ConfigurationReader.option(at: path) else { return false }
            return !option.isSensitive
        }
        diagnostics = source.diagnostics
        for path in source.unread { failed.insert(ConfigurationReader.name(path)) }
    }

    // MARK: Options one by one

    mutating func readOptions() {
        guard source.isComplete else { return }
        read(source.root, section: "", path: [])
        resolvePaths()
    }

    mutating func read(_ table: [String: SourceValue], section: String, path: [SourceStep]) {
        let options = OptionCatalogue.sections.first { $0.name == section }?.options ?? []
        let inner = ConfigurationReader.tables(in: section)
        // In the order of the file, so that faults on one line come in a steady order.
        for (key, value) in table.sorted(by: { $0.key < $1.key }) where !key.hasPrefix(TOMLSource.standIn) {
            let place = path + [.key(key)]
            let name = section.isEmpty ? key : "\(section).\(key)"
            if let option = options.first(where: { $0.key == key }) {
                let faults = option.read(value, &configuration)
                note(faults.map { ($0.element, $0.problem) }, name: name, place: place)
                if faults.isEmpty, value != .text("") { given.insert(name) }
                if !faults.isEmpty { failed.insert(name) }
            } else if section.isEmpty, key == OptionCatalogue.portTable {
                for (keys, place) in entries(of: value, name: key, place: place) { readPort(keys, place: place) }
            } else if section.isEmpty, key == OptionCatalogue.brokerTable {
                for (keys, place) in entries(of: value, name: key, place: place) { readBroker(keys, place: place) }
            } else if section.isEmpty, key == OptionCatalogue.multiplexerTable {
                for (keys, place) in entries(of: value, name: key, place: place) {
                    readMultiplexer(keys, place: place)
                }
            } else if inner.contains(key) {
                guard case .table(let keys) = value else {
                    let problem = Problem("'\(name)' is a table, not \(value.kind)", hint: "write [\(name)] on a line")
                    report(problem, at: place)
                    continue
                }
                read(keys, section: name, path: place)
            } else {
                let names = options.filter(\.isDocumented).map(\.key)
                // Of two names equally near, a table means a table.
                let siblings = value.holdsTables ? inner + names : names + inner
                unknown(key, section: section, siblings: siblings, place: place)
            }
        }
    }

    /// The tables of an array of tables.
    mutating func entries(
        of value: SourceValue, name: String, place: [SourceStep]
    ) -> [([String: SourceValue], [SourceStep])] {
        guard case .list(let entries) = value else {
            let hint = value.kind == "a table" ? "write [[\(name)]], with two brackets" : "write [[\(name)]] on a line"
            report(Problem("'\(name)' is an array of tables, not \(value.kind)", hint: hint), at: place)
            return []
        }
        var tables: [([String: SourceValue], [SourceStep])] = []
        for (index, entry) in entries.enumerated() {
            let place = place + [.index(index)]
            if case .table(let keys) = entry {
                tables.append((keys, place))
            } else {
                let problem = Problem("'\(name)' must hold tables, not \(entry.kind)", hint: "write [[\(name)]]")
                report(problem, at: place)
            }
        }
        return tables
    }

    mutating func readBroker(_ table: [String: SourceValue], place: [SourceStep]) {
        let index = configuration.brokers.count
        let name = "\(OptionCatalogue.brokerTable)[\(index)]"
        configuration.brokers.append(Configuration.Broker())
        let parts = [
            ("", [OptionCatalogue.nameOption] + OptionCatalogue.brokerOptions),
            ("offline", OptionCatalogue.offlineOptions), ("tls", OptionCatalogue.tlsOptions),
        ]
        for (part, options) in parts {
            var keys = table
            var inside = place
            if !part.isEmpty {
                guard let value = table[part] else { continue }
                guard case .table(let inner) = value else {
                    let problem = Problem(
                        "'\(part)' is a table, not \(value.kind)",
                        hint: "write [\(OptionCatalogue.brokerTable).\(part)] on a line")
                    report(problem, at: place + [.key(part)])
                    continue
                }
                keys = inner
                inside.append(.key(part))
            }
            for (key, value) in keys.sorted(by: { $0.key < $1.key }) {
                if part.isEmpty, key == "offline" || key == "tls" { continue }
                let full = [name, part, key].filter { !$0.isEmpty }.joined(separator: ".")
                guard let option = options.first(where: { $0.key == key }) else {
                    let section = [OptionCatalogue.brokerTable, part].filter { !$0.isEmpty }.joined(separator: ".")
                    let siblings = options.map(\.key) + (part.isEmpty ? ["offline", "tls"] : [])
                    unknown(key, section: "[\(section)]", siblings: siblings, place: inside + [.key(key)])
                    continue
                }
                let faults = option.read(value, &configuration.brokers[index])
                note(
                    faults.map { ($0.element, $0.problem) }, name: OptionCatalogue.brokerTable + "." + key,
                    place: inside + [.key(key)])
                if faults.isEmpty, value != .text("") { given.insert(full) }
                if !faults.isEmpty { failed.insert(full) }
            }
        }
        let isUnread = source.unread.contains { $0.starts(with: place) }
        if table["url"] == nil, !isUnread {
            let hint = NearestWord.match("url", among: Array(table.keys)) == nil ? "add url = \"mqtt://…\"" : nil
            report(Problem("[[\(OptionCatalogue.brokerTable)]] has no url", hint: hint), at: place)
        }
        brokerPlaces.append(BrokerPlace(name: name, steps: place, path: \.brokers[index]))
    }

    mutating func readPort(_ table: [String: SourceValue], place: [SourceStep]) {
        let name = OptionCatalogue.portTable
        var port = Configuration.PortOverride()
        for (key, value) in table.sorted(by: { $0.key < $1.key }) {
            let keyPlace = place + [.key(key)]
            guard let option = OptionCatalogue.port.first(where: { $0.key == key }) else {
                unknown(key, section: "[\(name)]", siblings: OptionCatalogue.port.map(\.key), place: keyPlace)
                continue
            }
            let faults = option.read(value, &port)
            note(faults.map { ($0.element, $0.problem) }, name: "\(name).\(key)", place: keyPlace)
        }
        let line = source.map.line(of: place)
        // A path that could not be read is not missing.
        let isUnread = source.unread.contains { $0.starts(with: place) }
        if table["path"] == nil, !isUnread {
            let hint = NearestWord.match("path", among: Array(table.keys)) == nil ? "add path = \"/dev/…\"" : nil
            report(Problem("[[\(name)]] has no path", hint: hint), at: place)
        }
        if !port.path.isEmpty {
            if let earlier = portPaths.first(where: { $0.path == port.path }) {
                report(
                    Problem(
                        "[[\(name)]] has the path \(tomlQuoted(port.path)) twice",
                        hint: earlier.line.map { "line \($0) has it already" }), at: place + [.key("path")])
            }
            portPaths.append((port.path, line))
        }
        configuration.portOverrides.append(port)
    }

    mutating func readMultiplexer(_ table: [String: SourceValue], place: [SourceStep]) {
        let name = OptionCatalogue.multiplexerTable
        var multiplexer = Configuration.Multiplexer()
        var names = Set(table.keys)
        for (key, value) in table.sorted(by: { $0.key < $1.key }) {
            guard let option = OptionCatalogue.multiplexer.first(where: { $0.key == key }) else {
                // One that was meant is not missing.
                let siblings = OptionCatalogue.multiplexer.map(\.key)
                if let nearest = NearestWord.match(key, among: siblings) { names.insert(nearest) }
                unknown(key, section: "[\(name)]", siblings: siblings, place: place + [.key(key)])
                continue
            }
            let faults = option.read(value, &multiplexer)
            note(faults.map { ($0.element, $0.problem) }, name: "\(name).\(key)", place: place + [.key(key)])
        }
        for path in source.unread where path.starts(with: place) {
            if case .key(let key)? = path.dropFirst(place.count).first { names.insert(key) }
        }
        multiplexers.append((multiplexer, names, place))
        configuration.multiplexers.append(multiplexer)
    }

    mutating func checkMultiplexers() {
        for (index, (multiplexer, names, place)) in multiplexers.enumerated() {
            let faults = OptionCatalogue.faults(
                of: multiplexer, given: names, among: configuration.multiplexers[..<index].map { $0 },
                ports: configuration.ports)
            for (key, problem) in faults { report(problem, at: place + (key.map { [.key($0)] } ?? [])) }
        }
    }

    mutating func note(_ faults: [(element: Int?, problem: Problem)], name: String, place: [SourceStep]) {
        for fault in faults {
            let problem = Problem("'\(name)' \(fault.problem.message)", hint: fault.problem.hint)
            report(problem, at: place + (fault.element.map { [.index($0)] } ?? []))
        }
    }

    mutating func unknown(_ key: String, section: String, siblings: [String], place: [SourceStep]) {
        let shown = TOMLSource.printable(key)
        let home = OptionCatalogue.sections.first { $0.options.contains { $0.key == key && $0.isDocumented } }
        let hint: String
        if let nearest = NearestWord.match(key, among: siblings) {
            hint = "did you mean '\(nearest)'?"
        } else if let home {
            hint =
                home.name.isEmpty
                ? "it belongs before the first [table]" : "it belongs below [\(home.name)]"
        } else if let table = OptionCatalogue.sections.first(where: { $0.name.hasSuffix("." + key) }) {
            hint = "did you mean [\(table.name)]?"
        } else {
            hint = "there are \(siblings.map { "'\($0)'" }.joined(separator: ", ")) here"
        }
        let scope = section.isEmpty ? "" : " in [\(section)]"
        report(Problem("unknown key '\(shown)'\(scope)", hint: hint), at: place)
    }

    // MARK: Places

    /// Relative paths are meant from the directory of the file; a daemon's own directory says nothing.
    mutating func resolvePaths() {
        for index in brokerPlaces.indices {
            brokerPlaces[index].writtenPasswordFile = configuration[keyPath: brokerPlaces[index].path].passwordFile
        }
        writtenWebFiles = (configuration.web.passwordFile, configuration.web.tokenFile)
        guard let slash = file.lastIndex(of: "/") else { return }
        let resolve: (String) -> String = { [file] path in
            path.isEmpty || path.hasPrefix("/") ? path : file[...slash] + path
        }
        for option in OptionCatalogue.sections.flatMap(\.options) { option.changePath?(&configuration, resolve) }
        for option in OptionCatalogue.brokerOptions + OptionCatalogue.tlsOptions {
            for index in configuration.brokers.indices { option.changePath?(&configuration.brokers[index], resolve) }
        }
    }

    mutating func report(_ problem: Problem, at place: [SourceStep]) {
        let line = source.map.line(of: place)
        diagnostics.append(Diagnostic(file: file, line: line, message: problem.message, hint: problem.hint))
    }

    func place(_ name: String) -> [SourceStep] {
        if let broker = brokerPlaces.last(where: { name.hasPrefix($0.name + ".") }) {
            return broker.steps + name.dropFirst(broker.name.count).split(separator: ".").map { .key(String($0)) }
        }
        return name.split(separator: ".").map { .key(String($0)) }
    }

    func line(_ name: String) -> Int? { source.map.line(of: place(name)) }

    static func name(_ path: [SourceStep]) -> String {
        path.compactMap { if case .key(let key) = $0 { key } else { nil } }.joined(separator: ".")
    }

    static func option(at path: [SourceStep]) -> ConfigurationOption<Configuration>? {
        var name = name(path)
        if name.hasPrefix(OptionCatalogue.brokerTable + ".") {
            name = "broker" + name.dropFirst(OptionCatalogue.brokerTable.count)
        }
        for section in OptionCatalogue.sections {
            let prefix = section.name.isEmpty ? "" : section.name + "."
            if let option = section.options.first(where: { prefix + $0.key == name }) { return option }
        }
        return nil
    }

    /// The names of the tables right inside another.
    static func tables(in section: String) -> [String] {
        let prefix = section.isEmpty ? "" : section + "."
        let inner = OptionCatalogue.sections.map(\.name).filter { $0.hasPrefix(prefix) && $0 != section && !$0.isEmpty }
            .map { String($0.dropFirst(prefix.count)) }.filter { !$0.contains(".") }
        return section.isEmpty
            ? inner + [OptionCatalogue.portTable, OptionCatalogue.multiplexerTable, OptionCatalogue.brokerTable]
            : inner
    }
}
