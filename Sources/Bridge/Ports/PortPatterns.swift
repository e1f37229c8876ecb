import CLinux
import Glibc

/// The ports that the user named: paths, and patterns that are looked at again and again.
struct PortPatterns: Sendable, Equatable {
    /// As they were given.
    let patterns: [String]

    /// Whether ports can appear later.
    var hasWildcards: Bool { patterns.contains(where: Self.isWildcard) }

    static func isWildcard(_ pattern: String) -> Bool { pattern.contains { $0 == "*" || $0 == "?" || $0 == "[" } }

    /// A port to serve.
    struct Port: Sendable, Hashable {
        /// The name that the user gave or that a pattern matched.
        let path: String
        /// The device behind it: names can be links, and links can be turned. The name itself while nothing is there.
        let device: String
    }

    /// The ports that are to be served now: every plain path, be it there or not, and what the patterns match. Two
    /// names of the same device count once, under the first name.
    func ports() -> [Port] {
        var ports: [Port] = []
        var devices: Set<String> = []
        for pattern in patterns {
            for path in Self.isWildcard(pattern) ? Self.matches(pattern) : [pattern] {
                let device = Self.device(of: path) ?? path
                if devices.insert(device).inserted { ports.append(Port(path: path, device: device)) }
            }
        }
        return ports
    }

    private static func matches(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0) }
        }
    }

    /// The device behind a path, through links.
    static func device(of path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
