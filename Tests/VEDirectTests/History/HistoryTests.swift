import Testing
import VEDirect

@Suite("History")
struct HistoryTests {
    private func value(_ line: String) throws -> RegisterValue {
        var found: HexFrame?
        var decoder = StreamDecoder()
        decoder.decode(Array((line + "\n").utf8)) { event in
            if case .hex(let frame) = event { found = frame }
        }
        let frame = try #require(found)
        let register = try #require(frame.register)
        let definition = try #require(RegisterCatalogue.standard[register])
        return try definition.decode(frame.value)
    }

    @Test("docs/vedirect.md 9: a day, checked against what the same charger said in TEXT")
    func day() throws {
        let line = ":7501000003500000000000000880526050000000000A20300000000B300000081008C11090082"
        guard case .historyDay(let day) = try value(line) else {
            Issue.record("not a day")
            return
        }
        #expect(day.yield == 0.53)
        #expect(day.consumed == 0)
        #expect(day.maximumBatteryVoltage == 14.16)
        #expect(day.minimumBatteryVoltage == 13.18)
        #expect(day.errors == [0, 0, 0, 0])
        #expect(day.bulkMinutes == 930)
        #expect(day.absorptionMinutes == 0)
        #expect(day.floatMinutes == 0)
        #expect(day.maximumPower == 179)
        #expect(day.maximumBatteryCurrent == 12.9)
        #expect(day.maximumPanelVoltage == 44.92)
        #expect(day.sequence == 9)
    }

    @Test("docs/vedirect.md 9: a charger without a load output has no consumption")
    func noLoad() throws {
        let line = ":A501000007F000000FFFFFFFF9605DF040000000000A300830177007401000000012811F700AE"
        guard case .historyDay(let day) = try value(line) else {
            Issue.record("not a day")
            return
        }
        #expect(day.consumed == nil)
        #expect(day.yield == 1.27)
        #expect(day.sequence == 247)
        #expect(day.bulkMinutes == 163)
        #expect(day.absorptionMinutes == 387)
        #expect(day.floatMinutes == 119)
    }

    @Test("docs/vedirect.md 9: the record of all days")
    func total() throws {
        let line = ":A4F10000100000000006E5A00006E5A00008E12F9051E9604FFFFFFFFFFFFFFFFFFFFFFFFFF12"
        guard case .historyTotal(let total) = try value(line) else {
            Issue.record("not the total")
            return
        }
        #expect(total.userYield == 231.5)
        #expect(total.systemYield == 231.5)
        #expect(total.maximumPanelVoltage == 47.5)
        #expect(total.maximumBatteryVoltage == 15.29)
        #expect(total.daysAvailable == 30)
        #expect(total.minimumBatteryVoltage == 11.74)
        #expect(total.errors == [0, 0, 0, 0])
    }

    @Test("docs/vedirect.md 9: old firmware leaves the smallest voltage out")
    func shortTotal() throws {
        let bytes = [UInt8](repeating: 0, count: 18) + [12]
        let total = try #require(HistoryTotal(RawValue(bytes)))
        #expect(total.daysAvailable == 12)
        #expect(total.minimumBatteryVoltage == nil)
    }

    @Test("Other sizes are no record")
    func sizes() {
        for size in 0...60 {
            let raw = RawValue([UInt8](repeating: 1, count: size))
            #expect((HistoryDay(raw) != nil) == (size == 34))
            #expect((HistoryTotal(raw) != nil) == (size == 34 || size == 19))
        }
    }

    @Test("Every byte has its field, and the greatest numbers do not trap")
    func greatest() throws {
        let day = try #require(HistoryDay(RawValue([UInt8](repeating: 0xFF, count: 34))))
        #expect(day.yield == 42_949_672.95)
        #expect(day.consumed == nil)
        #expect(day.maximumPower == 4_294_967_295)
        let steps = try #require(HistoryDay(RawValue((0..<34).map { UInt8($0) })))
        #expect(steps.yield == Double(0x0403_0201) / 100)
        #expect(steps.consumed == Double(0x0807_0605) / 100)
        #expect(steps.maximumBatteryVoltage == Double(0x0A09) / 100)
        #expect(steps.minimumBatteryVoltage == Double(0x0C0B) / 100)
        #expect(steps.errorDatabase == 13)
        #expect(steps.errors == [14, 15, 16, 17])
        #expect(steps.bulkMinutes == 0x1312)
        #expect(steps.absorptionMinutes == 0x1514)
        #expect(steps.floatMinutes == 0x1716)
        #expect(steps.maximumPower == 0x1B1A_1918)
        #expect(steps.maximumBatteryCurrent == Double(0x1D1C) / 10)
        #expect(steps.maximumPanelVoltage == Double(0x1F1E) / 100)
        #expect(steps.sequence == 0x2120)
    }
}
