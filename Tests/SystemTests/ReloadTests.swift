import Bridge
import Glibc
import Simulation
import Testing

/// SIGHUP: the configuration is read again while the program runs.
@Suite("Reading the configuration again", .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
struct ReloadTests {
    private func text(_ ports: [String], _ broker: PrivateBroker, _ more: String = "") -> String {
        """
        ports = [\(ports.map { "\"\($0)\"" }.joined(separator: ", "))]
        [broker]
        url = "\(Bench.address(broker))"
        \(more)
        """
    }

    @Test("a port that was added is read, one that was taken away is not, and nobody restarted anything")
    func ports() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let chargers = try Chargers([
            .smartSolar150x60(serial: "HQ2012ABCDE"), .smartSolar150x60(serial: "HQ2013FGHIJ"),
        ])
        let scratch = ScratchDirectory()
        let file = scratch.file("vebridge.toml", text([chargers.paths[0]], broker))
        let bridge = try Program("--config", file)
        try await board.message("/venetworking/HQ2012ABCDE/edbc")
        var news = board.count
        _ = scratch.file("vebridge.toml", text([chargers.paths[1]], broker, "[schema]\nprefix = \"/other\""))
        bridge.signal(SIGHUP)
        try await board.message("/other/HQ2013FGHIJ/edbc", from: news)
        let told = try await bridge.errors.first("what changed") { $0.contains("reading everything again") }
        #expect(told.element.contains("ports, schema.prefix"))
        #expect(!told.element.contains("broker.url"))

        // A broken file changes nothing, and the log says where it is broken.
        _ = scratch.file("vebridge.toml", "ports = [\"/dev/ttyUSB0\"]\n[broker]\nurll = \"x\"\n")
        bridge.signal(SIGHUP)
        let refused = try await bridge.errors.first("the fault") { $0.contains("the configuration was not taken") }
        #expect(refused.element.contains("\(file):3"))
        _ = try await bridge.errors.first("that it stays") { $0.contains("stays in force") }
        news = board.count
        try await board.message("/other/HQ2013FGHIJ/edbc", from: news)
        #expect(!board.messages.elements.dropFirst(news).contains { $0.topic.hasPrefix("/venetworking/") })

        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
        try await board.message("vebridge/bridge/state", "offline", from: news)
    }

    @Test("without a file there is nothing to read, and nothing ends")
    func noFile() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let bridge = try Program("--ports", chargers.paths[0], "--broker", Bench.address(broker))
        try await board.message("/venetworking/HQ2012ABCDE/edbc")
        bridge.signal(SIGHUP)
        _ = try await bridge.errors.first("a word") { $0.contains("there is no configuration file to read again") }
        let news = board.count
        try await board.message("/venetworking/HQ2012ABCDE/edbc", from: news)
        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
    }
}
