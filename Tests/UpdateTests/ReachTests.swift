import Glibc
import Synchronization
import Testing

@testable import Update

/// Where an offer that comes over MQTT may lead, and for how long.
@Suite struct ReachTests {
    @Test(arguments: [
        ("http://Example.org/x", "example.org", UInt16(80)), ("https://example.org:8443/a/b", "example.org", 8443),
        ("https://[2001:DB8::1]:444/x?y=@", "2001:db8::1", 444), ("https://example.org?x", "example.org", 443),
        ("http://127.1/x", "127.1", 80),
    ])
    func readsAnOrigin(_ address: String, _ host: String, _ port: UInt16) throws {
        let origin = try #require(NetworkOrigin(address))
        #expect(origin.host == host && origin.port == port)
    }

    @Test(arguments: [
        "", "file:///x", "ftp://host/x", "http://", "http:///x", "http://me@host/x", "http://host:0/x",
        "http://host:/\\x",
        "http://host:70000/x", "http://host:x/x", "http://[::1/x", "http://[::1]x/x", "http://a\\@b/x", "http://h o/x",
        "http://h\u{E4}/x",
    ])
    func refusesOthers(_ address: String) { #expect(NetworkOrigin(address) == nil) }

    @Test func onlyPublicAddressesArePublic() throws {
        let local = [
            "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1",
            "0.0.0.0",
            "100.64.0.1", "100.127.1.1", "224.0.0.251", "239.1.1.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
            "203.0.113.9", "198.51.100.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fe80::1", "fc00::1",
            "fd12:3456::1", "ff02::fb", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::1",
            "2001:db8::1", "2001:0:1::1", "::127.0.0.1", "fec0::1", "64:ff9b:1::1",
            // The spellings that the system's resolver takes for 127.0.0.1.
            "127.1", "2130706433", "0x7f000001", "017700000001", "0",
        ]
        let outside = [
            "8.8.8.8", "172.32.0.1", "172.15.0.1", "192.167.1.1", "100.63.0.1", "100.128.0.1", "11.0.0.1",
            "223.255.255.1",
            "198.20.0.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "2002:808:808::1",
        ]
        for text in local + outside {
            let name = text.contains(":") ? "[\(text)]" : text
            let addresses = try #require(NetworkOrigin("http://\(name)/x")).addresses()
            #expect(addresses.count >= 1, "\(text)")
            #expect(addresses.allSatisfy(\.isPublic) == outside.contains(text), "\(text)")
        }
    }

    @Test func curlIsGivenTheAddressesThatWereChecked() throws {
        let origin = try #require(NetworkOrigin("https://example.org/x"))
        let addresses = [
            IPAddress(bytes: [8, 8, 4, 4]), IPAddress(bytes: [0x20, 1] + [UInt8](repeating: 0, count: 13) + [9]),
        ]
        #expect(origin.pinned(to: addresses) == "example.org:443:8.8.4.4,[2001:0:0:0:0:0:0:9]")
    }
}

/// With a server on this machine and the real curl.
@Suite(.enabled(if: access("/usr/bin/curl", X_OK) == 0, "curl is not installed (on Debian: apt install curl)"))
struct NetworkFetchTests {
    private func offer(_ server: TinyServer, _ path: String, _ reach: UpdateFetch.Reach, seconds: Int = 30) throws
        -> SignedManifest
    {
        var fetch = UpdateFetch(try UpdateAddress(parsing: server.url(path)), reach: reach)
        fetch.offerPace = .init(limit: .seconds(seconds), minimumSpeed: 10, slowTime: 10)
        return try fetch.offer()
    }

    private func signed() throws -> SignedManifest {
        try SignedManifest(try Rig.manifest("0.2.0", Rig.bytes("0.2.0")), by: try UpdateSigningKey())
    }

    @Test func aPrivateServerIsNotAskedOverMQTT() throws {
        let server = try TinyServer { _, _ in "HTTP/1.0 403 Forbidden\r\n\r\nsecret" }
        #expect(throws: UpdateFetch.unfetchable) { try offer(server, "/x", .publicNetwork(and: nil)) }
        let other = NetworkOrigin("http://127.0.0.1:1/x")
        #expect(throws: UpdateFetch.unfetchable) { try offer(server, "/x", .publicNetwork(and: other)) }
        #expect(server.requests.isEmpty)
    }

    @Test func theServerOfTheConfigurationIs() throws {
        let signed = try signed()
        let server = try TinyServer { _, path in
            path == "/there"
                ? "HTTP/1.0 200 OK\r\n\r\n\(signed.offerText)" : "HTTP/1.0 302 Found\r\nLocation: /there\r\n\r\nmoved"
        }
        let origin = NetworkOrigin(server.url("/"))
        #expect(try offer(server, "/there", .publicNetwork(and: origin)) == signed)
        // The words of a redirect are no part of the offer.
        #expect(try offer(server, "/here", .publicNetwork(and: origin)) == signed)
        #expect(try offer(server, "/here", .everywhere) == signed)
        #expect(server.requests == ["/there", "/here", "/there", "/here", "/there"])
    }

