import Glibc

/// A connection whose broker is the caller: the session, its transport, the validator and libmosquitto without a
/// network. For tests, and for the proof that nothing a broker sends ends the process.
package final class OfflineConnection {
    /// What is to be sent and received.
    package struct Counts {
        /// Messages that the library handed out.
        package var messages = 0
        /// Subscriptions that the broker answered.
        package var subscriptions = 0
        /// Messages that the broker acknowledged.
        package var acknowledged = 0
    }

    private let session: MosquittoSession
    /// The broker's end.
    private let network: Int32
    private var unsent: ArraySlice<UInt8> = []
    /// The last bytes that the client sent.
    private var lastSent: [UInt8] = []
    /// Whether the broker reads what the client sends.
    package var readsEverything = true
    /// Whether the broker accepted the connection.
    package private(set) var isConnected = false
    /// Why the connection ended; nil while it lasts.
    package private(set) var end: String?
    /// What has come so far.
    package private(set) var counts = Counts()

    /// A connection that has sent CONNECT; nil where the system has no descriptors left.
    package init?(version: MQTTClient.ProtocolVersion, clientID: String = "offline") {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return nil }
        network = ends[0]
        let address = BrokerAddress(host: "offline")
        let settings = MQTTClient.Settings(address: address, clientID: clientID)
        guard let session = try? MosquittoSession(settings: settings, address: address, version: version),
            (try? session.connect(over: ends[1], keepalive: 60)) != nil
        else {
            close(ends[0])
            return nil
        }
        self.session = session
        advance()
    }

    deinit { close(network) }

    /// Sends bytes as the broker. False where the connection has ended, or the client leaves bytes in the network.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        unsent += bytes
        return advance()
    }

    /// Publishes as the daemon does.
    package func publish(_ topic: String, qos: Int) {
        _ = session.publish(.init(topic: topic, payload: "1", qos: qos), limited: true)
        advance()
    }

    /// Subscribes as the daemon does.
    package func subscribe(_ filter: String) {
        session.subscribe(filter, qos: 2)
        advance()
    }

    /// Disconnects while bytes of the broker wait in the network. Returns whether DISCONNECT reached the broker.
    package func leave(while waiting: [UInt8]) -> Bool {
        unsent += waiting
        _ = writeToClient()
        session.disconnect()
        advance()
        return session.isFarewellSent && lastSent.suffix(2) == [0xE0, 0]
    }

    /// Closes the broker's side, as far as writing goes.
    package func hangUp() {
        shutdown(network, Int32(SHUT_WR))
        advance()
    }

    /// Moves bytes both ways until nothing moves any more; false where bytes are left.
    @discardableResult
    private func advance() -> Bool {
        while end == nil {
            let written = writeToClient()
            do throws(ConnectionFailure) {
                try session.turn([.read, .write], keepsAlive: isConnected)
            } catch {
                end = error.reason
            }
            collect()
            let read = readsEverything ? readFromClient() : 0
            if written == 0, read == 0, !session.interest.isImmediate { break }
        }
        return end == nil && unsent.isEmpty
    }

    private func writeToClient() -> Int {
        guard !unsent.isEmpty else { return 0 }
        let count = unsent.withUnsafeBytes { Glibc.send(network, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        unsent = unsent.dropFirst(max(0, count))
        return max(0, count)
    }

    private func readFromClient() -> Int {
        var total = 0
        var room = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(network, &room, room.count, 0)
            guard count > 0 else { return total }
            lastSent = (lastSent + room[..<count]).suffix(16)
            total += count
        }
    }

    private func collect() {
        let progress = session.takeProgress()
        counts.acknowledged += progress.acknowledged
        for report in progress.reports {
            switch report {
            case .answered(0, _): isConnected = true
            case .answered(let code, _): end = "refused with \(code)"
            case .disconnected(let code): end = "disconnected with \(code)"
            case .message: counts.messages += 1
            case .subscribed: counts.subscriptions += 1
            case .refused: break
            }
        }
    }
}
