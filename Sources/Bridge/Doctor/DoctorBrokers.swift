extension Doctor {
    func brokers() -> [Finding] {
        asks ? ([configuration.broker] + configuration.brokers).map(look) : []
    }

    /// The files by which a broker and we know each other, with the options that name them.
    private static func files(of tls: Configuration.TLS) -> [(option: String, path: String)] {
        [("ca_file", tls.caFile), ("certificate", tls.certificate), ("key", tls.key)].filter { !$0.1.isEmpty }
    }

    private func look(at broker: Configuration.Broker) -> Finding {
        let name = broker.name.isEmpty ? broker.url.description : broker.name
        guard case .server(let server) = broker.url else {
            // The daemon's own word is the log; here only what it needs is looked for.
            let socket = "/run/avahi-daemon/socket"
            return facts.exists(socket)
                ? Finding("mdns", .good, name, "avahi-daemon runs: brokers on the network can be found")
                : Finding(
                    "mdns", .fault, name, "avahi-daemon does not run: no broker can be found by mdns:",
                    remedy: "sudo apt install avahi-daemon")
        }
        if server.transport == .mqtts, let finding = lookAtFiles(broker, name) { return finding }
        let isHidden = [broker.passwordFile, "$" + broker.passwordEnvironment].contains(where: hiddenSecrets.contains)
        if [broker.tls.pskFile, "$" + broker.tls.pskEnvironment].contains(where: hiddenSecrets.contains) {
            return Finding("broker", .note, name, "not asked: its key is not to be seen from here")
        }
        var asked = broker
        if isHidden {
            // Nobody is to be locked out for a password that was none.
            asked.username = ""
            asked.password = nil
        }
        guard let trouble = facts.broker(asked, configuration) else {
            return Finding("broker", .good, name, "connected")
        }
        if isHidden, trouble.cause == .notAuthorised {
            return Finding(
                "broker", .note, name, "it is there, and wants the password, which is not to be seen from here")
        }
        let local = ["localhost", "127.0.0.1", "::1"].contains(server.host)
        switch trouble.cause {
        case .refused:
            return Finding(
                "broker", .fault, name, trouble.reason,
                remedy: local
                    ? startBroker : edit("[broker] url = \"mqtt://HOST:PORT\", or start the broker on \(server.host)"))
        case .hostNotFound:
            return Finding(
                "broker", .fault, name, trouble.reason,
                remedy: edit("[broker] url = \"mqtt://HOST\": a name that 'getent hosts HOST' knows, or an address"))
        case .unreachable, .timedOut:
            return Finding("broker", .fault, name, trouble.reason, remedy: "ping -c 3 \(server.host)")
        case .notAuthorised:
            return Finding(
                "credentials", .fault, name, trouble.reason,
                remedy: broker.username.isEmpty
                    ? edit("[broker] username and password_file, as the broker knows them")
                    : "sudo mosquitto_passwd /etc/mosquitto/passwd \(broker.username)   # on the broker's host")
        case .tls:
            return Finding("tls", .fault, name, trouble.reason, remedy: tlsRemedy(trouble.reason, server, broker))
        case .settings where server.transport == .mqtts:
            // A file that is not what it should be.
            let files = Self.files(of: broker.tls)
            let file = files.first { trouble.reason.contains($0.path) } ?? files.first
            if trouble.reason.contains("Permission denied"), isServicesBusiness {
                return Finding("tls", .note, name, "\(trouble.reason); sudo vebridge doctor may")
            }
            return Finding(
                "tls", .fault, name, trouble.reason,
                remedy: edit(
                    file.map { "[broker.tls] \($0.option) = \"FILE\", one that begins with -----BEGIN" }
                        ?? "[broker.tls]"))
        case .closed, .violation, .version, .rejected, .willQoS, .willRetain, .unacknowledged, .takenOver, .settings,
            .moved, .stopped, .other:
            return Finding(
                "broker", .fault, name, trouble.reason,
                remedy: local ? "sudo journalctl -u mosquitto -n 20" : "look into the log of the broker")
        }
    }

    /// What is wrong with the files of a broker before one calls it; nil: nothing.
    private func lookAtFiles(_ broker: Configuration.Broker, _ name: String) -> Finding? {
        for (option, file) in Self.files(of: broker.tls) where !facts.exists(file) {
            if facts.isHidden(file) {
                return Finding(
                    "tls", .note, name, "\(file) is not to be seen by this user, so this broker is not asked")
            }
            return Finding(
                "tls", .fault, name, "\(file) does not exist",
                remedy: edit("[broker.tls] \(option) = \"FILE\", where it is"))
        }
        guard isServicesBusiness else { return nil }
        for (option, file) in Self.files(of: broker.tls) {
            guard let reason = serviceObstacle(file) else { continue }
            let finding = Finding("tls", .fault, name, "the service cannot read \(file): \(reason)")
            guard option == "ca_file" else {
                return finding.with(serviceRemedy(file, option: "[broker.tls] \(option)"))
            }
            // A certificate of an authority is public.
            let target = "/etc/vebridge/\(file.split(separator: "/").last ?? "ca.pem")"
            return finding.with(
                Self.isAway(file)
                    ? "sudo install -m 644 \(file) \(target) && " + edit("[broker.tls] \(option) = \"\(target)\"")
                    : "sudo chmod o+r \(file)")
        }
        return nil
    }

    /// What starts a broker on this machine.
    private var startBroker: String {
        guard facts.exists("/usr/sbin/mosquitto") else { return "sudo apt install mosquitto" }
        return facts.exists("/run/systemd/system") ? "sudo systemctl enable --now mosquitto" : "mosquitto -d"
    }

    private func tlsRemedy(_ reason: String, _ server: BrokerURL.Server, _ broker: Configuration.Broker) -> String {
        if reason.contains("client certificate") {
            return edit("[broker.tls] certificate and key, valid ones that the broker's owner signed")
        }
        if reason.contains("speak TLS") {
            return edit("[broker] url = \"mqtt://\(server.host):1883\", or the port with TLS")
        }
        if reason.contains("no version from TLS") {
            return "sudo apt upgrade   # on the broker's host: it needs TLS 1.2"
        }
        if reason.contains("of its authority has expired") {
            return edit("[broker.tls] ca_file = \"/etc/vebridge/ca.pem\", the authority's new certificate")
        }
        if reason.contains("expired") || reason.contains("not valid yet") {
            return "timedatectl   # is the clock right? then renew the broker's certificate"
        }
        if reason.contains("does not name") {
            return edit("[broker.tls] server_name = \"NAME\", a name that the certificate carries")
        }
        if !broker.tls.caFile.isEmpty || reason.contains("unknown authority") || reason.contains("nobody but itself") {
            return edit("[broker.tls] ca_file = \"/etc/vebridge/ca.pem\", the authority that signed the certificate")
        }
        return "openssl s_client -connect \(server.host):\(server.port) </dev/null"
    }
}
