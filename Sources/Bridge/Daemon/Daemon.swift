import CLinux
import Glibc
public import Logging
import VEDirect

/// The bridge at work: ports in, topics out, on one thread.
public struct Daemon {
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
    private static let onceLimit: Duration = .seconds(20)
    /// The net under the witnesses of `PortWatcher`.
    private static let rescanInterval: Duration = .seconds(10)
    private static let settlingTime: Duration = .milliseconds(20)

    private let configuration: Configuration
    private let output: Output
    private let once: Bool
    private let log: Logger
    private let mailbox: Mailbox

    /// A daemon that runs by a configuration.
    public init(configuration: Configuration, output: Output, once: Bool, log: Logger, mailbox: Mailbox) {
        self.configuration = configuration
        self.output = output
        self.once = once
        self.log = log
        self.mailbox = mailbox
    }

    /// Runs until stopped, or with `once` until every port was polled once.
    public func run() -> Outcome {
        var loop = BridgeLoop(configuration: configuration, output: output, once: once, log: log, mailbox: mailbox)
        return loop.run()
    }

    /// The state of one run. Everything here belongs to the thread that runs it.
    private struct BridgeLoop: ~Copyable {
        private let configuration: Configuration
        private let once: Bool
        private let log: Logger
        private let mailbox: Mailbox
        private let patterns: PortPatterns
        private let plan: PollPlan
        private let start = ContinuousClock.now
        private var events = EventLoop()
        private var ports: [PortSlot] = []
        private var buffer = [UInt8](repeating: 0, count: 4096)
        private var plant: Plant
        private var publisher: SchemaPublisher
        private var sink: TopicSink
        private var nextRescan: Duration = .zero
        private var nextToken = BridgeLoop.firstPortToken
        private var hasPortsChanged = false
        private var isConnected = false

        private var watcher: PortWatcher

        private static let mailboxToken: UInt64 = 0
        private static let watcherToken: UInt64 = 1
        private static let firstPortToken: UInt64 = 2

        init(configuration: Configuration, output: Output, once: Bool, log: Logger, mailbox: Mailbox) {
            self.configuration = configuration
            self.once = once
            self.log = log
            self.mailbox = mailbox
            patterns = PortPatterns(patterns: configuration.ports)
            plan = PollPlan(
                fastInterval: configuration.poll.fast, slowInterval: configuration.poll.slow,
                settingsInterval: configuration.poll.settings, constantInterval: configuration.poll.constant)
            plant = Plant(
                preferredMaster: configuration.schema.master, derivesSetpoint: configuration.schema.deriveSetpoint)
            publisher = SchemaPublisher(configuration.schema)
            sink = TopicSink(configuration: configuration, output: output, mailbox: mailbox)
            watcher = PortWatcher(patterns: configuration.ports)
            events.add(mailbox.wake.descriptor, token: Self.mailboxToken)
            for descriptor in watcher.descriptors { events.add(descriptor, token: Self.watcherToken) }
        }

        private var now: Duration { ContinuousClock.now - start }

        mutating func run() -> Outcome {
            do {
                try sink.start()
            } catch {
                return .failed(error.description)
            }
            rescan(at: now)
            if ports.isEmpty, once || !patterns.hasWildcards {
                sink.stop()
                return .nothingToDo
            }
            if ports.isEmpty {
                log.notice(
                    "no port matches yet; waiting for one",
                    metadata: ["ports": .string(patterns.patterns.joined(separator: " "))])
            }
            while true {
                let time = now
                var ready: [UInt64] = []
                events.wait(nextDeadline(at: time) - time) { ready.append($0) }
                let woken = now
                for token in ready where token >= Self.firstPortToken { receive(token, at: woken) }
                if ready.contains(Self.watcherToken) {
                    watcher.drain()
                    // A plug makes several events; and a machine with much coming and going is not to keep us busy.
                    nextRescan = min(nextRescan, woken + Daemon.settlingTime)
                    hasPortsChanged = true
                }
                if ready.contains(Self.mailboxToken), let reason = readMailbox(at: woken) {
                    log.notice("stopping", metadata: ["reason": .string(reason)])
                    sink.stop()
                    return .done
                }
                for index in ports.indices { advance(index, at: woken) }
                if woken >= nextRescan { rescan(at: woken) }
                if let heartbeat = publisher.nextHeartbeat, woken >= heartbeat {
                    publisher.heartbeat(plant: plant, at: woken) { [sink] in sink.publish($0, $1) }
                }
                if once, let outcome = onceOutcome(at: woken) { return outcome }
            }
        }

        private func nextDeadline(at time: Duration) -> Duration {
            var deadline = time + .seconds(60)
            for port in ports { deadline = min(deadline, port.supervisor.value.deadline(now: time)) }
            deadline = min(deadline, nextRescan)
            if let heartbeat = publisher.nextHeartbeat { deadline = min(deadline, heartbeat) }
            if once { deadline = min(deadline, time + .milliseconds(200)) }
            return deadline
        }

