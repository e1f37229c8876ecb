import Glibc

/// Looks for the reasons why it does not work here.
///
/// It takes its facts from ``SystemFacts``, changes nothing, and leaves alone what a running daemon holds.
public struct Doctor: Sendable {
    let configuration: Configuration
    let facts: SystemFacts
    /// Whether chargers and brokers are spoken to.
    let asks: Bool

    /// A doctor for a configuration that is valid.
    ///
    /// - Parameter asks: whether ports that nobody holds and brokers are spoken to.
    public init(_ configuration: Configuration, facts: SystemFacts = SystemFacts(), asks: Bool = true) {
        self.configuration = configuration
        self.facts = facts
        self.asks = asks
    }

    /// The findings for a configuration that cannot be read: each fault with its line.
    public static func findings(of error: ConfigurationError) -> [Finding] {
        error.diagnostics.map { diagnostic in
            let place = diagnostic.line.map { "\(diagnostic.file):\($0)" } ?? diagnostic.file
            let remedy =
                diagnostic.hint ?? "sudoedit \(diagnostic.file)" + (diagnostic.line.map { "   # line \($0)" } ?? "")
            return Finding("configuration", .fault, place, diagnostic.message, remedy: remedy)
        }
    }

    /// Every finding, in the order in which data flows.
    ///
    /// - Parameter report: is told each finding as it comes; brokers and ports take their time.
    @discardableResult
    public func examine(_ report: (Finding) -> Void = { _ in }) -> [Finding] {
        var findings: [Finding] = []
        for check in [configurationFile, service, others, ports, neighbours, buses, clock, state, brokers] {
            for finding in check() {
                findings.append(finding)
                report(finding)
            }
        }
        return findings
    }

    // MARK: The program itself

    private func configurationFile() -> [Finding] {
        let file = configuration.file
        return [
            Finding(
                "configuration", .good, file.isEmpty ? "command line" : file,
                file.isEmpty ? "no file, and every option valid" : "valid")
        ]
    }

    /// Other runs of vebridge that bridge: the commands that only look do not count.
    private var daemons: [Int] {
        facts.processes(named: "vebridge").filter { process in
            guard process.id != getpid() || !facts.root.isEmpty else { return false }
            let words = process.words.dropFirst()
            guard let command = words.first else { return true }
            return command == "run" || command.hasPrefix("-") && !["--version", "--help", "-h"].contains(command)
        }.map(\.id)
    }

    private func others() -> [Finding] {
        let daemons = daemons
        guard daemons.count > 1 else {
            return [
                Finding(
                    "running", daemons.isEmpty ? .note : .good, "processes",
                    daemons.first.map { "vebridge runs as process \($0)" } ?? "no vebridge is running")
            ]
        }
        let numbers = daemons.map(String.init).joined(separator: " and ")
        return [
            Finding(
                "running", .warning, "processes", "vebridge runs more than once, as processes \(numbers)",
                remedy: "kill \(daemons.last ?? 0)")
        ]
    }

