import Bridge
import NIOCore
import NIOHTTP1

/// What a request is answered.
struct Answer: Sendable {
    var status: HTTPResponseStatus = .ok
    var contentType = "application/json"
    var body = ByteBuffer()
    /// Beside those that every answer has.
    var headers: [(String, String)] = []
    /// What the answer is known by; with it the browser may keep it and ask whether it is still right.
    var tag: String?
    /// Whether the connection ends with it.
    var closes = false

    /// Text of some kind.
    init(_ text: String, _ contentType: String = "application/json", status: HTTPResponseStatus = .ok) {
        self.status = status
        self.contentType = contentType
        body = ByteBuffer(string: text)
    }

    /// Something that is part of the program.
    init(_ asset: Asset) {
        contentType = asset.contentType
        body = asset.bytes
        tag = asset.tag
    }

    /// Something that cannot be given; the code is for programs, the words are for people.
    static func failure(_ status: HTTPResponseStatus, _ code: String, _ words: String) -> Answer {
        let text = JSONText.object([("error", JSONText.quoted(code)), ("message", JSONText.quoted(words))])
        return Answer(text + "\n", status: status)
    }

    /// What every answer says to a browser: nothing from elsewhere, no frame around it, no guessing of types.
    static let security: [(String, String)] = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ]
}
