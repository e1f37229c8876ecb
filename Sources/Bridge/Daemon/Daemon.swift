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
    }

    /// How a run ended.
    public enum Outcome: Sendable, Hashable {
        /// Stopped as asked, or every port was polled once.
        case done
        /// `once`, and no device answered, or there is no port at all.
        case nothingToDo
        /// The broker could not be reached or did not take everything in time.
        case failed(String)
    }

    /// With `once`, a port that has not answered by then is given up.
    static let onceLimit: Duration = .seconds(20)
    /// A broker that has not been reached this long after the last value is given up.
    static let brokerPatience: Duration = .seconds(5)
    static let rescanInterval: Duration = .seconds(2)

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
        var busPublisher: BusPublisher
        let store: SchemaStore
        let recorder: Recorder?
        var nextNumber = 0
        /// Until when the broker is waited for, when there is nothing more to publish.
        var brokerLimit: Duration?
        var nextRescan: Duration = .zero
        var nextToken: UInt64 = 1
        var isConnected = false

        static let mailboxToken: UInt64 = 0

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
            plan = PollPlan(
                fastInterval: configuration.poll.fast, slowInterval: configuration.poll.slow,
                settingsInterval: configuration.poll.settings, constantInterval: configuration.poll.constant)
            plant = Plant(
                preferredMaster: configuration.schema.master, derivesSetpoint: configuration.schema.deriveSetpoint,
                preferredShunt: Configuration.MasterBus.uniqueID(configuration.masterbus.shunt),
                freshness: Freshness(configuration))
            publisher = SchemaPublisher(configuration.schema)
            busPublisher = BusPublisher(configuration)
            store = SchemaStore(stateDirectory: recorder == nil ? configuration.bridge.stateDirectory : "", log: log)
            sink = TopicSink(
                configuration: configuration, output: output, mailbox: mailbox, recorded: recorder?.topics)
            events.add(mailbox.wake.descriptor, token: Self.mailboxToken)
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
            rescan(at: now)
            if ports.isEmpty, buses.isEmpty, once || !patterns.hasWildcards {
                sink.stop()
                return .nothingToDo
            }
            if ports.isEmpty, patterns.hasWildcards {
                log.notice(
                    "no port matches yet; waiting for one",
                    metadata: ["ports": .string(patterns.patterns.joined(separator: " "))])
            }
            while true {
                let time = now
                var ready: [UInt64] = []
                events.wait(nextDeadline(at: time) - time) { ready.append($0) }
                let woken = now
                for token in ready where token != Self.mailboxToken { receive(token, at: woken) }
                if ready.contains(Self.mailboxToken), let reason = readMailbox(at: woken) {
                    log.notice("stopping", metadata: ["reason": .string(reason)])
                    end(at: woken)
                    return recordingOutcome ?? .done
                }
                for index in ports.indices { advance(index, at: woken) }
                for index in buses.indices { advanceBus(index, at: woken) }
                if patterns.hasWildcards, woken >= nextRescan { rescan(at: woken) }
                beat(at: woken)
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
        mutating func end(at time: Duration) -> Bool {
            for bus in buses { bus.supervisor.shut() }
            recorder?.finish(at: time)
            return sink.stop()
        }

        /// Why the recording that was asked for is not whole; nil where it is, or none was asked for.
        var recordingOutcome: Outcome? { recorder?.failure.map { .failed("the recording is not whole: \($0)") } }

        func nextDeadline(at time: Duration) -> Duration {
            var deadline = time + .seconds(60)
            for port in ports { deadline = min(deadline, port.supervisor.value.deadline(now: time)) }
            for bus in buses {
                if let due = bus.supervisor.deadline(now: time) { deadline = min(deadline, due) }
            }
            if patterns.hasWildcards { deadline = min(deadline, nextRescan) }
            if let heartbeat = publisher.nextHeartbeat { deadline = min(deadline, heartbeat) }
            if once { deadline = min(deadline, time + .milliseconds(200)) }
            return deadline
        }

        // MARK: Ports

        mutating func rescan(at time: Duration) {
            nextRescan = time + Daemon.rescanInterval
            let found = patterns.ports()
            for path in found where !ports.contains(where: { $0.path == path }) {
                addPort(path, number: nextNumber, at: time)
                advance(ports.count - 1, at: time)
            }
            // A port that a pattern found and that is gone from the system is forgotten once it is closed.
            ports.removeAll { [recorder] slot in
                let isGone = !found.contains(slot.path) && slot.supervisor.value.session == nil
                if isGone { recorder?.note("gone", .port(slot.number), at: time) }
                return isGone
            }
            recorder?.note("scan", at: time)
            countUnresolved()
        }

        mutating func addPort(_ path: String, number: Int, at time: Duration) {
            ports.append(
                PortSlot(
                    path: path, number: number,
                    supervisor: PortSupervisor(
                        path: path, settings: configuration.serialSettings(path: path), plan: plan,
                        recorder: recorder, number: number, now: time)))
            nextNumber = max(nextNumber, number + 1)
        }

        mutating func advance(_ index: Int, at time: Duration) {
            guard time >= ports[index].supervisor.value.deadline(now: time) else { return }
            var reported: [PortSupervisor.Event] = []
            if ports[index].supervisor.value.advance(to: time, { reported.append($0) }) { register(index) }
            handle(reported, port: index, at: time)
        }

        mutating func receive(_ token: UInt64, at time: Duration) {
            guard let index = ports.firstIndex(where: { $0.token == token }) else {
                return receiveBus(token, at: time)
            }
            var reported: [PortSupervisor.Event] = []
            if ports[index].supervisor.value.receive(into: &buffer, at: time, { reported.append($0) }) {
                register(index)
            }
            handle(reported, port: index, at: time)
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
                case .closed(let reason):
                    log.warning(
                        "port lost; trying again", metadata: ["port": .string(path), "reason": .string(reason)])
                    ports[index].isResolved = true
                    leave(index)
                    countUnresolved()
                case .session(let event):
                    handle(event, port: index, at: time)
                }
            }
        }

        mutating func leave(_ index: Int) {
            guard let serial = ports[index].serial else { return }
            plant.lost(serial, port: ports[index].path)
            ports[index].serial = nil
        }

        mutating func handle(_ event: DeviceSession.Event, port index: Int, at time: Duration) {
            let path = ports[index].path
            switch event {
            case .identified(let identity):
                if ports[index].serial != identity.serial {
                    log.notice(
                        "charger found",
                        metadata: [
                            "port": .string(path), "serial": .string(identity.serial),
                            "model": .string(identity.model ?? "unknown"),
                            "firmware": .string(identity.firmware?.description ?? "unknown"),
                        ])
                }
                ports[index].serial = identity.serial
                ports[index].isResolved = true
                countUnresolved()
                plant.identified(identity, port: path, at: time)
                publisher.appeared(identity.serial, plant: plant, at: time) { [sink] in sink.publish($0, $1) }
            case .lostIdentity(let identity):
                log.notice(
                    "another device is on this port now",
                    metadata: ["port": .string(path), "was": .string(identity.serial)])
                leave(index)
            case .reading(let reading):
                guard let serial = ports[index].serial else { return }
                plant.read(reading, serial: serial)
                publisher.changed(reading.register, serial: serial, plant: plant, at: time) { [sink] in
                    sink.publish($0, $1)
                }
            case .refused(let register):
                guard let serial = ports[index].serial else { return }
                plant.refused(register, serial: serial)
                publisher.changed(register, serial: serial, plant: plant, at: time) { [sink] in sink.publish($0, $1) }
            case .state(let state):
                noteState(state, port: index)
            case .passCompleted:
                ports[index].isPolled = true
            }
        }

        mutating func noteState(_ state: DeviceSession.State, port index: Int) {
            let metadata: Logger.Metadata = ["port": .string(ports[index].path)]
            switch state {
            case .textOnly:
                ports[index].isResolved = true
                log.warning("receives TEXT, no HEX answer: check the TX line", metadata: metadata)
            case .silent:
                ports[index].isResolved = true
                log.warning("no answer: check the cable and whether the charger has power", metadata: metadata)
            case .listening, .identifying, .polling, .verifying:
                break
            }
            if state != .polling, let serial = ports[index].serial { plant.lost(serial, port: ports[index].path) }
            countUnresolved()
        }

        mutating func countUnresolved() {
            plant.unresolvedPorts = ports.count { !$0.isResolved }
        }

        // MARK: Broker

        /// Reads what other threads said; gives the reason when one of them asked to stop.
        mutating func readMailbox(at time: Duration) -> String? {
            let contents = mailbox.take()
            if let lost = contents.disconnection {
                if isConnected || lost.repeats <= 1 {
                    log.warning("broker not connected; trying again", metadata: ["reason": .string(lost.reason)])
                }
                isConnected = false
            }
            if let version = contents.isConnected {
                isConnected = true
                log.notice("broker connected", metadata: ["mqtt": .string(version.description)])
                sink.announce()
            }
            if contents.isConnected != nil || contents.isDrained {
                publisher.publishAll(plant: plant, at: time) { [sink] in sink.publish($0, $1) }
                publishBuses()
            }
            return contents.stopReason
        }

        // MARK: Once

        mutating func onceOutcome(at time: Duration) -> Outcome? {
            let isComplete =
                ports.allSatisfy { $0.isPolled || ($0.isResolved && $0.serial == nil) }
                && buses.allSatisfy { $0.supervisor.isComplete }
            // A log takes the time it takes.
            let isPlaying = buses.contains { $0.supervisor.source.isReplay && !$0.supervisor.isFinished }
            guard isComplete || (time >= Daemon.onceLimit && !isPlaying) else { return nil }
            let polled = ports.count { $0.isPolled } + buses.count { $0.hasValues }
            if brokerLimit == nil { complainOfSilence() }
            guard polled > 0 else {
                end(at: time)
                return .nothingToDo
            }
            return lastOutcome(at: time)
        }

        private func complainOfSilence() {
            for port in ports where !port.isPolled {
                log.warning("no device answered", metadata: ["port": .string(port.path)])
            }
            for bus in buses where !bus.hasValues {
                log.warning("no value was heard", metadata: ["can": .string(bus.supervisor.source.description)])
            }
        }

        /// Everything was published: the end, once the broker has it. Nil while that is waited for.
        mutating func lastOutcome(at time: Duration) -> Outcome? {
            let limit = brokerLimit ?? max(Daemon.onceLimit, time + Daemon.brokerPatience)
            brokerLimit = limit
            guard sink.isReady else {
                guard time >= limit else { return nil }
                end(at: time)
                return .failed("the broker was not reached within \(limit.components.seconds) s")
            }
            return end(at: time)
                ? recordingOutcome ?? .done : .failed("the broker did not confirm everything that was published")
        }
    }

    /// A port with what the loop knows of it.
    struct PortSlot {
        let path: String
        /// Its number in a recording.
        let number: Int
        /// The supervisor owns a descriptor and cannot be copied, so it lives in a box that the slot shares.
        let supervisor: Box
        var token: UInt64 = 0
        var serial: String?
        /// Whether it is clear what answers here, or that nothing does.
        var isResolved = false
        var isPolled = false

        init(path: String, number: Int, supervisor: consuming PortSupervisor) {
            self.path = path
            self.number = number
            self.supervisor = Box(supervisor)
        }

        final class Box {
            var value: PortSupervisor
            init(_ value: consuming PortSupervisor) { self.value = value }
        }
    }
}
