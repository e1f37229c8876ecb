import Foundation
import Glibc
import Synchronization
import Testing

@testable import Bridge
@testable import Web

@Suite("Answers that are not read")
struct BackPressureTests {
    /// Sends a request again and again without reading, until the server closes or a number of requests went out.
    ///
    /// - Returns: the requests that were sent, and whether the server closed.
    private static func flood(_ connection: Connection, _ request: String, most: Int) -> (count: Int, isClosed: Bool) {
        let batch = Array(String(repeating: request, count: 64).utf8)
        var sent = 0
        while sent / request.utf8.count < most {
            let from = sent % batch.count
            let count = batch.withUnsafeBytes {
                send(connection.descriptor, $0.baseAddress?.advanced(by: from), $0.count - from, Int32(MSG_NOSIGNAL))
            }
            // The socket waits for half a minute at most.
            guard count > 0 else { return (sent / request.utf8.count, errno == EPIPE || errno == ECONNRESET) }
            sent += count
        }
        return (sent / request.utf8.count, false)
    }

    @Test(
        "pipelined requests whose answers are not read cost one answer, and the connection is closed",
        arguments: ["/healthz", "/metrics", "/api/v1/now", "/page.js", "/nothing"], [false, true])
    func unread(path: String, isLocked: Bool) async throws {
        var patience = Patience()
        patience.answer = .seconds(3)
        let rig = try WebRig(snapshot: try .ofEverything(), patience: patience) {
            if isLocked { $0.web.password = Secret("sun & wind") }
        }
        defer { rig.stop() }
        let connection = try Connection(port: rig.port, receiveBuffer: 4096)
        let watcher = UnsentWatcher(rig)
        let result = await onOwnThread {
            Self.flood(connection, "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n", most: 400_000)
        }
        watcher.stop()
        #expect(result.isClosed, "still open after \(result.count) requests")
        // One answer; of the page's largest file that is less than this.
        #expect(watcher.most < 100_000)
        #expect(try await rig.ask("/healthz").status == 200)
        #expect(rig.log.messages.count { $0.contains("too slow") } == 1)
    }

    @Test("many connections that read nothing stay below the bound of all together, and a new one is served")
    func together() async throws {
        var limits = ConnectionTable.Limits()
        limits.unsentTotal = 200_000
        var patience = Patience()
        patience.answer = .minutes(10)
        let rig = try WebRig(patience: patience, limits: limits)
        defer { rig.stop() }
        let fitting = limits.unsentTotal / (try #require(Asset.all["/api/v1/openapi.json"]).bytes.readableBytes)
        let watcher = UnsentWatcher(rig)
        // So many answers do not fit into what the kernel keeps.
        let requests = String(repeating: "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 40)
        var open: [Connection] = []
        for _ in 0..<60 {
            open.append(try Connection(port: rig.port, receiveBuffer: 2048))
            open.last?.send(requests)
        }
        let isBounded = await onOwnThread {
            for _ in 0..<3000 where watcher.most == 0 || rig.server.site.connections.count > fitting { usleep(10_000) }
            return rig.server.site.connections.count <= fitting
        }
        watcher.stop()
        #expect(isBounded && watcher.most > 0)
        #expect(watcher.most <= limits.unsentTotal)
        #expect(try await rig.ask("/healthz").status == 200)
        withExtendedLifetime(open) {}
    }

    @Test("an answer above the bound of a connection is refused with words")
    func large() async throws {
        var limits = ConnectionTable.Limits()
        limits.unsent = 65_536 + 2000
        let rig = try WebRig(limits: limits)
        defer { rig.stop() }
        let response = try await rig.ask("/page.js")
        #expect(response.status == 400 && response.body.contains("too_large"))
        #expect(try await rig.ask("/healthz").status == 200)
    }

    @Test("requests that came together are answered one after the other, however many")
    func pipelined() async throws {
        let rig = try WebRig()
        defer { rig.stop() }
        let connection = try Connection(port: rig.port)
        let text = await onOwnThread {
            connection.send(String(repeating: "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 300))
            connection.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return String(decoding: connection.readToEnd(), as: UTF8.self)
        }
        #expect(text.components(separatedBy: "404 Not Found").count == 301)
        #expect(text.contains("200 OK") && text.hasSuffix("ok\n"))
    }

    @Test("the bytes of a request do not extend its time, of a second request on a connection neither")
    func dripping() async throws {
        var patience = Patience()
        patience.head = .milliseconds(400)
        let rig = try WebRig(patience: patience)
        defer { rig.stop() }
        let connection = try Connection(port: rig.port)
        let drips = await onOwnThread {
            connection.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = connection.read(until: "ok\n")
            connection.send("GET /")
            var drips = 0
            while drips < 3000, connection.send("a") {
                drips += 1
                usleep(10_000)
            }
            return drips
        }
        #expect(drips < 3000)
        #expect(rig.log.messages.count { $0.contains("too slow") } == 1)
    }
}

/// Keeps the greatest number of bytes that waited to be sent.
private final class UnsentWatcher: Sendable {
    private let state = Mutex((most: 0, isStopped: false))

    init(_ rig: WebRig) {
        Thread.detachNewThread { [self] in
            while !state.withLock({ $0.isStopped }) {
                let unsent = rig.server.site.connections.unsent
                state.withLock { $0.most = max($0.most, unsent) }
                usleep(500)
            }
        }
    }

    var most: Int { state.withLock { $0.most } }

    func stop() { state.withLock { $0.isStopped = true } }
}
