import Bridge
import Glibc
import Simulation
import Testing

/// What the commands say where something is wrong: short, what it is, and what to do.
@Suite("Messages of the commands", .timeLimit(.minutes(1)))
struct MessageTests {
    private func run(_ arguments: [String]) async throws -> (ending: Program.Ending, output: [String], errors: [String])
    {
        let program = try Program(vebridge: arguments)
        program.closeInput()
        let ending = try await program.end(within: .seconds(40))
        return (ending, program.output.elements, program.errors.elements)
    }

    @Test(
        "an unknown command gets the nearest one, and no usage",
        arguments: [
            (["prots"], "no command 'prots'; did you mean 'ports'?"),
            (["ports2", "/dev/ttyUSB0"], "no command 'ports2'; did you mean 'ports'?"),
            (["history", "xport"], "no command 'history xport'; did you mean 'history export'?"),
            (["zzzzzz"], "no command 'zzzzzz'; see 'vebridge --help'"),
            (["decode", "zzzzzz"], "no command 'decode zzzzzz'; see 'vebridge decode --help'"),
        ])
    func unknownCommand(_ arguments: [String], _ message: String) async throws {
        let result = try await run(arguments)
        #expect(result.ending == .exit(2))
        #expect(result.errors == [message])
        #expect(result.output == [])
    }

    @Test(
        "wrong usage is one line that fits a terminal, with one line of usage",
        arguments: [
            (["--bogus"], "usage: vebridge run [options]"), (["run", "--bogus"], "usage: vebridge run [options]"),
            (["compare", "--bogus"], "usage: vebridge compare [options]"),
            (["record"], "usage: vebridge record <folder> [options]"),
            (["get"], "usage: vebridge get <port> <registers> ... [options]"),
            (["simulate", "--bogus"], "usage: vebridge simulate [options]"),
            (["ports", "--bogus"], "usage: vebridge ports [<paths> ...] [options]"),
        ])
    func usage(_ arguments: [String], _ usage: String) async throws {
        let result = try await run(arguments)
        #expect(result.ending == .exit(2))
        #expect(result.errors.count == 3 && result.errors[1] == usage, "\(result.errors)")
        #expect(result.errors.allSatisfy { $0.count <= 80 }, "\(result.errors)")
    }

    @Test(
        "every duration is written alike",
        arguments: [
            ["record", "--for"], ["compare", "--for"], ["demo", "--for"], ["demo", "--day"], ["simulate", "--day"],
            ["masterbus", "scan", "can0", "--timeout"],
        ])
    func durations(_ command: [String]) async throws {
        let folder = command[0] == "record" ? ["/dev/null/nowhere"] : []
        // What is valid is found out by an option that is not: it is named instead.
        for text in ["10", "10s", "10m", "1h", "1.5s", "2d"] where !(command.last == "--timeout" && text == "2d") {
            let result = try await run(command + [text] + folder + ["--bogus"])
            #expect(result.ending == .exit(2))
            #expect(result.errors.first?.contains("--bogus") == true, "\(text): \(result.errors)")
        }
        for text in ["soon", "5x", "1h30", "-3", "0", "", "99d"] {
            let result = try await run(command + [text] + folder)
            #expect(result.ending == .exit(2), "\(command) \(text)")
            if text != "-3" {
                let option = command.last ?? ""
                #expect(result.errors.first?.hasPrefix("\(option): ") == true, "\(text): \(result.errors)")
                #expect(result.errors.first?.hasSuffix("not '\(text)'") == true, "\(text): \(result.errors)")
            }
        }
    }

    @Test("a broker that purge cannot reach is named with the reason")
    func purge() async throws {
        let result = try await run(["purge", "--broker", "mqtt://127.0.0.1:1"])
        #expect(result.ending == .exit(1))
        let message = try #require(result.errors.first)
        #expect(message.hasPrefix("mqtt://127.0.0.1:1 not reached in 10 s: connection refused"), "\(message)")
        #expect(result.errors.count == 1)
    }

    @Test("a port on which nothing answers is status 3, and says what to check")
    func nothingAnswers() async throws {
        let terminal = try PseudoTerminal()
        let result = try await run(["ports", terminal.path])
        #expect(result.ending == .exit(3))
        #expect(result.output.first == terminal.path)
        #expect(result.errors == ["no VE.Direct device answered. Check cable and supply"])
        #expect(try await run(["ports", terminal.path, "--no-ask"]).ending == .exit(0))
    }

    @Test("what is no port is said in a line, whoever has it open", arguments: ["/dev/null", "/tmp"])
    func notSerial(_ path: String) async throws {
        let result = try await run(["ports", path])
        #expect(result.ending == .exit(3))
        #expect(result.output.count == 2 && result.output[1].contains("not a serial port"), "\(result.output)")
        let get = try await run(["get", path, "panel_power"])
        #expect(get.ending == .exit(1))
        #expect(get.errors.count == 1 && get.errors[0].contains("not a serial port"))
    }

    @Test("a port that the daemon has: its holder as in ports, and how to ask the daemon")
    func held() async throws {
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let bridge = try Program("--dry-run", "--ports", chargers.paths[0])
        try await bridge.output.first("a value") { $0.contains("edbc") }
        let ports = try await run(["ports", chargers.paths[0]])
        #expect(ports.ending == .exit(0))
        let holder = "in use by    vebridge (\(bridge.process))"
        #expect(ports.output.contains { $0.hasSuffix(holder) })
        let get = try await run(["get", chargers.paths[0], "panel_power"])
        #expect(get.ending == .exit(1))
        #expect(get.errors.first == "\(chargers.paths[0]): in use by vebridge (\(bridge.process))")
        let request = "vebridge/bridge/request/read -m '\(chargers.paths[0]) panel_power'"
        #expect(get.errors.contains { $0.hasSuffix(request) }, "\(get.errors)")
    }
}
