import ArgumentParser
import Bridge
import Glibc
import VEDirect

/// Which ports there are.
struct Ports: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List serial ports, what answers on each, and who holds it.",
        discussion: """
              vebridge ports
              vebridge ports /dev/ttyUSB0 --json
              vebridge ports --no-ask                    don't open anything
              vebridge ports --config vebridge.toml      the channels of
                                                         multiplexers too
            """)

    @Argument(help: "Ports to look at; without any, all that the system has.")
    var paths: [String] = []

    @Option(help: "The configuration file, for its multiplexers.")
    var config: String?

    @Flag(help: "JSON instead of a table.")
    var json = false

    @Flag(inversion: .prefixedNo, help: "Ask each port that nobody holds who is there (reads only).")
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
        for port in ports {
            let holders = PortInventory.holders(of: port.path)
            // A port that somebody uses is left alone: two readers steal each other's bytes.
            let finding = ask && holders.isEmpty ? PortProbe.ask(port.path) : nil
            if json { objects.append(object(port, holders, finding)) } else { show(port, holders, finding) }
        }
        for multiplexer in configuration.multiplexers where paths.isEmpty {
            for (port, finding) in look(at: multiplexer, configuration) {
                if json { objects.append(object(port, [], finding)) } else { show(port, [], finding) }
            }
        }
        if json { Terminal.print(JSONObject.array(objects)) }
        guard !configuration.multiplexers.isEmpty || ports.contains(where: { access($0.path, F_OK) == 0 }) else {
            throw Status.nothingToDo.exit
        }
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
        if !holders.isEmpty { Terminal.print("    in use by    \(holders.joined(separator: ", "))") }
        guard let finding else { return }
        Terminal.print("    answers      \(answer(finding))")
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
