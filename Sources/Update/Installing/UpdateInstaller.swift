import Glibc

/// Puts a version in another's place so that at every instant one of them works, power cuts included; and takes it out
/// again if it does not say within two minutes that it is well.
///
/// In order: the program is copied to where only root writes, checked there and brought to the disk; the service is
/// stopped; a fresh token and `trial` say what is about to happen; `current` points to the new version, by one renaming;
/// the service starts and receives the token. If a process that runs the new version reports it, `trial` goes, and if
/// none does, `current` goes back. Whatever is interrupted continues at the next start from what lies on the disk.
///
/// The service is stopped first because it may have been taken over: no process that ran before the switch learns the
/// token.
public struct UpdateInstaller {
    /// What it needs of the machine.
    public struct Machine {
        /// What a program says its version is.
        public var versionOf: (String) throws(UpdateFault) -> String
        /// Stops the service, and returns when none of its processes runs.
        public var stop: () throws(UpdateFault) -> Void
        /// Starts the service, or restarts it.
        public var restart: () throws(UpdateFault) -> Void
        /// Whether a process runs the program in a file.
        public var isRunning: (_ process: Int32, _ program: String) -> Bool
        /// Waits a moment. False when it is to be left for the next start.
        public var pause: () -> Bool
        /// Time since some beginning.
        public var now: () -> Duration

        /// A machine.
        public init(
            versionOf: @escaping (String) throws(UpdateFault) -> String,
            stop: @escaping () throws(UpdateFault) -> Void, restart: @escaping () throws(UpdateFault) -> Void,
            isRunning: @escaping (Int32, String) -> Bool, pause: @escaping () -> Bool, now: @escaping () -> Duration
        ) {
            self.versionOf = versionOf
            self.stop = stop
            self.restart = restart
            self.isRunning = isRunning
            self.pause = pause
            self.now = now
        }
    }

    /// How long a version has to say that it is well.
    public static let probation: Duration = .seconds(120)
    /// A machine that goes down this often on probation does not get another.
    static let attempts = Trial.attempts

    private let store: VersionStore
    private let stage: UpdateStage
    private let key: UpdateKey?
    private let packaged: SoftwareVersion?
    private let machine: Machine
    private let probation: Duration
    /// Tests end it here, as a power cut would.
    var passes: (String) throws(UpdateFault) -> Void = { _ in }

    /// An installer.
    ///
    /// - Parameters:
    ///   - key: whose signature counts; nil: nobody's, and what was begun is brought to its end all the same.
    ///   - packaged: the version of the package, below which nothing is taken.
    public init(
        store: VersionStore, stage: UpdateStage, key: UpdateKey?, packaged: SoftwareVersion?, machine: Machine,
        probation: Duration = Self.probation
    ) {
        self.store = store
        self.stage = stage
        self.key = key
        self.packaged = packaged
        self.machine = machine
        self.probation = probation
    }

    /// Goes on with what was begun, and takes what lies ready. Nil if there was nothing to do.
    ///
    /// - Throws: what kept it from writing to its own folder; nothing is lost by trying again.
    public func run() throws(UpdateFault) -> UpdateOutcome? {
        let lock = try store.lock()
        defer { close(lock) }
        if store.hasTrial, store.trial == nil {
            // Nobody can say what it was: the version of the package is the one that is known to be whole.
            let reason = "the note of the version on probation cannot be read"
            return try putBack(nil, UpdateOutcome(version: nil, kind: .rolledBack, reason: reason))
        }
        if var trial = store.trial {
            if let report = report(of: trial), report.shortfall == nil, store.current == trial.version {
                return try accept(trial)
            }
            trial.attempt += 1
            guard trial.attempt <= Self.attempts else {
                return try goBack(from: trial, "the machine went down \(Self.attempts) times before it was well")
            }
            return try probe(trial)
        }
        // What was cut short.
        for name in store.versions.names where name.hasSuffix(".partial") {
            DurableFolder(path: store.versions.place(name)).removeAll()
        }
        guard stage.isPending else { return nil }
        let trial: Trial
        do throws(Refusal) {
            trial = try takeIn()
        } catch {
            if let fault = error.own { throw fault }
            let outcome = UpdateOutcome(version: error.version, kind: .refused, reason: error.reason.description)
            try store.folder.write("outcome", outcome.text)
            try stage.clear()
            return outcome
        }
        return try probe(trial)
    }

    /// Why an update is not taken. With `own` it is this machine that failed, and it may be tried again.
    private struct Refusal: Error {
        var version: SoftwareVersion?
        var reason = UpdateFault("")
        var own: UpdateFault?
    }

