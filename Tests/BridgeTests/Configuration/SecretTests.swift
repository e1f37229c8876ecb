import Testing

@testable import Bridge

@Suite("Secrets")
struct SecretTests {
    /// The password in every test; it must not turn up in any text.
    static let password = "hunter2"

    @Test("a secret reads as dots however it is written")
    func dots() {
        let secret = Secret(Self.password)
        var dumped = ""
        dump(secret, to: &dumped)
        dump([Optional(secret)], to: &dumped)
        let texts = ["\(secret)", String(reflecting: secret), "\(Optional(secret) as Any)", dumped]
        for text in texts { #expect(!text.contains(Self.password) && text.contains("•••")) }
        #expect(secret.reveal() == Self.password)
        #expect(!((secret as Any) is any Encodable))
    }

    @Test(
        "the password comes from one of four places, and no description of the configuration shows it",
        arguments: [
            "password = \"hunter2\"\nusername = \"u\"", "password_file = \"/secret\"\nusername = \"u\"",
            "password_env = \"PASS_WORD\"\nurl = \"mqtt://u@h\"", "url = \"mqtt://u:hunter2@h\"",
        ])
    func sources(lines: String) throws {
        let read = try configuration(
            "[broker]\n" + lines, environment: ["PASS_WORD": Self.password], secrets: ["/secret": Self.password + "\n"])
        #expect(read.broker.password?.reveal() == Self.password)
        #expect(read.broker.username == "u")
        var dumped = ""
        dump(read, to: &dumped)
        for text in ["\(read)", String(reflecting: read), dumped, read.redactedDescription()] {
            #expect(!text.contains(Self.password))
        }
        #expect(read.redactedDescription().contains("broker.password = \"•••\""))
    }

    @Test(
        "a fault in or beside a secret never quotes it",
        arguments: [
            "password = hunter2", "password = \"hunter2", "password = 'hunter2", "password = \"\"\"hunter2\n",
            "password = \"\\hunter2\"", "password = [\"hunter2\"]", "password = { a = \"hunter2\" }",
            "password = thunter2",
            "password = 0xhunter2", "password = 1hunter2", "password = +hunter2", "password \"hunter2\"",
            "password: \"hunter2\"", "password = \"hunter2\" hunter2", "passwrd = \"hunter2\"", "passwrd = thunter2",
            "passwrd = 1hunter2", "password = \"hunter2\"\npassword = \"hunter2\"", "password = \"hunter2\"",
            "password = {hunter2", "password = [hunter2", "password = 2hunter2 # hunter2",
            "password_env = \"hunter2\"\nusername = \"u\"", "password_env = \"HUNTER2 hunter2\"",
            "password_env = \"$hunter2\"", "password_file = \"hunter2\"\nusername = \"u\"", "password_env = hunter2",
            "url = \"mqtt://u:hunter2@h:x\"", "url = mqtt://u:hunter2@h", "url = \"mqtt://u:hunter2@h",
            "url = [\"u:hunter2\"]",
            "url = \"mqtt://u:hunter2@h\"\npassword = \"hunter2\"", "tls = { password = thunter2 }",
            "password = 1979-05-hunter2",
            "password = trhunter2", "password = \"hunter2\\u000\"", "password = 0b1hunter2",
        ])
    func faulty(lines: String) {
        for text in ["[broker]\n" + lines, lines, "[broker]\n" + lines + "\nqos = 1\n", "broker = { \(lines) }"] {
            let found = faults(text)
            #expect(!found.isEmpty, "\(text)")
            #expect(!found.contains { $0.contains(Self.password) }, "\(found)")
        }
    }

    @Test(
        "nor does the parser, which quotes a number that is too long",
        arguments: ["password", "passwrd", "url", "password_env"])
    func digits(key: String) {
        let found = faults("[broker]\n\(key) = 98765432109876543210\n[schema]\nqos = 12345678901234567890\n")
        #expect(found.count == 2)
        #expect(!found.contains { $0.contains("98765432") }, "\(found)")
        #expect(found.last?.contains("12345678901234567890") == true, "where nothing is secret, it may: \(found)")
    }

    @Test("whatever character around a secret is changed, added or lost, no fault quotes it")
    func damaged() {
        let text = Array(
            "[broker]\nurl = \"mqtt://u:hunter2@h:1\"\npassword = \"hunter2\" # x\npassword_env = \"hunter2\"\n[log]\n")
        for position in 0...text.count {
            for piece in [
                "", "\"", "'", "\"\"\"", "\n", "=", "[", "]", "{", ",", "#", "\\", ".", " ", "1", "t", "@", "/", "%",
            ] {
                for kept in [position, min(position + 1, text.count)] {
                    let found = faults(String(text[..<position]) + piece + String(text[kept...]))
                    #expect(!found.contains { $0.contains(Self.password) }, "\(found)")
                }
            }
        }
    }

    @Test("a file or variable that gives no password is named, with the line")
    func missing() {
        let file = "[broker]\nusername = \"u\"\npassword_file = \"/run/x\"\n"
        #expect(faults(file) == ["vebridge.toml:3: 'broker.password_file': the file \"/run/x\" does not exist"])
        #expect(
            faults(file, secrets: ["/run/x": "\n"]) == ["vebridge.toml:3: 'broker.password_file': the file is empty"])
        #expect(
            faults(file, secrets: ["/run/x": "a\nb\n"]) == [
                "vebridge.toml:3: 'broker.password_file': the file holds more than a password: one line is the password"
            ])
        #expect(
            faults("[broker]\nusername = \"u\"\npassword_env = \"MQTT_PASSWORD\"") == [
                "vebridge.toml:3: 'broker.password_env': the variable MQTT_PASSWORD is not set: set it where vebridge is started"
            ])
    }
}
