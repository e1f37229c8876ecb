import Glibc

/// Opens a TCP connection to a host, at the addresses of its name one after the other.
///
/// A host with an IPv6 address that leads nowhere is reached by its IPv4 address, and a broker that listens at only one
/// of both is found in the same attempt.
///
/// For one thread at a time.
final class TCPConnector {
    private struct Candidate {
        let family: Int32
        let bytes: [UInt8]
    }

    private let address: BrokerAddress
    private let deadline: ContinuousClock.Instant
    private var candidates: ArraySlice<Candidate>
    private var failure: ConnectionFailure?
    /// The socket of the address that is being tried, -1 before the first.
    private(set) var socket: Int32 = -1
    /// When the address that is being tried gives way to the next one; nil for the last.
    private(set) var nextAttempt: ContinuousClock.Instant?

    /// Resolves the name, which may block, and begins with its first address.
    ///
    /// - Parameter hosts: Names or addresses in place of the broker's host.
    init(
        _ address: BrokerAddress, hosts: [String]? = nil, deadline: ContinuousClock.Instant
    ) throws(ConnectionFailure) {
        self.address = address
        self.deadline = deadline
        var found: [Candidate] = []
        for host in hosts ?? [address.host] { found += try Self.resolve(host, address) }
        candidates = found[...]
        try tryNext()
    }

    deinit { if socket >= 0 { close(socket) } }

    /// Looks how the attempt goes. Gives the connected socket, which is the caller's then; nil while it goes on.
    func advance(isReady: Bool) throws(ConnectionFailure) -> Int32? {
        if isReady {
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            if getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) != 0 { code = errno }
            if code == 0 {
                defer { socket = -1 }
                return socket
            }
            note(ConnectionFailure(system: code, address: address))
            try tryNext()
        } else if let nextAttempt, ContinuousClock.now >= nextAttempt {
            note(ConnectionFailure(system: ETIMEDOUT, address: address))
            try tryNext()
        }
        return nil
    }

    /// The first failure that says more than that there is no way, else the last.
    private func note(_ new: ConnectionFailure) {
        if failure == nil || failure?.cause == .unreachable { failure = new }
    }

    private func tryNext() throws(ConnectionFailure) {
        if socket >= 0 { close(socket) }
        socket = -1
        while let candidate = candidates.popFirst() {
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let socket = Glibc.socket(candidate.family, type, 0)
            guard socket >= 0 else {
                note(ConnectionFailure(system: errno, address: address))
                continue
            }
            var isOn: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
            let result = candidate.bytes.withUnsafeBytes { bytes in
                bytes.withMemoryRebound(to: sockaddr.self) { pointer in
                    connect(socket, pointer.baseAddress, socklen_t(bytes.count))
                }
            }
            if result == 0 || errno == EINPROGRESS {
                self.socket = socket
                // The time that is left, in equal parts.
                let left = deadline - .now
                nextAttempt = candidates.isEmpty ? nil : .now + left / (candidates.count + 1)
                return
            }
            note(ConnectionFailure(system: errno, address: address))
            close(socket)
        }
        throw failure ?? ConnectionFailure(resolver: EAI_NONAME, address: address)
    }

    private static func resolve(
        _ host: String, _ address: BrokerAddress
    ) throws(ConnectionFailure) -> [Candidate] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(address.port), &hints, &list)
        guard code == 0 else { throw ConnectionFailure(resolver: code, address: address) }
        defer { freeaddrinfo(list) }
        var candidates: [Candidate] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            guard entry.ai_family == AF_INET || entry.ai_family == AF_INET6, let bytes = entry.ai_addr else { continue }
            let count = Int(entry.ai_addrlen)
            candidates.append(
                Candidate(
                    family: entry.ai_family, bytes: Array(UnsafeRawBufferPointer(start: bytes, count: count))))
        }
        return candidates
    }
}