        // MARK: Ports

        private mutating func rescan(at time: Duration) {
            nextRescan = time + Daemon.rescanInterval
            if hasPortsChanged {
                hasPortsChanged = false
                for port in ports { port.supervisor.value.retrySoon(at: time) }
            }
            let found = patterns.ports()
            for port in PortSlot.reconcile(&ports, with: found) {
                let settings = configuration.serialSettings(path: port.path, aliases: [port.device])
                ports.append(
                    PortSlot(
                        port: port,
                        supervisor: PortSupervisor(path: port.path, settings: settings, plan: plan, now: time)))
                advance(ports.count - 1, at: time)
            }
            countUnresolved()
        }

        private mutating func advance(_ index: Int, at time: Duration) {
            guard time >= ports[index].supervisor.value.deadline(now: time) else { return }
            var reported: [PortSupervisor.Event] = []
            if ports[index].supervisor.value.advance(to: time, { reported.append($0) }) { register(index) }
            handle(reported, port: index, at: time)
        }

        private mutating func receive(_ token: UInt64, at time: Duration) {
            guard let index = ports.firstIndex(where: { $0.token == token }) else { return }
            var reported: [PortSupervisor.Event] = []
            if ports[index].supervisor.value.receive(into: &buffer, at: time, { reported.append($0) }) {
                register(index)
            }
            handle(reported, port: index, at: time)
        }

        private mutating func register(_ index: Int) {
            // A token is used once, so that an event of a closed descriptor finds nobody.
            ports[index].token = nextToken
            nextToken += 1
            if let descriptor = ports[index].supervisor.value.descriptor {
                events.add(descriptor, token: ports[index].token)
            }
        }

        private mutating func handle(_ reported: [PortSupervisor.Event], port index: Int, at time: Duration) {
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

        private mutating func leave(_ index: Int) {
            guard let serial = ports[index].serial else { return }
            plant.lost(serial, port: ports[index].path)
            ports[index].serial = nil
        }

        private mutating func handle(_ event: DeviceSession.Event, port index: Int, at time: Duration) {
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

        private mutating func noteState(_ state: DeviceSession.State, port index: Int) {
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

        private mutating func countUnresolved() {
            plant.unresolvedPorts = ports.count { !$0.isResolved }
        }

        // MARK: Broker

        /// Reads what other threads said; gives the reason when one of them asked to stop.
        private mutating func readMailbox(at time: Duration) -> String? {
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
            }
            return contents.stopReason
        }

        // MARK: Once

        private mutating func onceOutcome(at time: Duration) -> Outcome? {
            let isComplete = ports.allSatisfy { $0.isPolled || ($0.isResolved && $0.serial == nil) }
            guard isComplete || time >= Daemon.onceLimit else { return nil }
            let polled = ports.count { $0.isPolled }
            for port in ports where !port.isPolled {
                log.warning("no device answered", metadata: ["port": .string(port.path)])
            }
            guard polled > 0 else {
                sink.stop()
                return .nothingToDo
            }
            guard sink.isReady else {
                guard time >= Daemon.onceLimit else { return nil }
                sink.stop()
                return .failed("the broker was not reached within \(Daemon.onceLimit.components.seconds) s")
            }
            return sink.stop() ? .done : .failed("the broker did not confirm everything that was published")
        }
    }

    /// A port with what the loop knows of it.
    private struct PortSlot {
        var port: PortPatterns.Port
        var path: String { port.path }
        var isClosed: Bool { supervisor.value.session == nil }
        /// The supervisor owns a descriptor and cannot be copied, so it lives in a box that the slot shares.
        let supervisor: Box
        var token: UInt64 = 0
        var serial: String?
        /// Whether it is clear what answers here, or that nothing does.
        var isResolved = false
        var isPolled = false

        /// Brings the slots in line with the ports that are there, and gives those that have no slot yet.
        ///
        /// Names can be links, and links can be turned: a closed port follows its name, an open one stays with its
        /// device. One that a pattern found and that is gone from the system is forgotten once it is closed.
        static func reconcile(_ slots: inout [PortSlot], with found: [PortPatterns.Port]) -> [PortPatterns.Port] {
            let open = Set(slots.filter { !$0.isClosed }.map(\.port.device))
            slots = slots.compactMap { slot in
                guard slot.isClosed else { return slot }
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

        init(port: PortPatterns.Port, supervisor: consuming PortSupervisor) {
            self.port = port
            self.supervisor = Box(supervisor)
        }

        final class Box {
            var value: PortSupervisor
            init(_ value: consuming PortSupervisor) { self.value = value }
        }
    }
}
