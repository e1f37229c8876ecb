import Bridge
import MasterBus
import VEDirect

/// How the plant is now: `/api/v1/now`, and what open pages are told each second.
enum NowDocument {
    static func text(_ snapshot: BridgeSnapshot) -> String {
        let picture = snapshot.picture
        return JSONText.object([
            ("time", JSONText.rounded(snapshot.time)), ("uptime", JSONText.seconds(snapshot.uptime)),
            ("version", JSONText.quoted(Daemon.version)), ("host", JSONText.quoted(snapshot.host)),
            ("name", JSONText.quoted(snapshot.name)),
            (
                "solar",
                JSONText.object([
                    ("power", figure(picture.solarPower, "W")), ("output", figure(picture.solarOutput, "W")),
                    ("yield_today", figure(yieldToday(snapshot), "kWh")),
                ])
            ),
            (
                "battery",
                JSONText.object([
                    ("voltage", figure(picture.batteryVoltage, "V")), ("current", figure(picture.batteryCurrent, "A")),
                    ("power", figure(picture.batteryPower, "W")),
                    ("state_of_charge", figure(picture.stateOfCharge, "%")),
                    ("consumed_charge", figure(picture.consumedCharge, "Ah")),
                    ("time_to_go", figure(snapshot.timeToGo, "s")),
                ])
            ), ("consumption", figure(picture.consumption, "W")), ("inverter", inverter(picture.inverter)),
            ("chargers", JSONText.list(snapshot.chargers.map(charger))), ("ports", ports(snapshot)),
            ("brokers", brokers(snapshot)), ("history", "\(snapshot.history != nil)"),
        ])
    }

    /// What the chargers made today; of those that are known.
    private static func yieldToday(_ snapshot: BridgeSnapshot) -> Figure? {
        let chargers = snapshot.chargers.filter(\.isSolarCharger)
        let parts = chargers.compactMap { $0["yield_today"] }
        guard !parts.isEmpty else { return nil }
        return Figure(
            value: parts.reduce(0) { $0 + $1.value }, age: parts.map(\.age).max() ?? .zero, origin: .plant,
            isStale: parts.count < chargers.count || parts.contains(where: \.isStale))
    }

    private static func ports(_ snapshot: BridgeSnapshot) -> String {
        let quiet = snapshot.ports.count { $0.report.state.advice != nil }
        return JSONText.object([("total", "\(snapshot.ports.count)"), ("in_trouble", "\(quiet)")])
    }

    private static func brokers(_ snapshot: BridgeSnapshot) -> String {
        JSONText.object([
            ("total", "\(snapshot.brokers.count)"), ("connected", "\(snapshot.brokers.count(where: \.isConnected))"),
        ])
    }

    private static func inverter(_ inverter: PlantPicture.Inverter?) -> String {
        guard let inverter else { return "null" }
        return JSONText.object([
            ("device", JSONText.quoted(inverter.device.text)), ("state", JSONText.text(inverter.stateText)),
            ("state_code", figure(inverter.state, "")), ("output_current", figure(inverter.outputCurrent, "A")),
        ])
    }

    private static func charger(_ charger: ChargerReport) -> String {
        JSONText.object([
            ("serial", JSONText.quoted(charger.identity.serial)), ("name", JSONText.text(charger.name)),
            ("model", JSONText.text(charger.identity.model)),
            ("firmware", JSONText.text(charger.identity.firmware?.description)),
            ("port", JSONText.quoted(charger.port)), ("answers", "\(charger.isAlive)"), ("dark", "\(charger.isDark)"),
            ("last_seen", JSONText.seconds(charger.sinceLastSeen)), ("state_code", JSONText.whole(charger.stateCode)),
            ("state", JSONText.text(charger.state)), ("tracker", JSONText.text(charger.tracker)),
            ("error_code", JSONText.whole(charger.errorCode)), ("error", JSONText.text(charger.error)),
            ("share", JSONText.rounded(charger.share)),
            (
                "values",
                JSONText.object(charger.values.map { ($0.quantity.name, figure($0.figure, $0.quantity.unit)) })
            ),
        ])
    }

    /// A value with its unit, its age in seconds, whether it must not be taken for the present, and where it is from.
    static func figure(_ figure: Figure?, _ unit: String) -> String {
        guard let figure else { return "null" }
        return JSONText.object([
            ("value", JSONText.rounded(figure.value)), ("unit", JSONText.quoted(unit)),
            ("age", JSONText.seconds(figure.age)), ("stale", "\(figure.isStale)"),
            ("source", JSONText.quoted(source(figure.origin))),
        ])
    }

    private static func source(_ origin: Figure.Origin) -> String {
        switch origin {
        case .charger(let serial): serial
        case .chargers: "chargers"
        case .device(let address): address.text
        case .plant: "plant"
        }
    }
}
