import Foundation
import Glibc
import History
import Logging
import Synchronization

@testable import Bridge
@testable import VEDirect
@testable import Web

/// A server before a bridge that says what the test wants.
final class WebRig: Sendable {
    let mailbox = Mailbox()
    let log = KeptLog()
    let outlets: LogOutlets
    let server: WebServer
    let port: Int
    private let snapshot: Mutex<BridgeSnapshot>
    private let looks = Mutex(0)
    private let answers: Bool
    private let ended = DispatchSemaphore(value: 0)

    struct Failure: Error {}

    init(
        answers: Bool = true, snapshot: BridgeSnapshot = .ofNothing, patience: Patience = Patience(),
        limits: ConnectionTable.Limits = .init(),
        _ change: (inout Configuration) -> Void = { _ in }
    ) throws {
        var configuration = Configuration()
        configuration.web.listen = "127.0.0.1:0"
        configuration.history.enabled = false
        change(&configuration)
        self.answers = answers
        self.snapshot = Mutex(snapshot)
        var quiet = configuration.log
        quiet.mqtt.enabled = false
        outlets = LogOutlets(quiet, level: .critical)
        let kept = log
        let logger = Logger(label: "test") { _ in kept }
        guard
            let server = WebServer(
                configuration, mailbox: mailbox, ring: outlets.ring, log: logger, patience: patience, limits: limits),
            let url = server.start(), let port = Int(url.dropLast().split(separator: ":").last ?? "")
        else { throw Failure() }
        self.server = server
        self.port = port
        Thread.detachNewThread { [self] in bridge() }
    }

    /// How often the bridge was asked.
    var lookCount: Int { looks.withLock { $0 } }

    func set(_ change: (inout BridgeSnapshot) -> Void) { snapshot.withLock { change(&$0) } }

    private func bridge() {
        while true {
            _ = mailbox.wake.wait(until: .now + .seconds(60))
            let contents = mailbox.take()
            for look in contents.looks where answers {
                looks.withLock { $0 += 1 }
                look(snapshot.withLock { $0 })
            }
            if contents.stopReason != nil { break }
        }
        ended.signal()
    }

    func stop() {
        server.stop()
        mailbox.stop(reason: "the test ends")
        _ = ended.wait(timeout: .now() + 10)
    }

    /// Asks on a connection of its own, and reads to its end.
    func ask(
        _ path: String, method: String = "GET", host: String = "127.0.0.1", from source: String? = nil,
        _ headers: [String] = []
    ) async throws -> Response {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)", "Connection: close"] + headers
        return try await say(lines.joined(separator: "\r\n") + "\r\n\r\n", from: source)
    }

    /// Says something, and reads to the end of the connection.
    func say(_ text: String, from source: String? = nil) async throws -> Response {
        let connection = try Connection(port: port, from: source)
        return await onOwnThread {
            connection.send(text)
            return Response(connection.readToEnd())
        }
    }
}

/// What a server answered.
struct Response: Sendable {
    let status: Int
    let headers: [String: String]
    let body: String
    let text: String

    init(_ bytes: [UInt8]) {
        text = String(decoding: bytes, as: UTF8.self)
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        body = parts.dropFirst().joined(separator: "\r\n\r\n")
        headers = Dictionary(
            lines.dropFirst().compactMap { line in
                guard let colon = line.firstIndex(of: ":") else { return nil }
                return (
                    line[..<colon].lowercased(), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                )
            }, uniquingKeysWith: { $0 + ", " + $1 })
    }

    var json: Any? { try? JSONSerialization.jsonObject(with: Data(body.utf8), options: .fragmentsAllowed) }
}

/// A bare connection, to say what no browser would.
final class Connection: Sendable {
    let descriptor: Int32

    /// - Parameter source: the address that it comes from, such as `127.0.0.2`.
    init(port: Int, from source: String? = nil, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if let source {
            var own = sockaddr_in()
            own.sin_family = sa_family_t(AF_INET)
            inet_pton(AF_INET, source, &own.sin_addr)
            let code = withUnsafePointer(to: &own) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard code == 0 else {
                close(descriptor)
                throw WebRig.Failure()
            }
        }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            throw WebRig.Failure()
        }
    }

    deinit { close(descriptor) }

    /// False when the other side takes no more.
    @discardableResult
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            == bytes.count
    }

    /// All that comes until the other side closes; empty where it has closed at once, or after half a minute.
    func readToEnd() -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = readSome() { all += bytes }
        return all
    }

    /// All that comes until a text is in it.
    func read(until text: String) -> String {
        var all = ""
        while !all.contains(text), let bytes = readSome() { all += String(decoding: bytes, as: UTF8.self) }
        return all
    }

    func readSome() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }
}

