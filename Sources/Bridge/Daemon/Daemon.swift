import CLinux
import Glibc
public import Logging
import VEDirect

/// The bridge at work: ports in, topics out, on one thread.
public struct Daemon: Sendable {
    /// Where the topics go.
    public enum Output: Sendable {
        /// To the broker of the configuration.
        case broker
        /// Each `topic payload` as a line to this closure.
        case lines(@Sendable (String) -> Void)

        /// Whether it is the broker.
        var isBroker: Bool { if case .broker = self { true } else { false } }
    }

    /// How a run ended.
    public enum Outcome: Sendable, Hashable {
        /// Stopped as asked, or every port was polled once.
        case done
        /// There is no port, or with `once` no device on any of them; the text says what was looked for.
        case nothingToDo(String)
        /// With `once`: a port could not be used or its device not be read in full, or the broker was not reached
        /// or did not take everything; the text says which.
        case failed(String)
    }

    /// With `once`, a port that has not answered by then is given up.
    static let onceLimit: Duration = .seconds(20)
    /// The net under the witnesses of `PortWatcher`.
    static let rescanInterval: Duration = .seconds(10)
    static let settlingTime: Duration = .milliseconds(20)
    /// A broker that has not been reached this long after the last value is given up.
    static let brokerPatience: Duration = .seconds(5)
    /// With `once`, how long the broker may take to acknowledge what was published.
    static let onceFarewell: Duration = .seconds(5)

    private let configuration: Configuration
    private let output: Output
    private let once: Bool
    private let recording: String?
    private let log: Logger
    private let mailbox: Mailbox

    /// A daemon that runs by a configuration.
    ///
    /// - Parameter recording: a folder in which all that was said is written down, for ``replay(_:speed:)``; it must be
    ///   empty or absent.
    public init(
        configuration: Configuration, output: Output, once: Bool, recording: String? = nil, log: Logger,
        mailbox: Mailbox
    ) {
        self.configuration = configuration
        self.output = output
        self.once = once
        self.recording = recording
        self.log = log
        self.mailbox = mailbox
    }

    /// Runs until stopped, with `once` until every port was polled once, with nothing but logs to play until they end.
    public func run() -> Outcome {
        var recorder: Recorder?
        if let recording {
            do {
                recorder = try Recorder(folder: recording, settings: RecordedSettings(configuration))
            } catch {
                return .failed(error.description)
            }
        }
        var loop = BridgeLoop(
            configuration: configuration, output: output, once: once, recorder: recorder, log: log, mailbox: mailbox)
        return loop.run()
    }

    /// Plays a recording into the same stages as the live bytes went through, with the settings of the recording.
    ///
    /// - Parameter speed: how much faster than recorded; nil for as fast as it goes.
    public func replay(_ folder: String, speed: Double?) -> Outcome {
        do {
            let recording = try Recording(folder: folder)
            var configuration = configuration
            recording.settings.apply(to: &configuration)
            var loop = BridgeLoop(
                configuration: configuration, output: output, once: false, recorder: nil, log: log, mailbox: mailbox)
            return loop.replay(recording, speed: speed)
        } catch {
            return .failed(error.description)
        }
    }

    /// The state of one run. Everything here belongs to the thread that runs it.
    struct BridgeLoop: ~Copyable {
        let configuration: Configuration
        let once: Bool
        let log: Logger
        let mailbox: Mailbox
        let patterns: PortPatterns
        let plan: PollPlan
        let start = ContinuousClock.now
        var events = EventLoop()
        var ports: [PortSlot] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        var plant: Plant
        var publisher: SchemaPublisher
        var sink: TopicSink
        var buses: [BusSlot] = []
        var multiplexers: [MultiplexerSlot] = []
        var busPublisher: BusPublisher
        var readable: ReadableDesk
        var history: HistoryDesk
        let store: SchemaStore
        let recorder: Recorder?
        var nextNumber = 0
        /// Until when the broker is waited for, when there is nothing more to publish.
        var brokerLimit: Duration?
        var nextRescan: Duration = .zero
        var nextToken = BridgeLoop.firstPortToken
        /// When each port wants its turn, in the order of the ports; empty: to be worked out again. The loop asks for the
        /// first of them each time it turns, and that is for one port or two of many.
        var turns: [PortTurn] = []
        /// Tokens that were ready at this turn.
        var ready: [UInt64] = []
        var lastTurn: Duration = .zero
        var hasPortsChanged = false
        var isConnected = false
        var lastDisconnection: String?
        /// Why there is no broker, as the log has it already.
        var toldCause: MQTTClient.Cause?
        var hasToldOfRefusal = false

