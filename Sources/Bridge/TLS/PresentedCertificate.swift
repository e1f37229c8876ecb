import COpenSSL
import Glibc

/// What a certificate says of itself, as far as a person needs it to decide whether to trust it.
struct PresentedCertificate: Sendable, Equatable {
    var subject: String
    /// `DNS:boat, IP Address:10.0.0.2`; empty if it names no host.
    var names: String
    var issuer: String
    /// Dates in UTC, `2026-11-23T06:10:00Z`.
    var validFrom: String
    var validUntil: String
    var fingerprint: CertificateFingerprint?

    /// Reads the facts of an `X509`.
    init(_ certificate: OpaquePointer) {
        subject = Self.text(limit: 200) {
            X509_NAME_print_ex($0, X509_get_subject_name(certificate), 0, Self.nameFlags)
        }
        issuer = Self.text(limit: 200) { X509_NAME_print_ex($0, X509_get_issuer_name(certificate), 0, Self.nameFlags) }
        names = ""
        let index = X509_get_ext_by_NID(certificate, Int32(VEBRIDGE_NID_SUBJECT_ALT_NAME), -1)
        if index >= 0, let extension_ = X509_get_ext(certificate, index) {
            names = Self.text(limit: 400) { X509V3_EXT_print($0, extension_, 0, 0) }
        }
        validFrom = Self.date(X509_get0_notBefore(certificate))
        validUntil = Self.date(X509_get0_notAfter(certificate))
        var digest = [UInt8](repeating: 0, count: 64)
        var count: UInt32 = 0
        let isDigested = X509_digest(certificate, EVP_sha256(), &digest, &count) == 1
        fingerprint = isDigested ? CertificateFingerprint(bytes: Array(digest.prefix(Int(count)))) : nil
    }

    /// One clause for the log: everything that tells this certificate from another.
    var words: String {
        let fingerprint = fingerprint.map { ", \($0)" } ?? ""
        return """
            subject \(subject.isEmpty ? "none" : subject), names \(names.isEmpty ? "none" : names), \
            issuer \(issuer.isEmpty ? "none" : issuer), valid \(validFrom) to \(validUntil)\(fingerprint)
            """
    }

    // As RFC 2253 has names, but in the order of the certificate and in UTF-8.
    private static let nameFlags = UInt(VEBRIDGE_NAME_FLAGS)

    /// What is printed into a memory buffer. The other end wrote it: control characters become '?', and it ends
    /// somewhere.
    private static func text(limit: Int, _ print: (OpaquePointer) -> Int32) -> String {
        guard let buffer = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(buffer) }
        guard print(buffer) >= 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: limit * 4)
        let count = BIO_read(buffer, &bytes, Int32(bytes.count))
        let text = String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
        let clean = text.unicodeScalars.map {
            $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : Character($0)
        }
        return clean.count > limit ? String(clean.prefix(limit)) + "…" : String(clean)
    }

    private static func date(_ time: OpaquePointer?) -> String {
        var seconds: Int64 = 0
        return vebridge_tls_seconds(time, &seconds) ? LogLine.timestamp(time_t(seconds)) : "?"
    }
}
