import MasterBus
import Testing

@testable import Simulation

/// A session on a simulated bus, in simulated time.
private struct BusTalk {
    var bus: SimulatedBus
    var session: BusSession
    var now = Duration.zero
    var events: [BusSession.Event] = []
    var sent: [(time: Duration, request: BusRequest)] = []
    var site = SimulatedSite()

    init(_ configuration: BusSession.Configuration = .init(), faults: [BusFault] = [], seed: UInt64 = 1) {
        bus = SimulatedBus(seed: seed)
        bus.faults = faults
        bus.update(site, seconds: 36_000)
        session = BusSession(configuration, now: .zero)
    }

    mutating func run(for span: Duration) {
        let end = now + span
        while now < end {
            while let request = session.nextRequest(at: now) {
                sent.append((now, request))
                bus.receive(request.frame, at: now)
            }
            for heard in bus.transmit(until: now) { session.receive(heard.frame, at: now) }
            events += session.takeEvents()
            let next = min(bus.nextDeadline, session.deadline ?? end)
            now = min(max(next, now + .microseconds(200)), end)
        }
    }

    var values: [BusValue] {
        events.compactMap { if case .bus(.value(let value)) = $0 { value } else { nil } }
    }

    /// The most requests in any second.
    var peak: Int {
        var most = 0
        for (index, first) in sent.enumerated() {
            most = max(most, sent[index...].prefix { $0.time < first.time + .seconds(1) }.count)
        }
        return most
    }
}

