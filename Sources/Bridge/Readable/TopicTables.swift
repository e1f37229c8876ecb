import VEDirect

extension Quantity {
    /// The table of an owner's topics for docs/topics.md, which a test holds to it.
    public static func page(of owner: Owner) -> String {
        var lines = [
            "| topic | what | unit | moves by | not more often than | source | Home Assistant |",
            "|---|---|---|---|---|---|---|",
        ]
        for quantity in all(of: owner) {
            let cells = [
                "`\(quantity.key)`", quantity.name.lowercased(), quantity.unit, quantity.step,
                DurationText.text(quantity.minimumInterval), quantity.origin, quantity.shown,
            ]
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var step: String {
        switch form {
        case .number:
            let plain = Self.plain(threshold)
            return relativeThreshold > 0 ? "\(plain), or \(Self.plain(relativeThreshold * 100)) %" : plain
        case .word: return "any change"
        case .text: return "any change"
        case .flag: return "`ON`, `OFF`"
        }
    }

    private static func plain(_ number: Double) -> String {
        number == number.rounded() ? "\(Int(number))" : "\(number)"
    }

    private var origin: String {
        switch source {
        case .register(let register, let offset): register.hex + (offset == 0 ? "" : ", K to °C")
        case .share: "EDBC of all solar chargers"
        case .port: "the bridge"
        case .figure: "the plant"
        case .monitored: "the shunt"
        case .inverterState: "MasterBus 10"
        case .inverterCurrent: "MasterBus 0B"
        case .energy(.batteryIn), .energy(.batteryOut): "counted from the shunt's power"
        case .energy(.solar): "counted from EDDD of all solar chargers"
        case .chargerCount: "the bridge"
        }
    }

    private var shown: String {
        var words: [String] = []
        if let kind = presentation.deviceClass { words.append(kind) }
        if let kind = presentation.stateClass { words.append(kind) }
        if presentation.isDiagnostic { words.append("diagnostic") }
        if !presentation.isEnabled { words.append("off at first") }
        return words.joined(separator: ", ")
    }
}
