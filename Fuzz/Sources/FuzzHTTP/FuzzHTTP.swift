import CFuzz
import Logging
import NIOCore
import NIOEmbedded

@testable import Bridge
@testable import Web

/// Bytes from libFuzzer as what a client sends to the page.
///
/// Of any bytes must hold: they are answered the same in one piece and in pieces, as far as both go; what is answered is HTTP, with no more
/// answers than there can be requests; nothing but 503 is an error of the server; without the password no value is
/// given; and when all is read, no byte waits to be sent.
@main
struct FuzzHTTP {
    private static let log = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
    private static let snapshot: BridgeSnapshot = {
        let plant = Plant()
        let picture = plant.picture(at: .seconds(100))
        return BridgeSnapshot(
            time: 1_795_450_000, uptime: .seconds(100), started: 1_795_449_900, host: "boat", name: "",
            picture: picture, timeToGo: nil, chargers: [], ports: [], buses: [], brokers: [], history: nil,
            usage: ProcessUsage())
    }()

    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            FuzzHTTP.check(Array(UnsafeBufferPointer(start: start, count: count)))
            return 0
        }
    }

    private static func check(_ bytes: [UInt8]) {
        for hasPassword in [false, true] {
            let whole = answers(to: bytes, hasPassword: hasPassword) { bytes.count }
            var seed = bytes.reduce(UInt64(bytes.count)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
            let pieces = answers(to: bytes, hasPassword: hasPassword) {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(seed >> 33) % 40 + 1
            }
            // After what is not HTTP the next piece closes the connection, sooner than one piece does.
            precondition(whole.hasPrefix(pieces), "pieces are answered otherwise")
            check(whole, requests: bytes, hasPassword: hasPassword)
        }
    }

    private static func check(_ text: String, requests: [UInt8], hasPassword: Bool) {
        precondition(text.isEmpty || text.hasPrefix("HTTP/1.1 "), "an answer that is not HTTP")
        let statuses = text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        precondition(statuses.count <= requests.count / 4 + 1, "more answers than requests")
        precondition(statuses.allSatisfy { $0 == "503" || !$0.hasPrefix("5") }, "an error of the server")
        if hasPassword {
            precondition(
                !text.contains("\"chargers\"") && !text.contains("vebridge_build_info"), "no password is needed")
        }
    }

    /// What is answered until nothing more happens.
    private static func answers(to bytes: [UInt8], hasPassword: Bool, nextSize: () -> Int) -> String {
        var configuration = Configuration()
        configuration.history.enabled = false
        // Longer than an input is, so that it is not found.
        if hasPassword { configuration.web.password = Secret(String(repeating: "sun & wind", count: 1000)) }
        let (loop, mailbox) = (EmbeddedEventLoop(), Mailbox())
        let channel = EmbeddedChannel(loop: loop)
        let site = WebSite(
            configuration, loop: loop, mailbox: mailbox, ring: nil, log: log, patience: Patience())
        var output = ""
        func turn(_ time: TimeAmount) {
            loop.advanceTime(by: time)
            if let look = mailbox.take().look { look(snapshot) }
            loop.run()
            while let part = try? channel.readOutbound(as: IOData.self) {
                if case .byteBuffer(let buffer) = part { output += String(buffer: buffer) }
            }
        }
        do {
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
            channel.remoteAddress = address
            try WebServer.configure(channel, site)
            _ = channel.connect(to: address)
        } catch {
            preconditionFailure("\(error)")
        }
        var from = 0
        while from < bytes.count {
            let to = from + min(max(1, nextSize()), bytes.count - from)
            // What the server closes in the meantime takes no more.
            _ = try? channel.writeInbound(ByteBuffer(bytes: bytes[from..<to]))
            turn(.zero)
            from = to
        }
        // Requests that came together are answered within milliseconds, a wrong password within half a second.
        for _ in 0..<bytes.count / 8 + 4 { turn(.milliseconds(2)) }
        for _ in 0..<12 { turn(.milliseconds(500)) }
        precondition(site.connections.unsent == 0, "bytes are counted that were sent")
        _ = try? channel.finish(acceptAlreadyClosed: true)
        precondition(site.connections.count == 0, "a connection is counted that was closed")
        return output
    }
}
