/// Whether the service can read the files that its configuration names.
extension Doctor {
    private static let credentials = "/run/credentials/\(Doctor.unit)/"

    /// The findings about secrets: those that this user cannot see, and those that the service cannot read.
    func secrets() -> [Finding] {
        var findings = hiddenSecrets.map(hidden)
        guard unitFile != nil, !isByHand, isServicesFile(configuration.file) else { return findings }
        for (option, path) in secretFiles where !path.hasPrefix("/run/credentials/") {
            let finding = serviceAccess(path, option: option)
            if finding.verdict >= .warning { findings.removeAll { $0.subject == path } }
            if !findings.contains(where: { $0.subject == path }) { findings.append(finding) }
        }
        return findings
    }

    /// The files with secrets that the configuration names, with the option of each.
    private var secretFiles: [(option: String, path: String)] {
        let brokers = ([configuration.broker] + configuration.brokers).flatMap { broker in
            [("password_file", broker.passwordFile), ("psk_file", broker.tls.pskFile)]
        }
        let web = [("password_file", configuration.web.passwordFile), ("token_file", configuration.web.tokenFile)]
        return (brokers + web).filter { !$0.1.isEmpty }
    }

    private func serviceAccess(_ path: String, option: String) -> Finding {
        if let reason = serviceObstacle(path) {
            return Finding(
                "secrets", .fault, path, "the service cannot read it: \(reason)",
                remedy: serviceRemedy(path, option: option))
        }
        if facts.owner(path).map({ $0.mode & 0o004 != 0 }) ?? false, !path.hasPrefix("/run/") {
            return Finding(
                "secrets", .note, path, "the service can read it, and so can every user of this machine",
                remedy: serviceRemedy(path, option: option))
        }
        return Finding("secrets", .good, path, "the service can read it")
    }

    /// What makes a file readable by the service and by root alone; for a file in a folder that the service does not
    /// see, a copy below /etc/vebridge.
    func serviceRemedy(_ path: String, option: String) -> String {
        let group = serviceGroup
        let makeGroup =
            facts.hasGroup(group) || group != "vebridge"
            ? "" : "sudo adduser --system --group --no-create-home --home /nonexistent vebridge && "
        guard Self.isAway(path) else {
            return makeGroup + "sudo chgrp \(group) \(path) && sudo chmod 640 \(path)   # then: sudo systemctl restart "
                + "vebridge"
        }
        let target = "/etc/vebridge/\(path.split(separator: "/").last ?? "password")"
        return makeGroup + "sudo install -m 640 -g \(group) \(path) \(target)   # then: "
            + edit("\(option) = \"\(target)\"")
    }

    /// Why the service cannot read a file; nil where it can, and where this user cannot find out.
    func serviceObstacle(_ path: String) -> String? {
        if Self.isAway(path) { return "it does not see that folder" }
        guard let owner = facts.owner(path), !facts.hasAccessList(path) else { return nil }
        for folder in Self.folders(above: path) {
            guard let owner = facts.owner(folder), !facts.hasAccessList(folder) else { continue }
            if !isGranted(1, owner) { return "the folder \(folder) is closed to group \(serviceGroup)" }
        }
        if isGranted(4, owner) { return nil }
        let mode = String(owner.mode & 0o777, radix: 8)
        return "it belongs to \(facts.userName(owner.user)):\(facts.groupName(owner.group)), mode \(mode)"
    }

    /// Whether the unit's sandbox hides a path: homes, and the system's folders for temporary files.
    static func isAway(_ path: String) -> Bool {
        ["/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"].contains(where: path.hasPrefix)
    }

    /// Whether owner and mode give the service a right: 4 to read, 1 to search a folder.
    private func isGranted(_ right: UInt32, _ owner: (user: UInt32, group: UInt32, mode: UInt32)) -> Bool {
        if serviceUser == "root" || facts.userName(owner.user) == serviceUser { return owner.mode & (right << 6) != 0 }
        if serviceGroups.contains(facts.groupName(owner.group)) { return owner.mode & (right << 3) != 0 }
        return owner.mode & right != 0
    }

    private static func folders(above path: String) -> [String] {
        var folders: [String] = []
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/"), slash > rest.startIndex {
            rest = rest[..<slash]
            folders.append(String(rest))
        }
        return folders.reversed()
    }

    /// A secret that this user cannot read: a variable, a credential of the unit, or a closed file.
    private func hidden(_ path: String) -> Finding {
        if path.hasPrefix("$") {
            let sets = ["Environment=", "EnvironmentFile=", "PassEnvironment="]
            let isSet = unitText.split(separator: "\n").contains { line in sets.contains(where: line.hasPrefix) }
            return isSet
                ? Finding("secrets", .note, path, "only the service has it: its broker is asked without")
                : Finding(
                    "secrets", .fault, path, "no Environment of the unit sets it: the service does not have it",
                    remedy: "sudo systemctl edit vebridge   # [Service] EnvironmentFile=/etc/vebridge/environment")
        }
        let name = path.hasPrefix(Self.credentials) ? String(path.dropFirst(Self.credentials.count)) : nil
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
