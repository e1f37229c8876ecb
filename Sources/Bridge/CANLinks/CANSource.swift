/// Where frames of a bus come from, as a user names it: `can0`, `slcan:/dev/ttyACM0` or `replay:FILE`.
public enum CANSource: Sendable, Hashable, CustomStringConvertible {
    /// An interface of the kernel.
    case interface(String)
    /// An adapter that speaks Lawicel's protocol over a serial port, and the port's speed in bits a second. Adapters
    /// on USB ignore the speed.
    case serial(path: String, baud: Int)
    /// A log in the format of `candump -L`.
    case replay(file: String)

    /// Speeds that a port can be set to.
    static let speeds = [
        9600, 19200, 38400, 57600, 115_200, 230_400, 460_800, 500_000, 921_600, 1_000_000, 2_000_000, 3_000_000,
    ]

    /// Why a name is no source.
    public struct ParseError: Error, Sendable, Hashable, CustomStringConvertible {
        /// What is wrong and what would be right.
        public let description: String
    }

    /// Reads a name.
    ///
    /// - Throws: what is wrong with it, and what would be right.
    public init(parsing text: String) throws(ParseError) {
        if let path = Self.rest(of: text, after: "slcan:") {
            self = try Self.serial(path)
        } else if let file = Self.rest(of: text, after: "replay:") {
            guard !file.isEmpty else { throw ParseError(description: "replay: wants a file, as in replay:morning.log") }
            self = .replay(file: file)
        } else if text.hasPrefix("/dev/") {
            throw ParseError(description: "'\(text)' is a serial port: write slcan:\(text)")
        } else if text.contains("/") || text.contains(":") {
            throw ParseError(
                description: "'\(text)' is neither an interface (can0), nor slcan:/dev/ttyACM0, nor replay:FILE")
        } else {
            // The kernel's own limit: 15 bytes and a zero.
            guard (1...15).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw ParseError(description: "'\(text)' is no name of an interface: it has 1 to 15 visible characters")
            }
            self = .interface(text)
        }
    }

    private static func serial(_ text: String) throws(ParseError) -> CANSource {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts[0])
        guard path.hasPrefix("/"), path.utf8.count > 1 else {
            throw ParseError(description: "slcan: wants a port, as in slcan:/dev/ttyACM0, not '\(path)'")
        }
        guard parts.count == 2 else { return .serial(path: path, baud: 115_200) }
        guard let baud = Int(parts[1]), speeds.contains(baud) else {
            let known = speeds.map(String.init).joined(separator: ", ")
            throw ParseError(description: "'\(parts[1])' is no speed of a port: one of \(known)")
        }
        return .serial(path: path, baud: baud)
    }

    private static func rest(of text: String, after prefix: String) -> String? {
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.utf8.count)) : nil
    }

    /// As a user writes it.
    public var description: String {
        switch self {
        case .interface(let name): name
        case .serial(let path, 115_200): "slcan:\(path)"
        case .serial(let path, let baud): "slcan:\(path)@\(baud)"
        case .replay(let file): "replay:\(file)"
        }
    }

    /// Whether it is a recording, which ends.
    public var isReplay: Bool { if case .replay = self { true } else { false } }
}
