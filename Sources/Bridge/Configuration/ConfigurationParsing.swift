extension Configuration {
    /// Reads a configuration from TOML.
    ///
    /// - Parameters:
    ///   - text: the TOML text, with LF or CRLF.
    ///   - file: the name to give in messages; relative paths in the text are meant from its directory.
    ///   - environment: the variables that `password_env` may name.
    ///   - readSecret: gives the bytes of the file that `password_file` names.
    /// - Throws: everything that is wrong, with lines. No message holds a secret.
    public static func parse(
        text: String, file: String, environment: [String: String] = [:],
        readSecret: (_ path: String) throws(FileReadError) -> [UInt8] = Configuration.readSecretFile
    ) throws(ConfigurationError) -> Configuration {
        var reader = ConfigurationReader(text: text, file: file)
        reader.readOptions()
        reader.checkTogether()
        reader.takePassword(environment: environment, readSecret: readSecret)
        guard reader.diagnostics.isEmpty else { throw ConfigurationError(reader.diagnostics) }
        return reader.configuration
    }
}

/// Goes once through a TOML text and fills a configuration, gathering what is wrong.
private struct ConfigurationReader {
    var configuration = Configuration()
    var diagnostics: [Diagnostic] = []

    private let file: String
    private let source: TOMLSource
    /// Options that were given and are right, by their full name.
    private var given: Set<String> = []
    /// Options that were given and are wrong: nothing is concluded from their value.
    private var failed: Set<String> = []
    private var portPaths: [(path: String, line: Int?)] = []

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

