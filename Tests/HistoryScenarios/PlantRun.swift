package import History

/// A recorder beside a plant: what it is told, when it runs, and what its clock says.
package struct PlantRun {
    /// A time in which something is not as usual, in seconds since the beginning.
    package enum Event {
        /// The program does not run; afterwards it does, on the same run of the machine.
        case outage(from: Double, to: Double)
        /// The machine restarts and takes so long; its clock is wrong by `clockError` for `until` seconds.
        case reboot(at: Double, taking: Double, clockError: Double, until: Double)
        /// The clock is wrong for a while.
        case clockJump(from: Double, to: Double, by: Double)
        /// The program is killed and starts again at once.
        case crash(at: Double)
    }

    package var model: PlantModel
    package let events: [Event]
    /// Seconds between samples; between steps of the truth.
    package let interval: Double
    package let truthStep: Double
    package private(set) var recorder: HistoryRecorder?
    package private(set) var samples = 0

    private let path: String
    private let makeRecorder: (_ boot: String) -> HistoryRecorder
    private var boot = 0
    private var bootTime: Double

    package init(
        model: PlantModel, events: [Event], interval: Double, truthStep: Double, path: String,
        notify: @escaping @Sendable (HistoryNotice) -> Void
    ) {
        self.model = model
        self.model.blink = interval
        self.events = events
        self.interval = interval
        self.truthStep = truthStep
        self.path = path
        let zone = model.zone
        makeRecorder = { boot in HistoryRecorder(path: path, zone: zone, boot: boot, notify: notify) }
        bootTime = model.origin - 1000
        recorder = makeRecorder("boot-0")
    }

    private func clockError(at elapsed: Double) -> (error: Double, isSynchronised: Bool) {
        for event in events {
            switch event {
            case .clockJump(let from, let to, let by) where elapsed >= from && elapsed < to: return (by, false)
            case .reboot(let at, let taking, let error, let until) where elapsed >= at && elapsed < at + taking + until:
                return (error, false)
            default: break
            }
        }
        return (0, true)
    }

    private func isDown(at elapsed: Double) -> Bool {
        events.contains { event in
            switch event {
            case .outage(let from, let to): elapsed >= from && elapsed < to
            case .reboot(let at, let taking, _, _): elapsed >= at && elapsed < at + taking
            default: false
            }
        }
    }

    /// Runs for so many days.
    package mutating func run(days: Double) {
        let end = model.time + days * 86_400
        var nextRecords = model.time + 30
        while model.time < end {
            let elapsed = model.time - model.origin
            if isDown(at: elapsed) {
                if recorder != nil {
                    // Not closed: the program was killed or the power failed.
                    recorder = nil
                    for case .reboot(let at, _, _, _) in events where elapsed >= at && elapsed < at + interval {
                        boot += 1
                        bootTime = model.time
                    }
                }
            } else {
                for case .crash(let at) in events where elapsed >= at && elapsed < at + interval { recorder = nil }
                if recorder == nil {
                    recorder = makeRecorder("boot-\(boot)")
                    nextRecords = model.time + 60
                }
                sample(elapsed)
                if model.time >= nextRecords, let recorder {
                    for index in model.chargers.indices {
                        recorder.record(
                            model.records(index), of: model.chargers[index].serial,
                            isProducing: model.states[index].power > 0, monotonic: model.time - bootTime)
                    }
                    nextRecords = model.time + 900
                }
            }
            var left = interval
            while left > 0 {
                model.step(min(truthStep, left))
                left -= truthStep
            }
        }
    }

    package mutating func finish() {
        recorder?.close(monotonic: model.time - bootTime)
        recorder = nil
    }

    private mutating func sample(_ elapsed: Double) {
        let (error, isSynchronised) = clockError(at: elapsed)
        let wall = model.time + error
        let monotonic = model.time - bootTime
        var all: [HistorySample] = []
        func add(_ device: String, _ quantity: Quantity, _ value: Double, _ unit: String) {
            all.append(
                HistorySample(
                    device: device, quantity: quantity, value: value, unit: unit, wall: wall, monotonic: monotonic))
        }
        for (index, charger) in model.chargers.enumerated() {
            let state = model.states[index]
            add(charger.serial, .panelPower, (state.power * 100).rounded() / 100, "W")
            add(charger.serial, .chargerVoltage, (model.voltage * 100).rounded() / 100, "V")
            add(charger.serial, .chargerCurrent, (state.current * 10).rounded() / 10, "A")
            add(charger.serial, .deviceState, Double(state.state), "")
            add(charger.serial, .systemYield, (state.lifetime * 100).rounded(.down) / 100, "kWh")
        }
        add("0x31297", .batteryVoltage, model.voltage, "V")
        add("0x31297", .batteryCurrent, model.current, "A")
        add("0x31297", .stateOfCharge, model.charge * 100, "%")
        samples += all.count
        recorder?.tick(wall: wall, monotonic: monotonic, isSynchronised: isSynchronised)
        recorder?.record(all)
    }
}
