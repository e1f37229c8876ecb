import Glibc
import Logging
import Synchronization
import Update

/// Looks for updates, fetches them and lays them ready for the helper that installs them: on a thread of its own that is
/// there only meanwhile, for a line by radio takes its time.
final class UpdateDesk: Sendable {
    /// What it is doing, or how the last thing ended.
    enum State: Sendable, Equatable {
        case idle
        /// What runs is the newest that is offered.
        case current
        case looking(UpdateAddress)
        case fetching(SoftwareVersion)
        /// It lies ready.
        case ready(SoftwareVersion)
        /// Nothing came of it; in words.
        case failed(String)

        /// Whether it is at work.
        var isBusy: Bool {
            switch self {
            case .looking, .fetching: true
            case .idle, .current, .ready, .failed: false
            }
        }
    }

    /// Takes the answer for whoever asked, from the thread of the desk: how it ended.
    typealias Answer = @Sendable (State) -> Void

    private struct Work {
        var state = State.idle
        var isEnding = false
        var circumstances = Circumstances(chargers: 0, isConnected: false)
    }

    let stage: UpdateStage
    let store: VersionStore
    private let key: UpdateKey
    private let running: SoftwareVersion?
    /// `update.url`. Other addresses come over MQTT, and reach the public network and the same host and port only.
    private let configured: UpdateAddress?
    private let mailbox: Mailbox
    private let log: Logger
    private let work = Mutex(Work())

    init(
        key: UpdateKey, stage: UpdateStage, store: VersionStore, running: SoftwareVersion?,
        configured: UpdateAddress?, mailbox: Mailbox, log: Logger
    ) {
        self.key = key
        self.stage = stage
        self.store = store
        self.running = running
        self.configured = configured
        self.mailbox = mailbox
        self.log = log
    }

    /// What it is doing.
    var state: State { work.withLock { $0.state } }

    /// How well the present version is: its successor has to be as well.
    func note(_ circumstances: Circumstances) { work.withLock { $0.circumstances = circumstances } }

    /// Begins to look for an update. False if it is at it already.
    ///
    /// - Parameter isAsked: whether somebody asked for it, who may want to try once more what was refused.
    func begin(_ address: UpdateAddress, isAsked: Bool, answer: @escaping Answer) -> Bool {
        let isFree = work.withLock { work in
            guard !work.state.isBusy, !work.isEnding else { return false }
            work.state = .looking(address)
            return true
        }
        guard isFree else { return false }
        let job = Unmanaged.passRetained(Job(desk: self, address: address, isAsked: isAsked, answer: answer))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { @Sendable raw in
                guard let raw else { return nil }
                let job = Unmanaged<Job>.fromOpaque(raw).takeRetainedValue()
                job.desk.run(job)
                return nil
            }, job.toOpaque())
        guard code == 0 else {
            job.release()
            end(.failed("there is no thread to look for updates with"), answer)
            return true
        }
        pthread_detach(thread)
        return true
    }

    /// Gives up what it is at; nothing begins any more.
    func finish() { work.withLock { $0.isEnding = true } }

    private func run(_ job: Job) {
        do throws(UpdateFault) {
            let reach: UpdateFetch.Reach =
                job.address == configured ? .everywhere : .publicNetwork(and: configured?.origin)
            let fetch = UpdateFetch(job.address, reach: reach) { [self] in work.withLock { $0.isEnding } }
            let signed = try fetch.offer()
            let manifest = try signed.manifest(signedBy: key)
            guard manifest.version != running else { return end(.current, job.answer) }
            guard manifest.architecture == UpdateManifest.thisArchitecture else {
                let words = "is for \(manifest.architecture), and this machine is \(UpdateManifest.thisArchitecture)"
                throw UpdateFault("version \(manifest.version) \(words)")
            }
            if let objection = store.objection(to: manifest.version, running: running) { throw objection }
            if stage.isPending {
                // The helper is at it; whatever lay in its place would be in its way.
                guard stage.pendingVersion == manifest.version else { throw UpdateFault("another version lies ready") }
                return end(.ready(manifest.version), job.answer)
            }
            if !job.isAsked, let outcome = store.outcome, outcome.kind != .installed,
                outcome.version == manifest.version
            {
                throw UpdateFault("version \(manifest.version) \(outcome.kind.words) already: \(outcome.reason)")
            }
            set(.fetching(manifest.version))
            log.notice(
                "fetching an update",
                metadata: ["version": .string("\(manifest.version)"), "from": .string("\(job.address)")])
            do throws(UpdateFault) {
                try fetch.program(of: manifest, to: try stage.prepare())
                try stage.commit(signed, manifest, before: work.withLock { $0.circumstances })
            } catch {
                stage.discard()
                throw error
            }
            end(.ready(manifest.version), job.answer)
        } catch {
            end(.failed(error.description), job.answer)
        }
    }

    private func set(_ state: State) {
        work.withLock { $0.state = state }
        mailbox.post { $0.hasUpdateNews = true }
    }

    private func end(_ state: State, _ answer: Answer) {
        switch state {
        case .ready(let version):
            log.notice("an update lies ready to be installed", metadata: ["version": .string("\(version)")])
        case .failed(let words):
            if !work.withLock({ $0.isEnding }) {
                log.warning("no update was taken", metadata: ["reason": .string(words)])
            }
        case .idle, .current, .looking, .fetching: break
        }
        set(state)
        answer(state)
    }

    private final class Job: Sendable {
        let desk: UpdateDesk
        let address: UpdateAddress
        let isAsked: Bool
        let answer: Answer

        init(desk: UpdateDesk, address: UpdateAddress, isAsked: Bool, answer: @escaping Answer) {
            self.desk = desk
            self.address = address
            self.isAsked = isAsked
            self.answer = answer
        }
    }
}
