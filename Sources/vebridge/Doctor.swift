import ArgumentParser
import Bridge
import Glibc

/// Why it does not work here.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Diagnose this installation.",
        discussion: """
              vebridge doctor                            by /etc/vebridge/vebridge.toml
                                                         where that exists
              vebridge doctor --ports '/dev/ttyUSB*' --broker mqtt://boat
              sudo vebridge doctor --json                sees other users' processes

            Every check says what it looked at, what it found, and the one command
            that fixes it. Ports that a program holds are not opened, and nothing is
            changed. Exit status: 0 no problems, 1 problems, 2 the configuration is
            not valid, 3 no problem except that there is no port.
            """)

    static let standardFile = "/etc/vebridge/vebridge.toml"

    @Option(parsing: .upToNextOption, help: "Serial ports or quoted patterns, as of run.")
    var ports: [String] = []

    @Option(parsing: .upToNextOption, help: "Links to a MasterBus, as of run.")
    var can: [String] = []

    @Option(help: "The broker, as of run.")
    var broker: String?

    @Option(help: "The configuration file.")
    var config: String?

    @Flag(help: "JSON instead of text.")
    var json = false

    @Flag(inversion: .prefixedNo, help: "Connect to brokers, and read ports that no program holds.")
    var ask = true

    func run() throws {
        let isBare = ports.isEmpty && can.isEmpty && broker == nil
        let file = config ?? (isBare && access(Self.standardFile, F_OK) == 0 ? Self.standardFile : nil)
        var configuration = Configuration()
        var hidden: [String] = []
        if let file {
            do {
                (configuration, hidden) = try Doctor.load(file)
            } catch {
                return try tell(Doctor.findings(of: error))
            }
        }
        // The command line is checked as that of run is; its faults are of usage.
        let line = try BridgeOptions.load(config: nil, ports: ports, can: can, broker: broker)
        configuration.apply(
            ports: ports.isEmpty ? nil : ports, can: can.isEmpty ? nil : can,
            broker: broker == nil ? nil : try broker.map { try BrokerURL(parsing: $0) } ?? line.broker.url)
        let doctor = Doctor(configuration, hiddenSecrets: hidden, asks: ask, isByHand: !isBare)
        let findings = doctor.examine { if !json { show($0) } }
        try tell(findings, isShown: !json)
    }

    private func tell(_ findings: [Finding], isShown: Bool = false) throws {
        if json {
            Terminal.print("[" + findings.map(\.json).joined(separator: ",\n ") + "]")
        } else {
            if !isShown { findings.forEach(show) }
            let troubles = findings.count { $0.verdict >= .warning }
            Terminal.print(troubles == 0 ? "no problems found" : "\(troubles) problem\(troubles == 1 ? "" : "s")")
        }
        guard findings.exitStatus == 0 else { throw ExitCode(findings.exitStatus) }
    }

    private func show(_ finding: Finding) {
        let mark =
            switch finding.verdict {
            case .good: "ok  "
            case .note: "note"
            case .warning: "WARN"
            case .fault: "BAD "
            }
        Terminal.print("\(mark) \(finding.check): \(finding.subject): \(finding.found)")
        if let remedy = finding.remedy { Terminal.print("     fix: \(remedy)") }
    }
}
