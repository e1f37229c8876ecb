import Glibc

/// Where the broker is: `mqtt://user:password@host:1883`, `mqtts://host`, or `mdns:` to look for it on the network.
public enum BrokerURL: Sendable, Equatable {
    /// A broker at a known host.
    case server(Server)
    /// A broker to be found by multicast DNS; `instance` is the name it announces, nil for whichever answers.
    case mdns(instance: String?)

    /// How bytes reach the broker.
    public enum Transport: String, Sendable, CaseIterable {
        /// Plain TCP, port 1883 unless told otherwise.
        case mqtt
        /// TLS, port 8883 unless told otherwise.
        case mqtts

        /// The port registered for this transport.
        public var defaultPort: UInt16 { self == .mqtt ? 1883 : 8883 }
    }

    /// The parts of a `mqtt:` or `mqtts:` address.
    public struct Server: Sendable, Equatable {
        /// Plain or TLS.
        public var transport: Transport
        /// The user named in the address, percent signs decoded.
        public var user: String?
        /// The password in the address, percent signs decoded.
        public var password: Secret?
        /// A host name, an IPv4 address, or an IPv6 address without its brackets (a zone after `%` is kept).
        public var host: String
        /// 1 to 65535.
        public var port: UInt16

        /// Makes an address from its parts; without a port, the one of the transport.
        public init(
            transport: Transport, user: String? = nil, password: Secret? = nil, host: String, port: UInt16? = nil
        ) {
            self.transport = transport
            self.user = user
            self.password = password
            self.host = host
            self.port = port ?? transport.defaultPort
        }
    }

    /// Why a text is not the address of a broker. Never holds any part of a user or password.
    public struct ParseError: Error, Sendable, Equatable, CustomStringConvertible {
        /// What is wrong.
        public var message: String
        /// What would be right.
        public var hint: String?

        /// Message and hint in one sentence.
        public var description: String { message + (hint.map { ": \($0)" } ?? "") }

        init(_ message: String, hint: String? = nil) {
            self.message = message
            self.hint = hint
        }
    }

    /// Reads an address.
    ///
    /// - Throws: what is wrong and what would be right, fit for a log: no part of a user or password is in it.
    public init(parsing text: String) throws(ParseError) {
        // Where there is an @, any part may turn out to be a piece of a password that was not encoded.
        let mayHoldPassword = text.contains("@")
        guard let colon = text.firstIndex(of: ":") else {
            let bare = !text.isEmpty && text.utf8.allSatisfy(BrokerURL.isHostByte)
            throw ParseError(
                "an address begins with mqtt:// or mqtts://", hint: bare ? "did you mean 'mqtt://\(text)'?" : nil)
        }
        let scheme = text[..<colon].lowercased()
        let rest = text[text.index(after: colon)...]
        if scheme == "mdns" {
            self = try .mdns(instance: BrokerURL.instance(rest))
            return
        }
        guard let transport = Transport(rawValue: scheme) else {
            throw BrokerURL.wrongScheme(scheme, text: text, mayHoldPassword: mayHoldPassword)
        }
        guard rest.hasPrefix("//") else {
            throw ParseError("'\(scheme):' lacks its slashes", hint: "write \(scheme)://host")
        }
        self = try .server(
            BrokerURL.server(transport: transport, rest: rest.dropFirst(2), mayHoldPassword: mayHoldPassword))
    }

    private static func instance(_ rest: Substring) throws(ParseError) -> String? {
        if rest.hasPrefix("//") {
            throw ParseError("mdns: has no slashes", hint: "write 'mdns:' or 'mdns:' and the name the broker announces")
        }
        guard rest.utf8.count <= 63 else { throw ParseError("a name announced by mDNS has at most 63 bytes") }
        guard let name = percentDecoded(rest) else {
            throw ParseError("a % is not followed by two hex digits", hint: "write a percent sign as %25")
        }
        guard isPrintable(name) else { throw ParseError("the name holds a control character") }
        return name.isEmpty ? nil : name
    }

    private static func wrongScheme(_ scheme: String, text: String, mayHoldPassword: Bool) -> ParseError {
        let meant: Transport? =
            switch scheme {
            case "tcp", "http", "ws", "mqtt+tcp": .mqtt
            case "ssl", "tls", "https", "wss", "mqtt+ssl", "mqtt+tls": .mqtts
            default: NearestWord.match(scheme, among: ["mqtt", "mqtts"]).flatMap(Transport.init)
            }
        let isScheme = text.dropFirst(scheme.count).hasPrefix("://")
        if isScheme || (meant != nil && !mayHoldPassword) {
            let name = scheme.utf8.allSatisfy(isHostByte) ? "'\(scheme)://' is not known" : "the scheme is not known"
            return ParseError(name, hint: "did you mean '\((meant ?? .mqtt).rawValue)://'?")
        }
        // 'host:1883' looks as if host were the scheme.
        let bare = text.utf8.allSatisfy { isHostByte($0) || $0 == UInt8(ascii: ":") }
        let hint = bare ? "did you mean 'mqtt://\(text)'?" : nil
        return ParseError("an address begins with mqtt:// or mqtts://", hint: hint)
    }

