import Glibc

/// The host and the port of an address.
///
/// An offer that comes over MQTT makes the daemon ask a web server. Unless that server is the configured one, it has to
/// be on the public network: the sender of a request must not reach, or learn about, the machines beside this one.
public struct NetworkOrigin: Sendable, Hashable {
    /// The host in lower case, without the brackets of an IPv6 address.
    let host: String
    /// The port.
    let port: UInt16

    /// The origin of an `http` or `https` address; nil if it has none, or a user.
    init?(_ address: some StringProtocol) {
        let address = address.lowercased()
        guard address.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x5C }) else { return nil }
        let standard: UInt16
        let rest: Substring
        if address.hasPrefix("http://") {
            (standard, rest) = (80, address.dropFirst("http://".utf8.count))
        } else if address.hasPrefix("https://") {
            (standard, rest) = (443, address.dropFirst("https://".utf8.count))
        } else {
            return nil
        }
        let authority = rest.prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else { return nil }
        var name = authority
        var number = Substring()
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            name = authority[..<end].dropFirst()
            number = authority[authority.index(after: end)...]
            guard number.isEmpty || number.hasPrefix(":") else { return nil }
            number = number.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            name = authority[..<colon]
            number = authority[authority.index(after: colon)...]
        }
        guard !name.isEmpty, name.utf8.count <= 255 else { return nil }
        if number.isEmpty {
            port = standard
        } else {
            guard let given = UInt16(number), given > 0 else { return nil }
            port = given
        }
        host = String(name)
    }

    /// The addresses of the host; empty if it has none.
    func addresses() -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        var addresses: [IPAddress] = []
        var next = first
        while let entry = next, addresses.count < 32 {
            if let address = IPAddress(entry.pointee) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses
    }

    /// What curl's option `--resolve` takes, so that it asks no name server again.
    func pinned(to addresses: [IPAddress]) -> String {
        "\(host):\(port):" + addresses.prefix(4).map(\.text).joined(separator: ",")
    }
}

/// An address of IPv4 or IPv6.
struct IPAddress: Sendable, Hashable {
    /// Four or sixteen bytes.
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    init?(_ info: addrinfo) {
        guard let address = info.ai_addr else { return nil }
        let raw = UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen))
        switch info.ai_family {
        case AF_INET:
            guard raw.count >= MemoryLayout<sockaddr_in>.size else { return nil }
            bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
        case AF_INET6:
            guard raw.count >= MemoryLayout<sockaddr_in6>.size else { return nil }
            bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
        default: return nil
        }
    }

    /// Whether it is an address of the public network. Private, shared, local, reserved and group addresses are not.
    var isPublic: Bool {
        if bytes.count == 4 { return Self.isPublic(bytes[0], bytes[1], bytes[2]) }
        guard bytes.count == 16 else { return false }
        // NAT64 and 6to4 lead to an IPv4 address.
        if bytes.prefix(12) == [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] {
            return Self.isPublic(bytes[12], bytes[13], bytes[14])
        }
        if bytes[0] == 0x20, bytes[1] == 0x02 { return Self.isPublic(bytes[2], bytes[3], bytes[4]) }
        // Teredo, and the addresses of documents.
        if bytes.prefix(4) == [0x20, 0x01, 0, 0] || bytes.prefix(4) == [0x20, 0x01, 0x0D, 0xB8] { return false }
        // 2000::/3; all others are special: ::1, ::ffff:a.b.c.d, fc00::/7, fe80::/10, ff00::/8.
        return bytes[0] & 0xE0 == 0x20
    }

    private static func isPublic(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> Bool {
        switch (a, b) {
        case (0, _), (10, _), (127, _), (224..., _): false
        case (100, 64...127), (169, 254), (172, 16...31), (192, 168), (198, 18...19): false
        case (192, 0): c != 0 && c != 2
        case (192, 88): c != 99
        case (198, 51): c != 100
        case (203, 0): c != 113
        default: true
        }
    }

    /// As curl reads it.
    var text: String {
        if bytes.count == 4 { return bytes.map { "\($0)" }.joined(separator: ".") }
        let groups = stride(from: 0, to: bytes.count - 1, by: 2).map {
            String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }
        return "[" + groups.joined(separator: ":") + "]"
    }
}
