import Glibc
import Testing

/// The files that tests read: the package's own, and the captures of real devices that lie beside the package where
/// somebody has put them.
enum ProjectFiles {
    /// The folder that holds `Package.swift`.
    static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// The captures' folder; nil where there is none, and then the tests that need it are skipped.
    static let captures: String? = {
        let folder = root.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/shared/vedirect/captures"
        return read(folder + "/index.tsv") == nil ? nil : folder
    }()

    /// What to say when a test is skipped for want of captures.
    static let captureHint: Comment = "the captures of real devices are not beside the package"

    /// The bytes of a file; nil where it cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return ferror(file) == 0 ? bytes : nil
    }

    /// The text of a file of the package.
    static func text(_ path: String) throws -> String {
        guard let bytes = read(root + "/" + path) else { throw MissingFile(path: path) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Replaces the text of a file of the package.
    static func write(_ text: String, to path: String) throws {
        guard let file = fopen(root + "/" + path, "wb") else { throw MissingFile(path: path) }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw MissingFile(path: path) }
    }

    /// The files below a folder of the package whose names end in `suffix`, sorted.
    static func list(_ folder: String, suffix: String) -> [String] {
        guard let directory = opendir(root + "/" + folder) else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            let path = folder + "/" + name
            if name.hasSuffix(suffix) { found.append(path) }
            found += list(path, suffix: suffix)
        }
        return found.sorted()
    }

    struct MissingFile: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(path): no such file in the package, or not writable" }
    }
}
