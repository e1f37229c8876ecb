import Bridge
import Foundation
import Glibc
import Testing

/// Each fault is prepared in a tree of files that looks like a machine, and found by its name; nothing else is accused.
@Suite("The doctor")
struct DoctorTests {
    /// A machine on which everything is as it should be, with one port and one CAN interface.
    private final class Machine {
        let root: String
        var configuration = Configuration()
        var facts: SystemFacts

        init() throws {
            var template = Array("/tmp/vebridge-doctor-XXXXXX".utf8CString)
            root = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp/vebridge-doctor"
            facts = SystemFacts(root: root)
            facts.user = (1000, [1000, getegid()])
            facts.clock = { (1_800_000_000, true) }
            facts.room = { _ in 1 << 33 }
            facts.writeTrouble = { _ in nil }
            facts.link = { _ in nil }
            facts.broker = { _, _ in nil }
            facts.databaseTrouble = { _ in nil }
            facts.holders = { _ in [] }
            configuration.ports = ["/dev/ttyUSB0"]
            try put("dev/ttyUSB0", "")
            chmod(root + "/dev/ttyUSB0", 0o660)
            try put("etc/group", "root:x:0:\ndialout:x:\(getegid()):\n")
            try put("run/udev/control", "")
            try put("sys/class/tty/ttyUSB0/device/latency_timer", "1\n")
            try put("proc/1/comm", "systemd\n")
        }

        deinit { try? FileManager.default.removeItem(atPath: root) }

        func put(_ path: String, _ text: String) throws {
            let url = URL(fileURLWithPath: root + "/" + path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }

        func process(_ number: Int, _ name: String, _ words: [String]) throws {
            try put("proc/\(number)/comm", name + "\n")
            try put("proc/\(number)/cmdline", words.joined(separator: "\0") + "\0")
        }

        /// Without asking the port, for there is none behind the file.
        func examine() -> [Finding] { Doctor(configuration, facts: facts, asks: false).examine() }
        var troubles: [Finding] { examine().filter { $0.verdict >= .warning } }
    }

    @Test("a healthy machine has nothing to mend")
    func healthy() throws {
        let machine = try Machine()
        #expect(machine.troubles == [])
        #expect(machine.examine().exitStatus == 0)
        #expect(machine.examine().contains { $0.check == "latency" && $0.verdict == .good })
    }

    @Test("no permission names the group and the command")
    func permission() throws {
        let machine = try Machine()
        machine.facts.user = (1000, [1000])
        try machine.put("etc/group", "dialout:x:\(getegid() == 0 ? 0 : getegid()):\n")
        chmod(machine.root + "/dev/ttyUSB0", 0o600)
        let trouble = try #require(machine.troubles.first)
        #expect(machine.troubles.count == 1)
        #expect(trouble.check == "permission" && trouble.verdict == .fault)
        #expect(trouble.remedy?.hasPrefix("sudo chgrp dialout /dev/ttyUSB0") == true)
        #expect(machine.examine().exitStatus == 1)
    }

    @Test("a port that is held names the program")
    func held() throws {
        let machine = try Machine()
        machine.facts.holders = { _ in ["minicom (4711)"] }
        #expect(machine.troubles.map(\.check) == ["held"])
        #expect(machine.troubles.first?.remedy == "sudo kill 4711")
        machine.facts.holders = { _ in ["vebridge (4712)"] }
        #expect(machine.troubles == [])
    }

    @Test("a slow latency timer")
    func latency() throws {
        let machine = try Machine()
        try machine.put("sys/class/tty/ttyUSB0/device/latency_timer", "16\n")
        #expect(machine.troubles.map(\.check) == ["latency"])
        #expect(machine.troubles.first?.found.contains("16 ms") == true)
        #expect(machine.troubles.first?.remedy == "echo 1 | sudo tee /sys/class/tty/ttyUSB0/device/latency_timer")
    }

    @Test("programs that reach for ports")
    func neighbours() throws {
        let machine = try Machine()
        try machine.process(70, "brltty", ["/usr/bin/brltty"])
        #expect(machine.troubles.map(\.check) == ["brltty"])
        try machine.process(71, "ModemManager", ["/usr/sbin/ModemManager"])
        #expect(Set(machine.troubles.map(\.check)) == ["brltty", "modemmanager"])
        // With the rule it keeps off.
        try machine.put("etc/udev/rules.d/60-vebridge.rules", "")
        #expect(machine.troubles.map(\.check) == ["brltty"])
    }

    @Test("no port of the name, and no port at all")
    func ports() throws {
        let machine = try Machine()
        machine.configuration.ports = ["/dev/ttyUSB0", "/dev/ttyUSB7*"]
        #expect(machine.troubles.map(\.check) == ["ports"])
        #expect(machine.troubles.first?.subject == "/dev/ttyUSB7*")
        #expect(machine.examine().exitStatus == 3)
    }

