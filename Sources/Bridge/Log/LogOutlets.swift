import Glibc
public import Logging
import Synchronization

/// Where records go: standard error or the journal, and beside it a log server and a topic, each from a level of its
/// own that can be changed while the program runs.
///
/// Nothing here waits for a network: what goes out over one is queued, and the queues are bounded.
public final class LogOutlets: Sendable {
    /// One of the ways out.
    public enum Way: String, Sendable, CaseIterable {
        /// Standard error or the journal.
        case local
        /// The log server.
        case syslog
        /// The topic.
        case mqtt
    }

    private let levels: Mutex<[Way: Logger.Level]>
    private let format: StandardErrorLog.Format
    private let journal: JournalSocket?
    private let sender: SyslogSender?
    private let isUnderJournal = StandardErrorLog.isJournal(2)
    /// The records for the topic; nil if there is none.
    let topic: LogTopicFeed?
    /// The last records.
    public let ring = LogRing()

    /// Opens the ways that a configuration names.
    ///
    /// - Parameter level: the least important records of the local log.
    public init(_ log: Configuration.Log, level: Logger.Level) {
        format = log.format == .json ? .json : .text
        journal = log.output == .journal ? JournalSocket() : nil
        var levels: [Way: Logger.Level] = [.local: level]
        if let address = SyslogAddress(log.syslog.address) {
            var tls = TLSSettings(pins: log.syslog.fingerprint)
            tls.authorities = log.syslog.caFile.isEmpty ? nil : log.syslog.caFile
            sender = SyslogSender(address, tls: tls, facility: log.syslog.facility.code)
            levels[.syslog] = log.syslog.level
        } else {
            sender = nil
        }
        topic = log.mqtt.enabled ? LogTopicFeed(perMinute: log.mqtt.rate) : nil
        if log.mqtt.enabled { levels[.mqtt] = log.mqtt.level }
        self.levels = Mutex(levels)
        sender?.start { [weak self] words in
            // Only into the local log: a log server that is away must not be told so.
            self?.writeLocally(
                LogLine(
                    level: .warning, label: "vebridge", message: words, metadata: [:], time: time(nil),
                    hasPriority: false))
        }
    }

    /// A logger whose records go out here.
    public func logger(label: String) -> Logger {
        Logger(label: label) { LogRoute(label: $0, outlets: self) }
    }

    /// The outlets behind a logger; nil if it was made in another way.
    public static func behind(_ logger: Logger) -> LogOutlets? {
        (logger.handler as? LogRoute)?.outlets
    }

    /// The ways that are open.
    public var ways: [Way] { levels.withLock { levels in Way.allCases.filter { levels[$0] != nil } } }

    /// The least important records of a way; nil if it is not open.
    public func level(of way: Way) -> Logger.Level? { levels.withLock { $0[way] } }

    /// Changes the level of a way. False if it is not open.
    @discardableResult
    public func set(_ level: Logger.Level, of way: Way) -> Bool {
        levels.withLock { levels in
            guard levels[way] != nil else { return false }
            levels[way] = level
            return true
        }
    }

    /// The lowest level of all: what a logger must hand on.
    var lowestLevel: Logger.Level { min(Self.ringLevel, levels.withLock { $0.values.min() ?? .info }) }

    /// The least important records that the page shows.
    private static let ringLevel = Logger.Level.info

    /// Gives what is queued for a log server a last chance.
    public func finish(timeout: Duration = .milliseconds(500)) { sender?.finish(timeout: timeout) }

    func write(_ line: LogLine) {
        let levels = levels.withLock { $0 }
        if let level = levels[.local], line.level >= level { writeLocally(line) }
        if let level = levels[.syslog], line.level >= level { sender?.enqueue(line) }
        if let level = levels[.mqtt], line.level >= level { topic?.add(line) }
        if line.level >= Self.ringLevel { ring.add(line) }
    }

    private func writeLocally(_ line: LogLine) {
        if let journal, journal.send(line) { return }
        var line = line
        line.hasPriority = isUnderJournal
        if isUnderJournal { line.time = nil }
        StandardErrorLog.write(format == .json ? line.asJSON : line.asText, to: 2)
    }
}

/// What a logger writes to: all outlets at once.
struct LogRoute: LogHandler {
    let outlets: LogOutlets
    private let label: String
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(label: String, outlets: LogOutlets) {
        self.label = label
        self.outlets = outlets
    }

    /// The lowest of the outlets; set, the level of the local log.
    var logLevel: Logger.Level {
        get { outlets.lowestLevel }
        set { outlets.set(newValue, of: .local) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var values = metadata
        if let provided = metadataProvider?.get() { values.merge(provided) { $1 } }
        if let own = event.metadata { values.merge(own) { $1 } }
        if let error = event.error { values["error"] = .string(String(describing: error)) }
        outlets.write(
            LogLine(
                level: event.level, label: label, message: event.message.description, metadata: values,
                time: time(nil), hasPriority: false))
    }
}
