import Glibc

/// Why an update is not taken, in words that say what would be right.
public struct UpdateFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The words.
    public let description: String
    /// Whether it is this machine that failed, and not the update: a disk that is full, a shutdown. It is worth trying
    /// again.
    public let isOfMachine: Bool

    /// A fault of the update.
    public init(_ description: String) { self.init(description, isOfMachine: false) }

    init(_ description: String, isOfMachine: Bool) {
        self.description = description
        self.isOfMachine = isOfMachine
    }

    /// What the system said about a file. What cannot be read may be wrong with the update; what cannot be written is
    /// wrong with the machine.
    static func file(_ doing: String, _ path: String, _ number: Int32 = errno) -> UpdateFault {
        let isOfMachine =
            ["write", "make", "set", "remove"].contains(doing)
            || [EMFILE, ENFILE, ENOMEM].contains(number)
        return UpdateFault(
            "cannot \(doing) \(path): \(String(cString: strerror(number)))", isOfMachine: isOfMachine)
    }
}
