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
        reader.takeSecrets(environment: environment, readSecret: readSecret)
        guard reader.diagnostics.isEmpty else { throw ConfigurationError(reader.diagnostics) }
        return reader.configuration
    }

    /// Reads what a TOML text says of updates and of the state directory, whatever is wrong with the rest of it.
    ///
    /// No secret is looked for: whoever installs updates may not read them, and has to be able to go back however the
    /// file looks. Everything else is as it comes.
    ///
    /// - Throws: what is wrong with these options, or that the text cannot be read at all.
    static func parseUpdates(text: String, file: String) throws(ConfigurationError) -> Configuration {
        var reader = ConfigurationReader(text: text, file: file)
        guard reader.diagnostics.isEmpty else { throw ConfigurationError(reader.diagnostics) }
        reader.readOptions()
        let faults = reader.faultsOfUpdates()
        guard faults.isEmpty else { throw ConfigurationError(faults) }
        var configuration = Configuration()
        configuration.updates = reader.configuration.updates
        configuration.bridge.stateDirectory = reader.configuration.bridge.stateDirectory
        return configuration
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
    private var multiplexers: [(Configuration.Multiplexer, names: Set<String>, place: [SourceStep])] = []
    /// The names of the page's secret files as they stand in the text.
    private var writtenWebFiles = ("", "")
    private var brokerPlaces = [BrokerPlace(name: "broker", steps: [.key("broker")], path: \.broker)]

    /// One of the brokers: where it stands in the text and in the configuration.
    private struct BrokerPlace {
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
    private mutating func entries(
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

    private mutating func readBroker(_ table: [String: SourceValue], place: [SourceStep]) {
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

    private mutating func readMultiplexer(_ table: [String: SourceValue], place: [SourceStep]) {
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

    private mutating func checkMultiplexers() {
        for (index, (multiplexer, names, place)) in multiplexers.enumerated() {
            let faults = OptionCatalogue.faults(
                of: multiplexer, given: names, among: configuration.multiplexers[..<index].map { $0 },
                ports: configuration.ports)
            for (key, problem) in faults { report(problem, at: place + (key.map { [.key($0)] } ?? [])) }
        }
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
        checkMultiplexers()
        for index in brokerPlaces.indices {
            let (name, broker) = (brokerPlaces[index].name, configuration[keyPath: brokerPlaces[index].path])
            checkOrder("\(name).reconnect_min", broker.reconnectMin, "\(name).reconnect_max", broker.reconnectMax)
        }
        checkOrder("poll.fast", configuration.poll.fast, "poll.slow", configuration.poll.slow)
        checkOrder("masterbus.fast", configuration.masterbus.fast, "masterbus.slow", configuration.masterbus.slow)
        if configuration.schema.style == .firmware, !given.contains("schema.prefix") {
            configuration.schema.prefix = configuration.schema.style.defaultPrefix
        }
        if configuration.schema.style == .firmware, !given.contains("schema.masterbus_prefix") {
            configuration.schema.masterbusPrefix = configuration.schema.style.defaultMasterBusPrefix
        }
        for index in brokerPlaces.indices {
            checkTLS(brokerPlaces[index])
            brokerPlaces[index].addressPassword = takeUser(brokerPlaces[index])
        }
        checkUpdates()
    }

    /// What is wrong with the options of updates.
    mutating func faultsOfUpdates() -> [Diagnostic] {
        let names = OptionCatalogue.update.options.map { "update.\($0.key)" } + ["bridge.state_directory"]
        let lines = Set(names.filter { failed.contains($0) }.map { line($0) })
        let faults = diagnostics.filter { lines.contains($0.line) }
        diagnostics = []
        checkUpdates()
        return faults + diagnostics
    }

    private mutating func checkUpdates() {
        guard !failed.contains("update.key") else { return }
        if configuration.updates.key.isEmpty, !configuration.updates.url.isEmpty {
            let problem = Problem(
                "'update.url' is given, and no 'update.key' that updates must be signed with",
                hint: "add the key that 'vebridge update key FILE' prints")
            report(problem, at: place("update.url"))
        }
        if !configuration.updates.key.isEmpty, configuration.bridge.stateDirectory.isEmpty,
            !failed.contains("bridge.state_directory")
        {
            let problem = Problem(
                "'update.key' needs a place where an update is laid ready",
                hint: "add state_directory = \"/var/lib/vebridge\" below [bridge]")
            report(problem, at: place("update.key"))
        }
    }

    private mutating func checkOrder(_ low: String, _ lower: Duration, _ high: String, _ upper: Duration) {
        guard lower > upper, !failed.contains(low), !failed.contains(high) else { return }
        let problem = Problem(
            "'\(low)' (\(DurationText.text(lower))) is longer than '\(high)' (\(DurationText.text(upper)))",
            hint: "lower the one or raise the other")
        report(problem, at: place(given.contains(low) ? low : high))
    }

    private mutating func checkTLS(_ place: BrokerPlace) {
        let broker = configuration[keyPath: place.path]
        let base = place.name + ".tls."
        let tls = OptionCatalogue.tlsOptions.map { base + $0.key }
            .filter { broker.tls.trustOnFirstUse || $0 != base + "trust_on_first_use" }
        if let first = tls.filter({ given.contains($0) }).min(by: { (line($0) ?? 0) < (line($1) ?? 0) }),
            case .server(let server) = broker.url, server.transport == .mqtt, !failed.contains(place.name + ".url")
        {
            report(
                Problem(
                    "'\(first)' has no use with 'mqtt://', which is not encrypted",
                    hint: "write 'mqtts://' in \(place.name).url"),
                at: self.place(first))
        }
        for (one, other) in [("certificate", "key"), ("key", "certificate")] {
            guard given.contains(base + one), !given.contains(base + other), !failed.contains(base + other)
            else { continue }
            let problem = Problem("'\(base + one)' is given without '\(other)'", hint: "both are needed, or neither")
            report(problem, at: self.place(base + one))
        }
        // Each of these alone says who is trusted.
        var ways = ["fingerprint", "psk_identity", "ca_file"].filter { given.contains(base + $0) }
        if broker.tls.trustOnFirstUse { ways.append("trust_on_first_use") }
        if ways.count > 1 {
            let problem = Problem(
                "'\(base)\(ways[1])' is given, and '\(ways[0])' says already whom to trust", hint: "keep one of them")
            report(problem, at: self.place(base + ways[1]))
        }
        if broker.tls.trustOnFirstUse, configuration.bridge.stateDirectory.isEmpty,
            !failed.contains("bridge.state_directory")
        {
            let problem = Problem(
                "'\(base)trust_on_first_use' needs a place to keep the certificate",
                hint: "add state_directory = \"/var/lib/vebridge\" below [bridge]")
            report(problem, at: self.place(base + "trust_on_first_use"))
        }
        let keys = ["psk_file", "psk_env"].filter { given.contains(base + $0) || failed.contains(base + $0) }
        if given.contains(base + "psk_identity"), keys.isEmpty {
            let problem = Problem("'\(base)psk_identity' is given without a key", hint: "add psk_file or psk_env")
            report(problem, at: self.place(base + "psk_identity"))
        }
        if let key = keys.first(where: { given.contains(base + $0) }), !given.contains(base + "psk_identity"),
            !failed.contains(base + "psk_identity")
        {
            report(Problem("'\(base)\(key)' is given without 'psk_identity'"), at: self.place(base + key))
        }
        if keys.count > 1 {
            let problem = Problem(
                "'\(base)psk_env' gives the key, and 'psk_file' gives one too", hint: "keep one of them")
            report(problem, at: self.place(base + "psk_env"))
        }
    }

    /// User and password may be given in more than one way, but only in one of them. Gives the password that stood in
    /// the address.
    private mutating func takeUser(_ place: BrokerPlace) -> Secret? {
        let broker = configuration[keyPath: place.path]
        guard case .server(var server) = broker.url else { return nil }
        if server.user != nil, given.contains(place.name + ".username") {
            report(
                Problem(
                    "'\(place.name).username' is given, and '\(place.name).url' holds a user too",
                    hint: "keep one of them"),
                at: self.place(place.name + ".username"))
        }
        if let user = server.user { configuration[keyPath: place.path].username = user }
        let password = server.password
        server.user = nil
        server.password = nil
        configuration[keyPath: place.path].url = .server(server)
        return password
    }

    mutating func takeSecrets(
        environment: [String: String], readSecret: (_ path: String) throws(FileReadError) -> [UInt8]
    ) {
        for broker in brokerPlaces {
            takePassword(broker, environment: environment, readSecret: readSecret)
            takeKey(broker, environment: environment, readSecret: readSecret)
        }
        takeWebSecrets(readSecret)
    }

    private mutating func takeWebSecrets(_ readSecret: (_ path: String) throws(FileReadError) -> [UInt8]) {
        for name in ["web.password", "web.token"] where given.contains(name) && given.contains(name + "_file") {
            let problem = Problem("'\(name)' is given, and '\(name)_file' too", hint: "keep one of them, best the file")
            report(problem, at: place(name))
        }
        let files = (configuration.web.passwordFile, configuration.web.tokenFile)
        if given.contains("web.password_file") {
            let secret = secretFile(files.0, written: writtenWebFiles.0, name: "web.password_file", readSecret)
            if let secret { configuration.web.password = secret }
        }
        if given.contains("web.token_file") {
            let secret = secretFile(files.1, written: writtenWebFiles.1, name: "web.token_file", readSecret)
            if let secret { configuration.web.token = secret }
        }
        for (name, secret) in [("web.password", configuration.web.password), ("web.token", configuration.web.token)]
        where secret?.reveal().unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) ?? false {
            report(Problem("'\(name)' holds a control character, which no request can carry"), at: place(name))
        }
        let isMeantProtected = ["password", "password_file", "token", "token_file"].contains {
            given.contains("web." + $0) || failed.contains("web." + $0)
        }
        guard let address = ListenAddress(configuration.web.listen), !address.isLoopback, !isMeantProtected else {
            return
        }
        report(
            Problem(
                "'web.listen' is \(tomlQuoted(address.description)), which others reach, and there is no password",
                hint: "add web.password_file or web.token_file, or listen on \(Configuration.Web.defaultListen)"),
            at: place("web.listen"))
    }

    private mutating func takePassword(
        _ broker: BrokerPlace, environment: [String: String],
        readSecret: (_ path: String) throws(FileReadError) -> [UInt8]
    ) {
        let base = broker.name + "."
        var sources = ["password", "password_file", "password_env"].map { base + $0 }.filter { given.contains($0) }
        if broker.addressPassword != nil { sources.insert(base + "url", at: 0) }
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
        if let password = broker.addressPassword { configuration[keyPath: broker.path].password = password }
        let secret: Secret?
        if given.contains(base + "password_file") {
            let (path, written) = (configuration[keyPath: broker.path].passwordFile, broker.writtenPasswordFile)
            secret = secretFile(path, written: written, name: base + "password_file", readSecret)
        } else {
            secret = nil
        }
        if let secret { configuration[keyPath: broker.path].password = secret }
        if given.contains(base + "password_env") {
            let variable = configuration[keyPath: broker.path].passwordEnvironment
            if let secret = secretVariable(variable, name: base + "password_env", environment) {
                configuration[keyPath: broker.path].password = secret
            }
        }
        let userMayBeWrong = failed.contains(base + "username") || failed.contains(base + "url")
        if let source = sources.first, configuration[keyPath: broker.path].username.isEmpty, !userMayBeWrong,
            source != base + "url"
        {
            report(
                Problem("'\(source)' gives a password, but there is no user", hint: "add username = \"…\""),
                at: place(source))
        }
    }

    private mutating func takeKey(
        _ broker: BrokerPlace, environment: [String: String],
        readSecret: (_ path: String) throws(FileReadError) -> [UInt8]
    ) {
        let base = broker.name + ".tls."
        let tls = configuration[keyPath: broker.path].tls
        let name: String
        let secret: Secret?
        if given.contains(base + "psk_file") {
            name = base + "psk_file"
            secret = secretFile(tls.pskFile, written: tls.pskFile, name: name, readSecret)
        } else if given.contains(base + "psk_env") {
            name = base + "psk_env"
            secret = secretVariable(tls.pskEnvironment, name: name, environment)
        } else {
            return
        }
        guard let secret else { return }
        guard TLSSettings.PreSharedKey(identity: tls.pskIdentity, hex: secret.reveal()) != nil else {
            report(Problem("'\(name)': the key is not 1 to 256 bytes in hex digits"), at: place(name))
            return
        }
        configuration[keyPath: broker.path].tls.preSharedKey = secret
    }

    private mutating func secretFile(
        _ path: String, written: String, name: String, _ readSecret: (_ path: String) throws(FileReadError) -> [UInt8]
    ) -> Secret? {
        do throws(FileReadError) {
            var bytes = try readSecret(path)
            if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            return checkedSecret(String(validating: bytes, as: UTF8.self), name: name, holder: "the file")
        } catch {
            // A name without a slash could be the password itself, put into the wrong option.
            let shown = written.contains("/") ? " \(tomlQuoted(path))" : ""
            report(Problem("'\(name)': the file\(shown) \(error.reason)"), at: place(name))
            return nil
        }
    }

    private mutating func secretVariable(
        _ variable: String, name: String, _ environment: [String: String]
    ) -> Secret? {
        guard let password = environment[variable] else {
            // Only what looks like a variable is quoted: it could be the password itself.
            let isName = variable.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == UInt8(ascii: "_")
            }
            let shown = isName && variable.contains("_") ? " \(variable)" : " it names"
            report(
                Problem("'\(name)': the variable\(shown) is not set", hint: "set it where vebridge is started"),
                at: place(name))
            return nil
        }
        return checkedSecret(password, name: name, holder: "the variable")
    }

    private mutating func checkedSecret(_ secret: String?, name: String, holder: String) -> Secret? {
        switch secret {
        case .some(""): report(Problem("'\(name)': \(holder) is empty"), at: place(name))
        case .some(let text) where text.unicodeScalars.contains(where: { $0 == "\0" || $0 == "\n" }):
            report(
                Problem("'\(name)': \(holder) holds more than a password", hint: "one line is the password"),
                at: place(name))
        case .some(let text): return Secret(text)
        case nil: report(Problem("'\(name)': \(holder) is not UTF-8"), at: place(name))
        }
        return nil
    }

    // MARK: Places

    /// Relative paths are meant from the directory of the file; a daemon's own directory says nothing.
    private mutating func resolvePaths() {
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

    private mutating func report(_ problem: Problem, at place: [SourceStep]) {
        let line = source.map.line(of: place)
        diagnostics.append(Diagnostic(file: file, line: line, message: problem.message, hint: problem.hint))
    }

    private func place(_ name: String) -> [SourceStep] {
        if let broker = brokerPlaces.last(where: { name.hasPrefix($0.name + ".") }) {
            return broker.steps + name.dropFirst(broker.name.count).split(separator: ".").map { .key(String($0)) }
        }
        return name.split(separator: ".").map { .key(String($0)) }
    }

    private func line(_ name: String) -> Int? { source.map.line(of: place(name)) }

    private static func name(_ path: [SourceStep]) -> String {
        path.compactMap { if case .key(let key) = $0 { key } else { nil } }.joined(separator: ".")
    }

    private static func option(at path: [SourceStep]) -> ConfigurationOption<Configuration>? {
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
    private static func tables(in section: String) -> [String] {
        let prefix = section.isEmpty ? "" : section + "."
        let inner = OptionCatalogue.sections.map(\.name).filter { $0.hasPrefix(prefix) && $0 != section && !$0.isEmpty }
            .map { String($0.dropFirst(prefix.count)) }.filter { !$0.contains(".") }
        return section.isEmpty
            ? inner + [OptionCatalogue.portTable, OptionCatalogue.multiplexerTable, OptionCatalogue.brokerTable]
            : inner
    }
}
