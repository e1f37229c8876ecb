import Glibc
import Synchronization

/// A few bytes of MQTT behind a socket, for what a real broker can't be made to do.
final class FakeBroker: Sendable {
    enum Manner: Sendable {
        /// Answers version 5 with the 3.1.1 packet for "unacceptable protocol version"; accepts 3.1.1.
        case refusesVersion5
        /// Closes on version 5 without a word; accepts 3.1.1.
        case closesOnVersion5
        /// Takes the connection and never says anything.
        case silent
        /// Accepts version 5 and sends a DISCONNECT with this reason.
        case accepts(thenDisconnects: UInt8)
        /// Accepts with these properties in its CONNACK, and neither reads nor answers anything after it.
        case ignores(properties: [UInt8])
        /// Answers with something that isn't MQTT.
        case babbles
    }

    let port: UInt16
    private let listener: Int32
    private let manner: Manner
    private let offered = Mutex<[UInt8]>([])

    /// The protocol levels that clients offered, in order: 5 is MQTT 5, 4 is 3.1.1.
    var levels: [UInt8] { offered.withLock { $0 } }

    init(_ manner: Manner) {
        self.manner = manner
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        precondition(isBound && listen(listener, 8) == 0, "no loopback port for the fake broker")
        port = UInt16(bigEndian: address.sin_port)
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { @Sendable raw in
                guard let raw else { return nil }
                Unmanaged<FakeBroker>.fromOpaque(raw).takeRetainedValue().serve()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func serve() {
        var open: [Int32] = []
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            open.append(client)
            var packet = [UInt8](repeating: 0, count: 512)
            // CONNECT: type, length (one byte below 128), "MQTT" with its length, then the level.
            guard read(client, &packet, packet.count) > 8 else { continue }
            let level = packet[8]
            offered.withLock { $0.append(level) }
            answer(client, level: level)
        }
        for client in open { close(client) }
        close(listener)
    }

    private func answer(_ client: Int32, level: UInt8) {
        switch (manner, level) {
        case (.silent, _): break
        case (.babbles, _):
            send(client, Array(("HTTP/1.1 400 Bad Request\r\n" + String(repeating: "X-Filler: 1\r\n", count: 20)).utf8))
        case (.closesOnVersion5, 5): shutdown(client, Int32(SHUT_RDWR))
        case (.ignores(let properties), _):
            let count = UInt8(clamping: properties.count)
            send(client, [0x20, count + 3, 0, 0, count] + properties)
        case (.accepts(let reason), _): send(client, [0x20, 3, 0, 0, 0, 0xE0, 2, reason, 0])
        case (.refusesVersion5, 5): send(client, [0x20, 2, 0, 1])
        default: send(client, [0x20, 2, 0, 0])
        }
    }

    private func send(_ client: Int32, _ bytes: [UInt8]) {
        _ = Glibc.send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
