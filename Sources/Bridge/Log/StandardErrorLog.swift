import Glibc
import Logging

/// A log handler that writes one line a record to standard error.
///
/// Under systemd, where standard error is the journal, the line carries a priority instead of the time.
public struct StandardErrorLog: LogHandler {
    /// How a record looks.
    public enum Format: String, Sendable, CaseIterable {
        /// `2026-11-23T06:10:00Z info port: message key=value`.
        case text
        /// One JSON object a line: `time`, `level`, `label`, `message` and, where there is metadata, `values`.
        case json
    }

    /// Records below this level are not written.
    public var logLevel: Logger.Level
    /// What every record of this logger carries.
    public var metadata: Logger.Metadata = [:]
    /// What the context of a record adds.
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: Format
    private let isJournal: Bool
    private let descriptor: Int32

    /// Makes a handler, for `LoggingSystem.bootstrap`.
    ///
    /// - Parameters:
    ///   - label: The name of the logger: the part of the program that speaks.
    ///   - level: The lowest level to write.
    ///   - format: How a record looks.
    public init(label: String, level: Logger.Level = .info, format: Format = .text) {
        self.init(label: label, level: level, format: format, isJournal: Self.isJournal(2), descriptor: 2)
    }

    /// For tests: another descriptor than standard error.
    init(label: String, level: Logger.Level, format: Format, isJournal: Bool, descriptor: Int32) {
        self.label = label
        logLevel = level
        self.format = format
        self.isJournal = isJournal
        self.descriptor = descriptor
    }

    /// One item of the metadata that every record carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a record. A record's own metadata win over the provider's, and those over the logger's.
    public func log(event: LogEvent) {
        var values = metadata
        if let provided = metadataProvider?.get() { values.merge(provided) { $1 } }
        if let own = event.metadata { values.merge(own) { $1 } }
        if let error = event.error { values["error"] = .string(String(describing: error)) }
        let line = LogLine(
            level: event.level, label: label, message: event.message.description, metadata: values,
            time: isJournal ? nil : time(nil), hasPriority: isJournal)
        Self.write(format == .json ? line.asJSON : line.asText, to: descriptor)
    }

    /// Whether a descriptor is the journal's: systemd names its device and inode in `JOURNAL_STREAM`. The variable
    /// alone is not enough, since a child may have redirected the descriptor.
    static func isJournal(_ descriptor: Int32, stream: String? = getenv("JOURNAL_STREAM").map { String(cString: $0) })
        -> Bool
    {
        guard let stream else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// One write for the whole line, so that lines of several threads don't mix. A line that can't be written is lost:
    /// there is nowhere left to complain.
    static func write(_ line: String, to descriptor: Int32) {
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
