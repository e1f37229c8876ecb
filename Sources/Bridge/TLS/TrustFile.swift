import Glibc
import Synchronization

/// Certificates that were trusted on first use, one a line: `host:port sha256:…`.
///
/// The file is small, and read whole for every connection, so that a line taken out by hand has its effect at once.
/// It is written whole under another name and then put in place.
struct TrustFile: Sendable {
    /// Where it is.
    let path: String

    /// What could not be kept in a file still counts while the process lives. Also makes changes one at a time.
    private static let memory = Mutex<[String: [String: CertificateFingerprint]]>([:])
    private static let limit = 65_536

    /// The certificate known for a server, nil if there was never a connection.
    ///
    /// - Throws: why the file cannot be read. It being absent is no reason; anything else is, since a file that cannot
    ///   be read must not mean that anybody is trusted again.
    func fingerprint(of server: String) throws(FileReadError) -> CertificateFingerprint? {
        if let kept = try entries()[server] { return kept }
        return Self.memory.withLock { $0[path]?[server] }
    }

    /// Keeps the certificate of a server, unless there is one.
    ///
    /// - Throws: why it could not be written; it is remembered until the process ends all the same.
    func learn(_ fingerprint: CertificateFingerprint, of server: String) throws(FileReadError) {
        try Self.memory.withLock { memory throws(FileReadError) in
            var known = try entries()
            guard known[server] == nil else { return }
            memory[path, default: [:]][server] = fingerprint
            known[server] = fingerprint
            let text =
                "# Certificates trusted on first use. Take a line out to trust a changed certificate.\n"
                + known.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
            try AtomicFile.write(Array(text.utf8), to: path)
            memory[path]?[server] = nil
        }
    }

    private func entries() throws(FileReadError) -> [String: CertificateFingerprint] {
        let bytes: [UInt8]
        do throws(FileReadError) {
            bytes = try Configuration.readFile(path, limit: Self.limit)
        } catch {
            if error == FileReadError(code: ENOENT) { return [:] }
            throw error
        }
        var entries: [String: CertificateFingerprint] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            guard words.count == 2, let fingerprint = CertificateFingerprint(String(words[1])) else {
                throw FileReadError(reason: "holds a line that is not 'host:port sha256:…'")
            }
            entries[String(words[0])] = fingerprint
        }
        return entries
    }
}

/// Writes small files so that at every instant there is the old one or the new one.
enum AtomicFile {
    /// Puts `bytes` in place of what is at `path`.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(FileReadError) {
        let fresh = path + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw FileReadError(reason: "cannot be written (\(String(cString: strerror(errno))))")
        }
        var start = 0
        var code: Int32 = 0
        while start < bytes.count, code == 0 {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { start += count } else if errno != EINTR { code = errno }
        }
        if code == 0, fsync(descriptor) != 0 { code = errno }
        close(descriptor)
        if code == 0, rename(fresh, path) != 0 { code = errno }
        guard code == 0 else {
            unlink(fresh)
            throw FileReadError(reason: "cannot be written (\(String(cString: strerror(code))))")
        }
    }
}
