import Glibc

/// Fetches what is offered: the offer, and the program that stands beside it.
///
/// The network is left to `curl`, which knows proxies, certificates and slow lines; it gets a limit of bytes and of time,
/// and is started only when there is something to fetch.
public struct UpdateFetch: Sendable {
    /// Where a fetch may lead.
    public enum Reach: Sendable {
        /// Anywhere: the address is from the configuration or the command line.
        case everywhere
        /// The address came over MQTT: public addresses only, beside the host and port of `update.url`. A failure does
        /// not say how the server, or the machine that is none, answered.
        case publicNetwork(and: NetworkOrigin?)
    }

    /// How long something may take: altogether, and below which speed for how long.
    struct Pace {
        /// Altogether, redirects included.
        var limit: Duration
        /// Bytes a second.
        var minimumSpeed: Int
        /// Seconds below that speed.
        var slowTime: Int

        /// An offer has a few hundred bytes.
        static let offer = Pace(limit: .seconds(30), minimumSpeed: 10, slowTime: 10)

        /// A program: a minute, and the time of its bytes at 64 kbit/s, at most an hour.
        static func program(size: Int) -> Pace {
            Pace(limit: .seconds(min(60 + size / 8000, 3600)), minimumSpeed: 4000, slowTime: 30)
        }
    }

    private static let redirectLimit = 5
    /// What a failure over MQTT says, whatever happened.
    static let unfetchable = UpdateFault(
        "it cannot be fetched: the host must be on the public network or be that of update.url, and answer in time; "
            + "'vebridge update check' on the machine says more")

    private let address: UpdateAddress
    private let reach: Reach
    private let isCancelled: @Sendable () -> Bool
    /// The pace of an offer; tests have less time.
    var offerPace = Pace.offer

    /// A fetch from an address, until it is cancelled.
    public init(
        _ address: UpdateAddress, reach: Reach = .everywhere, isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.address = address
        self.reach = reach
        self.isCancelled = isCancelled
    }

    /// What receives the bytes of a fetch.
    private struct Sink {
        /// Forgets what came so far: it belonged to a redirect.
        var reset: () throws(UpdateFault) -> Void
        var take: (UnsafeRawBufferPointer) throws(UpdateFault) -> Void
    }

    /// What is offered there. Nothing of it is believed yet.
    public func offer() throws(UpdateFault) -> SignedManifest {
        var bytes: [UInt8] = []
        let sink = Sink(reset: { bytes = [] }, take: { piece in bytes += piece })
        try fetch(address, limit: SignedManifest.maximumOfferLength, offerPace, sink)
        return try SignedManifest(offer: String(decoding: bytes, as: UTF8.self))
    }

