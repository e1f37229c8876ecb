import Glibc
import MasterBus

/// The settings that decide what sessions ask: a recording is played with those it was made with.
struct RecordedSettings: Equatable {
    var pairs: [(key: String, value: String)] = []

    static func == (left: Self, right: Self) -> Bool { left.pairs.elementsEqual(right.pairs, by: ==) }

    private static let durations: [(String, any WritableKeyPath<Configuration, Duration> & Sendable)] = [
        ("poll.fast", \.poll.fast), ("poll.slow", \.poll.slow), ("poll.settings", \.poll.settings),
        ("poll.constant", \.poll.constant),
        ("poll.night", \.poll.night), ("poll.night_after", \.poll.nightAfter), ("masterbus.fast", \.masterbus.fast),
        ("masterbus.slow", \.masterbus.slow),
    ]
    private static let flags: [(String, any WritableKeyPath<Configuration, Bool> & Sendable)] = [
        ("masterbus.listen_only", \.masterbus.listenOnly), ("masterbus.discover", \.masterbus.discover),
    ]
    private static let addressKey = "masterbus.address"

    /// Those of a configuration.
    init(_ configuration: Configuration) {
        for (key, place) in Self.durations {
            pairs.append((key, "\(Recording.nanoseconds(configuration[keyPath: place]))"))
        }
        for (key, place) in Self.flags { pairs.append((key, configuration[keyPath: place] ? "1" : "0")) }
        pairs.append((Self.addressKey, configuration.masterbus.address))
    }

    init(pairs: [(key: String, value: String)]) { self.pairs = pairs }

    /// Lays them over a configuration.
    func apply(to configuration: inout Configuration) {
        for (key, value) in pairs {
            if let place = Self.durations.first(where: { $0.0 == key })?.1, let number = Int64(value) {
                configuration[keyPath: place] = .nanoseconds(number)
            } else if let place = Self.flags.first(where: { $0.0 == key })?.1 {
                configuration[keyPath: place] = value == "1"
            } else if key == Self.addressKey, Configuration.MasterBus.uniqueID(value) != nil {
                configuration.masterbus.address = value
            }
        }
    }
}

/// A folder that a ``Recorder`` has written, read from its beginning to its end.
final class Recording {
    static let header = "vebridge-recording\t1"

    /// What is wrong with a recording.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// A line of the index with what belongs to it.
    enum Entry {
        case appeared(Recorder.Source, name: String)
        case note(String, Recorder.Source, detail: String?)
        case noteToAll(String)
        case bytes([UInt8], Recorder.Source)
        case frames([Frame], Recorder.Source)
    }

    /// What the sessions were told to ask.
    private(set) var settings = RecordedSettings(pairs: [])
    /// When it began, since 1970.
    private(set) var started: Duration = .zero

    private let folder: String
    private let index: LineFile
    private var line = 0
    private var ports: [Recorder.Source: LineFile] = [:]
    private var waiting: String?
    /// The second half of a line that says two things.
    private var second: (time: Duration, entry: Entry)?

    /// Opens a recording and reads its settings.
    init(folder: String) throws(Failure) {
        self.folder = folder
        guard let index = LineFile(folder + "/index.tsv") else {
            throw Failure(description: "\(folder)/index.tsv: \(String(cString: strerror(errno)))")
        }
        self.index = index
        guard let first = index.nextLine(), first == Self.header else {
            throw Failure(description: "\(folder)/index.tsv:1: no recording of vebridge record; it begins otherwise")
        }
        line = 1
        var pairs: [(key: String, value: String)] = []
        while let text = index.nextLine() {
            line += 1
            let words = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            if words.count == 2, words[0] == "started", let number = Int64(words[1]) {
                started = .nanoseconds(number)
            } else if words.count == 3, words[0] == "setting" {
                pairs.append((words[1], words[2]))
            } else {
                waiting = text
                line -= 1
                break
            }
        }
        settings = RecordedSettings(pairs: pairs)
    }

