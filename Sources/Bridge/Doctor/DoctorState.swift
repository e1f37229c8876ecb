import Glibc

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
        guard configuration.history.enabled, let path = configuration.historyPath else { return findings }
        let place = Self.parent(of: path)
        if place != folder { findings += disk(place) }
        if facts.exists(path) { findings.append(database(path)) }
        return findings
    }

    private func database(_ path: String) -> Finding {
        guard let trouble = facts.databaseTrouble(path) else { return Finding("database", .good, path, "sound") }
        switch trouble.kind {
        case .damaged:
            return Finding(
                "database", .fault, path, trouble.reason,
                remedy: "sudo mv \(path) \(path).damaged   # a new one is made")
        case .newer:
            return Finding(
                "database", .fault, path, trouble.reason,
                remedy: "sudo apt install --only-upgrade vebridge   # or history.path: another file")
        case .closed:
            return Finding("database", .note, path, "it cannot be looked into now: \(trouble.reason)")
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
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
        if trouble == String(cString: strerror(EROFS)) {
            return [
                Finding(
                    "state", .fault, folder, "its disk is mounted read-only: nothing can be kept",
                    remedy: "sudo mount -o remount,rw \"$(findmnt -n -o TARGET -T \(folder))\"")
            ]
        }
        if isServicesBusiness, facts.user.id != 0, facts.owner(folder)?.user != facts.user.id {
            return [Finding("state", .note, folder, "not to be written by this user; the service, which runs, may")]
        }
        return [
            Finding(
                "state", .fault, folder, "cannot be written: \(trouble)",
                remedy: "sudo chown -R $USER \(folder)")
        ]
    }

    private func disk(_ folder: String) -> [Finding] {
        // A folder that is not there yet, or that this user does not see, is where the one around it is.
        var place = folder
        while facts.room(place) == nil, place != "/", place.hasPrefix("/") { place = Self.parent(of: place) }
        guard let room = facts.room(place) else { return [] }
        let words = room.free >= 10_000_000 ? "\(room.free / 1_000_000) MB free" : "\(room.free / 1000) kB free"
        // Small is not full: on a disk of some megabytes the history has a place as long as there is any.
        let isShort = room.free < 64_000_000 && room.free < room.total / 10
        let isFull = room.free < 4_000_000 && isShort || room.free < 100_000
        guard isShort || isFull || room.isOutOfFiles else { return [Finding("disk", .good, folder, words)] }
        let isOnRoot = facts.isOnRootFileSystem(place)
        if room.isOutOfFiles {
            return [
                Finding(
                    "disk", .fault, folder, "the disk is full of files: no inode is left, with \(words)",
                    remedy: "sudo du --inodes -x \(isOnRoot ? "/" : place) | sort -n | tail   # what fills it")
            ]
        }
        return [
            Finding(
                "disk", isFull ? .fault : .warning, folder, "the disk is \(isFull ? "" : "nearly ")full: \(words)",
                remedy: isOnRoot
                    ? "sudo apt clean && sudo journalctl --vacuum-size=50M   # what fills it: "
                        + "sudo du -xh / | sort -h | tail"
                    : "sudo du -ah \(folder)/.. | sort -h | tail   # what fills it")
        ]
    }
}
