import Glibc
import Logging
import MasterBus

/// What devices on the bus said of themselves, one file a device in the state directory.
///
/// A file is written whole under another name and then put in place. One that is damaged is as good as none.
struct SchemaStore {
    private let folder: String?
    private let log: Logger
    private static let maximumFiles = 64
    private static let maximumSize = 1 << 20
    private static let ending = ".schema"

    /// A store in a state directory; without one nothing is kept.
    init(stateDirectory: String, log: Logger) {
        folder = stateDirectory.isEmpty ? nil : stateDirectory + "/masterbus"
        self.log = log
    }

    /// Every record that can be read, in the order of their devices.
    func load() -> [SchemaRecord] {
        guard let folder, let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < Self.maximumFiles, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(Self.ending) { names.append(name) }
        }
        return names.sorted().compactMap { name in
            let path = "\(folder)/\(name)"
            guard let bytes = try? Configuration.readFile(path, limit: Self.maximumSize),
                let record = SchemaRecord(text: String(decoding: bytes, as: UTF8.self))
            else {
                log.warning(
                    "what was known of a device cannot be read; it is asked again", metadata: ["file": .string(path)])
                return nil
            }
            return record
        }
    }

    /// Keeps a record in place of an earlier one of the device.
    func save(_ record: SchemaRecord) {
        guard let folder else { return }
        if mkdir(folder, 0o700) != 0, errno != EEXIST { return complain(folder) }
        let path = "\(folder)/\(BusNotation.hex(record.address.type))-\(record.address.text)\(Self.ending)"
        let fresh = path + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return complain(fresh) }
        fchmod(descriptor, 0o600)
        let bytes = Array(record.text.utf8)
        var start = 0
        var isWhole = true
        while start < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                isWhole = false
                break
            }
            start += count
        }
        isWhole = isWhole && fsync(descriptor) == 0
        close(descriptor)
        guard isWhole, rename(fresh, path) == 0 else {
            complain(fresh)
            unlink(fresh)
            return
        }
    }

    private func complain(_ path: String) {
        log.warning(
            "what a device said of itself cannot be kept",
            metadata: ["file": .string(path), "reason": .string(String(cString: strerror(errno)))])
    }
}
