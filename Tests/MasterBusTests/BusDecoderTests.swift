import Testing

@testable import MasterBus

/// A decoder with a clock, fed with frames as they stand in logs.
private struct Bench {
    var decoder = BusDecoder()
    var now = Duration.seconds(1_000_000)

    @discardableResult
    mutating func take(_ text: String, after: Duration = .milliseconds(5)) -> BusEvent? {
        now += after
        return decoder.decode(frame(text), at: now)
    }

    /// The payload of the topic, where the frame gives one.
    mutating func value(_ text: String, after: Duration = .milliseconds(5)) -> String? {
        if case .value(let value) = take(text, after: after) { value.text } else { nil }
    }
}

struct BusDecoderTests {
    @Test("values, with and without a number")
    func values() throws {
        var bench = Bench()
        #expect(bench.value("086F1297#0000DB9AC542") == "98.802452")
        #expect(bench.value("083AF412#0B003333333F") == "0.700000")
        #expect(bench.value("086F1297#02005F1F39C1") == "-11.570159")
        guard case .value(let value) = bench.take("086F1297#05000000C07F") else {
            Issue.record("not a number is no value event")
            return
        }
        #expect(value.value == nil)
        #expect(value.text == nil)
        #expect(value.device == shunt)
        #expect(value.attribute == 5)
        #expect(bench.value("086F1297#05000000807F") == nil)
        #expect(bench.decoder.counts.values == 5)
    }

    @Test("a value of another tab is not a monitoring value")
    func otherTabs() {
        var bench = Bench()
        for text in ["0BEF1297#130000000040", "09EF1297#130000000040", "0AEF1297#130000000040"] {
            guard case .otherTab(_, let value) = bench.take(text) else {
                Issue.record("\(text) is no value of another tab")
                continue
            }
            #expect(value.value == 2)
        }
        #expect(bench.decoder.counts.values == 0)
    }

    @Test("dates and times by type where nothing was said, and not where they cannot be")
    func staticFormats() {
        var bench = Bench()
        #expect(bench.value("086F1297#09000030E946") == "08:17:28")
        #expect(bench.value("086F1297#0A0030544D49") == "03/09/2021")
        // A newer shunt has the time here.
        #expect(bench.value("086F1297#0A000030E946") == "29848.000000")
        #expect(bench.value("083AF412#0A000030E946") == "29848.000000")
    }

    @Test("what the device says about an attribute goes before the table")
    func learnedFormats() {
        var bench = Bench()
        bench.take("08EF1297#020A00000700")
        #expect(bench.value("086F1297#0A000030E946") == "08:17:28")
        bench.take("08EF1297#020B00000800")
        #expect(bench.value("086F1297#0B0030544D49") == "03/09/2021")
        bench.take("08EF1297#020900000100")
        #expect(bench.value("086F1297#09000030E946") == "29848.000000")
        // A way of showing that nobody knows changes nothing.
        bench.take("08EF1297#020A00007700")
        #expect(bench.value("086F1297#0A000030E946") == "08:17:28")
    }

    @Test("the answer to a write carries the old value and is held back")
    func answerToWrite() {
        var bench = Bench()
        #expect(bench.value("083AF412#38000000803F") == "1.000000")
        guard case .write(let write) = bench.take("183AF412#380000000000") else {
            Issue.record("a write is a write")
            return
        }
        #expect(write.value == 0 && write.attribute == 0x38 && write.device == combi)
        guard case .outdated(let old) = bench.take("083AF412#38000000803F") else {
            Issue.record("the answer to a write is outdated")
            return
        }
        #expect(old.value == 1)
        #expect(bench.decoder.counts.values == 1)
        // Other attributes and other devices are not concerned.
        bench.take("183AF412#380000000000")
        #expect(bench.value("083AF412#14000000803F") == "1.000000")
        #expect(bench.value("086F1297#38000000803F") == "1.000000")
        bench.take("083AF412#38000000803F")
        bench.take("183AF412#3800")
        #expect(bench.value("083AF412#380000000000") == "0.000000")
    }

    @Test("a value that comes unasked after the answer to a write is a value")
    func pushAfterWrite() {
        var bench = Bench()
        bench.take("183AF412#380000000000")
        bench.take("083AF412#38000000803F")
        #expect(bench.value("083AF412#380000000000") == "0.000000")
    }

    @Test("a read under way when the write comes: neither answer is a value")
    func readBeforeWrite() {
        var bench = Bench()
        bench.take("183AF412#3800")
        bench.take("183AF412#380000000000")
        #expect(bench.value("083AF412#38000000803F") == nil)
        #expect(bench.value("083AF412#38000000803F") == nil)
        #expect(bench.value("083AF412#380000000000") == "0.000000")
    }

