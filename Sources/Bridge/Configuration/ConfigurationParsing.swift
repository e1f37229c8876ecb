extension Configuration {
    /// Reads a configuration from TOML.
    ///
    /// - Parameters:
    ///   - text: the TOML text, with LF or CRLF.
    ///   - file: the name to give in messages; relative paths in the text are meant from its directory.
    ///   - environment: the variables that `password_env` may name.
    ///   - missingVariable: gives what to take for a variable that is not set; nil: that is a fault.
    ///   - readSecret: gives the bytes of the file that `password_file` names.
    /// - Throws: everything that is wrong, with lines. No message holds a secret.
    public static func parse(
        text: String, file: String, environment: [String: String] = [:],
        missingVariable: (_ name: String) -> String? = { _ in nil },
        readSecret: (_ path: String) throws(FileReadError) -> [UInt8] = Configuration.readSecretFile
    ) throws(ConfigurationError) -> Configuration {
        var reader = ConfigurationReader(text: text, file: file)
        reader.readOptions()
        reader.checkTogether()
        reader.takeSecrets(variable: { environment[$0] ?? missingVariable($0) }, readSecret: readSecret)
        guard reader.diagnostics.isEmpty else { throw ConfigurationError(reader.diagnostics) }
        return reader.configuration
    }

    /// Reads what a TOML text says of updates and of the state directory, whatever is wrong with the rest of it.
    ///
    /// No secret is looked for: whoever installs updates may not read them, and has to be able to go back however the
    /// file looks. Everything else is as it comes.
    ///
    /// - Throws: what is wrong with these options, or that the text cannot be read at all.
    static func parseUpdates(text: String, file: String) throws(ConfigurationError) -> Configuration {
        var reader = ConfigurationReader(text: text, file: file)
        guard reader.diagnostics.isEmpty else { throw ConfigurationError(reader.diagnostics) }
        reader.readOptions()
        let faults = reader.faultsOfUpdates()
        guard faults.isEmpty else { throw ConfigurationError(faults) }
        var configuration = Configuration()
        configuration.updates = reader.configuration.updates
        configuration.bridge.stateDirectory = reader.configuration.bridge.stateDirectory
        return configuration
    }
}
