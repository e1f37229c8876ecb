import Glibc
import Synchronization

/// Keeps a second daemon off the files of this one, by advisory locks on files of their own.
///
/// The kernel releases a lock when its process ends, however it ends, so there is no stale one.
public final class StateLock: Sendable {
    /// Another daemon uses the same files.
    public struct Conflict: Error, Sendable, Hashable, CustomStringConvertible {
        /// The state directory or the history's file.
        public let place: String
        /// The other daemon's process; nil if it cannot be told.
        public let process: Int32?
        /// The option that names the place.
        public let option: String

        /// What is wrong, and what to do.
        public var description: String {
            let other = process.map { "another vebridge (process \($0))" } ?? "another vebridge"
            return "\(place) is in use by \(other): stop it, or give each its own \(option)"
        }
    }

    private struct File: Hashable {
        var device: dev_t
        var inode: ino_t
    }

    private let held = Mutex<[File: Int32]>([:])
    /// How long a daemon that is just ending is waited for.
    private let patience: Duration

    /// Holds nothing yet.
    public convenience init() { self.init(patience: .seconds(1)) }

    init(patience: Duration) { self.patience = patience }

    deinit { held.withLock { for descriptor in $0.values { close(descriptor) } } }

    /// Locks the state directory and the history of a configuration. What is held already stays held.
    ///
    /// Where no lock can be had (no such directory, read-only, no room), there is none, and that is no conflict.
    public func acquire(_ configuration: Configuration) throws(Conflict) {
        for place in Self.places(configuration) { _ = try acquire(place) }
    }

    /// Releases what a configuration does not use.
    public func release(except configuration: Configuration) {
        let kept = Set(Self.places(configuration).compactMap { Self.file(at: $0.lock) })
        held.withLock { held in
            for (file, descriptor) in held where !kept.contains(file) {
                close(descriptor)
                held[file] = nil
            }
        }
    }

    private struct Place {
        var path: String
        var lock: String
        var option: String
    }

    private static func places(_ configuration: Configuration) -> [Place] {
        var places: [Place] = []
        let directory = configuration.bridge.stateDirectory
        if !directory.isEmpty {
            places.append(
                Place(path: directory, lock: directory + "/vebridge.lock", option: "bridge.state_directory"))
        }
        let history = configuration.history.path
        if configuration.history.enabled, !history.isEmpty {
            places.append(Place(path: history, lock: history + ".lock", option: "history.path"))
        }
        return places
    }

    private static func file(at path: String) -> File? {
        var status = stat()
        return lstat(path, &status) == 0 ? File(device: status.st_dev, inode: status.st_ino) : nil
    }

    /// - Returns: whether it is held.
    private func acquire(_ place: Place) throws(Conflict) -> Bool {
        // Not blocking: what lies there may be a FIFO.
        let descriptor = open(place.lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return false
        }
        let file = File(device: status.st_dev, inode: status.st_ino)
        guard held.withLock({ $0[file] == nil }) else {
            close(descriptor)
            return true
        }
        let limit = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else {
                close(descriptor)
                return false
            }
            guard ContinuousClock.now < limit else {
                let process = Self.process(in: descriptor)
                close(descriptor)
                throw Conflict(place: place.path, process: process, option: place.option)
            }
            usleep(20_000)
        }
        let text = Array("\(getpid())\n".utf8)
        // Only a message needs the number; on a full disk there is none.
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
        held.withLock { $0[file] = descriptor }
        return true
    }

    private static func process(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let digits = bytes.prefix(count).prefix { (0x30...0x39).contains($0) }
        return Int32(String(decoding: digits, as: UTF8.self))
    }
}