    @Test("a read that was lost does not cost the next one")
    func lostReadBeforeWrite() {
        var bench = Bench()
        bench.take("183AF412#3800")
        bench.take("183AF412#380000000000")
        #expect(bench.value("083AF412#38000000803F") == nil)
        bench.take("183AF412#3800")
        #expect(bench.value("083AF412#380000000000") == "0.000000")
    }

    @Test("our own read counts like others'")
    func ownReadBeforeWrite() {
        var bench = Bench()
        bench.take("083AF412#14000000803F")
        bench.decoder.noteOwn(.read(combi, attribute: 0x38), at: bench.now)
        bench.take("183AF412#380000000000")
        #expect(bench.value("083AF412#38000000803F") == nil)
        #expect(bench.value("083AF412#38000000803F") == nil)
    }

    @Test("an answer that never comes spoils the value for a second and no longer")
    func unansweredWrite() {
        var bench = Bench()
        bench.take("183AF412#380000000000")
        bench.take("183AF412#3800", after: .milliseconds(1100))
        #expect(bench.value("083AF412#380000000000") == "0.000000")
        bench.take("183AF412#380000000000")
        #expect(bench.value("083AF412#38000000803F", after: .milliseconds(900)) == nil)
        // A clock that steps back does not hold values back for hours.
        bench.take("183AF412#380000000000")
        bench.now -= .seconds(3600)
        #expect(bench.value("083AF412#380000000000") == "0.000000")
    }

    @Test("two writes in a row have two answers")
    func repeatedWrite() {
        var bench = Bench()
        bench.take("183AF412#380000000000")
        bench.take("183AF412#380000000000", after: .milliseconds(200))
        #expect(bench.value("083AF412#38000000803F") == nil)
        #expect(bench.value("083AF412#380000000000") == nil)
        #expect(bench.value("083AF412#380000000000") == "0.000000")
    }

    @Test("an identity in a command register is no number")
    func tokens() {
        var bench = Bench()
        guard case .command(let asked) = bench.take("183AF412#3900140A8400") else {
            Issue.record("a command is no command")
            return
        }
        #expect(asked.commander == display && asked.isRequest && asked.attribute == 0x39)
        guard case .command(let answered) = bench.take("083AF412#3900140A8400") else {
            Issue.record("the answer to a command is no command")
            return
        }
        #expect(!answered.isRequest && answered.device == combi)
        #expect(bench.decoder.counts.writes == 0)
        #expect(bench.decoder.counts.values == 0)
        #expect(bench.decoder.counts.commands == 2)
    }

    @Test("an identity of a device that is no display, once it was met")
    func metIdentity() {
        var bench = Bench()
        #expect(bench.value("083AF412#39001B971203") == "0.000000")
        bench.take("046F1297#1B97120300020000")
        #expect(bench.value("083AF412#39001B971203") == nil)
        // Zero is a number whoever was met.
        #expect(bench.value("083AF412#390000000000") == "0.000000")
    }

    @Test("duplicate answers are two values")
    func duplicates() {
        var bench = Bench()
        #expect(bench.value("083AF412#12000000A040") == "5.000000")
        #expect(bench.value("083AF412#12000000A040") == "5.000000")
    }

    @Test("byte 3 of metadata is never read, but for options")
    func leftovers() throws {
        var bench = Bench()
        for junk in ["00", "2D", "FF"] {
            bench.take("08EF1297#2C0100\(junk)1400")
            #expect(try #require(bench.decoder.schema(of: shunt))[1]?.unitID == 0x14)
        }
        bench.take("08BAF412#261000031800")
        bench.take("08BAF412#261000005901")
        #expect(try #require(bench.decoder.schema(of: combi))[0x10]?.optionIDs == [3: 0x18, 0: 0x159])
    }

    @Test("texts: in order, repeated, begun in the middle, cut short, in Latin-1")
    func texts() {
        var bench = Bench()
        func label(_ text: String) -> String? {
            if case .label(let label) = bench.take(text) { label.text } else { nil }
        }
        #expect(label("066F1297#301A0000B04300") == "°C")
        #expect(label("066F1297#301A0000B043") == "°C")
        #expect(label("066F1297#30D600004D534820") == nil)
        #expect(label("066F1297#30D60001486F7673") == nil)
        // Repeated answers, and another text in between.
        #expect(label("066F1297#30D60001486F7673") == nil)
        #expect(label("066F1297#301400005600") == "V")
        #expect(label("066F1297#30D6000265426174") == nil)
        #expect(label("066F1297#30D600035368756E") == nil)
        #expect(label("066F1297#30D6000400") == "MSH HovseBatShun")
        #expect(label("066F1297#30D6000400") == nil)
        // Listening begins in the middle.
        #expect(label("066F1297#30270002657461") == nil)
        // A piece is missing.
        #expect(label("066F1297#302700004361702E") == nil)
        #expect(label("066F1297#30270002657461") == nil)
        #expect(label("066F1297#302700012000") == nil)
        // The same text of another device is another text.
        #expect(label("063AF412#301400005700") == "W")
        #expect(bench.decoder.schema(of: shunt)?.text(0x14) == "V")
        #expect(bench.decoder.schema(of: combi)?.text(0x14) == "W")
        // Somebody changes it: what we knew is void.
        bench.take("076F1297#301400005600")
        #expect(bench.decoder.schema(of: shunt)?.text(0x14) == nil)
        #expect(bench.decoder.counts.labels == 5)
    }

