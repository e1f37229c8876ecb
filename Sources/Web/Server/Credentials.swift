import Bridge

/// Whether who asks has said the secret.
struct Credentials: Sendable {
    private let password: Secret?
    private let token: Secret?

    init(_ web: Configuration.Web) {
        password = web.password
        token = web.token
    }

    /// Whether there is anything to say.
    var areWanted: Bool { password != nil || token != nil }

    /// What kind of secret a request carries.
    enum Scheme: Hashable, Sendable {
        /// `Basic`, and whatever is unknown.
        case password
        /// `Bearer`.
        case token
    }

    /// A token of so many bytes is not found by trying.
    static let unguessableLength = 16

    /// The kind of secret in an `Authorization` header.
    static func scheme(_ header: String) -> Scheme {
        header.prefix { $0 != " " }.lowercased() == "bearer" ? .token : .password
    }

    /// Whether the token is too long to be guessed, so that it is checked even for an address that is locked out.
    var hasUnguessableToken: Bool { (token?.reveal().utf8.count ?? 0) >= Self.unguessableLength }

    /// Whether an `Authorization` header holds the password (with any user) or the token.
    func allow(_ header: String?) -> Bool {
        guard areWanted else { return true }
        guard let header, let space = header.firstIndex(of: " ") else { return false }
        let rest = String(header[header.index(after: space)...].drop { $0 == " " })
        switch header[..<space].lowercased() {
        case "bearer": return token.map { Self.areEqual(Array($0.reveal().utf8), Array(rest.utf8)) } ?? false
        case "basic":
            guard let password, let decoded = Self.decodedBase64(rest),
                let colon = decoded.firstIndex(of: UInt8(ascii: ":"))
            else { return false }
            return Self.areEqual(Array(password.reveal().utf8), Array(decoded[(colon + 1)...]))
        default: return false
        }
    }

    /// In a time that does not tell where they differ.
    private static func areEqual(_ secret: [UInt8], _ given: [UInt8]) -> Bool {
        var difference = secret.count ^ given.count
        for index in given.indices { difference |= Int(given[index] ^ secret[index % max(1, secret.count)]) }
        return difference == 0
    }

    private static func decodedBase64(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits = 0
        var count = 0
        for byte in text.utf8 {
            let six: Int
            switch byte {
            case 0x41...0x5A: six = Int(byte) - 0x41
            case 0x61...0x7A: six = Int(byte) - 0x61 + 26
            case 0x30...0x39: six = Int(byte) - 0x30 + 52
            case UInt8(ascii: "+"): six = 62
            case UInt8(ascii: "/"): six = 63
            case UInt8(ascii: "="): continue
            default: return nil
            }
            bits = (bits << 6 | six) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return bytes
    }
}
