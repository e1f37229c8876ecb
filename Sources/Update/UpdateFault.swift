import Glibc

/// Why an update is not taken, in words that say what would be right.
public struct UpdateFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The words.
    public let description: String

    /// A fault.
    public init(_ description: String) { self.description = description }

    /// What the system said about a file.
    static func file(_ doing: String, _ path: String, _ number: Int32 = errno) -> UpdateFault {
        UpdateFault("cannot \(doing) \(path): \(String(cString: strerror(number)))")
    }
}
