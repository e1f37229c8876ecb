import Testing

@testable import Bridge

@Suite("[[multiplexer]]")
struct MultiplexerConfigurationTests {
    private func parse(_ text: String) throws -> Configuration { try Configuration.parse(text: text, file: "v.toml") }

    private func faults(_ text: String) -> [String] {
        do throws(ConfigurationError) {
            _ = try Configuration.parse(text: text, file: "v.toml")
            return []
        } catch {
            return error.diagnostics.map(\.description)
        }
    }

    @Test func everythingIsRead() throws {
        let configuration = try parse(
            """
            [[multiplexer]]
            name = "aft"
            port = "/dev/ttyAMA0"
            chip = "/dev/gpiochip1"
            select = [17, 27]
            active_low = true
            channels = ["port", "", "stern"]
            settle = "50ms"
            turn_min = "2s"
            turn_max = "4s"

            [[multiplexer]]
            name = "bow"
            port = "/dev/ttyAMA1"
            select = "file:/run/bow"
            channels = 3
            """)
        let aft = try #require(configuration.multiplexers.first)
        #expect(aft.name == "aft")
        #expect(aft.port == "/dev/ttyAMA0")
        #expect(aft.select == .lines(chip: "/dev/gpiochip1", offsets: [17, 27], activeLow: true))
        #expect(aft.channels == [.init(value: 0, name: "port"), .init(value: 2, name: "stern")])
        #expect(aft.settle == .milliseconds(50))
        #expect(aft.turnMin == .seconds(2))
        #expect(aft.turnMax == .seconds(4))
        let bow = try #require(configuration.multiplexers.last)
        #expect(bow.select == .file("/run/bow"))
        #expect(bow.channels.map(\.name) == ["0", "1", "2"])
        #expect(bow.settle == .milliseconds(20))
        #expect(configuration.redactedDescription().contains("multiplexer[0].select = [17, 27]"))
        #expect(configuration.redactedDescription().contains("multiplexer[1].select = \"file:/run/bow\""))
    }

    @Test(arguments: [
        ("[[multiplexer]]\nname = \"a\"", "v.toml:1: [[multiplexer]] has no port: add port = \"/dev/ttyAMA0\""),
        ("[[multiplexer]]\nname = \"a\"", "v.toml:1: [[multiplexer]] has no select: add select = [17, 27]"),
        ("[[multiplexer]]\nname = \"a\"", "v.toml:1: [[multiplexer]] has no channels: add channels = 4"),
        ("[[multiplexer]]\nname = \"a b\"", "v.toml:2: 'multiplexer.name' cannot be \"a b\""),
        ("[[multiplexer]]\nselect = [1, 2, 1]", "v.toml:2: 'multiplexer.select' has line 1 twice"),
        ("[[multiplexer]]\nselect = [1, -2]", "v.toml:2: 'multiplexer.select' has something that is no line"),
        ("[[multiplexer]]\nselect = 17", "must be a list, not a number: write select = [17]"),
        ("[[multiplexer]]\nselect = \"/tmp/x\"", "or \"file:/path\""),
        ("[[multiplexer]]\nselect = [1]\nchannels = 3", "v.toml:3: 'multiplexer.channels' has 3 channels, and 1 line"),
        ("[[multiplexer]]\nselect = [1]\nchannels = 3", "addresses only 2: 3 channels need 2 lines"),
        ("[[multiplexer]]\nchannels = [\"a\", \"a\"]", "v.toml:2: 'multiplexer.channels' has \"a\" twice"),
        ("[[multiplexer]]\nchannels = [\"\"]", "names no channel"),
        ("[[multiplexer]]\nport = \"/dev/ttyUSB*\"", "has the pattern \"/dev/ttyUSB*\": write the path of one port"),
        ("[[multiplexer]]\nselect = \"file:/x\"\nchip = \"/dev/gpiochip0\"", "v.toml:3: 'multiplexer.chip' has no use"),
        (
            "ports = [\"/dev/ttyS1\"]\n[[multiplexer]]\nport = \"/dev/ttyS1\"",
            "v.toml:3: 'multiplexer.port' is \"/dev/ttyS1\", which is among the ports too"
        ),
        ("[[multiplexer]]\nturn_min = \"5s\"", "v.toml:2: 'multiplexer.turn_min' (5s) is longer than 'turn_max' (3s)"),
        (
            "[[multiplexer]]\nsettel = \"5s\"",
            "v.toml:2: unknown key 'settel' in [[multiplexer]]: did you mean 'settle'?"
        ),
        ("[multiplexer]\nname = \"a\"", "write [[multiplexer]], with two brackets"),
    ])
    func mistakesAreNamedWithTheirLine(text: String, fault: String) {
        #expect(faults(text).contains { $0.contains(fault) }, "\(faults(text))")
    }

    @Test(arguments: [
        ("name = \"a\"", "two multiplexers are named \"a\""),
        ("port = \"/dev/ttyS1\"", "two multiplexers are behind \"/dev/ttyS1\""),
        ("select = [3, 2]", "has line 2, which is a line of \"a\" already"),
    ])
    func twoMultiplexersShareNothing(line: String, fault: String) {
        let text = """
            [[multiplexer]]
            name = "a"
            port = "/dev/ttyS1"
            select = [1, 2]
            channels = 4
            [[multiplexer]]
            \(line)
            """
        #expect(faults(text).contains { $0.hasPrefix("v.toml:7:") && $0.contains(fault) }, "\(faults(text))")
    }
}
