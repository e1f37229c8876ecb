/// Where a broker listens.
public struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name, or an IPv4 or IPv6 address without brackets.
    public var host: String
    /// The TCP port, 1 to 65535. By custom 1883 in the clear and 8883 with TLS.
    public var port: UInt16
    /// Whether the connection is encrypted.
    public var tls: Bool

    /// Names a broker; the port follows the custom unless given.
    public init(host: String, port: UInt16? = nil, tls: Bool = false) {
        self.host = host
        self.port = port ?? (tls ? 8883 : 1883)
        self.tls = tls
    }

    /// `host:port`, with an IPv6 address in brackets.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