        var watcher: PortWatcher
        var notifier = ServiceNotifier()
        var sleep = HostSleep()
        var reads: [PendingRead] = []
        var feed: BridgeFeed
        var updates: UpdateWatch

        static let mailboxToken: UInt64 = 0
        static let watcherToken: UInt64 = 1
        static let firstPortToken: UInt64 = 2

        init(
            configuration: Configuration, output: Output, once: Bool, recorder: Recorder?, log: Logger,
            mailbox: Mailbox
        ) {
            self.configuration = configuration
            self.once = once
            self.recorder = recorder
            self.log = log
            self.mailbox = mailbox
            patterns = PortPatterns(patterns: configuration.ports)
            // Asked once, a charger is asked for what is published and no more.
            let isShort = once && configuration.schema.registers == .documented
            plan = PollPlan(
                entries: isShort ? Self.schemaEntries : PollPlan.standardEntries, fastInterval: configuration.poll.fast,
                slowInterval: configuration.poll.slow,
                settingsInterval: configuration.poll.settings, constantInterval: configuration.poll.constant)
            plant = Plant(
                preferredMaster: configuration.schema.master, derivesSetpoint: configuration.schema.deriveSetpoint,
                preferredShunt: Configuration.MasterBus.uniqueID(configuration.masterbus.shunt),
                freshness: Freshness(configuration))
            for entry in plan.entries {
                // Three turns and the longest wait after an answer that did not come.
                plant.lifetimes[entry.register] = plan.interval(of: entry.pace) * 3 + .seconds(30)
                let night = plan.atNight(configuration.poll.night)
                plant.nightLifetimes[entry.register] = night.interval(of: entry.pace) * 3 + .seconds(30)
            }
            feed = BridgeFeed(configuration, isWanted: !once && output.isBroker)
            updates = UpdateWatch(
                configuration, isWanted: !once && recorder == nil && output.isBroker, mailbox: mailbox, log: log)
            publisher = SchemaPublisher(configuration.schema)
            busPublisher = BusPublisher(configuration)
            readable = ReadableDesk(
                configuration, isSilent: output.isSilent(configuration) || recorder != nil, log: log)
            history = HistoryDesk(
                configuration, isWanted: !once && recorder == nil && output.isBroker, log: log)
            store = SchemaStore(stateDirectory: recorder == nil ? configuration.bridge.stateDirectory : "", log: log)
            sink = TopicSink(
                configuration: configuration, output: output, mailbox: mailbox, recorded: recorder?.topics, log: log)
            watcher = PortWatcher(patterns: configuration.ports + configuration.multiplexers.map(\.port))
            events.add(mailbox.wake.descriptor, token: Self.mailboxToken)
            for descriptor in watcher.descriptors { events.add(descriptor, token: Self.watcherToken) }
        }

        /// The registers of the schema, and those that it is derived from.
        static var schemaEntries: [PollPlan.Entry] {
            let wanted = Set(ChargerTopics.documented).union(Derivation.all.flatMap(\.inputs))
            return PollPlan.standardEntries.filter { wanted.contains($0.register) }
        }

        var now: Duration { ContinuousClock.now - start }

