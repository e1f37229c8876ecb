import Bridge
import Foundation
import Glibc

/// A machine on which everything is as it should be, with one port and one CAN interface.
final class DoctorMachine {
    let root: String
    var configuration = Configuration()
    var facts: SystemFacts
    /// The group that serial ports belong to here. It is never root's, which may open everything.
    let group: gid_t = getegid() == 0 ? 20 : getegid()

    init() throws {
        var template = Array("/tmp/vebridge-doctor-XXXXXX".utf8CString)
        root = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp/vebridge-doctor"
        facts = SystemFacts(root: root)
        facts.user = (1000, [1000, group])
        facts.clock = { (Int(time(nil)), true) }
        facts.room = { _ in .init(free: 1 << 33, total: 1 << 34) }
        facts.settle = {}
        facts.writeTrouble = { _ in nil }
        facts.link = { _ in nil }
        facts.broker = { _, _ in nil }
        facts.databaseTrouble = { _ in nil }
        facts.holders = { _ in [] }
        configuration.ports = ["/dev/ttyUSB0"]
        try put("dev/ttyUSB0", "")
        chmod(root + "/dev/ttyUSB0", 0o660)
        chown(root + "/dev/ttyUSB0", geteuid(), group)
        try put("etc/group", "root:x:0:\ndialout:x:\(group):\n")
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

    func process(_ number: Int, _ name: String, _ words: [String], unit: String? = nil) throws {
        try put("proc/\(number)/comm", name + "\n")
        try put("proc/\(number)/cmdline", words.joined(separator: "\0") + "\0")
        try put("proc/\(number)/cgroup", unit.map { "0::/system.slice/\($0)\n" } ?? "0::/user.slice\n")
    }

    /// Installs the service, and starts it unless told otherwise.
    func install(isRunning: Bool = true, additions: String = "") throws {
        try put("run/systemd/system/this", "")
        try put("lib/systemd/system/vebridge.service", "[Service]\nSupplementaryGroups=dialout\n" + additions)
        try put("etc/systemd/system/multi-user.target.wants/vebridge.service", "")
        try put("etc/vebridge/vebridge.toml", "ports = [\"/dev/ttyUSB0\"]\n")
        configuration = try Configuration.load(file: root + "/etc/vebridge/vebridge.toml")
        guard isRunning else { return }
        let words = ["/usr/bin/vebridge", "update", "run", "--", "--config", configuration.file]
        try process(500, "vebridge", words, unit: "vebridge.service")
    }

    func link(_ path: String, to target: String) throws {
        let url = URL(fileURLWithPath: root + "/" + path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: url.path, withDestinationPath: target)
    }

    /// Without asking the port, for there is none behind the file.
    func examine() -> [Finding] { Doctor(configuration, facts: facts, asks: false).examine() }
    func found(_ check: String) -> [Finding] { examine().filter { $0.check == check } }
    var troubles: [Finding] { examine().filter { $0.verdict >= .warning } }
}
