import Glibc
import Logging
import VEDirect

// What the loop tells of itself, its devices and its ports.
extension PortReport {
    /// Whether there is a conversation on it, or could be.
    fileprivate var isOpen: Bool { if case .conversation = state { true } else { false } }
}

extension Daemon.BridgeLoop {
    /// Publishes how the bridge is, when it is time.
    mutating func tell(at time: Duration) {
        guard feed.take(at: time), sink.isReady else { return }
        tellAll(at: time)
    }

    /// Somebody has just come who knows nothing yet.
    mutating func tellEverything(at time: Duration) {
        guard feed.take(at: time, isForced: true) else { return }
        sink.tell(feed.message("info", feed.info.json))
        tellUpdates()
        tellAll(at: time)
    }

    private mutating func tellAll(at time: Duration) {
        sink.tell(feed.message("health", health(at: time), expires: true))
        sink.tell(feed.message("devices", devices(at: time)))
        let reports = portReports(at: time).map { (path: $0.path, json: $0.json) }
        for message in feed.portMessages(reports) { sink.tell(message) }
    }

    /// How the bridge is, as JSON.
    mutating func health(at time: Duration) -> String {
        let figures = feed.meter.look(at: time)
        return JSONText.object([
            ("uptime", "\(time.components.seconds)"), ("time", JSONValue.quoted(LogLine.timestamp(Glibc.time(nil)))),
            ("cpu_percent", JSONText.number((figures.cpu * 100).rounded() / 100)),
            ("resident_bytes", "\(figures.resident)"), ("ports", "\(ports.count)"),
            ("ports_open", "\(portReports(at: time).count { $0.isOpen })"),
            ("chargers", "\(plant.solarChargers(at: time).count(where: \.isAlive))"),
            ("chargers_dark", "\(ports.count { $0.light.isDark })"),
            ("bus_devices", "\(plant.busDevices.values.count { $0.isAwake })"), ("brokers", sink.health),
            ("history", history.writer?.health.json ?? "null"),
        ])
    }

    /// The chargers that were seen since the start, as JSON.
    func devices(at time: Duration) -> String {
        let wall = Glibc.time(nil)
        return JSONText.list(
            plant.chargers.values.sorted { $0.identity.serial < $1.identity.serial }.map { charger in
                let age = (time - charger.lastSeen).components.seconds
                var members = [("serial", JSONValue.quoted(charger.identity.serial))]
                if let id = charger.identity.productID {
                    let digits = String(id, radix: 16)
                    let text = "0x" + String(repeating: "0", count: 4 - digits.count) + digits
                    members.append(("product_id", JSONValue.quoted(text)))
                }
                if let model = charger.identity.model { members.append(("product", JSONValue.quoted(model))) }
                if let firmware = charger.identity.firmware {
                    members.append(("firmware", JSONValue.quoted(firmware.description)))
                }
                members += [
                    ("port", JSONValue.quoted(charger.port)), ("answers", charger.isAlive ? "true" : "false"),
                    ("dark", charger.isDark ? "true" : "false"),
                    ("last_heard", JSONValue.quoted(LogLine.timestamp(wall - time_t(max(0, age))))),
                ]
                return JSONText.object(members)
            })
    }

    /// Another bridge publishes in our place: said once, and said to it by publishing our own information anew.
    mutating func noteOther(_ payload: [UInt8], at time: Duration) {
        guard let other = JSONValue(payload), let instance = other["instance"]?.asText, instance != feed.info.instance,
            feed.isNews(at: time)
        else { return }
        log.warning(
            """
            another vebridge publishes on \(feed.place) too, and each takes the other's state for its own: give one of \
            them another bridge.name
            """,
            metadata: [
                "host": .string(TOMLSource.printable(other["host"]?.asText ?? "unknown")),
                "client": .string(TOMLSource.printable(other["client_id"]?.asText ?? "unknown")),
            ])
        sink.tell(feed.message("info", feed.info.json))
    }
}
