import Testing
import VEDirect

@Suite("Values")
struct ValueTests {
    private let catalogue = RegisterCatalogue.standard

    /// Reads a frame as a device sent it.
    private func decode(_ line: String) throws -> (definition: RegisterDefinition, value: RegisterValue) {
        var found: HexFrame?
        var decoder = StreamDecoder()
        decoder.decode(Array((line + "\n").utf8)) { event in
            if case .hex(let frame) = event { found = frame }
        }
        let frame = try #require(found, "\(line) is no frame")
        let register = try #require(frame.register)
        let definition = try #require(catalogue[register])
        #expect(frame.flags == [])
        return (definition, try definition.decode(frame.value))
    }

    @Test(
        "docs/vedirect.md 7: numbers, scaled, with name and unit",
        arguments: [
            (":7BCED009A09000002", "panel_power", 24.58, "W"),
            (":7F0ED009600DB", "battery_maximum_current", 15.0, "A"),
            (":ABBED00E32997", "panel_voltage", 107.23, "V"),
            (":AD5ED0009057B", "battery_voltage", 12.89, "V"),
            (":7F2ED00ACF9CA", "battery_temp_compensation", -16.2, "mV/K"),
            (":72720005450010062", "link_total_dc_input_power", 861.0, "W"),
            (":A132000AA69000005", "link_total_charge_current", 27.05, "A"),
            (":A0A20001E6600009D", "link_battery_current", 26.142, "A"),
            (":7ECED00316FD5", "battery_temperature", 284.65, "K"),
        ] as [(String, String, Double, String)])
    func numbers(line: String, name: String, expected: Double, unit: String) throws {
        let (definition, value) = try decode(line)
        #expect(definition.name == name)
        #expect(definition.unit == unit)
        #expect(value.scaled == expected)
    }

    @Test(
        "docs/vedirect.md 7: what a device does not have is no number",
        arguments: [
            ":7ECED00FFFF77", ":A132000FFFFFF7F9C", ":A0A2000FFFFFF7FA5", ":77DED00FF7F66", ":7FE0F00FFFF43",
            ":7272000FFFFFFFF0B",
        ])
    func notAvailable(line: String) throws {
        #expect(try decode(line).value == .notAvailable)
    }

    @Test("docs/vedirect.md 7: all ones of a register that has no such number are a number")
    func meantAllOnes() throws {
        // "Use the maximum", and a battery type that the owner has set.
        #expect(try decode(":7E6ED00FFFF7D").value == .number(raw: 0xFFFF, scaled: 6553.5))
        let type = try #require(catalogue[.batteryType])
        #expect(try type.decode(RawValue([0xFF])) == .number(raw: 0xFF, scaled: 255))
    }

    @Test("docs/vedirect.md 7: the width that arrives decides, for numbers and for 'not available'")
    func widths() throws {
        let yield = try #require(catalogue[.yieldToday])
        #expect(try yield.decode(RawValue([0x35, 0x00])).scaled == 0.53)
        #expect(try yield.decode(RawValue([0x35, 0x00, 0x00, 0x00])).scaled == 0.53)
        #expect(try yield.decode(RawValue([0x35])).scaled == 0.53)
        #expect(try yield.decode(RawValue([0xFF, 0xFF, 0, 0])).scaled == 655.35)
        for size in [1, 2, 4] {
            #expect(try yield.decode(RawValue([UInt8](repeating: 0xFF, count: size))) == .notAvailable)
        }
        let temperature = try #require(catalogue[.chargerTemperature])
        #expect(try temperature.decode(RawValue([0xFF, 0x7F])) == .notAvailable)
        #expect(try temperature.decode(RawValue([0xFF, 0xFF, 0xFF, 0x7F])) == .notAvailable)
        #expect(try temperature.decode(RawValue([0x7F])) == .notAvailable)
        #expect(try temperature.decode(RawValue([0xFF, 0xFF])).scaled == -0.01)
        #expect(try temperature.decode(RawValue([0x00, 0x80])).scaled == -327.68)
        #expect(try temperature.decode(RawValue([0xFF, 0x7F, 0, 0])).scaled == 327.67)
    }

    @Test("Hundredths are exact: no 24.580000000000002")
    func exact() throws {
        let power = try #require(catalogue[.panelPower])
        for raw in [1, 7, 29, 57, 2458, 65_535, 123_456] {
            let value = try power.decode(RawValue((0..<4).map { UInt8(truncatingIfNeeded: raw >> (8 * $0)) }))
            let text = "\(raw / 100).\(raw % 100 < 10 ? "0" : "")\(raw % 100)"
            #expect(value.scaled == Double(text))
        }
    }

