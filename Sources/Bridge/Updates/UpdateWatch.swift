import Glibc
import Logging
import Update

/// What the daemon's loop has to do with updates: it looks where they may be offered, says how it stands, and, if this
/// version is on probation, that it is well.
struct UpdateWatch {
    /// After the start the plant comes first.
    static let firstLook: Duration = .seconds(60)
    /// A version that ends soon after its start was not well.
    static let proofTime: Duration = .seconds(15)
    private static let step: Duration = .seconds(1)
    /// The helper needs minutes; where there is none, nobody looks for it every second.
    private static let haste: Duration = .seconds(300)
    private static let patience: Duration = .seconds(60)

    /// Nil: updates are off.
    let desk: UpdateDesk?
    let url: UpdateAddress?
    private let interval: Duration
    private let log: Logger
    /// This version's probation, until it has said that it is well.
    private var trial: Trial?
    /// What proves to the helper that this process was started for the probation.
    private let token: String?
    /// What was reported last.
    private var reported: ProbationReport?
    /// Whether the helper has something to say yet: a version lies ready, or is on probation.
    private var awaitsOutcome: Bool
    private var nextLook: Duration?
    private var nextStep: Duration?
    private var hurriesUntil = haste
    private var hasComplained = false

    init(_ configuration: Configuration, isWanted: Bool, mailbox: Mailbox, log: Logger) {
        self.log = log
        interval = configuration.updates.interval
        guard isWanted, let key = UpdateKey(configuration.updates.key), !configuration.bridge.stateDirectory.isEmpty
        else {
            (desk, url, trial, token, awaitsOutcome) = (nil, nil, nil, nil, false)
            return
        }
        let store = VersionStore(configuration.updates.directory)
        let running = SoftwareVersion(Daemon.version)
        let stage = UpdateStage(stateDirectory: configuration.bridge.stateDirectory)
        url = try? UpdateAddress(parsing: configuration.updates.url)
        desk = UpdateDesk(
            key: key, stage: stage, store: store, running: running, configured: url, mailbox: mailbox, log: log)
        trial = store.trial.flatMap { $0.version == running ? $0 : nil }
        token = trial.flatMap { $0.legacyToken ?? ProbationToken.received(from: store) }
        if trial != nil, token == nil {
            log.warning(
                "on probation, and cannot report: vebridge.service does not pass the credential update-token")
        }
        awaitsOutcome = trial != nil || stage.isPending
        nextLook = url != nil && interval > .zero ? Self.firstLook : nil
        nextStep = awaitsOutcome ? Self.proofTime : nil
    }

    /// When something is to be done next; nil: never.
    var due: Duration? {
        guard let nextLook, let nextStep else { return nextLook ?? nextStep }
        return min(nextLook, nextStep)
    }

    /// Goes on.
    ///
    /// - Parameters:
    ///   - circumstances: how well this version is.
    ///   - ports: the ports that are there.
    /// - Returns: whether there is something to publish.
    mutating func advance(to time: Duration, circumstances: Circumstances, ports: Int) -> Bool {
        guard let desk, due.map({ time >= $0 }) ?? false else { return false }
        if let look = nextLook, let url, time >= look {
            desk.note(circumstances)
            let isBegun = desk.begin(url, isAsked: false) { _ in }
            // An offer over MQTT is being fetched, which has a deadline.
            nextLook = isBegun ? (interval > .zero ? time + interval : nil) : time + Self.step
        }
        if desk.state.isBusy { desk.note(circumstances) }
        report(circumstances, ports: ports, at: time)
        // Nobody tells of what the helper does.
        let wasAwaited = awaitsOutcome
        awaitsOutcome = trial != nil || desk.stage.isPending || desk.store.trial != nil
        if desk.state.isBusy || awaitsOutcome != wasAwaited { hurriesUntil = time + Self.haste }
        nextStep = awaitsOutcome || desk.state.isBusy ? time + (time < hurriesUntil ? Self.step : Self.patience) : nil
        return wasAwaited && !awaitsOutcome
    }

