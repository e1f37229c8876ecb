import Foundation
import Glibc
import Testing

/// What others can do to the daemon through its page, with the built program.
@Suite(.timeLimit(.minutes(3)))
struct PageSystemTests {
    /// A vebridge with a page, and no ports that exist.
    private struct Daemon: Sendable {
        let program: Program
        let port: Int
        private let scratch = ScratchDirectory()

        init(descriptors: Int? = nil) async throws {
            let file = scratch.file(
                "vebridge.toml",
                """
                ports = ["/dev/vebridge-test-none*"]
                [broker]
                url = "mqtt://127.0.0.1:1"
                [web]
                listen = "127.0.0.1:0"
                """)
            program =
                if let descriptors {
                    try Program(
                        path: "/bin/sh",
                        ["-c", "ulimit -n \(descriptors); exec '\(Program.vebridge)' --config '\(file)'"])
                } else {
                    try Program("--config", file)
                }
            let line = try await program.errors.first("the page", limit: .seconds(60)) {
                $0.contains("the page is served")
            }
            port = try #require(line.element.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) })
        }

        /// Runs what blocks where no other test waits for it.
        static func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: body()) }
            }
        }

        /// Bytes in memory.
        var memory: Int {
            let pages = (try? String(contentsOfFile: "/proc/\(program.process)/statm", encoding: .utf8))?
                .split(separator: " ").dropFirst().first.flatMap { Int($0) }
            return (pages ?? 0) * Int(getpagesize())
        }

        var processorSeconds: Double {
            let text = (try? String(contentsOfFile: "/proc/\(program.process)/stat", encoding: .utf8)) ?? ""
            let fields = text.split(separator: ")").last?.split(separator: " ").compactMap { Int($0) } ?? []
            // The state is a letter; user and system time are the 11th and the 12th number after it.
            return fields.count > 11 ? Double(fields[10] + fields[11]) / Double(sysconf(Int32(_SC_CLK_TCK))) : 0
        }

        /// A connection; nil where none is accepted.
        func connect() -> Int32? {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var limit = timeval(tv_sec: 30, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(UInt16(port).bigEndian)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if code == 0 { return descriptor }
            close(descriptor)
            return nil
        }

        /// Whether the page says that the bridge lives.
        func answers() async -> Bool { await Self.onOwnThread { asked() } }

        private func asked() -> Bool {
            guard let descriptor = connect() else { return false }
            defer { close(descriptor) }
            let request = Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
            send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
            var buffer = [UInt8](repeating: 0, count: 64)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            return count > 0 && String(decoding: buffer.prefix(count), as: UTF8.self).contains(" 200 ")
        }
    }

    @Test("with too few descriptors it ends with a message that says how many there are", arguments: [16, 18, 20])
    func fewDescriptors(limit: Int) async throws {
        let program = try Program(
            path: "/bin/sh", ["-c", "ulimit -n \(limit); exec '\(Program.vebridge)' --ports /dev/vebridge-test-none"])
        #expect(try await program.end() == .exit(1))
        #expect(program.complaint.contains("the limit of open files is \(limit)"))
    }

    @Test("connections that use up the descriptors neither keep others out nor keep the processor busy")
    func exhausted() async throws {
        let daemon = try await Daemon(descriptors: 40)
        let open = (0..<80).compactMap { _ in daemon.connect() }
        defer { open.forEach { close($0) } }
        #expect(open.count == 80)
        #expect(await daemon.answers())
        let before = daemon.processorSeconds
        try await Task.sleep(for: .seconds(3))
        #expect(daemon.processorSeconds - before < 1)
        #expect(await daemon.answers())
    }

    @Test("requests whose answers are not read take no memory", arguments: ["/healthz", "/metrics", "/page.js"])
    func unread(path: String) async throws {
        let daemon = try await Daemon()
        #expect(await daemon.answers())
        let before = daemon.memory
        let descriptor = try #require(daemon.connect())
        defer { close(descriptor) }
        let batch = Array(
            String(repeating: "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 1000).utf8)
        // Until the server closes the connection, or has taken far more than it may keep the answers of.
        let (sent, most) = await Daemon.onOwnThread {
            var (sent, most) = (0, 0)
            while sent < 400, send(descriptor, batch, batch.count, Int32(MSG_NOSIGNAL)) > 0 {
                sent += 1
                most = max(most, daemon.memory)
            }
            return (sent, most)
        }
        #expect(sent < 400, "still open after \(sent) thousand requests")
        #expect(most - before < 40_000_000)
        #expect(await daemon.answers())
    }
}
