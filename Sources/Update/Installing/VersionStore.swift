import Glibc

/// A version on probation: put in place, and not yet known to work.
///
/// Anybody may read it. What proves that the new version runs, ``ProbationToken``, is kept apart from it.
public struct Trial: Sendable, Equatable {
    /// The version on probation.
    public var version: SoftwareVersion
    /// The version to go back to; nil for the one of the package.
    public var previous: SoftwareVersion?
    /// The newest version that was tried before this one; nil if there was none.
    var highest: SoftwareVersion?
    /// A machine that goes down this often on probation does not get another.
    static let attempts = 3

    /// How often it was started for this; the machine may have gone down meanwhile.
    public var attempt: Int
    /// How well the version before it was, as the service claimed.
    public var before: Circumstances
    /// The token, where the helper of an older package wrote it here; nil otherwise.
    public var legacyToken: String?

    var text: String {
        """
        version \(version)
        previous \(previous?.description ?? "package")
        highest \(highest?.description ?? "none")
        attempt \(attempt)
        \(before.text)

        """
    }

    init(
        version: SoftwareVersion, previous: SoftwareVersion?, highest: SoftwareVersion?, attempt: Int,
        before: Circumstances
    ) {
        self.version = version
        self.previous = previous
        self.highest = highest
        self.attempt = attempt
        self.before = before
    }

    init?(lines: [String]) {
        let values = members(lines)
        guard let version = values["version"].flatMap({ SoftwareVersion($0) }),
            let attempt = values["attempt"].flatMap({ Int($0) }), (0...1000).contains(attempt),
            let previous = values["previous"]
        else { return nil }
        self.init(
            version: version, previous: SoftwareVersion(previous),
            highest: values["highest"].flatMap { SoftwareVersion($0) }, attempt: attempt,
            before: Circumstances(lines: lines))
        legacyToken = values["token"]
    }
}

/// How the last update ended.
public struct UpdateOutcome: Sendable, Equatable {
    /// What became of it.
    public enum Kind: String, Sendable {
        case installed
        case refused
        case rolledBack = "rolled-back"

        /// For people.
        public var words: String {
            switch self {
            case .installed: "was installed"
            case .refused: "was refused"
            case .rolledBack: "was taken out again"
            }
        }
    }

    /// The version it was about; nil where not even that was to be trusted.
    public var version: SoftwareVersion?
    /// What became of it.
    public var kind: Kind
    /// Why; empty for one that was installed.
    public var reason: String

    var text: String {
        """
        version \(version?.description ?? "unknown")
        outcome \(kind.rawValue)
        reason \(reason.isEmpty ? "none" : reason.split(whereSeparator: \.isNewline).joined(separator: " "))

        """
    }

    init(version: SoftwareVersion?, kind: Kind, reason: String) {
        self.version = version
        self.kind = kind
        self.reason = reason
    }

    init?(lines: [String]) {
        let values = members(lines)
        guard let kind = values["outcome"].flatMap({ Kind(rawValue: $0) }) else { return nil }
        self.init(
            version: values["version"].flatMap { SoftwareVersion($0) }, kind: kind,
            reason: values["reason"].map { $0 == "none" ? "" : $0 } ?? "")
    }
}

/// The versions on this machine, and which of them runs: a folder that only root may write.
///
///     versions/0.2.0/vebridge    a whole program, with its manifest and signature beside it
///     current -> versions/0.2.0  what runs; absent: the program of the package
///     trial                      a version on probation
///     token                      what proves that it runs; only root may read it
///     highest                    the newest version that was ever tried: nothing older is taken any more
///     outcome                    how the last update ended
public struct VersionStore: Sendable {
    /// Where it is, unless somebody says otherwise.
    public static let standardPath = "/var/lib/vebridge-update"

    /// Where it is.
    public let path: String
    var folder: DurableFolder { DurableFolder(path: path) }
    var versions: DurableFolder { DurableFolder(path: path + "/versions") }

    /// The store in a folder.
    public init(_ path: String) { self.path = path }

    /// The version that runs at the next start; nil for the one of the package.
    public var current: SoftwareVersion? {
        guard let target = folder.target("current"), target.hasPrefix("versions/") else { return nil }
        return SoftwareVersion(String(target.dropFirst("versions/".utf8.count)))
    }

    /// The newest version that was ever tried.
    public var highest: SoftwareVersion? { folder.lines("highest")?.first.flatMap { SoftwareVersion($0) } }

    /// Whether a version is on probation, or there is a note of one that cannot be read.
    var hasTrial: Bool { access(folder.place("trial"), F_OK) == 0 || errno != ENOENT }

    /// The version on probation.
    public var trial: Trial? { folder.lines("trial").flatMap { Trial(lines: $0) } }

    /// The token of the version on probation, for root; nil for others, and where there is none.
    var token: String? { ProbationToken.token(in: folder, ProbationToken.fileName) }

    /// Ends a probation.
    func removeTrial() throws(UpdateFault) {
        try folder.remove("trial")
        try folder.remove(ProbationToken.fileName)
    }

    /// How the last update ended.
    public var outcome: UpdateOutcome? { folder.lines("outcome").flatMap { UpdateOutcome(lines: $0) } }

    /// The program of a version.
    public func program(_ version: SoftwareVersion) -> String { "\(versions.path)/\(version)/vebridge" }

    /// The version to run instead of another; nil where that one is as new, or nothing newer is in place.
    ///
    /// - Parameter other: the version of the package; one that is upgraded past an update has the last word.
    public func chosen(over other: SoftwareVersion?) -> SoftwareVersion? {
        guard let current, other.map({ current > $0 }) ?? true, access(program(current), X_OK) == 0 else { return nil }
        return current
    }

    /// Why a version is not taken; nil if it may be.
    ///
    /// - Parameter running: the version that runs, or that of the package.
    public func objection(to version: SoftwareVersion, running: SoftwareVersion?) -> UpdateFault? {
        for (other, words) in [(running, "runs"), (current, "is in place"), (highest, "was tried already")] {
            if let other, version <= other {
                return UpdateFault("version \(version) is not newer than \(other), which \(words)")
            }
        }
        return nil
    }

    func setCurrent(_ version: SoftwareVersion?) throws(UpdateFault) {
        if let version {
            try folder.link("current", to: "versions/\(version)")
        } else {
            try folder.remove("current")
        }
    }

    /// Goes back to the version of the package, for good: what was tried is not tried again.
    ///
    /// - Throws: also that an update is on its way.
    public func goBack() throws(UpdateFault) {
        let lock = try lock()
        defer { close(lock) }
        guard let current else { return try removeTrial() }
        // Cut short from here on, the helper goes on with it.
        let end = Trial(
            version: current, previous: nil, highest: highest, attempt: Trial.attempts,
            before: Circumstances(chargers: 0, isConnected: false))
        try folder.write("trial", end.text)
        try setCurrent(nil)
        try removeTrial()
    }

    /// Makes the folder, and keeps others from changing anything in it until the descriptor is closed.
    func lock() throws(UpdateFault) -> Int32 {
        try folder.make()
        try versions.make()
        let lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .file("write", path + "/lock") }
        // Of this kind, as no child that is being started holds it for a moment longer.
        var whole = flock()
        whole.l_type = Int16(F_WRLCK)
        whole.l_whence = Int16(SEEK_SET)
        guard fcntl(lock, F_SETLK, &whole) == 0 else {
            close(lock)
            throw UpdateFault(
                "another update is on its way: wait for its end, or systemctl stop vebridge-update", isOfMachine: true)
        }
        return lock
    }
}
