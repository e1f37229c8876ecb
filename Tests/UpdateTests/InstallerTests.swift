import Glibc
import Testing

@testable import Update

@Suite struct InstallerTests {
    private let rig: Rig
    init() throws { rig = try Rig() }

    private func installed(_ version: String) throws {
        rig.healthy.insert(version)
        try rig.lay(version)
        #expect(try rig.install()?.kind == .installed)
        #expect(rig.running == version)
    }

    private func refused(_ words: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let (before, restarts) = (rig.running, rig.restarts)
        let outcome = try rig.install()
        #expect(outcome?.kind == .refused, sourceLocation: sourceLocation)
        #expect(outcome?.reason.contains(words) == true, "\(outcome?.reason ?? "nil")", sourceLocation: sourceLocation)
        #expect(rig.running == before && rig.restarts == restarts, sourceLocation: sourceLocation)
        #expect(!rig.stage.isPending, sourceLocation: sourceLocation)
        #expect(rig.store.outcome == outcome, sourceLocation: sourceLocation)
        #expect(try rig.install() == nil, sourceLocation: sourceLocation)
    }

    @Test func nothingToDoChangesNothing() throws {
        #expect(try rig.install() == nil)
        #expect(rig.running == "0.1.0" && rig.restarts == 0)
    }

    @Test func aGoodOneRunsAndTheOneBeforeItStays() throws {
        try installed("0.1.1")
        #expect(rig.store.outcome == UpdateOutcome(version: SoftwareVersion("0.1.1"), kind: .installed, reason: ""))
        try installed("0.1.2")
        #expect(rig.store.versions.names == ["0.1.1", "0.1.2"])
        try installed("0.2.0")
        #expect(rig.store.versions.names == ["0.1.2", "0.2.0"])
        #expect(rig.store.trial == nil)
    }

    @Test func whatTheKeyDidNotSignIsRefused() throws {
        try rig.lay("0.1.1", by: try UpdateSigningKey())
        try refused("signature")
    }

    @Test func withoutAKeyEverythingIsRefused() throws {
        try rig.lay("0.1.1")
        let outcome = try rig.install(key: .some(nil))
        #expect(outcome?.kind == .refused && outcome?.reason.contains("update.key") == true)
        #expect(rig.running == "0.1.0")
    }

    @Test func theSameAndOlderOnesAreRefused() throws {
        try rig.lay("0.1.0")
        try refused("not newer than 0.1.0, which runs")
        try installed("0.1.2")
        for version in ["0.1.2", "0.1.1", "0.0.9"] {
            try rig.lay(version)
            try refused("not newer than")
        }
        // Nor after the package took over again.
        try rig.store.goBack()
        rig.boot()
        try rig.lay("0.1.2")
        try refused("was tried already")
    }

    @Test func aPackageThatIsNewerHasTheLastWord() throws {
        try installed("0.1.1")
        rig.packaged = "0.2.0"
        rig.boot()
        #expect(rig.running == "0.2.0")
        try rig.lay("0.1.5")
        try refused("not newer than 0.2.0")
    }

    @Test func anotherMachinesIsRefused() throws {
        try rig.lay("0.1.1", architecture: "riscv64")
        try refused("riscv64")
    }

    @Test func oneThatSaysAnotherVersionIsRefused() throws {
        try rig.lay("0.1.1", program: Rig.bytes("0.1.0"))
        try refused("says of itself")
    }

    @Test func aProgramThatWasChangedAfterwardsIsRefused() throws {
        try rig.lay("0.1.1")
        let program = rig.stage.path + "/staged/vebridge"
        var bytes = try readWhole(program, limit: 1 << 20)
        bytes[bytes.count / 2] ^= 1
        try DurableFolder(path: rig.stage.path + "/staged").write("vebridge", bytes)
        try refused("not the one that was signed")
    }

    @Test(arguments: ["manifest", "signature", "vebridge"])
    func whatIsMissingOrTakesRoomIsRefused(_ name: String) throws {
        let place = "\(rig.stage.path)/staged/\(name)"
        try rig.lay("0.1.1")
        unlink(place)
        try refused("cannot read")
        try rig.lay("0.1.1")
        try DurableFolder(path: rig.stage.path + "/staged").write(name, [UInt8](repeating: 0x61, count: 300_000))
        try refused("")
    }

