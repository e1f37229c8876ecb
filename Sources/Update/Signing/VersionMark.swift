import Glibc

/// The version of a program, as it stands in the program's file: `vebridge-version 0.2.0` and a line's end.
///
/// Whoever signs an update reads it there and need not run the program, which may be for another kind of machine.
public enum VersionMark {
    private static let name = "vebridge-version "

    /// The version in a mark.
    public static func version(_ mark: StaticString) -> String {
        String(mark.description.dropFirst(name.utf8.count).dropLast())
    }

    /// The version in a program's file.
    ///
    /// - Throws: that the file cannot be read, or is not vebridge.
    public static func version(inProgram path: String) throws(UpdateFault) -> SoftwareVersion {
        let bytes = try readWhole(path, limit: UpdateManifest.maximumSize)
        let version: SoftwareVersion? = bytes.withUnsafeBytes { file in
            let pattern = Array(name.utf8)
            var start = 0
            while let base = file.baseAddress, start + pattern.count < file.count,
                let found = memchr(base + start, Int32(pattern[0]), file.count - start - pattern.count)
            {
                let next = base.distance(to: UnsafeRawPointer(found))
                start = next + 1
                guard memcmp(found, pattern, pattern.count) == 0 else { continue }
                // What looks for the mark has its beginning in it, too.
                let digits = file[(next + pattern.count)...].prefix(41).prefix { $0 != 0x0A }
                let isWhole = digits.endIndex < file.count && file[digits.endIndex] == 0x0A
                if isWhole, let version = SoftwareVersion(String(decoding: digits, as: UTF8.self)) { return version }
            }
            return nil
        }
        guard let version else { throw UpdateFault("\(path) is not vebridge: it does not say which version it is") }
        return version
    }
}
