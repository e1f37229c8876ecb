import Testing

@testable import MasterBus

/// A device that answers as a shunt does: one group, texts in pieces, leftovers in byte 3.
private struct FakeDevice {
    struct Attribute {
        let id: UInt16
        let name: String
        let unit: String
        let shown: Visualisation
        var options: [String] = []
        var value: Float
    }

    let address: DeviceAddress
    var name = "MSH Test"
    var attributes: [Attribute]
    var isAsleep = false
    /// Answers the probe and nothing else.
    var answersOnlyProbes = false
    var isMute: Set<UInt16> = []

    /// The texts: 1 is the name, then per attribute 16 * place: name, unit, options.
    private func text(_ id: UInt16) -> String? {
        if id == 1 { return name }
        if id == 2 { return "Main" }
        let place = Int(id) / 128 - 1
        guard attributes.indices.contains(place) else { return nil }
        let attribute = attributes[place]
        switch Int(id) % 128 {
        case 0: return attribute.name
        case 1: return attribute.unit
        case let option: return attribute.options.indices.contains(option - 2) ? attribute.options[option - 2] : nil
        }
    }

    func answer(_ frame: Frame) -> Frame? {
        guard !isAsleep, let identifier = frame.identifier else { return nil }
        let message = Message(frame)
        if case .hello = message {
            return BusAnswer.announce(Announcement(address: address)).frame(from: address)
        }
        guard identifier.address == address else { return nil }
        switch message {
        case .propertyRequest(0x08, 0x3F):
            return BusAnswer.propertyRefusal(operation: 8, selector: 0x3F).frame(from: address)
        case _ where answersOnlyProbes: return nil
        case .propertyRequest(0x08, 0x02):
            return BusAnswer.property(operation: 8, selector: 2, value: 1).frame(from: address)
        case .propertyRequest(0x09, 0x03):
            return BusAnswer.property(operation: 9, selector: 3, value: 1).frame(from: address)
        case .propertyRequest(let operation, let selector):
            return BusAnswer.propertyRefusal(operation: operation, selector: selector).frame(from: address)
        case .groupRequest(.monitoring, 0x07, 0, _):
            return BusAnswer.groupSize(.monitoring, group: 0, count: UInt8(attributes.count), leftover: 7)
                .frame(from: address)
        case .groupRequest(.monitoring, 0x28, 0, _):
            return BusAnswer.groupName(.monitoring, group: 0, string: 2, leftover: 7).frame(from: address)
        case .groupRequest(.monitoring, 0x03, 0, let index?):
            guard attributes.indices.contains(Int(index)) else { return nil }
            return BusAnswer.groupItem(.monitoring, group: 0, index: index, attribute: attributes[Int(index)].id)
                .frame(from: address)
        case .stringRequest(let id, let sequence):
            guard let text = text(id) else { return nil }
            let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
            var characters: UInt32 = 0
            let piece = bytes.dropFirst(4 * Int(sequence)).prefix(4)
            for (place, byte) in piece.enumerated() { characters |= UInt32(byte) << UInt32(8 * place) }
            return BusAnswer.string(
                StringChunk(id: id, sequence: sequence, characters: characters, length: piece.count)
            ).frame(from: address)
        case .metadataRequest(.monitoring, let operation, let id, let option):
            guard let place = attributes.firstIndex(where: { $0.id == id }),
                let fact = fact(operation, place, option)
            else { return nil }
            return BusAnswer.metadata(attribute: id, fact, leftover: 0x55).frame(from: address)
        case .readRequest(.monitoring, let id):
            guard !isMute.contains(id), let attribute = attributes.first(where: { $0.id == id }) else { return nil }
            return BusAnswer.value(attribute: id, attribute.value).frame(from: address)
        default: return nil
        }
    }

    private func fact(_ operation: UInt8, _ place: Int, _ option: UInt8?) -> Metadata? {
        let attribute = attributes[place]
        let texts = UInt16(place + 1) * 128
        switch operation {
        case 0x02: return .visualisation(attribute.shown.rawValue)
        case 0x06: return .minimum(0)
        case 0x07: return .maximum(attribute.options.isEmpty ? 100 : Float(attribute.options.count))
        case 0x08: return .step(0.1)
        case 0x0B: return .writable(false)
        case 0x26: return option.map { .option(index: $0, string: texts + 2 + UInt16($0)) }
        case 0x28: return .name(string: texts)
        case 0x2C: return .unit(string: texts + 1)
        default: return nil
        }
    }

