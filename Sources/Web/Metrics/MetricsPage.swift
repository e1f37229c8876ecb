import Bridge
import VEDirect

/// Everything in numbers, in the text format of Prometheus: `/metrics`.
///
/// What is not the present any more is left out rather than told as if it were; ages are always told.
enum MetricsPage {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// How the page itself is doing.
    struct Site: Sendable {
        var refused: [Refusal: Int]
        var listeners: Int
        var connections: Int
        /// Bytes that wait to be sent.
        var unsent: Int
    }

    static func text(_ snapshot: BridgeSnapshot, _ site: Site) -> String {
        var page = MetricsText()
        page.add("vebridge_build_info", .gauge, "The version that runs.", [(["version": Daemon.version], 1)])
        page.add(
            "vebridge_uptime_seconds", .gauge, "Time since the daemon was started.", snapshot.uptime.inSeconds)
        plant(snapshot, &page)
        chargers(snapshot, &page)
        ports(snapshot, &page)
        buses(snapshot, &page)
        brokers(snapshot, &page)
        if let history = snapshot.history {
            if let bytes = history.bytes {
                page.add("vebridge_history_bytes", .gauge, "Size of the history's file.", Double(bytes))
            }
            if let time = history.lastWrite {
                page.add(
                    "vebridge_history_last_write_timestamp_seconds", .gauge, "When the history was written last.",
                    Double(time))
            }
            page.add(
                "vebridge_history_dropped_samples_total", .counter, "Samples that were given up.",
                Double(history.dropped))
            page.add(
                "vebridge_history_waiting_seconds", .gauge,
                "Time whose samples wait for a disk that cannot be written.",
                Double(history.waitingMinutes * 60))
            page.add(
                "vebridge_history_ok", .gauge, "Whether the history can be written.", history.trouble == nil ? 1 : 0)
        }
        page.add(
            "vebridge_web_refused_total", .counter, "Requests and connections that were refused, by reason.",
            Refusal.allCases.map { (["reason": $0.rawValue], Double(site.refused[$0] ?? 0)) })
        page.add("vebridge_web_listeners", .gauge, "Open pages.", Double(site.listeners))
        page.add("vebridge_web_connections", .gauge, "Open connections.", Double(site.connections))
        page.add(
            "vebridge_web_unsent_bytes", .gauge, "Bytes of answers that clients have not taken yet.",
            Double(site.unsent))
        page.add(
            "process_cpu_seconds_total", .counter, "Processor time that the process took.",
            snapshot.usage.processorSeconds)
        page.add(
            "process_resident_memory_bytes", .gauge, "Memory of the process.", Double(snapshot.usage.residentBytes))
        page.add("process_open_fds", .gauge, "Open descriptors of the process.", Double(snapshot.usage.descriptors))
        page.add(
            "process_start_time_seconds", .gauge, "When the process was started, since 1970.", snapshot.started)
        return page.text
    }

    // MARK: Parts

    private static func plant(_ snapshot: BridgeSnapshot, _ page: inout MetricsText) {
        let picture = snapshot.picture
        let figures: [(String, String, Figure?)] = [
            ("vebridge_solar_power_watts", "Power from all panels.", picture.solarPower),
            ("vebridge_solar_output_watts", "Power out of all chargers.", picture.solarOutput),
            ("vebridge_battery_voltage_volts", "Voltage of the battery.", picture.batteryVoltage),
            ("vebridge_battery_current_amperes", "Current into the battery, negative out.", picture.batteryCurrent),
            ("vebridge_battery_power_watts", "Power into the battery, negative out.", picture.batteryPower),
            (
                "vebridge_battery_state_of_charge_ratio", "State of charge, 0 to 1.",
                picture.stateOfCharge.map { $0.scaled(by: 0.01) }
            ),
            (
                "vebridge_battery_consumed_coulombs", "Charge taken out since the battery was full.",
                picture.consumedCharge.map { $0.scaled(by: 3600) }
            ),
            (
                "vebridge_battery_time_to_go_seconds", "How long the battery lasts, as its monitor says.",
                snapshot.timeToGo
            ),
            (
                "vebridge_consumption_watts", "Power that everything takes which is not the battery.",
                picture.consumption
            ),
            ("vebridge_inverter_output_amperes", "Current out of the inverter.", picture.inverter?.outputCurrent),
        ]
        for (name, help, figure) in figures {
            if let figure, !figure.isStale { page.add(name, .gauge, help, figure.value) }
        }
        page.add(
            "vebridge_figure_age_seconds", .gauge, "Age of the oldest reading in a figure.",
            figures.compactMap { name, _, figure in
                figure.map { (["figure": String(name.dropFirst("vebridge_".count))], $0.age.inSeconds) }
            })
    }

