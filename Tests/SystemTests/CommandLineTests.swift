import Bridge
import FoundationEssentials
import Glibc
import Simulation
import Testing
import VEDirect

/// What scripts rely on: exit statuses, data on standard output, words on standard error.
@Suite(.timeLimit(.minutes(1)))
struct CommandLineTests {
    private func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> (
        ending: Program.Ending, output: [String], errors: String
    ) {
        let program = try Program(vebridge: arguments, environment: environment)
        program.closeInput()
        let ending = try await program.end()
        return (ending, program.output.elements, program.complaint)
    }

    // MARK: Help and usage

    @Test(arguments: [
        [], ["run"], ["ports"], ["get"], ["registers"], ["decode"], ["decode", "vedirect"], ["decode", "masterbus"],
        ["simulate"], ["demo"],
    ])
    func everyCommandExplainsItself(command: [String]) async throws {
        let program = try Program(vebridge: command + ["--help"])
        #expect(try await program.end() == .exit(0))
        let text = program.output.elements.joined(separator: "\n")
        #expect(text.contains("USAGE: vebridge"))
        #expect(text.contains("OVERVIEW: "))
        #expect(program.complaint == "")
    }

    @Test func tellsItsVersion() async throws {
        let result = try await run("--version")
        #expect(result.ending == .exit(0))
        #expect(result.output.first?.first?.isNumber == true)
    }

    @Test(arguments: [
        ["--bogus"], ["bogus", "command"], ["--broker"], ["--ports"], ["--once", "--ports", ""], ["ports", "--bogus"],
        ["get"], ["decode", "nothing"],
        ["get", "/dev/ttyUSB0", "no_such_register"], ["simulate", "--chargers", "65"],
        ["simulate", "--firmware", "9.99"], ["simulate", "--day", "soon"], ["simulate", "--noise", "ber=2"],
        ["simulate", "--hour", "24"], ["demo", "--for", "0"], ["demo", "--day", "x"],
    ])
    func wrongUsageIsTwo(arguments: [String]) async throws {
        let program = try Program(vebridge: arguments)
        #expect(try await program.end() == .exit(2))
        #expect(!program.complaint.isEmpty)
        #expect(program.output.count == 0)
    }

    @Test func aNearMissGetsAHint() async throws {
        #expect(try await run("get", "/dev/null", "panel_powr").errors.contains("panel_power"))
        #expect(try await run("--portz", "x").errors.contains("--ports"))
    }

    @Test(arguments: [
        "", "localhost", "http://localhost", "mqtt://", "mqtt://host:99999", "mqtt://host:port", "mqtt://user:pass",
        "mqtt:/host", "MQTT//host",
    ])
    func aWrongBrokerAddressIsTwoAndSaysWhatWouldBeRight(address: String) async throws {
        let result = try await run("--broker", address, "--ports", "/dev/nowhere", "--once")
        #expect(result.ending == .exit(2))
        #expect(result.errors.contains("--broker"))
        #expect(result.errors.contains("mqtt") || result.errors.contains("port") || result.errors.contains("host"))
    }

    @Test func aSecretInAWrongAddressIsNotRepeated() async throws {
        for address in ["mqtt://me:s3cretword@host:port", "mqt://me:s3cretword@host", "mqtt://me:s3cretword@"] {
            let result = try await run("--broker", address, "--ports", "/dev/nowhere", "--once")
            #expect(result.ending == .exit(2))
            #expect(!result.errors.contains("s3cretword"))
        }
    }

    @Test(arguments: [["--ports", "/dev/nowhere", "--once"], ["purge"], ["doctor", "--no-ask"]])
    func aPasswordOnTheCommandLineIsRefused(arguments: [String]) async throws {
        for address in ["mqtt://me:s3cretword@127.0.0.1:9", "mqtts://me:s3cretword@host"] {
            let program = try Program(vebridge: arguments + ["--broker", address])
            #expect(try await program.end() == .exit(2))
            let text = program.complaint + program.output.elements.joined()
            #expect(text.contains("--broker") && text.contains("password_file") && text.contains("--config"), "\(text)")
            #expect(!text.contains("s3cretword"))
        }
        // A user alone is no secret.
        let result = try await run("--broker", "mqtt://me@127.0.0.1:9", "--ports", "/dev/nowhere", "--once")
        #expect(result.ending == .exit(3))
    }

