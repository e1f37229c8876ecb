import COpenSSL
import Glibc

/// The public key that updates must be signed with: Ed25519, 64 hexadecimal digits (RFC 8032).
public struct UpdateKey: Sendable, Hashable, LosslessStringConvertible {
    private let bytes: [UInt8]

    /// Reads a key; nil for what is no 64 digits.
    public init?(_ description: String) {
        guard let bytes = Hexadecimal.bytes(description, count: 32) else { return nil }
        self.bytes = bytes
    }

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    /// The 64 digits.
    public var description: String { Hexadecimal.text(bytes) }

    /// Whether the owner of this key signed exactly these bytes.
    public func verifies(_ message: [UInt8], signature: [UInt8]) -> Bool {
        guard signature.count == 64 else { return false }
        defer { ERR_clear_error() }
        guard let key = EVP_PKEY_new_raw_public_key(Int32(VEBRIDGE_PKEY_ED25519), nil, bytes, bytes.count)
        else { return false }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// The private key of whoever makes updates. It never has to be on a machine that takes them.
public struct UpdateSigningKey: Sendable {
    private let seed: [UInt8]
    /// What belongs into the configuration of those who take the updates.
    public let publicKey: UpdateKey

    /// A new key, out of the kernel's randomness.
    public init() throws(UpdateFault) {
        // On Linux this is getrandom(2).
        var random = SystemRandomNumberGenerator()
        try self.init(seed: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }

    /// The key in a file that ``write(to:)`` wrote.
    public init(file: String) throws(UpdateFault) {
        let bytes = try readWhole(file, limit: 1024)
        let digits = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let seed = Hexadecimal.bytes(digits, count: 32) else {
            throw UpdateFault("\(file) holds no key: 'vebridge update key \(file).new' makes one")
        }
        try self.init(seed: seed)
    }

    private init(seed: [UInt8]) throws(UpdateFault) {
        self.seed = seed
        guard let key = Self.load(seed) else { throw UpdateFault("the key cannot be used: OpenSSL lacks Ed25519") }
        defer { EVP_PKEY_free(key) }
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, count == 32 else {
            throw UpdateFault("the key cannot be used: it has no public part")
        }
        publicKey = UpdateKey(bytes: bytes)
    }

    /// Writes the key to a file that only its owner may read. There must be none yet.
    public func write(to path: String) throws(UpdateFault) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file("write", path) }
        defer { close(descriptor) }
        try writeWhole(Array((Hexadecimal.text(seed) + "\n").utf8), to: descriptor, path)
        guard fsync(descriptor) == 0 else { throw .file("write", path) }
    }

    /// Signs these bytes: 64 bytes.
    public func signature(of message: [UInt8]) throws(UpdateFault) -> [UInt8] {
        defer { ERR_clear_error() }
        let failure = UpdateFault("the manifest cannot be signed")
        guard let key = Self.load(seed) else { throw failure }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { throw failure }
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var count = signature.count
        guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1,
            EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == 64
        else { throw failure }
        return signature
    }

    private static func load(_ seed: [UInt8]) -> OpaquePointer? {
        EVP_PKEY_new_raw_private_key(Int32(VEBRIDGE_PKEY_ED25519), nil, seed, seed.count)
    }
}

/// SHA-256 of bytes that come piece by piece.
struct ProgramDigest: ~Copyable {
    private let context: OpaquePointer

    init() throws(UpdateFault) {
        guard let context = EVP_MD_CTX_new() else { throw UpdateFault("no memory for a digest") }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw UpdateFault("OpenSSL lacks SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    func add(_ bytes: UnsafeRawBufferPointer) { _ = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

    consuming func value() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        _ = EVP_DigestFinal_ex(context, &digest, nil)
        return digest
    }
}
