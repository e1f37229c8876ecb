/// Why the history cannot do what was asked.
public enum HistoryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no database at this path.
    case missing(String)
    /// The file cannot be opened or read.
    case unreadable(path: String, reason: String)
    /// The file is damaged.
    case damaged(path: String, reason: String)
    /// The file was written by a later vebridge.
    case newer(path: String)
    /// Nothing can be written: no room, read-only, no permission.
    case unwritable(path: String, reason: String)
    /// A line of a file to be imported is not what it should be.
    case badLine(Int, String)

    /// What is wrong, and what would be right.
    public var description: String {
        switch self {
        case .missing(let path): "there is no history at \(path); the daemon keeps one in its state directory"
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .damaged(let path, let reason): "\(path) is damaged: \(reason)"
        case .newer(let path): "\(path) was written by a later version of vebridge; use that one or another file"
        case .unwritable(let path, let reason): "cannot write \(path): \(reason)"
        case .badLine(let line, let reason): "line \(line): \(reason)"
        }
    }
}
