import Glibc

/// Looks for the reasons why it does not work here.
///
/// It takes its facts from ``SystemFacts``, changes nothing, and leaves alone what a running daemon holds.
public struct Doctor: Sendable {
    let configuration: Configuration
    let facts: SystemFacts
    /// Whether chargers and brokers are spoken to.
    let asks: Bool
    /// The files of secrets that this user does not see.
    let hiddenSecrets: [String]

    /// A doctor for a configuration that is valid.
    ///
    /// - Parameters:
    ///   - hiddenSecrets: the files of secrets that could not be read: brokers are not asked without them.
    ///   - asks: whether ports that nobody holds and brokers are spoken to.
    public init(
        _ configuration: Configuration, hiddenSecrets: [String] = [], facts: SystemFacts = SystemFacts(),
        asks: Bool = true
    ) {
        self.configuration = configuration
        self.hiddenSecrets = hiddenSecrets
        self.facts = facts
        self.asks = asks
    }

    /// A configuration as the doctor takes it: secrets that the service has and this user has not are no fault of it.
    ///
    /// - Returns: the configuration, and the files of secrets that are not to be seen.
    public static func load(
        _ file: String
    ) throws(ConfigurationError) -> (configuration: Configuration, hiddenSecrets: [String]) {
        do throws(ConfigurationError) {
            return (try Configuration.load(file: file), [])
        } catch {
            var hidden: [String] = []
            let lenient = try? Configuration.load(file: file) { (path: String) throws(FileReadError) -> [UInt8] in
                do throws(FileReadError) {
                    return try Configuration.readSecretFile(path)
                } catch {
                    let isOthers = error == FileReadError(code: EACCES)
                    guard isOthers || path.hasPrefix("/run/credentials/") else { throw error }
                    hidden.append(path)
                    return Array("not seen".utf8)
                }
            }
            guard let lenient else { throw error }
            return (lenient, hidden)
        }
    }

    /// The findings for a configuration that cannot be read: each fault with its line.
    public static func findings(of error: ConfigurationError) -> [Finding] {
        error.diagnostics.map { diagnostic in
            let place = diagnostic.line.map { "\(diagnostic.file):\($0)" } ?? diagnostic.file
            let remedy =
                diagnostic.hint ?? "sudoedit \(diagnostic.file)" + (diagnostic.line.map { "   # line \($0)" } ?? "")
            return Finding("configuration", .fault, place, diagnostic.message, remedy: remedy)
        }
    }

    /// Every finding, in the order in which data flows.
    ///
    /// - Parameter report: is told each finding as it comes; brokers and ports take their time.
    @discardableResult
    public func examine(_ report: (Finding) -> Void = { _ in }) -> [Finding] {
        var findings: [Finding] = []
        let checks = [
            configurationFile, secrets, service, others, ports, neighbours, buses, clock, state, updates, brokers,
        ]
        for check in checks {
            for finding in check() {
                findings.append(finding)
                report(finding)
            }
        }
        return findings
    }

    func configurationFile() -> [Finding] {
        let file = configuration.file
        return [
            Finding(
                "configuration", .good, file.isEmpty ? "command line" : file,
                file.isEmpty ? "no file, and every option valid" : "valid")
        ]
    }

    /// A line of the configuration, as the command with which it gets there.
    func edit(_ line: String) -> String {
        configuration.file.isEmpty ? line : "sudoedit \(configuration.file)   # \(line)"
    }
}
