import MQTTTraffic
import Testing

@testable import MQTTWire

/// Bytes of a broker in, packets or the violation out.
struct ValidatorTests {
    /// Hex digits with spaces anywhere.
    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.filter { $0 != " " }
        var bytes: [UInt8] = []
        var rest = Substring(digits)
        while rest.count >= 2 {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    /// A client that sent SUBSCRIBE 1, PUBLISH 2 (quality of service 1), PUBLISH 3 (2) and PINGREQ.
    private func validator(_ version: MQTTVersion, accepted: Bool = true) throws -> BrokerValidator {
        var validator = BrokerValidator(version: version, hasClientID: true)
        let properties = version == .v5 ? "00" : ""
        let asked =
            "82 0\(version == .v5 ? 7 : 6) 0001 \(properties) 0001 61 01  32 0\(version == .v5 ? 6 : 5) 0001 61 "
            + "0002 \(properties)  34 0\(version == .v5 ? 6 : 5) 0001 61 0003 \(properties)  C000"
        if accepted {
            validator.receive(bytes(version == .v5 ? "20 03 00 00 00" : "20 02 00 00"))
            guard case .packet = try validator.next() else { throw MQTTViolation("no CONNACK") }
        }
        validator.sent(bytes(asked)[...])
        return validator
    }

    /// What comes out after the CONNACK: packets in hex, or the violation.
    private func outcome(_ version: MQTTVersion, _ hex: String, accepted: Bool = true) throws -> String {
        var validator = try validator(version, accepted: accepted)
        validator.receive(bytes(hex))
        var words: [String] = []
        do throws(MQTTViolation) {
            while let output = try validator.next() {
                switch output {
                case .packet(let bytes): words.append(bytes.map { $0.hexadecimal.dropFirst(2) }.joined())
                case .refusal(let code): words.append("refused \(code)")
                case .disconnection(let code): words.append("ended \(code)")
                }
            }
        } catch {
            words.append(error.description)
        }
        return words.joined(separator: " ")
    }

    @Test(arguments: [
        // The seven bytes that end libmosquitto 2.0.11, and their kind in the other packets.
        ("20 05 00 00 02 7F 00", "CONNACK has property 0x7F, which MQTT 5 does not define"),
        ("20 06 00 00 03 FF 7F 00", "CONNACK has property 0x3FFF, which MQTT 5 does not define"),
        ("20 05 00 00 02 01 00", "CONNACK has property Payload Format Indicator (0x01), which is not allowed there"),
        ("20 06 00 00 03 21 00 00", "CONNACK has a value out of range for Receive Maximum (0x21)"),
        ("20 08 00 00 05 27 00 00 00 00", "CONNACK has a value out of range for Maximum Packet Size (0x27)"),
        ("20 05 00 00 02 24 02", "CONNACK has a value out of range for Maximum QoS (0x24)"),
        ("20 07 00 00 04 25 01 25 01", "CONNACK has property Retain Available (0x25) twice"),
        ("20 07 00 00 04 12 00 01 61", "CONNACK assigns a client identifier, although CONNECT had one"),
        (
            "20 07 00 00 04 15 00 01 61",
            "CONNACK has property Authentication Method (0x15), which this client did not ask for"
        ),
        ("20 06 00 00 03 1F 00 05", "CONNACK ends within its properties"),
        ("20 07 00 00 04 1F 00 01 00", "the Reason String (0x1F) of CONNACK is not UTF-8"),
        ("20 04 00 00 05 21", "CONNACK ends within its properties"),
        ("20 04 00 00 00 00", "CONNACK is 1 bytes too long"),
        ("20 03 02 00 00", "CONNACK has flags 0x02"),
        ("20 03 01 80 00", "CONNACK has flags 0x01"),
        ("20 03 00 07 00", "CONNACK has the code 0x07, which MQTT 5 does not define"),
        ("20 01 00", "CONNACK ends within its code"),
        ("21 03 00 00 00", "it begins with 0x21 instead of 0x20, a CONNACK (does another protocol use this port?)"),
        ("20 83 00 00 00 00", "CONNACK pads its length with a zero"),
        ("20 FF FF FF FF 7F", "CONNACK has more than four bytes for its length"),
        ("00 00", "it begins with 0x00 instead of 0x20, a CONNACK (does another protocol use this port?)"),
        (
            "30 05 00 01 61 00 41",
            "it begins with 0x30 instead of 0x20, a CONNACK (does another protocol use this port?)"
        ),
        ("F0 02 18 00", "it begins with 0xF0 instead of 0x20, a CONNACK (does another protocol use this port?)"),
        ("E0 02 87 00", "it begins with 0xE0 instead of 0x20, a CONNACK (does another protocol use this port?)"),
        ("48 54 54 50", "it begins with 0x48 instead of 0x20, a CONNACK (does another protocol use this port?)"),
        ("20 03 00 00 00 20 03 00 00 00", "2003000000 a second CONNACK"),
        // What is fine, without what the library has no use for.
        ("20 03 01 00 00", "2003010000"),
        ("20 0B 00 00 08 21 00 05 1F 00 02 68 69", "2006000003210005"),
        ("20 02 00 01", "refused 1"),
        // A broker that answers like one of 3.1.1 speaks nothing else.
        ("20 02 00 00", "refused 1"),
        ("20 03 00 87 00", "refused 135"),
    ])
    func connack(hex: String, expected: String) throws {
        #expect(try outcome(.v5, hex, accepted: false) == expected)
    }

    @Test(arguments: [
        ("30 07 00 01 61 02 7F 00 41", "PUBLISH has property 0x7F, which MQTT 5 does not define"),
        ("90 06 00 01 02 7F 00 01", "SUBACK has property 0x7F, which MQTT 5 does not define"),
        ("40 06 00 02 00 02 7F 00", "PUBACK has property 0x7F, which MQTT 5 does not define"),
        ("E0 04 8B 02 7F 00", "DISCONNECT has property 0x7F, which MQTT 5 does not define"),
        (
            "E0 07 8B 05 11 00 00 00 01",
            "DISCONNECT has property Session Expiry Interval (0x11), which is not allowed there"
        ),
        ("30 07 00 01 61 03 23 00 01", "PUBLISH has property Topic Alias (0x23), which this client did not ask for"),
        ("30 06 00 01 61 02 0B 00", "PUBLISH has a value out of range for Subscription Identifier (0x0B)"),
        ("36 06 00 01 61 00 05 00", "PUBLISH has quality of service 3"),
        ("38 04 00 01 61 00", "PUBLISH of quality of service 0 is marked as sent again"),
        ("32 06 00 01 61 00 00 00", "PUBLISH has packet identifier 0"),
        ("30 03 00 00 00", "PUBLISH has no topic"),
        ("30 04 00 01 2B 00", "the topic of PUBLISH has a wildcard"),
        ("30 04 00 01 FF 00", "the topic of PUBLISH is not UTF-8"),
        ("30 06 00 03 ED A0 80 00", "the topic of PUBLISH is not UTF-8"),
        ("30 04 00 09 61 00", "PUBLISH ends within its topic"),
        ("40 01 00", "PUBACK ends within its packet identifier"),
        ("40 02 00 00", "PUBACK has packet identifier 0"),
        ("40 03 00 02 42", "PUBACK has the code 0x42, which it must not have"),
        ("90 04 00 01 00 7F", "SUBACK has the code 0x7F, which it must not have"),
        ("90 03 00 01 00", "SUBACK has 0 codes for 1 filter"),
        ("90 05 00 01 00 01 01", "SUBACK has 2 codes for 1 filter"),
        ("60 02 00 01", "PUBREL has the flags 0x00"),
        ("00 00", "a packet is of type 0, which is reserved"),
        ("F0 02 18 00", "AUTH, which this client did not ask for"),
        ("C0 00", "PINGREQ, which only clients send"),
        ("10 00", "CONNECT, which only clients send"),
        ("D0 01 00", "PINGRESP is 1 bytes too long"),
        ("E0 01 42", "DISCONNECT has the code 0x42, which it must not have"),
        ("30 FF FF FF 7F", "PUBLISH of 268435460 bytes, more than the 1048576 that are accepted"),
        // What is fine.
        ("90 04 00 01 00 01", "900400010001"),
        ("40 02 00 02", "40020002"),
        ("40 0A 00 02 10 06 1F 00 03 61 62 63", "4003000210"),
        ("50 02 00 03 70 02 00 03", "50020003"),
        ("50 03 00 03 97 70 02 00 03", "5003000397"),
        ("D0 00", "D000"),
        ("62 02 00 09", "62020009"),
        ("E0 00", "ended 0"),
        ("E0 01 8B 30", "ended 139"),
        // Answers to nothing.
        ("40 02 00 07 40 02 00 03 70 02 00 03 90 04 00 02 00 00 B0 04 00 01 00 00 D0 00 D0 00", "D000"),
        // User properties are left out, the place for an answer is not; a place with control characters is.
        ("30 12 00 01 61 0D 26 00 01 6B 00 01 76 08 00 03 61 2F 62 41", "300B00016106080003612F6241"),
        ("30 09 00 01 61 04 08 00 01 07 41", "30050001610041"),
        ("30 05 00 02 61 07 00", "30050002613F00"),
    ])
    func version5(hex: String, expected: String) throws {
        #expect(try outcome(.v5, hex) == expected)
    }

    @Test(arguments: [
        ("20 02 00 00", "a second CONNACK"),
        ("90 03 00 01 03", "SUBACK has the code 0x03, which it must not have"),
        ("90 03 00 01 80", "9003000180"),
        ("40 03 00 02 00", "PUBACK is 1 bytes too long"),
        ("E0 00", "DISCONNECT, which only clients send in MQTT 3.1.1"),
        ("F0 00", "AUTH, which this client did not ask for"),
        ("30 05 00 01 61 02 7F", "3005000161027F"),
        ("34 06 00 01 61 00 09 41 3C 06 00 01 61 00 09 41", "3406000161000941"),
    ])
    func version311(hex: String, expected: String) throws {
        #expect(try outcome(.v311, hex) == expected)
    }

    @Test func refusalsOf311() throws {
        #expect(try outcome(.v311, "20 02 00 05", accepted: false) == "refused 5")
        #expect(try outcome(.v311, "20 02 00 06", accepted: false).contains("the code 0x06"))
        #expect(try outcome(.v311, "20 03 00 00 00", accepted: false) == "CONNACK is 1 bytes too long")
    }

    @Test func limitsWhatIsNotAcknowledged() throws {
        // Quality of service 1: each is acknowledged in time, and then none is.
        var validator = try validator(.v5)
        func publish(_ identifier: UInt8, qos: UInt8) throws -> BrokerValidator.Output? {
            validator.receive([0x30 | qos << 1, 6, 0, 1, 0x61, 0, identifier, 0])
            return try validator.next()
        }
        for identifier in 1...UInt8(100) {
            #expect(try publish(identifier, qos: 1) != nil)
            #expect(validator.owedAnswers == 1)
            validator.sent([0x40, 2, 0, identifier])
            #expect(validator.owedAnswers == 0)
        }
        for identifier in 1...UInt8(20) { _ = try publish(identifier, qos: 1) }
        #expect(throws: MQTTViolation.self) { try publish(21, qos: 1) }
    }

    @Test func limitsWhatTheLibraryHolds() throws {
        var validator = try validator(.v311)
        var taken = 0
        #expect(throws: MQTTViolation.self) {
            for identifier in 1...UInt8(200) {
                validator.receive([0x34, 5, 0, 1, 0x61, 0, identifier])
                if try validator.next() != nil { taken += 1 }
            }
        }
        #expect(taken == 100)
    }

