import CMosquitto
import Glibc
import MQTTWire

/// The way between a broker and libmosquitto: TCP, TLS and the check of what the broker sends.
///
/// The library never reads from a network. It has one end of a socket pair; this object has the other, and hands it
/// packets that `BrokerValidator` wrote. Everything runs inside ``turn(_:keepsAlive:report:)`` and ``flush()`` on the
/// thread that calls them, so a socket pair with nothing in it wakes nobody.
///
/// Buffers are bounded: of the broker at most one packet and one piece, towards it one piece. While the network takes
/// nothing the library's output waits in the library, and while the library owes answers the broker's packets wait in
/// the network. For one thread at a time.
final class BrokerTransport {
    private enum Stage {
        case connecting
        case handshake
        case open
        /// The broker refused or ended the connection; nothing more is read.
        case ended
    }

    /// What the socket is ready for.
    struct Readiness: OptionSet {
        let rawValue: Int
        static let read = Readiness(rawValue: 1)
        static let write = Readiness(rawValue: 2)
    }

    private let address: BrokerAddress
    private let library: LibraryHandle
    private let keepalive: Duration
    private let encryption: TLSContext?
    private var validator: BrokerValidator
    private var stage = Stage.connecting
    private var connector: TCPConnector?
    private var stream: NetworkStream?
    /// Our end of the socket pair.
    private let inner: Int32
    private var piece = [UInt8](repeating: 0, count: 16_384)
    /// Bytes of the library that the network has not taken yet.
    private var outgoing: ArraySlice<UInt8> = []
    /// Whether the library has written nothing since the socket pair was read empty.
    private var isInnerEmpty = true
    private var isAccepted = false
    /// The caller has to act on the answer to CONNECT before more is handed over.
    private var isAnswerNew = false
    /// The library has taken its leave: it rejects whatever comes, before its DISCONNECT is written.
    private var isLeaving = false
    /// What ended the connection, perhaps on another thread than the client's.
    private var failure: ConnectionFailure?
    /// A turn ended before everything was done.
    private var isUnfinished = false

    /// Above this many answers that the library owes while the network takes nothing, nothing more is read.
    private static let owedAnswerLimit = 256
    /// How many pieces go one way before it is looked after the other.
    private static let piecesPerTurn = 8
    private static let outgoingPiecesPerTurn = 1024

    /// A transport that begins to connect. Resolving the name may block.
    init(
        to address: BrokerAddress, encryption: TLSContext?, library: LibraryHandle, validator: BrokerValidator,
        keepalive: Int32, deadline: ContinuousClock.Instant
    ) throws(ConnectionFailure) {
        self.address = address
        self.library = library
        self.encryption = encryption
        self.validator = validator
        self.keepalive = .seconds(Int(keepalive))
        inner = try LibrarySocket.connect(library, keepalive: keepalive)
        connector = try TCPConnector(address, deadline: deadline)
    }

    /// A transport over a socket that is connected already, in the clear.
    init(
        over socket: Int32, library: LibraryHandle, validator: BrokerValidator, keepalive: Int32
    ) throws(ConnectionFailure) {
        address = BrokerAddress(host: "localhost")
        self.library = library
        encryption = nil
        self.validator = validator
        self.keepalive = .seconds(Int(keepalive))
        inner = try LibrarySocket.connect(library, keepalive: keepalive)
        stream = try? NetworkStream(socket, encryption: nil, name: nil)
        stage = .open
    }

    deinit { if inner >= 0 { close(inner) } }

    // MARK: For the thread that waits

    /// The network's socket, for `poll`; -1 where there is none.
    var descriptor: Int32 { stream?.descriptor ?? connector?.socket ?? -1 }

    /// Whether TCP is connected.
    var isConnected: Bool { stream != nil }

    /// Whether what the broker sends is wanted now.
    var wantsToRead: Bool {
        switch stage {
        case .connecting, .ended: false
        case .handshake: true
        case .open: !isHeldUp
        }
    }

    /// Whether it matters that the socket takes bytes.
    var wantsToWrite: Bool { stage == .connecting || !outgoing.isEmpty || stream?.wantsToWrite == true }

    /// When there is something to do without an event; nil for never.
    var nextDeadline: ContinuousClock.Instant? { connector?.nextAttempt }

    /// Whether there is work that no event of the socket announces, such as a message that was only queued.
    var hasMoreToDo: Bool {
        isUnfinished || isAnswerNew
            || stage == .open && outgoing.isEmpty && mosquitto_socket(library.pointer) >= 0
                && mosquitto_want_write(library.pointer)
    }

