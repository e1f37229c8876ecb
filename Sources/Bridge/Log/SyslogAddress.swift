/// Where a log server is: `udp://host:514`, `tcp://host:601`, `tls://host:6514`.
struct SyslogAddress: Sendable, Equatable {
    /// How records reach the server.
    enum Transport: String, Sendable, CaseIterable {
        /// One datagram a record, RFC 5426.
        case udp
        /// A stream with counted records, RFC 6587.
        case tcp
        /// The same, encrypted, RFC 5425.
        case tls

        /// The port registered for it.
        var defaultPort: UInt16 {
            switch self {
            case .udp: 514
            case .tcp: 601
            case .tls: 6514
            }
        }
    }

    var transport: Transport
    var host: String
    var port: UInt16

    /// Reads an address; an IPv6 address stands in brackets. Nil for anything else.
    init?(_ text: String) {
        guard let mark = text.firstRange(of: "://"),
            let transport = Transport(rawValue: String(text[..<mark.lowerBound]))
        else { return nil }
        // The host and port of a broker are written the same way.
        guard case .server(let server) = try? BrokerURL(parsing: "mqtt://" + text[mark.upperBound...]),
            server.user == nil, !text.hasSuffix("/")
        else { return nil }
        let rest = text[mark.upperBound...]
        let hasPort = rest.hasPrefix("[") ? !rest.hasSuffix("]") : rest.contains(":")
        self.transport = transport
        host = server.host
        port = hasPort ? server.port : transport.defaultPort
    }
}
