import Foundation
import History
import MasterBus
import Synchronization
import Testing

@testable import Bridge
@testable import VEDirect

/// Readings in, topics out: the part of the daemon that keeps the history, with a time of its own.
@Suite("Readings in, statistics out")
struct HistorySeamTests {
    /// The time that the desk and its writer live in.
    private final class Time: Sendable {
        /// 2026-06-01T04:00:00Z, six o'clock in Berlin.
        static let begin = 1_780_286_400.0
        private let elapsed = Mutex(0.0)
        var seconds: Double { elapsed.withLock { $0 } }
        func pass(_ seconds: Double) { elapsed.withLock { $0 += seconds } }
        /// Of a machine without a battery and without a network.
        var unset: HistoryWriter.Clocks {
            .init(
                wall: { [self] in 20 + seconds }, monotonic: { [self] in 20 + seconds }, isSynchronised: { false })
        }
        var clocks: HistoryWriter.Clocks {
            .init(
                wall: { [self] in Self.begin + seconds }, monotonic: { [self] in 1000 + seconds },
                isSynchronised: { true })
        }
    }

    private final class Folder {
        let path: String
        init() {
            var template = Array("/tmp/vebridge-seam-XXXXXX".utf8CString)
            path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp/vebridge-seam"
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private let serial = "HQ2012ABCDE"
    private let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)

    private func configuration(_ folder: Folder) -> Configuration {
        var configuration = Configuration()
        configuration.bridge.stateDirectory = folder.path
        configuration.history.zone = "Europe/Berlin"
        return configuration
    }

    private func read(_ plant: inout Plant, _ register: RegisterID, _ bytes: [UInt8], at now: Duration) throws {
        let raw = RawValue(bytes)
        let value = try #require(try RegisterCatalogue.standard[register]?.decode(raw))
        plant.read(
            RegisterReading(
                register: register, raw: raw, value: value, provenance: .asked, confidence: .confirmed, time: now),
            serial: serial)
    }

