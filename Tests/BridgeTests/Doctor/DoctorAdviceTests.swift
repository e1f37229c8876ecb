import Bridge
import Foundation
import Glibc
import Synchronization
import Testing

/// What the doctor advises against programs that hold ports, and about other instances: nothing that ends a program
/// of which it knows nothing.
@Suite("The doctor's advice")
struct DoctorAdviceTests {
    private func expectNoKill(_ findings: [Finding]) {
        for finding in findings { #expect(finding.remedy?.contains("kill") != true, "\(finding)") }
    }

    @Test("a path that is no serial port is said, and not the programs that have it open")
    func notSerial() throws {
        let machine = try DoctorMachine()
        let asked = Mutex(0)
        machine.facts.kindMismatch = { $0 == "/dev/ttyUSB0" ? "not a serial port (character device 1:3)" : nil }
        machine.facts.holders = { _ in
            asked.withLock { $0 += 1 }
            return ["bash (1)", "tmux (2)"]
        }
        #expect(machine.troubles.map(\.check) == ["port"])
        #expect(machine.troubles.first?.found == "not a serial port (character device 1:3)")
        #expect(asked.withLock { $0 } == 0)
        // A MasterBus behind an adapter likewise.
        machine.configuration.ports = []
        machine.configuration.can = ["slcan:/dev/ttyUSB0"]
        #expect(machine.troubles.map(\.check) == ["port"])
        #expect(asked.withLock { $0 } == 0)
        expectNoKill(machine.examine())
    }

    @Test("/dev/null itself, on this machine")
    func null() {
        var configuration = Configuration()
        configuration.ports = ["/dev/null"]
        let findings = Doctor(configuration, asks: false).examine()
        #expect(findings.filter { $0.subject == "/dev/null" }.map(\.check) == ["port"])
        expectNoKill(findings)
    }

    @Test("of many programs that hold a port the first are named, in one finding")
    func many() throws {
        let machine = try DoctorMachine()
        machine.facts.holders = { _ in (1...53).map { "program\($0) (\(1000 + $0))" } }
        let trouble = try #require(machine.troubles.first)
        #expect(machine.troubles.count == 1 && trouble.check == "held")
        #expect(trouble.found == "held by program1 (1001), program2 (1002), program3 (1003) and 50 more")
        #expect(
            trouble.remedy
                == "stop program1 (process 1001); stop program2 (process 1002); stop program3 (process 1003)")
        // Commands of systemd's are joined as a shell takes them.
        for number in [1001, 1002] { try machine.process(number, "gpsd", ["gpsd"], unit: "gpsd\(number).service") }
        machine.facts.holders = { _ in ["gpsd (1001)", "gpsd (1002)"] }
        #expect(
            machine.troubles.first?.remedy
                == "sudo systemctl stop gpsd1001.service && sudo systemctl stop gpsd1002.service")
    }

    @Test("an instance with another configuration is named with its ports, and left alone")
    func otherInstance() throws {
        let machine = try DoctorMachine()
        try machine.install()
        try machine.process(600, "vebridge", ["/usr/bin/vebridge", "--config", "/etc/vebridge/other.toml"])
        try machine.link("proc/600/fd/1", to: "/dev/pts/9")
        try machine.link("proc/600/fd/7", to: "/dev/ttyUSB5")
        #expect(machine.troubles == [])
        let note = try #require(machine.found("running").first { $0.verdict == .note })
        #expect(
            note.found
                == "another instance of vebridge: process 600 with /etc/vebridge/other.toml, which has /dev/ttyUSB5")
        #expect(note.remedy == nil)
        // It has a port of ours: that is a conflict of two configurations.
        machine.facts.holders = { _ in ["vebridge (600)"] }
        #expect(machine.troubles.map(\.check) == ["held"])
        #expect(machine.troubles.first?.found.contains("another instance of vebridge: process 600") == true)
        #expect(machine.troubles.first?.remedy?.contains("stop") == false)
        expectNoKill(machine.examine())
        // Our own service has it: as it should be.
        machine.facts.holders = { _ in ["vebridge (500)"] }
        #expect(machine.troubles == [])
        // Without a file nothing tells which instance is ours.
        machine.configuration = Configuration()
        machine.configuration.ports = ["/dev/ttyUSB0"]
        machine.facts.holders = { _ in ["vebridge (600)"] }
        #expect(machine.troubles == [])
        #expect(machine.found("running").count == 2)
    }

    @Test("two processes with one configuration: the one by hand is the one to stop, and the user stops it")
    func twice() throws {
        let machine = try DoctorMachine()
        try machine.install()
        let words = ["/usr/bin/vebridge", "--config=" + machine.configuration.file]
        try machine.process(499, "vebridge", words)
        #expect(machine.troubles.map(\.check) == ["running"])
        #expect(machine.troubles.first?.found.contains("processes 499 and 500") == true)
        #expect(machine.troubles.first?.remedy == "stop vebridge (process 499)")
        try machine.process(499, "vebridge", words, unit: "my-vebridge.service")
        #expect(machine.troubles.first?.remedy == "sudo systemctl stop my-vebridge.service")
    }
}

