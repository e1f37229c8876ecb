import Glibc
import Testing

@testable import MasterBus

struct ValueFormatTests {
    private func printed(_ value: Float) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        let count = withVaList([Double(value)]) { vsnprintf(&buffer, buffer.count, "%f", $0) }
        return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test("six decimals as C prints them: the corners")
    func corners() {
        let values: [Float] = [
            0, -0.0, 1, -1, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude,
            -.leastNonzeroMagnitude, .leastNormalMagnitude, 0.0078125, 0.0234375, 0.00390625, 0.5, 1.5, 2.5,
            5e-7, 4.9999997e-7, 5.0000003e-7, 9.9999994, 0.99999994, 999_999.94, 8_388_607.5, 8_388_608, 16_777_216,
            98.80245, 12.73, -11.5701, 1e10, 3.4e38, 123_456.79, -0.0000001,
        ]
        for value in values { #expect(FixedPoint.text(value) == printed(value)) }
        #expect(FixedPoint.text(0.0078125) == "0.007812")
        #expect(FixedPoint.text(0.0234375) == "0.023438")
        #expect(FixedPoint.text(-0.0) == "-0.000000")
    }

    @Test("six decimals as C prints them: any bits, and numbers of a boat")
    func random() {
        var dice = Dice(4)
        var wrong = 0
        for _ in 0..<100_000 {
            let value = Float(bitPattern: .random(in: 0...UInt32.max, using: &dice))
            if value.isFinite, FixedPoint.text(value) != printed(value) { wrong += 1 }
            let measured = Float.random(in: -2000...2000, using: &dice)
            if FixedPoint.text(measured) != printed(measured) { wrong += 1 }
            // Exact ties: odd multiples of 2^-7 end in 5 at the seventh decimal.
            let tie = Float(Int32.random(in: -100_000...100_000, using: &dice)) / 128
            if FixedPoint.text(tie) != printed(tie) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("dates and times, and what is none")
    func dates() {
        #expect(ValueFormat.date.text(841_027) == "03/09/2021")
        #expect(ValueFormat.date.text(832_033) == "01/01/2000")
        #expect(BusDate(832_033)?.isUnset == true)
        #expect(BusDate(841_027)?.isPlausible == true)
        #expect(BusDate(29_848)?.isPlausible == false)
        #expect(ValueFormat.date.text(-5) == "-5.000000")
        #expect(ValueFormat.date.text(1e9) == "1000000000.000000")
        #expect(ValueFormat.time.text(29_848) == "08:17:28")
        #expect(ValueFormat.time.text(29_848.7) == "08:17:28")
        #expect(ValueFormat.time.text(567_600) == "157:40:00")
        #expect(ValueFormat.time.text(0) == "00:00:00")
        #expect(ValueFormat.time.text(86_399) == "23:59:59")
        #expect(ValueFormat.time.text(-1) == "-1.000000")
        for format in ValueFormat.allCases {
            #expect(format.text(.nan) == nil)
            #expect(format.text(.infinity) == nil)
            #expect(format.text(-.infinity) == nil)
        }
        #expect(ValueFormat.number.text(0.7) == "0.700000")
    }

    @Test("every day from 2000 to 2100 is packed and read back")
    func everyDay() {
        for year in 2000...2100 {
            for month in 1...12 {
                for day in 1...31 {
                    let date = BusDate(Float(416 * year + 32 * month + day))
                    #expect(date?.year == year && date?.month == month && date?.day == day)
                }
            }
        }
    }

    @Test("tables are consistent")
    func tables() {
        for definition in DeviceDefinition.all {
            #expect(Set(definition.attributes.map(\.id)).count == definition.attributes.count, "\(definition.product)")
            for row in definition.attributes { #expect(definition[row.id] == row) }
        }
        #expect(DeviceDefinition.matching(type: 0x1B)?.product == "DC Shunt")
        #expect(DeviceDefinition.matching(type: 0x1B, article: "66025000")?.product == "MLI Ultra battery")
        #expect(DeviceDefinition.matching(type: 0x0E) == nil)
        #expect(DeviceDefinition.matching(type: 0x0E, name: "INT Mass Combi")?.isMeasured == true)
        #expect(DeviceDefinition.matching(type: 0x06, name: "MCU Main")?.isMeasured == false)
        #expect(DeviceDefinition.matching(type: 255) == nil)
    }
}