    @Test(
        "docs/vedirect.md 12: serial numbers lose their padding; of a battery monitor's two, the second is the product's"
    )
    func serialNumbers() throws {
        let expected: RegisterValue = .text("HQ2117NTVX4")
        #expect(try decode(":70A01004851323131374E54565834000000000000000000000000005B").value == expected)
        let serial = try #require(catalogue[.serialNumber])
        #expect(try serial.decode(RawValue(Array("HQ1840ABCDE,HQ2117NTVX4".utf8))) == .text("HQ2117NTVX4"))
        #expect(try serial.decode(RawValue(Array("HQ1840ABCDE,".utf8) + [0, 0])) == .text("HQ1840ABCDE,"))
        #expect(try serial.decode(RawValue(Array("HQ1840ABCDE".utf8) + [0xFF, 0xFF])) == .text("HQ1840ABCDE"))
        #expect(try serial.decode(RawValue([0])) == .text(""))
        let model = try #require(catalogue[.modelName])
        #expect(try model.decode(RawValue(Array("SmartSolar, 75|15  ".utf8))) == .text("SmartSolar, 75|15"))
    }

    @Test("A size that no such register has is an error that says which and what would be right")
    func sizes() throws {
        let power = try #require(catalogue[.panelPower])
        #expect(throws: RegisterValueError.size(register: .panelPower, got: 3, expected: "1, 2 or 4")) {
            try power.decode(RawValue([1, 2, 3]))
        }
        #expect(throws: RegisterValueError.self) { try power.decode(RawValue()) }
        let error = RegisterValueError.size(register: .panelPower, got: 3, expected: "1, 2 or 4")
        #expect("\(error)" == "register EDBC: 3 bytes cannot be its value (expected 1, 2 or 4)")
        let day = try #require(catalogue[.historyDay(0)])
        #expect(throws: RegisterValueError.self) { try day.decode(RawValue([UInt8](repeating: 0, count: 33))) }
    }

    @Test("No definition traps on any bytes of any length, and 'not available' is never a number")
    func anyBytes() {
        var random = SeededGenerator(seed: 42)
        var read = 0
        for definition in catalogue.definitions {
            for size in 0...40 {
                let random = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                for bytes in [random, [UInt8](repeating: 0xFF, count: size), [UInt8](repeating: 0, count: size)] {
                    guard let value = try? definition.decode(RawValue(bytes)) else { continue }
                    read += 1
                    if let scaled = value.scaled { #expect(scaled.isFinite) }
                    if case .number(let raw, _) = value { _ = definition.label(of: UInt64(bitPattern: raw)) }
                }
            }
        }
        #expect(read > 5000)
    }

    @Test("Raw values keep their bytes, short and long")
    func rawValues() {
        let bytes = (0..<20).map { UInt8($0 * 13) }
        for size in 0...20 {
            let raw = RawValue(bytes[..<size])
            #expect(raw.bytes == Array(bytes[..<size]))
            #expect(raw.count == size)
            #expect((raw.unsigned == nil) == (size == 0 || size > 8))
            #expect((raw.signed == nil) == (size == 0 || size > 8))
        }
        #expect(RawValue([0x9A, 0x09]).hex == "9A09")
        #expect(RawValue([0xFE, 0xFF]).signed == -2)
        #expect(RawValue([UInt8](repeating: 0xFF, count: 8)).signed == -1)
        #expect(RawValue([UInt8](repeating: 0xFF, count: 8)).unsigned == .max)
    }

    @Test("docs/vedirect.md 3: flags say that there is no value")
    func flags() throws {
        var frames: [HexFrame] = []
        var decoder = StreamDecoder()
        decoder.decode(Array(":77777015F\n:75A1004E0\n:4AAAAFD\n:51641F9\n".utf8)) { event in
            if case .hex(let frame) = event { frames.append(frame) }
        }
        try #require(frames.count == 4)
        #expect(frames[0].flags == .unknownID)
        #expect(frames[0].register == RegisterID(0x7777))
        #expect(frames[0].value.count == 0)
        #expect(frames[1].flags == .parameterError)
        #expect(frames[1].register == .historyDay(10))
        #expect(frames[2].response == .error)
        #expect(frames[2].register == nil)
        #expect(frames[2].flags == nil)
        #expect(frames[2].value.bytes == [0xAA, 0xAA])
        #expect(frames[3].response == .ping)
        #expect(frames[3].value.unsigned == 0x4116)
    }

    @Test("Kinds of frame by their digit", arguments: UInt8(0)..<16)
    func kinds(nibble: UInt8) throws {
        var found: HexFrame?
        var decoder = StreamDecoder()
        decoder.decode(GeneratedStream.frame(nibble: nibble, payload: [0xBC, 0xED, 0x00, 0x01])) { event in
            if case .hex(let frame) = event { found = frame }
        }
        let frame = try #require(found)
        let names: [UInt8: HexFrame.Response] = [
            0: .boot, 1: .done, 3: .unknown, 4: .error, 5: .ping, 6: .restart, 7: .get, 8: .set, 10: .async,
        ]
        #expect(frame.response == names[nibble] ?? .reserved)
        #expect((frame.register == .panelPower) == [7, 8, 10].contains(nibble))
        #expect(frame.value.count == ([7, 8, 10].contains(nibble) ? 1 : 4))
        #expect(frame.payload == [0xBC, 0xED, 0x00, 0x01])
    }
}