/// The files with passwords: who may read them, and the recipe of the documents.
@Suite("The doctor and the service's secrets")
struct DoctorSecretTests {
    private static let path = "/etc/vebridge/password"
    private static let fix =
        "sudo chgrp vebridge /etc/vebridge/password && sudo chmod 640 /etc/vebridge/password   "
        + "# then: sudo systemctl restart vebridge"

    /// A machine whose service has a password file; the files of the tree belong to who runs the tests.
    private static func machine(_ path: String = Self.path) throws -> DoctorMachine {
        let machine = try DoctorMachine()
        try machine.install()
        machine.facts.user = (0, [0])
        // The group of files that the recipe made.
        try machine.put("etc/group", "root:x:0:\ndialout:x:59999:\nvebridge:x:\(machine.group):\n")
        chmod(machine.root + "/dev/ttyUSB0", 0o666)
        machine.configuration.broker.passwordFile = path
        try machine.put(String(path.dropFirst()), "sunshine\n")
        chmod(machine.root + path, 0o600)
        return machine
    }

    @Test("a file for root alone cannot be read by the service, and the command for it is named")
    func closed() throws {
        let machine = try Self.machine()
        #expect(machine.troubles.map(\.check) == ["secrets"])
        #expect(machine.troubles.first?.found.contains("mode 600") == true)
        #expect(machine.troubles.map(\.remedy) == [Self.fix])
        // What the remedy does.
        chown(machine.root + Self.path, getuid(), machine.group)
        chmod(machine.root + Self.path, 0o640)
        #expect(machine.troubles == [])
        #expect(machine.found("secrets").map(\.verdict) == [.good])
        // The page's files and the key likewise.
        machine.configuration.web.tokenFile = "/etc/vebridge/token"
        try machine.put("etc/vebridge/token", "t\n")
        chmod(machine.root + "/etc/vebridge/token", 0o400)
        #expect(machine.troubles.map(\.subject) == ["/etc/vebridge/token"])
    }

    @Test("another user sees the same fault as root")
    func asUser() throws {
        let machine = try Self.machine()
        machine.facts.user = (getuid() + 4711, [getgid() + 4711])
        let hidden = Doctor(machine.configuration, hiddenSecrets: [Self.path], facts: machine.facts, asks: false)
        #expect(hidden.examine().filter { $0.check == "secrets" }.map(\.remedy) == [Self.fix])
        chown(machine.root + Self.path, getuid(), machine.group)
        chmod(machine.root + Self.path, 0o640)
        #expect(hidden.examine().filter { $0.check == "secrets" }.map(\.verdict) == [.note])
    }

