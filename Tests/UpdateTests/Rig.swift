import Glibc
import Testing

@testable import Update

/// A machine for updates in a folder: programs are files that say their version, a service that runs one of them, a
/// clock that goes when it is looked at, and a power switch.
final class Rig {
    /// The power went.
    static let powerCut = UpdateFault("the power went")

    let folder: Folder
    let key: UpdateSigningKey
    let store: VersionStore
    let stage: UpdateStage
    /// The version that is in the package.
    var packaged = "0.1.0"
    /// Versions that say that they are well once they run.
    var healthy: Set<String> = []
    /// Versions that do not start.
    var broken: Set<String> = []
    /// What runs; nil: nothing.
    private(set) var running: String?
    private(set) var restarts = 0
    /// Versions that run and report that they are not as well as before.
    var short: [String: String] = [:]
    /// The process of the service: another one with each start.
    private(set) var process: Int32 = 100
    private(set) var stops = 0
    /// What an attacker who was in the service does while it runs: on each start, and whenever the helper does something.
    var attack: () -> Void = {}
    /// What the next start of a program to ask it for its version, and the next restart, end with.
    var versionFault: UpdateFault?
    var restartFault: UpdateFault?
    var stopFault: UpdateFault?
    private var time = Duration.zero
    /// Where the power goes, by the name of the place and how often it was passed.
    var cut: String?
    private(set) var passed: [String] = []
    private var hasPower = true

    init() throws {
        folder = try Folder()
        key = try UpdateSigningKey()
        store = VersionStore(folder.place("store"))
        stage = UpdateStage(stateDirectory: folder.place("state"))
        try DurableFolder(path: folder.place("state")).make()
        boot()
    }

    /// A program: enough bytes to be damaged.
    static func bytes(_ version: String) -> [UInt8] {
        Array("program of version \(version)\n".utf8) + (0..<200).map { UInt8($0 & 0xFF) }
    }

    static func manifest(
        _ version: String, _ program: [UInt8], architecture: String = UpdateManifest.thisArchitecture
    ) throws -> UpdateManifest {
        let digest = try ProgramDigest()
        program.withUnsafeBytes { digest.add($0) }
        return UpdateManifest(
            version: try #require(SoftwareVersion(version)), architecture: architecture, size: program.count,
            digest: digest.value())
    }

    /// Lays an update ready, as the daemon does.
    func lay(
        _ version: String, program: [UInt8]? = nil, by signer: UpdateSigningKey? = nil,
        architecture: String = UpdateManifest.thisArchitecture,
        before: Circumstances = Circumstances(chargers: 0, isConnected: false)
    ) throws {
        let program = program ?? Self.bytes(version)
        let manifest = try Self.manifest(version, program, architecture: architecture)
        let place = try stage.prepare()
        let descriptor = open(place, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        try writeWhole(program, to: descriptor, place)
        try stage.commit(try SignedManifest(manifest, by: signer ?? key), manifest, before: before)
    }

    /// The machine starts: its service runs what is chosen.
    func boot() {
        let chosen = store.chosen(over: SoftwareVersion(packaged))
        running = nil
        hasPower = true
        process += 1
        let version = chosen?.description ?? packaged
        if let chosen, (try? said(store.program(chosen))) != version { return }
        guard !broken.contains(version) else { return }
        running = version
        guard let trial = store.trial, trial.version.description == version,
            healthy.contains(version) || short[version] != nil, let token = ProbationToken.received(from: store)
        else { return }
        try? stage.report(ProbationReport(token: token, process: process, shortfall: short[version]))
    }

    /// What a program says of itself; it must be whole.
    func said(_ program: String) throws(UpdateFault) -> String {
        let bytes = try readWhole(program, limit: 1 << 20)
        let line = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        let version = String(line.dropFirst("program of version ".utf8.count))
        guard bytes == Self.bytes(version) else { throw UpdateFault("damaged") }
        return version
    }

    func install(key: UpdateKey?? = .none, probation: Duration = .seconds(120)) throws -> UpdateOutcome? {
        passed = []
        hasPower = true
        let machine = UpdateInstaller.Machine(
            versionOf: { [unowned self] program throws(UpdateFault) in
                if let versionFault { throw versionFault }
                return try said(program)
            },
            stop: { [unowned self] () throws(UpdateFault) in
                if let stopFault { throw stopFault }
                stops += 1
                running = nil
            },
            restart: { [unowned self] () throws(UpdateFault) in
                guard hasPower else { throw Self.powerCut }
                if let restartFault { throw restartFault }
                restarts += 1
                boot()
            },
            isRunning: { [unowned self] process, program in
                process == self.process
                    && running.flatMap { SoftwareVersion($0) }.map { store.program($0) } == program
            },
            pause: { [unowned self] in
                time += .seconds(1)
                attack()
                return true
            },
            now: { [unowned self] in time })
        var installer = UpdateInstaller(
            store: store, stage: stage, key: key ?? self.key.publicKey, packaged: SoftwareVersion(packaged),
            machine: machine, probation: probation)
        installer.passes = { [unowned self] place throws(UpdateFault) in
            passed.append(place)
            if running != nil, place != "released" { attack() }
            guard place == cut else { return }
            hasPower = false
            throw Self.powerCut
        }
        return try installer.run()
    }
}
