import Glibc

@testable import Update

/// A folder for one test, gone with the object.
final class Folder {
    let path: String

    init() throws {
        // In memory, where there is such a place: a disk takes a moment for each of some thousand files that are
        // brought to it, and whoever tests beside this waits, too.
        let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        // mkdtemp(3) puts a name of its own in place of the six letters at the end.
        var template = Array("\(place)/vebridge-update-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw UpdateFault.file("make", "a folder in \(place)") }
        path = String(cString: made)
    }

    deinit { Self.remove(path) }

    func place(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws {
        try DurableFolder(path: path).write(name, bytes, mode: mode)
    }

    func read(_ name: String) throws -> [UInt8] { try readWhole(place(name), limit: 1 << 20) }

    private static func remove(_ path: String) {
        for name in DurableFolder(path: path).names {
            let place = "\(path)/\(name)"
            if unlink(place) != 0 { remove(place) }
        }
        rmdir(path)
    }
}