        mutating func run() -> Outcome {
            do {
                try sink.start()
            } catch {
                return .failed(error.description)
            }
            do {
                try addBuses(at: now)
            } catch {
                sink.stop()
                return .failed(error.description)
            }
            tellOfWitnesses()
            addMultiplexers(at: now)
            rescan(at: now)
            if ports.isEmpty, buses.isEmpty, once || !patterns.hasWildcards {
                sink.stop()
                return .nothingToDo("no port matches \(patterns.patterns.joined(separator: " "))")
            }
            if ports.isEmpty, patterns.hasWildcards {
                log.notice(
                    "no port matches yet; waiting for one",
                    metadata: ["ports": .string(patterns.patterns.joined(separator: " "))])
            }
            notifier.ready()
            _ = sleep.look()
            while true {
                sink.flush()
                let time = now
                events.wait(nextDeadline(at: time) - time, &ready)
                let woken = now
                noteSleep(at: woken)
                for index in ready.indices where ready[index] >= Self.firstPortToken {
                    receive(ready[index], at: woken)
                }
                if ready.contains(Self.watcherToken) {
                    watcher.drain()
                    // A plug makes several events; and a machine with much coming and going is not to keep us busy.
                    nextRescan = min(nextRescan, woken + Daemon.settlingTime)
                    hasPortsChanged = true
                }
                if ready.contains(Self.mailboxToken), let reason = readMailbox(at: woken) {
                    log.notice("stopping", metadata: ["reason": .string(reason)])
                    end(at: woken)
                    if once { return .failed("stopped by \(reason) before everything was read and published") }
                    return recordingOutcome ?? .done
                }
                advancePorts(at: woken)
                for index in multiplexers.indices { advanceMultiplexer(index, at: woken) }
                for index in buses.indices { advanceBus(index, at: woken) }
                if woken >= nextRescan { rescan(at: woken) }
                beat(at: woken)
                tellServiceManager(at: woken)
                expireReads(at: woken)
                tell(at: woken)
                if !once { tellPeople(at: woken) }
                keepHistory(at: woken)
                keepUpdates(at: woken)
                recorder?.flush(at: woken)
                if let outcome = recordingOutcome {
                    end(at: woken)
                    return outcome
                }
                if let outcome = busOutcome(at: woken) { return outcome }
                if once, let outcome = onceOutcome(at: woken) { return outcome }
            }
        }

        /// Publishes again what has been published long ago.
        mutating func beat(at time: Duration) {
            guard let heartbeat = publisher.nextHeartbeat, time >= heartbeat else { return }
            recorder?.note("beat", at: time)
            publisher.heartbeat(plant: plant, at: time) { [sink] in sink.publish($0, $1) }
        }

        /// Leaves ports, buses and broker as they should be left. True if everything was confirmed.
        @discardableResult
        mutating func end(at time: Duration, timeout: Duration = .milliseconds(1200)) -> Bool {
            if mailbox.isReload { notifier.reloading(at: time) } else { notifier.stopping() }
            for bus in buses { bus.supervisor.shut() }
            endReadable(at: time)
            updates.end()
            // The disk and the brokers take their time side by side.
            history.writer?.beginFinish()
            recorder?.finish(at: time)
            let isConfirmed = sink.stop(timeout: timeout)
            history.writer?.finish(timeout: .milliseconds(600))
            return isConfirmed
        }

        /// Why the recording that was asked for is not whole; nil where it is, or none was asked for.
        var recordingOutcome: Outcome? { recorder?.failure.map { .failed("the recording is not whole: \($0)") } }

        mutating func nextDeadline(at time: Duration) -> Duration {
            var deadline = time + .seconds(60)
            workOutTurns(at: time)
            for turn in turns where turn.limit < deadline { deadline = turn.limit }
            for multiplexer in multiplexers { deadline = min(deadline, multiplexer.supervisor.deadline) }
            for bus in buses {
                if let due = bus.supervisor.deadline(now: time) { deadline = min(deadline, due) }
            }
            deadline = min(deadline, nextRescan)
            if let due = notifier.deadline { deadline = min(deadline, due) }
            if let heartbeat = publisher.nextHeartbeat { deadline = min(deadline, heartbeat) }
            if let due = feed.due { deadline = min(deadline, due) }
            if let first = reads.first { deadline = min(deadline, first.deadline) }
            if let due = history.due { deadline = min(deadline, due) }
            if let due = updates.due { deadline = min(deadline, due) }
            if !once, let due = readable.nextLook { deadline = min(deadline, due) }
            if once { deadline = min(deadline, time + .milliseconds(200)) }
            return deadline
        }

