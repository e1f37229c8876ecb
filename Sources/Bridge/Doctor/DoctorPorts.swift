extension Doctor {
    func ports() -> [Finding] {
        var findings: [Finding] = []
        if !facts.exists("/run/udev/control") {
            findings.append(
                Finding(
                    "udev", .note, "/run/udev/control",
                    "udevd does not run here: ports are found by watching /dev, and /dev/vebridge does not exist"))
        }
        let patterns = configuration.ports + configuration.multiplexers.map(\.port)
        guard !patterns.isEmpty else {
            if configuration.can.isEmpty {
                findings.append(
                    Finding(
                        "ports", .warning, "configuration", "names no port and no bus",
                        remedy: "vebridge ports   # then ports = [\"…\"] in the configuration, or --ports"))
            }
            return findings
        }
        let found = facts.ports(patterns)
        for pattern in patterns {
            let matches = facts.ports([pattern]).filter { facts.exists($0.path) }
            guard matches.isEmpty else { continue }
            let what = PortPatterns.isWildcard(pattern) ? "no port matches" : "there is no such port"
            findings.append(
                Finding(
                    "ports", .warning, pattern, "\(what): the cable is not plugged in, or has another name",
                    remedy: "vebridge ports"))
        }
        for port in found where facts.exists(port.path) { findings += look(at: port) }
        return findings
    }

    private func look(at port: PortPatterns.Port) -> [Finding] {
        let name = port.path == port.device ? port.path : "\(port.path) (\(port.device))"
        if let finding = notSerial(port, name, option: "ports") { return [finding] }
        let permission = permission(port, name)
        let (held, isFree) = holders(of: port, name)
        var findings = [permission] + held + latency(port, name)
        guard asks, isFree, permission.verdict == .good else { return findings }
        let isMultiplexed = configuration.multiplexers.contains { $0.port == port.path || $0.port == port.device }
        if isMultiplexed { return findings }
        let answer = answer(port, name)
        // What opening it tells is better than what was seen from outside.
        findings.removeAll { $0.check == answer.check }
        return findings + [answer]
    }

    /// Who has it open, and whether nobody has. What other users' programs hold, root alone sees.
    private func holders(of port: PortPatterns.Port, _ name: String) -> ([Finding], isFree: Bool) {
        let holders = facts.holders(port.device)
        if let finding = conflict(name, holders, option: "ports") { return ([finding], false) }
        if let holder = holders.first { return ([Finding("held", .good, name, "held by \(holder)")], false) }
        if facts.user.id != 0, let other = daemons.first(where: { $0.user != facts.user.id }) {
            let found = "probably held by vebridge (\(other.id)), of another user; sudo vebridge doctor sees it"
            return ([Finding("held", .note, name, found)], false)
        }
        guard facts.user.id == 0 else {
            let found = "no program of this user's holds it; those of others sudo vebridge doctor sees"
            return ([Finding("held", .note, name, found)], true)
        }
        return ([Finding("held", .good, name, "no other program holds it")], true)
    }

    /// What is wrong with a path that is no serial port; nil for one that is. Which programs hold such a file does not
    /// matter, and for /dev/null it would be half of the system.
    func notSerial(_ port: PortPatterns.Port, _ name: String, option: String) -> Finding? {
        facts.kindMismatch(port.device).map { mismatch in
            Finding(
                "port", .fault, name, mismatch,
                remedy: edit("take \(port.path) out of '\(option)'; vebridge ports lists the serial ports"))
        }
    }

    /// The program that keeps us from a port: another program, or an instance with another configuration. Nil where
    /// there is none.
    func conflict(_ name: String, _ holders: [String], option: String) -> Finding? {
        let strangers = holders.filter { !$0.hasPrefix("vebridge (") }
        guard strangers.isEmpty else { return held(name, by: strangers) }
        guard let run = holders.lazy.compactMap(otherInstance).first else { return nil }
        return Finding(
            "held", .fault, name, "held by another instance of vebridge: \(self.name(of: run))",
            remedy: edit("take it out of '\(option)' here, or out of the other configuration: one instance a port"))
    }

    /// The programs that hold a port; of many, the first few.
    private func held(_ name: String, by strangers: [String]) -> Finding {
        let (named, rest) = (strangers.prefix(Self.namedHolders), strangers.dropFirst(Self.namedHolders).count)
        let more = rest == 0 ? "" : " and \(rest) more"
        var remedies: [String] = []
        for holder in named {
            let program = String(holder.prefix { $0 != "(" }.dropLast())
            let remedy = stop(program, Self.process(of: holder) ?? 0)
            if !remedies.contains(remedy) { remedies.append(remedy) }
        }
        let isCommands = remedies.allSatisfy { $0.hasPrefix("sudo ") }
        return Finding(
            "held", .fault, name, "held by \(named.joined(separator: ", "))" + more,
            remedy: remedies.joined(separator: isCommands ? " && " : "; "))
    }

    /// How many of those that hold a port are named.
    private static let namedHolders = 3

    /// Whether it is the service that opens the ports, and not the user who asks.
    var isServicesBusiness: Bool {
        guard !isByHand, isServicesFile(configuration.file) else { return false }
        return facts.user.id == 0
            || daemons.contains { $0.unit == Self.unit && $0.words.contains(configuration.file) }
    }

    /// Whether the one who is to open it may.
    func permission(_ port: PortPatterns.Port, _ name: String) -> Finding {
        guard let owner = facts.owner(port.device) else {
            return Finding("permission", .good, name, "no longer there")
        }
        let group = facts.groupName(owner.group)
        let mode = owner.mode & 0o777
        let isOpenToAll = mode & 0o006 == 0o006
        let isOpenToGroup = mode & 0o060 == 0o060
        // Lists of who may (ACL) and containers make it differ from what owner and mode say.
        let isOpenToUser =
            facts.mayOpen(port.device)
            ?? (isOpenToAll || facts.user.id == 0 || facts.user.id == owner.user && mode & 0o600 == 0o600
                || facts.user.groups.contains(owner.group) && isOpenToGroup)
        let rights = "group \(group), mode \(String(mode, radix: 8))"
        let groupMayOpen = isOpenToGroup && owner.group != 0
        let giveToGroup = "sudo chgrp dialout \(port.device) && sudo chmod 660 \(port.device)"
        if isServicesBusiness {
            guard isOpenToAll || isOpenToGroup && serviceGroups.contains(group) else {
                return Finding(
                    "permission", .fault, name,
                    "belongs to \(rights): the service, which is in group dialout, cannot open it",
                    remedy: groupMayOpen
                        ? "sudo systemctl edit vebridge   # [Service] SupplementaryGroups=\(group), and then: sudo "
                            + "systemctl restart vebridge" : giveToGroup)
            }
            return isOpenToUser
                ? Finding("permission", .good, name, "\(rights): can be opened")
                : Finding("permission", .note, name, "\(rights): the service may open it, this user may not")
        }
        if isOpenToUser { return Finding("permission", .good, name, "\(rights): can be opened") }
        if facts.user.id == 0 { return deniedToRoot(port, name, rights) }
        return Finding(
            "permission", .fault, name, "belongs to \(rights): this user may not open it",
            remedy: groupMayOpen && !facts.user.groups.contains(owner.group)
                ? "sudo usermod -aG \(group) $USER   # then log in again" : giveToGroup)
    }

    /// Rights are no matter of owner and mode where root has none, such as in a container.
    private func deniedToRoot(_ port: PortPatterns.Port, _ name: String, _ rights: String) -> Finding {
        Finding(
            "permission", .fault, name, "belongs to \(rights), and the system does not let even root open it",
            remedy: "docker run --device=\(port.device) …   # a container has to be given each port")
    }

    private func latency(_ port: PortPatterns.Port, _ name: String) -> [Finding] {
        let tty = port.device.split(separator: "/").last.map(String.init) ?? ""
        let file = "/sys/class/tty/\(tty)/device/latency_timer"
        guard let text = facts.text(file), let milliseconds = Int(text) else { return [] }
        if milliseconds <= 1 { return [Finding("latency", .good, name, "FTDI latency timer 1 ms")] }
        return [
            Finding(
                "latency", .warning, name,
                "FTDI latency timer \(milliseconds) ms: each answer waits that long in the adapter",
                remedy: "echo 1 | sudo tee \(file)")
        ]
    }

    private func answer(_ port: PortPatterns.Port, _ name: String) -> Finding {
        var settings = configuration.serialSettings(path: port.path, aliases: [port.device])
        // A driver keeps this mark until the cable is pulled: looking would mend a latency timer for the time being.
        settings.lowLatency = false
        let finding = facts.askPort(port.device, settings)
        if let failure = finding.failure {
            // A program of another user's, which this one does not see.
            if failure.hasPrefix("in use") {
                return Finding(
                    "held", .fault, name, failure,
                    remedy: facts.user.id == 0
                        ? "sudo fuser -v \(port.device)   # outside of this container"
                        : "sudo vebridge doctor --ports \(port.path)   # names the program")
            }
            if ["not permitted", "denied"].contains(where: failure.contains) {
                if facts.user.id == 0 { return deniedToRoot(port, name, failure) }
                return Finding(
                    "permission", .fault, name, "cannot be opened: \(failure)",
                    remedy: "sudo usermod -aG dialout $USER   # then log in again")
            }
            return Finding("answer", .fault, name, "cannot be used: \(failure)", remedy: "vebridge ports \(port.path)")
        }
        if let identity = finding.identity {
            return Finding(
                "answer", .good, name, "\(identity.serial), \(identity.model ?? "model not known") answers")
        }
        switch finding.state {
        case .textOnly:
            return Finding(
                "answer", .fault, name, "TEXT comes, and no answer to HEX: what is sent does not arrive",
                remedy: "check the cable's TX wire, and that the charger's TX port function is not in use")
        case .hexOnly:
            return Finding(
                "answer", .fault, name, finding.state.advice ?? "HEX frames come, and no answer",
                remedy: "check the cable's TX wire")
        case .echoOnly:
            return Finding(
                "answer", .fault, name, "only our own words come back: RX and TX touch, or the port has echo",
                remedy: "check the cable's RX and TX wires")
        default:
            let isHeard = finding.counters.bytes > 0
            return Finding(
                "answer", .fault, name,
                isHeard
                    ? "bytes come that are not VE.Direct"
                    : "nothing answers"
                        + (facts.user.id == 0 ? "" : ", unless another user's program takes what comes"),
                remedy: isHeard
                    ? "vebridge ports   # is another device on this port?"
                    : "check that the charger has power and that the cable's plugs sit")
        }
    }
}