    // MARK: Configuration

    @Test func allFaultsOfAConfigurationAreNamedWithTheirLines() async throws {
        let scratch = ScratchDirectory()
        let file = scratch.file(
            "bad.toml", "ports = [\"/dev/nowhere\"]\n[broker]\nulr = \"mqtt://host\"\n[schema]\nqos = 7\n")
        let result = try await run("--config", file, "--once")
        #expect(result.ending == .exit(2))
        #expect(result.errors.contains("bad.toml:3"))
        #expect(result.errors.contains("url"), "the nearest right word")
        #expect(result.errors.contains("bad.toml:5"))
        let broken = scratch.file("broken.toml", "ports = [\n")
        #expect(try await run("--config", broken).ending == .exit(2))
        let absent = try await run("--config", scratch.path + "/absent.toml")
        #expect(absent.ending == .exit(2))
        #expect(absent.errors.contains("absent.toml"))
    }

    @Test func secretsAreInNoLog() async throws {
        let scratch = ScratchDirectory()
        let secret = scratch.file("password", "f1le-s3cret\n")
        let charger = try Chargers([.smartSolar75x15()])
        for broker in ["password_file = \"\(secret)\"", "password_env = \"VEBRIDGE_TEST_PASSWORD\""] {
            let file = scratch.file(
                "vebridge.toml",
                """
                ports = ["\(charger.paths[0])"]
                [broker]
                url = "mqtt://127.0.0.1:9"
                username = "me"
                \(broker)
                [log]
                level = "trace"
                """)
            let program = try Program(
                vebridge: ["--config", file, "-vv"], environment: ["VEBRIDGE_TEST_PASSWORD": "env-s3cret"])
            try await program.errors.first("no broker there") { $0.contains("broker not connected") }
            program.signal(15)
            #expect(try await program.end(within: .seconds(2)) == .exit(0))
            #expect(program.complaint.contains("configuration in force"))
            #expect(!program.complaint.contains("s3cret"))
        }
    }

    // MARK: Nothing to do

    @Test func noPortIsThree() async throws {
        #expect(try await run().ending == .exit(3))
        let once = try await run("--once", "--dry-run", "--ports", "/dev/nowhere0")
        #expect(once.ending == .exit(3))
        #expect(once.errors.contains("/dev/nowhere0"))
        let pattern = try await run("--once", "--dry-run", "--ports", "/dev/nowhere*")
        #expect(pattern.ending == .exit(3))
        #expect(pattern.errors.contains("/dev/nowhere*"))
        #expect(try await run("ports", "/dev/nowhere0").ending == .exit(3))
        #expect(try await run("registers", "no_such_register").ending == .exit(3))
    }

    @Test func aPortWithoutADeviceIsThreeAndNamed() async throws {
        let terminal = try PseudoTerminal()
        let result = try await run("--once", "--dry-run", "--ports", terminal.path)
        #expect(result.ending == .exit(3))
        #expect(result.errors.contains(terminal.path))
        #expect(try await run("get", terminal.path, "panel_power").ending == .exit(3))
    }

    @Test func onceFailsIfOneOfTheChargersCannotBeRead() async throws {
        let chargers = try Chargers([.smartSolar150x60(), .smartSolar75x15()])
        chargers.host.deafen(1)
        let program = try Program(vebridge: ["--once", "--dry-run", "--ports"] + chargers.paths)
        #expect(try await program.end(within: .seconds(25)) == .exit(1))
        #expect(program.output.elements.contains { $0.contains("HQ2012ABCDE/edbc") })
        #expect(program.complaint.contains("\(chargers.paths[1]): receives TEXT, no HEX answer"))
    }

    @Test func onceThatIsStoppedHasFailed() async throws {
        let chargers = try Chargers([.smartSolar150x60()])
        // Nobody listens there, which takes until the last second to be sure of.
        let program = try Program("--once", "--broker", "mqtt://127.0.0.1:9", "--ports", chargers.paths[0])
        try await program.errors.first("it is at work") { $0.contains("broker not connected") }
        program.signal(15)
        #expect(try await program.end(within: .seconds(10)) == .exit(1))
        #expect(program.complaint.contains("stopped by SIGTERM"))
    }

