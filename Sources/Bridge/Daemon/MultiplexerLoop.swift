import Logging
import VEDirect

extension Daemon {
    /// A multiplexer with what the loop knows of it.
    struct MultiplexerSlot {
        let supervisor: MultiplexerSupervisor
        /// Where its channels begin among the ports.
        let firstPort: Int
        var token: UInt64 = 0
    }
}

// Multiplexers: each channel has a place among the ports, under the name MULTIPLEXER/CHANNEL, and is handled as one.
extension Daemon.BridgeLoop {
    /// With `once`, channels that share a line take their time one after the other.
    var onceLimit: Duration {
        Daemon.onceLimit * max(1, multiplexers.map(\.supervisor.channels.count).max() ?? 1)
    }

    /// Makes places for all channels; before any port is added, so that they stay where they are.
    mutating func addMultiplexers(at time: Duration) {
        for settings in configuration.multiplexers {
            let device = PortPatterns.device(of: settings.port) ?? settings.port
            let serial = configuration.serialSettings(path: settings.port, aliases: [device])
            let supervisor = MultiplexerSupervisor(settings, serial: serial, plan: plan, now: time)
            let index = multiplexers.count
            multiplexers.append(Daemon.MultiplexerSlot(supervisor: supervisor, firstPort: ports.count))
            for channel in supervisor.channels.indices {
                let path = supervisor.path(channel)
                var slot = Daemon.PortSlot(
                    port: PortPatterns.Port(path: path, device: device), number: nextNumber,
                    light: PanelLight(patience: configuration.poll.nightAfter),
                    supervisor: PortSupervisor(path: path, settings: serial, plan: plan, now: time),
                    unresolvedLimit: time + DeviceRole.limit + settings.turnMax * settings.channels.count * 2)
                slot.channel = (index, channel)
                ports.append(slot)
                nextNumber += 1
            }
        }
        // Each channel waits for all the others.
        let cycle = configuration.multiplexers.map { $0.turnMax * $0.channels.count }.max() ?? .zero
        for entry in plan.entries { plant.lifetimes[entry.register, default: .zero] += cycle * 2 }
        if recorder != nil, !multiplexers.isEmpty { log.warning("what comes through multiplexers is not recorded") }
    }

    /// A pattern among the ports may match a multiplexer's port too; it stays the multiplexer's.
    mutating func refreshMultiplexers() {
        for multiplexer in multiplexers {
            let path = multiplexer.supervisor.settings.port
            Daemon.PortSlot.setDevice(
                PortPatterns.device(of: path) ?? path, of: &ports, from: multiplexer.firstPort,
                count: multiplexer.supervisor.channels.count)
        }
    }

    mutating func advanceMultiplexer(_ index: Int, at time: Duration) {
        let supervisor = multiplexers[index].supervisor
        guard time >= supervisor.deadline else { return }
        var reported: [MultiplexerSupervisor.Event] = []
        if supervisor.advance(to: time, { reported.append($0) }) { registerMultiplexer(index) }
        handle(reported, multiplexer: index, at: time)
    }

    /// False if the token is none of a multiplexer.
    mutating func receiveMultiplexer(_ token: UInt64, at time: Duration) -> Bool {
        guard let index = multiplexers.firstIndex(where: { $0.token == token }) else { return false }
        let supervisor = multiplexers[index].supervisor
        var reported: [MultiplexerSupervisor.Event] = []
        if supervisor.receive(into: &buffer, at: time, { reported.append($0) }) { registerMultiplexer(index) }
        handle(reported, multiplexer: index, at: time)
        return true
    }

    private mutating func registerMultiplexer(_ index: Int) {
        multiplexers[index].token = nextToken
        nextToken += 1
        if let descriptor = multiplexers[index].supervisor.descriptor {
            events.add(descriptor, token: multiplexers[index].token)
        }
    }

    private mutating func handle(
        _ reported: [MultiplexerSupervisor.Event], multiplexer index: Int, at time: Duration
    ) {
        for event in reported {
            let supervisor = multiplexers[index].supervisor
            let first = multiplexers[index].firstPort
            switch event {
            case .opened:
                log.debug("multiplexer opened", metadata: metadata(of: supervisor))
            case .unavailable(let failure):
                log.warning(
                    "multiplexer cannot be opened; trying again",
                    metadata: metadata(of: supervisor, reason: failure.description))
                let trouble: Daemon.PortSlot.Trouble =
                    failure.isAbsent ? .absent(failure.description) : .unusable(failure.description)
                for port in first..<first + supervisor.channels.count { part(port, trouble, at: time) }
                countUnresolved()
            case .closed(let reason):
                log.warning(
                    "multiplexer closed; opening it again", metadata: metadata(of: supervisor, reason: reason))
                for port in first..<first + supervisor.channels.count { part(port, .absent(reason), at: time) }
                countUnresolved()
            case .session(.device(let channel, let event)):
                handle(event, port: first + channel, at: time)
            case .session(.foreign(let channel, let owner, let serial)):
                let words =
                    "\(supervisor.suspects(channel, owner)) of multiplexer '\(supervisor.settings.name)' seems stuck: "
                    + "channel \(supervisor.channels[channel].name) answers as \(serial), "
                    + "which is on channel \(supervisor.channels[owner].name)"
                log.warning("\(words)", metadata: ["port": .string(supervisor.path(channel))])
                ports[first + channel].trouble = .unusable(words)
                ports[first + channel].isResolved = true
                countUnresolved()
            }
        }
    }

    private mutating func part(_ port: Int, _ trouble: Daemon.PortSlot.Trouble, at time: Duration) {
        ports[port].trouble = trouble
        ports[port].isResolved = true
        leave(port, at: time)
    }

    private func metadata(of supervisor: MultiplexerSupervisor, reason: String? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "multiplexer": .string(supervisor.settings.name), "port": .string(supervisor.settings.port),
        ]
        if let reason { metadata["reason"] = .string(reason) }
        return metadata
    }
}

extension Daemon.PortSlot {
    /// What is behind the names of a multiplexer's channels. A function of its own, for the loop's owner cannot be
    /// copied, and the compiler does not come to an end over such a loop there.
    static func setDevice(_ device: String, of slots: inout [Daemon.PortSlot], from first: Int, count: Int) {
        for index in first..<first + count {
            slots[index].port = PortPatterns.Port(path: slots[index].path, device: device)
        }
    }
}
