/// Which version of MQTT to offer: 5 first, 3.1.1 where the broker does not speak it.
struct ProtocolChoice {
    /// The version for the next attempt.
    private(set) var version: MQTTClient.ProtocolVersion = .v5
    private var settled = false
    private var closedBeforeAnswer = 0

    /// The broker accepted the connection; this version is used from now on.
    mutating func accepted() {
        settled = true
        closedBeforeAnswer = 0
    }

    /// The broker said that it doesn't speak the version. Answers whether to try another one at once.
    mutating func refused() -> Bool {
        guard version == .v5 else { return false }
        version = .v311
        settled = true
        return true
    }

    /// The connection was closed before the broker answered. Old brokers do so on an unknown version, but so does a
    /// broker that is starting; hence both versions are offered in turn, from the second time on, until one is
    /// accepted.
    mutating func closed() {
        guard !settled else { return }
        closedBeforeAnswer += 1
        guard closedBeforeAnswer >= 2 else { return }
        version = version == .v5 ? .v311 : .v5
    }
}
