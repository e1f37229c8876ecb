import Bridge
import Foundation
import Glibc
import Synchronization
import Testing

/// Each fault is prepared in a tree of files that looks like a machine, and found by its name; nothing else is accused.
@Suite("The doctor")
struct DoctorTests {
    private typealias Machine = DoctorMachine

    @Test("a healthy machine has no problems")
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
        chmod(machine.root + "/dev/ttyUSB0", 0o600)
        let trouble = try #require(machine.troubles.first)
        #expect(machine.troubles.count == 1)
        #expect(trouble.check == "permission" && trouble.verdict == .fault)
        #expect(trouble.remedy?.hasPrefix("sudo chgrp dialout /dev/ttyUSB0") == true)
        #expect(machine.examine().exitStatus == 1)
    }

    @Test("whether the service may open a port counts where the service opens it")
    func servicePermission() throws {
        let machine = try Machine()
        try machine.install()
        // Somebody who is in no group of the port's.
        machine.facts.user = (getuid() + 4711, [getgid() + 4711])
        #expect(machine.troubles == [])
        #expect(machine.examine().contains { $0.check == "permission" && $0.verdict == .note })
        // By hand it would be this user who opens it.
        let byFile = machine.configuration
        machine.configuration = Configuration()
        machine.configuration.ports = byFile.ports
        #expect(machine.troubles.map(\.check) == ["permission"])
        #expect(machine.troubles.first?.remedy == "sudo usermod -aG dialout $USER   # then log in again")
        machine.configuration = byFile
        machine.facts.user = (0, [0])
        #expect(machine.troubles == [])
        try machine.put("etc/group", "root:x:0:\nboat:x:\(machine.group):\n")
        #expect(machine.troubles.map(\.check) == ["permission"])
        try machine.put("etc/systemd/system/vebridge.service.d/group.conf", "[Service]\nSupplementaryGroups=boat\n")
        #expect(machine.troubles == [])
        chmod(machine.root + "/dev/ttyUSB0", 0o600)
        #expect(
            machine.troubles.map(\.remedy) == ["sudo chgrp dialout /dev/ttyUSB0 && sudo chmod 660 /dev/ttyUSB0"])
    }

    @Test("a service that does not run, or not at the next boot")
    func service() throws {
        let machine = try Machine()
        try machine.install(isRunning: false)
        #expect(machine.troubles.map(\.check) == ["service"])
        #expect(machine.troubles.first?.remedy?.hasPrefix("sudo systemctl restart vebridge") == true)
        let wish = machine.root + "/etc/systemd/system/multi-user.target.wants/vebridge.service"
        try FileManager.default.removeItem(atPath: wish)
        #expect(machine.troubles.map(\.remedy) == ["sudo systemctl enable --now vebridge"])
    }

    @Test("a secret that only the service sees is no fault, and one that it does not get is one")
    func secrets() throws {
        let machine = try Machine()
        let path = "/run/credentials/vebridge.service/broker-password"
        try machine.put(
            "vebridge.toml", "[broker]\nurl = \"mqtt://localhost\"\nusername = \"me\"\npassword_file = \"\(path)\"\n")
        let (configuration, hidden) = try Doctor.load(machine.root + "/vebridge.toml")
        #expect(hidden == [path])
        #expect(throws: ConfigurationError.self) { try Configuration.load(file: machine.root + "/vebridge.toml") }
        machine.facts.broker = { _, _ in .init(.notAuthorised, "not authorised") }
        func look() -> [Finding] {
            var doctored = configuration
            doctored.ports = ["/dev/ttyUSB0"]
            return Doctor(doctored, hiddenSecrets: hidden, facts: machine.facts, asks: true).examine()
        }
        // Not the answer of the port, behind which is nothing.
        func troubles() -> [Finding] { look().filter { $0.verdict >= .warning && $0.check != "answer" } }
        #expect(troubles() == [])
        #expect(look().contains { $0.check == "secrets" && $0.verdict == .note })
        #expect(look().contains { $0.check == "broker" && $0.verdict == .note })
        // That there is none is found without the password as well.
        machine.facts.broker = { broker, _ in
            broker.password == nil && broker.username.isEmpty ? .init(.refused, "refused") : nil
        }
        #expect(troubles().map(\.check) == ["broker"])
        machine.facts.broker = { _, _ in .init(.notAuthorised, "not authorised") }
        try machine.install()
        #expect(
            troubles().map(\.remedy) == [
                "sudo systemctl edit vebridge   # [Service] LoadCredential=broker-password:/etc/vebridge/broker-password"
            ])
        try machine.put(
            "etc/systemd/system/vebridge.service.d/secret.conf",
            "[Service]\nLoadCredential=broker-password:/etc/vebridge/broker-password\n")
        #expect(troubles() == [])
    }

    @Test("a variable that only the service has is no fault, and one that it does not get is one")
    func variables() throws {
        let machine = try Machine()
        try machine.install()
        let file = machine.root + "/etc/vebridge/vebridge.toml"
        try machine.put(
            "etc/vebridge/vebridge.toml",
            "[broker]\nurl = \"mqtt://localhost\"\nusername = \"me\"\npassword_env = \"NO_SUCH_PASSWORD\"\n")
        let (configuration, hidden) = try Doctor.load(file, facts: machine.facts)
        #expect(hidden == ["$NO_SUCH_PASSWORD"])
        func secrets() -> [Finding] {
            Doctor(configuration, hiddenSecrets: hidden, facts: machine.facts, asks: false).examine()
                .filter { $0.check == "secrets" }
        }
        #expect(secrets().map(\.verdict) == [.fault])
        try machine.put(
            "etc/systemd/system/vebridge.service.d/secret.conf", "[Service]\nEnvironmentFile=/etc/vebridge/secrets\n")
        #expect(secrets().map(\.verdict) == [.note])
        // Where no service is installed it is this user who lacks it.
        #expect(throws: ConfigurationError.self) { try Doctor.load(file, facts: SystemFacts(root: "/nowhere")) }
    }

    @Test("a port that is held names the program")
    func held() throws {
        let machine = try Machine()
        machine.facts.holders = { _ in ["minicom (4711)"] }
        #expect(machine.troubles.map(\.check) == ["held"])
        #expect(machine.troubles.first?.remedy == "stop minicom (process 4711)")
        machine.facts.holders = { _ in ["vebridge (4712)"] }
        #expect(machine.troubles == [])
        // Who is not root does not see all, and is not told that nobody holds it.
        machine.facts.holders = { _ in [] }
        #expect(machine.found("held").map(\.verdict) == [.note])
        machine.facts.user = (0, [0])
        #expect(machine.found("held").map(\.verdict) == [.good])
    }

    @Test("a program that systemd started is ended by systemd")
    func heldByService() throws {
        let machine = try Machine()
        try machine.process(4711, "gpsd", ["/usr/sbin/gpsd"], unit: "gpsd.service")
        machine.facts.holders = { _ in ["gpsd (4711)"] }
        #expect(machine.troubles.map(\.remedy) == ["sudo systemctl stop gpsd.service"])
        try machine.put("lib/systemd/system/gpsd.service", "")
        #expect(machine.troubles.map(\.remedy) == ["sudo systemctl disable --now gpsd.service"])
        try machine.process(4711, "agetty", ["/sbin/agetty"], unit: "serial-getty@ttyUSB0.service")
        try machine.put("lib/systemd/system/serial-getty@.service", "")
        #expect(machine.troubles.map(\.remedy) == ["sudo systemctl disable --now serial-getty@ttyUSB0.service"])
    }

    @Test("what another user's vebridge holds is not asked, and is nobody's fault")
    func heldByAnother() throws {
        let machine = try Machine()
        try machine.install()
        machine.facts.user = (getuid() + 4711, [machine.group])
        let findings = Doctor(machine.configuration, facts: machine.facts, asks: true).examine()
        #expect(findings.filter { $0.verdict >= .warning } == [])
        #expect(findings.contains { $0.check == "held" && $0.found.contains("(500)") })
        #expect(!findings.contains { $0.check == "answer" })
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
        // A port to which the rule does not apply.
        try machine.put("sys/class/tty/ttyUSB0/dev", "188:0\n")
        try machine.put("run/udev/data/c188:0", "E:ID_BUS=usb\nE:ID_MODEL=Adapter\n")
        #expect(Set(machine.troubles.map(\.check)) == ["brltty", "modemmanager"])
        #expect(machine.troubles.first?.found.contains("/dev/ttyUSB0") == true)
        try machine.put("run/udev/data/c188:0", "E:ID_BUS=usb\nE:ID_MM_DEVICE_IGNORE=1\n")
        #expect(machine.troubles.map(\.check) == ["brltty"])
    }

    @Test("ModemManager has nothing to do with ports that are not on USB")
    func modemManagerElsewhere() throws {
        let machine = try Machine()
        try machine.process(71, "ModemManager", ["/usr/sbin/ModemManager"])
        #expect(machine.troubles.map(\.check) == ["modemmanager"])
        machine.configuration.ports = ["/dev/ttyAMA0"]
        try machine.put("dev/ttyAMA0", "")
        #expect(!machine.troubles.contains { $0.check == "modemmanager" })
    }

    @Test("brltty is told to stay away by what started it")
    func brailleRemedy() throws {
        let machine = try Machine()
        try machine.process(70, "brltty", ["/usr/bin/brltty"])
        #expect(machine.troubles.map(\.remedy) == ["stop brltty (process 70)"])
        try machine.put("usr/bin/brltty", "")
        #expect(machine.troubles.map(\.remedy) == ["sudo apt remove brltty"])
        try machine.process(70, "brltty", ["/usr/bin/brltty"], unit: "brltty.service")
        #expect(machine.troubles.first?.remedy?.hasPrefix("sudo systemctl mask --now brltty.service") == true)
    }

    @Test("an adapter that a program took away from its driver")
    func takenAdapter() throws {
        let machine = try Machine()
        try machine.put("sys/bus/usb/devices/1-2/idVendor", "1a86\n")
        try machine.put("sys/bus/usb/devices/1-2/idProduct", "7523\n")
        try machine.link("sys/bus/usb/devices/1-2:1.0/driver", to: "../../../../../../bus/usb/drivers/ch341")
        #expect(machine.troubles == [])
        try FileManager.default.removeItem(atPath: machine.root + "/sys/bus/usb/devices/1-2:1.0/driver")
        try machine.link("sys/bus/usb/devices/1-2:1.0/driver", to: "../../../../../../bus/usb/drivers/usbfs")
        #expect(machine.troubles.map(\.check) == ["adapter"])
        #expect(machine.troubles.first?.subject == "USB 1-2 (1a86:7523)")
        try machine.process(70, "brltty", ["/usr/bin/brltty"])
        #expect(machine.troubles.map(\.check) == ["brltty", "brltty"])
        // It took it, and let go of it without giving it back.
        try FileManager.default.removeItem(atPath: machine.root + "/sys/bus/usb/devices/1-2:1.0/driver")
        #expect(machine.troubles.map(\.check) == ["brltty"])
        try machine.put("usr/bin/brltty", "")
        try machine.put("sys/bus/usb/devices/1-2:1.0/bInterfaceNumber", "00\n")
        #expect(machine.troubles.map(\.check) == ["brltty", "brltty"])
        try FileManager.default.removeItem(atPath: machine.root + "/usr/bin/brltty")
        try machine.link("sys/bus/usb/devices/1-2:1.0/driver", to: "../../../../../../bus/usb/drivers/usbfs")
        // A camera or a DVB stick that a program drives is nobody's port.
        try machine.put("sys/bus/usb/devices/1-2/idVendor", "0bda\n")
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
        machine.facts.clock = { (Int(time(nil)), false) }
        #expect(machine.troubles == [])
    }

    @Test("a clock that is behind what was written, or apart from the hardware clock")
    func clockApart() throws {
        let machine = try Machine()
        let now = Int(time(nil))
        // The files of this machine were written just now.
        machine.facts.clock = { (now - 3 * 3600, false) }
        #expect(machine.troubles.map(\.check) == ["clock"])
        #expect(machine.troubles.first?.found.contains("3 h later") == true)
        #expect(machine.troubles.first?.remedy?.hasPrefix("sudo apt install systemd-timesyncd") == true)
        try machine.put("usr/sbin/chronyd", "")
        #expect(machine.troubles.first?.remedy?.hasPrefix("sudo timedatectl set-ntp true") == true)
        try machine.put("sys/class/rtc/rtc0/since_epoch", "\(now)\n")
        #expect(machine.troubles.first?.remedy?.hasPrefix("sudo hwclock --hctosys") == true)
        machine.facts.clock = { (now + 5 * 86_400, false) }
        #expect(machine.troubles.map(\.check) == ["clock"])
        #expect(machine.troubles.first?.found.contains("5 days ahead of the hardware clock") == true)
        // Who keeps it in step knows better; and a hardware clock in local time says nothing.
        machine.facts.clock = { (now + 5 * 86_400, true) }
        #expect(machine.troubles == [])
        machine.facts.clock = { (now + 7200, false) }
        try machine.put("etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n")
        #expect(machine.troubles == [])
    }

    @Test("a full disk, a folder that cannot be written, a damaged history")
    func state() throws {
        let machine = try Machine()
        machine.configuration.bridge.stateDirectory = "/var/lib/vebridge"
        try machine.put("var/lib/vebridge/history.sqlite", "not empty")
        #expect(machine.troubles == [])
        machine.facts.room = { _ in .init(free: 1 << 16, total: 1 << 34) }
        #expect(machine.troubles.map(\.check) == ["disk"])
        #expect(machine.troubles.first?.found.contains("the disk is full") == true)
        // A small disk is not a full one, until it is.
        machine.facts.room = { _ in .init(free: 2_000_000, total: 2_100_000) }
        #expect(machine.troubles == [])
        machine.facts.room = { _ in .init(free: 50_000, total: 2_100_000) }
        #expect(machine.troubles.map(\.check) == ["disk"])
        machine.facts.room = { _ in .init(free: 1 << 33, total: 1 << 34, isOutOfFiles: true) }
        #expect(machine.troubles.map(\.check) == ["disk"])
        #expect(machine.troubles.first?.found.contains("inode") == true)
        // A folder that this user does not see: the disk around it is the same.
        machine.facts.room = { $0.hasPrefix("/var/lib/vebridge") ? nil : .init(free: 0, total: 1 << 34) }
        #expect(machine.troubles.map(\.check) == ["disk"])
        machine.facts.room = { _ in .init(free: 1 << 33, total: 1 << 34) }
        machine.facts.writeTrouble = { _ in String(cString: strerror(EROFS)) }
        #expect(machine.troubles.map(\.check) == ["state"])
        #expect(machine.troubles.first?.remedy?.contains("remount,rw") == true)
        machine.facts.writeTrouble = { _ in "Permission denied" }
        #expect(machine.troubles.first?.remedy == "sudo chown -R $USER /var/lib/vebridge")
        machine.facts.writeTrouble = { _ in nil }
        machine.facts.databaseTrouble = { _ in .init(.damaged, "page 3 is damaged") }
        #expect(machine.troubles.count == 1)
        #expect(machine.troubles.first?.found.contains("page 3 is damaged") == true)
        // What cannot be looked into is not thrown away, nor what a later version wrote.
        machine.facts.databaseTrouble = { _ in .init(.closed, "unable to open database file") }
        #expect(machine.troubles == [])
        machine.facts.databaseTrouble = { _ in .init(.newer, "written by a later version") }
        #expect(machine.troubles.map(\.check) == ["database"])
        #expect(machine.troubles.first?.remedy?.contains("mv ") == false)
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
        // What is not known is not called right.
        machine.facts.link = { _ in nil }
        #expect(machine.examine().first { $0.check == "can" }?.verdict == .note)
        try set(up: false, rate: 250_000, state: "STOPPED")
        #expect(machine.troubles.map(\.check) == ["can"] && machine.troubles[0].found.contains("down"))
        try set(up: true, rate: 500_000, state: "ERROR-ACTIVE")
        #expect(machine.troubles.map(\.check) == ["can"] && machine.troubles[0].found.contains("500000"))
        try set(up: true, rate: 250_000, state: "BUS-OFF")
        #expect(machine.troubles.map(\.check) == ["can"] && machine.troubles[0].found.contains("BUS-OFF"))
        for state in ["ERROR-WARNING", "ERROR-PASSIVE"] {
            try set(up: true, rate: 250_000, state: state)
            #expect(machine.troubles.map(\.verdict) == [.warning])
            #expect(machine.troubles.first?.found.contains("bit rate") == true)
        }
        // Off the bus for a tenth of a second, and back by itself.
        let looks = Mutex(0)
        let link = machine.facts.link
        machine.facts.link = { name in
            let isOff = looks.withLock { looks in
                looks += 1
                return looks == 2
            }
            return link(name)?.replacingOccurrences(of: "ERROR-PASSIVE", with: isOff ? "BUS-OFF" : "ERROR-ACTIVE")
        }
        #expect(machine.troubles.first?.found.contains("BUS-OFF") == true)
        // Rates that a driver has fixed, or does not tell.
        let fixed =
            #"[{"linkinfo":{"info_kind":"can","info_data":{"state":"ERROR-ACTIVE","bittiming_bitrate":500000}}}]"#
        machine.facts.link = { _ in fixed }
        #expect(machine.troubles.first?.found.contains("500000") == true)
        machine.facts.link = { _ in fixed.replacingOccurrences(of: #","bittiming_bitrate":500000"#, with: "") }
        #expect(machine.examine().first { $0.check == "can" }?.verdict == .note)
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

    @Test("a line of the configuration is told as the command with which it gets there")
    func edit() throws {
        let machine = try Machine()
        try machine.put("vebridge.toml", "can = [\"can0\"]\n")
        machine.configuration = try Configuration.load(file: machine.root + "/vebridge.toml")
        machine.configuration.broker.url = .server(.init(transport: .mqtts, host: "boat"))
        machine.configuration.broker.tls.caFile = "/ca.pem"
        func remedy(_ cause: MQTTClient.Cause, _ reason: String) -> String? {
            machine.facts.broker = { _, _ in .init(cause, reason) }
            return Doctor(machine.configuration, facts: machine.facts).examine()
                .first { $0.check == "tls" }?.remedy
        }
        #expect(remedy(.tls, "")?.contains("ca_file = \"FILE\", where it is") == true)
        try machine.put("ca.pem", "")
        #expect(
            remedy(.tls, "the certificate is signed by an unknown authority")
                == "sudoedit \(machine.configuration.file)   # [broker.tls] ca_file = \"/etc/vebridge/ca.pem\", "
                + "the authority that signed the certificate")
        #expect(remedy(.settings, "/ca.pem: no start line")?.contains("one that begins with -----BEGIN") == true)
        // The authority that is set is not what is wrong here.
        #expect(remedy(.tls, "the other end wants a client certificate")?.contains("certificate and key") == true)
        #expect(remedy(.tls, "wrong version number: the port does not speak TLS")?.contains("url = ") == true)
        #expect(remedy(.tls, "the certificate of its authority has expired")?.contains("new certificate") == true)
        #expect(remedy(.tls, "the certificate has expired")?.hasPrefix("timedatectl") == true)
    }

    @Test("a certificate that root sees and the service does not")
    func certificateForRootAlone() throws {
        let machine = try Machine()
        try machine.install()
        machine.facts.user = (0, [0])
        machine.configuration.broker.url = .server(.init(transport: .mqtts, host: "boat"))
        func troubles() -> [Finding] {
            Doctor(machine.configuration, facts: machine.facts).examine().filter { $0.check == "tls" }
        }
        machine.configuration.broker.tls.caFile = "/etc/vebridge/ca.pem"
        try machine.put("etc/vebridge/ca.pem", "")
        chmod(machine.root + "/etc/vebridge/ca.pem", 0o644)
        #expect(troubles() == [])
        chmod(machine.root + "/etc/vebridge/ca.pem", 0o600)
        #expect(troubles().map(\.remedy) == ["sudo chmod o+r /etc/vebridge/ca.pem"])
        machine.configuration.broker.tls.caFile = "/home/me/ca.pem"
        try machine.put("home/me/ca.pem", "")
        #expect(troubles().first?.remedy?.hasPrefix("sudo install -m 644 /home/me/ca.pem /etc/vebridge/ca.pem") == true)
    }

    @Test("a port that root names by hand is root's to open, whatever the service may")
    func byHand() throws {
        let machine = try Machine()
        try machine.install()
        machine.facts.user = (0, [0])
        try machine.put("etc/group", "root:x:0:\ntty:x:\(machine.group):\n")
        #expect(machine.troubles.map(\.check) == ["permission"])
        let byHand = Doctor(machine.configuration, facts: machine.facts, asks: false, isByHand: true).examine()
        #expect(byHand.filter { $0.verdict >= .warning } == [])
        // A configuration of root's own is not the service's.
        try machine.put("root/other.toml", "ports = [\"/dev/ttyUSB0\"]\n")
        machine.configuration = try Configuration.load(file: machine.root + "/root/other.toml")
        #expect(machine.troubles == [])
    }

    @Test("what the system lets one open counts more than owner and mode")
    func accessControl() throws {
        let machine = try Machine()
        machine.facts.user = (1000, [1000])
        machine.facts.mayOpen = { _ in true }
        #expect(machine.troubles == [])
        machine.facts.user = (0, [0])
        machine.facts.mayOpen = { _ in false }
        #expect(machine.troubles.map(\.check) == ["permission"])
        #expect(machine.troubles.first?.remedy?.hasPrefix("docker run --device=/dev/ttyUSB0") == true)
        // A bus behind a serial port is a port as well.
        machine.configuration.ports = []
        machine.configuration.can = ["slcan:/dev/ttyUSB0"]
        #expect(machine.troubles.map(\.check) == ["permission"])
    }

    @Test("a finding is one line of JSON")
    func json() {
        let finding = Finding("held", .fault, "/dev/ttyUSB0", "held by \"minicom\"", remedy: "stop minicom")
        #expect(
            finding.json == #"{"check":"held","verdict":"fault","looked_at":"/dev/ttyUSB0","#
                + #""found":"held by \"minicom\"","remedy":"stop minicom"}"#)
    }

    @Test func updatesThatCannotComeOrWereTakenOutAgain() throws {
        let machine = try Machine()
        #expect(machine.found("updates").isEmpty)
        machine.configuration.updates.key = String(repeating: "3f", count: 32)
        #expect(machine.found("updates").map(\.remedy) == ["sudo apt install curl"])
        try machine.put("usr/bin/curl", "")
        #expect(machine.found("updates").map(\.verdict) == [.good])
        try machine.put("lib/systemd/system/vebridge-update.path", "")
        #expect(machine.found("updates").map(\.remedy) == ["sudo systemctl enable --now vebridge-update.path"])
        try machine.put("etc/systemd/system/multi-user.target.wants/vebridge-update.path", "")
        #expect(machine.found("updates").map(\.verdict) == [.good])
        try machine.put(
            "var/lib/vebridge-update/outcome", "version 0.2.0\noutcome rolled-back\nreason it was not well\n")
        #expect(machine.found("updates").map(\.found) == ["version 0.2.0 was taken out again: it was not well"])
        #expect(machine.found("updates").map(\.verdict) == [.note])
    }
}