    /// Whoever runs the daemon may write there, and is not to make root read or write anything else.
    @Test func linksAreNotFollowed() throws {
        try rig.lay("0.1.1")
        let place = rig.stage.path + "/staged/vebridge"
        unlink(place)
        symlink("/etc/passwd", place)
        try refused("cannot read")
        try rig.lay("0.1.1")
        rename(rig.stage.path + "/staged", rig.folder.place("elsewhere"))
        symlink(rig.folder.place("elsewhere"), rig.stage.path + "/staged")
        try refused("cannot open")
        #expect(access(rig.folder.place("elsewhere") + "/vebridge", F_OK) == 0)
        try rig.lay("0.1.1")
        unlink(place)
        mkdir(place, 0o755)
        try refused("")
        mkdir(rig.stage.path + "/staged", 0o755)
        mkfifo(rig.stage.path + "/staged/manifest", 0o644)
        try refused("it is no file")
    }

    @Test func oneThatIsNeverWellIsTakenOutAgain() throws {
        try installed("0.1.1")
        try rig.lay("0.1.2")
        let outcome = try rig.install()
        #expect(outcome?.kind == .rolledBack)
        #expect(outcome?.reason == "it did not say in 120 s that it is well")
        #expect(rig.running == "0.1.1")
        #expect(rig.store.trial == nil && rig.store.versions.names == ["0.1.1"])
        // And not taken again, though it were well by now.
        rig.healthy.insert("0.1.2")
        try rig.lay("0.1.2")
        try refused("was tried already")
        try installed("0.1.3")
    }

    @Test func oneThatDoesNotStartIsTakenOutAgain() throws {
        rig.broken = ["0.1.1"]
        try rig.lay("0.1.1")
        #expect(try rig.install()?.kind == .rolledBack)
        #expect(rig.running == "0.1.0")
        #expect(rig.store.current == nil)
    }

    /// The daemon says what it was like before; the helper hands it on to its successor.
    @Test func howItWasBeforeIsHandedOn() throws {
        rig.cut = "on trial"
        try rig.lay("0.1.1", before: Circumstances(chargers: 4, isConnected: true))
        #expect(throws: Rig.powerCut) { try rig.install() }
        #expect(rig.store.trial?.before == Circumstances(chargers: 4, isConnected: true))
    }

    @Test func aMachineThatGoesDownThriceOnProbationGoesBack() throws {
        try rig.lay("0.1.1")
        for _ in 0..<3 {
            rig.cut = "restarted"
            #expect(throws: Rig.powerCut) { try rig.install() }
            rig.boot()
        }
        rig.cut = nil
        // Now it would be well, and that is too late.
        rig.healthy = ["0.1.1"]
        let outcome = try rig.install()
        #expect(outcome?.kind == .rolledBack)
        #expect(rig.running == "0.1.0")
    }

    /// A note that cannot be read, after a disk forgot, is no reason to run what nobody judged.
    @Test func aDamagedNoteOfProbationGoesBackToThePackage() throws {
        rig.cut = "switched"
        try rig.lay("0.1.1")
        #expect(throws: Rig.powerCut) { try rig.install() }
        try rig.store.folder.write("trial", "\0\0\0")
        rig.cut = nil
        let outcome = try rig.install()
        #expect(outcome?.kind == .rolledBack && outcome?.reason.contains("cannot be read") == true)
        #expect(rig.running == "0.1.0")
        // The stage was not cleared before the cut; this version was noted as tried.
        #expect(try rig.install()?.kind == .refused)
        #expect(try rig.install() == nil)
    }

