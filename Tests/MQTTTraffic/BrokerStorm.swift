import Bridge

/// Connection after connection with a broker that breaks the rules, through everything that is behind the socket:
/// transport, validator and libmosquitto.
package struct BrokerStorm {
    /// What came of it.
    package struct Result {
        /// Packets that the broker sent, up to the end of each connection.
        package var packets = 0
        package var connections = 0
        /// Connections that ended by a violation.
        package var violations = 0
        /// Connections that lasted as long as the broker wanted.
        package var survived = 0
        /// Messages and answers that reached the client.
        package var messages = 0
        package var answers = 0
        /// The first packets that libmosquitto rejected although the validator had accepted them.
        package var rejectedByLibrary: [String] = []
    }

    package private(set) var result = Result()
    private var dice: BrokerTraffic.Dice

    package init(seed: UInt64) { dice = BrokerTraffic.Dice(seed: seed) }

    /// Sends the packets of one connection; false where the system gives no descriptors.
    package mutating func runConnection() -> Bool {
        let seed = dice.next()
        let isVersion5 = seed & 3 != 0
        let clientID = seed & 4 == 0 ? "" : "storm"
        guard let connection = OfflineConnection(version: isVersion5 ? .v5 : .v311, clientID: clientID) else {
            return false
        }
        result.connections += 1
        var traffic = BrokerTraffic(seed: seed, isVersion5: isVersion5)
        var hasAsked = false
        for packet in traffic.packets() {
            result.packets += 1
            for piece in traffic.pieces(packet) { connection.send(piece) }
            if connection.end != nil { break }
            if connection.isConnected, !hasAsked {
                hasAsked = true
                for number in 0..<6 {
                    connection.subscribe("t/\(number)/#")
                    connection.publish("t/\(number)", qos: number % 3)
                }
            }
        }
        if connection.end == nil { result.survived += 1 }
        connection.hangUp()
        if let end = connection.end {
            if end.contains("does not keep to MQTT") { result.violations += 1 }
            if end.contains("libmosquitto"), result.rejectedByLibrary.count < 10 {
                result.rejectedByLibrary.append("seed \(seed): \(end)")
            }
        }
        result.messages += connection.counts.messages
        result.answers += connection.counts.acknowledged + connection.counts.subscriptions
        return true
    }
}
