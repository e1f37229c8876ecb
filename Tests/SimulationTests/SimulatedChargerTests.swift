import Simulation
import Testing
import VEDirect

@Suite("Simulated charger: what it says and when")
struct SimulatedChargerTests {
    static let models: [ChargerModel] = [
        .blueSolar75x15(firmware: .v116), .blueSolar75x15(firmware: .v150), .smartSolar75x15(firmware: .v150),
        .smartSolar150x60(firmware: .v164), .smartSolar75x15(firmware: .v164, link: .master),
        .smartSolar150x60(firmware: .v316, link: .slave), .smartSolar75x15(firmware: .v316),
    ]
    static let deliveries: [VirtualLine.Delivery] = [.bytewise, .lowLatency, .usual, .ragged]
    static let fast: [RegisterID] = [
        .panelPower, .panelVoltage, .chargerVoltage, .chargerCurrent, .deviceState, .chargerError, .historyTotal,
        .historyDay(0), .serialNumber, .modelName,
    ]

    @Test("every firmware is read without a rejection, in pieces of any size", arguments: models, deliveries)
    func decodes(model: ChargerModel, delivery: VirtualLine.Delivery) {
        var line = VirtualLine(SimulatedCharger(model, seed: 7), delivery: delivery, seed: 3)
        let host = PollingHost([.ping, .applicationVersion, .productID] + Self.fast.map(Request.get), repeats: true)
        line.run(host, until: .seconds(12))
        #expect(host.rejections == [])
        #expect(host.answers.count > 80)
        #expect(host.answers.allSatisfy { $0.came != nil })
        // Then nobody asks, and TEXT comes whatever the firmware.
        host.repeats = false
        host.requests = []
        let before = host.texts.count
        line.run(host, until: .seconds(24))
        #expect(host.rejections == [])
        #expect(host.texts.count - before >= 7)
        #expect(line.charger.forbiddenCommands == 0)
        #expect(line.charger.lostRequests == 0)
    }

    @Test("answers come within the turn-around, the wire and one TEXT block", arguments: models)
    func turnAround(model: ChargerModel) {
        var line = VirtualLine(SimulatedCharger(model, seed: 11), delivery: .bytewise)
        let host = PollingHost(Self.fast.map(Request.get), repeats: true)
        line.run(host, until: .seconds(30))
        let times = host.answers.compactMap { answer in answer.came.map { $0 - answer.sent } }
        #expect(times.count > 200)
        // 5.7 ms for the request, 45 ms at least; at most 130 ms, another frame, a block and a long answer.
        #expect(times.allSatisfy { $0 >= .milliseconds(50) })
        #expect(times.allSatisfy { $0 <= .milliseconds(6 + 130 + 45 + 120 + 45) })
        #expect(times.filter { $0 > .milliseconds(110) }.count > 3, "some are slow, as in the field")
    }

    @Test("firmware up to 1.52 pauses TEXT while it is asked and some seconds longer")
    func textPauses() throws {
        var line = VirtualLine(SimulatedCharger(.smartSolar75x15(firmware: .v150), seed: 2), delivery: .lowLatency)
        let idle = PollingHost([])
        line.run(idle, until: .seconds(5))
        #expect(idle.texts.count >= 4)
        let host = PollingHost([.ping] + Self.fast.map(Request.get), repeats: true)
        line.run(until: .seconds(15)) { host.step($0, $1) }
        // One block may have been under way, cut by the answers and by what is sent unasked at first.
        #expect(host.texts.filter { $0.time > .milliseconds(5900) }.isEmpty)
        let last = try #require(host.answers.last)
        let after = PollingHost([])
        line.run(after, until: .seconds(30))
        let resumed = try #require(after.texts.first).time - last.sent
        #expect(resumed > .milliseconds(2400) && resumed < .milliseconds(5200))
    }

