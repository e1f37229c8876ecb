import Glibc

extension Configuration {
    /// The page, the interface for programs and the metrics.
    public struct Web: Sendable, Equatable {
        /// Where it listens, `127.0.0.1:8070`; empty: nowhere.
        public var listen = Web.defaultListen
        /// What a browser must be told, wherever it came from; nil: nothing.
        public var password: Secret?
        /// The file the password was read from; empty: none.
        public var passwordFile = ""
        /// What a program must send as `Authorization: Bearer …`, wherever it came from; nil: nothing.
        public var token: Secret?
        /// The file the token was read from; empty: none.
        public var tokenFile = ""
        /// Names by which the page may be asked for, beside addresses and this machine's own.
        public var hosts: [String] = []

        /// What ``listen`` is unless somebody says otherwise.
        public static let defaultListen = "127.0.0.1:8070"

        /// The defaults.
        public init() {}

        /// Whether whoever asks must say a secret.
        public var isProtected: Bool { password != nil || token != nil }
    }
}

/// An address to listen on: an IP address and a port.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// The address without brackets, such as `127.0.0.1` or `::1`.
    public let host: String
    /// 0 to 65535; with 0 the system takes a free one.
    public let port: Int
    /// Whether only this machine can reach it.
    public let isLoopback: Bool
    private let isIPv6: Bool

    /// Reads `127.0.0.1:8070`, `localhost:8070`, `0.0.0.0:8070` or `[::]:8070`; nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port), text[text.index(after: colon)...].allSatisfy(\.isNumber)
        else { return nil }
        var host = String(text[..<colon])
        if host == "localhost" { host = "127.0.0.1" }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            var address = in6_addr()
            guard inet_pton(AF_INET6, host, &address) == 1 else { return nil }
            let bytes = withUnsafeBytes(of: &address) { Array($0) }
            isLoopback = bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
            isIPv6 = true
        } else {
            var address = in_addr()
            guard inet_pton(AF_INET, host, &address) == 1 else { return nil }
            isLoopback = withUnsafeBytes(of: &address) { $0.first } == 127
            isIPv6 = false
        }
        self.host = host
        self.port = port
    }

    /// As it is written.
    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The same address with another port.
    public func with(port: Int) -> String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension OptionCatalogue {
    static let web = Section(
        name: "web",
        summary: "The page to look at, the interface for programs and the metrics; see docs/web.md.",
        options: [
            .text(
                "listen", \.web.listen, allowed: "an IP address and a port, or \"\"",
                """
                Where to listen. Empty: there is no page. An address that other machines reach, such as \
                "0.0.0.0:8070", needs a password or a token.
                """, check: listenAddress),
            .secret(
                "password", \.web.password,
                "What a browser must be told; any user name will do. Better kept in password_file."),
            .path(
                "password_file", \.web.passwordFile, allowed: "a path, or \"\"",
                "A file with the password and nothing else, made like broker.password_file."),
            .secret(
                "token", \.web.token,
                """
                What a program must send, as "Authorization: Bearer …"; use 16 random characters or more. Better kept \
                in token_file.
                """),
            .path(
                "token_file", \.web.tokenFile, allowed: "a path, or \"\"",
                "A file with the token and nothing else, made like broker.password_file."),
            .list(
                "hosts", \.web.hosts, allowed: "a list of names",
                """
                Names by which the page may be asked for, such as that of a proxy before it. Addresses, localhost and \
                this machine's own name always do; other names are refused, so that no foreign page can read along.
                """, check: webHost),
        ])

    private static func listenAddress(_ text: String) throws(Problem) {
        guard text.isEmpty || ListenAddress(text) != nil else {
            throw Problem(
                "cannot be \(tomlQuoted(text))",
                hint: "write an IP address and a port, such as \"127.0.0.1:8070\" or \"[::]:8070\"")
        }
    }

    private static func webHost(_ text: String) throws(Problem) {
        let isName = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                || $0 == 0x2E
        }
        guard isName, !text.isEmpty, text.utf8.count <= 253 else {
            throw Problem("has \(tomlQuoted(text)), which is no name of a host", hint: "write it without port or path")
        }
    }
}
