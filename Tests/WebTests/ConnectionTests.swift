import Foundation
import Glibc
import NIOCore
import Synchronization
import Testing

@testable import Bridge
@testable import Web

@Suite("Room for connections")
struct ConnectionTests {
    private static let small = ConnectionTable.Limits(connections: 12, perPeer: 4, perLocalPeer: 8, streamsPerPeer: 3)
    private static let request = "GET /manifest.webmanifest HTTP/1.1\r\nHost: localhost\r\n\r\n"

    /// Connections from an address that have sent a part of a request, and that the server has accepted.
    private static func halfRequests(_ count: Int, from source: String, _ rig: WebRig) async throws -> [Connection] {
        var open: [Connection] = []
        for _ in 0..<count {
            let connection = try Connection(port: rig.port, from: source)
            connection.send("GET / HT")
            open.append(connection)
        }
        return open
    }

    @Test("half requests of one address do not keep out the same address or others")
    func halfRequests() async throws {
        let rig = try WebRig(limits: Self.small)
        defer { rig.stop() }
        for round in 0..<5 {
            let open = try await Self.halfRequests(20, from: "127.0.0.2", rig)
            #expect(try await rig.ask("/healthz", from: "127.0.0.2").status == 200, "round \(round)")
            #expect(try await rig.ask("/healthz", from: "127.0.0.3").status == 200, "round \(round)")
            #expect(rig.server.site.connections.count <= 10)
            withExtendedLifetime(open) {}
        }
    }

    @Test("half requests of many addresses fill the table and keep nobody out")
    func full() async throws {
        let rig = try WebRig(limits: Self.small)
        defer { rig.stop() }
        var open: [Connection] = []
        for address in 2..<32 { open += try await Self.halfRequests(4, from: "127.0.0.\(address)", rig) }
        #expect(try await rig.ask("/healthz").status == 200)
        #expect(rig.server.site.connections.count <= Self.small.connections)
        withExtendedLifetime(open) {}
    }

