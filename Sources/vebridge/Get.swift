import ArgumentParser
import Bridge
import VEDirect

/// One device by hand.
struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read registers of one device by name or number.",
        discussion: """
              vebridge get /dev/ttyUSB0 panel_power EDD5 0x1050
              vebridge get /dev/ttyUSB0 panel_power --json

            There is no 'set': vebridge only reads. 'vebridge registers' lists the names.
            """)

    @Argument(help: "The port.")
    var port: String

    @Argument(help: "Names or four hex digits.")
    var registers: [String]

    @Flag(help: "JSON Lines instead of text.")
    var json = false

    func validate() throws {
        for text in registers where RegisterCatalogue.standard.register(named: text) == nil {
            let names = RegisterCatalogue.standard.definitions.map(\.name)
            // Slips first, then names that have the word in them.
            let nearest = NearestWord.match(text, among: names).map { [$0] } ?? []
            let similar = nearest + RegisterCatalogue.standard.names(like: text).filter { $0 != nearest.first }
            let hint =
                similar.isEmpty
                ? "'vebridge registers' lists the names" : "did you mean \(similar.prefix(3).joined(separator: ", "))?"
            throw ValidationError("unknown register '\(text)': \(hint)")
        }
    }

    func run() throws {
        if let mismatch = PortKind.mismatch(port) {
            Terminal.complain("\(port): \(mismatch)")
            throw Status.failed.exit
        }
        let holders = PortInventory.holders(of: port)
        guard holders.isEmpty else {
            Terminal.complain("\(port): in use by \(Ports.names(of: holders))")
            if holders.contains(where: { $0.hasPrefix("vebridge (") }) {
                // The topics as they are by default; bridge.name may add a part.
                let topic = Configuration().bridge.topic + "/bridge"
                Terminal.complain(
                    """
                    ask the daemon by its broker; the answer comes on \(topic)/response/read:
                      mosquitto_pub -t \(topic)/request/read -m '\(port) \(registers[0])'
                    """)
            }
            throw Status.failed.exit
        }
        let wanted = registers.compactMap { RegisterCatalogue.standard.register(named: $0) }
        let limit: Duration = .seconds(5) + .milliseconds(500) * wanted.count
        let finding = PortProbe.ask(port, registers: wanted, limit: limit)
        if let failure = finding.failure {
            Terminal.complain("\(port): \(failure)")
            throw Status.failed.exit
        }
        guard finding.identity != nil else {
            Terminal.complain(
                [.textOnly, .hexOnly, .echoOnly].contains(finding.state)
                    ? "\(port): \(finding.state.advice ?? "no HEX answer")" : "\(port): no device answers")
            throw Status.nothingToDo.exit
        }
        var missing = 0
        for register in wanted {
            // The serial number was read to know the device, before anything was asked for.
            if let reading = finding.readings.last(where: { $0.register == register }) {
                show(reading)
            } else {
                missing += 1
                let name = RegisterCatalogue.standard[register]?.name ?? register.hex
                Terminal.complain(
                    finding.refused.contains(register)
                        ? "\(name) (\(register)): the device does not have this register"
                        : "\(name) (\(register)): no value that could be confirmed")
            }
        }
        if missing > 0 { throw Status.failed.exit }
    }

    private func show(_ reading: RegisterReading) {
        let definition = RegisterCatalogue.standard[reading.register]
        guard json else {
            let text = ValueText.text(reading.value, of: definition, raw: reading.raw)
            Terminal.print("\(definition?.name ?? reading.register.hex) \(text)")
            return
        }
        var object = JSONObject()
        object.add("register", reading.register.hex)
        object.add("data", reading.raw.hex)
        if let definition {
            object.add("name", definition.name)
            ValueText.add(reading.value, of: definition, raw: reading.raw, to: &object)
        }
        Terminal.print(object.text)
    }
}
