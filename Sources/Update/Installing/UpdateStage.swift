import Glibc

/// Where the daemon lays down an update for the helper to take: `updates` in its state directory.
///
/// `updates/staged` appears whole, by one renaming. The daemon may write what it likes here; the helper believes none of
/// it but the signature.
public struct UpdateStage: Sendable {
    /// The folder `updates`.
    public let path: String
    private var incoming: DurableFolder { DurableFolder(path: path + "/incoming") }
    private var staged: DurableFolder { DurableFolder(path: path + "/staged") }

    /// The stage in a state directory.
    public init(stateDirectory: String) { path = stateDirectory + "/updates" }

    /// Whether an update lies ready.
    public var isPending: Bool {
        var facts = stat()
        guard lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else { return false }
        return lstat(staged.path, &facts) == 0
    }

    /// The version that lies ready, as it says of itself; nil where nothing does, or what does cannot be read.
    public var pendingVersion: SoftwareVersion? {
        guard let text = (try? offered())?.0.text else { return nil }
        return (try? UpdateManifest(text: text))?.version
    }

    // MARK: The daemon

    /// Clears the place for a program that is about to be fetched, and says where it is to be written.
    public func prepare() throws(UpdateFault) -> String {
        try DurableFolder(path: path).make(mode: 0o700)
        incoming.removeAll()
        try incoming.make(mode: 0o700)
        return incoming.place("vebridge")
    }

    /// Checks what was fetched and lays it ready.
    public func commit(
        _ signed: SignedManifest, _ manifest: UpdateManifest, before: Circumstances
    ) throws(UpdateFault) {
        let program = incoming.place("vebridge")
        let descriptor = open(program, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .file("read", program) }
        defer { close(descriptor) }
        try manifest.check(descriptor, program)
        guard fsync(descriptor) == 0 else { throw .file("write", program) }
        try incoming.write("manifest", signed.text)
        try incoming.write("signature", signed.signatureText + "\n")
        try incoming.write("before", before.text + "\n")
        staged.removeAll()
        guard rename(incoming.path, staged.path) == 0 else { throw .file("make", staged.path) }
        try DurableFolder(path: path).settle()
    }

    /// Throws away what is not ready.
    public func discard() { incoming.removeAll() }

    /// Reports how well the version on probation is.
    ///
    /// The service before it had the same rights here: what it left in the way of the report is moved aside.
    public func report(_ report: ProbationReport) throws(UpdateFault) {
        let folder = DurableFolder(path: path)
        let parent = DurableFolder(path: String(path.dropLast("/updates".utf8.count)))
        parent.moveAside("updates", unless: S_IFDIR)
        try folder.make(mode: 0o700)
        chmod(path, 0o700)
        for name in ["healthy", "healthy.new"] { folder.moveAside(name, unless: S_IFREG) }
        unlink(folder.place("healthy.new"))
        try folder.write("healthy", report.text)
    }

    // MARK: The helper

    /// What the version on probation reported last; nil if nothing that can be read.
    func report() -> ProbationReport? {
        guard let folder = try? openFolder() else { return nil }
        defer { close(folder) }
        guard let bytes = try? readWhole("healthy", limit: 1024, in: folder) else { return nil }
        return ProbationReport(
            lines: String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
    }

    /// The folder itself, wherever names in it may lead.
    private func openFolder() throws(UpdateFault) -> Int32 {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("open", path) }
        return descriptor
    }

    private func openStaged() throws(UpdateFault) -> Int32 {
        let folder = try openFolder()
        defer { close(folder) }
        let descriptor = openat(folder, "staged", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("open", staged.path) }
        return descriptor
    }

    /// What lies ready, as it says of itself.
    func offered() throws(UpdateFault) -> (SignedManifest, Circumstances) {
        let folder = try openStaged()
        defer { close(folder) }
        let text = String(decoding: try readWhole("manifest", limit: 1024, in: folder), as: UTF8.self)
        let signature = String(decoding: try readWhole("signature", limit: 256, in: folder), as: UTF8.self)
        let before = (try? readWhole("before", limit: 256, in: folder)) ?? []
        let lines = String(decoding: before, as: UTF8.self).split(separator: "\n").map(String.init)
        return (
            try SignedManifest(text: text, signature: String(signature.filter { !$0.isWhitespace })),
            Circumstances(lines: lines)
        )
    }

    /// Copies the program that lies ready to a new file, no more than `limit` bytes.
    func copyProgram(to path: String, limit: Int) throws(UpdateFault) {
        let folder = try openStaged()
        defer { close(folder) }
        let source = openat(folder, "vebridge", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard source >= 0 else { throw .file("read", staged.place("vebridge")) }
        defer { close(source) }
        var facts = stat()
        guard fstat(source, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size <= off_t(limit) else {
            throw UpdateFault("the program that lies ready is no file of the size that was signed")
        }
        let target = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o755)
        guard target >= 0 else { throw .file("write", path) }
        defer { close(target) }
        _ = fchmod(target, 0o755)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var length = 0
        while true {
            let count = read(source, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .file("read", staged.place("vebridge")) }
            guard count > 0 else { break }
            length += count
            guard length <= limit else { throw UpdateFault("the program that lies ready grows") }
            try writeWhole(Array(buffer.prefix(count)), to: target, path)
        }
        guard fsync(target) == 0 else { throw .file("write", path) }
    }

    /// Takes away what lay ready.
    func clear() throws(UpdateFault) {
        guard let parent = try? openFolder() else { return }
        defer { close(parent) }
        if let folder = try? openStaged() {
            for name in ["manifest", "signature", "before", "vebridge"] { unlinkat(folder, name, 0) }
            close(folder)
        }
        // Something else in its place, or in it, would call the helper again and again: it is put aside.
        guard unlinkat(parent, "staged", AT_REMOVEDIR) != 0, errno != ENOENT else { return }
        if unlinkat(parent, "staged", 0) == 0 { return }
        var number = 0
        while renameat(parent, "staged", parent, "refused-\(number)") != 0 {
            guard errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR || errno == EISDIR, number < 100 else {
                throw .file("remove", staged.path)
            }
            number += 1
        }
    }
}
