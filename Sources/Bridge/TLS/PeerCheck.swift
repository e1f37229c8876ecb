import COpenSSL
import Glibc
import Synchronization

/// Decides whether the certificate that the other end presents is accepted, and keeps what there is to say about it.
///
/// One for every connection. OpenSSL asks it during the handshake, on the thread that makes the connection.
final class PeerCheck: Sendable {
    private struct State {
        var refusal: String?
        var learned: CertificateFingerprint?
        var alert: String?
        var hasAccepted = false
    }

    /// What the certificate must name.
    let name: String
    private let server: String
    private let settings: TLSSettings
    private let state = Mutex(State())

    /// A check for one server.
    ///
    /// - Parameters:
    ///   - name: what the certificate must name: a host name or an address.
    ///   - server: what the file of trusted certificates calls the server.
    init(settings: TLSSettings, name: String, server: String) {
        self.settings = settings
        self.name = name
        self.server = server
    }

    /// Why the certificate was refused, with what was presented and what would be accepted; nil if none was.
    var refusal: String? { state.withLock { $0.refusal } }

    /// Why the other end gave up, as it said itself; nil if it did not.
    var alert: String? { state.withLock { $0.alert } }

    /// What to say of a connection that ended without a word: a server that wants another certificate often closes
    /// before its alert can be read. Nil where there is no such guess.
    var guess: String? {
        guard state.withLock({ $0.hasAccepted }) else { return nil }
        return settings.certificate == nil
            ? "it may want a client certificate" : "it may not accept our client certificate"
    }

    /// The other end sent a fatal alert, RFC 8446 section 6.2.
    func received(alert: Int32) {
        let words: String
        switch alert {
        case 116: words = "the other end wants a client certificate (tls.certificate and tls.key)"
        case 42, 43, 46, 48, 49: words = "the other end does not accept our client certificate"
        case 44: words = "the other end says that our client certificate is revoked"
        case 45: words = "the other end says that our client certificate has expired"
        case 115: words = "the other end does not know the identity of the pre-shared key"
        case 20 where settings.preSharedKey != nil, 47 where settings.preSharedKey != nil,
            51 where settings.preSharedKey != nil:
            words = "the pre-shared key is not the one of the other end"
        case 70: words = "the other end speaks no version from TLS 1.2 up"
        case 40: words = "the other end wants other ciphers, a client certificate or a pre-shared key"
        case 112: words = "the other end does not know the name \(name)"
        default: words = "the other end gave up (alert \(alert))"
        }
        state.withLock { state in
            if state.alert == nil { state.alert = words }
        }
    }

    /// Keeps the certificate of a first use, to be called once the server has proved to be of use. Gives the words for
    /// the log, nil if nothing new was trusted.
    func keepTrust() -> String? {
        guard let path = settings.trustFile, let learned = state.withLock({ $0.learned }) else { return nil }
        state.withLock { $0.learned = nil }
        do throws(FileReadError) {
            try TrustFile(path: path).learn(learned, of: server)
            return "trusted on first use: from now on \(server) is the one with \(learned), kept in \(path)"
        } catch {
            return """
                trusted on first use until the end of this process: \(server) is the one with \(learned); \
                \(path) \(error.reason)
                """
        }
    }

    /// OpenSSL's question; `store` is an `X509_STORE_CTX`. True accepts.
    func accepts(_ store: OpaquePointer) -> Bool {
        let isAccepted = judge(store)
        state.withLock { $0.hasAccepted = isAccepted }
        return isAccepted
    }