    @Test func ignoresAnswersToNothingUpToANumber() throws {
        var validator = try validator(.v5)
        validator.receive([0xD0, 0])
        _ = try validator.next()
        for _ in 0..<100 { validator.receive([0xD0, 0]) }
        #expect(try validator.next() == nil)
        validator.receive([0xD0, 0])
        #expect(throws: MQTTViolation.self) { try validator.next() }
    }

    /// Where bytes are cut makes no difference.
    @Test func piecesChangeNothing() {
        for seed in UInt64(1)...400 {
            let isVersion5 = seed % 3 != 0
            var traffic = BrokerTraffic(seed: seed, isVersion5: isVersion5)
            let stream = traffic.packets().flatMap { $0 }
            func run(_ size: Int) -> ([BrokerValidator.Output], String) {
                var validator = BrokerValidator(version: isVersion5 ? .v5 : .v311, hasClientID: true)
                var outputs: [BrokerValidator.Output] = []
                var start = 0
                do throws(MQTTViolation) {
                    while start < stream.count {
                        let end = min(stream.count, start + size)
                        validator.receive(stream[start..<end])
                        while let output = try validator.next() { outputs.append(output) }
                        start = end
                    }
                } catch {
                    return (outputs, error.description)
                }
                return (outputs, "")
            }
            let whole = run(stream.count)
            #expect(run(1) == whole, "seed \(seed)")
            #expect(run(7) == whole, "seed \(seed)")
        }
    }

