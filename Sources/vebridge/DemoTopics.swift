import Synchronization

/// The last payload of every topic that the demo published.
final class DemoTopics: Sendable {
    private struct Contents {
        var payloads: [String: String] = [:]
        var count = 0
    }

    private let contents = Mutex(Contents())
    /// Whether each message is printed as it comes.
    private let prints: Bool

    init(prints: Bool) { self.prints = prints }

    func record(_ topic: String, _ payload: String) {
        contents.withLock {
            $0.payloads[topic] = payload
            $0.count += 1
        }
        if prints { Terminal.print("\(topic) \(payload)") }
    }

    /// Takes a `topic payload` line.
    func record(line: String) {
        guard let space = line.firstIndex(of: " ") else { return }
        record(String(line[..<space]), String(line[line.index(after: space)...]))
    }

    /// Messages and topics so far.
    var counts: (messages: Int, topics: Int) { contents.withLock { ($0.count, $0.payloads.count) } }

    var lines: [String] { contents.withLock { $0.payloads.map { "\($0.key) \($0.value)" } }.sorted() }

    func hasTopic(containing text: String) -> Bool {
        contents.withLock { $0.payloads.keys.contains { $0.contains(text) } }
    }
}