    @Test("without udevd it says what does the work instead, and accuses nobody")
    func udev() throws {
        let machine = try Machine()
        try FileManager.default.removeItem(atPath: machine.root + "/run/udev/control")
        #expect(machine.troubles == [])
        #expect(machine.examine().contains { $0.check == "udev" && $0.verdict == .note })
    }

    @Test("a wrong clock")
    func clock() throws {
        let machine = try Machine()
        machine.facts.clock = { (86_400, false) }
        #expect(machine.troubles.map(\.check) == ["clock"])
        #expect(machine.troubles.first?.found.contains("1970") == true)
        machine.facts.clock = { (1_800_000_000, false) }
        #expect(machine.troubles == [])
    }

    @Test("a full disk, a folder that cannot be written, a damaged history")
    func state() throws {
        let machine = try Machine()
        machine.configuration.bridge.stateDirectory = "/var/lib/vebridge"
        try machine.put("var/lib/vebridge/history.sqlite", "not empty")
        #expect(machine.troubles == [])
        machine.facts.room = { _ in 1 << 16 }
        #expect(machine.troubles.map(\.check) == ["disk"])
        #expect(machine.troubles.first?.found.contains("the disk is full") == true)
        machine.facts.room = { _ in 1 << 33 }
        machine.facts.writeTrouble = { _ in "Read-only file system" }
        #expect(machine.troubles.map(\.check) == ["state"])
        machine.facts.writeTrouble = { _ in nil }
        machine.facts.databaseTrouble = { _ in "page 3 is damaged" }
        #expect(machine.troubles.count == 1)
        #expect(machine.troubles.first?.found.contains("page 3 is damaged") == true)
    }

    @Test(
        "brokers: refused, not found, credentials, certificates",
        arguments: [
            (MQTTClient.Cause.refused, "connection refused", "broker"), (.hostNotFound, "no such host", "broker"),
            (.notAuthorised, "not authorised", "credentials"),
            (.tls, "the certificate is signed by an unknown authority", "tls"),
        ])
    func brokers(_ cause: MQTTClient.Cause, _ reason: String, _ check: String) throws {
        let machine = try Machine()
        machine.configuration.ports = []
        machine.facts.broker = { _, _ in .init(cause, reason) }
        let troubles = Doctor(machine.configuration, facts: machine.facts, asks: true).examine()
            .filter { $0.verdict >= .warning && $0.check != "ports" }
        #expect(troubles.map(\.check) == [check])
        #expect(troubles.first?.found == reason)
        #expect(troubles.first?.remedy?.isEmpty == false)
    }

    @Test("a CAN interface that is missing, down, at another rate, off the bus, or well")
    func can() throws {
        let machine = try Machine()
        machine.configuration.ports = []
        machine.configuration.can = ["can0"]
        #expect(machine.troubles.map(\.check) == ["can"])
        func set(up: Bool, rate: Int, state: String) throws {
            try machine.put("sys/class/net/can0/flags", up ? "0x40081\n" : "0x40080\n")
            try machine.put("sys/class/net/can0/type", "280\n")
            let json = """
                [{"ifname":"can0","linkinfo":{"info_kind":"can","info_data":{"state":"\(state)",\
                "bittiming":{"bitrate":\(rate)}}}}]
                """
            machine.facts.link = { _ in json }
        }
        try set(up: true, rate: 250_000, state: "ERROR-ACTIVE")
        #expect(machine.troubles == [])
        try set(up: false, rate: 250_000, state: "STOPPED")
        #expect(machine.troubles.map(\.check) == ["can"] && machine.troubles[0].found.contains("down"))
        try set(up: true, rate: 500_000, state: "ERROR-ACTIVE")
        #expect(machine.troubles.map(\.check) == ["can"] && machine.troubles[0].found.contains("500000"))
        try set(up: true, rate: 250_000, state: "BUS-OFF")
        #expect(machine.troubles.map(\.check) == ["can"] && machine.troubles[0].found.contains("BUS-OFF"))
    }

    @Test("a configuration that is not valid is told line by line, and its status is 2")
    func configuration() throws {
        let machine = try Machine()
        try machine.put("vebridge.toml", "ports = [\"/dev/ttyUSB0\"]\n[broker]\nurll = \"mqtt://x\"\n")
        do {
            _ = try Configuration.load(file: machine.root + "/vebridge.toml")
            Issue.record("no error")
        } catch {
            let findings = Doctor.findings(of: error)
            #expect(findings.exitStatus == 2)
            #expect(findings.first?.subject.hasSuffix("vebridge.toml:3") == true)
        }
    }

    @Test("a finding is one line of JSON")
    func json() {
        let finding = Finding("held", .fault, "/dev/ttyUSB0", "held by \"minicom\"", remedy: "sudo kill 1")
        #expect(
            finding.json == #"{"check":"held","verdict":"fault","looked_at":"/dev/ttyUSB0","#
                + #""found":"held by \"minicom\"","remedy":"sudo kill 1"}"#)
    }
}
