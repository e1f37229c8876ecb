import Glibc

/// When the topics about the bridge itself are published, and what was published on them.
///
/// Everything is retained, so that whoever subscribes sees at once how the bridge is.
struct BridgeFeed: Sendable {
    /// After a change the rest of it is waited for.
    static let settlingTime: Duration = .seconds(1)

    /// What stands before the topics.
    let place: String
    let info: BridgeInfo
    var meter = ProcessMeter()
    /// When something is to be published next; nil: never.
    private(set) var due: Duration?
    private let interval: Duration
    private let isWanted: Bool
    private var portTopics: Set<String> = []
    private var warned: Duration?

    init(_ configuration: Configuration, isWanted: Bool) {
        place = configuration.bridge.place
        info = BridgeInfo(configuration)
        interval = configuration.bridge.interval
        self.isWanted = isWanted
    }

    /// A device or a port is not what it was.
    mutating func noteChange(at now: Duration) {
        guard isWanted else { return }
        due = min(due ?? .seconds(Int64.max / 2), now + Self.settlingTime)
    }

    /// Whether it is time to publish; notes that it was done.
    mutating func take(at now: Duration, isForced: Bool = false) -> Bool {
        guard isWanted, isForced || due.map({ now >= $0 }) ?? false else { return false }
        due = interval > .zero ? now + interval : nil
        return true
    }

    /// What the broker keeps of a moment's figures is of no use long after: two more of them would have come.
    var lifetime: Duration? { interval > .zero ? interval * 3 : nil }

    /// A retained message.
    func message(_ name: String, _ payload: String, expires: Bool = false) -> MQTTClient.Message {
        .init(topic: "\(place)/\(name)", payload: payload, qos: 1, retain: true, expiry: expires ? lifetime : nil)
    }

    /// The messages about ports, by their names; those that are gone are taken from the broker.
    mutating func portMessages(_ ports: [(path: String, json: String)]) -> [MQTTClient.Message] {
        var messages: [MQTTClient.Message] = []
        var present: Set<String> = []
        for (path, json) in ports {
            let name = "ports/" + Self.topicName(path)
            present.insert(name)
            messages.append(message(name, json, expires: true))
        }
        for gone in portTopics.subtracting(present).sorted() { messages.append(message(gone, "")) }
        portTopics = present
        return messages
    }

    /// A port as one level of a topic: `ttyUSB0` for `/dev/ttyUSB0`, and what has a meaning in topics is a line.
    static func topicName(_ path: String) -> String {
        let short = path.hasPrefix("/dev/") ? path.dropFirst(5) : path.drop { $0 == "/" }
        let name = short.map { "/+#".contains($0) ? "_" : $0 }
        return name.isEmpty ? "_" : String(name)
    }

    /// Whether to tell of another bridge in our place, at most once an hour.
    mutating func isNews(at now: Duration) -> Bool {
        if let warned, now - warned < .seconds(3600) { return false }
        warned = now
        return true
    }
}
