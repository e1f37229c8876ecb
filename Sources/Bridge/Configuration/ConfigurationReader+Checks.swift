// What options say of each other.
extension ConfigurationReader {
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
        checkReplyTopics()
        checkUpdates()
    }

    /// Answers must not go where the bridge publishes.
    private mutating func checkReplyTopics() {
        func bare(_ topic: String) -> String { String(topic.drop { $0 == "/" }) + "/" }
        let own = [
            configuration.schema.prefix, configuration.schema.masterbusPrefix, configuration.readable.prefix,
            configuration.bridge.topic, configuration.homeAssistant.discoveryPrefix,
        ].map(bare)
        for (index, topic) in configuration.bridge.replyTopics.enumerated() {
            let prefix = bare(topic)
            guard own.contains(where: { $0.hasPrefix(prefix) || prefix.hasPrefix($0) }) else { continue }
            let problem = Problem(
                "'bridge.reply_topics' has \(tomlQuoted(topic)), where the bridge itself publishes",
                hint: "write another, such as \"clients\"")
            report(problem, at: place("bridge.reply_topics") + [.index(index)])
        }
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

    mutating func checkUpdates() {
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

    mutating func checkOrder(_ low: String, _ lower: Duration, _ high: String, _ upper: Duration) {
        guard lower > upper, !failed.contains(low), !failed.contains(high) else { return }
        let problem = Problem(
            "'\(low)' (\(DurationText.text(lower))) is longer than '\(high)' (\(DurationText.text(upper)))",
            hint: "lower the one or raise the other")
        report(problem, at: place(given.contains(low) ? low : high))
    }

    mutating func checkTLS(_ place: BrokerPlace) {
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
    mutating func takeUser(_ place: BrokerPlace) -> Secret? {
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
}