    private func judge(_ store: OpaquePointer) -> Bool {
        guard let certificate = X509_STORE_CTX_get0_cert(store) else {
            return refuse(store, "no certificate was presented")
        }
        let presented = PresentedCertificate(certificate)
        if settings.preSharedKey != nil {
            return refuse(
                store, "a certificate was presented instead of the pre-shared key", presented, accepted: "the key")
        }
        if !settings.pins.isEmpty {
            if let fingerprint = presented.fingerprint, settings.pins.contains(fingerprint) { return true }
            let pins = settings.pins.map(\.description).joined(separator: " or ")
            return refuse(
                store, "the certificate is not the pinned one", presented, accepted: "only \(pins) (tls.fingerprint)")
        }
        if let path = settings.trustFile { return isTrusted(presented, file: path, store) }
        if X509_verify_cert(store) == 1 { return true }
        let code = X509_STORE_CTX_get_error(store)
        let depth = X509_STORE_CTX_get_error_depth(store)
        let authorities = settings.authorities.map { "in \($0)" } ?? "that this system trusts"
        let named = settings.checksHostName ? " that names \(name)" : ""
        return refuse(
            store, complaint(code, depth: depth), presented,
            accepted: "a valid certificate\(named), signed by an authority \(authorities); or this one, pinned by "
                + "tls.fingerprint")
    }

    private func isTrusted(_ presented: PresentedCertificate, file: String, _ store: OpaquePointer) -> Bool {
        do throws(FileReadError) {
            guard let known = try TrustFile(path: file).fingerprint(of: server) else {
                guard let fingerprint = presented.fingerprint else { return refuse(store, "it has no fingerprint") }
                state.withLock { $0.learned = fingerprint }
                return true
            }
            if known == presented.fingerprint { return true }
            return refuse(
                store, "the certificate has changed since it was first trusted", presented,
                accepted: "only \(known); if the change is meant, take the line of \(server) out of \(file)")
        } catch {
            return refuse(store, "whom to trust is not known: \(file) \(error.reason)", presented)
        }
    }

    private func complaint(_ code: Int32, depth: Int32) -> String {
        let whose = depth == 0 ? "the certificate" : "the certificate of its authority"
        switch Int(code) {
        case VEBRIDGE_X509_HOSTNAME_MISMATCH, VEBRIDGE_X509_IP_MISMATCH:
            return "the certificate does not name \(name)"
        case VEBRIDGE_X509_EXPIRED:
            return "\(whose) has expired (it is \(LogLine.timestamp(time(nil))) by this machine's clock)"
        case VEBRIDGE_X509_NOT_YET_VALID:
            return "\(whose) is not valid yet (it is \(LogLine.timestamp(time(nil))) by this machine's clock)"
        case VEBRIDGE_X509_SELF_SIGNED:
            return "the certificate is signed by nobody but itself"
        case VEBRIDGE_X509_SELF_SIGNED_IN_CHAIN, VEBRIDGE_X509_UNABLE_TO_GET_ISSUER,
            VEBRIDGE_X509_UNABLE_TO_GET_ISSUER_LOCALLY, VEBRIDGE_X509_UNABLE_TO_VERIFY_LEAF:
            return "the certificate is signed by an unknown authority"
        default:
            return "\(whose) is refused: \(String(cString: X509_verify_cert_error_string(Int(code))))"
        }
    }

    private func refuse(
        _ store: OpaquePointer, _ reason: String, _ presented: PresentedCertificate? = nil, accepted: String? = nil
    ) -> Bool {
        if X509_STORE_CTX_get_error(store) == 0 {
            // The other end is told that its certificate was refused, in general terms.
            X509_STORE_CTX_set_error(store, Int32(VEBRIDGE_X509_APPLICATION))
        }
        var words = reason
        if let presented { words += "; presented: \(presented.words)" }
        if let accepted { words += "; accepted: \(accepted)" }
        state.withLock { $0.refusal = words }
        return false
    }

    // MARK: Pre-shared keys

    /// OpenSSL's other question: identity and key, into its buffers. Gives the length of the key; 0 refuses.
    func giveKey(identity: UnsafeMutableBufferPointer<CChar>, key: UnsafeMutableBufferPointer<UInt8>) -> UInt32 {
        guard let secret = settings.preSharedKey, secret.key.count <= key.count else { return 0 }
        let name = Array(secret.identity.utf8CString)
        guard name.count <= identity.count else { return 0 }
        _ = identity.update(fromContentsOf: name)
        _ = key.update(fromContentsOf: secret.key)
        return UInt32(secret.key.count)
    }
}
