import COpenSSL
import Glibc

/// An OpenSSL context for connections to one server: who is trusted, who we are, nothing below TLS 1.2.
final class TLSContext: Sendable {
    /// Why a context could not be made, with the file that is to blame.
    struct Failure: Error, Equatable {
        let reason: String
    }

    /// `@unchecked Sendable`: the pointer never changes, OpenSSL counts the references to a context with atomic
    /// operations, and nothing changes the context after `init`.
    private struct Handle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    /// The `SSL_CTX`; valid as long as this object, and as long as whoever took a reference of their own.
    var pointer: OpaquePointer { handle.pointer }
    /// What judges the other end's certificate.
    let check: PeerCheck
    private let handle: Handle

    /// Where a context keeps its `PeerCheck`, for the callback that gets no argument of ours.
    private static let index = vebridge_tls_context_index()

    /// Makes a context for connections to `host`.
    ///
    /// - Parameters:
    ///   - host: what the certificate must name, unless the settings say otherwise; a zone after `%` does not count.
    ///   - server: what the file of trusted certificates calls the server.
    init(_ settings: TLSSettings, host: String, server: String) throws(Failure) {
        guard let pointer = SSL_CTX_new(TLS_client_method()) else {
            throw Failure(reason: "OpenSSL cannot be used: \(Self.lastError())")
        }
        handle = Handle(pointer: pointer)
        let name = settings.serverName ?? String(host.prefix { $0 != "%" })
        check = PeerCheck(settings: settings, name: name, server: server)
        ERR_clear_error()
        // SSL_CTX_set_min_proto_version is a macro, which Swift does not see.
        SSL_CTX_ctrl(
            pointer, Int32(VEBRIDGE_SSL_CTRL_SET_MIN_PROTO_VERSION), Int(VEBRIDGE_TLS1_2_VERSION), nil)
        SSL_CTX_set_verify(pointer, Int32(VEBRIDGE_SSL_VERIFY_PEER), nil)
        // All callbacks run inside calls on connections that keep this object alive. Closures of a nonisolated place.
        let owner = Unmanaged.passUnretained(check).toOpaque()
        SSL_CTX_set_cert_verify_callback(
            pointer,
            { @Sendable store, owner in
                guard let store, let owner else { return 0 }
                return Unmanaged<PeerCheck>.fromOpaque(owner).takeUnretainedValue().accepts(store) ? 1 : 0
            }, owner)
        SSL_CTX_set_ex_data(pointer, Self.index, owner)
        SSL_CTX_set_info_callback(pointer) { @Sendable connection, place, value in
            // An alert that was read, and fatal: its level is in the upper byte.
            guard place & Int32(VEBRIDGE_SSL_CB_ALERT) != 0,
                place & Int32(VEBRIDGE_SSL_CB_READ) != 0, value >> 8 == 2,
                let context = SSL_get_SSL_CTX(connection), let owner = SSL_CTX_get_ex_data(context, TLSContext.index)
            else { return }
            Unmanaged<PeerCheck>.fromOpaque(owner).takeUnretainedValue().received(alert: value & 0xFF)
        }
        try loadAuthorities(settings)
        try loadOwnCertificate(settings)
        if settings.preSharedKey != nil { try setPreSharedKey() }
        if settings.checksHostName { try setName(name) }
    }

    deinit { SSL_CTX_free(handle.pointer) }

    private func loadAuthorities(_ settings: TLSSettings) throws(Failure) {
        guard settings.pins.isEmpty, settings.trustFile == nil, settings.preSharedKey == nil else { return }
        guard let file = settings.authorities else {
            SSL_CTX_set_default_verify_paths(pointer)
            return
        }
        try Self.requireReadable(file, "CA file")
        guard SSL_CTX_load_verify_locations(pointer, file, nil) == 1 else {
            throw Failure(reason: "the CA file \(file) holds no certificate as PEM (\(Self.lastError()))")
        }
    }

    private func loadOwnCertificate(_ settings: TLSSettings) throws(Failure) {
        guard (settings.certificate == nil) == (settings.key == nil) else {
            throw Failure(reason: "a client certificate needs both a certificate and a key file")
        }
        guard let certificate = settings.certificate, let key = settings.key else { return }
        try Self.requireReadable(certificate, "certificate")
        try Self.requireReadable(key, "key")
        // A daemon has nobody to ask for a passphrase.
        SSL_CTX_set_default_passwd_cb(pointer, { @Sendable _, _, _, _ in 0 })
        guard SSL_CTX_use_certificate_chain_file(pointer, certificate) == 1 else {
            throw Failure(reason: "the certificate \(certificate) is not a certificate as PEM (\(Self.lastError()))")
        }
        guard SSL_CTX_use_PrivateKey_file(pointer, key, Int32(VEBRIDGE_SSL_FILETYPE_PEM)) == 1 else {
            throw Failure(
                reason: "the key \(key) is not the certificate's, has a passphrase or is not PEM (\(Self.lastError()))")
        }
    }

    private func setPreSharedKey() throws(Failure) {
        // Only suites in which nobody shows a certificate.
        guard SSL_CTX_set_cipher_list(pointer, "kECDHEPSK:kDHEPSK:kPSK:!eNULL:!SHA1") == 1 else {
            throw Failure(reason: "OpenSSL has no cipher suites for pre-shared keys (\(Self.lastError()))")
        }
        SSL_CTX_set_psk_client_callback(pointer) { @Sendable connection, _, identity, identityRoom, key, keyRoom in
            guard let context = SSL_get_SSL_CTX(connection), let identity, let key,
                let owner = SSL_CTX_get_ex_data(context, TLSContext.index)
            else { return 0 }
            return Unmanaged<PeerCheck>.fromOpaque(owner).takeUnretainedValue().giveKey(
                identity: UnsafeMutableBufferPointer(start: identity, count: Int(identityRoom)),
                key: UnsafeMutableBufferPointer(start: key, count: Int(keyRoom)))
        }
    }

    private func setName(_ name: String) throws(Failure) {
        let parameters = SSL_CTX_get0_param(pointer)
        // An address is looked for among the addresses of a certificate, a name among its names.
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 { return }
        ERR_clear_error()
        X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(VEBRIDGE_X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        guard X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count) == 1 else {
            throw Failure(reason: "'\(name)' is no name that a certificate could carry")
        }
    }

    private static func requireReadable(_ path: String, _ purpose: String) throws(Failure) {
        guard access(path, R_OK) == 0 else {
            throw Failure(reason: "cannot read the \(purpose) \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// What OpenSSL complained of last on this thread; its queue is empty afterwards.
    static func lastError() -> String {
        let code = ERR_peek_error()
        ERR_clear_error()
        guard code != 0 else { return "no reason given" }
        if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
        return "error \(String(code, radix: 16))"
    }
}
