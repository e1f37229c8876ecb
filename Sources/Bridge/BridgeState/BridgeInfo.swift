import Glibc
import Update

extension Daemon {
    /// The version of the program.
    public static let version = VersionMark.version("vebridge-version 0.1.0\n")
}

/// What a bridge is, as it tells once: version, host, configuration.
struct BridgeInfo: Sendable {
    /// Tells this run of the program from any other.
    let instance: String
    /// When it was started, since 1970.
    let started: time_t
    private let members: [(String, String)]

    init(_ configuration: Configuration) {
        started = time(nil)
        var generator = SystemRandomNumberGenerator()
        instance = String(generator.next() as UInt64, radix: 16)
        let mark = BridgeMark.of(configuration)
        let client = configuration.broker.clientIdentifier(hostName: TopicSink.hostName, mark: mark)
        var protocols: [String] = []
        if !configuration.ports.isEmpty { protocols += ["VE.Direct HEX", "VE.Direct TEXT"] }
        if !configuration.can.isEmpty { protocols.append("MasterBus") }
        members = [
            ("version", JSONValue.quoted(Daemon.version)), ("name", JSONValue.quoted(configuration.bridge.name)),
            ("started", JSONValue.quoted(LogLine.timestamp(started))), ("host", JSONValue.quoted(TopicSink.hostName)),
            ("process", "\(getpid())"), ("client_id", JSONValue.quoted(client)),
            ("instance", JSONValue.quoted(instance)),
            ("protocols", JSONText.list(protocols.map(JSONValue.quoted))),
            ("configuration_file", JSONValue.quoted(configuration.file)),
            ("configuration", Self.changed(configuration)),
        ]
    }

    /// As JSON.
    var json: String { JSONText.object(members) }

    /// The options that are not as they come, without any secret.
    private static func changed(_ configuration: Configuration) -> String {
        func lines(_ configuration: Configuration) -> [(String, String)] {
            configuration.redactedDescription().split(separator: "\n").compactMap { line in
                guard let equals = line.range(of: " = ") else { return nil }
                return (String(line[..<equals.lowerBound]), String(line[equals.upperBound...]))
            }
        }
        let plain = Dictionary(lines(Configuration()), uniquingKeysWith: { first, _ in first })
        return JSONText.object(
            lines(configuration).filter { plain[$0.0] != $0.1 }.map { key, value in
                // Most of TOML's values are JSON; what is not is told as text.
                (key, JSONValue(Array(value.utf8)) == nil ? JSONValue.quoted(value) : value)
            })
    }
}

extension Substring {
    /// Where a text begins and ends in this one, the first time.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
