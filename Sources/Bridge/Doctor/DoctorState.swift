extension Doctor {
    /// What is kept on the disk, and whether there is room for it.
    func state() -> [Finding] {
        var findings: [Finding] = []
        let folder = configuration.bridge.stateDirectory
        guard !folder.isEmpty || !configuration.history.path.isEmpty else {
            return [
                Finding("state", .note, "bridge.state_directory", "not set: neither history nor counters are kept")
            ]
        }
        if !folder.isEmpty { findings += look(folder: folder) + disk(folder) }
        if configuration.history.enabled, let path = configuration.historyPath, facts.exists(path) {
            let trouble = facts.databaseTrouble(path)
            findings.append(
                trouble.map {
                    Finding(
                        "database", .fault, path, $0, remedy: "sudo mv \(path) \(path).damaged   # a new one is made")
                } ?? Finding("database", .good, path, "sound"))
        }
        return findings
    }

    private func look(folder: String) -> [Finding] {
        if !facts.exists(folder) {
            let isOthers = facts.user.id != 0 && folder.hasPrefix("/var/lib/")
            return [
                isOthers
                    ? Finding("state", .note, folder, "not to be seen by this user; sudo vebridge doctor looks in")
                    : Finding(
                        "state", .fault, folder, "does not exist: nothing can be kept",
                        remedy: unitFile != nil
                            ? "sudo systemctl restart vebridge" : "sudo install -d -m 700 -o $USER \(folder)")
            ]
        }
        guard let trouble = facts.writeTrouble(folder) else {
            return [Finding("state", .good, folder, "can be written")]
        }
        if isServicesBusiness, facts.owner(folder)?.user != facts.user.id {
            return [Finding("state", .note, folder, "not to be written by this user; the service, which runs, may")]
        }
        return [
            Finding(
                "state", .fault, folder, "cannot be written: \(trouble)",
                remedy: "sudo chown -R $USER \(folder)   # or mount its disk writable")
        ]
    }

    private func disk(_ folder: String) -> [Finding] {
        guard let room = facts.room(folder) else { return [] }
        let words = room >= 10_000_000 ? "\(room / 1_000_000) MB free" : "\(room / 1000) kB free"
        if room >= 64_000_000 { return [Finding("disk", .good, folder, words)] }
        let isFull = room < 4_000_000
        return [
            Finding(
                "disk", isFull ? .fault : .warning, folder, "the disk is \(isFull ? "" : "nearly ")full: \(words)",
                remedy: facts.isOnRootFileSystem(folder)
                    ? "sudo apt clean && sudo journalctl --vacuum-size=50M   # what fills it: "
                        + "sudo du -xh / | sort -h | tail"
                    : "sudo du -ah \(folder)/.. | sort -h | tail   # what fills it")
        ]
    }
}
