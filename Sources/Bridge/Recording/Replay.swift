import Glibc
import Logging
import MasterBus

/// Where a recording's time stands against the clock.
private struct ReplayPace {
    let speed: Double?
    private let start = ContinuousClock.now
    private var first: Duration?

    init(speed: Double?) { self.speed = speed }

    /// How long to wait until this moment of the recording.
    mutating func wait(until time: Duration) -> Duration {
        guard let speed else { return .zero }
        if first == nil { first = time }
        return (time - (first ?? time)) / speed - (ContinuousClock.now - start)
    }
}

extension Daemon.BridgeLoop {
    /// Plays a recording: every session gets the bytes and frames, and is asked, in the order and at the times that the
    /// index gives. Nothing of it depends on the clock of today.
    mutating func replay(_ recording: Recording, speed: Double?) -> Daemon.Outcome {
        do {
            try sink.start()
        } catch {
            return .failed(error.description)
        }
        // A broker that is not there yet would get only the last of each topic.
        while !isConnected, sink.needsBroker, now < Daemon.onceLimit {
            if hold(.milliseconds(20), at: .zero) != nil {
                sink.stop()
                return .done
            }
        }
        var pace = ReplayPace(speed: speed)
        var last: Duration = .zero
        do {
            while let (time, entry) = try recording.next() {
                last = time
                if let reason = hold(pace.wait(until: time), at: time) {
                    log.notice("stopping", metadata: ["reason": .string(reason)])
                    sink.stop()
                    return .done
                }
                play(entry, at: time)
                tellPeople(at: time)
            }
        } catch {
            sink.stop()
            return .failed(error.description)
        }
        while true {
            if let outcome = lastOutcome(at: now) { return outcome }
            if hold(.milliseconds(100), at: last) != nil {
                sink.stop()
                return .done
            }
        }
    }

    /// Waits, and listens meanwhile whether somebody wants an end.
    private mutating func hold(_ pause: Duration, at time: Duration) -> String? {
        let end = now + pause
        sink.flush()
        while true {
            events.wait(max(end - now, .zero), &ready)
            if !ready.isEmpty, let reason = readMailbox(at: time) { return reason }
            if now >= end { return nil }
        }
    }

    private mutating func play(_ entry: Recording.Entry, at time: Duration) {
        switch entry {
        case .appeared(.port(let number), let name):
            addPort(PortPatterns.Port(path: name, device: name), number: number, at: time)
        case .appeared(.bus(let number), let name):
            let source = (try? CANSource(parsing: name)) ?? .interface("bus\(number)")
            let link = ReplayLink(file: "", speed: nil)
            addBus(
                source, link: link, isListenOnly: configuration.masterbus.listenOnly || source.isReplay,
                number: number, at: time)
        case .noteToAll("scan"): countUnresolved()
        case .noteToAll("beat"): publisher.heartbeat(plant: plant, at: time) { [sink] in sink.publish($0, $1) }
        case .noteToAll: break
        case .bytes(let bytes, .port(let number)):
            guard let index = portIndex(number) else { return }
            ports[index].supervisor.value.take(bytes.span, at: time)
        case .frames(let frames, .bus(let number)):
            guard let bus = buses.first(where: { $0.number == number }) else { return }
            for frame in frames { bus.supervisor.take(frame, at: time) }
        case .bytes, .frames: break
        case .note("gone", .port(let number), _): ports.removeAll { $0.number == number }
        case .note(let event, .port(let number), let detail):
            guard let index = portIndex(number) else { return }
            var reported: [PortSupervisor.Event] = []
            switch event {
            case "open": ports[index].supervisor.value.begin(at: time) { reported.append($0) }
            case "ask": ports[index].supervisor.value.ask(at: time) { reported.append($0) }
            case "close": ports[index].supervisor.value.end(reason: detail ?? "", at: time) { reported.append($0) }
            case "failed":
                let failure = SerialPort.Failure(description: detail ?? "", isAbsent: true)
                ports[index].supervisor.value.fail(failure, at: time) { reported.append($0) }
            default: break
            }
            handle(reported, port: index, at: time)
        case .note(let event, .bus(let number), let detail):
            guard let index = buses.firstIndex(where: { $0.number == number }) else { return }
            var reported: [BusSupervisor.Event] = []
            let supervisor = buses[index].supervisor
            switch event {
            case "open": supervisor.begin { reported.append($0) }
            case "ask": supervisor.ask(at: time) { reported.append($0) }
            case "close", "failed":
                supervisor.end(reason: detail ?? "", isFinal: false) { reported.append($0) }
            case "ended": reported.append(.ended)
            default: break
            }
            handleBus(reported, index, at: time)
        }
    }

    private func portIndex(_ number: Int) -> Int? { ports.firstIndex { $0.number == number } }
}
