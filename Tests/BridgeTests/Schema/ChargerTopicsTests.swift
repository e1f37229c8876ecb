import Testing
import VEDirect

@testable import Bridge

@Suite struct ChargerTopicsTests {
    private func schema(_ change: (inout Configuration.Schema) -> Void = { _ in }) -> Configuration.Schema {
        var schema = Configuration.Schema()
        change(&schema)
        return schema
    }

    @Test func theDocumentedStyle() {
        let topics = ChargerTopics(schema())
        #expect(topics.topic(serial: "HQ2012ABCDE", register: .panelPower) == "/venetworking/HQ2012ABCDE/edbc")
        #expect(topics.topic(serial: "HQ2012ABCDE", register: .productID) == "/venetworking/HQ2012ABCDE/0100")
    }

    @Test func theStyleOfTheFirmware() {
        let style = Configuration.Schema.Style.firmware
        let topics = ChargerTopics(
            schema {
                $0.style = style; $0.prefix = style.defaultPrefix
            })
        #expect(topics.topic(serial: "HQ2012ABCDE", register: .panelPower) == "venetworking/HQ2012ABCDE/EDBC")
    }

    @Test func anotherPrefix() {
        let topics = ChargerTopics(schema { $0.prefix = "boat/solar" })
        #expect(topics.topic(serial: "HQ2012ABCDE", register: .linkIdleVoltage) == "boat/solar/HQ2012ABCDE/200b")
    }

    @Test func theThirteenOfTheTable() {
        let table = "0100 0102 2000 2001 2007 2008 200B 200C 2027 ED8C EDBC EDEF EC3E"
        #expect(Set(ChargerTopics.documented.map(\.hex)) == Set(table.split(separator: " ").map(String.init)))
    }

    @Test(arguments: [
        (RegisterID.panelPower, [0x9A, 0x09, 0, 0] as [UInt8], "2458"),
        (.systemVoltage, [12], "12"),
        (.linkVoltageSetpoint, [0x90, 0x05], "1424"),
        (.batteryCurrent, [0xFE, 0xFF, 0xFF, 0xFF], "4294967294"),
        (.batteryCurrent, [0x00, 0x00, 0x00, 0x80], "2147483648"),
        (.chargerTemperature, [0xFF, 0xFF], "65535"),
        (.productID, [0x00, 0x62, 0xA0, 0xFF], "0062A0FF"),
        (.productID, [0xA0, 0x42], "A042"),
        (.applicationVersion, [0x64, 0x41], "6441"),
    ])
    func payloadsAreWhatTheBLEBridgePrints(register: RegisterID, bytes: [UInt8], payload: String) {
        let value = SchemaValue(register: register, raw: RawValue(bytes), isDerived: false)
        #expect(ChargerTopics.payload(value) == payload)
    }

    @Test(arguments: [(RegisterID.modelName, 5), (.historyTotal, 34), (.panelPower, 3), (.panelPower, 0)])
    func whatIsNoNumberOfOneTwoOrFourBytesHasNone(register: RegisterID, count: Int) {
        let value = SchemaValue(
            register: register, raw: RawValue([UInt8](repeating: 1, count: count)), isDerived: false)
        #expect(ChargerTopics.payload(value) == nil)
    }
}
