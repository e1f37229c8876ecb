import CLinux
import Glibc
import MasterBus
import Synchronization

/// Writes down what ports and buses said, and when the sessions were asked what to say: enough to play it into the same
/// pipeline and get the same topics.
///
/// A folder with `port0.raw`, `port1.raw`, … (the bytes as they came), `bus0.log`, … (`candump -L`, what was sent
/// included), `topics.txt` (what was published) and `index.tsv`, which says in which order and when. It belongs to
/// the thread that runs the loop.
final class Recorder {
    /// Why nothing can be recorded.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// A port or a bus, by the number it has in the recording.
    enum Source: Hashable {
        case port(Int)
        case bus(Int)

        var name: String {
            switch self {
            case .port(let number): "port\(number)"
            case .bus(let number): "bus\(number)"
            }
        }
    }

    private final class File {
        let descriptor: Int32
        var buffer: [UInt8] = []
        init(_ path: String) throws(Failure) {
            descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
        }
        deinit { Glibc.close(descriptor) }
    }

    private let folder: String
    private let index: File
    private let topicsFile: File
    /// Where publishers note what they publish.
    let topics = RecordedTopics()
    private var files: [Source: File] = [:]
    private let wallStart: Duration
    /// Frames or bytes that came at the same time from the same source are one line.
    private var waiting: (source: Source, time: Duration, count: Int)?
    private var nextFlush: Duration = .zero
    /// The first thing that could not be written; nothing is written after it.
    private(set) var failure: String?
    private static let maximumBuffer = 65_536

    /// A recording in a folder that does not exist or is empty.
    init(folder: String, settings: RecordedSettings) throws(Failure) {
        self.folder = folder
        if mkdir(folder, 0o755) != 0 {
            guard errno == EEXIST else { throw Failure(description: "\(folder): \(String(cString: strerror(errno)))") }
            guard Self.isEmpty(folder) else {
                throw Failure(description: "\(folder): not empty; name a folder that is not there yet")
            }
        }
        index = try File(folder + "/index.tsv")
        topicsFile = try File(folder + "/topics.txt")
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        wallStart = .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        append(index, Recording.header + "\n")
        append(index, "started\t\(Recording.nanoseconds(wallStart))\n")
        for (key, value) in settings.pairs { append(index, "setting\t\(key)\t\(value)\n") }
    }

    private static func isEmpty(_ folder: String) -> Bool {
        guard let stream = opendir(folder) else { return false }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { return false }
        }
        return true
    }

    // MARK: Events

    /// A source is there, under the name that the user or the system has for it.
    func appeared(_ source: Source, name: String, at time: Duration) {
        do {
            files[source] = try File("\(folder)/\(source.name)\(Self.ending(source))")
        } catch {
            failure = failure ?? error.description
        }
        line(time, source, "source", name)
    }

    private static func ending(_ source: Source) -> String {
        switch source {
        case .port: ".raw"
        case .bus: ".log"
        }
    }

    /// Something happened: `open`, `close`, `ended`, `gone`.
    func note(_ event: String, _ source: Source, at time: Duration, detail: String? = nil) {
        line(time, source, event, detail)
    }

    /// Something happened to all: `scan`, `beat`.
    func note(_ event: String, at time: Duration) {
        settle()
        append(index, "\(Recording.nanoseconds(time))\t-\t\(event)\n")
    }

    /// Bytes came from a port.
    func received(_ bytes: Span<UInt8>, _ source: Source, at time: Duration) {
        count(bytes.count, source, time)
        guard let file = files[source] else { return }
        for index in bytes.indices { file.buffer.append(bytes[index]) }
        if file.buffer.count >= Self.maximumBuffer { flush(file) }
    }

    /// A frame came from a bus.
    func received(_ frame: Frame, _ source: Source, at time: Duration) {
        count(1, source, time)
        log(frame, source, time)
    }

    /// A session was asked what to send; on a bus these were the answers.
    func asked(_ source: Source, sent: [Frame] = [], at time: Duration) {
        // The usual case, an answer to what has just come, is one line.
        if sent.isEmpty, let last = waiting, last.source == source, last.time == time {
            waiting = nil
            append(index, "\(Recording.nanoseconds(time))\t\(source.name)\trx\t\(last.count)\task\n")
            return
        }
        line(time, source, "ask", sent.isEmpty ? nil : "\(sent.count)")
        for frame in sent { log(frame, source, time) }
    }

    /// Writes what waits, at most once a second.
    func flush(at time: Duration) {
        guard time >= nextFlush else { return }
        nextFlush = time + .seconds(1)
        flushAll()
    }

    /// Writes everything. The recording is complete.
    func finish(at time: Duration) {
        note("end", at: time)
        flushAll()
    }

    // MARK: Writing

    private func log(_ frame: Frame, _ source: Source, _ time: Duration) {
        guard let file = files[source], let name = InterfaceName("can\(Self.number(source))") else { return }
        // Six decimals, as candump writes; canplayer ends at a line with nine. The index has the whole time.
        let nanoseconds = Recording.nanoseconds(wallStart + time)
        let rounded = Duration.nanoseconds(nanoseconds - nanoseconds % 1000)
        append(file, CapturedFrame(time: rounded, interface: name, frame: frame).line + "\n")
    }

    private static func number(_ source: Source) -> Int {
        switch source {
        case .port(let number), .bus(let number): number
        }
    }

    private func count(_ amount: Int, _ source: Source, _ time: Duration) {
        if let last = waiting, last.source == source, last.time == time {
            waiting?.count += amount
        } else {
            settle()
            waiting = (source, time, amount)
        }
    }

    private func settle() {
        guard let last = waiting else { return }
        waiting = nil
        append(index, "\(Recording.nanoseconds(last.time))\t\(last.source.name)\trx\t\(last.count)\n")
    }

    private func line(_ time: Duration, _ source: Source, _ event: String, _ detail: String?) {
        settle()
        let tail = detail.map { "\t" + $0.filter { $0 != "\t" && $0 != "\n" } } ?? ""
        append(index, "\(Recording.nanoseconds(time))\t\(source.name)\t\(event)\(tail)\n")
    }

    private func append(_ file: File, _ text: String) {
        guard failure == nil else { return }
        file.buffer.append(contentsOf: text.utf8)
        if file.buffer.count >= Self.maximumBuffer { flush(file) }
    }

    private func flushAll() {
        // The index last: it never speaks of what is not there.
        for file in files.values { flush(file) }
        topicsFile.buffer = topics.take()
        flush(topicsFile)
        flush(index)
    }

    private func flush(_ file: File) {
        guard failure == nil else {
            file.buffer.removeAll()
            return
        }
        var start = 0
        while start < file.buffer.count {
            let count = file.buffer.withUnsafeBytes { bytes in
                Glibc.write(file.descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                failure = "\(folder): \(String(cString: strerror(errno)))"
                break
            }
            start += count
        }
        file.buffer.removeAll(keepingCapacity: true)
    }
}

/// The topics of a recording until they are written.
final class RecordedTopics: Sendable {
    private let lines = Mutex<[UInt8]>([])

    func add(_ line: String) { lines.withLock { $0.append(contentsOf: line.utf8) } }

    func take() -> [UInt8] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }
}
