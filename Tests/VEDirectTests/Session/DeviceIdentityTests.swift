import Simulation
import Testing

@testable import VEDirect

/// What devices say of themselves, bytes in and identity out.
@Suite struct DeviceIdentityTests {
    private func identity(_ device: SimulatedDevice, until end: Duration = .seconds(8)) -> (
        DeviceIdentity?, [DeviceSession.Event]
    ) {
        var device = device
        var session = DeviceSession(now: .zero)
        var events: [DeviceSession.Event] = []
        var now = Duration.zero
        while now < end {
            now += .milliseconds(5)
            let bytes = device.transmit(until: now)
            if !bytes.isEmpty { session.receive(bytes, at: now) }
            if let request = session.nextRequest(at: now) { device.receive(request.bytes, at: now) }
            events += session.takeEvents()
        }
        return (session.identity, events)
    }

    struct Version: Sendable {
        var ping: [UInt8]
        var label: String
        var text: String
        var version: String?

        static let all: [Version] = [
            Version(ping: [0xFF, 0x12, 0x01], label: "FWE", text: "112FF", version: "1.12"),
            Version(ping: [0xFF, 0x12, 0x01, 0x00], label: "FWE", text: "112FF", version: "1.12"),
            Version(ping: [0x01, 0x16, 0x03], label: "FWE", text: "31601", version: "3.16-rc"),
            Version(ping: [0x64, 0x41], label: "FW", text: "164", version: "1.64"),
            Version(ping: [0xFF, 0x1B, 0x01], label: "FWE", text: "11BFF", version: nil),
            Version(ping: [0xAB, 0x41], label: "FW", text: "1AB", version: nil),
            Version(ping: [0x64], label: "FW", text: "164", version: "1.64"),
        ]
    }

    @Test(arguments: Version.all)
    func theVersionHas16Or24BitsOfDecimalDigits(version: Version) {
        let text: [(label: String, value: String)] = [
            ("PID", "0xA3F0"), (version.label, version.text), ("SER#", "HQ2433ORXS1"), ("V", "13220"),
        ]
        let device = SimulatedDevice(
            serial: "HQ2433ORXS1", productID: 0xA3F0, version: version.ping, registers: [.deviceState: [0]],
            text: [text])
        #expect(identity(device).0?.firmware?.description == version.version)
    }

    @Test func digitsAboveNineAreNoVersion() {
        #expect(FirmwareVersion(word: 0x41A1) == nil && FirmwareVersion(word: 0x4A61) == nil)
        #expect(FirmwareVersion(text: "1A1") == nil && FirmwareVersion(extendedText: "3A6FF") == nil)
        #expect(FirmwareVersion(extended: 0x1_0112FF) == nil && FirmwareVersion(answer: RawValue([0x12])) == nil)
        #expect(FirmwareVersion(answer: RawValue([0xFF, 0x12, 0x01]))?.description == "1.12")
    }

    struct Name: Sendable {
        var bytes: [UInt8]
        var name: String

        static let all: [Name] = [
            Name(bytes: Array("Dach Süd".utf8), name: "Dach Süd"),
            Name(bytes: Array("Bad 日本 ☀".utf8), name: "Bad 日本 ☀"),
            // Latin 1, as older apps wrote it.
            Name(bytes: [0x44, 0x61, 0x63, 0x68, 0x20, 0x53, 0xFC, 0x64], name: "Dach Süd"),
            Name(bytes: [0x42, 0xFC], name: "Bü"),
            Name(bytes: [0x44, 0x1B, 0x5B, 0x31, 0x6D, 0x0A, 0x7F, 0x61], name: "D[1ma"),
            Name(bytes: [0x61, 0xC2, 0x85, 0x62], name: "ab"),
            // The last character was cut short by the size of the register.
            Name(bytes: Array("Süd ☀".utf8.dropLast()), name: "Süd "),
            Name(bytes: [0xC3, 0xA9, 0x20, 0xFF, 0x41, 0x00, 0x42], name: "Ã© ÿA"),
        ]
    }

    @Test(arguments: Name.all)
    func namesAreUTF8OrLatin1WithoutControlCharacters(name: Name) throws {
        let definition = try #require(RegisterCatalogue.standard[.customName])
        #expect(try definition.decode(RawValue(name.bytes)) == .text(name.name))
    }

    @Test func upperAndLowerCaseNameOneDevice() {
        let text: [(label: String, value: String)] = [
            ("PID", "0xA062"), ("FW", "164"), ("SER#", "hq2012abcde"), ("V", "13220"),
        ]
        let device = SimulatedDevice(
            serial: "HQ2012ABCDE", productID: 0xA062, registers: [.panelPower: [1, 0, 0, 0]], text: [text])
        let (identity, events) = identity(device, until: .seconds(20))
        #expect(identity.map { DeviceIdentity.isSame($0.serial, "HQ2012ABCDE") } == true)
        #expect(!events.contains { if case .lostIdentity = $0 { true } else { false } })
        #expect(
            events.contains { if case .reading(let reading) = $0 { reading.register == .panelPower } else { false } })
        #expect(
            !DeviceIdentity.isSame("HQ2012ABCDE", "HQ2012ABCDF") && !DeviceIdentity.isSame("HQ2012ABCDE", "HQ2012ABCD"))
    }

    @Test func idsOfNewModelsBelongToTheirBlock() {
        for id in UInt16(0xA3F0)...0xA3FF { #expect(Product.family(ofID: id) == .dcdc) }
        #expect(Product.family(ofID: 0xA348) == .acCharger && Product.family(ofID: 0xA2E3) == .inverter)
        #expect(Product.family(ofID: 0xA062) == .mppt && Product.family(ofID: 0xAEF0) == nil)
    }
}