    /// It said that it is well before the helper could hear it: how often the machine went down no longer matters.
    @Test func aWordThatWasSaidCounts() throws {
        rig.cut = "restarted"
        try rig.lay("0.1.1")
        for _ in 0..<3 { #expect(throws: Rig.powerCut) { try rig.install() } }
        rig.healthy = ["0.1.1"]
        rig.boot()
        #expect(try rig.install()?.kind == .installed)
        #expect(rig.running == "0.1.1")
    }

    /// A full disk or a shutdown says nothing about an update: it stays, and is tried again.
    @Test func theMachinesOwnTroubleIsNoRefusal() throws {
        rig.healthy = ["0.1.1"]
        try rig.lay("0.1.1")
        let fault = UpdateFault("no room", isOfMachine: true)
        rig.versionFault = fault
        #expect(throws: fault) { try rig.install() }
        #expect(rig.stage.isPending && rig.store.outcome == nil && rig.running == "0.1.0")
        rig.versionFault = nil
        rig.restartFault = fault
        #expect(throws: fault) { try rig.install() }
        #expect(rig.store.outcome == nil)
        rig.restartFault = nil
        #expect(try rig.install()?.kind == .installed)
    }

    @Test func aServiceThatCannotBeStartedIsTakenOutAgain() throws {
        try rig.lay("0.1.1")
        rig.restartFault = UpdateFault("'systemctl' ended with 1")
        #expect(throws: UpdateFault.self) { try rig.install() }
        rig.restartFault = nil
        #expect(try rig.install()?.kind == .rolledBack)
        #expect(rig.running == "0.1.0")
    }

    @Test func goingBackByHandIsForGood() throws {
        try installed("0.1.1")
        try installed("0.1.2")
        try rig.store.goBack()
        #expect(try rig.install() == nil)
        rig.boot()
        #expect(rig.running == "0.1.0")
        // On probation as well.
        rig.cut = "restarted"
        try rig.lay("0.1.3")
        #expect(throws: Rig.powerCut) { try rig.install() }
        try rig.store.goBack()
        rig.cut = nil
        #expect(try rig.install() == nil)
        rig.boot()
        #expect(rig.running == "0.1.0")
    }

    /// Whoever took over the daemon cannot make the helper be called for ever by a folder that is elsewhere.
    @Test func aFolderThatIsALinkHasNothingReady() throws {
        try rig.lay("0.1.1")
        rename(rig.stage.path, rig.folder.place("elsewhere"))
        symlink(rig.folder.place("elsewhere"), rig.stage.path)
        #expect(!rig.stage.isPending)
        #expect(try rig.install() == nil)
        #expect(access(rig.folder.place("elsewhere") + "/staged/vebridge", F_OK) == 0)
    }
}

/// The power goes at every place there is, once and twice in a row: one whole version runs at each start, and in the end
/// it is the one that it should be.
@Suite struct PowerCutTests {
    private static let places = [
        "made", "copied", "in place", "stopped", "on trial", "noted", "switched", "cleared", "restarted", "well",
        "told", "failed",
        "switched back", "restarted the old one",
    ]

    private func cuts(_ rig: Rig, at cut: String, runs allowed: Set<String>) throws -> UpdateOutcome? {
        rig.cut = cut
        var outcome: UpdateOutcome?
        do {
            outcome = try rig.install()
        } catch let fault as UpdateFault {
            #expect(fault == Rig.powerCut)
        }
        rig.boot()
        #expect(rig.running.map(allowed.contains) == true, "after a cut at '\(cut)': \(rig.running ?? "nothing") runs")
        return outcome
    }

    @Test(arguments: places, places + ["nowhere"])
    func ofAGoodOne(_ first: String, _ second: String) throws {
        let rig = try Rig()
        rig.healthy = ["0.1.1", "0.1.2"]
        try rig.lay("0.1.1")
        #expect(try rig.install()?.kind == .installed)
        try rig.lay("0.1.2")
        for cut in [first, second] { _ = try cuts(rig, at: cut, runs: ["0.1.1", "0.1.2"]) }
        rig.cut = nil
        _ = try rig.install()
        rig.boot()
        #expect(rig.running == "0.1.2")
        #expect(rig.store.outcome?.kind == .installed && rig.store.trial == nil && !rig.stage.isPending)
        #expect(rig.store.versions.names == ["0.1.1", "0.1.2"])
        #expect(try rig.install() == nil)
    }

    @Test(arguments: places, places + ["nowhere"])
    func ofABadOne(_ first: String, _ second: String) throws {
        let rig = try Rig()
        rig.healthy = ["0.1.1"]
        try rig.lay("0.1.1")
        #expect(try rig.install()?.kind == .installed)
        try rig.lay("0.1.2")
        for cut in [first, second] { _ = try cuts(rig, at: cut, runs: ["0.1.1", "0.1.2"]) }
        rig.cut = nil
        _ = try rig.install()
        rig.boot()
        #expect(rig.running == "0.1.1")
        #expect(rig.store.outcome?.kind == .rolledBack && rig.store.trial == nil && !rig.stage.isPending)
        #expect(rig.store.versions.names == ["0.1.1"])
    }

    /// So that no place is forgotten above.
    @Test func thePlacesAreThese() throws {
        let rig = try Rig()
        rig.healthy = ["0.1.1"]
        try rig.lay("0.1.1")
        _ = try rig.install()
        var seen = Set(rig.passed)
        try rig.lay("0.1.2")
        _ = try rig.install()
        seen.formUnion(rig.passed)
        #expect(seen == Set(Self.places))
    }
}
