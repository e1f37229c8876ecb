import Glibc

/// Looks for the reasons why it does not work here.
///
/// It takes its facts from ``SystemFacts``, changes nothing, and leaves alone what a running daemon holds.
public struct Doctor: Sendable {
    let configuration: Configuration
    let facts: SystemFacts
    /// Whether chargers and brokers are spoken to.
    let asks: Bool
    /// The files of secrets that this user does not see, and the variables that only the service has, as `$NAME`.
    let hiddenSecrets: [String]
    /// Whether ports or brokers were named by the one who asks, who then opens them too.
    let isByHand: Bool

    /// A doctor for a configuration that is valid.
    ///
    /// - Parameters:
    ///   - hiddenSecrets: the secrets that could not be read: what a broker says without its own is no fault.
    ///   - asks: whether ports that nobody holds and brokers are spoken to.
    ///   - isByHand: whether ports or brokers were named on the command line: it is this user who is to open them.
    public init(
        _ configuration: Configuration, hiddenSecrets: [String] = [], facts: SystemFacts = SystemFacts(),
        asks: Bool = true, isByHand: Bool = false
    ) {
        self.configuration = configuration
        self.hiddenSecrets = hiddenSecrets
        self.facts = facts
        self.asks = asks
        self.isByHand = isByHand
    }

    /// A configuration as the doctor takes it: secrets that the service has and this user has not are no fault of it.
    ///
    /// - Returns: the configuration, and the secrets that are not to be seen: files, and variables as `$NAME`.
    public static func load(
        _ file: String, facts: SystemFacts = SystemFacts()
    ) throws(ConfigurationError) -> (configuration: Configuration, hiddenSecrets: [String]) {
        do throws(ConfigurationError) {
            return (try Configuration.load(file: file), [])
        } catch {
            // In digits, for it may be the place of a key.
            let placeholder = "00000000"
            var hidden: [String] = []
            let hasService = Doctor(Configuration(), facts: facts).isServicesFile(file)
            let lenient = try? Configuration.load(
                file: file,
                missingVariable: { name in
                    guard hasService else { return nil }
                    hidden.append("$" + name)
                    return placeholder
                },
                readSecret: { (path: String) throws(FileReadError) -> [UInt8] in
                    do throws(FileReadError) {
                        return try Configuration.readSecretFile(path)
                    } catch {
                        let isOthers = error == FileReadError(code: EACCES)
                        guard isOthers || path.hasPrefix("/run/credentials/") else { throw error }
                        hidden.append(path)
                        return Array(placeholder.utf8)
                    }
                })
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
            configurationFile, secrets, service, instances, ports, neighbours, buses, clock, state, updates, brokers,
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