    @Test("a folder on the way that is closed, and folders that the unit hides")
    func folders() throws {
        let machine = try Self.machine("/srv/secrets/password")
        chown(machine.root + "/srv/secrets/password", getuid(), machine.group)
        chmod(machine.root + "/srv/secrets/password", 0o640)
        #expect(machine.troubles == [])
        chmod(machine.root + "/srv/secrets", 0o700)
        #expect(machine.troubles.first?.found.contains("/srv/secrets is closed") == true)
        let away = try Self.machine("/home/me/password")
        #expect(away.troubles.first?.found.contains("does not see that folder") == true)
        #expect(
            away.troubles.first?.remedy?.hasPrefix(
                "sudo install -m 640 -g vebridge /home/me/password /etc/vebridge/password") == true)
    }

    @Test("a file for everybody works, and is noted")
    func readableByAll() throws {
        let machine = try Self.machine()
        chmod(machine.root + Self.path, 0o644)
        #expect(machine.troubles == [])
        #expect(machine.found("secrets").map(\.verdict) == [.note])
        #expect(machine.found("secrets").first?.remedy == Self.fix)
    }

    @Test("a unit that was copied by hand: the group comes first")
    func withoutGroup() throws {
        let machine = try Self.machine()
        try machine.put("etc/group", "root:x:0:\n")
        #expect(machine.troubles.first?.remedy?.hasPrefix("sudo adduser --system --group") == true)
        // A drop-in with a user of its own.
        try machine.put("etc/systemd/system/vebridge.service.d/user.conf", "[Service]\nUser=boat\n")
        #expect(machine.troubles.first?.remedy?.hasPrefix("sudo chgrp boat /etc/vebridge/password") == true)
        try machine.put("etc/systemd/system/vebridge.service.d/user.conf", "[Service]\nUser=root\n")
        #expect(machine.found("secrets").filter { $0.verdict >= .warning } == [])
    }

    @Test("a configuration that is not the service's, and files named by hand, are the user's own affair")
    func notTheService() throws {
        let machine = try Self.machine()
        let byHand = Doctor(machine.configuration, facts: machine.facts, asks: false, isByHand: true).examine()
        #expect(!byHand.contains { $0.check == "secrets" })
        try machine.put("srv/boat.toml", "ports = [\"/dev/ttyUSB0\"]\n")
        machine.configuration = try Configuration.load(file: machine.root + "/srv/boat.toml")
        machine.configuration.broker.passwordFile = Self.path
        #expect(machine.found("secrets") == [])
    }

    @Test("a daemon that cannot read its password says the command")
    func atStart() throws {
        let machine = try DoctorMachine()
        try machine.put(
            "boat.toml", "[broker]\nurl = \"mqtt://boat\"\nusername = \"me\"\npassword_file = \"\(Self.path)\"\n")
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(
                file: machine.root + "/boat.toml",
                readSecret: { (_: String) throws(FileReadError) -> [UInt8] in
                    throw FileReadError(reason: "may not be read by this user (permission denied)")
                })
        }
        let diagnostic = try #require(error?.diagnostics.first)
        #expect(diagnostic.message.contains(Self.path))
        let entry = try #require(getgrgid(getegid()))
        #expect(
            diagnostic.hint
                == "sudo chgrp \(String(cString: entry.pointee.gr_name)) \(Self.path) && sudo chmod 640 \(Self.path)")
    }
}

/// The files of the package that belong together: unit, scripts, configuration and documents.
@Suite("The service's user and its secrets in the package")
struct ServiceFileTests {
    private static let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }

    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: Self.root + "/" + path, encoding: .utf8)
    }

    @Test("the packaged configuration names a file that the documented recipe makes")
    func packagedConfiguration() throws {
        let machine = try DoctorMachine()
        let commented = try text("packaging/vebridge.toml")
        let lines = commented.split(separator: "\n").map { line in
            line.hasPrefix("#username") || line.hasPrefix("#password_file = \"/etc/vebridge/password\"")
                || line.hasPrefix("#[web]") || line.hasPrefix("#listen")
                || line.hasPrefix("#password_file = \"/etc/vebridge/page-password\"") ? line.dropFirst() : line
        }
        try machine.put("vebridge.toml", lines.joined(separator: "\n"))
        let asked = Mutex<[String]>([])
        let configuration = try Configuration.load(
            file: machine.root + "/vebridge.toml",
            readSecret: { (path: String) throws(FileReadError) -> [UInt8] in
                asked.withLock { $0.append(path) }
                return Array("sunshine\n".utf8)
            })
        #expect(asked.withLock { $0.sorted() } == ["/etc/vebridge/page-password", "/etc/vebridge/password"])
        #expect(configuration.broker.password?.reveal() == "sunshine")
        let recipe = "sudo install -m 640 -g vebridge /dev/null /etc/vebridge/password"
        for file in ["packaging/vebridge.toml", "docs/mqtt.md"] {
            #expect(try text(file).contains(recipe), "\(file)")
        }
        for file in ["docs/web.md", "README.md"] {
            #expect(
                try text(file).contains("sudo install -m 640 -g vebridge /dev/null /etc/vebridge/page-password"),
                "\(file)")
        }
    }

    @Test("unit and package agree on the user")
    func user() throws {
        let unit = try text("systemd/vebridge.service").split(separator: "\n")
        #expect(unit.contains("User=vebridge"))
        #expect(unit.contains("DynamicUser=yes"), "the state directory is below /var/lib/private")
        #expect(try text("packaging/debian/control").contains("adduser"))
        #expect(try text("packaging/debian/vebridge.postinst").contains("adduser --quiet --system --group"))
    }
}