    /// The program of a manifest, into a new file. Whether it is the right one is for ``UpdateManifest/check(_:_:)``.
    public func program(of manifest: UpdateManifest, to path: String) throws(UpdateFault) {
        let target = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw .file("write", path) }
        defer { close(target) }
        let sink = Sink(
            reset: { () throws(UpdateFault) in
                guard ftruncate(target, 0) == 0, lseek(target, 0, SEEK_SET) == 0 else { throw .file("write", path) }
            },
            take: { piece throws(UpdateFault) in try writeWhole(Array(piece), to: target, path) })
        try fetch(address.sibling(manifest.programName), limit: manifest.size, .program(size: manifest.size), sink)
    }

    /// Fetches an offer and its program and checks both; keeps nothing.
    public func check(_ key: UpdateKey) throws(UpdateFault) -> UpdateManifest {
        let manifest = try offer().manifest(signedBy: key)
        var digest: ProgramDigest? = try ProgramDigest()
        var size = 0
        let sink = Sink(
            reset: { () throws(UpdateFault) in
                digest = try ProgramDigest()
                size = 0
            },
            take: { piece in
                digest?.add(piece)
                size += piece.count
            })
        try fetch(address.sibling(manifest.programName), limit: manifest.size, .program(size: manifest.size), sink)
        guard let whole = digest.take() else { throw UpdateFault("no digest was made") }
        try manifest.check(size: size, digest: whole.value())
        return manifest
    }

    private func fetch(_ source: UpdateAddress, limit: Int, _ pace: Pace, _ sink: Sink) throws(UpdateFault) {
        guard source.isNetwork else { return try readFile(source.path, counted(source, limit, sink)) }
        guard case .publicNetwork(let trusted) = reach else {
            _ = try curl(
                source.description, pace.limit, pace, ["--location", "--max-redirs", "\(Self.redirectLimit)"],
                counted(source, limit, sink))
            return
        }
        do throws(UpdateFault) {
            try fetchFromPublicNetwork(source, limit: limit, pace, sink, trusted)
        } catch {
            throw error.isOfMachine ? error : Self.unfetchable
        }
    }

    /// Follows redirects one by one: each host is checked, and curl asks the addresses that were checked.
    private func fetchFromPublicNetwork(
        _ source: UpdateAddress, limit: Int, _ pace: Pace, _ sink: Sink, _ trusted: NetworkOrigin?
    ) throws(UpdateFault) {
        let deadline = ContinuousClock.now + pace.limit
        var address = source.description
        for _ in 0...Self.redirectLimit {
            guard let origin = NetworkOrigin(address) else { throw Self.unfetchable }
            var options: [String] = []
            if origin != trusted {
                let addresses = origin.addresses()
                guard !addresses.isEmpty, addresses.allSatisfy(\.isPublic) else { throw Self.unfetchable }
                options = ["--resolve", origin.pinned(to: addresses)]
            }
            let rest = deadline - ContinuousClock.now
            guard rest > .seconds(1) else { throw Self.unfetchable }
            try sink.reset()
            let next = try curl(address, rest, pace, options, counted(source, limit, sink))
            guard !next.isEmpty else { return }
            address = next
        }
        throw Self.unfetchable
    }

    /// Hands bytes on, up to a limit.
    private func counted(
        _ source: UpdateAddress, _ limit: Int, _ sink: Sink
    ) -> (UnsafeRawBufferPointer) throws(UpdateFault) -> Void {
        var count = 0
        return { piece throws(UpdateFault) in
            count += piece.count
            guard count <= limit else { throw UpdateFault("\(source) has more than \(limit) bytes") }
            try sink.take(piece)
        }
    }

    /// Runs curl; returns where the server redirects to, empty if curl followed it or there is no redirect.
    private func curl(
        _ url: String, _ limit: Duration, _ pace: Pace, _ options: [String],
        _ take: (UnsafeRawBufferPointer) throws(UpdateFault) -> Void
    ) throws(UpdateFault) -> String {
        let seconds = max(1, limit.components.seconds)
        let words =
            [
                // Its settings are these and no others, whoever's folder it finds itself in.
                "curl", "--disable", "--silent", "--show-error", "--fail", "--proto", "=http,https", "--proto-redir",
                "=http,https", "--connect-timeout", "10", "--max-time", "\(seconds)", "--speed-limit",
                "\(pace.minimumSpeed)", "--speed-time", "\(pace.slowTime)", "--compressed", "--write-out",
                "%{stderr}\nredirect %{redirect_url}\n",
            ] + options + ["--url", url]
        let run = ProgramRun(words: words, patience: .seconds(seconds + 5), isCancelled: isCancelled)
        let ending: ProgramRun.Ending
        do throws(UpdateFault) {
            ending = try run.run(take)
        } catch {
            guard access("/usr/bin/curl", X_OK) != 0, error.description.hasPrefix("cannot run curl") else {
                throw error
            }
            throw UpdateFault("\(error); install it: apt install curl")
        }
        let mark = "redirect "
        guard ending.status == 0 else {
            let lines = ending.complaints.filter { !$0.hasPrefix(mark) }
            let words = lines.last.map { String($0.prefix(300)) } ?? "curl ended with \(ending.status)"
            throw UpdateFault("cannot fetch \(url): \(words)")
        }
        let last = ending.complaints.last ?? ""
        return last.hasPrefix(mark) ? String(last.dropFirst(mark.utf8.count)) : ""
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
