import Logging
import VEDirect

// What the loop does with ports: looks for them, has them read and asked, and takes what they say to the plant.
extension Daemon.BridgeLoop {
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
        for port in Daemon.PortSlot.reconcile(&ports, with: patterns.ports()) {
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
            Daemon.PortSlot(
                port: port, number: number, light: PanelLight(patience: configuration.poll.nightAfter),
                supervisor: PortSupervisor(
                    path: port.path, settings: settings, plan: plan, recorder: recorder, number: number,
                    now: time),
                unresolvedLimit: time + DeviceRole.limit))
        nextNumber = max(nextNumber, number + 1)
    }

    mutating func workOutTurns(at time: Duration) {
        guard turns.count != ports.count else { return }
        Daemon.PortSlot.turns(of: ports, now: time, into: &turns)
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
        turns[index] = Daemon.PortSlot.turn(at: index, of: ports, now: time)
    }

    mutating func advance(_ index: Int, at time: Duration) {
        guard ports[index].channel == nil, time >= Daemon.PortSlot.turn(at: index, of: ports, now: time).due else {
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
        guard let index = Daemon.PortSlot.place(of: token, in: ports) else {
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
        ports[index].contender = nil
        guard let serial = ports[index].serial else { return }
        forgetLight(port: index, at: time)
        feed.noteChange(at: time)
        plant.lost(serial, port: ports[index].path)
        ports[index].serial = nil
        decideContenders(at: time)
    }

    mutating func handle(_ event: DeviceSession.Event, port index: Int, at time: Duration) {
        let path = ports[index].path
        switch event {
        case .identified(let identity):
            feed.noteChange(at: time)
            ports[index].isResolved = true
            countUnresolved()
            admit(identity, port: index, at: time)
        case .lostIdentity(let identity):
            log.notice(
                "another device is on this port now",
                metadata: ["port": .string(path), "was": .string(identity.serial)])
            ports[index].announced = nil
            leave(index, at: time)
        case .reading(let reading):
            guard let serial = ports[index].serial else {
                if ports[index].contender != nil { decideContenders(at: time) }
                return
            }
            plant.read(reading, serial: serial)
            checkContenders(reading, port: index, at: time)
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
            noteState(state, port: index, at: time)
            feed.noteChange(at: time)
        case .passCompleted:
            ports[index].isPolled = true
        }
    }

    /// Says who is there, and once more when more of it is known.
    mutating func noteIdentity(_ identity: DeviceIdentity, port index: Int, at time: Duration) {
        // A loose plug finds the same charger each second; it is said again once its loss was.
        let isNew = ports[index].announced != identity.serial
        let before = plant.key(of: identity.serial).flatMap { plant.chargers[$0]?.identity }
        let isBetter =
            before?.model == nil && identity.model != nil || before?.firmware == nil && identity.firmware != nil
        guard isNew || isBetter else { return }
        ports[index].announced = identity.serial
        let kind = identity.family.map(\.isSolarCharger) == false ? "device" : "charger"
        log.notice(
            isNew ? "\(kind) found" : "\(kind) details updated",
            metadata: [
                "port": .string(ports[index].path), "serial": .string(identity.serial),
                "model": .string(identity.model ?? "not known yet"),
                "firmware": .string(identity.firmware?.description ?? "not known yet"),
            ])
    }

    mutating func noteState(_ state: DeviceSession.State, port index: Int, at time: Duration) {
        switch state {
        case .textOnly, .hexOnly, .echoOnly:
            ports[index].isResolved = true
            ports[index].trouble = .unusable(complain(state, port: index))
        case .silent:
            ports[index].isResolved = true
            let words = complain(.silent, port: index)
            if ports[index].trouble == nil { ports[index].trouble = .absent(words) }
        case .listening, .identifying, .polling, .verifying:
            break
        }
        if state != .polling {
            ports[index].contender = nil
            if let serial = ports[index].serial { plant.lost(serial, port: ports[index].path) }
            decideContenders(at: time)
        }
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
        let unresolved = ports.filter { !$0.isResolved }
        plant.unresolvedPorts = unresolved.count
        plant.unresolvedLimit = unresolved.map(\.unresolvedLimit).max()
    }
}