    /// The next entry with its time; nil at the end. A last line that is torn, as where the machine lost its power, is
    /// the end too.
    func next() throws(Failure) -> (time: Duration, entry: Entry)? {
        if let second {
            self.second = nil
            return second
        }
        guard let text = waiting ?? index.nextLine() else { return nil }
        waiting = nil
        line += 1
        let words = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard words.count >= 3, let number = Int64(words[0]), number >= 0 else {
            if index.isAtEnd { return nil }
            throw wrong("it should be time, source and event with tabs between")
        }
        let time = Duration.nanoseconds(number)
        let detail = words.count > 3 ? words[3] : nil
        if words[1] == "-" { return (time, .noteToAll(words[2])) }
        guard let source = Self.source(words[1]) else { throw wrong("'\(words[1])' is neither port nor bus") }
        switch words[2] {
        case "source":
            let name = "\(folder)/\(words[1])" + (words[1].hasPrefix("port") ? ".raw" : ".log")
            guard let file = LineFile(name) else {
                throw Failure(description: "\(name): \(String(cString: strerror(errno)))")
            }
            ports[source] = file
            return (time, .appeared(source, name: detail ?? ""))
        case "rx":
            guard let amount = detail.flatMap({ Int($0) }), (1...16_777_216).contains(amount), let file = ports[source]
            else { throw wrong("rx wants a number, after the source was named") }
            if words.count > 4, words[4] == "ask" { second = (time, .note("ask", source, detail: nil)) }
            if case .port = source {
                guard let bytes = file.nextBytes(amount) else { return nil }
                return (time, .bytes(bytes, source))
            }
            guard let frames = try frames(amount, file, words[1]) else { return nil }
            return (time, .frames(frames, source))
        case "ask":
            // What was sent stands in the log; the session finds it again by itself.
            if let amount = detail.flatMap({ Int($0) }), let file = ports[source] {
                guard try frames(amount, file, words[1]) != nil else { return nil }
            }
            return (time, .note("ask", source, detail: nil))
        default:
            return (time, .note(words[2], source, detail: detail))
        }
    }

    private func frames(_ count: Int, _ file: LineFile, _ name: String) throws(Failure) -> [Frame]? {
        var frames: [Frame] = []
        for _ in 0..<count {
            guard let text = file.nextLine() else { return nil }
            guard case .frame(let captured) = CandumpLine(text) else {
                throw Failure(description: "\(folder)/\(name).log: '\(text)' is no line of candump -L")
            }
            frames.append(captured.frame)
        }
        return frames
    }

    private func wrong(_ reason: String) -> Failure { Failure(description: "\(folder)/index.tsv:\(line): \(reason)") }

    private static func source(_ text: String) -> Recorder.Source? {
        if text.hasPrefix("port") { return Int(text.dropFirst(4)).map { .port($0) } }
        if text.hasPrefix("bus") { return Int(text.dropFirst(3)).map { .bus($0) } }
        return nil
    }

    static func nanoseconds(_ time: Duration) -> Int64 {
        time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000
    }
}

/// A file read line by line, or in pieces of so many bytes, with a buffer of bounded size.
private final class LineFile {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0
    private var isExhausted = false
    private static let maximumLine = 65_536

    init?(_ path: String) {
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
    }

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    /// Whether nothing is left.
    var isAtEnd: Bool {
        if position >= buffer.count { _ = refill() }
        return position >= buffer.count
    }

    /// The next line without its end; nil at the end of the file, also for a last line that has no end.
    func nextLine() -> String? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { position = end + 1 }
                return String(decoding: buffer[position..<end], as: UTF8.self)
            }
            let tail = buffer.count - position
            guard tail <= Self.maximumLine, refill() else { return nil }
            searched = position + tail
        }
    }

    /// The next bytes; nil where there are fewer.
    func nextBytes(_ count: Int) -> [UInt8]? {
        while buffer.count - position < count { guard refill() else { return nil } }
        defer { position += count }
        return Array(buffer[position..<position + count])
    }

    private func refill() -> Bool {
        guard !isExhausted else { return false }
        buffer.removeSubrange(..<position)
        position = 0
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                isExhausted = true
                return false
            }
            buffer.append(contentsOf: chunk[..<count])
            return true
        }
    }
}
