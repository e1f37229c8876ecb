import Update

extension Doctor {
    /// Updates from afar, where there is a key for them.
    func updates() -> [Finding] {
        guard !configuration.updates.key.isEmpty else { return [] }
        var findings: [Finding] = []
        let unit = "vebridge-update.path"
        let isPackaged = ["/lib/systemd/system/", "/usr/lib/systemd/system/"].contains { facts.exists($0 + unit) }
        if isPackaged, !facts.exists("/etc/systemd/system/multi-user.target.wants/\(unit)") {
            findings.append(
                Finding(
                    "updates", .warning, unit, "not enabled: what is offered is fetched and never installed",
                    remedy: "sudo systemctl enable --now \(unit)"))
        }
        // Without an address they are offered over MQTT, and stand on a web server as well.
        let url = configuration.updates.url
        let hasCurl = ["/usr/bin/curl", "/bin/curl", "/usr/local/bin/curl"].contains(where: facts.exists)
        if !url.hasPrefix("file:"), !hasCurl {
            findings.append(
                Finding(
                    "updates", .warning, url.isEmpty ? "curl" : url, "there is no curl to fetch updates with",
                    remedy: "sudo apt install curl"))
        }
        let store = VersionStore(facts.root + configuration.updates.directory)
        if let outcome = store.outcome, outcome.kind != .installed {
            let version = outcome.version.map { "version \($0)" } ?? "the last one"
            findings.append(
                Finding(
                    "updates", .note, configuration.updates.directory,
                    "\(version) \(outcome.kind.words): \(outcome.reason)"))
        }
        return findings.isEmpty ? [Finding("updates", .good, "update.key", "signed ones are taken")] : findings
    }
}