        // MARK: Ports

        mutating func rescan(at time: Duration) {
            defer { turns.removeAll(keepingCapacity: true) }
            nextRescan = time + Daemon.rescanInterval
            if hasPortsChanged {
                hasPortsChanged = false
                for port in ports { port.supervisor.value.retrySoon(at: time) }
                for multiplexer in multiplexers { multiplexer.supervisor.retrySoon(at: time) }
            }
            refreshMultiplexers()
            let numbers = ports.map(\.number)
            for port in PortSlot.reconcile(&ports, with: patterns.ports()) {
                addPort(port, number: nextNumber, at: time)
                advance(ports.count - 1, at: time)
            }
            if let recorder {
                let kept = Set(ports.map(\.number))
                for number in numbers where !kept.contains(number) {
                    recorder.note("gone", .port(number), at: time)
                }
                recorder.note("scan", at: time)
            }
            countUnresolved()
        }

        mutating func addPort(_ port: PortPatterns.Port, number: Int, at time: Duration) {
            let settings = configuration.serialSettings(path: port.path, aliases: [port.device])
            ports.append(
                PortSlot(
                    port: port, number: number, light: PanelLight(patience: configuration.poll.nightAfter),
                    supervisor: PortSupervisor(
                        path: port.path, settings: settings, plan: plan, recorder: recorder, number: number,
                        now: time)))
            nextNumber = max(nextNumber, number + 1)
        }

        mutating func workOutTurns(at time: Duration) {
            guard turns.count != ports.count else { return }
            PortSlot.turns(of: ports, now: time, into: &turns)
        }

        /// Does what is due at each port.
        mutating func advancePorts(at time: Duration) {
            workOutTurns(at: time)
            var index = 0
            while index < turns.count {
                if turns[index].due <= time {
                    advance(index, at: time)
                    noteTurn(of: index, at: time)
                }
                index += 1
            }
        }

        /// A port had its turn: when it wants the next.
        mutating func noteTurn(of index: Int, at time: Duration) {
            guard turns.count == ports.count, ports[index].channel == nil else { return }
            turns[index] = PortSlot.turn(at: index, of: ports, now: time)
        }

        mutating func advance(_ index: Int, at time: Duration) {
            guard ports[index].channel == nil, time >= PortSlot.turn(at: index, of: ports, now: time).due else {
                return
            }
            if ports[index].nextLook != nil { take(port: index, at: time) }
            guard time >= ports[index].supervisor.value.deadline(now: time) else { return }
            var reported: [PortSupervisor.Event] = []
            if ports[index].supervisor.value.advance(to: time, { reported.append($0) }) { register(index) }
            handle(reported, port: index, at: time)
            settleWatch(port: index, at: time)
        }

        mutating func receive(_ token: UInt64, at time: Duration) {
            guard let index = PortSlot.place(of: token, in: ports) else {
                if !receiveMultiplexer(token, at: time) { receiveBus(token, at: time) }
                return
            }
            take(port: index, at: time)
            noteTurn(of: index, at: time)
        }

        /// Reads what has come from a port, and asks.
        mutating func take(port index: Int, at time: Duration) {
            var reported: [PortSupervisor.Event] = []
            if ports[index].supervisor.value.receive(into: &buffer, at: time, { reported.append($0) }) {
                register(index)
            }
            handle(reported, port: index, at: time)
            settleWatch(port: index, at: time)
        }

        mutating func register(_ index: Int) {
            // A token is used once, so that an event of a closed descriptor finds nobody.
            ports[index].token = nextToken
            nextToken += 1
            if let descriptor = ports[index].supervisor.value.descriptor {
                events.add(descriptor, token: ports[index].token)
            }
        }