    private static func chargers(_ snapshot: BridgeSnapshot, _ page: inout MetricsText) {
        let units = ["W": "watts", "V": "volts", "A": "amperes", "°C": "celsius", "kWh": "joules"]
        for quantity in ChargerReport.Quantity.all {
            let name = quantity.name.hasSuffix("_total") ? String(quantity.name.dropLast(6)) : quantity.name
            let samples = snapshot.chargers.compactMap { charger -> ([String: String], Double)? in
                guard let figure = charger[quantity.name], !figure.isStale else { return nil }
                return (["serial": charger.identity.serial], figure.value * (quantity.unit == "kWh" ? 3_600_000 : 1))
            }
            let isCounter = quantity.name == "yield_total"
            page.add(
                "vebridge_charger_\(name)_\(units[quantity.unit] ?? "value")" + (isCounter ? "_total" : ""),
                isCounter ? .counter : .gauge, "Of a charger: \(quantity.name.spaced).", samples)
        }
        func each(_ name: String, _ help: String, _ value: (ChargerReport) -> Double?) {
            page.add(
                name, .gauge, help,
                snapshot.chargers.compactMap { charger in
                    value(charger).map { (["serial": charger.identity.serial], $0) }
                })
        }
        each("vebridge_charger_up", "Whether a charger answers.") { $0.isAlive ? 1 : 0 }
        each("vebridge_charger_dark", "Whether a charger's panels are dark.") { $0.isDark ? 1 : 0 }
        each("vebridge_charger_age_seconds", "Time since a charger last said something.") { $0.sinceLastSeen.inSeconds }
        each("vebridge_charger_state", "Charge state of a charger, as in register 0201.") {
            $0.stateCode.map(Double.init)
        }
        each("vebridge_charger_error", "Error of a charger, 0 for none.") { $0.errorCode.map(Double.init) }
        each("vebridge_charger_share_ratio", "A charger's part of the solar power, 0 to 1.") { $0.share }
        page.add(
            "vebridge_charger_reading_age_seconds", .gauge, "Age of a charger's last panel power.",
            snapshot.chargers.compactMap { charger in
                charger["panel_power"].map { (["serial": charger.identity.serial], $0.age.inSeconds) }
            })
    }

    private static func ports(_ snapshot: BridgeSnapshot, _ page: inout MetricsText) {
        func each(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (PortReport) -> Double?) {
            page.add(
                name, kind, help,
                snapshot.ports.compactMap { port in value(port.report).map { (["port": port.report.path], $0) } })
        }
        each("vebridge_port_up", .gauge, "Whether a charger answers on a port.") { report in
            if case .conversation(.polling) = report.state { 1 } else { 0 }
        }
        page.add(
            "vebridge_port_state", .gauge, "The state that a port is in.",
            snapshot.ports.map { (["port": $0.report.path, "state": $0.report.state.name], 1) })
        each("vebridge_port_readings_per_second", .gauge, "Readings given on each second.") { $0.readingsPerSecond }
        each("vebridge_port_readings_total", .counter, "Readings given on.") { Double($0.counters.readings) }
        each("vebridge_port_received_bytes_total", .counter, "Bytes received.") { Double($0.counters.bytes) }
        each("vebridge_port_frames_total", .counter, "HEX frames whose checksum held.") { Double($0.counters.frames) }
        each("vebridge_port_text_blocks_total", .counter, "TEXT blocks whose checksum held.") {
            Double($0.counters.blocks)
        }
        page.add(
            "vebridge_port_rejected_total", .counter, "Frames and blocks that were not accepted, by reason.",
            snapshot.ports.flatMap { port in
                StreamDecoder.Rejection.Reason.allCases.map { reason in
                    let counters = port.report.counters
                    let count = (counters.rejectedFrames[reason] ?? 0) + (counters.rejectedBlocks[reason] ?? 0)
                    return (["port": port.report.path, "reason": reason.rawValue], Double(count))
                }
            })
        each("vebridge_port_requests_total", .counter, "Requests sent.") { Double($0.counters.requests) }
        each("vebridge_port_retries_total", .counter, "Requests sent again.") { Double($0.counters.retries) }
        each("vebridge_port_timeouts_total", .counter, "Requests that nothing answered in time.") {
            Double($0.counters.timeouts)
        }
        each("vebridge_port_confirmations_total", .counter, "Requests sent only to confirm a reading in doubt.") {
            Double($0.counters.confirmations)
        }
        each("vebridge_port_unconfirmed_total", .counter, "Readings in doubt that nothing confirmed.") {
            Double($0.counters.unconfirmed)
        }
        each("vebridge_port_implausible_total", .counter, "Readings that cannot be.") {
            Double($0.counters.implausible)
        }
        each("vebridge_port_reopens_total", .counter, "Times that a port was opened again.") { Double($0.reopens) }
        each("vebridge_port_blocked_writes_total", .counter, "Requests that a port did not take at once.") {
            Double($0.blockedWrites)
        }
        page.add(
            "vebridge_port_troubles_total", .counter, "How often each trouble came up.",
            snapshot.ports.flatMap { port in
                port.report.troubles.sorted { $0.key.rawValue < $1.key.rawValue }.map { trouble, count in
                    (["port": port.report.path, "trouble": trouble.rawValue], Double(count))
                }
            })
        page.add(
            "vebridge_port_turnaround_seconds", .gauge, "How long answers take, by share of them.",
            snapshot.ports.flatMap { port -> [([String: String], Double)] in
                guard let times = port.report.turnaround else { return [] }
                return [("0.5", times.median), ("0.9", times.p90), ("0.99", times.p99)].map { share, time in
                    (["port": port.report.path, "share": share], time.inSeconds)
                }
            })
        each("vebridge_port_last_byte_seconds", .gauge, "Time since the last byte.") { $0.sinceLastByte?.inSeconds }
    }