    private func little(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private func bus(_ plant: inout Plant, _ attribute: UInt16, _ value: Float, _ format: ValueFormat, at now: Duration)
    {
        plant.read(
            BusValue(time: now, device: shunt, attribute: attribute, bits: value.bitPattern, format: format),
            schema: nil)
    }

    /// The plant at a moment: dark until a quarter past six, then 360 W into a battery from which 100 W are taken.
    private func live(_ plant: inout Plant, _ elapsed: Double, at now: Duration) throws {
        let power = elapsed >= 900 ? 360.0 : 0
        let energy = 100 + max(0, elapsed - 900) * 360 / 3_600_000
        try read(&plant, .panelPower, little(Int(power * 100), 4), at: now)
        try read(&plant, .deviceState, [power > 0 ? 3 : 0], at: now)
        try read(&plant, .systemYield, little(Int(energy * 100), 4), at: now)
        try read(&plant, .chargerVoltage, little(1250, 2), at: now)
        try read(&plant, .chargerCurrent, little(Int(power / 12.5 * 10), 2), at: now)
        bus(&plant, 1, 12.5, .number, at: now)
        bus(&plant, 2, Float((power - 100) / 12.5), .number, at: now)
        bus(&plant, 0, 80, .number, at: now)
    }

    @Test("an hour of readings becomes figures, each retained on its topic once")
    func anHour() throws {
        let folder = Folder()
        let time = Time()
        var desk = HistoryDesk(configuration(folder), isWanted: true, clocks: time.clocks, log: quietLog)
        let writer = try #require(desk.writer)
        var plant = Plant()
        plant.identified(.solarCharger(serial), port: "/dev/ttyUSB0", at: .zero)
        plant.busDeviceAppeared(shunt)
        // A DC-DC charger answers the panels' registers with its input: it is no part of any comparison.
        var orion = DeviceIdentity(serial: "HQ1901ORION")
        orion.productID = 0xA3F0
        plant.identified(orion, port: "/dev/ttyUSB1", at: .zero)
        var told: [MQTTClient.Message] = []
        func publish() {
            desk.publish {
                told.append($0)
                return true
            }
        }
        func last(_ topic: String) -> String? {
            told.last { $0.topic == "vebridge/stats/" + topic }.map { String(decoding: $0.payload, as: UTF8.self) }
        }
        while time.seconds < 3600 {
            time.pass(5)
            let now = Duration.seconds(time.seconds)
            try live(&plant, time.seconds, at: now)
            let energy = Int(time.seconds / 60)
            for (register, bytes) in [(RegisterID.panelPower, little(43_500, 4)), (.systemYield, little(energy, 4))] {
                plant.read(try .of(register, bytes, at: now), serial: orion.serial)
            }
            desk.take(plant, at: now)
            publish()
        }
        // The writer has a thread of its own: it is given a minute more until it has told what there is.
        for _ in 0..<30 where (Double(last("charger/\(serial)/yield_today") ?? "") ?? 0) < 0.26 {
            time.pass(61)
            let now = Duration.seconds(time.seconds)
            try live(&plant, 3600, at: now)
            desk.take(plant, at: now)
            let count = told.count
            let deadline = ContinuousClock.now + .seconds(6)
            while told.count == count, ContinuousClock.now < deadline {
                sched_yield()
                desk.take(plant, at: now)
                publish()
            }
        }
        #expect(last("charger/\(serial)/production_start") == "2026-06-01T06:15:00+02:00")
        // It still produces.
        #expect(last("charger/\(serial)/production_stop") == "")
        #expect(last("charger/\(serial)/maximum_power") == "360")
        #expect(last("charger/\(serial)/share") == "100")
        #expect(!told.contains { $0.topic.contains(orion.serial) })
        #expect(last("charger/\(serial)/finding") == "none")
        #expect(last("charger/\(serial)/yield_yesterday") == "")
        #expect(last("system/production_start") == "2026-06-01T06:15:00+02:00")
        #expect(last("system/met_consumption") == "2026-06-01T06:15:00+02:00")
        #expect(last("battery/0x31297/voltage_minimum") == "12.5")
        #expect(last("battery/0x31297/charge_minimum") == "80")
        // A quarter of an hour of 100 W before the sun came.
        let night = try #require(Double(last("battery/0x31297/negative_night") ?? ""))
        #expect(abs(night - 15) <= 1)
        let out = try #require(Double(last("battery/0x31297/energy_out") ?? ""))
        #expect(abs(out - 0.025) < 0.001)
        #expect(told.allSatisfy { $0.retain && $0.qos == 1 })
        // What an earlier run may have left is taken back, once.
        let empties = told.filter { $0.payload.isEmpty }.map(\.topic)
        #expect(empties.contains("vebridge/stats/charger/\(serial)/yield_yesterday"))
        #expect(Set(empties).count == empties.count)

        // Only what has changed is said again, and everything to a broker that knows nothing.
        let count = told.count
        publish()
        #expect(told.count == count)
        desk.forgetSent()
        publish()
        let values = told[count...].filter { !$0.payload.isEmpty }.map(\.topic)
        #expect(Set(values).count == values.count && values.count > 20)
        #expect(told.count - count == values.count)

        // What was told can be announced, and everything else cannot.
        let known = desk.known
        #expect(known[.init(subject: .charger, device: serial)].contains { $0.name == "yield_today" })
        #expect(!known[.init(subject: .charger, device: serial)].contains { $0.name == "yield_yesterday" })
        #expect(known[.init(subject: .charger, device: "HQ9999ZZZZZ")].isEmpty)
        #expect(known[.init(subject: .battery, device: "0x31297")].contains { $0.name == "energy_out" })
        #expect(known[.init(subject: .system, device: "")].contains { $0.name == "met_consumption" })
        writer.finish(timeout: .seconds(5))
        let store = try HistoryStore.read(at: folder.path + "/" + HistoryStore.fileName)
        #expect(store.zone.name == "Europe/Berlin")
        #expect(writer.health.trouble == nil && writer.health.dropped == 0)
    }

    @Test("what is wanted by nobody leaves no traces")
    func nothing() {
        let folder = Folder()
        #expect(HistoryDesk(configuration(folder), isWanted: false, log: quietLog).writer == nil)
        var off = configuration(folder)
        off.history.enabled = false
        #expect(HistoryDesk(off, isWanted: true, log: quietLog).writer == nil)
        var nowhere = configuration(folder)
        nowhere.bridge.stateDirectory = ""
        #expect(HistoryDesk(nowhere, isWanted: true, log: quietLog).writer == nil)
        #expect((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) == [])
    }

    @Test("a machine that knows no time takes it from the bus")
    func timeFromTheBus() throws {
        let folder = Folder()
        let time = Time()
        var desk = HistoryDesk(configuration(folder), isWanted: true, clocks: time.unset, log: quietLog)
        let writer = try #require(desk.writer)
        var plant = Plant()
        plant.identified(.solarCharger(serial), port: "/dev/ttyUSB0", at: .zero)
        plant.busDeviceAppeared(shunt)
        var told: [String: String] = [:]
        let topic = "vebridge/stats/charger/\(serial)/maximum_power_at"
        for _ in 0..<40 where told[topic] == nil {
            for _ in 0..<12 {
                time.pass(5)
                let now = Duration.seconds(time.seconds)
                try live(&plant, 3600, at: now)
                let clock = 29_848 + Int(time.seconds)
                bus(&plant, 9, Float(clock), .time, at: now)
                bus(&plant, 0x0A, Float(416 * 2026 + 32 * 9 + 3), .date, at: now)
                desk.take(plant, at: now)
            }
            let deadline = ContinuousClock.now + .seconds(2)
            while told[topic] == nil, ContinuousClock.now < deadline {
                sched_yield()
                desk.take(plant, at: Duration.seconds(time.seconds))
                desk.publish {
                    told[$0.topic] = String(decoding: $0.payload, as: UTF8.self)
                    return true
                }
            }
        }
        writer.finish(timeout: .seconds(5))
        // 08:17:28 and the five seconds until it was read, by the midnight of the place.
        #expect(told[topic] == "2026-09-03T08:17:33+02:00")
    }

    @Test("the bus's clock is a date with the time before it, both fresh, and nothing else")
    func busClock() {
        let now = Duration.seconds(1000)
        func plant(_ values: [(UInt16, Float, ValueFormat)], age: Duration = .seconds(5)) -> Plant {
            var plant = Plant()
            plant.busDeviceAppeared(shunt)
            for (attribute, value, format) in values { bus(&plant, attribute, value, format, at: now - age) }
            return plant
        }
        let day = Float(416 * 2021 + 32 * 9 + 3)
        let clock = plant([(4, 7200, .time), (9, 29_848, .time), (0x0A, day, .date)]).busClock(at: now)
        #expect(clock?.date == CivilDate(year: 2021, month: 9, day: 3))
        #expect(clock?.seconds == 29_848)
        #expect(clock?.time == now - .seconds(5))
        // A time that remains is none, nor is a number, nor what is old, nor a date that was never set.
        #expect(plant([(4, 7200, .time)]).busClock(at: now) == nil)
        #expect(plant([(9, 29_848, .number), (0x0A, day, .date)]).busClock(at: now) == nil)
        #expect(plant([(9, 29_848, .time), (0x0A, day, .date)], age: .seconds(90)).busClock(at: now) == nil)
        #expect(plant([(9, 29_848, .time), (0x0A, 832_033, .date)]).busClock(at: now) == nil)
        // At midnight the one may be of another day than the other.
        #expect(plant([(9, 86_390, .time), (0x0A, day, .date)]).busClock(at: now) == nil)
    }

    @Test("a charger's own days are taken as far as they follow each other")
    func ownDays() throws {
        var plant = Plant()
        plant.identified(.solarCharger(serial), port: "/dev/ttyUSB0", at: .zero)
        func record(_ age: Int, sequence: Int) throws {
            var bytes = [UInt8](repeating: 0, count: 34)
            bytes[32] = UInt8(sequence & 0xFF)
            bytes[33] = UInt8(sequence >> 8)
            try read(&plant, .historyDay(age), bytes, at: .zero)
        }
        for (age, sequence) in [(0, 1), (1, 0), (2, 364), (3, 362)] { try record(age, sequence: sequence) }
        let charger = try #require(plant.chargers[serial])
        // A day was missing while they were read: what follows is of another reading.
        #expect(HistoryDesk.ownDays(charger).map(\.sequence) == [1, 0, 364])
    }

    @Test("every statistic is an entity that Home Assistant takes")
    func entities() throws {
        let folder = Folder()
        var day = SimulatedDay(chargers: 1, startHour: 11, cloudiness: 0.5) { $0.bridge.stateDirectory = folder.path }
        day.run(for: .seconds(20))
        var known = KnownStatistics(prefix: "vebridge")
        for entry in StatisticTopic.all {
            let device = entry.subject == .charger ? day.serials[0] : "0x31297"
            known.told(entry.topic(prefix: "vebridge", device: device))
        }
        known.told("vebridge/stats/charger/HQ1/yield_today/more")
        known.told("vebridge/bridge/state")
        day.desk.announcer?.statistics = known
        day.run(for: .seconds(20))
        let configs = day.messages.filter { $0.topic.hasPrefix("homeassistant/") }
        var validator = DiscoveryValidator()
        for message in Dictionary(configs.map { ($0.topic, $0) }, uniquingKeysWith: { $1 }).values {
            validator.check(topic: message.topic, payload: message.payload, isRetained: message.isRetained)
        }
        validator.finish()
        #expect(validator.faults == [])
        let topics = validator.stateTopics
        for entry in StatisticTopic.all {
            let device = entry.subject == .charger ? day.serials[0] : "0x31297"
            #expect(topics.contains(entry.topic(prefix: "vebridge", device: device)), "\(entry.name)")
        }
        // The sums of a day may be counted in the energy dashboard, those of another day may not.
        #expect(validator.energyEntities.contains("vebridge_system_stats_yield_today"))
        #expect(!validator.energyEntities.contains("vebridge_system_stats_yield_yesterday"))
        // Home Assistant shows two entities of one name apart by number only: no two have one.
        let message = try #require(configs.last { $0.topic.hasSuffix("vebridge_\(day.serials[0])/config") })
        let root = try #require(try JSONSerialization.jsonObject(with: Data(message.payload.utf8)) as? [String: Any])
        let components = try #require(root["cmps"] as? [String: [String: Any]])
        let names = components.values.compactMap { $0["name"] as? String }
        #expect(Set(names).count == names.count)
        #expect(components["stats_yield_today"]?["enabled_by_default"] as? Bool == false)
        #expect(components["stats_production_start"]?["device_class"] as? String == "timestamp")
    }
}
