import Testing

@testable import Bridge

/// Reads a text that should be right.
func configuration(
    _ text: String, file: String = "vebridge.toml", environment: [String: String] = [:],
    secrets: [String: String] = [:]
) throws -> Configuration {
    try Configuration.parse(
        text: text, file: file, environment: environment,
        readSecret: { path throws(FileReadError) in
            guard let secret = secrets[path] else { throw FileReadError(reason: "does not exist") }
            return Array(secret.utf8)
        })
}

/// What is wrong with a text, a line each; empty if nothing is.
func faults(
    _ text: String, file: String = "vebridge.toml", environment: [String: String] = [:],
    secrets: [String: String] = [:]
) -> [String] {
    do {
        _ = try configuration(text, file: file, environment: environment, secrets: secrets)
        return []
    } catch {
        return "\(error)".split(separator: "\n").map(String.init)
    }
}

/// The example file with the `#` before every option taken away.
func uncommentedExample() -> [String] {
    Configuration.exampleFile().split(separator: "\n", omittingEmptySubsequences: false).map { line in
        line.hasPrefix("#") && !line.hasPrefix("# ") ? String(line.dropFirst()) : String(line)
    }
}
