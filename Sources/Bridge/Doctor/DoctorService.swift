extension Doctor {
    /// The name of the unit.
    static let unit = "vebridge.service"
    static let unitFolders = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]

    /// Where the unit is; nil where it is not installed, or nothing would start it.
    var unitFile: String? {
        guard facts.exists("/run/systemd/system") else { return nil }
        return Self.unitFolders.map { "\($0)/\(Self.unit)" }.first(where: facts.exists)
    }

    func service() -> [Finding] {
        guard facts.exists("/run/systemd/system") else {
            return [Finding("service", .note, "/run/systemd/system", "systemd does not run here")]
        }
        guard let unitFile else {
            return [
                Finding("service", .note, Self.unit, "not installed as a service; it runs while somebody runs it")
            ]
        }
        guard facts.names("/etc/systemd/system/multi-user.target.wants").contains(Self.unit) else {
            return [
                Finding(
                    "service", .warning, unitFile, "installed, but not started at boot",
                    remedy: "sudo systemctl enable --now vebridge")
            ]
        }
        let daemons = daemons
        if daemons.isEmpty {
            return [
                Finding(
                    "service", .warning, unitFile, "installed and started at boot, but it does not run now",
                    remedy: "sudo systemctl restart vebridge   # if that fails: journalctl -u vebridge -n 20")
            ]
        }
        return [
            Finding(
                "service", .good, unitFile,
                "installed, started at every boot"
                    + (daemons.contains { $0.unit == Self.unit } ? ", and running" : "; now somebody runs it by hand"))
        ]
    }

    /// What the unit and its additions say, one after the other.
    var unitText: String {
        guard let unitFile else { return "" }
        let additions = Self.unitFolders.flatMap { folder in
            facts.names("\(folder)/\(Self.unit).d").map { "\(folder)/\(Self.unit).d/\($0)" }
        }
        return ([unitFile] + additions).compactMap(facts.text).joined(separator: "\n")
    }

    /// Whether a configuration is that of the service.
    func isServicesFile(_ file: String) -> Bool {
        guard unitFile != nil, !file.isEmpty else { return false }
        let path = facts.unrooted(file)
        return path == "/etc/vebridge/vebridge.toml" || unitText.contains(path)
            || daemons.contains { $0.unit == Self.unit && $0.words.contains(file) }
    }

    /// The user that the service runs as; the package makes one of the unit's name.
    var serviceUser: String { unitValue("User") ?? "vebridge" }

    /// The service's own group, by which its secrets are readable.
    var serviceGroup: String { unitValue("Group") ?? serviceUser }

    /// The groups in which the service is.
    var serviceGroups: Set<String> {
        var groups: Set<String> = ["dialout", serviceGroup]
        for line in unitText.split(separator: "\n") where line.hasPrefix("SupplementaryGroups=") {
            groups.formUnion(line.dropFirst("SupplementaryGroups=".count).split(separator: " ").map(String.init))
        }
        return groups
    }

    /// The value that the unit and its additions last give to a name; nil where none does.
    private func unitValue(_ name: String) -> String? {
        let lines = unitText.split(separator: "\n").filter { $0.hasPrefix(name + "=") }
        return lines.last.map { String($0.dropFirst(name.count + 1)) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
