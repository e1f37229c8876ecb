import Glibc

// Files that are whole or not there, whenever the power goes: written under another name, brought to the disk, renamed,
// and the folder brought to the disk too.

func readWhole(_ path: String, limit: Int, in folder: Int32 = AT_FDCWD) throws(UpdateFault) -> [UInt8] {
    let descriptor = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { throw .file("read", path) }
    defer { close(descriptor) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
        throw UpdateFault("cannot read \(path): it is no file")
    }
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    var length = 0
    while length < bytes.count {
        let count = bytes.withUnsafeMutableBytes {
            read(descriptor, $0.baseAddress.map { $0 + length }, $0.count - length)
        }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw .file("read", path) }
        guard count > 0 else { break }
        length += count
    }
    guard length <= limit else { throw UpdateFault("cannot read \(path): it has more than \(limit) bytes") }
    return Array(bytes.prefix(length))
}

func writeWhole(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(UpdateFault) {
    var start = 0
    while start < bytes.count {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw .file("write", path) }
        start += count
    }
}

/// A folder whose changes last.
struct DurableFolder {
    let path: String

    func make(mode: mode_t = 0o755) throws(UpdateFault) {
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .file("make", path) }
    }

    func place(_ name: String) -> String { "\(path)/\(name)" }

    /// The lines of a small file; nil if there is none.
    func lines(_ name: String) -> [String]? {
        guard let bytes = try? readWhole(place(name), limit: 4096) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws(UpdateFault) {
        try write(name, Array(text.utf8), mode: mode)
    }

    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws(UpdateFault) {
        let fresh = place(name + ".new")
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw .file("write", fresh) }
        do throws(UpdateFault) {
            try writeWhole(bytes, to: descriptor, fresh)
            guard fsync(descriptor) == 0 else { throw .file("write", fresh) }
            close(descriptor)
        } catch {
            close(descriptor)
            unlink(fresh)
            throw error
        }
        guard rename(fresh, place(name)) == 0 else { throw .file("write", place(name)) }
        try settle()
    }

    /// Makes `name` point to `target`, at one stroke.
    func link(_ name: String, to target: String) throws(UpdateFault) {
        let fresh = place(name + ".new")
        unlink(fresh)
        guard symlink(target, fresh) == 0, rename(fresh, place(name)) == 0 else { throw .file("set", place(name)) }
        try settle()
    }

    func target(_ name: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes {
            $0.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink(place(name), $0, text.count) } ?? -1
            }
        }
        return count > 0 && count < buffer.count ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }

    func remove(_ name: String) throws(UpdateFault) {
        guard unlink(place(name)) == 0 || errno == ENOENT else { throw .file("remove", place(name)) }
        try settle()
    }

    /// Gives another name to what is not of this kind (`S_IFREG`, `S_IFDIR`), so that the name is free.
    func moveAside(_ name: String, unless kind: mode_t) {
        var facts = stat()
        guard lstat(place(name), &facts) == 0, facts.st_mode & S_IFMT != kind else { return }
        rename(place(name), place("aside-\(UInt32.random(in: .min ... .max))"))
    }

    /// Brings names to the disk.
    func settle() throws(UpdateFault) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .file("write", path) }
    }

    /// The names of what is in it, in order.
    var names: [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < 1000, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes it with the files in it; folders in it stay, and it with them.
    func removeAll() {
        for name in names { unlink(place(name)) }
        rmdir(path)
    }
}