/// Keeps what was logged.
final class KeptLog: LogHandler, Sendable {
    private let kept = Mutex<[String]>([])
    var messages: [String] { kept.withLock { $0 } }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
    func log(event: LogEvent) { kept.withLock { $0.append("\(event.level): \(event.message)") } }
}

/// Runs what blocks on a thread of its own: the few threads that all tests share are for those that only wait.
func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

extension BridgeSnapshot {
    /// A bridge to which nothing is connected.
    static var ofNothing: BridgeSnapshot { of(Plant(), at: .seconds(100)) }

    /// What a plant would be told as.
    static func of(_ plant: Plant, at now: Duration) -> BridgeSnapshot {
        let picture = plant.picture(at: now)
        return BridgeSnapshot(
            time: 1_795_450_000.5, uptime: now, started: 1_795_449_900, host: "boat", name: "", picture: picture,
            timeToGo: plant.timeToGo(at: now), chargers: plant.chargerReports(picture, at: now), ports: [], buses: [],
            brokers: [], history: nil, usage: ProcessUsage())
    }

    /// Everything that there is to tell, at once.
    static func ofEverything() throws -> BridgeSnapshot {
        var plant = Plant()
        let now = Duration.seconds(100)
        for (serial, power) in [("HQ2012ABCDE", 2458), ("HQ2013FGHIJ", 12_000)] {
            var identity = DeviceIdentity(serial: serial)
            identity.productID = 0xA062
            plant.identified(identity, port: "/dev/tty\"0\\", at: now)
            try plant.read(.of(.panelPower, power, 4, at: now - .seconds(1)), serial: serial)
            try plant.read(.of(.chargerVoltage, 1325, 2, at: now - .seconds(1)), serial: serial)
            try plant.read(.of(.chargerCurrent, 18, 2, at: now - .seconds(1)), serial: serial)
            try plant.read(.of(.deviceState, 3, 1, at: now - .seconds(40)), serial: serial)
            try plant.read(.of(.yieldToday, 123, 2, at: now - .seconds(40)), serial: serial)
            try plant.read(.of(.systemYield, 50_012, 4, at: now - .seconds(4)), serial: serial)
            try plant.read(.of(.chargerError, 2, 1, at: now - .seconds(4)), serial: serial)
        }
        var snapshot = of(plant, at: now)
        var report = PortReport(path: "/dev/ttyUSB0", state: .trouble(.inUse))
        report.troubles = [.inUse: 3]
        report.reopens = 2
        snapshot.ports = [
            PortLook(
                report: report, device: "/dev/ttyUSB0",
                lastTrouble: PortNote(words: "in use by \"screen\"\n", time: 1_795_450_000)),
            PortLook(
                report: PortReport(path: "/dev/ttyUSB1", state: .conversation(.polling)), device: "/dev/ttyUSB1",
                lastTrouble: nil),
        ]
        snapshot.buses = [
            BusReport(
                source: "can0", isOpen: false, trouble: "no such interface", frames: 5, values: 2, errors: 1,
                requests: 4, retries: 1, failures: 1, unsent: 0, reopens: 3,
                devices: [.init(address: "0x31297", name: "MSH <b>", isAwake: true, values: 8)])
        ]
        snapshot.brokers = [
            BrokerReport(
                name: "mqtt://a", isConnected: false, connects: 1, published: 5, acknowledged: 4, pending: 1,
                waitingTopics: 2, waitingSamples: 3, dropped: 0, latency: .microseconds(1500)),
            BrokerReport(
                name: "mqtt://a", isConnected: true, connects: 1, published: 5, acknowledged: 4, pending: 1,
                waitingTopics: 0, waitingSamples: 0, dropped: 0, latency: nil),
        ]
        var history = HistoryHealth()
        history.bytes = 123_456
        history.lastWrite = 1_795_449_990
        snapshot.history = history
        return snapshot
    }
}

extension RegisterReading {
    /// A reading as a session gives it.
    static func of(_ register: RegisterID, _ number: Int, _ count: Int, at time: Duration) throws -> RegisterReading {
        let raw = RawValue((0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
        let value = try RegisterCatalogue.standard[register]?.decode(raw) ?? .notAvailable
        return RegisterReading(
            register: register, raw: raw, value: value, provenance: .asked, confidence: .confirmed, time: time)
    }
}
