import Testing

@testable import Bridge

@Suite struct UpdateConfigurationTests {
    private static let key = String(repeating: "3f", count: 32)
    private static let state = "[bridge]\nstate_directory = \"/var/lib/vebridge\"\n"

    private func faults(_ text: String) -> [String] {
        do {
            _ = try Configuration.parse(text: text, file: "v.toml")
            return []
        } catch {
            return error.diagnostics.map(\.description)
        }
    }

    @Test func isOffAsItComes() throws {
        let configuration = try Configuration.parse(text: "", file: "v.toml")
        #expect(configuration.updates == .init())
        #expect(UpdateWatch(configuration, isWanted: true, mailbox: Mailbox(), log: .init(label: "test")).desk == nil)
    }

    @Test func saysWhatIsWrong() {
        #expect(
            faults("[update]\nkey = \"3f\"") == [
                "v.toml:2: 'update.key' is no key: write the 64 hexadecimal digits that 'vebridge update key FILE' prints"
            ])
        #expect(
            faults("[update]\nurl = \"https://host/x\"") == [
                "v.toml:2: 'update.url' is given, and no 'update.key' that updates must be signed with: "
                    + "add the key that 'vebridge update key FILE' prints"
            ])
        #expect(
            faults("[update]\nkey = \"\(Self.key)\"") == [
                "v.toml:2: 'update.key' needs a place where an update is laid ready: "
                    + "add state_directory = \"/var/lib/vebridge\" below [bridge]"
            ])
        #expect(
            faults("\(Self.state)[update]\nkey = \"\(Self.key)\"\nurl = \"/srv/x\"") == [
                "v.toml:5: 'update.url' cannot be \"/srv/x\": write https://host/file, http://host/file or file:///path"
            ])
    }

    /// The helper may not read the daemon's secrets, and goes back however the file looks.
    @Test func isReadWithoutSecretsAndBesideFaults() throws {
        let text = """
            nonsense = 1
            \(Self.state)[broker]
            password_file = "/nowhere/at/all"
            url = 7
            [update]
            key = "\(Self.key)"
            """
        #expect(!faults(text).isEmpty)
        let configuration = try Configuration.parseUpdates(text: text, file: "v.toml")
        #expect(configuration.updates.key == Self.key)
        #expect(configuration.bridge.stateDirectory == "/var/lib/vebridge")
        for text in ["[update]\nkey = \"3f\"", "[update]\nkey = \"\(Self.key)\"", "[update]\nurl = \"x\"", "[update\n"]
        {
            #expect(throws: ConfigurationError.self) { try Configuration.parseUpdates(text: text, file: "v.toml") }
        }
    }
}
