/// JSON put together from parts that are JSON already.
package enum JSONText {
    /// An object on one line, in this order.
    package static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { JSONValue.quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }

    /// A text as JSON.
    package static func quoted(_ text: String) -> String { JSONValue.quoted(text) }

    /// A list on one line.
    package static func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

    /// A number with no more digits than it needs; `null` for what is none.
    package static func number(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A number of seconds or milliseconds with one decimal.
    static func tenths(_ number: Double) -> String { Self.number((number * 10).rounded() / 10) }
}