        mutating func handle(_ reported: [PortSupervisor.Event], port index: Int, at time: Duration) {
            for event in reported {
                let path = ports[index].path
                switch event {
                case .opened:
                    log.debug("port opened", metadata: ["port": .string(path)])
                case .unavailable(let failure):
                    log.warning(
                        "port cannot be opened; trying again",
                        metadata: ["port": .string(path), "reason": .string(failure.description)])
                    ports[index].trouble =
                        failure.isAbsent ? .absent(failure.description) : .unusable(failure.description)
                    ports[index].isResolved = true
                    countUnresolved()
                case .closed(let reason, let isNews):
                    log.log(
                        level: isNews ? .warning : .debug, "port closed; opening it again",
                        metadata: ["port": .string(path), "reason": .string(reason)])
                    if isNews { ports[index].announced = nil }
                    if ports[index].trouble == nil { ports[index].trouble = .absent(reason) }
                    ports[index].isResolved = true
                    leave(index, at: time)
                    countUnresolved()
                case .session(let event):
                    handle(event, port: index, at: time)
                }
            }
        }

        mutating func leave(_ index: Int, at time: Duration) {
            guard let serial = ports[index].serial else { return }
            forgetLight(port: index, at: time)
            feed.noteChange(at: time)
            plant.lost(serial, port: ports[index].path)
            ports[index].serial = nil
        }

        mutating func handle(_ event: DeviceSession.Event, port index: Int, at time: Duration) {
            let path = ports[index].path
            switch event {
            case .identified(let identity):
                noteIdentity(identity, port: index)
                feed.noteChange(at: time)
                ports[index].serial = identity.serial
                ports[index].isResolved = true
                ports[index].trouble = nil
                ports[index].complaint = nil
                countUnresolved()
                plant.identified(identity, port: path, at: time)
                publisher.appeared(identity.serial, plant: plant, at: time) { [sink] in sink.publish($0, $1) }
            case .lostIdentity(let identity):
                log.notice(
                    "another device is on this port now",
                    metadata: ["port": .string(path), "was": .string(identity.serial)])
                ports[index].announced = nil
                leave(index, at: time)
            case .reading(let reading):
                guard let serial = ports[index].serial else { return }
                plant.read(reading, serial: serial)
                noteLight(reading, serial: serial, port: index)
                settleReads(of: reading.register, .success(reading), port: index)
                readable.mark()
                publisher.changed(reading.register, serial: serial, plant: plant, at: time) { [sink] in
                    sink.publish($0, $1)
                }
            case .refused(let register):
                guard let serial = ports[index].serial else { return }
                plant.refused(register, serial: serial)
                settleReads(of: register, .failure(.refused), port: index)
                readable.mark()
                publisher.changed(register, serial: serial, plant: plant, at: time) { [sink] in sink.publish($0, $1) }
            case .state(let state):
                noteState(state, port: index)
                feed.noteChange(at: time)
            case .passCompleted:
                ports[index].isPolled = true
            }
        }

        /// Says who is there, and once more when more of it is known.
        mutating func noteIdentity(_ identity: DeviceIdentity, port index: Int) {
            // A loose plug finds the same charger each second; it is said again once its loss was.
            let isNew = ports[index].announced != identity.serial
            let before = plant.chargers[identity.serial]?.identity
            let isBetter =
                before?.model == nil && identity.model != nil || before?.firmware == nil && identity.firmware != nil
            guard isNew || isBetter else { return }
            ports[index].announced = identity.serial
            log.notice(
                isNew ? "charger found" : "charger better known",
                metadata: [
                    "port": .string(ports[index].path), "serial": .string(identity.serial),
                    "model": .string(identity.model ?? "not known yet"),
                    "firmware": .string(identity.firmware?.description ?? "not known yet"),
                ])
        }

