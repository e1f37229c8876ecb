/// A broker that announces itself in the network, and where it is.
struct FoundBroker: Sendable, Hashable {
    /// Which announcement it is: name, kind, and the network that it came by.
    struct Key: Sendable, Hashable {
        /// The name it announces, such as `Mosquitto MQTT server on boat`.
        var instance: String
        /// Whether it was announced as `_secure-mqtt._tcp`.
        var isSecure: Bool
        var domain: String
        var interface: Int32
        /// 0 for IPv4, 1 for IPv6.
        var family: Int32
    }

    var key: Key
    /// The host's name, such as `boat.local`.
    var host: String
    /// IPv4, or IPv6 with a zone where it is of one network only.
    var address: String
    var port: UInt16

    /// As the client takes it.
    var brokerAddress: BrokerAddress {
        BrokerAddress(host: address, port: port, tls: key.isSecure, name: host)
    }

    /// For the log.
    var words: String {
        "'\(key.instance)' at \(brokerAddress)\(key.isSecure ? ", TLS" : "")"
    }
}