    /// Reports to the helper how well this version is, if it is on probation.
    private mutating func report(_ circumstances: Circumstances, ports: Int, at time: Duration) {
        guard let desk, let trial, let token, time >= Self.proofTime else { return }
        let isLegacy = trial.legacyToken != nil
        let report = ProbationReport(
            token: token, process: isLegacy ? nil : getpid(),
            shortfall: trial.before.shortfall(of: circumstances, ports: ports))
        guard report != reported, !isLegacy || report.shortfall == nil else { return }
        do throws(UpdateFault) {
            try desk.stage.report(report)
            reported = report
            guard report.shortfall == nil else { return }
            log.notice("this version is well", metadata: ["version": .string(Daemon.version)])
            self.trial = nil
        } catch {
            // A disk that is full may have room in a moment: try again, and log it once.
            if !hasComplained {
                log.error("cannot say that this version is well", metadata: ["reason": .string(error.description)])
            }
            hasComplained = true
        }
    }

    /// Looks at an address. False if it is at it already, or updates are off.
    mutating func begin(
        _ address: UpdateAddress, _ circumstances: Circumstances, at time: Duration, answer: @escaping UpdateDesk.Answer
    ) -> Bool {
        guard let desk else { return false }
        // The look that is due comes first, however many offers come over MQTT.
        guard nextLook.map({ time < $0 }) ?? true else { return false }
        desk.note(circumstances)
        nextStep = time + Self.step
        return desk.begin(address, isAsked: true, answer: answer)
    }

    /// Something new was said by the desk: the helper may have something to do now.
    mutating func noteNews(at time: Duration) {
        guard let desk, desk.stage.isPending else { return }
        awaitsOutcome = true
        hurriesUntil = time + Self.haste
        nextStep = time + Self.step
    }

    /// How it stands, as JSON; nil where updates are off.
    var json: String? {
        guard let desk else { return nil }
        var members = [("installed_version", JSONValue.quoted(Daemon.version))]
        var latest = Daemon.version
        let word: String
        switch desk.state {
        case .looking: word = "looking"
        case .fetching(let version): (word, latest) = ("fetching", version.description)
        case .ready(let version) where desk.stage.isPending: (word, latest) = ("ready", version.description)
        case .idle, .current, .ready, .failed:
            word = desk.store.trial != nil ? "on probation" : desk.stage.isPending ? "ready" : "idle"
        }
        members += [("latest_version", JSONValue.quoted(latest)), ("state", JSONValue.quoted(word))]
        if case .failed(let words) = desk.state { members.append(("refused", JSONValue.quoted(words))) }
        if let outcome = desk.store.outcome {
            var last = [("outcome", JSONValue.quoted(outcome.kind.rawValue))]
            if let version = outcome.version { last.append(("version", JSONValue.quoted(version.description))) }
            if !outcome.reason.isEmpty { last.append(("reason", JSONValue.quoted(outcome.reason))) }
            members.append(("last", JSONText.object(last)))
        }
        return JSONText.object(members)
    }

    /// The daemon ends.
    func end() { desk?.finish() }
}

extension Daemon.BridgeLoop {
    private var circumstances: Circumstances {
        Circumstances(chargers: ports.count { $0.serial != nil }, isConnected: isConnected)
    }

    /// Goes on with updates, if there is something to do.
    mutating func keepUpdates(at time: Duration) {
        guard let due = updates.due, time >= due else { return }
        if updates.advance(to: time, circumstances: circumstances, ports: ports.count) { tellUpdates() }
    }

    /// Says how it stands with updates.
    mutating func tellUpdates() {
        updates.noteNews(at: now)
        guard let json = updates.json else { return }
        sink.tell(feed.message("update", json))
    }

    /// Somebody offers an update, or asks to look for one.
    mutating func beginUpdate(_ address: UpdateAddress?, _ pending: PendingRequest, at time: Duration) {
        guard updates.desk != nil else {
            return pending.answer(.failed("updates are off: the configuration has no update.key"))
        }
        guard let address = address ?? updates.url else {
            return pending.answer(.failed("the configuration has no update.url: send {\"url\":\"https://…\"}"))
        }
        let isBegun = updates.begin(address, circumstances, at: time) { state in
            switch state {
            case .ready(let version):
                pending.answer(
                    .done(data: "{\"version\":\(JSONValue.quoted(version.description)),\"state\":\"ready\"}"))
            case .current:
                let version = JSONValue.quoted(Daemon.version)
                pending.answer(.done(data: "{\"version\":\(version),\"state\":\"current\"}"))
            case .failed(let words): pending.answer(.failed(words))
            case .idle, .looking, .fetching: pending.answer(.failed("nothing came of it"))
            }
        }
        if !isBegun { pending.answer(.failed("another update is being looked for or fetched: try again in a minute")) }
    }
}
