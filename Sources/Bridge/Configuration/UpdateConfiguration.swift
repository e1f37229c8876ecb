import Update

extension Configuration {
    /// Updates from afar.
    public struct Updates: Sendable, Equatable {
        /// The public key that updates must be signed with, 64 hexadecimal digits; empty: there are no updates.
        public var key = ""
        /// Where updates are looked for; empty: only what is offered over MQTT is taken.
        public var url = ""
        /// How often ``url`` is looked at; zero: only when asked to.
        public var interval = Duration.seconds(86_400)
        /// Where the helper keeps the versions.
        public var directory = VersionStore.standardPath

        /// The defaults.
        public init() {}
    }
}

extension OptionCatalogue {
    static let update = Section(
        name: "update",
        summary: "Signed updates from afar; off unless there is a key. See docs/updates.md.",
        options: [
            .text(
                "key", \.updates.key, allowed: "64 hexadecimal digits, or \"\"",
                """
                The public key of whoever makes the updates, as 'vebridge update key' prints it. Empty: no update is \
                taken. Needs bridge.state_directory.
                """, check: updateKey),
            .text(
                "url", \.updates.url, allowed: "an address, or \"\"",
                """
                Where an update may be offered, such as "https://example.org/vebridge-x86_64.update" or \
                "file:///srv/vebridge-x86_64.update". Empty: only what is offered over MQTT is taken.
                """, check: updateAddress),
            .duration(
                "interval", \.updates.interval, .seconds(60) ... .seconds(2_592_000), zero: "only when asked",
                "How often url is looked at; the first time a minute after the start."),
            .path(
                "directory", \.updates.directory, allowed: "a path",
                """
                Where the helper keeps the versions that it installed; only root may write there. The units of the \
                package expect it, and the state directory, where they are by default.
                """),
        ])

    private static func updateKey(_ text: String) throws(Problem) {
        guard text.isEmpty || UpdateKey(text) != nil else {
            throw Problem("is no key", hint: "write the 64 hexadecimal digits that 'vebridge update key FILE' prints")
        }
    }

    private static func updateAddress(_ text: String) throws(Problem) {
        guard !text.isEmpty else { return }
        do throws(UpdateFault) {
            _ = try UpdateAddress(parsing: text)
        } catch {
            throw Problem("cannot be \(tomlQuoted(text))", hint: error.description)
        }
    }
}