    private mutating func read(_ table: [String: SourceValue], section: String, path: [SourceStep]) {
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
                readPorts(value, place: place)
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

    private mutating func readPorts(_ value: SourceValue, place: [SourceStep]) {
        let name = OptionCatalogue.portTable
        guard case .list(let entries) = value else {
            let hint = value.kind == "a table" ? "write [[\(name)]], with two brackets" : "write [[\(name)]] on a line"
            report(Problem("'\(name)' is an array of tables, not \(value.kind)", hint: hint), at: place)
            return
        }
        for (index, entry) in entries.enumerated() {
            let place = place + [.index(index)]
            guard case .table(let keys) = entry else {
                let problem = Problem("'\(name)' must hold tables, not \(entry.kind)", hint: "write [[\(name)]]")
                report(problem, at: place)
                continue
            }
            readPort(keys, place: place)
        }
    }

    private mutating func readPort(_ table: [String: SourceValue], place: [SourceStep]) {
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

    private mutating func note(_ faults: [(element: Int?, problem: Problem)], name: String, place: [SourceStep]) {
        for fault in faults {
            let problem = Problem("'\(name)' \(fault.problem.message)", hint: fault.problem.hint)
            report(problem, at: place + (fault.element.map { [.index($0)] } ?? []))
        }
    }

    private mutating func unknown(_ key: String, section: String, siblings: [String], place: [SourceStep]) {
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

    // MARK: Options together

    mutating func checkTogether() {
        checkOrder(
            "broker.reconnect_min", configuration.broker.reconnectMin, "broker.reconnect_max",
            configuration.broker.reconnectMax)
        checkOrder("poll.fast", configuration.poll.fast, "poll.slow", configuration.poll.slow)
        checkOrder("masterbus.fast", configuration.masterbus.fast, "masterbus.slow", configuration.masterbus.slow)
        if configuration.schema.style == .firmware, !given.contains("schema.prefix") {
            configuration.schema.prefix = configuration.schema.style.defaultPrefix
        }
        if configuration.schema.style == .firmware, !given.contains("schema.masterbus_prefix") {
            configuration.schema.masterbusPrefix = configuration.schema.style.defaultMasterBusPrefix
        }
        checkTLS()
        checkUser()
    }

    private mutating func checkOrder(_ low: String, _ lower: Duration, _ high: String, _ upper: Duration) {
        guard lower > upper, !failed.contains(low), !failed.contains(high) else { return }
        let problem = Problem(
            "'\(low)' (\(DurationText.text(lower))) is longer than '\(high)' (\(DurationText.text(upper)))",
            hint: "lower the one or raise the other")
        report(problem, at: place(given.contains(low) ? low : high))
    }

    private mutating func checkTLS() {
        let tls =
            OptionCatalogue.sections.first { $0.name == "broker.tls" }?.options.map { "broker.tls.\($0.key)" } ?? []
        if let first = tls.filter({ given.contains($0) }).min(by: { (line($0) ?? 0) < (line($1) ?? 0) }),
            case .server(let server) = configuration.broker.url, server.transport == .mqtt,
            !failed.contains("broker.url")
        {
            report(
                Problem(
                    "'\(first)' has no use with 'mqtt://', which is not encrypted",
                    hint: "write 'mqtts://' in broker.url"),
                at: place(first))
        }
        for (one, other) in [("certificate", "key"), ("key", "certificate")] {
            guard given.contains("broker.tls.\(one)"), !given.contains("broker.tls.\(other)"),
                !failed.contains("broker.tls.\(other)")
            else { continue }
            let problem = Problem(
                "'broker.tls.\(one)' is given without '\(other)'", hint: "both are needed, or neither")
            report(problem, at: place("broker.tls.\(one)"))
        }
    }

    /// User and password may be given in more than one way, but only in one of them.
    private mutating func checkUser() {
        let broker = configuration.broker
        guard case .server(var server) = broker.url else { return }
        if server.user != nil, given.contains("broker.username") {
            report(
                Problem("'broker.username' is given, and 'broker.url' holds a user too", hint: "keep one of them"),
                at: place("broker.username"))
        }
        if let user = server.user { configuration.broker.username = user }
        addressPassword = server.password
        server.user = nil
        server.password = nil
        configuration.broker.url = .server(server)
    }

    /// The password that stood in the address.
    private var addressPassword: Secret?

    mutating func takePassword(
        environment: [String: String], readSecret: (_ path: String) throws(FileReadError) -> [UInt8]
    ) {
        var sources = ["password", "password_file", "password_env"].map { "broker.\($0)" }.filter { given.contains($0) }
        if addressPassword != nil { sources.insert("broker.url", at: 0) }
        if sources.count > 1 {
            sources.sort { (line($0) ?? 0) < (line($1) ?? 0) }
            for extra in sources.dropFirst() {
                let earlier = line(sources[0]).map { " on line \($0)" } ?? ""
                let problem = Problem(
                    "'\(extra)' gives the password, and '\(sources[0])'\(earlier) gives one too",
                    hint: "keep one of them, best password_file or password_env")
                report(problem, at: place(extra))
            }
        }
        if let addressPassword { configuration.broker.password = addressPassword }
        if given.contains("broker.password_file") { readPasswordFile(readSecret) }
        if given.contains("broker.password_env") { readPasswordVariable(environment) }
        let userMayBeWrong = failed.contains("broker.username") || failed.contains("broker.url")
        if let source = sources.first, configuration.broker.username.isEmpty, !userMayBeWrong, source != "broker.url" {
            report(
                Problem("'\(source)' gives a password, but there is no user", hint: "add username = \"…\""),
                at: place(source))
        }
    }

    private mutating func readPasswordFile(_ readSecret: (_ path: String) throws(FileReadError) -> [UInt8]) {
        let path = configuration.broker.passwordFile
        do throws(FileReadError) {
            var bytes = try readSecret(path)
            if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            setPassword(String(validating: bytes, as: UTF8.self), name: "broker.password_file", holder: "the file")
        } catch {
            // A name without a slash could be the password itself, put into the wrong option.
            let shown = writtenPasswordFile.contains("/") ? " \(tomlQuoted(path))" : ""
            report(
                Problem("'broker.password_file': the file\(shown) \(error.reason)"), at: place("broker.password_file"))
        }
    }

    /// The name of the password's file as it stands in the text.
    private var writtenPasswordFile = ""

    private mutating func readPasswordVariable(_ environment: [String: String]) {
        let name = configuration.broker.passwordEnvironment
        guard let password = environment[name] else {
            // Only what looks like a variable is quoted: it could be the password itself.
            let isName = name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == UInt8(ascii: "_")
            }
            let shown = isName && name.contains("_") ? " \(name)" : " it names"
            report(
                Problem(
                    "'broker.password_env': the variable\(shown) is not set", hint: "set it where vebridge is started"),
                at: place("broker.password_env"))
            return
        }
        setPassword(password, name: "broker.password_env", holder: "the variable")
    }

    private mutating func setPassword(_ password: String?, name: String, holder: String) {
        switch password {
        case .some(""): report(Problem("'\(name)': \(holder) is empty"), at: place(name))
        case .some(let text) where text.unicodeScalars.contains(where: { $0 == "\0" || $0 == "\n" }):
            report(
                Problem("'\(name)': \(holder) holds more than a password", hint: "one line is the password"),
                at: place(name))
        case .some(let text): configuration.broker.password = Secret(text)
        case nil: report(Problem("'\(name)': \(holder) is not UTF-8"), at: place(name))
        }
    }

    // MARK: Places

    /// Relative paths are meant from the directory of the file; a daemon's own directory says nothing.
    private mutating func resolvePaths() {
        writtenPasswordFile = configuration.broker.passwordFile
        guard let slash = file.lastIndex(of: "/") else { return }
        for section in OptionCatalogue.sections {
            for place in section.options.compactMap(\.path) {
                let path = configuration[keyPath: place]
                guard !path.isEmpty, !path.hasPrefix("/") else { continue }
                configuration[keyPath: place] = file[...slash] + path
            }
        }
    }

    private mutating func report(_ problem: Problem, at place: [SourceStep]) {
        let line = source.map.line(of: place)
        diagnostics.append(Diagnostic(file: file, line: line, message: problem.message, hint: problem.hint))
    }

    private func place(_ name: String) -> [SourceStep] {
        name.split(separator: ".").map { .key(String($0)) }
    }

    private func line(_ name: String) -> Int? { source.map.line(of: place(name)) }

    private static func name(_ path: [SourceStep]) -> String {
        path.compactMap { if case .key(let key) = $0 { key } else { nil } }.joined(separator: ".")
    }

    private static func option(at path: [SourceStep]) -> ConfigurationOption<Configuration>? {
        let name = name(path)
        for section in OptionCatalogue.sections {
            let prefix = section.name.isEmpty ? "" : section.name + "."
            if let option = section.options.first(where: { prefix + $0.key == name }) { return option }
        }
        return nil
    }

    /// The names of the tables right inside another.
    private static func tables(in section: String) -> [String] {
        let prefix = section.isEmpty ? "" : section + "."
        let inner = OptionCatalogue.sections.map(\.name).filter { $0.hasPrefix(prefix) && $0 != section && !$0.isEmpty }
            .map { String($0.dropFirst(prefix.count)) }.filter { !$0.contains(".") }
        return section.isEmpty ? inner + [OptionCatalogue.portTable] : inner
    }
}