    /// Whether the library took its leave and the network has all of it.
    var isFarewellSent: Bool { mosquitto_socket(library.pointer) < 0 && outgoing.isEmpty && isInnerEmpty }

    // MARK: Moving bytes

    /// Does what can be done: connects, reads, checks, hands over and writes.
    ///
    /// - Parameters:
    ///   - ready: What the socket is ready for.
    ///   - keepsAlive: Whether the library may ping, and notice a ping that was not answered.
    ///   - report: Gets a refusal and the broker's DISCONNECT, which the library does not see.
    func turn(
        _ ready: Readiness, keepsAlive: Bool, report: (MosquittoSession.Report) -> Void
    ) throws(ConnectionFailure) {
        if let failure { throw failure }
        isUnfinished = false
        isAnswerNew = false
        do throws(ConnectionFailure) {
            try exchange(ready, keepsAlive: keepsAlive, report: report)
        } catch {
            failure = error
            throw error
        }
    }

    private func exchange(
        _ ready: Readiness, keepsAlive: Bool, report: (MosquittoSession.Report) -> Void
    ) throws(ConnectionFailure) {
        guard try isReady(ready) else { return }
        if stage == .open { try receive(report) }
        guard stage == .open else { return }
        if keepsAlive, mosquitto_socket(library.pointer) >= 0 { try call { mosquitto_loop_misc($0) } }
        try send()
        // What waited for room towards the broker.
        if validator.hasUnfinishedInput {
            try deliver(report)
            try send()
        }
    }

    /// Writes what the library has for the broker, on any thread. False where the client's thread has to go on with it.
    func flush() -> Bool {
        guard failure == nil, stage == .open else { return false }
        do throws(ConnectionFailure) {
            try send()
        } catch {
            failure = error
        }
        return failure == nil && outgoing.isEmpty && !isUnfinished
    }

    /// Sends DISCONNECT after everything that was queued; nothing is read any more.
    func leave() {
        isLeaving = true
        mosquitto_disconnect_v5(library.pointer, 0, nil)
        _ = flush()
    }

    /// Breaks the connection, as a pulled cable would.
    func sever() {
        if let stream { shutdown(stream.descriptor, Int32(SHUT_RDWR)) }
    }

    /// Goes on with connecting. Whether bytes can be exchanged.
    private func isReady(_ ready: Readiness) throws(ConnectionFailure) -> Bool {
        if stage == .connecting {
            guard let socket = try connector?.advance(isReady: ready.contains(.write)) else { return false }
            connector = nil
            do throws(NetworkStream.End) {
                stream = try NetworkStream(socket, encryption: encryption, name: serverName)
            } catch {
                throw failure(error)
            }
            stage = .handshake
        }
        if stage == .handshake {
            do throws(NetworkStream.End) {
                guard try stream?.handshake() == true else { return false }
            } catch {
                throw failure(error)
            }
            stage = .open
        }
        return true
    }

    /// The name for SNI; nil where the broker is known by an address only.
    private var serverName: String? {
        let name = address.name ?? address.host
        var room = in6_addr()
        return inet_pton(AF_INET, name, &room) == 1 || name.contains(":") ? nil : name
    }

    /// Whether to leave the broker's packets where they are: the caller has to act first, the client takes its leave, or
    /// the network takes nothing and answers are owed.
    private var isHeldUp: Bool {
        isAnswerNew || isLeaving || !outgoing.isEmpty && validator.owedAnswers >= Self.owedAnswerLimit
    }

    private func receive(_ report: (MosquittoSession.Report) -> Void) throws(ConnectionFailure) {
        guard let stream else { return }
        for _ in 0..<Self.piecesPerTurn {
            guard stage == .open, !isHeldUp else { return }
            let count: Int
            do throws(NetworkStream.End) {
                var got: Int?
                got = try readPiece(stream)
                guard let got else { return }
                count = got
            } catch {
                throw failure(error)
            }
            validator.receive(piece[..<count])
            try deliver(report)
        }
        // TLS may have read more than it gave.
        isUnfinished = true
    }

