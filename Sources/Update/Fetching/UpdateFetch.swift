import Glibc

/// Fetches what is offered: the offer, and the program that stands beside it.
///
/// The network is left to `curl`, which knows proxies, certificates and slow lines; it gets a limit of bytes and of time,
/// and is started only when there is something to fetch.
public struct UpdateFetch: Sendable {
    /// How long a program may take: a slow line by radio, at 50 kbit/s, gives 60 MB in it.
    static let patience: Duration = .seconds(10_800)

    private let address: UpdateAddress
    private let isCancelled: @Sendable () -> Bool

    /// A fetch from an address, until it is cancelled.
    public init(_ address: UpdateAddress, isCancelled: @escaping @Sendable () -> Bool = { false }) {
        self.address = address
        self.isCancelled = isCancelled
    }

    /// What is offered there. Nothing of it is believed yet.
    public func offer() throws(UpdateFault) -> SignedManifest {
        var bytes: [UInt8] = []
        try fetch(address, limit: SignedManifest.maximumOfferLength, patience: .seconds(60)) { piece in bytes += piece }
        return try SignedManifest(offer: String(decoding: bytes, as: UTF8.self))
    }

    /// The program of a manifest, into a new file. Whether it is the right one is for ``UpdateManifest/check(_:_:)``.
    public func program(of manifest: UpdateManifest, to path: String) throws(UpdateFault) {
        let target = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw .file("write", path) }
        defer { close(target) }
        let source = address.sibling(manifest.programName)
        try fetch(source, limit: manifest.size, patience: Self.patience) { piece throws(UpdateFault) in
            try writeWhole(Array(piece), to: target, path)
        }
    }

    /// Fetches an offer and its program and checks both; keeps nothing.
    public func check(_ key: UpdateKey) throws(UpdateFault) -> UpdateManifest {
        let manifest = try offer().manifest(signedBy: key)
        let digest = try ProgramDigest()
        var size = 0
        let source = address.sibling(manifest.programName)
        try fetch(source, limit: manifest.size, patience: Self.patience) { piece throws(UpdateFault) in
            digest.add(piece)
            size += piece.count
        }
        try manifest.check(size: size, digest: digest.value())
        return manifest
    }

    private func fetch(
        _ source: UpdateAddress, limit: Int, patience: Duration,
        _ take: (UnsafeRawBufferPointer) throws(UpdateFault) -> Void
    ) throws(UpdateFault) {
        var count = 0
        let counted: (UnsafeRawBufferPointer) throws(UpdateFault) -> Void = { piece throws(UpdateFault) in
            count += piece.count
            guard count <= limit else { throw UpdateFault("\(source) has more than \(limit) bytes") }
            try take(piece)
        }
        switch source.way {
        case .file: try readFile(source.path, counted)
        case .network:
            let seconds = "\(patience.components.seconds)"
            let words = [
                // Its settings are these and no others, whoever's folder it finds itself in.
                "curl", "--disable", "--silent", "--show-error", "--fail", "--location", "--max-redirs", "5",
                "--proto", "=http,https", "--proto-redir", "=http,https", "--connect-timeout", "20", "--max-time",
                seconds, "--speed-limit", "1", "--speed-time", "60", "--compressed", "--url", source.description,
            ]
            let run = ProgramRun(words: words, patience: patience + .seconds(5), isCancelled: isCancelled)
            let ending: ProgramRun.Ending
            do throws(UpdateFault) {
                ending = try run.run(counted)
            } catch {
                guard access("/usr/bin/curl", X_OK) != 0, error.description.hasPrefix("cannot run curl") else {
                    throw error
                }
                throw UpdateFault("\(error); install it: apt install curl")
            }
            guard ending.status == 0 else {
                let words = ending.complaint.isEmpty ? "curl ended with \(ending.status)" : ending.complaint
                throw UpdateFault("cannot fetch \(source): \(words)")
            }
        }
    }

    private func readFile(
        _ path: String, _ take: (UnsafeRawBufferPointer) throws(UpdateFault) -> Void
    ) throws(UpdateFault) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .file("read", path) }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw UpdateFault("cannot read \(path): it is no file")
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        while !isCancelled() {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .file("read", path) }
            guard count > 0 else { return }
            try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        throw UpdateFault("reading \(path) was given up")
    }
}