    private static let unitFolders = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]

    private func service() -> [Finding] {
        let name = "vebridge.service"
        guard facts.exists("/run/systemd/system") else {
            return [Finding("service", .note, "/run/systemd/system", "systemd does not run here")]
        }
        guard let folder = Self.unitFolders.first(where: { facts.exists("\($0)/\(name)") }) else {
            return [Finding("service", .note, name, "not installed as a service; it runs while somebody runs it")]
        }
        let wanted = facts.names("/etc/systemd/system/multi-user.target.wants").contains(name)
        return [
            wanted
                ? Finding("service", .good, "\(folder)/\(name)", "installed, and started at every boot")
                : Finding(
                    "service", .warning, "\(folder)/\(name)", "installed, but not started at boot",
                    remedy: "sudo systemctl enable --now vebridge")
        ]
    }

    // MARK: Ports

    private func ports() -> [Finding] {
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
        var findings: [Finding] = []
        let name = port.path == port.device ? port.path : "\(port.path) (\(port.device))"
        let permission = permission(port, name)
        findings.append(permission)
        let holders = facts.holders(port.device)
        let strangers = holders.filter { !$0.hasPrefix("vebridge (") }
        for stranger in strangers {
            let process = stranger.split(separator: "(").last?.dropLast() ?? ""
            findings.append(
                Finding("held", .fault, name, "held by \(stranger)", remedy: "sudo kill \(process)"))
        }
        if strangers.isEmpty {
            findings.append(
                Finding("held", .good, name, holders.first.map { "held by \($0)" } ?? "no other program holds it"))
        }
        findings += latency(port, name)
        guard asks, holders.isEmpty, permission.verdict != .fault, facts.root.isEmpty || permission.verdict == .good
        else { return findings }
        let isMultiplexed = configuration.multiplexers.contains { $0.port == port.path || $0.port == port.device }
        if !isMultiplexed { findings.append(answer(port, name)) }
        return findings
    }

    /// Whether the user who asks can open it; asked by root, whether the service could, which is in group dialout.
    private func permission(_ port: PortPatterns.Port, _ name: String) -> Finding {
        guard let owner = facts.owner(port.device) else {
            return Finding("permission", .good, name, "no longer there")
        }
        let group = facts.groupName(owner.group)
        let isService = facts.user.id == 0 && facts.exists("/run/systemd/system")
        let mode = owner.mode & 0o777
        let isOpen =
            mode & 0o006 == 0o006
            || (isService
                ? group == "dialout" && mode & 0o060 == 0o060
                : facts.user.id == 0 || facts.user.id == owner.user && mode & 0o600 == 0o600
                    || facts.user.groups.contains(owner.group) && mode & 0o060 == 0o060)
        let rights = String(mode, radix: 8)
        if isOpen { return Finding("permission", .good, name, "group \(group), mode \(rights): can be opened") }
        let groupMayOpen = mode & 0o060 == 0o060 && owner.group != 0
        if isService {
            return Finding(
                "permission", .warning, name,
                "belongs to group \(group), mode \(rights): the service, which is in group dialout, cannot open it",
                remedy: groupMayOpen
                    ? "sudo systemctl edit vebridge   # [Service] SupplementaryGroups=\(group)"
                    : "sudo chgrp dialout \(port.device) && sudo chmod 660 \(port.device)")
        }
        return Finding(
            "permission", .fault, name, "belongs to group \(group), mode \(rights): this user may not open it",
            remedy: groupMayOpen
                ? "sudo usermod -aG \(group) $USER   # then log in again"
                : "sudo chgrp dialout \(port.device) && sudo chmod 660 \(port.device)")
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
        let settings = configuration.serialSettings(path: port.path, aliases: [port.device])
        let finding = facts.askPort(port.device, settings)
        if let failure = finding.failure {
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
        case .echoOnly:
            return Finding(
                "answer", .fault, name, "only our own words come back: RX and TX touch, or the port has echo",
                remedy: "check the cable's RX and TX wires")
        default:
            let isHeard = finding.counters.bytes > 0
            return Finding(
                "answer", .fault, name,
                isHeard ? "bytes come that are not VE.Direct" : "nothing answers",
                remedy: isHeard
                    ? "vebridge ports   # is another device on this port?"
                    : "check that the charger has power and that the cable's plugs sit")
        }
    }

    // MARK: Programs that reach for ports

    private func neighbours() -> [Finding] {
        var findings: [Finding] = []
        let rules = ["/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"].flatMap(facts.names)
        if let modem = facts.processes(named: "ModemManager").first {
            let isTold = rules.contains { $0.hasSuffix("vebridge.rules") }
            findings.append(
                isTold
                    ? Finding(
                        "modemmanager", .good, "process \(modem.id)", "runs, and the rule keeps it off our cables")
                    : Finding(
                        "modemmanager", .warning, "process \(modem.id)",
                        "ModemManager runs and talks to every new port: no rule tells it to keep off",
                        remedy: "sudo systemctl disable --now ModemManager"))
        }
        if let braille = facts.processes(named: "brltty").first {
            findings.append(
                Finding(
                    "brltty", .warning, "process \(braille.id)",
                    "brltty runs, and takes serial adapters for braille displays",
                    remedy: "sudo systemctl mask --now brltty.service brltty-udev.service"))
        }
        if findings.isEmpty {
            findings.append(Finding("neighbours", .good, "processes", "neither ModemManager nor brltty runs"))
        }
        return findings
    }

    // MARK: The clock

    /// No version is older than this; 1 January 2026.
    static let earliest = 1_767_225_600
    private static let year = 31_556_952

    private func clock() -> [Finding] {
        let (seconds, isSynchronised) = facts.clock()
        let year = 1970 + seconds / Self.year
        let remedy = "sudo timedatectl set-ntp true"
        if seconds < Self.earliest || seconds > Self.earliest + 30 * Self.year {
            return [
                Finding(
                    "clock", .fault, "system clock",
                    "it says the year \(year): certificates fail, and the history gets wrong days", remedy: remedy)
            ]
        }
        return [
            isSynchronised
                ? Finding("clock", .good, "system clock", "kept in step by a time service")
                : Finding("clock", .note, "system clock", "plausible; no time service says that it is right")
        ]
    }

    // MARK: State on the disk

    private func state() -> [Finding] {
        var findings: [Finding] = []
        let folder = configuration.bridge.stateDirectory
        guard !folder.isEmpty || !configuration.history.path.isEmpty else {
            return [
                Finding("state", .note, "bridge.state_directory", "not set: neither history nor counters are kept")
            ]
        }
        if !folder.isEmpty {
            if !facts.exists(folder) {
                let isOthers = facts.user.id != 0 && folder.hasPrefix("/var/lib/")
                findings.append(
                    isOthers
                        ? Finding("state", .note, folder, "not to be seen by this user; sudo vebridge doctor looks in")
                        : Finding(
                            "state", .fault, folder, "does not exist: nothing can be kept",
                            remedy: facts.exists("/run/systemd/system")
                                ? "sudo systemctl restart vebridge" : "sudo install -d -m 700 -o $USER \(folder)"))
            } else if let trouble = facts.writeTrouble(folder) {
                findings.append(
                    Finding(
                        "state", .fault, folder, "cannot be written: \(trouble)",
                        remedy: "sudo chown -R $USER \(folder)   # or mount its disk writable"))
            } else {
                findings.append(Finding("state", .good, folder, "can be written"))
            }
            findings += disk(folder)
        }
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

    private func disk(_ folder: String) -> [Finding] {
        guard let room = facts.room(folder) else { return [] }
        let words = room >= 10_000_000 ? "\(room / 1_000_000) MB free" : "\(room / 1000) kB free"
        if room >= 64_000_000 { return [Finding("disk", .good, folder, words)] }
        return [
            Finding(
                "disk", room < 4_000_000 ? .fault : .warning, folder,
                room < 4_000_000 ? "the disk is full: \(words)" : "the disk is nearly full: \(words)",
                remedy: "sudo journalctl --vacuum-size=50M   # and see: sudo du -xh / | sort -h | tail")
        ]
    }
}