    private func readPiece(_ stream: NetworkStream) throws(NetworkStream.End) -> Int? {
        var result: Result<Int?, NetworkStream.End> = .success(nil)
        piece.withUnsafeMutableBytes { room in
            do throws(NetworkStream.End) {
                result = .success(try stream.read(into: room))
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }

    /// Checks what has come and hands it to the library, one packet after the other.
    private func deliver(_ report: (MosquittoSession.Report) -> Void) throws(ConnectionFailure) {
        while stage == .open, !isHeldUp {
            let output: BrokerValidator.Output?
            do throws(MQTTViolation) {
                output = try validator.next()
            } catch {
                throw ConnectionFailure(.violation, "\(address) does not keep to MQTT: \(error)")
            }
            switch output {
            case nil: return
            case .packet(let bytes):
                try give(bytes)
                isAnswerNew = !isAccepted
                isAccepted = true
            case .refusal(let code):
                stage = .ended
                report(.answered(code: Int32(code), keepalive: nil))
            case .disconnection(let code):
                stage = .ended
                report(.disconnected(code: Int32(code)))
            }
            // Answers leave as they come, so that none is owed without need.
            if validator.owedAnswers > 0 { try send() }
        }
    }

    /// Gives a packet to the library, in pieces where it is large, until the library has read all of it.
    private func give(_ bytes: [UInt8]) throws(ConnectionFailure) {
        var rest = bytes[...]
        var unread: Int32 = -1
        while !rest.isEmpty || unread != 0 {
            let count = rest.withUnsafeBytes { Glibc.send(inner, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 { rest = rest.dropFirst(count) }
            let before = Self.unreadBytes(mosquitto_socket(library.pointer))
            try call { mosquitto_loop_read($0, 1) }
            unread = Self.unreadBytes(mosquitto_socket(library.pointer))
            guard unread < before else {
                throw ConnectionFailure(.other, "libmosquitto takes nothing of a packet from \(address)")
            }
        }
    }

    private static func unreadBytes(_ socket: Int32) -> Int32 {
        var count: Int32 = 0
        return ioctl(socket, UInt(FIONREAD), &count) == 0 ? count : 0
    }

    /// Moves what the library has for the broker, until the network takes no more.
    private func send() throws(ConnectionFailure) {
        for _ in 0..<Self.outgoingPiecesPerTurn {
            guard try writeOutgoing() else { return }
            let hasOutput = mosquitto_socket(library.pointer) >= 0 && mosquitto_want_write(library.pointer)
            if hasOutput {
                try call { mosquitto_loop_write($0, 1) }
                isInnerEmpty = false
            }
            guard !isInnerEmpty else { return }
            let count = piece.withUnsafeMutableBytes { recv(inner, $0.baseAddress, $0.count, 0) }
            isInnerEmpty = count < piece.count
            guard count > 0 else { return }
            outgoing = piece[..<count]
            validator.sent(outgoing)
        }
        isUnfinished = true
    }

    /// Writes what was taken from the library; true when nothing is left of it.
    private func writeOutgoing() throws(ConnectionFailure) -> Bool {
        while !outgoing.isEmpty {
            guard let stream else { return false }
            var result: Result<Int?, NetworkStream.End> = .success(nil)
            outgoing.withUnsafeBytes { bytes in
                do throws(NetworkStream.End) {
                    result = .success(try stream.write(bytes))
                } catch {
                    result = .failure(error)
                }
            }
            do throws(NetworkStream.End) {
                guard let count = try result.get() else { return false }
                outgoing = outgoing.dropFirst(count)
            } catch {
                throw failure(error)
            }
        }
        outgoing = []
        return true
    }

    // MARK: Failures

    private func call(_ function: (OpaquePointer) -> Int32) throws(ConnectionFailure) {
        let result = function(library.pointer)
        let code = errno
        guard result != MOSQ_ERR_SUCCESS.rawValue else { return }
        throw ConnectionFailure(result: result, errno: code, address: address, keepalive: keepalive)
    }

    private func failure(_ end: NetworkStream.End) -> ConnectionFailure {
        let check = encryption?.check
        if let refusal = check?.refusal { return ConnectionFailure(.tls, "TLS with \(address) refused: \(refusal)") }
        if let alert = check?.alert { return ConnectionFailure(.tls, "TLS with \(address) failed: \(alert)") }
        switch end {
        case .tls(let reason): return ConnectionFailure(tls: reason, address: address)
        case .system(let code): return ConnectionFailure(system: code, address: address)
        case .closed: break
        }
        if isAccepted { return ConnectionFailure(.closed, "\(address) closed the connection") }
        if validator.hasUnfinishedInput {
            return ConnectionFailure(.closed, "\(address) closed the connection in the middle of its answer")
        }
        guard let guess = check?.guess else { return ConnectionFailure(closedBeforeAnswer: address) }
        return stage == .handshake
            ? ConnectionFailure(.tls, "\(address) closed the connection during the TLS handshake: \(guess)")
            : ConnectionFailure(.closed, "\(address) closed the connection before it answered: \(guess)")
    }
}
