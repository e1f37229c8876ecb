import Bridge
import Glibc

/// Whether the page may be asked for by a name.
///
/// A foreign page can point a name of its own at this machine and then read along as if it were its own (DNS
/// rebinding). It can neither make the browser send an address nor a name that is ours.
struct HostCheck: Sendable {
    private let names: Set<String>

    init(_ hosts: [String], machine: String) {
        var names: Set<String> = ["localhost"]
        for host in hosts { names.insert(Self.plain(host)) }
        let machine = Self.plain(machine)
        if !machine.isEmpty {
            names.insert(machine)
            let short = String(machine.prefix { $0 != "." })
            names.insert(short)
            names.insert(short + ".local")
        }
        self.names = names
    }

    /// Whether a `Host` header names this server.
    func allows(_ header: String) -> Bool {
        guard let host = Self.host(in: header) else { return false }
        return names.contains(Self.plain(host)) || Self.isAddress(host)
    }

    private static func plain(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    /// The part before the port; nil where that is not a number.
    private static func host(in header: String) -> String? {
        if header.hasPrefix("[") {
            guard let end = header.firstIndex(of: "]") else { return nil }
            let rest = header[header.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" && isPort(rest.dropFirst()) else { return nil }
            return String(header[...end])
        }
        guard let colon = header.firstIndex(of: ":") else { return header }
        guard isPort(header[header.index(after: colon)...]) else { return nil }
        return String(header[..<colon])
    }

    private static func isPort(_ text: Substring) -> Bool { UInt16(text) != nil }

    private static func isAddress(_ host: String) -> Bool {
        if host.hasPrefix("["), host.hasSuffix("]") {
            var address = in6_addr()
            return inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &address) == 1
        }
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1
    }
}
