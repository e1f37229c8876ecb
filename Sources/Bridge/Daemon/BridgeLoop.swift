import Logging
import VEDirect

extension Daemon {
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
        /// Ports and serial numbers of second devices that the log has, see ``Daemon/Contender``.
        var serialWarnings: Set<String> = []
        var monitorChoice = MonitorChoice()

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
                endBusScan(at: woken)
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
            if plant.isScanningBus, let limit = monitorChoice.scanLimit { deadline = min(deadline, limit) }
            if let due = monitorChoice.logTime { deadline = min(deadline, due) }
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
    }
}
