import CLinux
import Glibc

/// The ports that the user named: paths, and patterns that are looked at again and again.
struct PortPatterns: Sendable, Equatable {
    /// As they were given.
    let patterns: [String]

    /// Whether ports can appear later.
    var hasWildcards: Bool { patterns.contains(where: Self.isWildcard) }

    static func isWildcard(_ pattern: String) -> Bool { pattern.contains { $0 == "*" || $0 == "?" || $0 == "[" } }

    /// The ports that are to be served now: every plain path, be it there or not, and what the patterns match. Two
    /// names of the same device count once, under the first name.
    func ports() -> [String] {
        var ports: [String] = []
        var devices: Set<String> = []
        for pattern in patterns {
            for path in Self.isWildcard(pattern) ? Self.matches(pattern) : [pattern] {
                let device = Self.device(of: path) ?? path
                if devices.insert(device).inserted { ports.append(path) }
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
