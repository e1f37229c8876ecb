/// One thing that is wrong with a configuration: where, what, and what would be right.
public struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named by who asked for it.
    public var file: String
    /// The line, counted from 1; nil where the file as a whole is meant.
    public var line: Int?
    /// What is wrong.
    public var message: String
    /// What would be right; nil where the message says it already.
    public var hint: String?

    /// Makes a diagnostic.
    public init(file: String, line: Int?, message: String, hint: String? = nil) {
        self.file = file
        self.line = line
        self.message = message
        self.hint = hint
    }

    /// `vebridge.toml:12: unknown key 'brokr': did you mean 'broker'?`
    public var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return "\(place): \(message)" + (hint.map { ": \($0)" } ?? "")
    }
}

/// Everything that is wrong with a configuration, in the order of the lines.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The faults; never empty.
    public var diagnostics: [Diagnostic]

    /// Puts the faults in the order of their lines; those about the whole file come first.
    init(_ diagnostics: [Diagnostic]) {
        // The sort is stable: faults of one line keep the order in which they were found.
        self.diagnostics = diagnostics.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
    }

    /// The faults, one a line.
    public var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}

/// What is wrong with one value, before it is known where it stands.
struct Problem: Error, Sendable, Equatable {
    var message: String
    var hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}
