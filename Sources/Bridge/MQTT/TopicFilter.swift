/// A topic to subscribe to, with `+` for one level and `#` for the rest.
struct TopicFilter: Sendable, Equatable {
    private let levels: [Substring]
    private let takesRest: Bool

    /// Reads a filter. A slash at its beginning does not count: `venetworking/+/edbc` means `/venetworking/+/edbc` too.
    /// Nil where `+` or `#` share a level with something else, or something follows `#`.
    init?(_ text: String) {
        guard !text.isEmpty, text != "/", !text.utf8.contains(0) else { return nil }
        var levels = (text.hasPrefix("/") ? text.dropFirst() : text[...]).split(
            separator: "/", omittingEmptySubsequences: false)
        takesRest = levels.last == "#"
        if takesRest { levels.removeLast() }
        guard levels.allSatisfy({ $0 == "+" || !$0.contains { $0 == "+" || $0 == "#" } }) else { return nil }
        self.levels = levels
    }

    /// Whether a topic is meant. As in MQTT, `a/#` means `a` too.
    func matches(_ topic: String) -> Bool {
        var rest = topic.hasPrefix("/") ? topic.dropFirst() : topic[...]
        for (index, level) in levels.enumerated() {
            let end = rest.firstIndex(of: "/")
            guard level == "+" || level == rest[..<(end ?? rest.endIndex)] else { return false }
            guard let end else { return index == levels.count - 1 }
            rest = rest[rest.index(after: end)...]
            if index == levels.count - 1 { return takesRest }
        }
        return takesRest
    }
}
