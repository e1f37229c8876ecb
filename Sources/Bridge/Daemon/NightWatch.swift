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
        guard configuration.poll.night > .zero, ports[index].channel == nil, ports[index].light.note(reading) else {
            return
        }
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

    /// Lets the kernel gather what comes from a port in the dark, or waits for every byte again.
    mutating func settleWatch(port index: Int, at time: Duration) {
        guard ports[index].light.isDark, let descriptor = ports[index].supervisor.value.descriptor,
            ports[index].supervisor.value.session?.isCalm == true
        else {
            guard ports[index].nextLook != nil else { return }
            ports[index].nextLook = nil
            register(index)
            return
        }
        if ports[index].nextLook == nil { events.remove(descriptor) }
        ports[index].nextLook =
            ports[index].supervisor.value.session?.isWaiting == true
            ? NightWatch.moment(NightWatch.step, after: time + NightWatch.answerTime)
            : NightWatch.moment(NightWatch.pause, after: time)
    }

    /// The machine slept: nothing was heard meanwhile, which is nobody's fault.
    mutating func noteSleep(at time: Duration) {
        guard let slept = sleep.look() else { return }
        log.info("the machine slept", metadata: ["seconds": .string("\(slept.components.seconds)")])
        Daemon.PortSlot.hostSlept(ports, at: time)
    }
}

extension Daemon.PortSlot {
    static func hostSlept(_ slots: [Self], at time: Duration) {
        for slot in slots { slot.supervisor.value.hostSlept(at: time) }
    }

    /// When something is to be done for one of the ports if nothing arrives; those behind a multiplexer have no time
    /// of their own. By index, so that no slot is copied: this is asked at every turn of the loop.
    static func deadline(_ slots: borrowing [Self], now: Duration) -> Duration? {
        var first: Duration?
        for index in slots.indices where slots[index].channel == nil {
            let due = slots[index].deadline(now: now)
            if first.map({ due < $0 }) ?? true { first = due }
        }
        return first
    }

    /// When something is to be done for a port if nothing arrives.
    func deadline(now: Duration) -> Duration { nextLook ?? supervisor.value.deadline(now: now) }
}