    static let shuntAttributes = [
        Attribute(id: 0, name: "State of Charge", unit: "%", shown: .float, value: 87.5),
        Attribute(id: 1, name: "Battery", unit: "V", shown: .float, value: 12.5),
        Attribute(id: 2, name: "Battery", unit: "A", shown: .float, value: -3.25),
        Attribute(id: 9, name: "Time", unit: "", shown: .time, value: 29848),
        Attribute(
            id: 0x10, name: "State", unit: "", shown: .list, options: ["Off", "Standby", "Alarm", "Inverting"],
            value: 3),
    ]
}

/// A bus in simulated time: the session, devices that answer after 3 ms, and whatever a test puts in between.
private struct FakeBus {
    var session: BusSession
    var devices: [FakeDevice]
    var now = Duration.zero
    var sent: [(time: Duration, request: BusRequest)] = []
    var events: [BusSession.Event] = []
    var waiting: [(time: Duration, frame: Frame)] = []

    init(
        _ configuration: BusSession.Configuration, _ devices: [FakeDevice], remembered: [SchemaRecord] = []
    ) {
        session = BusSession(configuration, remembered: remembered, now: .zero)
        self.devices = devices
    }

    /// Lets time pass, from deadline to deadline and frame to frame.
    mutating func run(for span: Duration) {
        let end = now + span
        while true {
            while let request = session.nextRequest(at: now) {
                sent.append((now, request))
                put(request.frame)
            }
            events += session.takeEvents()
            waiting.sort { $0.time < $1.time }
            let deadline = session.deadline ?? end
            // A deadline that has passed with nothing to send would be a driver that spins.
            if deadline <= now { Issue.record("the deadline \(deadline) is not after \(now)") }
            let next = min(max(deadline, now + .microseconds(1)), waiting.first?.time ?? end)
            if next >= end { break }
            now = next
            while let first = waiting.first, first.time <= now {
                waiting.removeFirst()
                session.receive(first.frame, at: now)
            }
        }
        now = end
    }

    /// A frame on the wire that the devices hear.
    mutating func put(_ frame: Frame) {
        for device in devices {
            if let answer = device.answer(frame) { waiting.append((now + .milliseconds(3), answer)) }
        }
    }

    /// Another master's request: the session hears it as well.
    mutating func overhear(_ frame: Frame) {
        session.receive(frame, at: now)
        put(frame)
    }

    func reads(_ attribute: UInt16) -> [Duration] {
        sent.compactMap { item in
            if case .read(_, attribute) = item.request { item.time } else { nil }
        }
    }

    var values: [BusValue] {
        events.compactMap { event in
            if case .bus(.value(let value)) = event { value } else { nil }
        }
    }
}

struct BusSessionTests {
    private func shuntDevice() -> FakeDevice { FakeDevice(address: shunt, attributes: FakeDevice.shuntAttributes) }

