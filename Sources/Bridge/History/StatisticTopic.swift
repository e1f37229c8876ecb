public import History

/// A figure with a topic of its own, as data: the topics, the page about them and announcements are made from it.
///
/// The topic is `PREFIX/stats/SUBJECT/DEVICE/NAME`; the system has no device.
public struct StatisticTopic: Sendable, Hashable {
    /// What it is a figure of; the raw value is the part of the topic.
    public enum Subject: String, Sendable, CaseIterable {
        /// A solar charger, by serial number.
        case charger
        /// A battery monitor, by its number on the bus.
        case battery
        /// All together.
        case system
    }

    /// Which day it is of.
    public enum Day: Sendable, Hashable {
        /// The running day, as far as it is written.
        case today
        /// The day before, whole.
        case yesterday
        /// No day: what stands now.
        case now
    }

    /// How the payload reads.
    public enum Payload: Sendable, Hashable {
        /// A decimal number, with so many places at most.
        case number(places: Int)
        /// A moment, `2026-11-23T06:10:00+01:00`.
        case moment
        /// Whole minutes.
        case minutes
        /// Words.
        case text
    }

    /// What it is a figure of.
    public let subject: Subject
    /// The last part of the topic.
    public let name: String
    /// The figure that is published, by its name in ``History/FigureDefinition``; empty for findings.
    public let figure: String
    /// Which day it is of.
    public let day: Day
    /// How the payload reads.
    public let payload: Payload
    /// The unit; nil for none.
    public let unit: String?
    /// Home Assistant's device class; nil for none.
    public let deviceClass: String?
    /// Home Assistant's state class; nil for none.
    public let stateClass: String?
    /// What it is called, in English.
    public let title: String

    private init(
        _ subject: Subject, _ name: String, _ figure: String, _ day: Day, _ payload: Payload, _ unit: String?,
        _ deviceClass: String?, _ stateClass: String?, _ title: String
    ) {
        self.subject = subject
        self.name = name
        self.figure = figure
        self.day = day
        self.payload = payload
        self.unit = unit
        self.deviceClass = deviceClass
        self.stateClass = stateClass
        self.title = title
    }

    /// The topic.
    ///
    /// - Parameters:
    ///   - prefix: the first part, `vebridge`.
    ///   - device: the charger's serial number or the battery monitor's number; not used for the system.
    public func topic(prefix: String, device: String) -> String {
        "\(prefix)/stats/\(subject.rawValue)/" + (subject == .system ? name : "\(device)/\(name)")
    }

    /// The payload of a value; an empty one is none.
    func text(_ value: Double?, _ zone: TimeZoneRules) -> String {
        guard let value, value.isFinite else { return "" }
        switch payload {
        case .number(let places):
            var scale = 1.0
            for _ in 0..<places { scale *= 10 }
            let rounded = (value * scale).rounded() / scale
            let text = "\(rounded == 0 ? 0 : rounded)"
            return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
        case .moment: return zone.text(of: value)
        case .minutes: return "\(Int((value / 60).rounded()))"
        case .text: return ""
        }
    }

