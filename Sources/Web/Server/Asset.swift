import NIOCore

/// A file of the page, as it is in the program.
struct Asset: Sendable {
    let contentType: String
    let bytes: ByteBuffer
    /// Made of its contents: another version has another one.
    let tag: String

    private init(_ bytes: [UInt8], _ contentType: String) {
        self.contentType = contentType
        self.bytes = ByteBuffer(bytes: bytes)
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        tag = "\"" + String(hash, radix: 16) + "\""
    }

    /// Every file by its path.
    static let all: [String: Asset] = [
        "/": Asset(PackageResources.index_html, "text/html; charset=utf-8"),
        "/style.css": Asset(PackageResources.style_css, "text/css; charset=utf-8"),
        "/page.js": Asset(PackageResources.page_js, "text/javascript; charset=utf-8"),
        "/words.js": Asset(PackageResources.words_js, "text/javascript; charset=utf-8"),
        "/charts.js": Asset(PackageResources.charts_js, "text/javascript; charset=utf-8"),
        "/icon.svg": Asset(PackageResources.icon_svg, "image/svg+xml"),
        "/manifest.webmanifest": Asset(PackageResources.manifest_webmanifest, "application/manifest+json"),
        "/api/v1/openapi.json": Asset(PackageResources.openapi_json, "application/json"),
    ]
}
