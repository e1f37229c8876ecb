import Glibc

extension Doctor {
    /// A run of vebridge that bridges.
    struct Run {
        var id: Int
        var words: [String]
        /// Whose process it is.
        var user: UInt32?
        /// The unit of systemd in which it runs.
        var unit: String?
    }

    /// The name of the unit.
    static let unit = "vebridge.service"
    static let unitFolders = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]

    /// Runs that bridge: the commands that only look do not count.
    var daemons: [Run] {
        facts.processes(named: "vebridge").filter { process in
            guard process.id != getpid() || !facts.root.isEmpty else { return false }
            let words = process.words.dropFirst()
            guard let command = words.first else { return true }
            // The service leaves it to this command which version it runs, and that may be the same program.
            if command == "update" { return words.dropFirst().first == "run" }
            return command == "run" || command.hasPrefix("-") && !["--version", "--help", "-h"].contains(command)
        }.map {
            Run(id: $0.id, words: $0.words, user: facts.owner("/proc/\($0.id)")?.user, unit: facts.unit(of: $0.id))
        }
    }

    func others() -> [Finding] {
        let daemons = daemons
        guard daemons.count > 1 else {
            return [
                Finding(
                    "running", daemons.isEmpty ? .note : .good, "processes",
                    daemons.first.map { "vebridge runs as process \($0.id)" } ?? "no vebridge is running")
            ]
        }
        let numbers = daemons.map { String($0.id) }.joined(separator: " and ")
        // The one that the service started would be started again.
        let surplus = daemons.last { $0.unit != Self.unit } ?? daemons[daemons.count - 1]
        return [
            Finding(
                "running", .warning, "processes", "vebridge runs more than once, as processes \(numbers)",
                remedy: "sudo kill \(surplus.id)")
        ]
    }

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
    private var unitText: String {
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

    /// The groups in which the service is.
    var serviceGroups: Set<String> {
        var groups: Set<String> = ["dialout"]
        for line in unitText.split(separator: "\n") where line.hasPrefix("SupplementaryGroups=") {
            groups.formUnion(line.dropFirst("SupplementaryGroups=".count).split(separator: " ").map(String.init))
        }
        return groups
    }

    /// Secrets that are not to be seen: those of the service exist while it runs, and are its own.
    func secrets() -> [Finding] {
        let unitText = unitText
        return hiddenSecrets.map { path in
            if path.hasPrefix("$") {
                let sets = ["Environment=", "EnvironmentFile=", "PassEnvironment="]
                let isSet = unitText.split(separator: "\n").contains { line in sets.contains(where: line.hasPrefix) }
                return isSet
                    ? Finding("secrets", .note, path, "only the service has it: its broker is asked without")
                    : Finding(
                        "secrets", .fault, path, "no Environment of the unit sets it: the service does not have it",
                        remedy: "sudo systemctl edit vebridge   # [Service] EnvironmentFile=/etc/vebridge/environment")
            }
            let credentials = "/run/credentials/\(Self.unit)/"
            let name = path.hasPrefix(credentials) ? String(path.dropFirst(credentials.count)) : nil
            if let name, unitFile != nil,
                !unitText.split(separator: "\n").contains(where: { $0.hasPrefix("LoadCredential=\(name):") })
            {
                return Finding(
                    "secrets", .fault, path, "the unit has no LoadCredential for it: the service cannot read it",
                    remedy: "sudo systemctl edit vebridge   # [Service] LoadCredential=\(name):/etc/vebridge/\(name)")
            }
            return Finding(
                "secrets", .note, path,
                facts.user.id == 0
                    ? "exists while the service runs only: its broker is asked without it"
                    : "not to be seen by this user: its broker is asked without it; sudo vebridge doctor has it")
        }
    }
}
