/// How the history stands, for the bridge's health.
public struct HistoryHealth: Sendable, Hashable {
    /// Bytes of the file; nil without one.
    public var bytes: Int?
    /// When something was written last, seconds since 1970 by the system's clock; nil: not yet.
    public var lastWrite: Int?
    /// Samples that were given up: the queue was full, or they could not be dated or kept.
    public var dropped = 0
    /// Minutes that wait in memory for a disk that cannot be written.
    public var waitingMinutes = 0
    /// Why nothing is written; nil while all is well.
    public var trouble: String?

    /// Nothing yet.
    public init() {}

    /// As one JSON object.
    public var json: String {
        JSONText.object([
            ("bytes", bytes.map { "\($0)" } ?? "null"),
            ("last_write", lastWrite.map { JSONValue.quoted(LogLine.timestamp($0)) } ?? "null"),
            ("dropped", "\(dropped)"), ("waiting_minutes", "\(waitingMinutes)"),
            ("trouble", trouble.map { JSONValue.quoted($0) } ?? "null"),
        ])
    }
}