    @Test("from 1.53 on TEXT runs on, and an answer waits until a block is out")
    func textRunsOn() {
        var line = VirtualLine(SimulatedCharger(.smartSolar150x60(firmware: .v164), seed: 5), delivery: .bytewise)
        let host = PollingHost(Self.fast.map(Request.get), repeats: true)
        line.run(host, until: .seconds(30))
        #expect(host.texts.count >= 28)
        #expect(!Self.hasCutBlock(host.received))
    }

    @Test("up to 1.52 a frame may cut a block in the middle of a field, and the block still adds up")
    func frameCutsText() {
        var timing = ChargerTiming()
        // Without the pause there is always TEXT to cut.
        timing.textPause = .zero ... .zero
        var line = VirtualLine(
            SimulatedCharger(.smartSolar75x15(firmware: .v150), timing: timing, seed: 5), delivery: .usual)
        let host = PollingHost([.get(.panelPower), .get(.panelVoltage)], repeats: true)
        line.run(host, until: .seconds(40))
        #expect(Self.hasCutBlock(host.received))
        #expect(host.rejections == [])
        #expect(host.texts.count > 25)
    }

    /// Whether a frame begins anywhere but after a checksum byte or another frame.
    static func hasCutBlock(_ bytes: [UInt8]) -> Bool {
        var outside: [UInt8] = []
        var isInside = false
        for (index, byte) in bytes.enumerated() {
            if isInside {
                if byte == 0x0A { isInside = false }
            } else if byte == 0x3A, !outside.suffix(9).elementsEqual(Array("Checksum\t".utf8)) {
                let isBetween = outside.count < 10 || outside.suffix(10).prefix(9).elementsEqual("Checksum\t".utf8)
                if !isBetween, index > 0 { return true }
                isInside = true
            } else {
                outside.append(byte)
            }
        }
        return false
    }

