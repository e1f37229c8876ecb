import Glibc
import Testing

@testable import Update

/// Who can say that a version is well, and what a service that was taken over can do about it.
@Suite struct ProbationTests {
    private let rig: Rig
    init() throws { rig = try Rig() }

    private func version(_ text: String) throws -> SoftwareVersion { try #require(SoftwareVersion(text)) }

    /// What an attacker with the rights of the service can read of the helper's folder.
    private func readable(_ name: String) -> [UInt8]? {
        var facts = stat()
        guard stat(rig.store.folder.place(name), &facts) == 0, facts.st_mode & 0o004 != 0 else { return nil }
        return try? readWhole(rig.store.folder.place(name), limit: 1 << 20)
    }

    @Test func onlyRootMayReadTheToken() throws {
        rig.cut = "restarted"
        try rig.lay("0.1.1")
        #expect(throws: Rig.powerCut) { try rig.install() }
        let token = try #require(rig.store.token)
        #expect(token.utf8.count == 32)
        for name in rig.store.folder.names where name != "versions" && name != "current" {
            #expect(readable(name).map { String(decoding: $0, as: UTF8.self).contains(token) } ?? false == false)
        }
        var facts = stat()
        #expect(stat(rig.store.folder.place("token"), &facts) == 0 && facts.st_mode & 0o777 == 0o600)
    }

    /// An attacker who still runs reports whatever a file that it may read says.
    @Test func theServiceBeforeTheUpdateLearnsNoToken() throws {
        var seen: Set<String> = []
        var attacks = 0
        rig.attack = { [unowned rig] in
            guard rig.running == "0.1.0" else { return }
            attacks += 1
            for name in rig.store.folder.names {
                guard let bytes = readable(name) else { continue }
                for word in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace) {
                    seen.insert(String(word))
                    for text in ["\(word)\n", "token \(word)\nprocess \(rig.process)\nstate well\nreason none\n"] {
                        try? DurableFolder(path: rig.stage.path).write("healthy", text)
                    }
                }
            }
        }
        rig.broken = ["0.1.1"]
        try rig.lay("0.1.1")
        #expect(try rig.install()?.kind == .rolledBack)
        #expect(rig.running == "0.1.0" && attacks > 0)
        #expect(seen.allSatisfy { Hexadecimal.bytes($0, count: 16) == nil })
    }

    @Test func theServiceIsStoppedBeforeAnythingOfTheProbationIsWritten() throws {
        try rig.lay("0.1.1")
        rig.cut = "stopped"
        #expect(throws: Rig.powerCut) { try rig.install() }
        #expect(rig.running == nil && rig.stops == 1)
        for name in ["trial", "token", "highest", "current"] {
            #expect(access(rig.store.folder.place(name), F_OK) != 0, "\(name)")
        }
        // What cannot be stopped is left as it is, and tried again.
        rig.boot()
        rig.cut = nil
        rig.stopFault = UpdateFault("cannot stop it", isOfMachine: true)
        #expect(throws: UpdateFault.self) { try rig.install() }
        #expect(rig.running == "0.1.0" && rig.stage.isPending && rig.store.trial == nil)
        rig.stopFault = nil
        rig.healthy = ["0.1.1"]
        #expect(try rig.install()?.kind == .installed)
    }

    /// Each start has another token, and the one before it proves nothing.
    @Test func anOldTokenCountsForNothing() throws {
        try rig.lay("0.1.1")
        rig.cut = "restarted"
        #expect(throws: Rig.powerCut) { try rig.install() }
        let first = try #require(rig.store.token)
        rig.cut = nil
        rig.attack = { [unowned rig] in
            try? rig.stage.report(ProbationReport(token: first, process: rig.process, shortfall: nil))
        }
        #expect(try rig.install()?.kind == .rolledBack)
        #expect(rig.store.token == nil)
    }

    /// The right token from a process that does not run the new version: it was not started, and the package runs.
    @Test func aProcessThatRunsAnotherProgramConfirmsNothing() throws {
        try rig.lay("0.1.1")
        rig.broken = ["0.1.1"]
        rig.attack = { [unowned rig] in
            guard let token = rig.store.token else { return }
            for process in [rig.process, 1, getpid()] {
                try? rig.stage.report(ProbationReport(token: token, process: process, shortfall: nil))
            }
        }
        #expect(try rig.install()?.kind == .rolledBack)
    }

    @Test(arguments: [
        "", "TOKEN\n", "token TOKEN\n", "token TOKEN\nprocess 0\nstate well\n", "token TOKEN\nprocess -1\nstate well\n",
        "token TOKEN\nprocess 99999999999999999999\nstate well\n", "token TOKEN\nprocess PROCESS\n",
        "token TOKEN\nprocess PROCESS\nstate fine\n", "token 00\nprocess PROCESS\nstate well\n",
    ])
    func reportsOfAnotherFormAreNone(_ text: String) throws {
        try rig.lay("0.1.1")
        rig.attack = { [unowned rig] in
            guard let token = rig.store.token, rig.running == "0.1.1" else { return }
            let text = text.replacing("TOKEN", with: token).replacing("PROCESS", with: "\(rig.process)")
            try? DurableFolder(path: rig.stage.path).write("healthy", text)
        }
        #expect(try rig.install()?.kind == .rolledBack)
    }