    /// What comes out is accepted as it is, and comes out unchanged.
    @Test func outputIsItsOwnFixedPoint() throws {
        for seed in UInt64(1)...400 {
            var traffic = BrokerTraffic(seed: seed, isVersion5: true)
            var first = BrokerValidator(version: .v5, hasClientID: true)
            var second = BrokerValidator(version: .v5, hasClientID: true)
            packets: for packet in traffic.packets() {
                first.receive(packet)
                while let output = try? first.next() {
                    guard case .packet(let bytes) = output else { break packets }
                    second.receive(bytes)
                    #expect(try second.next() == output, "seed \(seed)")
                }
            }
        }
    }

    @Test func trackerFindsIdentifiersInPieces() {
        let stream =
            bytes("10 04 00 00 00 00  82 07 01 02 00 0001 61 01  30 05 0001 61 00 41  32 86 01 0001 61 03 04")
            + [UInt8](repeating: 9, count: 129) + bytes("40 02 05 06  C0 00  34 06 0001 61 0007 00")
        for size in [1, 2, 3, 5, 64, 1000] {
            var tracker = OutgoingTracker()
            var found: [OutgoingTracker.Packet] = []
            var start = 0
            while start < stream.count {
                let end = min(stream.count, start + size)
                tracker.consume(stream[start..<end]) { found.append($0) }
                start = end
            }
            #expect(found.map(\.identifier) == [0, 0x102, 0, 0x304, 0x506, 0, 7], "pieces of \(size)")
            #expect(found.map(\.type) == [.connect, .subscribe, .publish, .publish, .puback, .pingreq, .publish])
            #expect(found.map(\.qos) == [0, 0, 0, 1, 0, 0, 2])
        }
    }
}
