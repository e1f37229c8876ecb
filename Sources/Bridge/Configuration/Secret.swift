/// A text that must not be seen: a password.
///
/// However it is printed, dumped or put into a string, it reads as three dots. It is not `Encodable`, so that no
/// encoder can write it out either. Only ``reveal()`` gives the text, and a reader of the code can look for it.
public struct Secret: Sendable, Equatable {
    private let text: String

    /// Hides `text`.
    public init(_ text: String) {
        self.text = text
    }

    /// The text itself: for the call that needs it, never for a log.
    public func reveal() -> String { text }

    /// What stands for every secret, whatever its length.
    static let dots = "•••"
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Three dots.
    public var description: String { Secret.dots }
    /// Three dots.
    public var debugDescription: String { Secret.dots }
    /// No children: `dump` and the descriptions of what holds a secret look here.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
