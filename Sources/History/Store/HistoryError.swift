/// Why the history cannot do what was asked.
public enum HistoryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no database at this path.
    case missing(String)
    /// The file has no tables yet: it was made, and nothing could be recorded.
    case empty(path: String, isDiskFull: Bool)
    /// There is something else than a file at this path.
    case notAFile(path: String, kind: String)
    /// The file cannot be opened or read.
    case unreadable(path: String, reason: String)
    /// The file is damaged.
    case damaged(path: String, reason: String)
    /// The file was written by a later vebridge.
    case newer(path: String)
    /// Nothing can be written: no room, read-only, no permission.
    case unwritable(path: String, reason: String)
    /// A line of a file to be imported is not what it should be. It was left out; the next one can be read.
    case badLine(Int, String)
    /// A file to be imported is none of vebridge's, by this line. Nothing more can be read from it.
    case notExported(Int, String)

    /// What is wrong, and what would be right.
    public var description: String {
        switch self {
        case .missing(let path): "there is no history at \(path); the daemon keeps one in its state directory"
        case .empty(let path, let isDiskFull):
            "nothing is recorded yet in \(path)" + (isDiskFull ? ": the disk is full" : "")
        case .notAFile(let path, let kind): "\(path) is \(kind), not a file; name another path for the history"
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .damaged(let path, let reason): "\(path) is damaged: \(reason)"
        case .newer(let path): "\(path) was written by a later version of vebridge; use that one or another file"
        case .unwritable(let path, let reason): "cannot write \(path): \(reason)"
        case .badLine(let line, let reason), .notExported(let line, let reason): "line \(line): \(reason)"
        }
    }
}
