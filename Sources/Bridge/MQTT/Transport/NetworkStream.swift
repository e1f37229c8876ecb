import COpenSSL
import Glibc

/// A connected socket, in the clear or encrypted by TLS. No call waits.
///
/// For one thread at a time.
final class NetworkStream {
    /// Why a stream is of no more use.
    enum End: Error {
        /// The peer closed or reset the connection.
        case closed
        /// An errno.
        case system(Int32)
        /// OpenSSL's reason.
        case tls(String)
    }

    let descriptor: Int32
    private let connection: OpaquePointer?
    /// The connection uses it as long as it lives.
    private let context: TLSContext?
    private var isEstablished: Bool
    /// TLS must write before it can go on, although the caller only reads.
    private(set) var wantsToWrite = false

    /// Takes over a connected socket.
    ///
    /// - Parameters:
    ///   - encryption: The context of a TLS client; nil for a connection in the clear.
    ///   - name: The host's name for the server (SNI); nil for none, as for an address (RFC 6066, section 3).
    init(_ descriptor: Int32, encryption: TLSContext?, name: String?) throws(End) {
        self.descriptor = descriptor
        context = encryption
        guard let encryption else {
            connection = nil
            isEstablished = true
            return
        }
        isEstablished = false
        ERR_clear_error()
        guard let connection = SSL_new(encryption.pointer) else {
            Glibc.close(descriptor)
            throw .tls(TLSContext.lastError())
        }
        self.connection = connection
        SSL_set_fd(connection, descriptor)
        // These are macros in C, which Swift does not see. A second call after a partial write has the bytes elsewhere.
        SSL_ctrl(connection, Int32(VEBRIDGE_SSL_CTRL_MODE), Int(VEBRIDGE_SSL_MODES), nil)
        // No server has a reason to renegotiate, and TLS 1.3 cannot.
        SSL_set_options(connection, UInt64(VEBRIDGE_SSL_OP_NO_RENEGOTIATION))
        if let name {
            _ = name.withCString { name in
                SSL_ctrl(
                    connection, Int32(VEBRIDGE_SSL_CTRL_SET_TLSEXT_HOSTNAME), 0, UnsafeMutableRawPointer(mutating: name)
                )
            }
        }
    }

    deinit {
        if let connection {
            ERR_clear_error()
            // Says that the end is meant; the answer is not waited for.
            if isEstablished { SSL_shutdown(connection) }
            SSL_free(connection)
        }
        close(descriptor)
    }

    /// Goes on with the TLS handshake; true when it is done.
    func handshake() throws(End) -> Bool {
        guard let connection, !isEstablished else { return true }
        ERR_clear_error()
        isEstablished = try result(SSL_connect(connection)) != nil
        return isEstablished
    }

    /// Reads what has come; nil where nothing has.
    func read(into room: UnsafeMutableRawBufferPointer) throws(End) -> Int? {
        if let connection {
            ERR_clear_error()
            return try result(SSL_read(connection, room.baseAddress, Int32(clamping: room.count)))
        }
        while true {
            let count = recv(descriptor, room.baseAddress, room.count, 0)
            if count > 0 { return count }
            if count == 0 { throw .closed }
            if errno == EINTR { continue }
            if errno == EAGAIN { return nil }
            throw Self.end(errno)
        }
    }

    /// Writes as much as the socket takes; nil where it takes nothing now.
    func write(_ bytes: UnsafeRawBufferPointer) throws(End) -> Int? {
        if let connection {
            ERR_clear_error()
            return try result(SSL_write(connection, bytes.baseAddress, Int32(clamping: bytes.count)))
        }
        while true {
            let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return count }
            if errno == EINTR { continue }
            if errno == EAGAIN { return nil }
            throw Self.end(errno)
        }
    }

    /// What a call of OpenSSL came to: a count, nil for "not now", or the end.
    private func result(_ code: Int32) throws(End) -> Int? {
        let system = errno
        wantsToWrite = false
        if code > 0 { return Int(code) }
        switch SSL_get_error(connection, code) {
        case Int32(VEBRIDGE_SSL_ERROR_WANT_READ): return nil
        case Int32(VEBRIDGE_SSL_ERROR_WANT_WRITE):
            wantsToWrite = true
            return nil
        case Int32(VEBRIDGE_SSL_ERROR_ZERO_RETURN): throw fail(.closed)
        case Int32(VEBRIDGE_SSL_ERROR_SYSCALL): throw fail(system == 0 ? .closed : Self.end(system))
        default:
            let reason = TLSContext.lastError()
            // A peer that closes without the alert that TLS wants, which many do.
            throw fail(isEstablished && reason.contains("unexpected eof") ? .closed : .tls(reason))
        }
    }

    private func fail(_ end: End) -> End {
        // OpenSSL forbids SSL_shutdown after an error.
        isEstablished = false
        return end
    }

    private static func end(_ code: Int32) -> End {
        switch code {
        case ECONNRESET, EPIPE, ECONNABORTED, ENOTCONN: .closed
        default: .system(code)
        }
    }
}