    @Test("TEXT has the fields of the firmware, one block or two, 140 to 220 bytes a set")
    func textFields() throws {
        func texts(_ model: ChargerModel) -> [PollingHost.Text] {
            var line = VirtualLine(SimulatedCharger(model, seed: 9))
            let host = PollingHost([])
            line.run(host, until: .seconds(10))
            return host.texts
        }
        let old = texts(.blueSolar75x15(firmware: .v116))
        #expect(
            old[0].labels == [
                "PID", "FW", "SER#", "V", "I", "VPV", "PPV", "CS", "ERR", "LOAD", "IL", "H19", "H20", "H21", "H22",
                "H23", "HSDS",
            ])
        #expect(old[0].fields["FW"] == "116" && old[0].fields["PID"] == "0xA042")
        let middle = texts(.smartSolar75x15(firmware: .v164))
        #expect(
            middle[0].labels == [
                "PID", "FW", "SER#", "V", "I", "VPV", "PPV", "CS", "MPPT", "OR", "ERR", "LOAD", "IL", "H19", "H20",
                "H21", "H22", "H23", "HSDS",
            ])
        let new = texts(.smartSolar150x60(firmware: .v316))
        #expect(new[0].labels == ["PID", "FWE", "SER#", "V", "I", "VPV", "PPV", "MPPT", "CS", "OR"])
        #expect(new[1].labels == ["ERR", "LOAD", "Relay", "H19", "H20", "H21", "H22", "H23", "HSDS"])
        #expect(new[0].fields["FWE"] == "316FF")
        #expect(abs(new.count - 2 * middle.count) <= 2)
        for set in [old, middle] {
            #expect(set.count >= 9 && set.count <= 11)
            #expect(set.allSatisfy { (140...220).contains($0.size) })
        }
    }

    @Test("TEXT says what the registers hold")
    func textAgrees() throws {
        var line = VirtualLine(SimulatedCharger(.smartSolar150x60(), seed: 12), delivery: .lowLatency)
        let host = PollingHost([])
        var checked = 0
        line.run(host, until: .milliseconds(900))
        for second in 1...20 {
            line.run(host, until: .seconds(second))
            guard let text = host.texts.last, text.time > .seconds(second - 1) else { continue }
            let voltages = line.charger.heldValues(.chargerVoltage, since: text.time - .milliseconds(200))
            let voltage = try #require(text.fields["V"].flatMap { Int($0) })
            #expect(voltages.contains { RawValue($0).unsigned == UInt64(voltage / 10) })
            checked += 1
        }
        #expect(checked > 15)
    }

    @Test("unasked frames: none without a host, by firmware, for two minutes")
    func unasked() throws {
        func frames(_ model: ChargerModel, asks: Bool, until end: Duration) -> [PollingHost.Frame] {
            var line = VirtualLine(SimulatedCharger(model, seed: 4), delivery: .lowLatency)
            let host = PollingHost(asks ? [.ping] : [])
            line.run(host, until: end)
            #expect(host.rejections == [])
            return host.asyncFrames
        }
        #expect(frames(.smartSolar150x60(), asks: false, until: .seconds(60)).isEmpty)
        let old = Set(frames(.blueSolar75x15(firmware: .v116), asks: true, until: .seconds(60)).map(\.frame.register))
        #expect(old == [.historyTotal, .historyDay(0)])
        let middle = frames(.smartSolar150x60(), asks: true, until: .seconds(200))
        let registers = Set(middle.compactMap(\.frame.register))
        #expect(
            registers.isSuperset(of: [.panelPower, .panelVoltage, .chargerVoltage, .deviceState, .batteryTemperature]))
        let last = try #require(middle.last).time
        #expect(last > .seconds(115) && last < .seconds(121))
        let uptimes = frames(.smartSolar150x60(firmware: .v316), asks: true, until: .seconds(60))
            .filter { $0.frame.register == .uptime }
        #expect((55...62).contains(uptimes.count))
        let values = uptimes.compactMap { $0.frame.value.unsigned }
        #expect(values == values.sorted())
    }

    @Test("identity by firmware, refusals by flags")
    func answers() throws {
        func ask(_ model: ChargerModel, _ request: Request) throws -> HexFrame {
            var line = VirtualLine(SimulatedCharger(model, historyDays: 3, seed: 4))
            let host = PollingHost([request])
            line.run(host, until: .seconds(2))
            return try #require(host.answers.first?.frame)
        }
        let smart = ChargerModel.smartSolar150x60(serial: "HQ2012ABCDE")
        #expect(try ask(smart, .ping).payload == [0x64, 0x41])
        #expect(try ask(smart, .productID).payload == [0x62, 0xA0])
        #expect(try ask(.smartSolar150x60(firmware: .v316), .applicationVersion).payload == [0x16, 0x43])
        #expect(try ask(smart, .get(.productID)).value.bytes == [0x00, 0x62, 0xA0, 0xFF])
        #expect(try ask(.blueSolar75x15(firmware: .v116), .get(.productID)).value.bytes == [0xA0, 0x42])
        #expect(try ask(smart, .get(.serialNumber)).value.bytes == Array("HQ2012ABCDE".utf8) + [0, 0, 0, 0, 0])
        var bare = smart
        bare.padsSerial = false
        #expect(try ask(bare, .get(.serialNumber)).value.bytes == Array("HQ2012ABCDE".utf8))
        #expect(try ask(smart, .get(.historyDay(3))).value.count == 34)
        let empty = try ask(smart, .get(.historyDay(4)))
        #expect(empty.flags == .parameterError && empty.value.count == 0)
        #expect(try ask(.blueSolar75x15(firmware: .v116), .get(.historyTotal)).value.count == 19)
        for (model, id) in [
            (smart, RegisterID.applicationVersion), (smart, RegisterID(0x7777)), (smart, .undocumentedEC3E),
            (.blueSolar75x15(), .linkTotalPower), (.smartSolar75x15(), .panelCurrent), (smart, .batteryCurrent),
            (smart, .loadCurrent), (.blueSolar75x15(firmware: .v116), .batteryTemperature),
        ] {
            let frame = try ask(model, .get(id))
            #expect(frame.flags == .unknownID && frame.value.count == 0, "\(id)")
        }
        #expect(try ask(smart, .get(.linkTotalPower)).value.unsigned == 0xFFFF_FFFF)
        #expect(try ask(smart, .get(.batteryTemperature)).value.unsigned == 0xFFFF)
        let master = ChargerModel.smartSolar150x60(link: .master)
        #expect(try ask(master, .get(.undocumentedEC3E)).value.bytes == [1])
        #expect(try ask(master, .get(.linkAlgorithmVersion)).value.bytes == [10])
        #expect(try ask(.smartSolar150x60(link: .slave), .get(.linkAlgorithmVersion)).flags == .unknownID)
    }

    @Test("every value fits its definition in the register table", arguments: models)
    func valuesDecode(model: ChargerModel) throws {
        var charger = SimulatedCharger(model, seed: 3)
        _ = charger.transmit(until: .seconds(3))
        #expect(charger.knownRegisters.count > 50)
        for id in charger.knownRegisters {
            let definition = try #require(RegisterCatalogue.standard[id], "\(id)")
            let value = RawValue(try #require(charger.currentValue(id)))
            // Text and numbers of a foreign size throw.
            _ = try definition.decode(value)
            if !definition.observedSizes.isEmpty, id != .productID, id != .modelName, model.firmware > .v116 {
                #expect(definition.observedSizes.contains(value.count), "\(id) has \(value.count) bytes")
            }
        }
    }

    @Test("what a read-only host never sends is counted, and answered as the device does")
    func forbidden() throws {
        var charger = SimulatedCharger(.smartSolar150x60(firmware: .v316), seed: 1)
        func exchange(_ text: String, at time: Duration) -> String {
            _ = charger.transmit(until: time)
            charger.receive(Array(text.utf8), at: time)
            var frames: [String] = []
            var decoder = StreamDecoder()
            decoder.decode(charger.transmit(until: time + .milliseconds(900))) { event in
                if case .hex(let frame) = event, frame.response != .async {
                    frames.append(frame.response.rawValue + RawValue(frame.payload).hex)
                }
            }
            return frames.joined(separator: " ")
        }
        // Set the charge current limit to 10 A, as in the vendor's document.
        #expect(exchange(":8F0ED0064000C\n", at: .seconds(2)) == "setF0ED006400")
        #expect(charger.number(.maximumCurrent) == 100)
        #expect(charger.forbiddenCommands == 1)
        // Panel power can only be read.
        #expect(exchange(":8BCED00000000000024\n".replacingCheck(), at: .seconds(4)) == "setBCED02")
        #expect(charger.forbiddenCommands == 2)
        #expect(exchange(":051\n".replacingCheck(), at: .seconds(6)) == "error0000")
        let uptime = try #require(charger.number(.uptime))
        #expect(exchange(":64F\n", at: .seconds(8)) == "")
        #expect(charger.forbiddenCommands == 4)
        #expect(try #require(charger.number(.uptime)) < uptime, "a restart")
        #expect(exchange(":250\n".replacingCheck(), at: .seconds(12)) == "unknown0200")
        #expect(charger.forbiddenCommands == 4)
    }

    @Test("damaged requests get the error frame; a second colon starts afresh; any fragmentation")
    func damaged() {
        var charger = SimulatedCharger(.smartSolar150x60(), seed: 1)
        var time = Duration.seconds(1)
        func answer(_ pieces: [String]) -> String {
            _ = charger.transmit(until: time)
            for piece in pieces {
                charger.receive(Array(piece.utf8), at: time)
                time += .milliseconds(1)
            }
            time += .milliseconds(500)
            let text = String(decoding: charger.transmit(until: time), as: Unicode.ASCII.self)
            return [":4AAAAFD\n", ":56441AB\n"].filter { text.contains($0) }.joined()
        }
        #expect(answer([":155\n"]) == ":4AAAAFD\n")
        #expect(answer([":15\n"]) == ":4AAAAFD\n")
        #expect(answer([":1x4\n"]) == ":4AAAAFD\n")
        #expect(charger.damagedRequests == 3 && charger.acceptedRequests == 0)
        #expect(answer(["154\n", "\n\r"]) == "")
        #expect(answer([":7BC", ":154\n"]) == ":56441AB\n")
        #expect(answer([":", "1", "5", "4", "\r\n"]) == ":56441AB\n")
    }

    @Test("whatever arrives, it lives, answers what is right and counts the rest")
    func garbage() {
        var random = SeededRandom(seed: 99)
        let alphabet = Array(":::0123456789ABCDEF\n\n\r7154BBED00".utf8)
        var charger = SimulatedCharger(.smartSolar75x15(firmware: .v150), seed: 1)
        var time = Duration.zero
        for _ in 0..<4000 {
            let bytes = (0..<random.whole(below: 40)).map { _ in
                random.unit() < 0.9 ? alphabet[random.whole(below: alphabet.count)] : UInt8(random.whole(below: 256))
            }
            time += .milliseconds(20)
            charger.receive(bytes, at: time)
            if random.unit() < 0.5 { #expect(charger.transmit(until: time).count <= 65_536) }
        }
        #expect(charger.damagedRequests > 500)
        charger.receive(Array("\n".utf8), at: time + .seconds(1))
        _ = charger.transmit(until: time + .seconds(2))
        charger.receive(Request.ping.bytes, at: time + .seconds(5))
        let text = String(decoding: charger.transmit(until: time + .seconds(6)), as: Unicode.ASCII.self)
        #expect(text.contains(":55041BF\n"))
    }

    @Test("requests that come too fast are lost, and only those")
    func overflow() {
        var charger = SimulatedCharger(.smartSolar150x60(), seed: 1)
        for index in 0..<10 { charger.receive(Request.ping.bytes, at: .milliseconds(10 + index)) }
        #expect(charger.lostRequests == 8)
        charger.receive(Array(":64F\n".utf8), at: .milliseconds(25))
        #expect(charger.lostRequests == 9 && charger.forbiddenCommands == 1, "lost, and counted all the same")
        let text = String(decoding: charger.transmit(until: .seconds(1)), as: Unicode.ASCII.self)
        #expect(text.split(separator: ":56441AB\n", omittingEmptySubsequences: false).count == 3)
    }

    @Test("bytes leave at 1920 a second, never faster")
    func wireSpeed() {
        var charger = SimulatedCharger(.smartSolar150x60(firmware: .v316), seed: 1)
        var total = 0
        var time = Duration.zero
        while time < .seconds(4) {
            if time.components.attoseconds == 0 { charger.receive(Request.get(.historyDay(0)).bytes, at: time) }
            time += .milliseconds(5)
            let count = charger.transmit(until: time).count
            #expect(count <= 10)
            total += count
        }
        #expect(total > 800)
        // Asked by deadlines, each byte comes alone.
        for _ in 0..<500 {
            guard let deadline = charger.nextDeadline else { break }
            #expect(charger.transmit(until: deadline).count <= 1)
        }
    }

    @Test("a value that was answered is one that the register held in the seconds before")
    func truth() throws {
        var line = VirtualLine(SimulatedCharger(.smartSolar150x60(), seed: 8), delivery: .usual)
        let host = PollingHost([.get(.panelPower), .get(.panelVoltage), .get(.chargerVoltage)], repeats: true)
        var checked = 0
        var distinct = Set<[UInt8]>()
        for step in 1...300 {
            line.run(host, until: .milliseconds(100 * step))
            guard let last = host.frames.last, let id = last.frame.register else { continue }
            let held = line.charger.heldValues(id, since: last.time - .seconds(2))
            #expect(held.contains(last.frame.value.bytes))
            #expect(held.count <= 20)
            distinct.insert(last.frame.value.bytes)
            checked += 1
        }
        #expect(checked > 250 && distinct.count > 30)
        // Held for a while, not new at every read: at most four a second.
        #expect(line.charger.heldValues(.panelVoltage, since: .seconds(25)).count <= 21)
    }

    @Test("the same seed gives the same bytes, another one others")
    func deterministic() {
        func bytes(_ seed: UInt64) -> [UInt8] {
            var line = VirtualLine(SimulatedCharger(.smartSolar150x60(), seed: seed), delivery: .ragged, seed: 1)
            let host = PollingHost(Self.fast.map(Request.get), repeats: true)
            line.run(host, until: .seconds(10))
            return host.received
        }
        #expect(bytes(1) == bytes(1))
        #expect(bytes(1) != bytes(2))
    }

    @Test("an error stops charging and stands in registers, TEXT and records until it goes")
    func errors() throws {
        var line = VirtualLine(SimulatedCharger(.smartSolar150x60(), seed: 8), delivery: .usual)
        let host = PollingHost([])
        line.run(host, until: .seconds(3))
        #expect(host.texts.last?.fields["ERR"] == "0")
        line.charger.setError(33)
        line.run(host, until: .seconds(6))
        #expect(host.texts.last?.fields["ERR"] == "33" && host.texts.last?.fields["CS"] == "2")
        #expect(line.charger.number(.chargerError) == 33 && line.charger.number(.panelPower) == 0)
        let day = try #require(HistoryDay(RawValue(line.charger.currentValue(.historyDay(0)) ?? [])))
        #expect(day.errors == [33, 0, 0, 0])
        line.charger.setError(0)
        line.run(host, until: .seconds(9))
        #expect(host.texts.last?.fields["ERR"] == "0" && line.charger.state == .bulk)
        let total = try #require(HistoryTotal(RawValue(line.charger.currentValue(.historyTotal) ?? [])))
        #expect(total.errors == [33, 0, 0, 0])
    }

    @Test("a restart loses what was asked, and sends nothing unasked until it is asked again")
    func restart() throws {
        var line = VirtualLine(SimulatedCharger(.smartSolar150x60(firmware: .v316), seed: 8), delivery: .bytewise)
        let host = PollingHost([.ping])
        line.run(host, until: .seconds(10))
        #expect(line.charger.number(.uptime) == 10)
        line.charger.receive(Request.ping.bytes, at: .seconds(10))
        line.charger.restart(at: .milliseconds(10_010))
        let pings = host.frames.count { $0.frame.response == .ping }
        let before = host.frames.count
        line.run(host, until: .milliseconds(11_400))
        #expect(host.frames.count == before && host.texts.allSatisfy { $0.time < .seconds(10) })
        line.run(host, until: .seconds(20))
        #expect(host.frames.count == before && host.texts.contains { $0.time > .seconds(15) })
        #expect(host.frames.count { $0.frame.response == .ping } == pings && pings == 1)
        #expect(try #require(line.charger.number(.uptime)) <= 10)
    }

    @Test("models by product id")
    func products() throws {
        let model = try #require(ChargerModel(productID: 0xA057, serial: "HQ1", firmware: .v164))
        #expect(model.name == "SmartSolar Charger MPPT 100/50")
        #expect(model.maximumChargeCurrent == 50 && !model.hasLoadOutput)
        #expect(ChargerModel(productID: 0x0203, serial: "HQ1", firmware: .v164) == nil)
    }
}

extension String {
    /// The line with its two check digits made right.
    func replacingCheck() -> String {
        let digits = dropFirst().dropLast().dropLast(2).compactMap(\.hexDigitValue)
        var sum = digits[0]
        for index in stride(from: 1, to: digits.count - 1, by: 2) { sum += digits[index] << 4 | digits[index + 1] }
        let check = String((0x55 - sum) & 0xFF, radix: 16, uppercase: true)
        return dropLast(3) + (check.count == 1 ? "0" : "") + check + "\n"
    }
}
