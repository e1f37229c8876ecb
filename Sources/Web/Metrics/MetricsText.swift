import Bridge

/// Metrics as Prometheus reads them: what each means, its kind, and its samples by label.
struct MetricsText {
    /// What a number is.
    enum Kind: String {
        /// It only grows, but for a new start.
        case counter
        /// It goes up and down.
        case gauge
    }

    private(set) var text = ""

    /// A metric with one number.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        add(name, kind, help, [([:], value)])
    }

    /// A metric with a number for each set of labels; none where there is no number.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [([String: String], Double)]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for (labels, value) in samples {
            let parts = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
            text += name + (parts.isEmpty ? "" : "{" + parts.joined(separator: ",") + "}")
            text += " \(value.isFinite ? JSONText.rounded(value) : "NaN")\n"
        }
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