    /// Copies what lies ready to its place, and puts it on probation.
    private func takeIn() throws(Refusal) -> Trial {
        let (signed, before): (SignedManifest, Circumstances)
        let manifest: UpdateManifest
        guard let key else {
            throw Refusal(reason: UpdateFault("the configuration has no update.key: updates are off"))
        }
        do throws(UpdateFault) {
            (signed, before) = try stage.offered()
            manifest = try signed.manifest(signedBy: key)
        } catch {
            throw Refusal(reason: error)
        }
        let version = manifest.version
        guard manifest.architecture == UpdateManifest.thisArchitecture else {
            let words = "it is for \(manifest.architecture), and this machine is \(UpdateManifest.thisArchitecture)"
            throw Refusal(version: version, reason: UpdateFault(words))
        }
        if let objection = store.objection(to: version, running: packaged) {
            throw Refusal(version: version, reason: objection)
        }
        let partial = DurableFolder(path: store.versions.place("\(version).partial"))
        do throws(UpdateFault) {
            try partial.make()
            try passes("made")
        } catch {
            throw Refusal(own: error)
        }
        do throws(UpdateFault) {
            try stage.copyProgram(to: partial.place("vebridge"), limit: manifest.size)
            let program = open(partial.place("vebridge"), O_RDONLY | O_CLOEXEC)
            guard program >= 0 else { throw .file("read", partial.place("vebridge")) }
            defer { close(program) }
            try manifest.check(program, partial.place("vebridge"))
            let said = try machine.versionOf(partial.place("vebridge"))
            guard said == version.description else {
                throw UpdateFault("it says of itself that it is version \(said.prefix(40))")
            }
        } catch {
            partial.removeAll()
            throw error.isOfMachine ? Refusal(own: error) : Refusal(version: version, reason: error)
        }
        do throws(UpdateFault) {
            try passes("copied")
            try partial.write("manifest", signed.text)
            try partial.write("signature", signed.signatureText + "\n")
            let place = DurableFolder(path: store.versions.place(version.description))
            place.removeAll()
            guard rename(partial.path, place.path) == 0 else { throw .file("make", place.path) }
            try store.versions.settle()
            try passes("in place")
            return Trial(
                version: version, previous: store.current, highest: store.highest, attempt: 1, before: before)
        } catch {
            throw Refusal(own: error)
        }
    }

    /// Runs a version and waits for its report.
    private func probe(_ trial: Trial) throws(UpdateFault) -> UpdateOutcome {
        do throws(UpdateFault) {
            try machine.stop()
            try passes("stopped")
            try store.folder.write(ProbationToken.fileName, ProbationToken.make() + "\n", mode: 0o600)
            try store.folder.write("trial", trial.text)
            try passes("on trial")
            if store.highest.map({ $0 < trial.version }) ?? true {
                try store.folder.write("highest", "\(trial.version)\n")
            }
            try passes("noted")
            try store.setCurrent(trial.version)
            try passes("switched")
            try stage.clear()
            try passes("cleared")
        } catch {
            // What failed here can wait; the service cannot.
            try? machine.restart()
            throw error
        }
        do throws(UpdateFault) {
            try machine.restart()
        } catch {
            // A signal that stops this stops the command that it started, too.
            guard !error.isOfMachine, machine.pause() else {
                try? machine.restart()
                throw error
            }
            return try goBack(from: trial, "the service could not be started: \(error)")
        }
        try passes("restarted")
        let limit = machine.now() + probation
        while true {
            let report = report(of: trial)
            if let report, report.shortfall == nil { break }
            guard machine.now() < limit else {
                let seconds = probation.components.seconds
                if let words = report?.shortfall {
                    let reason = "it ran for \(seconds) s and was not as well as before: \(words)"
                    return try goBack(from: trial, reason, mayBeOfferedAgain: true)
                }
                return try goBack(from: trial, "it did not say in \(seconds) s that it is well")
            }
            guard machine.pause() else {
                throw UpdateFault("stopped while \(trial.version) is on probation", isOfMachine: true)
            }
        }
        try passes("well")
        return try accept(trial)
    }

    /// What the version on probation reports; nil unless it has the token and its process runs that version's program.
    private func report(of trial: Trial) -> ProbationReport? {
        guard let token = store.token, let report = stage.report(), report.token == token,
            let process = report.process, machine.isRunning(process, store.program(trial.version))
        else { return nil }
        return report
    }

    /// It is well.
    private func accept(_ trial: Trial) throws(UpdateFault) -> UpdateOutcome {
        // It may have said so before what it was taken from was cleared away.
        if stage.pendingVersion == trial.version { try stage.clear() }
        let outcome = UpdateOutcome(version: trial.version, kind: .installed, reason: "")
        try store.folder.write("outcome", outcome.text)
        try passes("told")
        try store.removeTrial()
        prune(keeping: [trial.version, trial.previous])
        return outcome
    }

    /// - Parameter mayBeOfferedAgain: whether the version is not at fault: it ran, and fell short of a claim of the
    ///   service before it, which is not to be trusted.
    private func goBack(
        from trial: Trial, _ reason: String, mayBeOfferedAgain: Bool = false
    ) throws(UpdateFault) -> UpdateOutcome {
        if mayBeOfferedAgain {
            if let highest = trial.highest {
                try store.folder.write("highest", "\(highest)\n")
            } else {
                try store.folder.remove("highest")
            }
            try passes("released")
        }
        // Cut short from here on, it is not given another chance.
        var failed = trial
        failed.attempt = Self.attempts
        try store.folder.write("trial", failed.text)
        try passes("failed")
        let outcome = UpdateOutcome(version: trial.version, kind: .rolledBack, reason: reason)
        _ = try putBack(trial.previous, outcome)
        prune(keeping: [trial.previous])
        return outcome
    }

    /// Runs what ran before, or the version of the package, and forgets that there was a trial.
    private func putBack(_ previous: SoftwareVersion?, _ outcome: UpdateOutcome) throws(UpdateFault) -> UpdateOutcome {
        // The version that starts next is not on probation.
        try store.folder.remove(ProbationToken.fileName)
        try store.setCurrent(previous)
        try passes("switched back")
        try store.folder.write("outcome", outcome.text)
        try machine.restart()
        try passes("restarted the old one")
        try store.removeTrial()
        return outcome
    }

    private func prune(keeping kept: [SoftwareVersion?]) {
        let names = Set(kept.compactMap { $0?.description })
        for name in store.versions.names where !names.contains(name) {
            DurableFolder(path: store.versions.place(name)).removeAll()
        }
    }
}