    /// All that there are.
    public static let all: [StatisticTopic] = {
        let energy = Payload.number(places: 3)
        return [
            .init(.charger, "yield_today", "yield", .today, energy, "kWh", "energy", "total_increasing", "Yield today"),
            .init(.charger, "yield_yesterday", "yield", .yesterday, energy, "kWh", "energy", nil, "Yield yesterday"),
            .init(
                .charger, "yield_lifetime", "lifetime_yield", .today, .number(places: 2), "kWh", "energy",
                "total_increasing", "Yield in its lifetime"),
            .init(
                .charger, "share", "share", .today, .number(places: 1), "%", nil, "measurement", "Share of the yield"),
            .init(
                .charger, "maximum_power", "panel_power.max", .today, .number(places: 0), "W", "power", nil,
                "Peak power today"),
            .init(
                .charger, "maximum_power_at", "panel_power.max_at", .today, .moment, nil, "timestamp", nil,
                "Time of the peak power"),
            .init(
                .charger, "production_start", "production_start", .today, .moment, nil, "timestamp", nil,
                "Production began"),
            .init(
                .charger, "production_stop", "production_stop", .today, .moment, nil, "timestamp", nil,
                "Production ended"),
            .init(
                .charger, "time_bulk", "state.bulk", .today, .minutes, "min", "duration", "total_increasing",
                "Time in bulk"),
            .init(
                .charger, "time_absorption", "state.absorption", .today, .minutes, "min", "duration",
                "total_increasing",
                "Time in absorption"),
            .init(
                .charger, "time_float", "state.float", .today, .minutes, "min", "duration", "total_increasing",
                "Time in float"),
            .init(
                .charger, "underperformance", "", .now, .number(places: 1), "%", nil, "measurement",
                "Less than to be expected"),
            .init(.charger, "finding", "", .now, .text, nil, nil, nil, "Finding"),

            .init(
                .battery, "voltage_minimum", "battery_voltage.min", .today, .number(places: 2), "V", "voltage", nil,
                "Lowest voltage today"),
            .init(
                .battery, "voltage_maximum", "battery_voltage.max", .today, .number(places: 2), "V", "voltage", nil,
                "Highest voltage today"),
            .init(
                .battery, "voltage_mean", "battery_voltage.mean", .today, .number(places: 2), "V", "voltage", nil,
                "Mean voltage today"),
            .init(
                .battery, "charge_minimum", "state_of_charge.min", .today, .number(places: 1), "%", "battery", nil,
                "Lowest state of charge today"),
            .init(.battery, "full_at", "full_at", .today, .moment, nil, "timestamp", nil, "Battery was full"),
            .init(.battery, "charge_in", "charge_in", .today, .number(places: 1), "Ah", nil, nil, "Charge in today"),
            .init(.battery, "charge_out", "charge_out", .today, .number(places: 1), "Ah", nil, nil, "Charge out today"),
            .init(
                .battery, "energy_in", "energy_in", .today, energy, "kWh", "energy", "total_increasing",
                "Energy in today"),
            .init(
                .battery, "energy_out", "energy_out", .today, energy, "kWh", "energy", "total_increasing",
                "Energy out today"),
            .init(
                .battery, "overnight", "overnight", .today, energy, "kWh", "energy", nil, "Energy out in the last night"
            ),
            .init(
                .battery, "negative_day", "negative_day", .today, .minutes, "min", "duration", "total_increasing",
                "Negative flow by day"),
            .init(
                .battery, "negative_night", "negative_night", .today, .minutes, "min", "duration", nil,
                "Negative flow by night"),
            .init(.battery, "autonomy", "autonomy", .yesterday, .number(places: 1), "d", "duration", nil, "Autonomy"),

            .init(.system, "yield_today", "yield", .today, energy, "kWh", "energy", "total_increasing", "Yield today"),
            .init(.system, "yield_yesterday", "yield", .yesterday, energy, "kWh", "energy", nil, "Yield yesterday"),
            .init(
                .system, "maximum_power", "maximum_power", .today, .number(places: 0), "W", "power", nil,
                "Peak power today (1 min average)"),
            .init(
                .system, "maximum_power_at", "maximum_power_at", .today, .moment, nil, "timestamp", nil,
                "Time of the peak power (1 min average)"),
            .init(
                .system, "production_start", "production_start", .today, .moment, nil, "timestamp", nil,
                "Production began"),
            .init(
                .system, "met_consumption", "met_consumption", .today, .moment, nil, "timestamp", nil,
                "Production met consumption"),
            .init(
                .system, "production_stop", "production_stop", .today, .moment, nil, "timestamp", nil,
                "Production ended"),
            .init(
                .system, "consumption_today", "consumption", .today, energy, "kWh", "energy", "total_increasing",
                "Consumption today"),
            .init(
                .system, "consumption_yesterday", "consumption", .yesterday, energy, "kWh", "energy", nil,
                "Consumption yesterday"),
            .init(
                .system, "direct_today", "direct", .today, energy, "kWh", "energy", "total_increasing",
                "Solar energy used directly today"),
            .init(
                .system, "self_sufficiency", "self_sufficiency", .today, .number(places: 1), "%", nil, "measurement",
                "Self-sufficiency today"),
            .init(.system, "findings", "", .now, .text, nil, nil, nil, "Findings"),
        ]
    }()

    /// Everything there is to say, by topic; an empty payload takes a topic back.
    ///
    /// - Parameters:
    ///   - today: the figures of the running day.
    ///   - yesterday: those of the day before.
    ///   - findings: which chargers fall behind now.
    ///   - prefix: the first part of the topics.
    ///   - zone: the place whose time is told.
    public static func payloads(
        today: [DayFigures], yesterday: [DayFigures], findings: [Underperformance], prefix: String,
        zone: TimeZoneRules
    ) -> [String: String] {
        var known: [String: (today: DayFigures?, yesterday: DayFigures?)] = [:]
        for figures in today { known[figures.device, default: (nil, nil)].today = figures }
        for figures in yesterday { known[figures.device, default: (nil, nil)].yesterday = figures }
        let current = findings.filter { $0.until == nil }
        var payloads: [String: String] = [:]
        for (device, days) in known {
            let values = [days.today, days.yesterday].compactMap(\.self)
            let subject: Subject? =
                if device == DayFigures.plant { .system } else if values.contains(where: { $0["yield"] != nil }) {
                    .charger
                } else if values.contains(where: { $0["charge_in"] != nil }) { .battery } else { nil }
            for entry in all where entry.subject == subject {
                let text: String
                switch (entry.day, entry.payload) {
                case (.today, _): text = entry.text(days.today?[entry.figure], zone)
                case (.yesterday, _): text = entry.text(days.yesterday?[entry.figure], zone)
                case (.now, .text):
                    let words = current.filter { subject == .system || $0.device == device }.map(\.sentence)
                    // No state of Home Assistant's is longer.
                    text = words.isEmpty ? "none" : String(words.joined(separator: "; ").prefix(255))
                case (.now, _):
                    let worst = current.filter { $0.device == device && $0.kind.isAlarm }.map(\.less).max()
                    text = entry.text(worst ?? 0, zone)
                }
                payloads[entry.topic(prefix: prefix, device: device)] = text
            }
        }
        return payloads
    }
}
