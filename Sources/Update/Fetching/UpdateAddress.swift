/// Where an update is offered: `https://host/path/vebridge-x86_64.update`, or `file:///path` on this machine.
///
/// What comes from there is believed for its signature and nothing else, so `http://` will do on board.
public struct UpdateAddress: Sendable, Hashable, CustomStringConvertible {
    /// How it is reached.
    public enum Way: Sendable, Hashable {
        /// By HTTP or HTTPS.
        case network
        /// A file of this machine.
        case file
    }

    /// How it is reached.
    public let way: Way
    /// As it was written.
    public let description: String

    /// Reads an address.
    ///
    /// - Throws: what is wrong with it, and what would be right.
    public init(parsing text: String) throws(UpdateFault) {
        let ways: [(String, Way)] = [("https://", .network), ("http://", .network), ("file:///", .file)]
        guard let (start, way) = ways.first(where: { text.hasPrefix($0.0) }) else {
            throw UpdateFault("write https://host/file, http://host/file or file:///path")
        }
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard isPlain, text.utf8.count <= 1000 else {
            throw UpdateFault("an address has up to 1000 characters, none of them a space, and no letters beyond ASCII")
        }
        guard !text.contains(where: { "?#@{}[]\\\"".contains($0) }) || way == .file else {
            throw UpdateFault("an address is a host and a path, without ?, #, @ or brackets")
        }
        guard let slash = text.dropFirst(start.utf8.count - (way == .file ? 1 : 0)).lastIndex(of: "/"),
            text.index(after: slash) < text.endIndex
        else { throw UpdateFault("an address ends with the name of a file") }
        self.way = way
        description = text
    }

    /// Whether it is reached by the network.
    public var isNetwork: Bool { way == .network }

    /// The host and port; nil for a file.
    public var origin: NetworkOrigin? { NetworkOrigin(description) }

    /// The path of a file on this machine.
    var path: String { String(description.dropFirst("file://".utf8.count)) }

    /// Another file in the same place.
    func sibling(_ name: String) -> UpdateAddress {
        // Every address has a slash and a name behind it.
        let place = description.lastIndex(of: "/").map { description[...$0] } ?? ""
        return UpdateAddress(way: way, description: place + name)
    }

    private init(way: Way, description: String) {
        self.way = way
        self.description = description
    }
}
