import Bridge
import VEDirect

/// How the bridge is: `/api/v1/health`.
enum HealthDocument {
    static func text(
        _ snapshot: BridgeSnapshot, noise: [String: [NoiseRecord.Minute]], lastRecord: Int?
    ) -> String {
        let known = PortIdentity.known(for: snapshot.ports.map(\.device))
        return JSONText.object([
            ("time", JSONText.rounded(snapshot.time)), ("uptime", JSONText.seconds(snapshot.uptime)),
            ("started", JSONText.rounded(snapshot.started)), ("version", JSONText.quoted(Daemon.version)),
            ("host", JSONText.quoted(snapshot.host)), ("name", JSONText.quoted(snapshot.name)),
            (
                "ports",
                JSONText.list(
                    snapshot.ports.map { port($0, known[$0.device], noise[$0.report.path] ?? []) })
            ), ("buses", JSONText.list(snapshot.buses.map(bus))),
            ("brokers", JSONText.list(snapshot.brokers.map(broker))), ("history", history(snapshot.history)),
            (
                "process",
                JSONText.object([
                    ("cpu_seconds", JSONText.rounded(snapshot.usage.processorSeconds)),
                    ("resident_bytes", "\(snapshot.usage.residentBytes)"),
                    ("descriptors", "\(snapshot.usage.descriptors)"),
                ])
            ), ("log_last", JSONText.whole(lastRecord)),
        ])
    }

    /// What was not accepted on a port, by reason, frames and blocks together.
    static func rejections(_ counters: LinkCounters) -> [String: Int] {
        var counts: [String: Int] = [:]
        for (reason, count) in counters.rejectedFrames where count > 0 { counts[reason.rawValue, default: 0] += count }
        for (reason, count) in counters.rejectedBlocks where count > 0 { counts[reason.rawValue, default: 0] += count }
        return counts
    }

    private static func port(
        _ look: PortLook, _ identity: PortIdentity?, _ minutes: [NoiseRecord.Minute]
    ) -> String {
        let (report, counters) = (look.report, look.report.counters)
        let turnaround = report.turnaround
        let troubles = Dictionary(
            report.troubles.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: { first, _ in first })
        return JSONText.object([
            ("path", JSONText.quoted(report.path)), ("device", JSONText.quoted(look.device)),
            ("usb_id", JSONText.text(identity?.usbID)), ("usb_product", JSONText.text(identity?.product)),
            ("usb_serial", JSONText.text(identity?.serial)), ("driver", JSONText.text(identity?.driver)),
            ("state", JSONText.quoted(report.state.name)), ("advice", JSONText.text(report.state.advice)),
            ("serial", JSONText.text(report.identity?.serial)), ("model", JSONText.text(report.identity?.model)),
            ("firmware", JSONText.text(report.identity?.firmware?.description)),
            ("readings_per_second", JSONText.rounded((report.readingsPerSecond * 10).rounded() / 10)),
            ("readings", "\(counters.readings)"), ("bytes", "\(counters.bytes)"), ("frames", "\(counters.frames)"),
            ("text_blocks", "\(counters.blocks)"), ("rejected", JSONText.counts(rejections(counters))),
            ("rejected_minutes", JSONText.list(minutes.map(minute))), ("requests", "\(counters.requests)"),
            ("retries", "\(counters.retries)"), ("timeouts", "\(counters.timeouts)"),
            ("confirmations", "\(counters.confirmations)"), ("confirmed", "\(counters.confirmed)"),
            ("unconfirmed", "\(counters.unconfirmed)"), ("implausible", "\(counters.implausible)"),
            ("reopens", "\(report.reopens)"), ("troubles", JSONText.counts(troubles)),
            ("turnaround_ms_p50", JSONText.milliseconds(turnaround?.median)),
            ("turnaround_ms_p90", JSONText.milliseconds(turnaround?.p90)),
            ("turnaround_ms_p99", JSONText.milliseconds(turnaround?.p99)),
            ("open_for", JSONText.seconds(report.openFor)), ("last_byte", JSONText.seconds(report.sinceLastByte)),
            ("last_trouble", JSONText.text(look.lastTrouble?.words)),
            ("last_trouble_time", JSONText.rounded(look.lastTrouble?.time)),
        ])
    }

    private static func minute(_ minute: NoiseRecord.Minute) -> String {
        JSONText.object([
            ("time", "\(minute.time)"), ("good", "\(minute.good)"), ("rejected", JSONText.counts(minute.rejected)),
        ])
    }

    private static func bus(_ bus: BusReport) -> String {
        JSONText.object([
            ("source", JSONText.quoted(bus.source)), ("open", "\(bus.isOpen)"),
            ("trouble", JSONText.text(bus.trouble)), ("frames", "\(bus.frames)"), ("values", "\(bus.values)"),
            ("errors", "\(bus.errors)"), ("requests", "\(bus.requests)"), ("retries", "\(bus.retries)"),
            ("failures", "\(bus.failures)"), ("unsent", "\(bus.unsent)"), ("reopens", "\(bus.reopens)"),
            (
                "devices",
                JSONText.list(
                    bus.devices.map { device in
                        JSONText.object([
                            ("address", JSONText.quoted(device.address)), ("name", JSONText.text(device.name)),
                            ("awake", "\(device.isAwake)"), ("values", "\(device.values)"),
                        ])
                    })
            ),
        ])
    }

    private static func broker(_ broker: BrokerReport) -> String {
        JSONText.object([
            ("name", JSONText.quoted(broker.name)), ("connected", "\(broker.isConnected)"),
            ("connects", "\(broker.connects)"), ("published", "\(broker.published)"),
            ("acknowledged", "\(broker.acknowledged)"), ("pending", "\(broker.pending)"),
            ("waiting", "\(broker.waitingTopics)"), ("waiting_samples", "\(broker.waitingSamples)"),
            ("dropped", "\(broker.dropped)"), ("latency_ms", JSONText.milliseconds(broker.latency)),
        ])
    }

    private static func history(_ history: HistoryHealth?) -> String {
        guard let history else { return "null" }
        return JSONText.object([
            ("bytes", JSONText.whole(history.bytes)), ("last_write", JSONText.whole(history.lastWrite)),
            ("dropped", "\(history.dropped)"), ("waiting_minutes", "\(history.waitingMinutes)"),
            ("trouble", JSONText.text(history.trouble)),
        ])
    }
}
