import Glibc
import MasterBus
import VEDirect

extension PortNote {
    /// Noticed now.
    init(_ words: String) {
        self.words = words
        time = wallTime()
    }
}

extension Daemon.BridgeLoop {
    /// How everything is.
    func snapshot(at time: Duration) -> BridgeSnapshot {
        let picture = plant.picture(at: time)
        let reports = portReports(at: time)
        return BridgeSnapshot(
            time: wallTime(), uptime: time, started: Double(feed.info.started), host: TopicSink.hostName,
            name: configuration.bridge.name, picture: picture, timeToGo: plant.timeToGo(at: time),
            chargers: plant.chargerReports(picture, at: time), ports: Self.looks(ports, reports),
            buses: Self.reports(buses, plant), brokers: sink.brokers, history: history.writer?.health,
            usage: ProcessUsage())
    }

    private static func looks(_ ports: [Daemon.PortSlot], _ reports: [PortReport]) -> [PortLook] {
        zip(ports, reports).map { port, report in
            PortLook(report: report, device: port.port.device, lastTrouble: port.lastTrouble)
        }
    }

    private static func reports(_ buses: [Daemon.BusSlot], _ plant: Plant) -> [BusReport] {
        buses.map { bus in
            let (supervisor, counters) = (bus.supervisor, bus.supervisor.session.counters)
            let counts = supervisor.session.decoder.counts
            let devices = supervisor.session.devices.map { peer in
                let known = plant.busDevices[peer.address]
                return BusReport.Device(
                    address: peer.address.text, name: known?.name, isAwake: peer.isAwake,
                    values: known?.values.count ?? 0)
            }
            return BusReport(
                source: supervisor.source.description, isOpen: supervisor.isOpen, trouble: supervisor.trouble,
                frames: counts.frames, values: counts.values, errors: counts.errors, requests: counters.requests,
                retries: counters.retries, failures: counters.failures,
                unsent: supervisor.unsent, reopens: supervisor.reopens, devices: devices)
        }
    }
}

extension Plant {
    /// What each charger last said, by serial number.
    func chargerReports(_ picture: PlantPicture, at now: Duration) -> [ChargerReport] {
        let shares = Dictionary(
            picture.shares.map { ($0.serial, $0.fraction) }, uniquingKeysWith: { first, _ in first })
        return chargers.values.sorted { $0.identity.serial < $1.identity.serial }.map { charger in
            func code(_ register: RegisterID) -> Int64? {
                guard case .number(let raw, _)? = charger.readings[register]?.value else { return nil }
                return raw
            }
            let (state, error) = (code(.deviceState), code(.chargerError))
            let role = charger.role(at: now)
            var report = ChargerReport(
                identity: charger.identity, isSolarCharger: role == .solarCharger, name: charger.customName,
                port: charger.port, isAlive: charger.isAlive,
                isDark: charger.isDark,
                sinceLastSeen: max(.zero, now - charger.lastSeen), stateCode: state.map { Int($0) },
                state: state.flatMap { Self.word($0, Quantity.stateWords) },
                tracker: role == .other ? nil : code(.trackerMode).flatMap { Self.word($0, Quantity.trackerWords) },
                errorCode: error.map { Int($0) }, error: error.flatMap { Self.errorWords($0) },
                share: charger.isAlive ? shares[charger.identity.serial] ?? nil : nil, values: [])
            for quantity in ChargerReport.Quantity.all
            where role != .other || !DeviceRole.solarRegisters.contains(quantity.register) {
                guard let figure = figure(quantity, charger, now) else { continue }
                report.values.append((quantity, figure))
            }
            return report
        }
    }

    /// How long the battery lasts, in seconds, as the shunt says.
    func timeToGo(at now: Duration) -> Figure? {
        guard let shunt, let value = shunt.values[BusAttribute.timeToGo], let number = value.value else { return nil }
        let age = max(.zero, now - value.time)
        return Figure(
            value: Double(number), age: age, origin: .device(shunt.address),
            isStale: !shunt.isAwake || age > freshness.slow)
    }

    private func figure(_ quantity: ChargerReport.Quantity, _ charger: Charger, _ now: Duration) -> Figure? {
        guard let reading = charger.readings[quantity.register], case .number(_, let scaled) = reading.value else {
            return nil
        }
        let age = max(.zero, now - reading.time)
        let limit: Duration =
            switch quantity.ageing {
            case .fast: freshness.limit(isSlow: false, isDark: charger.isDark)
            case .slow: freshness.limit(isSlow: true, isDark: charger.isDark)
            case .daily: .seconds(86_400)
            }
        return Figure(
            value: scaled + quantity.offset, age: age, origin: .charger(charger.identity.serial),
            isStale: !charger.isAlive || age > limit)
    }

    private static func word(_ code: Int64, _ words: [(code: Int64, word: String)]) -> String? {
        words.first { $0.code == code }?.word
    }

    private static func errorWords(_ code: Int64) -> String? {
        RegisterCatalogue.standard[.chargerError]?.label(of: UInt64(bitPattern: code))
    }
}

extension BusAttribute {
    /// Shunt: seconds that its charge lasts.
    static let timeToGo: UInt16 = 0x04
}

/// Seconds since 1970 by the system's clock.
private func wallTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
