import Testing

/// Chargers, cables and a judge that share no code with the program: Tests/IndependentCharger. `make proxy` runs the
/// same for longer.
@Suite(.timeLimit(.minutes(3)))
struct BadCableTests {
    private func proof(_ options: String...) throws -> Program {
        try Program(
            path: "python3",
            [Bench.root + "/Tests/IndependentCharger/proof.py", "--program", Program.vebridge] + options)
    }

    @Test(
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto), .enabled(if: Bench.hasPython, Bench.noPython))
    func everyPayloadIsWhatTheChargerHeld() async throws {
        let proof = try proof("--minutes", "1", "--ber", "1e-3", "--seed", "7")
        let ending = try await proof.end(within: .seconds(110))
        let words = proof.output.elements.joined(separator: "\n")
        #expect(ending == .exit(0), "\(words)")
        #expect(words.contains(" 0 wrong, 0 phantom ids"), "\(words)")
    }

    /// A judge that finds nothing wrong must be one that would.
    @Test(
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto), .enabled(if: Bench.hasPython, Bench.noPython))
    func aForgedPayloadAndAPhantomAreFound() async throws {
        let proof = try proof("--minutes", "0.3", "--ber", "0", "--forge")
        let ending = try await proof.end(within: .seconds(60))
        let words = proof.output.elements.joined(separator: "\n")
        #expect(ending == .exit(1), "\(words)")
        #expect(words.contains(" 1 wrong, 1 phantom ids"), "\(words)")
        #expect(words.contains("phantom: HQ9999FORGE"), "\(words)")
    }
}
