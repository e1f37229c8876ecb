import Synchronization

/// Lines for standard output, written many at a time where nobody waits for each.
final class LineBuffer: Sendable {
    private let text = Mutex("")
    private static let size = 65_536

    /// Adds a line; with `now` it is written at once.
    func print(_ line: String, now: Bool) {
        let full = text.withLock { text -> String? in
            text += line + "\n"
            guard now || text.utf8.count >= Self.size else { return nil }
            defer { text = "" }
            return text
        }
        if let full { Terminal.draw(full) }
    }

    /// Writes what waits.
    func flush() {
        let rest = text.withLock { text -> String in
            defer { text = "" }
            return text
        }
        if !rest.isEmpty { Terminal.draw(rest) }
    }
}
