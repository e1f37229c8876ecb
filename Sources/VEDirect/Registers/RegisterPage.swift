extension RegisterCatalogue {
    /// The registers and the words for their numbers as a page of Markdown: `docs/registers.md`.
    ///
    /// A test compares the page with what this gives, so the page cannot fall behind the tables.
    public func markdown() -> String {
        var lines = [
            "# Registers",
            "",
            "\(definitions.count) registers, made from `Sources/VEDirect/Registers/Tables/`: change the tables, not this page.",
            "",
            "- **kind**: `un` is unsigned, `sn` two's complement, the number is the width in bits. A value is read by the"
                + " width in which it arrives, for it differs by firmware and product.",
            "- **unit**: what one unit of the raw number is worth. No unit: a bare number.",
            "- **n/a**: the raw number that says \"not available\"; at other widths it is the number of the same form.",
            "- **access**: by the vendor's description; vebridge only reads.",
            "- **source**: `document` is the vendor's protocol document, `header` the vendor's published list of register"
                + " numbers and types, `unconfirmed` neither.",
            "- **seen**: the sizes in bytes that have been seen in frames of real devices.",
            "",
            "| register | name | kind | unit | n/a | access | words | products | source | seen | note |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for definition in definitions { lines.append(Self.row(definition)) }
        lines += ["", "## Words for numbers", "", "Names that end in `_bits` are bits to be combined."]
        for enumeration in Enumerations.standard.names {
            lines += ["", "### \(enumeration)", "", "| value | meaning |", "|---|---|"]
            for entry in Enumerations.standard.entries(of: enumeration) {
                let isBits = enumeration.hasSuffix("_bits")
                let value = isBits ? "0x" + String(entry.value, radix: 16, uppercase: true) : "\(entry.value)"
                lines.append("| \(value) | \(Self.cell(entry.label)) |")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ definition: RegisterDefinition) -> String {
        let scale = definition.scale == .one ? "" : definition.scale.description
        let unit = [scale, definition.unit].filter { !$0.isEmpty }.joined(separator: " ")
        let words = definition.enumeration.map { "[\($0)](#\($0))" } ?? ""
        let cells = [
            definition.id.hex, "`\(definition.name)`", definition.kind.title, unit,
            definition.notAvailable.map { String($0, radix: 16, uppercase: true) } ?? "", definition.access.rawValue,
            words, definition.products, definition.source.rawValue,
            definition.observedSizes.map(String.init).joined(separator: ", "), definition.note,
        ]
        return "| " + cells.map(cell).joined(separator: " | ") + " |"
    }

    /// A bar ends a cell, and a bracket or an angle may begin something else.
    private static func cell(_ text: String) -> String {
        var cell = ""
        for character in text {
            if character == "|" || character == "<" || character == "*" { cell.append("\\") }
            cell.append(character)
        }
        return cell
    }
}

extension RegisterDefinition.Kind {
    fileprivate var title: String {
        switch self {
        case .unsigned(let bytes): "un\(8 * bytes)"
        case .signed(let bytes): "sn\(8 * bytes)"
        case .float: "float"
        case .bits: "bits"
        case .text(let maximum): "text, at most \(maximum)"
        case .historyTotal: "record of all days"
        case .historyDay: "record of a day"
        case .structure: "bytes"
        case .command: "command"
        }
    }
}

extension Scale: CustomStringConvertible {
    /// The fraction as a decimal number: `0.01`.
    public var description: String {
        let whole = numerator / denominator
        guard denominator > 1 else { return "\(whole)" }
        let rest = String((numerator % denominator).magnitude)
        return "\(whole).\(String(repeating: "0", count: max(0, decimals - rest.count)))\(rest)"
    }
}
