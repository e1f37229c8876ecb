import Glibc

// Secrets: from the text, from files, from variables. No message holds one.
extension ConfigurationReader {
    mutating func takeSecrets(
        variable: (_ name: String) -> String?, readSecret: (_ path: String) throws(FileReadError) -> [UInt8]
    ) {
        for broker in brokerPlaces {
            takePassword(broker, variable: variable, readSecret: readSecret)
            takeKey(broker, variable: variable, readSecret: readSecret)
        }
        takeWebSecrets(readSecret)
    }

    mutating func takeWebSecrets(_ readSecret: (_ path: String) throws(FileReadError) -> [UInt8]) {
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

    mutating func takePassword(
        _ broker: BrokerPlace, variable: (_ name: String) -> String?,
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
            let named = configuration[keyPath: broker.path].passwordEnvironment
            if let secret = secretVariable(named, name: base + "password_env", variable) {
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

    mutating func takeKey(
        _ broker: BrokerPlace, variable: (_ name: String) -> String?,
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
            secret = secretVariable(tls.pskEnvironment, name: name, variable)
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

    mutating func secretFile(
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
            let isClosed = !shown.isEmpty && error == FileReadError(code: EACCES)
            report(
                Problem(
                    "'\(name)': the file\(shown) \(error.reason)", hint: isClosed ? Self.hint(forClosed: path) : nil),
                at: place(name))
            return nil
        }
    }

    /// The command that lets this process read a file by its group; nil where the group has no name, and for a path
    /// that a shell would not take as it stands.
    static func hint(forClosed path: String) -> String? {
        let isPlain = path.utf8.allSatisfy {
            isalnum(Int32($0)) != 0 || [UInt8(ascii: "/"), 0x2D, 0x2E, 0x5F].contains($0)
        }
        guard isPlain, let group = groupName(getegid()) else { return nil }
        return "sudo chgrp \(group) \(path) && sudo chmod 640 \(path)"
    }

    private static func groupName(_ id: gid_t) -> String? {
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getgrgid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.gr_name else {
            return nil
        }
        return String(cString: name)
    }

    mutating func secretVariable(
        _ variable: String, name: String, _ value: (_ name: String) -> String?
    ) -> Secret? {
        guard let password = value(variable) else {
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

    mutating func checkedSecret(_ secret: String?, name: String, holder: String) -> Secret? {
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
}