    @Test func theTokenComesFromTheCredentialsOfTheService() throws {
        let folder = try Folder()
        let token = ProbationToken.make()
        #expect(ProbationToken.received(from: rig.store, credentials: folder.path) == nil)
        try folder.write(ProbationToken.credential, Array("none".utf8))
        #expect(ProbationToken.received(from: rig.store, credentials: folder.path) == nil)
        try folder.write(ProbationToken.credential, Array((token + "\n").utf8))
        #expect(ProbationToken.received(from: rig.store, credentials: folder.path) == token)
    }

    /// The helper of an older package writes the token beside the version, and wants it alone.
    @Test func theHelperOfAnOlderPackageIsServed() throws {
        let lines = ["version 0.2.0", "previous package", "token 00ff", "attempt 1", "chargers 2", "broker connected"]
        let trial = try #require(Trial(lines: lines))
        #expect(trial.legacyToken == "00ff" && trial.before == Circumstances(chargers: 2, isConnected: true))
        #expect(ProbationReport(token: "00ff", process: nil, shortfall: nil).text == "00ff\n")
    }

    // MARK: Claims

    @Test func itHasToBeAsWellAsTheOneBefore() {
        func shortfall(_ before: (Int, Bool), _ now: (Int, Bool), ports: Int = 3) -> String? {
            Circumstances(chargers: before.0, isConnected: before.1).shortfall(
                of: Circumstances(chargers: now.0, isConnected: now.1), ports: ports)
        }
        #expect(shortfall((3, true), (3, true)) == nil)
        #expect(shortfall((3, true), (4, true), ports: 4) == nil)
        #expect(shortfall((3, true), (2, true)) == "2 of 3 chargers answer")
        #expect(shortfall((3, true), (3, false)) == "the broker is not connected")
        #expect(shortfall((3, true), (0, false)) == "0 of 3 chargers answer, and the broker is not connected")
        #expect(shortfall((0, false), (0, false)) == nil)
        // No more chargers than ports can answer.
        #expect(shortfall((200, false), (3, false)) == nil)
    }

    @Test(arguments: ["10000", "257", "-3", "99999999999999999999", "many", "1e3", ""])
    func anAbsurdNumberOfChargersIsIgnored(_ number: String) {
        #expect(Circumstances(lines: ["chargers \(number)", "broker away"]).chargers == 0)
        #expect(Circumstances(lines: ["chargers 256", "broker connected"]).chargers == 256)
    }

    /// The version runs, and a claim says that there was more before: its number is not used up.
    @Test func aVersionThatFallsShortOfAClaimMayBeOfferedAgain() throws {
        rig.healthy = ["0.1.1"]
        try rig.lay("0.1.1")
        #expect(try rig.install()?.kind == .installed)
        rig.short = ["0.1.2": "1 of 2 chargers answer"]
        try rig.lay("0.1.2")
        let outcome = try rig.install()
        #expect(outcome?.kind == .rolledBack)
        #expect(outcome?.reason == "it ran for 120 s and was not as well as before: 1 of 2 chargers answer")
        #expect(rig.running == "0.1.1" && rig.store.highest == SoftwareVersion("0.1.1"))
        rig.short = [:]
        rig.healthy = ["0.1.2"]
        try rig.lay("0.1.2")
        #expect(try rig.install()?.kind == .installed)
        #expect(rig.running == "0.1.2")
    }

    @Test(arguments: ["released", "failed", "switched back", "restarted the old one"])
    func itMayBeOfferedAgainAfterAPowerCut(_ place: String) throws {
        rig.short = ["0.1.1": "1 of 2 chargers answer"]
        try rig.lay("0.1.1")
        rig.cut = place
        #expect(throws: Rig.powerCut) { try rig.install() }
        rig.boot()
        rig.cut = nil
        #expect(try rig.install()?.kind == .rolledBack)
        #expect(rig.running == "0.1.0" && rig.store.highest == nil)
        rig.short = [:]
        rig.healthy = ["0.1.1"]
        try rig.lay("0.1.1")
        #expect(try rig.install()?.kind == .installed)
    }

    /// Whatever the service before left in the way of the report.
    @Test(arguments: ["healthy", "healthy.new"]) func obstaclesDoNotKeepAReportBack(_ name: String) throws {
        let folder = DurableFolder(path: rig.stage.path)
        let report = ProbationReport(token: String(repeating: "0f", count: 16), process: 7, shortfall: nil)
        try DurableFolder(path: rig.folder.place("state")).make()
        try folder.make()
        mkdir(folder.place(name), 0o700)
        mkdir(folder.place(name) + "/inside", 0o700)
        try rig.stage.report(report)
        #expect(rig.stage.report() == report)
        unlink(folder.place(name))
        symlink("/nowhere/at/all", folder.place(name))
        try rig.stage.report(report)
        #expect(rig.stage.report() == report)
        mkfifo(folder.place("healthy.new"), 0o600)
        try rig.stage.report(report)
        #expect(rig.stage.report() == report)
        rename(rig.stage.path, rig.folder.place("elsewhere"))
        symlink("/nowhere/at/all", rig.stage.path)
        try rig.stage.report(report)
        #expect(rig.stage.report() == report)
    }

    @Test func aProcessIsTakenForWhatItRuns() throws {
        let machine = UpdateInstaller.Machine(stop: nil, restart: ["true"]) { false }
        #expect(machine.isRunning(getpid(), "/proc/self/exe"))
        #expect(!machine.isRunning(getpid(), "/bin/true"))
        #expect(!machine.isRunning(-1, "/proc/self/exe"))
        #expect(!machine.isRunning(getpid(), "/nowhere/at/all"))
    }
}
