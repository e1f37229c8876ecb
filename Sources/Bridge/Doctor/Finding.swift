/// What one check of the doctor came to.
public struct Finding: Sendable, Equatable {
    /// How much it matters.
    public enum Verdict: String, Sendable, Comparable {
        /// As it should be.
        case good
        /// Worth knowing; nothing needs fixing.
        case note
        /// It works, and not as well as it could.
        case warning
        /// It does not work like this.
        case fault

        private var weight: Int {
            switch self {
            case .good: 0
            case .note: 1
            case .warning: 2
            case .fault: 3
            }
        }

        /// Good is the least, a fault the most.
        public static func < (left: Self, right: Self) -> Bool { left.weight < right.weight }
    }

    /// What was checked, a short word such as `permission`; the same in every version.
    public var check: String
    /// How much it matters.
    public var verdict: Verdict
    /// The file, port, broker or process that was looked at.
    public var subject: String
    /// What is so there.
    public var found: String
    /// The one command, or the one line of the configuration, that fixes it; nil where nothing needs fixing.
    public var remedy: String?

    /// A finding.
    public init(_ check: String, _ verdict: Verdict, _ subject: String, _ found: String, remedy: String? = nil) {
        self.check = check
        self.verdict = verdict
        self.subject = subject
        self.found = found
        self.remedy = remedy
    }

    /// The same finding with what fixes it.
    func with(_ remedy: String) -> Finding { Finding(check, verdict, subject, found, remedy: remedy) }

    /// On one line as JSON: `check`, `verdict`, `looked_at`, `found` and, where there is one, `remedy`.
    public var json: String {
        var members = [
            ("check", check), ("verdict", verdict.rawValue), ("looked_at", subject), ("found", found),
        ]
        if let remedy { members.append(("remedy", remedy)) }
        return "{"
            + members.map { JSONValue.quoted($0.0) + ":" + JSONValue.quoted($0.1) }.joined(separator: ",") + "}"
    }
}

extension [Finding] {
    /// The exit status that says the worst: 2 for a configuration that is not valid, 1 for anything else that is to be
    /// mended, 3 where nothing is wrong but that there is nothing to read, 0.
    public var exitStatus: Int32 {
        let troubles = filter { $0.verdict >= .warning }
        if troubles.contains(where: { $0.check == "configuration" }) { return 2 }
        if troubles.isEmpty { return 0 }
        return troubles.allSatisfy { $0.check == "ports" } ? 3 : 1
    }
}