        mutating func noteState(_ state: DeviceSession.State, port index: Int) {
            switch state {
            case .textOnly, .echoOnly:
                ports[index].isResolved = true
                ports[index].trouble = .unusable(complain(state, port: index))
            case .silent:
                ports[index].isResolved = true
                let words = complain(.silent, port: index)
                if ports[index].trouble == nil { ports[index].trouble = .absent(words) }
            case .listening, .identifying, .polling, .verifying:
                break
            }
            if state != .polling, let serial = ports[index].serial { plant.lost(serial, port: ports[index].path) }
            countUnresolved()
        }

        /// Says once what is wrong with a port, until a device answers there: it is opened again every few seconds,
        /// and what was wrong mostly still is.
        mutating func complain(_ state: DeviceSession.State, port index: Int) -> String {
            let words = state.advice ?? "no answer"
            if ports[index].complaint != state {
                ports[index].complaint = state
                log.warning("\(words)", metadata: ["port": .string(ports[index].path)])
            }
            return words
        }

        mutating func countUnresolved() {
            plant.unresolvedPorts = ports.count { !$0.isResolved }
        }

        // MARK: Broker

        /// Reads what other threads said; gives the reason when one of them asked to stop.
        mutating func readMailbox(at time: Duration) -> String? {
            let contents = mailbox.take()
            defer { turns.removeAll(keepingCapacity: true) }
            if let lost = contents.disconnection {
                // The mailbox holds the last word only: on a slow machine the first one of a reason may not be read.
                if isConnected || lost.repeats <= 1 || lost.cause != toldCause {
                    log.warning("broker not connected; trying again", metadata: ["reason": .string(lost.reason)])
                    toldCause = lost.cause
                }
                isConnected = false
                lastDisconnection = lost.reason
            }
            if let refusal = contents.refusal, !hasToldOfRefusal {
                hasToldOfRefusal = true
                log.warning(
                    "the broker does not take what is published: check the user's rights there",
                    metadata: ["reason": .string(refusal)])
            }
            if let version = contents.isConnected {
                isConnected = true
                toldCause = nil
                log.notice("broker connected", metadata: ["mqtt": .string(version.description)])
                sink.announce()
            }
            if contents.isConnected != nil || contents.isDrained {
                sink.beginCatchUp()
                publisher.publishAll(plant: plant, at: time) { [sink] in sink.publish($0, $1) }
                publishBuses()
                tellEverything(at: time)
                tellAnew(at: time)
                tellHistory()
                sink.endCatchUp()
            }
            if contents.hasUpdateNews { tellUpdates() }
            readable.take(contents.heard, at: time)
            if let other = contents.otherBridge { noteOther(other, at: time) }
            for pending in contents.requests { answer(pending, at: time) }
            if let look = contents.look { look(snapshot(at: time)) }
            return contents.stopReason
        }

        // MARK: Once

        mutating func onceOutcome(at time: Duration) -> Outcome? {
            let isLate = time >= onceLimit
            let isComplete =
                ports.allSatisfy { $0.isPolled || ($0.isResolved && $0.serial == nil) }
                && buses.allSatisfy { $0.supervisor.isComplete }
            // A log takes the time it takes.
            let isPlaying = buses.contains { $0.supervisor.source.isReplay && !$0.supervisor.isFinished }
            guard isComplete || isLate && !isPlaying else { return nil }
            let failures =
                ports.filter { !$0.isPolled }.map { ($0.path, $0.trouble ?? .unusable("not read in full in time")) }
                + buses.filter { !$0.hasValues }.map { bus in
                    let trouble = bus.supervisor.finalReason.map { PortSlot.Trouble.unusable($0) }
                    return (bus.supervisor.source.description, trouble ?? .absent("no value was heard"))
                }
            let hasNothing = failures.count == ports.count + buses.count
            if hasNothing, failures.allSatisfy({ $0.1.isAbsent }) {
                end(at: time)
                return .nothingToDo("no device answered:\n" + Self.list(failures))
            }
            guard !hasNothing else {
                end(at: time)
                return .failed("no port could be read:\n" + Self.list(failures))
            }
            // What could not be said while a port was still unclear, such as sums.
            if isConnected || !sink.needsBroker {
                for serial in plant.chargers.keys.sorted() {
                    publisher.appeared(serial, plant: plant, at: time) { [sink] in sink.publish($0, $1) }
                }
            }
            guard let outcome = lastOutcome(at: time) else { return nil }
            if case .done = outcome, !failures.isEmpty {
                return .failed("not every port could be read:\n" + Self.list(failures))
            }
            return outcome
        }

