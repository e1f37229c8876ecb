import Glibc

/// The secret that only a process started for a probation receives.
///
/// The helper writes it to a file that root alone may read. systemd hands it to the service as a credential when it
/// starts the new version, so no process that was started before knows it.
public enum ProbationToken {
    /// The file below ``VersionStore/path``.
    static let fileName = "token"
    /// The name of the credential in `vebridge.service`.
    static let credential = "update-token"

    /// A token that was never used before.
    static func make() -> String {
        var random = SystemRandomNumberGenerator()
        return Hexadecimal.text((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }

    /// The token that this process received; nil if it was not started for a probation.
    ///
    /// Without systemd, a service that runs as root reads the file itself.
    ///
    /// - Parameter credentials: the folder of this process's credentials; nil: the one systemd names.
    public static func received(from store: VersionStore, credentials: String? = nil) -> String? {
        let folder = credentials ?? getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) }
        if let folder, let token = token(in: DurableFolder(path: folder), credential) { return token }
        return token(in: store.folder, fileName)
    }

    static func token(in folder: DurableFolder, _ name: String) -> String? {
        guard let text = folder.lines(name)?.first, Hexadecimal.bytes(text, count: 16) != nil else { return nil }
        return text
    }
}

/// What the version on probation reports to the helper.
public struct ProbationReport: Sendable, Equatable {
    /// The token that it received.
    public var token: String
    /// Its process; nil in a report to the helper of a package that knows the token alone.
    public var process: Int32?
    /// What is worse than before, in words; nil: nothing, the version is well.
    public var shortfall: String?

    /// A report.
    public init(token: String, process: Int32?, shortfall: String?) {
        self.token = token
        self.process = process
        self.shortfall = shortfall
    }

    var text: String {
        guard let process else { return token + "\n" }
        return """
            token \(token)
            process \(process)
            state \(shortfall == nil ? "well" : "waiting")
            reason \(shortfall ?? "none")

            """
    }

    init?(lines: [String]) {
        let values = members(lines)
        guard let token = values["token"], let process = values["process"].flatMap({ Int32($0) }), process > 0,
            let state = values["state"], ["well", "waiting"].contains(state)
        else { return nil }
        self.init(
            token: token, process: process,
            shortfall: state == "well" ? nil : Self.plain(values["reason"] ?? "it is not as well as before"))
    }

    /// Words of the service for the log of the helper: printable ASCII, and not many.
    private static func plain(_ words: String) -> String {
        String(decoding: words.utf8.prefix(200).map { (0x20...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
    }
}

/// How well a version was when it was asked to make room: its successor has to be as well.
///
/// The service before the update says so, and it may lie. The claim is therefore bounded: an absurd number of chargers
/// counts for nothing, no more of them are needed than there are ports, and a version that fails for a claim alone may
/// be offered again.
public struct Circumstances: Sendable, Equatable {
    /// Chargers that answered.
    public var chargers: Int
    /// Whether the broker was connected.
    public var isConnected: Bool

    /// A claim of more chargers is ignored.
    static let maximumChargers = 256

    /// How it is.
    public init(chargers: Int, isConnected: Bool) {
        self.chargers = chargers
        self.isConnected = isConnected
    }

    /// What was well then and is not now, in words; nil if nothing is worse.
    ///
    /// - Parameters:
    ///   - now: how it is now.
    ///   - ports: the ports that are there now; more chargers cannot answer.
    public func shortfall(of now: Circumstances, ports: Int) -> String? {
        var words: [String] = []
        let needed = min(chargers, ports)
        if now.chargers < needed { words.append("\(now.chargers) of \(needed) chargers answer") }
        if isConnected, !now.isConnected { words.append("the broker is not connected") }
        return words.isEmpty ? nil : words.joined(separator: ", and ")
    }

    var text: String { "chargers \(chargers)\nbroker \(isConnected ? "connected" : "away")" }

    init(lines: [String]) {
        let values = members(lines)
        let claimed = values["chargers"].flatMap { Int($0) } ?? 0
        chargers = (0...Self.maximumChargers).contains(claimed) ? claimed : 0
        isConnected = values["broker"] == "connected"
    }
}

/// The members of a small file: a name, a space and a value on each line.
func members(_ lines: [String]) -> [String: String] {
    var members: [String: String] = [:]
    for line in lines.prefix(20) {
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        if parts.count == 2 { members[parts[0]] = parts[1] }
    }
    return members
}
