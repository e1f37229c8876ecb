import History

/// The inputs that are damaged: what vebridge itself writes and reads.
enum GoodFiles {
    private static let start = 1_780_300_800.0
    private static var day: CivilDate { TimeZoneRules.utc.date(at: start) }

    /// A history of a day and a half, of a charger and a shunt.
    static func writeHistory(_ path: String) { record(path, from: 0, minutes: 36 * 60, step: 60) }

    /// Lets a daemon record in a history.
    static func record(_ path: String, from: Double, minutes: Int, step: Double = 20) {
        let recorder = HistoryRecorder(path: path, zone: .utc, boot: "storm") { _ in }
        for index in 0..<Int(Double(minutes) * 60 / step) {
            let now = from + Double(index) * step
            recorder.tick(wall: start + now, monotonic: now, isSynchronised: true)
            func sample(_ device: String, _ quantity: Quantity, _ value: Double, _ unit: String) -> HistorySample {
                HistorySample(
                    device: device, quantity: quantity, value: value, unit: unit, wall: start + now, monotonic: now)
            }
            let power = Double(index % 97) * 3
            recorder.record([
                sample("HQ1", .panelPower, power, "W"), sample("HQ1", .systemYield, 100 + now / 360_000, "kWh"),
                sample("HQ1", .deviceState, 3, ""), sample("HQ2", .panelPower, power / 2, "W"),
                sample("shunt", .batteryVoltage, 12.5 + power / 1000, "V"),
                sample("shunt", .batteryCurrent, power / 12 - 5, "A"), sample("shunt", .stateOfCharge, 80, "%"),
            ])
        }
        _ = recorder.today(monotonic: from + Double(minutes) * 60)
        recorder.close(monotonic: from + Double(minutes) * 60 + 1)
    }

    /// All that `stats`, `history export`, `history size` and the page ask for; how many rows were left out.
    static func readHistory(_ path: String) throws -> Int {
        let store = try HistoryStore.read(at: path)
        defer { store.close() }
        _ = try store.figures(from: day - 30, to: day + 30)
        _ = try store.figures(of: day + 1)
        _ = try store.findings(upTo: day + 1)
        _ = try store.days()
        for series in try store.series() {
            _ = try store.chart(series, from: start - 86_400, to: start + 3 * 86_400)
            _ = try store.median(of: series, from: day - 3, to: day + 3)
        }
        for format in ExchangeFormat.allCases { try store.export(as: format) { _ in } }
        _ = try store.size()
        try store.findDamagedRows(blocks: true)
        return store.damagedRows.count
    }

    static func lines(_ format: ExchangeFormat) -> [String] {
        switch format {
        case .csv:
            [
                "kind,time,device,name,unit,value,known,mean,minimum,maximum,derived",
                "sample,2026-06-01T08:00:00.5Z,HQ1,panel_power,W,86.43,,,,,",
                "minute,2026-06-01T08:00:00Z,HQ1,panel_power,W,5,60,4.5,4,5,",
                "quarter,2026-06-01T08:00:00Z,HQ1,panel_power,W,5,900,4.5,4,5,",
                "figure,2026-05-31,HQ1,share,,100,,,,,", "charger_day,2026-05-31,HQ1,sequence,,12,,,,,",
                "charger_day,2026-05-31,HQ1,yield,,1.5,,,,,", "state,,,closed_day,,20604,,,,,",
            ]
        case .json:
            [
                "",
                #"{"kind":"sample","time":"2026-06-01T08:00:00.5Z","device":"HQ1","name":"panel_power","value":12.5}"#,
                #"{"kind":"figure","time":"2026-05-31","device":"HQ\u0031 \ud83d\ude00","name":"share","value":1e2}"#,
                #"{"kind":"charger_day","time":"2026-05-31","device":"HQ1","name":"sequence","value":12}"#,
            ]
        case .lineProtocol:
            [
                "", "vebridge_sample,device=HQ1,name=panel_power,unit=W value=12.5 1780300800500000000",
                "vebridge_minute,device=HQ1,name=panel_power value=5,known=60,mean=4,minimum=4,maximum=5 1780300800000000000",
                "vebridge_figure,device=HQ1,name=share value=100,day=\"2026-05-31\" 1780185600000000000",
            ]
        }
    }

    static let configuration = """
        ports = ["/dev/ttyUSB0", "/dev/serial/by-id/*"]
        can = ["can0"]
        [broker]
        url = "mqtts://boat@example.net:8883"
        client_id = "vebridge"
        password_file = "/nowhere/password"
        [[brokers]]
        url = "mqtt://127.0.0.1"
        [bridge]
        topic = "vebridge"
        state_directory = "/tmp"
        interval = "5s"
        [poll]
        fast = "1s"
        slow = "1m"
        [history]
        enabled = true
        zone = "Europe/Berlin"
        interval = "5s"
        samples = 7
        [web]
        listen = "127.0.0.1:8070"
        [log]
        level = "info"
        """
}