    @Test("a text without end is given up")
    func endlessText() {
        var bench = Bench()
        for sequence in 0..<64 {
            let hex = String(sequence, radix: 16, uppercase: true)
            let event = bench.take("066F1297#301000\(sequence < 16 ? "0" : "")\(hex)41414141")
            #expect(event == nil)
        }
        #expect(bench.take("066F1297#3010004000") == nil)
    }

    @Test("a description joins what the device says with the table")
    func description() throws {
        var bench = Bench()
        bench.take("086F1297#0100EA265F41")
        var description = try #require(bench.decoder.schema(of: shunt)).description(of: 1)
        #expect(description.name == "Battery" && description.unit == "V" && !description.isDiscovered)
        #expect(description.isVerified)
        bench.take("08EF1297#280100FF2300")
        bench.take("066F1297#3023000041636375")
        bench.take("066F1297#3023000100")
        bench.take("08EF1297#070100000000C842")
        description = try #require(bench.decoder.schema(of: shunt)).description(of: 1)
        #expect(description.name == "Accu" && description.isDiscovered)
        #expect(description.maximum == 100)
        #expect(bench.decoder.schema(of: combi) == nil)
    }

    @Test("unique ids that two types share are noticed")
    func sharedUIDs() {
        var bench = Bench()
        bench.take("086F1297#0100EA265F41")
        // A foreign request to another type of the same unique id is nobody's voice.
        bench.take("077F1297#083F")
        #expect(bench.decoder.sharedUIDs.isEmpty)
        bench.take("083B1297#0100EA265F41")
        #expect(bench.decoder.sharedUIDs == [0x31297])
    }

    @Test("random frames neither trap nor fill the memory")
    func noise() {
        var dice = Dice(7)
        var decoder = BusDecoder()
        for step in 0..<200_000 {
            // Half of them of one device, so that one schema fills as well.
            let kind = MessageKind.allCases.randomElement(using: &dice) ?? .hello
            let address = step % 2 == 0 ? shunt : DeviceAddress(rawValue: .random(in: 0...0x7F_FFFF, using: &dice))
            var bytes = (0..<Int.random(in: 0...8, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            if step % 3 == 0, !bytes.isEmpty {
                bytes[0] = [0x30, 0x02, 0x26, 0x28, 0x2C, 0x03, 0x07, 0x09].randomElement(using: &dice) ?? 0
            }
            let frame =
                step % 50 == 0
                ? Frame(linuxIdentifier: .random(in: 0...UInt32.max, using: &dice), bits: 1, count: 8)
                : Frame(Identifier(kind: kind, address: address), bytes)
            _ = decoder.decode(frame, at: .milliseconds(step))
        }
        #expect(decoder.counts.frames == 200_000)
        #expect(decoder.counts.overflow > 0)
        #expect(decoder.devices.count == BusDecoder.maximumDevices)
        let limits = SchemaLimits()
        for device in decoder.devices {
            guard let schema = decoder.schema(of: device) else { continue }
            #expect(schema.attributes.count <= limits.attributes)
            #expect(schema.strings.count <= limits.strings)
            #expect(schema.groups.count <= limits.groups)
            for attribute in schema.attributes { #expect((schema[attribute]?.optionIDs.count ?? 0) <= limits.options) }
        }
        #expect(decoder.schema(of: shunt)?.attributes.count == limits.attributes)
    }

    @Test("a device that speaks takes the place of one that was only asked")
    func silentDevicesGiveWay() {
        var bench = Bench()
        for uid in 1...UInt32(BusDecoder.maximumDevices) {
            _ = bench.decoder.decode(
                BusRequest.read(DeviceAddress(type: 1, uid: uid), attribute: 0).frame, at: bench.now)
        }
        #expect(bench.decoder.devices.isEmpty)
        #expect(bench.value("086F1297#0000DB9AC542") == "98.802452")
        #expect(bench.decoder.devices == [shunt])
        #expect(bench.decoder.counts.overflow == 0)
    }
}