        /// Everything was published: the end, once the broker has it. Nil while that is waited for.
        mutating func lastOutcome(at time: Duration) -> Outcome? {
            let limit = brokerLimit ?? max(onceLimit, time + Daemon.brokerPatience)
            brokerLimit = limit
            guard isConnected || !sink.needsBroker else {
                guard time >= limit else { return nil }
                end(at: time)
                let reason = lastDisconnection.map { ": \($0)" } ?? ""
                return .failed("the broker was not reached within \(limit.components.seconds) s\(reason)")
            }
            return end(at: time, timeout: Daemon.onceFarewell)
                ? recordingOutcome ?? .done : .failed("the broker did not confirm everything that was published")
        }

        static func list(_ failures: [(String, PortSlot.Trouble)]) -> String {
            failures.map { "    \($0.0): \($0.1.words)" }.joined(separator: "\n")
        }
    }

    /// A port with what the loop knows of it.
    struct PortSlot {
        var port: PortPatterns.Port
        /// Its number in a recording.
        let number: Int
        var path: String { port.path }
        var isClosed: Bool { supervisor.value.session == nil }
        /// The supervisor owns a descriptor and cannot be copied, so it lives in a box that the slot shares.
        let supervisor: Box
        var token: UInt64 = 0
        var serial: String?
        /// The serial that the log last said was found here.
        var announced: String?
        /// Whether it is clear what answers here, or that nothing does.
        var isResolved = false
        var isPolled = false
        /// Why nothing is read from it; nil while a device answers.
        var trouble: Trouble? { didSet { if let trouble { lastTrouble = PortNote(trouble.words) } } }
        /// The last time that nothing could be read from it.
        var lastTrouble: PortNote?
        /// Whether the panels of its charger are dark.
        var light: PanelLight
        /// When to read it next while the kernel gathers what comes; nil: at every byte.
        var nextLook: Duration?
        /// What was last logged about a device that does not answer.
        var complaint: DeviceSession.State?
        /// The multiplexer of which this is a channel, and the channel's number there; nil for a port of its own.
        var channel: (multiplexer: Int, number: Int)?

        /// Why nothing is read from a port.
        enum Trouble {
            /// There is no port, or no device on it.
            case absent(String)
            /// Something is there and cannot be read.
            case unusable(String)

            var isAbsent: Bool {
                if case .absent = self { true } else { false }
            }

            var words: String {
                switch self {
                case .absent(let words), .unusable(let words): words
                }
            }
        }

        /// Brings the slots in line with the ports that are there, and gives those that have no slot yet.
        ///
        /// Names can be links, and links can be turned: a closed port follows its name, an open one stays with its
        /// device. One that a pattern found and that is gone from the system is forgotten once it is closed.
        static func reconcile(_ slots: inout [PortSlot], with found: [PortPatterns.Port]) -> [PortPatterns.Port] {
            let open = Set(slots.filter { !$0.isClosed }.map(\.port.device))
            slots = slots.compactMap { slot in
                guard slot.isClosed, slot.channel == nil else { return slot }
                guard let port = found.first(where: { $0.path == slot.path }), !open.contains(port.device) else {
                    return nil
                }
                var slot = slot
                slot.port = port
                return slot
            }
            let served = Set(slots.map(\.port.device))
            return found.filter { !served.contains($0.device) }
        }

        init(port: PortPatterns.Port, number: Int, light: PanelLight, supervisor: consuming PortSupervisor) {
            self.port = port
            self.number = number
            self.light = light
            self.supervisor = Box(supervisor)
        }

        final class Box {
            var value: PortSupervisor
            init(_ value: consuming PortSupervisor) { self.value = value }
        }
    }
}
