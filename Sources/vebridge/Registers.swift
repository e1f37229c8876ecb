import ArgumentParser
import Bridge
import VEDirect

/// The register table.
struct Registers: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The register table, and what is derived.",
        discussion: """
              vebridge registers
              vebridge registers panel     those with it in name, number or note
              vebridge registers --json
            """)

    @Argument(help: "Part of a name, number, unit or note.")
    var filter: String?

    @Flag(help: "JSON Lines instead of a table.")
    var json = false

    func run() throws {
        let found = RegisterCatalogue.standard.definitions.filter(matches)
        guard !found.isEmpty else {
            Terminal.complain("no register matches '\(filter ?? "")'")
            throw Status.nothingToDo.exit
        }
        for definition in found { json ? printObject(definition) : printRow(definition) }
        guard !json, filter == nil else { return }
        Terminal.print("\nDerived for the schema where a charger does not answer:")
        for derivation in Derivation.all { Terminal.print("\(derivation.register)  \(derivation.rule)") }
    }

    private func matches(_ definition: RegisterDefinition) -> Bool {
        guard let filter = filter?.lowercased() else { return true }
        let number = filter.hasPrefix("0x") ? String(filter.dropFirst(2)) : filter
        return definition.name.contains(filter) || definition.id.hex.lowercased() == number
            || definition.note.lowercased().contains(filter) || definition.products.lowercased().contains(filter)
    }

    private func printRow(_ definition: RegisterDefinition) {
        let unit = definition.scale == .one ? definition.unit : "\(definition.scale) \(definition.unit)"
        let columns = [
            definition.id.hex, pad(definition.name, 34), pad(unit, 12), pad(definition.products, 22), definition.note,
        ]
        var row = columns.joined(separator: "  ")
        while row.hasSuffix(" ") { row.removeLast() }
        Terminal.print(row)
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func printObject(_ definition: RegisterDefinition) {
        var object = JSONObject()
        object.add("register", definition.id.hex)
        object.add("name", definition.name)
        object.add("unit", definition.unit)
        object.add("scale", definition.scale.value(of: 1))
        object.add("products", definition.products)
        object.add("source", definition.source.rawValue)
        object.add("access", definition.access.rawValue)
        if !definition.note.isEmpty { object.add("note", definition.note) }
        if let rule = Derivation.all.first(where: { $0.register == definition.id })?.rule {
            object.add("derived", rule)
        }
        Terminal.print(object.text)
    }
}
