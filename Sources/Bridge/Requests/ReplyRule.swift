/// Which response topics of requests are used (MQTT 5).
///
/// A client that may send requests must not have the bridge publish where only the bridge or another program may. So
/// answers go below the bridge's own response topic, or below a prefix that the configuration lists.
struct ReplyRule: Sendable {
    private static let maximumLength = 512

    private let prefixes: [String]

    init(_ configuration: Configuration) {
        prefixes = ([configuration.bridge.place + "/response"] + configuration.bridge.replyTopics).map { $0 + "/" }
    }

    /// Whether an answer may go to a topic.
    func allows(_ topic: String) -> Bool {
        guard topic.utf8.count <= Self.maximumLength,
            topic.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "#") })
        else { return false }
        return prefixes.contains { topic.hasPrefix($0) && topic.utf8.count > $0.utf8.count }
    }

    /// An answer that goes to the usual topic although the request named another.
    func noting(_ answer: String) -> String {
        guard answer.hasSuffix("}") else { return answer }
        let note = "the response topic is ignored: it is not below \(prefixes[0]) or a prefix in bridge.reply_topics"
        return answer.dropLast() + ",\"note\":\(JSONValue.quoted(note))}"
    }
}