    private static func server(
        transport: Transport, rest: Substring, mayHoldPassword: Bool
    ) throws(ParseError) -> Server {
        var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let tail = rest[authority.endIndex...]
        guard tail.isEmpty || tail == "/" else {
            if tail.contains("@") {
                throw ParseError(
                    "the user or password holds a '/', '?' or '#'", hint: "write it as %2F, %3F or %23")
            }
            throw ParseError(
                "the address of a broker ends after host and port",
                hint: "the first part of the topics is set by schema.prefix")
        }
        var user: String?
        var password: Secret?
        if let at = authority.lastIndex(of: "@") {
            (user, password) = try credentials(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        let (host, port) = try hostAndPort(authority, quoting: !mayHoldPassword)
        return Server(transport: transport, user: user, password: password, host: host, port: port)
    }

    private static func credentials(_ text: Substring) throws(ParseError) -> (String?, Secret?) {
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        guard let user = percentDecoded(text[..<colon]), let password = percentDecoded(text[colon...].dropFirst())
        else {
            throw ParseError(
                "a % in the user or password is not followed by two hex digits", hint: "write a percent sign as %25")
        }
        // A NUL would end the text early in the C library that takes it; others would end a line of the log.
        guard isPrintable(user), !password.utf8.contains(0) else {
            throw ParseError("the user or password holds a control character")
        }
        guard !user.isEmpty else {
            throw ParseError("there is no user before the '@'", hint: "write mqtt://user@host or mqtt://host")
        }
        return (user, password.isEmpty ? nil : Secret(password))
    }

    private static func hostAndPort(_ text: Substring, quoting: Bool) throws(ParseError) -> (String, UInt16?) {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw ParseError("the bracket around the IPv6 address is not closed", hint: "write [::1]:1883")
            }
            let inside = text[text.index(after: text.startIndex)..<end]
            // RFC 6874 writes the % before a zone as %25; people write it bare.
            let zoneMark = inside.firstIndex(of: "%") ?? inside.endIndex
            let address = String(inside[..<zoneMark])
            var zone = inside[zoneMark...].dropFirst()
            if zone.hasPrefix("25") { zone = zone.dropFirst(2) }
            guard isIPv6(address), zoneMark == inside.endIndex || (!zone.isEmpty && zone.utf8.allSatisfy(isHostByte))
            else {
                throw ParseError(
                    quoting ? "'\(printable(inside))' is not an IPv6 address" : "what is in brackets is not IPv6",
                    hint: "write it like [fe80::1%25eth0] or [::1]")
            }
            let after = text[text.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else {
                throw ParseError("something other than a port follows the ']'", hint: "write [::1]:1883")
            }
            return (zone.isEmpty ? address : "\(address)%\(zone)", try port(after.dropFirst(), after, quoting))
        }
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        let host = text[..<colon]
        let after = text[colon...]
        if after.dropFirst().contains(":") {
            let hint = quoting && isIPv6(String(text)) ? "write [\(text)]" : "an IPv6 address stands in brackets: [::1]"
            throw ParseError("there are too many colons after the host", hint: hint)
        }
        guard !host.isEmpty else {
            throw ParseError("there is no host", hint: "write mqtt://localhost for a broker on this machine")
        }
        guard host.utf8.count <= 253, host.utf8.allSatisfy(isHostByte) else {
            throw ParseError(
                quoting ? "'\(printable(host))' is not a host name" : "the host is not a host name",
                hint: "letters, digits, '.', '-' and '_' make one; names of other scripts are written as xn--…")
        }
        return (String(host), try port(after.dropFirst(), after, quoting))
    }

    private static func port(_ digits: Substring, _ after: Substring, _ quoting: Bool) throws(ParseError) -> UInt16? {
        if after.isEmpty { return nil }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits), port > 0 else {
            throw ParseError(
                quoting ? "'\(printable(digits))' is not a port" : "what follows the host is not a port",
                hint: "a port is a number from 1 to 65535")
        }
        return port
    }

    private static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, text, &address) == 1
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// A piece of the address for a message: nothing that could move the cursor, nothing long.
    private static func printable(_ text: Substring) -> String {
        String(text.prefix(60).map { $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } ? $0 : "?" })
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

extension BrokerURL: CustomStringConvertible {
    /// The address, the password as three dots: fit for a log.
    public var description: String {
        switch self {
        case .mdns(let instance):
            return "mdns:\(instance ?? "")"
        case .server(let server):
            let user = server.user.map { $0 + (server.password == nil ? "" : ":\(Secret.dots)") + "@" } ?? ""
            let host = server.host.contains(":") ? "[\(server.host)]" : server.host
            return "\(server.transport.rawValue)://\(user)\(host):\(server.port)"
        }
    }
}
