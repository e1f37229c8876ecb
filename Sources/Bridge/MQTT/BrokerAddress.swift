/// Where a broker listens.
public struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name, or an IPv4 or IPv6 address without brackets.
    public var host: String
    /// The TCP port, 1 to 65535. By custom 1883 in the clear and 8883 with TLS.
    public var port: UInt16
    /// Whether the connection is encrypted.
    public var tls: Bool
    /// The name of the host where `host` is its address, such as `boat.local`: what its certificate must carry, and
    /// what it is called in words. `nil` where `host` is all there is.
    public var name: String?

    /// Names a broker; the port follows the custom unless given.
    public init(host: String, port: UInt16? = nil, tls: Bool = false, name: String? = nil) {
        self.name = name
        self.host = host
        self.port = port ?? (tls ? 8883 : 1883)
        self.tls = tls
    }

    /// `host:port`, with an IPv6 address in brackets; where there is a name, `name:port (host)`.
    public var description: String {
        if let name { return "\(name):\(port) (\(host))" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// What stays the same when the host gets another address: `name:port`, or `host:port`.
    var identity: String { "\(name ?? host):\(port)" }
}
