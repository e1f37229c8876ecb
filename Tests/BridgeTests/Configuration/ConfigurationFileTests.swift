import Glibc
import Testing

@testable import Bridge

@Suite("A configuration file")
struct ConfigurationFileTests {
    /// Calls `body` with a directory that is gone afterwards; a file in it has `bytes`.
    private func withFile(_ bytes: [UInt8], mode: mode_t = 0o600, _ body: (_ path: String) throws -> Void) throws {
        let made = "/tmp/vebridge-configuration-XXXXXX".withCString { template -> String? in
            guard let copy = strdup(template) else { return nil }
            defer { free(copy) }
            return mkdtemp(copy).map { String(cString: $0) }
        }
        let directory = try #require(made)
        let path = directory + "/vebridge.toml"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
        try #require(descriptor >= 0)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        defer {
            unlink(path)
            unlink(directory + "/password")
            rmdir(directory)
        }
        try body(path)
    }

    private func faults(loading path: String, environment: [String: String] = [:]) -> String {
        do {
            _ = try Configuration.load(file: path, environment: environment)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test("is read, with the password from a file beside it")
    func load() throws {
        let text = "\u{FEFF}[broker]\r\nusername = \"me\"\r\npassword_file = \"password\"\r\n"
        try withFile(Array(text.utf8)) { path in
            let secret = path.replacingLast("vebridge.toml", with: "password")
            let file = try #require(fopen(secret, "w"))
            fputs("pässword\n", file)
            fclose(file)
            let read = try Configuration.load(file: path)
            #expect(read.broker.password == Secret("pässword"))
            #expect(read.broker.passwordFile == secret)
        }
    }

    @Test("takes the password from the environment of the process")
    func environment() throws {
        // PATH is the one variable that is always there.
        try withFile(Array("broker.username = \"u\"\nbroker.password_env = \"PATH\"".utf8)) { path in
            let value = try #require(getenv("PATH"))
            #expect(try Configuration.load(file: path).broker.password == Secret(String(cString: value)))
        }
    }

    @Test("that is missing or no file is named, without a line")
    func missing() {
        #expect(
            faults(loading: "/nowhere/vebridge.toml")
                == "/nowhere/vebridge.toml: the file does not exist: check the path of the configuration")
        #expect(faults(loading: "/tmp") == "/tmp: the file is a directory")
        #expect(faults(loading: "/dev/zero") == "/dev/zero: the file is larger than 1024 KiB")
        #expect(faults(loading: "/etc/passwd/x").hasPrefix("/etc/passwd/x: the file does not exist"))
    }

    @Test("that is not UTF-8 is refused with the line")
    func encoding() throws {
        try withFile(Array("# one\n# gr".utf8) + [0xFC] + Array("n\n".utf8)) { path in
            #expect(
                faults(loading: path)
                    == "\(path):2: there are bytes here that are not UTF-8: save the file as UTF-8")
        }
    }

    @Test("of another user is refused by that name", .enabled(if: getuid() != 0, "root may read everything"))
    func forbidden() throws {
        try withFile([], mode: 0) { path in
            #expect(faults(loading: path) == "\(path): the file may not be read by this user (permission denied)")
        }
    }

    @Test("with faults names itself in every one")
    func named() throws {
        try withFile(Array("a = 1\n[log]\nlevl = 1\n".utf8)) { path in
            let lines = faults(loading: path).split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.first?.hasPrefix("\(path):1: unknown key 'a'") == true)
            #expect(lines.last == "\(path):3: unknown key 'levl' in [log]: did you mean 'level'?")
        }
    }
}

extension String {
    fileprivate func replacingLast(_ part: String, with other: String) -> String {
        hasSuffix(part) ? dropLast(part.count) + other : self
    }
}
