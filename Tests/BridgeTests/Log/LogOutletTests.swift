import Glibc
import Logging
import Synchronization
import Testing

@testable import Bridge

/// A socket of this machine that takes what is sent to it.
private final class Receiver: Sendable {
    enum Kind { case datagram, stream, unixDatagram(String) }
    let descriptor: Int32
    let port: UInt16

    init(_ kind: Kind) {
        switch kind {
        case .unixDatagram(let path):
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let descriptor = descriptor
            let isBound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
                }
            }
            precondition(isBound)
            port = 0
        case .datagram, .stream:
            let type = if case .stream = kind { Int32(SOCK_STREAM.rawValue) } else { Int32(SOCK_DGRAM.rawValue) }
            descriptor = socket(AF_INET, type | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
                }
            }
            precondition(isBound)
            port = UInt16(bigEndian: address.sin_port)
            if case .stream = kind { listen(descriptor, 4) }
        }
        limit(descriptor)
    }

    deinit { close(descriptor) }

    /// A test that waits in vain fails instead of waiting on.
    private func limit(_ descriptor: Int32) {
        var limit = timeval(tv_sec: 15, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func receive(from socket: Int32? = nil) async -> String {
        await onOwnThread { self.take(from: socket) }
    }

    private func take(from socket: Int32?) -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket ?? descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    func accept() async -> Int32 {
        await onOwnThread {
            let client = Glibc.accept(self.descriptor, nil, nil)
            self.limit(client)
            return client
        }
    }
}

private func line(
    _ message: String, level: Logger.Level = .info, _ metadata: Logger.Metadata = [:]
) -> LogLine {
    LogLine(level: level, label: "vebridge", message: message, metadata: metadata, time: 0, hasPriority: false)
}

@Suite("Where the log goes", .timeLimit(.minutes(1)))
struct LogOutletTests {
    @Test("the journal gets fields, values of several lines counted")
    func journal() async throws {
        let path = "/tmp/journal-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        defer { unlink(path) }
        let socket = try #require(JournalSocket(path: path))
        // Nobody listens: said, so that the record can go elsewhere.
        #expect(!socket.send(line("lost")))
        let receiver = Receiver(.unixDatagram(path))
        #expect(socket.send(line("port opened", level: .warning, ["port": "/dev/ttyUSB0", "odd-key é": "a\nb"])))
        let counted = "VEBRIDGE_ODD_KEY___\n" + String(decoding: [3, 0, 0, 0, 0, 0, 0, 0] as [UInt8], as: UTF8.self)
        #expect(
            await receiver.receive() == """
                MESSAGE=port opened
                PRIORITY=4
                SYSLOG_IDENTIFIER=vebridge
                \(counted)a
                b
                VEBRIDGE_PORT=/dev/ttyUSB0

                """)
    }

    @Test("a record of RFC 5424 has its escapes, and ends in time")
    func syslogRecord() {
        func text(_ line: LogLine) -> String {
            String(decoding: SyslogRecord.text(line, facility: 3, host: "boat", process: 7), as: UTF8.self)
        }
        #expect(text(line("ready")) == "<30>1 1970-01-01T00:00:00Z boat vebridge 7 - - ready")
        #expect(
            text(line("two\nlines", level: .error, ["a b": "x\"]\\y", "port": "/dev/ttyUSB0"]))
                == #"<27>1 1970-01-01T00:00:00Z boat vebridge 7 - [vebridge@32473 a_b="x\"\]\\y" port="/dev/ttyUSB0"] two lines"#
        )
        let long = SyslogRecord.text(line(String(repeating: "é", count: 5000)), facility: 3, host: "", process: 7)
        #expect(long.count > 2000 && long.count <= 2048)
        #expect(String(validating: long, as: UTF8.self) != nil)
    }

    @Test("a log server gets datagrams")
    func datagrams() async throws {
        let receiver = Receiver(.datagram)
        var log = Configuration.Log()
        log.syslog.address = "udp://127.0.0.1:\(receiver.port)"
        log.syslog.level = .warning
        log.syslog.facility = .local3
        let outlets = LogOutlets(log, level: .critical)
        let logger = outlets.logger(label: "vebridge")
        logger.info("not this")
        logger.warning("but this", metadata: ["port": "x"])
        let record = await receiver.receive()
        #expect(record.hasPrefix("<156>1 20") && record.hasSuffix("[vebridge@32473 port=\"x\"] but this"), "\(record)")
        outlets.finish()
    }

    @Test("a log server gets a stream of counted records, and those that came while it was away")
    func stream() async throws {
        let receiver = Receiver(.stream)
        let sender = SyslogSender(
            try #require(SyslogAddress("tcp://127.0.0.1:\(receiver.port)")), tls: TLSSettings(), facility: 3)
        let trouble = Mutex<[String]>([])
        sender.start { words in trouble.withLock { $0.append(words) } }
        sender.enqueue(line("one"))
        let first = await receiver.accept()
        let record = await receiver.receive(from: first)
        let count = Int(record.prefix { $0 != " " }) ?? 0
        #expect(record.hasSuffix(" one") && record.utf8.count == count + "\(count) ".utf8.count, "\(record)")
        // The server goes and comes back. A child that another test started may hold the descriptor: closing it would
        // not end the connection.
        shutdown(first, Int32(SHUT_RDWR))
        close(first)
        sender.enqueue(line("two"))
        let second = await receiver.accept()
        #expect(await receiver.receive(from: second).hasSuffix(" two"))
        close(second)
        #expect(trouble.withLock { $0 }.isEmpty)
    }

    @Test("a log server that is away is told of once, and blocks nobody")
    func away() async throws {
        let port = Receiver(.stream).port
        let sender = SyslogSender(
            try #require(SyslogAddress("tcp://127.0.0.1:\(port)")), tls: TLSSettings(), facility: 3)
        let (words, continuation) = AsyncStream.makeStream(of: String.self)
        sender.start { continuation.yield($0) }
        let start = ContinuousClock.now
        for number in 0..<5000 { sender.enqueue(line("\(number)")) }
        #expect(ContinuousClock.now - start < .seconds(2))
        var iterator = words.makeAsyncIterator()
        let first = await iterator.next()
        #expect(first == "the log server tcp://127.0.0.1:\(port) cannot be reached: Connection refused")
        sender.finish(timeout: .milliseconds(300))
    }

    @Test(
        "a log server by TLS has to show the right certificate",
        .enabled(if: TestCertificates.isPossible, "openssl is not installed"))
    func encrypted() async throws {
        let certificates = try await TestCertificates.shared()
        let port = Receiver(.stream).port
        let output = certificates.scratch("records")
        let command =
            "timeout 30 openssl s_server -quiet -accept 127.0.0.1:\(port) -cert \(certificates.path("good.pem")) "
            + "-key \(certificates.path("good.key")) -naccept 8 > \(output) 2>&1 < /dev/zero &"
        #expect(system(command) == 0)
        try await Listening.wait(port)
        let address = try #require(SyslogAddress("tls://localhost:\(port)"))
        let (words, continuation) = AsyncStream.makeStream(of: String.self)
        let wrong = SyslogSender(
            address, tls: TLSSettings(pins: [try certificates.fingerprint("self")]), facility: 3)
        wrong.start { continuation.yield($0) }
        wrong.enqueue(line("secret"))
        var iterator = words.makeAsyncIterator()
        let refusal = try #require(await iterator.next())
        #expect(refusal.contains("not the pinned one; presented: subject CN=localhost"), "\(refusal)")
        wrong.finish(timeout: .milliseconds(100))

        let right = SyslogSender(address, tls: TLSSettings(authorities: certificates.authority), facility: 3)
        right.start { continuation.yield($0) }
        right.enqueue(line("hello"))
        let deadline = ContinuousClock.now + .seconds(15)
        var text = ""
        while !text.contains(" hello"), ContinuousClock.now < deadline {
            text = String(decoding: try Configuration.readFile(output, limit: 1 << 20), as: UTF8.self)
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(text.contains(" vebridge \(getpid()) - - hello"))
        #expect(!text.contains("secret"))
    }

    @Test("each way has its level, and it can be changed while a logger is in use")
    func levels() throws {
        let outlets = LogOutlets(Configuration.Log(), level: .critical)
        let logger = outlets.logger(label: "vebridge")
        let published = Mutex<[String]>([])
        let feed = try #require(outlets.topic)
        logger.notice("before anybody listens", metadata: ["port": "x"])
        feed.open { text in published.withLock { $0.append(text) } }
        logger.info("too quiet")
        #expect(outlets.set(.debug, of: .mqtt))
        #expect(!outlets.set(.debug, of: .syslog))
        logger.debug("loud enough")
        #expect(logger.logLevel == .debug)
        let texts = published.withLock { $0 }
        #expect(texts.count == 2)
        let first = try #require(JSONValue(Array(texts[0].utf8)))
        #expect(first["level"] == .text("notice") && first["message"] == .text("before anybody listens"))
        #expect(first["values"]?["port"] == .text("x"))
        #expect(texts[1].contains("loud enough"))
    }

    @Test("the topic gets no more than its rate, and is told what it missed")
    func rate() {
        let feed = LogTopicFeed(perMinute: 60)
        let published = Mutex<[String]>([])
        feed.open { text in published.withLock { $0.append(text) } }
        let start = ContinuousClock.now
        for number in 0..<1000 { feed.add(line("\(number)"), at: start) }
        #expect(published.withLock { $0.count } == 60)
        feed.add(line("later"), at: start + .seconds(2))
        feed.add(line("and"), at: start + .seconds(2))
        let last = published.withLock { $0.suffix(2) }
        #expect(last.first?.contains(#""left_out":"940""#) == true, "\(last)")
        #expect(last.last?.contains("left_out") == false)
        // Nobody listens: a few wait.
        feed.close()
        for number in 0..<500 { feed.add(line("w\(number)"), at: start + .seconds(600 + number)) }
        let late = Mutex<[String]>([])
        feed.open { text in late.withLock { $0.append(text) } }
        #expect(late.withLock { $0.count } == LogTopicFeed.waitingLimit)
        #expect(late.withLock { $0.last?.contains("w499") } == true)
    }

    @Test("addresses of log servers")
    func addresses() throws {
        let udp = try #require(SyslogAddress("udp://log.lan"))
        #expect(udp.transport == .udp && udp.host == "log.lan" && udp.port == 514)
        let tls = try #require(SyslogAddress("tls://[::1]:1234"))
        #expect(tls.transport == .tls && tls.host == "::1" && tls.port == 1234)
        #expect(SyslogAddress("tcp://10.0.0.1")?.port == 601)
        #expect(SyslogAddress("tls://[::1]")?.port == 6514)
        for wrong in ["log.lan", "http://log.lan", "udp://", "udp://me@log.lan", "udp://log.lan/x", "udp://a:b"] {
            #expect(SyslogAddress(wrong) == nil, "\(wrong)")
        }
    }
}