    /// There is no use in waiting for a broker with nothing to tell it.
    @Test func onceDoesNotWaitForABrokerIfNoPortCanBeUsed() async throws {
        let program = try Program("--once", "--broker", "mqtt://127.0.0.1:9", "--ports", "/dev/null")
        #expect(try await program.end(within: .seconds(10)) == .exit(1))
        #expect(program.complaint.contains("/dev/null: not a serial port"))
    }

    // MARK: Looking by hand

    @Test func getReadsByNameAndNumber() async throws {
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let text = try await run("get", chargers.paths[0], "battery_voltage", "0xEDF7", "010a")
        #expect(text.ending == .exit(0))
        #expect(text.output.contains("serial_number HQ2012ABCDE"))
        let json = try await run("get", chargers.paths[0], "edbc", "--json")
        #expect(json.ending == .exit(0))
        struct Reading: Decodable {
            var register: String
            var data: String
            var name: String
            var value: Double
            var unit: String
        }
        let reading = try JSONDecoder().decode(Reading.self, from: Data(try #require(json.output.first).utf8))
        #expect(reading.register == "EDBC")
        #expect(reading.unit == "W")
        let number = IndependentCharger.number(reading.data)
        #expect(chargers.foreign(0, [String(number)]) == [])
        #expect(abs(reading.value - Double(number) / 100) < 1e-9)
        let missing = try await run("get", chargers.paths[0], "edbc", "2000")
        #expect(missing.ending == .exit(1))
        #expect(missing.errors.contains("2000"))
    }

    @Test(.enabled(if: Bench.hasPython, Bench.noPython))
    func portsAsksWhoIsThere() async throws {
        struct Port: Decodable {
            var path: String
            var state: String?
            var serial: String?
            var firmware: String?
            var held_by: [String]
        }
        // The other program made the pseudo-terminal and keeps it open: it is the device, and no rival.
        let charger = try await IndependentCharger("new", serial: "HQ2012PYTHN")
        let result = try await run("ports", charger.path, "--json")
        #expect(result.ending == .exit(0))
        let ports = try JSONDecoder().decode([Port].self, from: Data(result.output.joined().utf8))
        #expect(ports.count == 1)
        #expect(ports.first?.path == charger.path)
        #expect(ports.first?.serial == "HQ2012PYTHN")
        #expect(ports.first?.held_by == [])

        // A port that is being read is left alone, and its reader is named.
        let bridge = try Program("--dry-run", "--ports", charger.path)
        try await bridge.output.first("a value") { $0.contains("edbc") }
        let busy = try await run("ports", charger.path, "--json")
        let held = try JSONDecoder().decode([Port].self, from: Data(busy.output.joined().utf8))
        #expect(held.first?.held_by == ["vebridge (\(bridge.process))"])
        #expect(held.first?.state == nil)
        let words = try await run("ports", charger.path)
        #expect(words.output.joined().contains("in use by"))
    }

    @Test func registersAreATableAndJSON() async throws {
        let table = try await run("registers")
        #expect(table.ending == .exit(0))
        #expect(table.output.count > 400)
        #expect(table.output.contains { $0.hasPrefix("EDBC  panel_power") })
        #expect(table.output.contains { $0.hasPrefix("2027  no charger networked") })
        struct Register: Decodable {
            var register: String
            var name: String
            var unit: String
            var scale: Double
        }
        let json = try await run("registers", "--json")
        #expect(json.ending == .exit(0))
        let registers = try json.output.map { try JSONDecoder().decode(Register.self, from: Data($0.utf8)) }
        let power = try #require(registers.first { $0.register == "EDBC" })
        #expect(power.unit == "W" && power.scale == 0.01)
    }

    @Test func decodesStandardInput() async throws {
        let program = try Program("decode", "vedirect", "-")
        // An answer, a refusal, a broken frame, and half a frame at the end.
        program.write(Array(":7BCED009A09000002\n:7002001 2D\n:70020012D\n:7BCED009A09000003\n:7BC".utf8))
        program.closeInput()
        #expect(try await program.end() == .exit(0))
        let lines = program.output.elements
        #expect(lines.first?.contains("\"register\":\"EDBC\"") == true)
        #expect(lines.first?.contains("\"value\":24.58") == true)
        #expect(lines.contains { $0.contains("\"register\":\"2000\"") && $0.contains("\"flags\":1") })
        #expect(lines.last?.contains("\"type\":\"summary\"") == true)
        #expect(lines.last?.contains("\"hex\":2") == true)
        let absent = try await run("decode", "vedirect", "/dev/nowhere0")
        #expect(absent.ending == .exit(1))
        #expect(absent.errors.contains("/dev/nowhere0"))
    }

    @Test func saysWhyACaptureCannotBeDecoded() async throws {
        let scratch = ScratchDirectory()
        for text in ["  can0  046F1297   [8]  1B 97 12 03 00 02 00 00\n", " (000.012345)  can0  0550840A   [0]\n"] {
            let result = try await run("decode", "masterbus", scratch.file("plain.log", text))
            #expect(result.ending == .exit(1) && result.output.isEmpty)
            #expect(result.errors.contains("candump -L"))
        }
        for (kind, device) in [("vedirect", "/dev/zero"), ("masterbus", "/dev/zero"), ("masterbus", "/dev/full")] {
            let result = try await run("decode", kind, device)
            #expect(result.ending == .exit(1))
            #expect(result.errors.contains("no end of a line"))
        }
        let other = try await run("decode", "vedirect", scratch.file("past.csv", "time,power\n1,2\n"))
        #expect(other.ending == .exit(0))
        #expect(other.errors.contains("no valid VE.Direct frame or block in 15 bytes"))
    }

    @Test func aPipeWithoutAWriterIsNoEmptyConfiguration() async throws {
        let scratch = ScratchDirectory()
        let pipe = scratch.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        let result = try await run("--dry-run", "--config", pipe)
        #expect(result.ending == .exit(2))
        #expect(result.errors.contains("is a pipe that nothing was written to"))
    }

    // MARK: Simulation

    @Test func simulatedChargersCanBeRead() async throws {
        let scratch = ScratchDirectory()
        let link = scratch.path + "/charger"
        let simulation = try Program("simulate", "--chargers", "2", "--link", link, "--firmware", "1.16")
        try await simulation.output.wait("two chargers") { $0.count == 2 }
        let serials = simulation.output.elements.compactMap { $0.split(separator: " ").last.map(String.init) }
        #expect(simulation.output.elements.first?.hasPrefix(link + "0 ") == true)
        let bridge = try Program("--dry-run", "--ports", link + "*")
        for serial in serials {
            try await bridge.output.first("a value of \(serial)") { $0.contains("/\(serial)/edbc") }
        }
        simulation.signal(15)
        #expect(try await simulation.end(within: .seconds(2)) == .exit(0))
        #expect(access(link + "0", F_OK) != 0)
    }

    @Test(.enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func theDemoProvesItselfAndLeavesNothing() async throws {
        let program = try Program("demo", "--for", "7")
        program.closeInput()
        // Its past is simulated before the seven seconds begin.
        #expect(try await program.end(within: .seconds(50)) == .exit(0))
        let serials = Set(
            program.output.elements.compactMap { line in
                line.hasPrefix("/venetworking/") ? line.split(separator: "/")[1] : nil
            })
        #expect(serials.count == 3)
        #expect(program.complaint.contains("every charger and the bus published"))
    }

    @Test(.enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func aDemoTooShortToPublishSaysSo() async throws {
        let result = try await run("demo", "--for", "0.5")
        #expect(result.ending == .exit(1))
        #expect(result.errors.contains("nothing was published"))
    }

    @Test func aReaderThatGoesAwayIsNoFault() async throws {
        let shell = try Program(
            path: "/bin/sh",
            ["-c", "\(Program.vebridge) registers | head -1; \(Program.vebridge) registers --json | head -1"])
        #expect(try await shell.end() == .exit(0))
        #expect(shell.output.count == 2)
        #expect(shell.complaint == "")
    }
}
