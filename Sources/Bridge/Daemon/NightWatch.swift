import Logging
import VEDirect

/// How ports are read while the panels are dark.
///
/// A charger says something each second by itself, and adapters hand it on in small pieces, each of which would wake
/// the processor. At night nobody is in a hurry: the kernel gathers the bytes, and all ports are read at the same
/// moments.
enum NightWatch {
    /// Between two looks at a port that nothing is waited for from. At 19200 baud not even half of what the kernel keeps.
    static let pause: Duration = .seconds(1)
    /// Between two looks for an answer.
    static let step: Duration = .milliseconds(40)
    /// Most answers take 45 to 130 ms (observed): sooner it is not worth a look.
    static let answerTime: Duration = .milliseconds(80)

    /// The next moment of a grid at or after a time, the same for all ports.
    static func moment(_ grid: Duration, after time: Duration) -> Duration {
        let (step, now) = (nanoseconds(grid), nanoseconds(time))
        return .nanoseconds((now / step + 1) * step)
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

extension Daemon.BridgeLoop {
    /// The plan for a charger in the light or in the dark.
    func plan(isDark: Bool) -> PollPlan { isDark ? plan.atNight(configuration.poll.night) : plan }

    /// A reading may tell that the panels have become dark or light.
    mutating func noteLight(_ reading: RegisterReading, serial: String, port index: Int) {
        // Chargers that share a line have their turns, which are seldom enough.
        // What is no solar charger has no panels: without an engine a DC-DC charger has no input either.
        guard configuration.poll.night > .zero, ports[index].channel == nil,
            plant.chargers[serial]?.role(at: reading.time) != .other, ports[index].light.note(reading)
        else { return }
        setLight(serial: serial, port: index, at: reading.time)
        let isDark = ports[index].light.isDark
        log.info(
            isDark ? "the panels are dark: asking less often" : "the panels are lit: asking as by day",
            metadata: ["serial": .string(serial), "port": .string(ports[index].path)])
    }

    /// Nobody knows what the panels of the next charger on a port are.
    mutating func forgetLight(port index: Int, at time: Duration) {
        let wasDark = ports[index].light.isDark
        ports[index].light = PanelLight(patience: configuration.poll.nightAfter)
        if wasDark, let serial = ports[index].serial { setLight(serial: serial, port: index, at: time) }
    }

    private mutating func setLight(serial: String, port index: Int, at time: Duration) {
        let isDark = ports[index].light.isDark
        plant.noted(isDark: isDark, serial: serial)
        ports[index].supervisor.value.adopt(plan(isDark: isDark), at: time)
    }

    /// Lets the kernel gather what comes from a port in the dark or inside a TEXT block, or waits for every byte again.
    mutating func settleWatch(port index: Int, at time: Duration) {
        let isDark = ports[index].light.isDark && ports[index].supervisor.value.isCalm
        // A block that was cut short and does not go on is not looked at again and again.
        let hasHeard = ports[index].supervisor.value.lastByte == time
        let gathering = isDark || !hasHeard ? nil : ports[index].supervisor.value.gatheringTime
        guard isDark || gathering != nil, let descriptor = ports[index].supervisor.value.descriptor else {
            guard ports[index].nextLook != nil else { return }
            ports[index].nextLook = nil
            register(index)
            return
        }
        if ports[index].nextLook == nil { events.remove(descriptor) }
        if let gathering {
            ports[index].nextLook = time + gathering
            return
        }
        ports[index].nextLook =
            ports[index].supervisor.value.session?.isWaiting == true
            ? NightWatch.moment(NightWatch.step, after: time + NightWatch.answerTime)
            : NightWatch.moment(NightWatch.pause, after: time)
    }

    /// The machine slept: nothing was heard meanwhile, which is nobody's fault.
    mutating func noteSleep(at time: Duration) {
        // A turn of the loop comes before the sleep and one after it: without a gap between them there was none.
        defer { lastTurn = time }
        guard time - lastTurn >= HostSleep.threshold, let slept = sleep.look() else { return }
        log.info("the machine slept", metadata: ["seconds": .string("\(slept.components.seconds)")])
        Daemon.PortSlot.hostSlept(ports, at: time)
        turns.removeAll(keepingCapacity: true)
    }
}

/// When a port wants its turn.
struct PortTurn {
    /// From when on it takes one, if the loop turns anyway.
    var due: Duration
    /// When the loop wakes for it.
    var limit: Duration
}

extension Daemon.PortSlot {
    static func hostSlept(_ slots: [Self], at time: Duration) {
        for slot in slots { slot.supervisor.value.hostSlept(at: time) }
    }

    /// When something is to be done for each of the ports if nothing arrives; those behind a multiplexer have no time of
    /// their own. By index, so that no slot is copied.
    static func turns(of slots: borrowing [Self], now: Duration, into turns: inout [PortTurn]) {
        turns.removeAll(keepingCapacity: true)
        for index in slots.indices {
            turns.append(
                slots[index].channel == nil
                    ? turn(at: index, of: slots, now: now)
                    : PortTurn(due: .seconds(Int64.max / 4), limit: .seconds(Int64.max / 4)))
        }
    }

    /// The place of the port that waits under a token; nil if none does.
    static func place(of token: UInt64, in slots: borrowing [Self]) -> Int? {
        for index in slots.indices where slots[index].token == token { return index }
        return nil
    }

    /// When something is to be done for a port if nothing arrives, and how long that may wait for another's turn.
    static func turn(at index: Int, of slots: borrowing [Self], now: Duration) -> PortTurn {
        if let look = slots[index].nextLook { return PortTurn(due: look, limit: look) }
        let due = slots[index].supervisor.value.deadline(now: now)
        return PortTurn(due: due, limit: due + slots[index].supervisor.value.slack)
    }
}