    @Test("a connection that is at work is not closed for another one; one that is idle is")
    func atWork() async throws {
        let rig = try WebRig(limits: Self.small)
        defer { rig.stop() }
        var pages: [Connection] = []
        for address in 2..<6 {
            for _ in 0..<3 { pages.append(try Connection(port: rig.port, from: "127.0.0.\(address)")) }
        }
        let all = pages
        let texts = await onOwnThread {
            for page in all { page.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n") }
            return all.map { $0.read(until: "event: now") }
        }
        #expect(texts.allSatisfy { $0.contains("200 OK") })
        // Twelve pages are open: there is no room, and none of them makes room.
        #expect(try await rig.ask("/healthz").text.isEmpty)
        #expect(rig.log.messages.count { $0.contains("too many") } == 1)
        #expect(rig.server.site.hub.count == 12)
        let first = pages.removeFirst()
        shutdown(first.descriptor, Int32(SHUT_RDWR))
        await onOwnThread { for _ in 0..<3000 where rig.server.site.connections.count > 11 { usleep(10_000) } }
        let idle = try Connection(port: rig.port)
        await onOwnThread {
            idle.send(Self.request)
            _ = idle.read(until: "}\n")
        }
        #expect(rig.server.site.connections.count == 12)
        #expect(try await rig.ask("/healthz", from: "127.0.0.9").status == 200)
        #expect(await onOwnThread { idle.readToEnd().isEmpty })
        withExtendedLifetime(pages) {}
    }

    @Test("one address may open so many pages")
    func streams() async throws {
        let rig = try WebRig(limits: Self.small)
        defer { rig.stop() }
        var pages: [Connection] = []
        for _ in 0..<3 { pages.append(try Connection(port: rig.port, from: "127.0.0.2")) }
        let all = pages
        _ = await onOwnThread {
            for page in all {
                page.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = page.read(until: "event: now")
            }
        }
        #expect(try await rig.ask("/api/v1/events", from: "127.0.0.2").status == 503)
        #expect(rig.server.site.hub.count == 3)
    }

    @Test("without descriptors a new connection takes the place of one that asks nothing")
    func descriptors() async throws {
        let admitted = Counter()
        var limits = ConnectionTable.Limits()
        limits.hasDescriptors = { admitted.next() <= 3 }
        let rig = try WebRig(limits: limits)
        defer { rig.stop() }
        let open = try await Self.halfRequests(3, from: "127.0.0.2", rig)
        for _ in 0..<3 { #expect(try await rig.ask("/healthz", from: "127.0.0.3").status == 200) }
        // All three have made room, so there is none left.
        #expect(try await rig.ask("/healthz", from: "127.0.0.3").text.isEmpty)
        withExtendedLifetime(open) {}
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

@Suite("Wrong passwords")
struct LoginTests {
    private static func basic(_ password: String) -> String {
        "Authorization: Basic " + Data("me:\(password)".utf8).base64EncodedString()
    }

    private static func rig(token: String) throws -> WebRig {
        var patience = Patience()
        patience.wrongPassword = .milliseconds(1)
        // So that it is not over before a busy machine has asked.
        patience.firstLock = .minutes(4)
        patience.idle = .minutes(4)
        return try WebRig(patience: patience) {
            $0.web.password = Secret("sun & wind")
            $0.web.token = Secret(token)
        }
    }

    @Test("after ten wrong passwords an address has to wait, the right one included; others need not")
    func lockOut() async throws {
        let rig = try Self.rig(token: "0123456789abcdef")
        defer { rig.stop() }
        var answers: [Int] = []
        for number in 0..<40 {
            answers.append(try await rig.ask("/metrics", from: "127.0.0.2", [Self.basic("guess \(number)")]).status)
        }
        #expect(answers == Array(repeating: 401, count: 10) + Array(repeating: 429, count: 30))
        let right = try await rig.ask("/metrics", from: "127.0.0.2", [Self.basic("sun & wind")])
        #expect(right.status == 429 && (1...240).contains(Int(right.headers["retry-after"] ?? "") ?? 0))
        #expect(try await rig.ask("/metrics", from: "127.0.0.3", [Self.basic("sun & wind")]).status == 200)
        // A program with its token, and whoever asks without any, are not affected.
        #expect(
            try await rig.ask("/metrics", from: "127.0.0.2", ["Authorization: Bearer 0123456789abcdef"]).status == 200)
        #expect(try await rig.ask("/metrics", from: "127.0.0.2").status == 401)
        #expect(try await rig.ask("/healthz", from: "127.0.0.2").status == 200)
        #expect(rig.log.messages.count { $0.contains("too many wrong passwords") } == 1)
    }

    @Test("wrong tokens lock short tokens out, not passwords and not a token that nobody can guess")
    func tokens() async throws {
        for (token, isChecked) in [("short", false), ("0123456789abcdef", true)] {
            let rig = try Self.rig(token: token)
            defer { rig.stop() }
            for number in 0..<12 {
                _ = try await rig.ask("/metrics", from: "127.0.0.2", ["Authorization: Bearer guess\(number)"])
            }
            #expect(try await rig.ask("/metrics", from: "127.0.0.2", ["Authorization: Bearer guess"]).status == 429)
            let right = try await rig.ask("/metrics", from: "127.0.0.2", ["Authorization: Bearer \(token)"])
            #expect(right.status == (isChecked ? 200 : 429))
            #expect(try await rig.ask("/metrics", from: "127.0.0.2", [Self.basic("sun & wind")]).status == 200)
        }
    }

    @Test("a connection that was let in goes on while its address is locked out")
    func kept() async throws {
        let rig = try Self.rig(token: "short")
        defer { rig.stop() }
        let kept = try Connection(port: rig.port, from: "127.0.0.2")
        let request = "GET /healthz/x HTTP/1.1\r\nHost: localhost\r\n\(Self.basic("sun & wind"))\r\n\r\n"
        let first = await onOwnThread {
            kept.send(request)
            return kept.read(until: "}\n")
        }
        #expect(first.contains("404"))
        for _ in 0..<12 { _ = try await rig.ask("/metrics", from: "127.0.0.2", [Self.basic("guess")]) }
        let second = await onOwnThread {
            kept.send(request)
            return kept.read(until: "}\n")
        }
        #expect(second.contains("404"))
    }

    @Test("the wait doubles up to five minutes, and a quarter of an hour clears it")
    func waits() {
        let limiter = LoginLimiter()
        let key = LoginLimiter.Key(peer: "192.0.2.1", scheme: .password)
        var now = NIODeadline.now()
        for _ in 0..<9 { limiter.recordFailure(key, now: now) }
        #expect(limiter.lockRemaining(key, now: now) == nil)
        var waits: [Int64] = []
        for _ in 0..<8 {
            limiter.recordFailure(key, now: now)
            let wait = limiter.lockRemaining(key, now: now) ?? .zero
            waits.append(wait.nanoseconds / 1_000_000_000)
            now = now + wait
            #expect(limiter.lockRemaining(key, now: now) == nil)
        }
        #expect(waits == [10, 20, 40, 80, 160, 300, 300, 300])
        now = now + .minutes(16)
        limiter.recordFailure(key, now: now)
        #expect(limiter.lockRemaining(key, now: now) == nil)
    }

    @Test("the table of addresses is bounded, and the oldest makes room")
    func bounded() {
        let limiter = LoginLimiter()
        let now = NIODeadline.now()
        for number in 0..<(LoginLimiter.tableLimit + 50) {
            let key = LoginLimiter.Key(peer: "192.0.2.\(number)", scheme: .password)
            for _ in 0..<10 { limiter.recordFailure(key, now: now + .seconds(Int64(number))) }
        }
        #expect(limiter.count == LoginLimiter.tableLimit)
        let last = LoginLimiter.Key(peer: "192.0.2.\(LoginLimiter.tableLimit + 49)", scheme: .password)
        #expect(limiter.lockRemaining(last, now: now + .seconds(Int64(LoginLimiter.tableLimit + 49))) != nil)
    }
}
