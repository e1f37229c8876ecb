extension Doctor {
    func brokers() -> [Finding] {
        // Without its secret a broker would refuse us for a reason that is none.
        asks && hiddenSecrets.isEmpty ? ([configuration.broker] + configuration.brokers).map(look) : []
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
        for file in [broker.tls.caFile, broker.tls.certificate, broker.tls.key]
        where !file.isEmpty && server.transport == .mqtts && !facts.exists(file) {
            return Finding("tls", .fault, name, "\(file) does not exist", remedy: "ls -l \(file)")
        }
        guard let trouble = facts.broker(broker, configuration) else {
            return Finding("broker", .good, name, "it took us")
        }
        let local = ["localhost", "127.0.0.1", "::1"].contains(server.host)
        switch trouble.cause {
        case .refused:
            return Finding(
                "broker", .fault, name, trouble.reason,
                remedy: local
                    ? startBroker : edit("[broker] url = \"mqtt://HOST:PORT\", or start the broker on \(server.host)"))
        case .hostNotFound:
            return Finding("broker", .fault, name, trouble.reason, remedy: "getent hosts \(server.host)")
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
            let files = [broker.tls.caFile, broker.tls.certificate, broker.tls.key].filter { !$0.isEmpty }
            let file = files.first(where: trouble.reason.contains) ?? files.first
            return Finding(
                "tls", .fault, name, trouble.reason,
                remedy: file.map { "head -n 1 \($0)   # begins with -----BEGIN, as the broker's owner gave it" }
                    ?? edit("[broker.tls]"))
        case .closed, .version, .rejected, .takenOver, .settings, .moved, .stopped, .other:
            return Finding(
                "broker", .fault, name, trouble.reason,
                remedy: local ? "sudo journalctl -u mosquitto -n 20" : "look into the log of the broker")
        }
    }

    /// What starts a broker on this machine.
    private var startBroker: String {
        guard facts.exists("/usr/sbin/mosquitto") else { return "sudo apt install mosquitto" }
        return facts.exists("/run/systemd/system") ? "sudo systemctl enable --now mosquitto" : "mosquitto -d"
    }

    private func tlsRemedy(_ reason: String, _ server: BrokerURL.Server, _ broker: Configuration.Broker) -> String {
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
