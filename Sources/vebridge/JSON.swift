/// JSON text built in the order it is said; keys and values are escaped, numbers are the shortest that read back.
struct JSONObject {
    private var body = ""

    /// `{…}`.
    var text: String { "{" + body + "}" }

    mutating func add(_ key: String, _ value: String) { addRaw(key, Self.quote(value)) }
    mutating func add(_ key: String, _ value: Int) { addRaw(key, String(value)) }
    mutating func add(_ key: String, _ value: Bool) { addRaw(key, value ? "true" : "false") }
    mutating func add(_ key: String, _ value: Double?) {
        guard let value, value.isFinite else { return addRaw(key, "null") }
        let text = "\(value)"
        addRaw(key, text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }

    /// A value that is JSON already.
    mutating func addRaw(_ key: String, _ json: String) {
        if !body.isEmpty { body += "," }
        body += Self.quote(key) + ":" + json
    }

    static func array(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

    static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case let control where control.value < 0x20 || control.value == 0x7F:
                let digits = String(control.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
