/// Whom to trust at the other end of an encrypted connection, and how to say who we are.
///
/// All files are PEM; they are read anew for every connection, so a renewed certificate is used without a restart. TLS
/// 1.2 is the oldest version spoken.
public struct TLSSettings: Sendable, Hashable {
    /// A key that both ends know, in place of certificates.
    public struct PreSharedKey: Sendable, Hashable {
        /// The name under which the other end knows the key, at most 127 bytes.
        public var identity: String
        /// The key, 1 to 256 bytes.
        public var key: [UInt8]

        /// Names a key.
        public init(identity: String, key: [UInt8]) {
            self.identity = identity
            self.key = key
        }

        /// A key in hex digits, as mosquitto's `psk_file` has it; nil for anything else.
        public init?(identity: String, hex: String) {
            var bytes: [UInt8] = []
            let digits = Array(hex.utf8)
            guard !digits.isEmpty, digits.count % 2 == 0, digits.count <= 512 else { return nil }
            for pair in stride(from: 0, to: digits.count, by: 2) {
                guard digits[pair] != UInt8(ascii: "+"), digits[pair] != UInt8(ascii: "-"),
                    let byte = UInt8(String(decoding: digits[pair..<(pair + 2)], as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(byte)
            }
            self.init(identity: identity, key: bytes)
        }
    }

    /// Certificates of the authorities to trust; `nil` trusts those of the system.
    public var authorities: String?
    /// Our certificate, for servers that want one; needs `key`.
    public var certificate: String?
    /// Our private key, without a passphrase; needs `certificate`.
    public var key: String?
    /// Whether the server's certificate must name the host we connect to. Off makes it easy to pose as the server.
    public var checksHostName: Bool
    /// The name that the server's certificate must carry; `nil` for the host that we connect to.
    public var serverName: String?
    /// The certificates that are accepted, whoever signed them and whatever they name; empty for those that an
    /// authority vouches for. More than one lets a certificate be changed without a gap.
    public var pins: [CertificateFingerprint]
    /// A file that keeps the certificate of the first connection as the one to accept ever after; `nil` for none.
    public var trustFile: String?
    /// A key in place of certificates; `nil` for certificates.
    public var preSharedKey: PreSharedKey?

    /// Trusts the system's authorities unless told otherwise.
    public init(
        authorities: String? = nil, certificate: String? = nil, key: String? = nil, checksHostName: Bool = true,
        serverName: String? = nil, pins: [CertificateFingerprint] = [], trustFile: String? = nil,
        preSharedKey: PreSharedKey? = nil
    ) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
        self.checksHostName = checksHostName
        self.serverName = serverName
        self.pins = pins
        self.trustFile = trustFile
        self.preSharedKey = preSharedKey
    }
}