    @Test func aRedirectLeadsToNoOtherServer() throws {
        let hidden = try TinyServer { _, _ in "HTTP/1.0 200 OK\r\n\r\nsecret" }
        let server = try TinyServer { _, _ in
            "HTTP/1.0 302 Found\r\nLocation: \(hidden.url("/x"))\r\nContent-Length: 0\r\n\r\n"
        }
        let origin = NetworkOrigin(server.url("/"))
        #expect(throws: UpdateFetch.unfetchable) { try offer(server, "/x", .publicNetwork(and: origin)) }
        #expect(hidden.requests.isEmpty && server.requests == ["/x"])
        let circle = try TinyServer { _, _ in "HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n" }
        #expect(throws: UpdateFetch.unfetchable) {
            try offer(circle, "/x", .publicNetwork(and: NetworkOrigin(circle.url("/"))))
        }
        #expect(circle.requests.count == 6)
    }

    /// One answer for all that may be there.
    @Test func aFailureOverMQTTDoesNotSayWhatAnswered() throws {
        let server = try TinyServer { _, path in
            path == "/large"
                ? "HTTP/1.0 200 OK\r\n\r\n" + String(repeating: "x", count: 100_000)
                : "HTTP/1.0 \(path.dropFirst()) No\r\n\r\nsecret"
        }
        let origin = NetworkOrigin(server.url("/"))
        for path in ["/403", "/404", "/500", "/large"] {
            #expect(throws: UpdateFetch.unfetchable) { try offer(server, path, .publicNetwork(and: origin)) }
        }
        let closed = try TinyServer { _, _ in "" }
        let url = closed.url("/x")
        closed.stop()
        let fetch = UpdateFetch(
            try UpdateAddress(parsing: url), reach: .publicNetwork(and: NetworkOrigin(url)))
        #expect(throws: UpdateFetch.unfetchable) { try fetch.offer() }
        // On the machine itself it does.
        do {
            _ = try offer(server, "/403", .everywhere)
        } catch let fault as UpdateFault {
            #expect(fault.description.contains("403"))
        }
    }

    /// A byte now and then does not extend the deadline.
    @Test func aSlowServerIsGivenUp() throws {
        let server = try TinyServer { client, _ in
            for _ in 0..<600 {
                guard send(client, "v", 1, Int32(MSG_NOSIGNAL)) == 1 else { break }
                poll(nil, 0, 100)
            }
            return ""
        }
        let begin = ContinuousClock.now
        #expect(throws: UpdateFetch.unfetchable) {
            try offer(server, "/x", .publicNetwork(and: NetworkOrigin(server.url("/"))), seconds: 2)
        }
        #expect(ContinuousClock.now - begin < .seconds(40))
        #expect(UpdateFetch.Pace.offer.limit <= .seconds(30))
        #expect(UpdateFetch.Pace.program(size: UpdateManifest.maximumSize).limit <= .seconds(3600))
        #expect(UpdateFetch.Pace.program(size: 8_000_000).limit == .seconds(1060))
    }
}

/// A web server for one answer after another, on a thread of its own.
final class TinyServer: Sendable {
    private let listener: Int32
    private let port: UInt16
    private let state = Mutex<[String]>([])
    private let answer: @Sendable (Int32, String) -> String

    init(_ answer: @escaping @Sendable (Int32, String) -> String) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw UpdateFault.file("make", "a server") }
        port = UInt16(bigEndian: address.sin_port)
        let server = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { @Sendable raw in
                if let raw { Unmanaged<TinyServer>.fromOpaque(raw).takeRetainedValue().serve() }
                return nil
            }, server.toOpaque())
        guard code == 0 else {
            server.release()
            throw UpdateFault.file("make", "a thread")
        }
        pthread_detach(thread)
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    /// The paths that were asked for.
    var requests: [String] { state.withLock { $0 } }

    /// Closes the port.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve() {
        defer { close(listener) }
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            defer { close(client) }
            var request: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while request.count < 16_384, !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
                let count = read(client, &buffer, buffer.count)
                guard count > 0 else { break }
                request += buffer.prefix(count)
            }
            let line = String(decoding: request, as: UTF8.self).split(separator: " ")
            guard line.count > 1 else { continue }
            let path = String(line[1])
            state.withLock { $0.append(path) }
            let bytes = Array(answer(client, path).utf8)
            _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }
}
