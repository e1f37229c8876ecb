import Glibc

extension Doctor {
    /// A vebridge process that reads ports.
    struct Run {
        var id: Int
        var words: [String]
        /// The user it runs as.
        var user: UInt32?
        /// The unit of systemd in which it runs.
        var unit: String?

        /// The file that `--config` names, as it was written; nil without one.
        var file: String? {
            if let index = words.firstIndex(of: "--config"), index + 1 < words.count { return words[index + 1] }
            return words.first { $0.hasPrefix("--config=") }.map { String($0.dropFirst("--config=".count)) }
        }
    }

    /// The vebridge processes that read ports; commands that only look at something do not count.
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

    /// Which vebridge processes run: with this configuration, and with another one.
    func instances() -> [Finding] {
        let daemons = daemons
        guard !daemons.isEmpty else { return [Finding("running", .note, "processes", "no vebridge is running")] }
        // Without a file there is nothing by which a process could be another instance.
        guard !configuration.file.isEmpty else {
            guard daemons.count > 1 else {
                return [Finding("running", .good, "processes", "vebridge runs as process \(daemons[0].id)")]
            }
            return daemons.map { Finding("running", .note, "processes", "one of several instances: \(name(of: $0))") }
        }
        let own = daemons.filter(isOwn)
        let others = daemons.filter { !isOwn($0) }.map { run in
            Finding("running", .note, "processes", "another instance of vebridge: \(name(of: run))")
        }
        guard own.count > 1 else {
            let found =
                own.first.map { Finding("running", .good, "processes", "vebridge runs as process \($0.id)") }
                ?? Finding("running", .note, "processes", "no vebridge runs with \(configuration.file)")
            return [found] + others
        }
        let numbers = own.map { String($0.id) }.joined(separator: " and ")
        // The service restarts its own process, so the other one is the one to stop.
        let surplus = own.last { $0.unit != Self.unit } ?? own[own.count - 1]
        return [
            Finding(
                "running", .warning, "processes",
                "vebridge runs more than once with \(configuration.file), as processes \(numbers)",
                remedy: stop("vebridge", surplus.id))
        ] + others
    }

    /// Whether a process runs with the configuration that is examined; a process without a file takes its options from
    /// the command line, which is another configuration.
    func isOwn(_ run: Run) -> Bool {
        guard let file = run.file else { return false }
        return file == configuration.file || absolute(file, of: run) == absolute(configuration.file, of: nil)
    }

    /// The instance that holds a port for another configuration; nil for anything else.
    func otherInstance(_ holder: String) -> Run? {
        guard !configuration.file.isEmpty, let id = Self.process(of: holder),
            let run = daemons.first(where: { $0.id == id }), !isOwn(run)
        else { return nil }
        return run
    }

    /// An instance by its process, unit and options, with the ports that it has open as far as this user sees them.
    func name(of run: Run) -> String {
        let unit = run.unit.map { " of \($0)" } ?? ""
        let ports = facts.terminals(of: run.id)
        return "process \(run.id)\(unit) with \(run.file ?? "options of the command line")"
            + (ports.isEmpty ? "" : ", which has " + ports.joined(separator: ", "))
    }

    /// What ends a program: the command for a unit of systemd, else its name and number for the user to judge.
    ///
    /// It is never a signal to a process: the doctor cannot know what a program is for.
    func stop(_ program: String, _ process: Int) -> String {
        guard let unit = facts.unit(of: process) else { return "stop \(program) (process \(process))" }
        return Self.unitFolders.contains {
            facts.exists("\($0)/\(unit)") || facts.exists("\($0)/\(Self.template(unit))")
        }
            ? "sudo systemctl disable --now \(unit)" : "sudo systemctl stop \(unit)"
    }

    /// The number in `name (number)`.
    static func process(of holder: String) -> Int? {
        holder.split(separator: "(").last.flatMap { Int($0.dropLast()) }
    }

    /// The file of an instance such as `serial-getty@ttyAMA0.service`.
    private static func template(_ unit: String) -> String {
        guard let at = unit.firstIndex(of: "@"), let dot = unit.lastIndex(of: ".") else { return unit }
        return String(unit[...at] + unit[dot...])
    }

    private func absolute(_ file: String, of run: Run?) -> String {
        guard !file.hasPrefix("/") else { return facts.unrooted(PortInventory.device(of: file)) }
        let folder = facts.target("/proc/\(run.map { String($0.id) } ?? "self")/cwd") ?? ""
        return facts.unrooted(PortInventory.device(of: folder + "/" + file))
    }
}