    private static func buses(_ snapshot: BridgeSnapshot, _ page: inout MetricsText) {
        func each(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (BusReport) -> Int) {
            page.add(name, kind, help, snapshot.buses.map { (["bus": $0.source], Double(value($0))) })
        }
        each("vebridge_bus_up", .gauge, "Whether a link to a MasterBus is open.") { $0.isOpen ? 1 : 0 }
        each("vebridge_bus_frames_total", .counter, "Frames received.") { $0.frames }
        each("vebridge_bus_values_total", .counter, "Values received.") { $0.values }
        each("vebridge_bus_errors_total", .counter, "Trouble reported on the line.") { $0.errors }
        each("vebridge_bus_requests_total", .counter, "Requests sent.") { $0.requests }
        each("vebridge_bus_failures_total", .counter, "Requests that stayed without an answer.") { $0.failures }
        each("vebridge_bus_reopens_total", .counter, "Times that a link was opened again.") { $0.reopens }
        each("vebridge_bus_devices", .gauge, "Devices that answer.") { $0.devices.count(where: \.isAwake) }
    }

    private static func brokers(_ snapshot: BridgeSnapshot, _ page: inout MetricsText) {
        func each(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (BrokerReport) -> Double?) {
            // Two brokers may have one name; the number tells them apart.
            page.add(
                name, kind, help,
                snapshot.brokers.enumerated().compactMap { index, broker in
                    value(broker).map { (["broker": broker.name, "number": "\(index)"], $0) }
                })
        }
        each("vebridge_broker_up", .gauge, "Whether a broker is connected.") { $0.isConnected ? 1 : 0 }
        each("vebridge_broker_connects_total", .counter, "Times that a broker was connected to.") {
            Double($0.connects)
        }
        each("vebridge_broker_published_total", .counter, "Messages handed to a broker.") { Double($0.published) }
        each("vebridge_broker_acknowledged_total", .counter, "Messages that a broker acknowledged.") {
            Double($0.acknowledged)
        }
        each("vebridge_broker_dropped_total", .counter, "Messages that were given up.") { Double($0.dropped) }
        each("vebridge_broker_pending", .gauge, "Messages on their way.") { Double($0.pending) }
        each("vebridge_broker_queued_topics", .gauge, "Topics whose last value waits for a broker.") {
            Double($0.waitingTopics)
        }
        each("vebridge_broker_queued_samples", .gauge, "Samples that wait for a broker.") { Double($0.waitingSamples) }
        each("vebridge_broker_latency_seconds", .gauge, "From a message to its acknowledgement, the last time.") {
            $0.latency?.inSeconds
        }
    }
}

extension Figure {
    fileprivate func scaled(by factor: Double) -> Figure {
        Figure(value: value * factor, age: age, origin: origin, isStale: isStale)
    }
}

extension String {
    fileprivate var spaced: String { String(map { $0 == "_" ? " " : $0 }) }
}
