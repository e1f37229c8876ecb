import Logging
import MasterBus

extension Daemon {
    /// A bus with what the loop knows of it.
    struct BusSlot {
        let supervisor: BusSupervisor
        let number: Int
        var token: UInt64 = 0
        var hasValues = false
    }
}

extension Daemon.BridgeLoop {
    // MARK: Links

    mutating func addBuses(at time: Duration) throws(CANSource.ParseError) {
        for name in configuration.can {
            let source = try CANSource(parsing: name)
            let isListenOnly = configuration.masterbus.listenOnly || source.isReplay
            let speed = configuration.masterbus.replaySpeed
            addBus(
                source, link: source.link(isListenOnly: isListenOnly, replaySpeed: speed > 0 ? speed : nil),
                isListenOnly: isListenOnly, number: buses.count, at: time)
        }
    }

    mutating func addBus(
        _ source: CANSource, link: any CANLink, isListenOnly: Bool, number: Int, at time: Duration
    ) {
        let settings = configuration.masterbus
        var session = BusSession.Configuration(
            isListenOnly: isListenOnly, discovers: settings.discover,
            plan: BusPlan(fastInterval: settings.fast, slowInterval: settings.slow))
        if let uid = Configuration.MasterBus.uniqueID(settings.address) {
            session.ownAddress = DeviceAddress(type: 0x14, uid: uid)
        }
        buses.append(
            Daemon.BusSlot(
                supervisor: BusSupervisor(
                    source: source, link: link,
                    session: BusSession(session, remembered: source.isReplay ? [] : store.load(), now: time),
                    recorder: recorder, number: number, now: time),
                number: number))
    }

    mutating func advanceBus(_ index: Int, at time: Duration) {
        // Of a log many frames may be due; after some of them the ports have their turn.
        for _ in 0..<512 {
            guard let due = buses[index].supervisor.deadline(now: time), time >= due else { return }
            var reported: [BusSupervisor.Event] = []
            if buses[index].supervisor.advance(to: time, { reported.append($0) }) { registerBus(index) }
            handleBus(reported, index, at: time)
            guard buses[index].supervisor.source.isReplay else { return }
        }
    }

    mutating func receiveBus(_ token: UInt64, at time: Duration) {
        guard let index = buses.firstIndex(where: { $0.token == token }) else { return }
        var reported: [BusSupervisor.Event] = []
        if buses[index].supervisor.receive(at: time, { reported.append($0) }) { registerBus(index) }
        handleBus(reported, index, at: time)
    }

    private mutating func registerBus(_ index: Int) {
        buses[index].token = nextToken
        nextToken += 1
        if let descriptor = buses[index].supervisor.descriptor {
            events.add(descriptor, token: buses[index].token)
        }
    }

    /// The end of a run that has nothing but buses, when none of them will say any more.
    mutating func busOutcome(at time: Duration) -> Daemon.Outcome? {
        guard !once, configuration.ports.isEmpty, multiplexers.isEmpty, !buses.isEmpty else { return nil }
        let supervisors = buses.map(\.supervisor)
        guard supervisors.allSatisfy({ $0.isFinished || $0.finalReason != nil }) else { return nil }
        if let reason = supervisors.compactMap(\.finalReason).first {
            end(at: time)
            return .failed(reason)
        }
        return lastOutcome(at: time)
    }

    // MARK: Events

    mutating func handleBus(_ reported: [BusSupervisor.Event], _ index: Int, at time: Duration) {
        let name: Logger.MetadataValue = .string(buses[index].supervisor.source.description)
        for event in reported {
            switch event {
            case .opened:
                log.notice("listening to a bus", metadata: ["can": name])
                beginBusScan(isReplay: buses[index].supervisor.source.isReplay, at: time)
            case .closed(let reason, let isFinal):
                if isFinal {
                    log.error("no bus", metadata: ["can": name, "reason": .string(reason)])
                } else {
                    log.warning("bus lost; trying again", metadata: ["can": name, "reason": .string(reason)])
                }
                for device in buses[index].supervisor.session.devices { plant.busDeviceSlept(device.address) }
            case .ended:
                warnOfMonitors()
                log.notice("the log was played to its end", metadata: ["can": name])
            case .session(let event): handleBus(event, index, name)
            }
        }
        if reported.contains(where: \.mayAddMonitor) { monitorChoice.logTime = time + MonitorChoice.scanTime }
    }

    private mutating func handleBus(_ event: BusSession.Event, _ index: Int, _ name: Logger.MetadataValue) {
        let session = buses[index].supervisor.session
        switch event {
        case .bus(.value(let value)):
            buses[index].hasValues = true
            let schema = session.decoder.schema(of: value.device)
            plant.read(value, schema: schema)
            readable.mark()
            busPublisher.value(value, schema: schema, sink: sink)
        case .bus(.label(let label)):
            // While a device is asked for everything its texts come one by one; they are published when all are there.
            guard session.configuration.isListenOnly || session.isDiscovered(label.device),
                let schema = session.decoder.schema(of: label.device)
            else { return }
            busPublisher.described(schema, sink: sink)
        case .bus(.error(_, let trouble)):
            if trouble.isBusOff {
                log.warning("the controller has left the bus", metadata: ["can": name])
            } else {
                log.debug("trouble on the bus", metadata: ["can": name, "trouble": .string(trouble.text)])
            }
        case .bus: break
        case .appeared(let device):
            log.notice(
                "device on the bus",
                metadata: ["can": name, "device": .string(device.text), "type": .string(BusNotation.hex(device.type))])
            if session.decoder.sharedUIDs.contains(device.uid) {
                log.warning(
                    "two devices of different types have one number; their topics are the same",
                    metadata: ["device": .string(device.text)])
            }
            plant.busDeviceAppeared(device)
        case .woke(let device):
            log.info("device is back", metadata: ["can": name, "device": .string(device.text)])
            plant.busDeviceAppeared(device)
        case .slept(let device):
            log.info("device is silent", metadata: ["can": name, "device": .string(device.text)])
            plant.busDeviceSlept(device)
        case .recognised(let device): learned(device, session, "device is the one known from before")
        case .discovered(let device):
            learned(device, session, "device has told all of itself")
            if let schema = session.decoder.schema(of: device) { store.save(SchemaRecord(schema)) }
        case .addressTaken(let device):
            log.warning(
                "a device has our own number: set masterbus.address to another",
                metadata: ["can": name, "device": .string(device.text)])
        }
    }

    private mutating func learned(_ device: DeviceAddress, _ session: BusSession, _ words: String) {
        guard let schema = session.decoder.schema(of: device) else { return }
        plant.named(device, schema)
        busPublisher.described(schema, sink: sink)
        log.info(
            "\(words)",
            metadata: [
                "device": .string(device.text), "name": .string(schema.name ?? "unknown"),
                "attributes": .string("\(schema.groupedAttributes.count)"),
            ])
    }

    /// The broker is back: what the devices that answer last said is published again.
    mutating func publishBuses() {
        let values = plant.busDevices.values.filter(\.isAwake).sorted { $0.address < $1.address }.flatMap { device in
            device.values.sorted { $0.key < $1.key }.map(\.value)
        }
        let sessions = buses.map { $0.supervisor.session.decoder }
        busPublisher.publishAll(
            values, schema: { device in sessions.lazy.compactMap { $0.schema(of: device) }.first }, sink: sink)
    }
}

extension BusSupervisor.Event {
    /// Whether a device or its name is known now that was not before.
    fileprivate var mayAddMonitor: Bool {
        switch self {
        case .session(.appeared), .session(.recognised), .session(.discovered): true
        default: false
        }
    }
}