@Suite("A simulated MasterBus")
struct SimulatedBusTests {
    private let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)
    private let combi = DeviceAddress(type: 0x0E, uid: 0x2F412)

    @Test("with the display asleep every value is there within two seconds of asking, and no storm comes of it")
    func silentBus() {
        var talk = BusTalk()
        talk.run(for: .seconds(2))
        let seen = Set(talk.values.map { "\($0.device.text) \($0.attribute)" })
        #expect(seen.count == 8 + 15)
        talk.run(for: .seconds(120))
        #expect(talk.bus.forbiddenFrames == 0)
        #expect(talk.peak <= 60)
        #expect(talk.session.counters.failures == 0)
        #expect(talk.session.isCaughtUp)
        let schema = talk.session.decoder.schema(of: combi)
        #expect(schema?.name == "INT Mass Combi")
        #expect(schema?.description(of: 0x13).options.count == 27)
        #expect(schema?.optionText(of: 0x13, value: 14) == "18 A")
        #expect(talk.session.decoder.schema(of: shunt)?.description(of: 5).unit == "\u{B0}C")
        #expect(talk.session.decoder.schema(of: shunt)?.firmware == nil)
        // Frames of 29 bits with stuffing: at most 80 bits and 10 a byte. A second has 250 000.
        let bits = talk.sent.suffix(1000).reduce(0) { $0 + 80 + 10 * $1.request.frame.count }
        let seconds = 120.0
        #expect(Double(2 * bits) / seconds < 0.05 * 250_000)
    }

    @Test("who only listens sends nothing, and hears values only while the display is awake")
    func listenOnly() {
        var talk = BusTalk(.init(isListenOnly: true))
        talk.run(for: .seconds(61))
        #expect(talk.values.isEmpty)
        #expect(talk.session.devices.count == 3)
        talk.bus.wakeDisplay(true, at: talk.now)
        talk.run(for: .seconds(5))
        #expect(Set(talk.values.map(\.attribute)).isSuperset(of: [0, 1, 2, 0x10, 0x0B, 0x14]))
        #expect(talk.sent.isEmpty)
        #expect(talk.bus.hostFrames == 0)
    }

    @Test("an awake display's questions serve us too")
    func displayAwake() {
        var talk = BusTalk()
        talk.run(for: .seconds(10))
        talk.sent.removeAll()
        talk.bus.wakeDisplay(true, at: talk.now)
        talk.run(for: .seconds(3))
        talk.sent.removeAll()
        talk.run(for: .seconds(30))
        #expect(!talk.sent.contains { $0.request == .read(shunt, attribute: 1) })
        #expect(talk.sent.contains { $0.request == .read(combi, attribute: 0x06) })
        #expect(talk.session.counters.servedByOthers > 100)
    }

    @Test("the answer to a write is the old value, and is not taken for one; what was switched is seen soon")
    func write() {
        var talk = BusTalk()
        talk.run(for: .seconds(10))
        talk.events.removeAll()
        talk.bus.switchInverter(false, at: talk.now)
        talk.run(for: .seconds(3))
        let states = talk.values.filter { $0.device == combi && $0.attribute == 0x14 }.map(\.value)
        #expect(!states.isEmpty && states.allSatisfy { $0 == 0 })
        #expect(talk.events.contains { if case .bus(.outdated) = $0 { true } else { false } })
        #expect(talk.events.contains { if case .bus(.command) = $0 { true } else { false } })
        #expect(!talk.values.contains { $0.attribute == 0x15 })
        talk.bus.update(talk.site, seconds: 36_001)
        #expect(talk.bus.inverterLoad == 0)
    }

    @Test("late answers, duplicates and another master change no value and make no storm")
    func trouble() {
        for faults: [BusFault] in [
            [.init(.late(shunt, by: .milliseconds(250)))], [.init(.late(combi, by: .milliseconds(400)))],
            [.init(.duplicates(shunt)), .init(.duplicates(combi))], [.init(.otherMaster)],
            [.init(.errorFrames(every: .milliseconds(50))), .init(.late(shunt, by: .milliseconds(330)))],
        ] {
            var talk = BusTalk(faults: faults)
            talk.run(for: .seconds(60))
            #expect(talk.peak <= 60)
            for device in talk.bus.devices {
                for (attribute, value) in device.values where value.isFinite {
                    let heard = talk.values.filter { $0.device == device.address && $0.attribute == attribute }
                    #expect(!heard.isEmpty, "\(faults) \(device.address.text) \(attribute)")
                    #expect(heard.allSatisfy { $0.value == value })
                }
            }
        }
    }

    @Test("a device that falls silent is noticed, and heard again when it speaks; bus-off is survived")
    func silence() {
        let fault = BusFault(.mute(shunt), from: .seconds(20), for: .seconds(30))
        var talk = BusTalk(faults: [fault])
        talk.run(for: .seconds(45))
        #expect(talk.events.contains(.slept(shunt)))
        #expect(!talk.events.contains(.slept(combi)))
        talk.run(for: .seconds(30))
        #expect(talk.events.contains(.woke(shunt)))

        var off = BusTalk(faults: [BusFault(.busOff, from: .seconds(20), for: .seconds(30))])
        off.run(for: .seconds(48))
        let during = off.values.filter { $0.time > .seconds(21) }
        #expect(during.isEmpty)
        off.run(for: .seconds(22))
        #expect(Set(off.values.filter { $0.time > .seconds(50) }.map(\.device)) == [shunt, combi])
    }

    @Test("the interface sleeps when nobody asks: the first request is lost and it says hello")
    func sleep() {
        var bus = SimulatedBus()
        bus.update(SimulatedSite(), seconds: 0)
        let read = BusRequest.read(combi, attribute: 0x14).frame
        bus.receive(read, at: .seconds(100))
        let heard = bus.transmit(until: .seconds(101)).map { Message($0.frame) }
        #expect(heard.contains(.hello))
        #expect(!heard.contains { if case .value = $0 { true } else { false } })
        bus.receive(read, at: .seconds(102))
        #expect(
            bus.transmit(until: .seconds(103)).contains {
                if case .value(.monitoring, 0x14, _) = Message($0.frame) { true } else { false }
            })
    }

    @Test("what a reader never sends is counted")
    func forbidden() {
        var bus = SimulatedBus()
        bus.receive(
            Frame(Identifier(kind: .monitoringValueRequest, address: combi), [0x14, 0, 0, 0, 0, 0]), at: .seconds(1))
        bus.receive(Frame(Identifier(kind: .monitoringValue, address: combi), [0x14, 0, 0, 0, 0, 0]), at: .seconds(1))
        #expect(bus.forbiddenFrames == 2)
    }

    @Test("the inverter's load is what the battery gives: power adds up")
    func physics() {
        var plant = SimulatedPlant(
            site: SimulatedSite(clock: SolarClock(startHour: 1, dayLength: .seconds(3600)), loads: [:]))
        var bus = SimulatedBus()
        for step in 1...400 {
            let now = Duration.milliseconds(250 * step)
            plant.site.loads["inverter"] = bus.inverterLoad
            plant.advance(to: now)
            let battery = plant.site.battery
            // Nothing else on this battery by night.
            #expect(abs(-battery.current * battery.voltage - bus.inverterLoad) < 0.5)
            bus.update(plant.site, seconds: plant.site.clock.seconds(at: now))
        }
        #expect(plant.site.battery.stateOfCharge < 0.7)
    }

    @Test(
        "faults as the command line has them",
        arguments: [
            ("mute:0x31297", true), ("late:0x2F412:400ms@10s+1m", true), ("busoff@20s+5s", true), ("errors:2s", true),
            ("master", true), ("duplicates:0x31297", true), ("mute:0x1", false), ("late:0x2F412", false), ("", false),
            ("busoff@20s", false), ("errors:0s", false),
        ])
    func faults(text: String, isFault: Bool) {
        let fault = BusFault(text, devices: SimulatedBus().devices.map(\.address))
        #expect((fault != nil) == isFault)
        if text.hasPrefix("busoff@20s+") {
            #expect(fault == BusFault(.busOff, from: .seconds(20), for: .seconds(5)))
        }
    }
}
