import ArgumentParser
import Bridge
import Glibc
import VEDirect

/// Which ports there are.
struct Ports: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List serial ports, what answers on each, and which program holds it.",
        discussion: """
              vebridge ports
              vebridge ports /dev/ttyUSB0 --json
              vebridge ports --no-ask                    don't open anything
              vebridge ports --config vebridge.toml      the channels of
                                                         multiplexers too

            Exit status: 0 a device answers or a program holds a port, 3 no port, or
            no device answers.
            """)

    @Argument(help: "Ports to look at; by default all ports of this machine.")
    var paths: [String] = []

    @Option(help: "The configuration file, for its multiplexers.")
    var config: String?

    @Flag(help: "JSON instead of a table.")
    var json = false

    @Flag(inversion: .prefixedNo, help: "Read which device is on each port that no program holds.")
    var ask = true

    func run() throws {
        let configuration = try BridgeOptions.load(config: config, broker: nil)
        let multiplexed = Set(configuration.multiplexers.flatMap { [$0.port, PortInventory.device(of: $0.port)] })
        let known = PortInventory.ports().filter { !multiplexed.contains($0.path) }
        let ports =
            paths.isEmpty
            ? known
            : paths.map { path in
                known.first { $0.path == path || $0.stablePath == path }
                    ?? PortInventory.Port(path: path)
            }
        guard !ports.isEmpty || !configuration.multiplexers.isEmpty else {
            if json { Terminal.print("[]") }
            Terminal.complain("no serial port found: is the cable plugged in? ('vebridge demo' needs none)")
            throw Status.nothingToDo.exit
        }
        var objects: [String] = []
        var (isInUse, isAnswered, isSerial) = (false, false, !configuration.multiplexers.isEmpty)
        func add(_ port: PortInventory.Port, _ holders: [String], _ finding: PortProbe.Finding?) {
            isInUse = isInUse || !holders.isEmpty
            isAnswered = isAnswered || finding.map(Self.isDevice) ?? false
            if json { objects.append(object(port, holders, finding)) } else { show(port, holders, finding) }
        }
        for port in ports {
            // Half of the system holds /dev/null, and none of these programs is in the way of a port.
            if let mismatch = PortKind.mismatch(port.path) {
                var finding = PortProbe.Finding()
                finding.failure = mismatch
                add(port, [], finding)
                continue
            }
            isSerial = true
            let holders = PortInventory.holders(of: port.path)
            // Two readers would take each other's bytes.
            add(port, holders, ask && holders.isEmpty ? PortProbe.ask(port.path) : nil)
        }
        for multiplexer in configuration.multiplexers where paths.isEmpty {
            for (port, finding) in look(at: multiplexer, configuration) { add(port, [], finding) }
        }
        if json { Terminal.print(JSONObject.array(objects)) }
        guard !configuration.multiplexers.isEmpty || ports.contains(where: { access($0.path, F_OK) == 0 }) else {
            throw Status.nothingToDo.exit
        }
        guard ask, !isInUse, !isAnswered else { return }
        Terminal.complain(
            isSerial
                ? "no VE.Direct device answered. Check cable and supply"
                : "no serial port among these; 'vebridge ports' lists those of this machine")
        throw Status.nothingToDo.exit
    }

    /// Whether what was found is a device: one that answers, or one whose TEXT arrives.
    private static func isDevice(_ finding: PortProbe.Finding) -> Bool {
        finding.failure == nil && (finding.identity != nil || [.textOnly, .hexOnly].contains(finding.state))
    }

    /// The channels of a multiplexer as ports.
    private func look(
        at multiplexer: Configuration.Multiplexer, _ configuration: Configuration
    ) -> [(PortInventory.Port, PortProbe.Finding?)] {
        guard ask else {
            return multiplexer.channels.map { channel in
                (PortInventory.Port(path: "\(multiplexer.name)/\(channel.name)"), nil)
            }
        }
        let serial = configuration.serialSettings(path: multiplexer.port)
        return MultiplexerProbe.ask(multiplexer, serial: serial).map { channel in
            (PortInventory.Port(path: channel.path), channel.finding)
        }
    }

    private func show(_ port: PortInventory.Port, _ holders: [String], _ finding: PortProbe.Finding?) {
        Terminal.print(port.path)
        if let stable = port.stablePath { Terminal.print("    stable name  \(stable)") }
        if let usb = port.usbID {
            Terminal.print("    USB          \(usb) \(port.product ?? "") \(port.serial ?? "")")
        }
        if !holders.isEmpty { Terminal.print("    in use by    \(Self.names(of: holders))") }
        guard let finding else { return }
        Terminal.print("    answers      \(answer(finding))")
    }

    /// The programs that hold a port; of many, the first few.
    static func names(of holders: [String]) -> String {
        let rest = holders.count - 5
        return holders.prefix(5).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    private func answer(_ finding: PortProbe.Finding) -> String {
        if let failure = finding.failure { return "cannot be opened: \(failure)" }
        if let identity = finding.identity {
            let firmware = identity.firmware.map { ", firmware \($0)" } ?? ""
            return "\(identity.serial), \(identity.model ?? "unknown model")\(firmware)"
        }
        switch finding.state {
        case .textOnly: return "TEXT only, no HEX answer: check the TX line"
        case .echoOnly: return finding.state.advice ?? "its own echo"
        case .hexOnly: return finding.state.advice ?? "HEX frames, no answer"
        default: return finding.counters.bytes > 0 ? "nothing that is VE.Direct" : "nothing"
        }
    }

    private func object(_ port: PortInventory.Port, _ holders: [String], _ finding: PortProbe.Finding?) -> String {
        var object = JSONObject()
        object.add("path", port.path)
        if let stable = port.stablePath { object.add("stable_path", stable) }
        if let usb = port.usbID { object.add("usb_id", usb) }
        if let product = port.product { object.add("usb_product", product) }
        if let serial = port.serial { object.add("usb_serial", serial) }
        if let driver = port.driver { object.add("driver", driver) }
        object.addRaw("held_by", JSONObject.array(holders.map(JSONObject.quote)))
        if let finding {
            object.add("state", finding.failure == nil ? finding.state.rawValue : "closed")
            if let failure = finding.failure { object.add("failure", failure) }
            if let identity = finding.identity {
                object.add("serial", identity.serial)
                if let model = identity.model { object.add("model", model) }
                if let firmware = identity.firmware { object.add("firmware", firmware.description) }
            }
        }
        return object.text
    }
}
