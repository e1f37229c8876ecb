import NIOHTTP1

/// A request as the site understands it.
struct Request: Sendable {
    /// The path as it was sent, without the query.
    let path: String
    /// The query's parameters, decoded; of one that is given twice the first.
    let query: [String: String]
    /// What the browser has already.
    let knownTag: String?
    let isHead: Bool

    /// Nil for what is no path of this server, such as `*` or an address of another.
    init?(_ head: HTTPRequestHead) {
        guard head.uri.utf8.first == UInt8(ascii: "/") else { return nil }
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        var query: [String: String] = [:]
        if parts.count > 1 {
            for pair in parts[1].split(separator: "&").prefix(16) {
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard let key = Self.decoded(sides[0]), let value = Self.decoded(sides.count > 1 ? sides[1] : "") else {
                    return nil
                }
                if query[key] == nil { query[key] = value }
            }
        }
        self.query = query
        knownTag = head.headers["If-None-Match"].first
        isHead = head.method == .HEAD
    }

    /// Without percent signs and pluses; nil for what is not UTF-8 behind them.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