    @Test("names, units, options and values of a bus that nobody else asks")
    func discovery() throws {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(5))
        #expect(bus.sent.first?.request == .hello(from: bus.session.configuration.ownAddress))
        #expect(bus.events.contains(.appeared(shunt)))
        #expect(bus.events.contains(.discovered(shunt)))
        let schema = try #require(bus.session.decoder.schema(of: shunt))
        #expect(schema.name == "MSH Test")
        #expect(schema.groupedAttributes == [0, 1, 2, 9, 0x10])
        #expect(schema.description(of: 2).name == "Battery")
        #expect(schema.description(of: 2).unit == "A")
        #expect(schema.optionText(of: 0x10, value: 3) == "Inverting")
        #expect(schema.description(of: 0x10).options.count == 4)
        #expect(Set(bus.values.map(\.attribute)) == [0, 1, 2, 9, 0x10])
        #expect(bus.values.last { $0.attribute == 9 }?.text == "08:17:28")
        // Nothing is asked twice that was answered once.
        let questions = bus.sent.map(\.request).filter { if case .read = $0 { false } else { true } }
        #expect(Set(questions).count == questions.count)
        #expect(bus.session.counters.failures == 0)
        #expect(bus.session.devices.map(\.isDiscovered) == [true])
    }

    @Test("a hello that nobody heard is said again soon, then every half minute")
    func lostHello() {
        var bus = FakeBus(.init(), [])
        bus.run(for: .seconds(5))
        #expect(bus.sent.count == 3)
        bus.devices.append(shuntDevice())
        bus.run(for: .seconds(60))
        #expect(bus.sent.count { $0.request.target == nil } <= 6)
        #expect(bus.events.contains(.discovered(shunt)))
        #expect(bus.session.isCaughtUp)
    }

    @Test("what there is to read is read within two seconds, before its name is known")
    func valuesFirst() {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .milliseconds(600))
        #expect(Set(bus.values.map(\.attribute)) == [0, 1, 2, 9, 0x10])
        #expect(!bus.session.isCaughtUp)
    }

    @Test("a device that was known is recognised by a few questions, and everything is known at once")
    func remembered() throws {
        var first = FakeBus(.init(), [shuntDevice()])
        first.run(for: .seconds(5))
        let known = try #require(first.session.decoder.schema(of: shunt))
        let record = try #require(SchemaRecord(text: SchemaRecord(known).text))
        #expect(record == SchemaRecord(known))

        var again = FakeBus(.init(), [shuntDevice()], remembered: [record])
        again.run(for: .seconds(5))
        #expect(again.events.contains(.recognised(shunt)))
        #expect(again.events.contains(.discovered(shunt)))
        let schema = try #require(again.session.decoder.schema(of: shunt))
        #expect(schema.optionText(of: 0x10, value: 3) == "Inverting")
        #expect(schema.groupedAttributes == known.groupedAttributes)
        #expect(schema.description(of: 2) == known.description(of: 2))
        #expect(Set(again.values.map(\.attribute)) == [0, 1, 2, 9, 0x10])
        func questions(_ bus: FakeBus) -> Int { bus.sent.count { if case .read = $0.request { false } else { true } } }
        #expect(questions(again) * 3 < questions(first))

        // Another name: another device, or another owner. Everything is asked anew.
        var renamed = shuntDevice()
        renamed.name = "MSH Other"
        var other = FakeBus(.init(), [renamed], remembered: [record])
        other.run(for: .seconds(5))
        #expect(!other.events.contains(.recognised(shunt)))
        #expect(other.session.decoder.schema(of: shunt)?.name == "MSH Other")
        #expect(other.session.decoder.schema(of: shunt)?.optionText(of: 0x10, value: 3) == "Inverting")
    }

    @Test("a record that is damaged anywhere is none")
    func damagedRecord() throws {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(5))
        let text = SchemaRecord(try #require(bus.session.decoder.schema(of: shunt))).text
        let bytes = Array(text.utf8)
        #expect(SchemaRecord(text: text) != nil)
        #expect(SchemaRecord(text: "") == nil)
        var dice = Dice(4)
        for _ in 0..<2000 {
            var damaged = bytes
            switch Int.random(in: 0..<3, using: &dice) {
            case 0:
                damaged[Int.random(in: 0..<damaged.count, using: &dice)] ^=
                    UInt8(1) << UInt8.random(in: 0..<7, using: &dice)
            case 1: damaged.removeLast(Int.random(in: 1...damaged.count, using: &dice))
            default: damaged.remove(at: Int.random(in: 0..<damaged.count, using: &dice))
            }
            #expect(SchemaRecord(text: String(decoding: damaged, as: UTF8.self)) == nil)
        }
    }

    @Test("a record that was written by somebody else, sum and all, is read or refused and never traps")
    func foreignRecord() throws {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(5))
        let text = SchemaRecord(try #require(bus.session.decoder.schema(of: shunt))).text
        let lines = text.split(separator: "\n").dropLast().map(String.init)
        var dice = Dice(8)
        var read = 0
        for _ in 0..<2000 {
            var changed = lines
            let place = Int.random(in: 0..<changed.count, using: &dice)
            var words = changed[place].split(separator: "\t").map(String.init)
            let odd = ["", "-1", "4294967296", "4294967295", "70000", "300", "zz", "device", "item", "text", "é"]
            words[Int.random(in: 0..<words.count, using: &dice)] = odd.randomElement(using: &dice) ?? ""
            if Bool.random(using: &dice) { words.append("7") }
            changed[place] = words.joined(separator: "\t")
            let body = changed.joined(separator: "\n") + "\n"
            if let record = SchemaRecord(text: body + "sum\t\(SchemaRecord.sum(body.utf8))\n") {
                read += 1
                var again = FakeBus(.init(), [shuntDevice()], remembered: [record])
                if read % 50 == 0 { again.run(for: .seconds(2)) }
            }
        }
        #expect(read > 100)
    }

    @Test("volts, amps and states every second, the rest every ten")
    func pace() {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(5))
        bus.sent.removeAll()
        bus.run(for: .seconds(60))
        for attribute: UInt16 in [1, 2, 0x10] { #expect((59...61).contains(bus.reads(attribute).count)) }
        for attribute: UInt16 in [0, 9] { #expect((5...7).contains(bus.reads(attribute).count)) }
        let times = bus.sent.map(\.time)
        for (first, second) in zip(times, times.dropFirst()) { #expect(second - first >= .milliseconds(24)) }
    }

    @Test("intervals can be set by attribute")
    func exceptions() {
        let plan = BusPlan(intervals: [BusPlan.Key(shunt, 1): .seconds(5)])
        var bus = FakeBus(.init(plan: plan), [shuntDevice()])
        bus.run(for: .seconds(65))
        #expect((12...14).contains(bus.reads(1).count))
        #expect(bus.reads(2).count > 55)
    }

    @Test("listen-only sends nothing at all and still learns")
    func listenOnly() {
        var bus = FakeBus(.init(isListenOnly: true), [shuntDevice()])
        bus.run(for: .seconds(10))
        #expect(bus.sent.isEmpty)
        for _ in 0..<20 {
            bus.overhear(BusRequest.read(shunt, attribute: 1).frame)
            bus.run(for: .seconds(1))
        }
        #expect(bus.sent.isEmpty)
        #expect(bus.values.count == 20)
        #expect(bus.events.contains(.appeared(shunt)))
        bus.run(for: .seconds(100))
        #expect(bus.events.contains(.slept(shunt)))
        #expect(bus.sent.isEmpty)
    }

    @Test("a request is repeated twice after 300 ms, then left")
    func retries() {
        var device = shuntDevice()
        device.isMute = [1]
        var bus = FakeBus(.init(), [device])
        bus.run(for: .seconds(20))
        let reads = bus.reads(1)
        #expect(reads.count >= 3)
        for (first, second) in zip(reads, reads.dropFirst()).prefix(2) {
            #expect(second - first >= .milliseconds(300))
            #expect(second - first < .milliseconds(350))
        }
        #expect(reads.count > 3 && reads[3] - reads[2] >= .seconds(10))
        // The others are asked as ever, and the device is not taken for asleep.
        #expect(bus.reads(2).count >= 12)
        #expect(!bus.events.contains(.slept(shunt)))
    }

    @Test("a device that falls asleep is probed every 10 s and asked again when it wakes")
    func sleep() {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(10))
        bus.devices[0].isAsleep = true
        bus.run(for: .seconds(10))
        #expect(bus.events.contains(.slept(shunt)))
        bus.sent.removeAll()
        bus.run(for: .seconds(60))
        let probes = bus.sent.filter { $0.request == .presence(shunt) }
        #expect((5...7).contains(probes.count))
        #expect(bus.sent.allSatisfy { $0.request == .presence(shunt) || $0.request.target == nil })
        bus.devices[0].isAsleep = false
        bus.run(for: .seconds(15))
        #expect(bus.events.contains(.woke(shunt)))
        #expect(bus.reads(1).count >= 3)
    }

    @Test("a device that answers probes and nothing else is not asked for ever")
    func deafDevice() {
        var device = shuntDevice()
        device.answersOnlyProbes = true
        var bus = FakeBus(.init(), [device])
        bus.run(for: .seconds(300))
        bus.sent.removeAll()
        bus.run(for: .seconds(120))
        #expect(bus.sent.allSatisfy { $0.request.target == nil || $0.request == .presence(shunt) })
        #expect(bus.sent.count < 30)
    }

    @Test("what another master reads is left to it, and taken up again when it stops")
    func otherMaster() {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(5))
        bus.overhear(BusRequest.read(shunt, attribute: 1).frame)
        bus.run(for: .milliseconds(1080))
        bus.sent.removeAll()
        bus.events.removeAll()
        for _ in 0..<30 {
            bus.overhear(BusRequest.read(shunt, attribute: 1).frame)
            bus.run(for: .milliseconds(1080))
        }
        #expect(bus.reads(1).isEmpty)
        #expect(bus.values.count { $0.attribute == 1 } == 30)
        #expect(bus.reads(2).count > 28)
        #expect(bus.session.counters.servedByOthers >= 30)
        bus.sent.removeAll()
        bus.run(for: .seconds(10))
        #expect(bus.reads(1).count >= 8)
    }

    @Test("another master's question without an answer is asked by us")
    func otherMasterWithoutAnswer() {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(5))
        bus.sent.removeAll()
        // The answer is lost: only the session hears the question.
        bus.session.receive(BusRequest.read(shunt, attribute: 1).frame, at: bus.now)
        bus.run(for: .seconds(2))
        #expect(bus.reads(1).count >= 1)
    }

    @Test("after a write by somebody the attribute is read at once, and the old value is no value")
    func writeByOthers() {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(5))
        let plan = BusPlan(intervals: [BusPlan.Key(shunt, 0x10): .seconds(60)])
        bus = FakeBus(.init(plan: plan), [shuntDevice()])
        bus.run(for: .seconds(5))
        bus.sent.removeAll()
        bus.events.removeAll()
        let write = Frame(Identifier(kind: .monitoringValueRequest, address: shunt), [0x10, 0, 0, 0, 0x80, 0x3F])
        bus.session.receive(write, at: bus.now)
        bus.session.receive(BusAnswer.value(attribute: 0x10, 3).frame(from: shunt), at: bus.now)
        bus.devices[0].attributes[4].value = 1
        bus.run(for: .seconds(1))
        #expect(bus.reads(0x10).count == 1)
        #expect(bus.values.filter { $0.attribute == 0x10 }.map(\.value) == [1])
    }

    @Test("displays are listened to and never asked")
    func displays() {
        var bus = FakeBus(.init(), [FakeDevice(address: display, attributes: [])])
        bus.run(for: .seconds(100))
        #expect(bus.sent.allSatisfy { $0.request.target == nil })
        #expect((3...4).contains(bus.sent.count))
        #expect(bus.events.contains(.appeared(display)))
    }

    @Test("where a display says hello, we do not")
    func helloOfOthers() {
        var bus = FakeBus(.init(), [shuntDevice()])
        bus.run(for: .seconds(5))
        bus.sent.removeAll()
        for _ in 0..<4 {
            bus.overhear(BusRequest.hello(from: display).frame)
            bus.run(for: .seconds(30))
        }
        #expect(!bus.sent.contains { $0.request.target == nil })
    }

    @Test("a device with our address silences our hello, not our questions")
    func addressTaken() {
        let own = DeviceAddress(type: 0x14, uid: 77)
        var bus = FakeBus(.init(ownAddress: own), [shuntDevice(), FakeDevice(address: own, attributes: [])])
        bus.run(for: .seconds(100))
        #expect(bus.events.filter { $0 == .addressTaken(own) }.count == 1)
        #expect(bus.sent.count { $0.request.target == nil } == 1)
        #expect(bus.reads(1).count > 90)
    }

    @Test("without discovery a measured device is read by its table")
    func table() {
        var bus = FakeBus(.init(discovers: false), [shuntDevice()])
        bus.run(for: .seconds(5))
        let questions = bus.sent.map(\.request).filter { if case .read = $0 { false } else { $0.target != nil } }
        #expect(questions.allSatisfy { $0 == .presence(shunt) })
        #expect(Set(bus.values.map(\.attribute)) == [0, 1, 2, 9])
        // Three attributes of the table do not exist in this device; that does not put it to sleep.
        bus.run(for: .seconds(60))
        #expect(!bus.events.contains(.slept(shunt)))
        #expect(bus.reads(3).count <= 12)
        #expect(bus.reads(1).count > 45)
    }

    @Test("noise on the bus neither traps nor spins, and never makes the session write")
    func noise() {
        var dice = Dice(8)
        var session = BusSession(now: .zero)
        var now = Duration.zero
        for step in 0..<30_000 {
            now += .milliseconds(Int.random(in: 0...40, using: &dice))
            let kind = MessageKind.allCases.randomElement(using: &dice) ?? .hello
            let address = step % 2 == 0 ? shunt : DeviceAddress(rawValue: .random(in: 0...0x7F_FFFF, using: &dice))
            let bytes = (0..<Int.random(in: 0...8, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            session.receive(Frame(Identifier(kind: kind, address: address), bytes), at: now)
            var burst = 0
            while let request = session.nextRequest(at: now) {
                #expect(request.frame.count <= 4)
                burst += 1
            }
            #expect(burst <= 1)
            if let deadline = session.deadline, deadline <= now {
                Issue.record("the deadline \(deadline) is not after \(now)")
                return
            }
            if step % 7 == 0 { _ = session.takeEvents() }
        }
        #expect(session.devices.count <= BusDecoder.maximumDevices)
    }

    @Test("events that nobody takes are dropped, counted and bounded")
    func untakenEvents() {
        var session = BusSession(now: .zero)
        for _ in 0..<5000 { session.receive(frame("086F1297#0000DB9AC542"), at: .zero) }
        #expect(session.counters.droppedEvents > 3900)
        #expect(session.takeEvents().count == 1024)
        #expect(session.takeEvents().isEmpty)
    }
}
