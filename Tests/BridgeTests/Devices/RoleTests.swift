import MasterBus
import Simulation
import Testing

@testable import Bridge
@testable import VEDirect

@Suite struct RoleTests {
    private let sun = "HQ2012ABCDE"

    /// What a charger beside it says must stay as if the other device were not there.
    private func expectTheChargersOwnFigures(_ bench: DeviceBench) throws {
        let picture = bench.plant.picture(at: bench.now)
        let solar = try #require(picture.solarPower)
        #expect(solar.value == 205)
        #expect(!solar.isStale && picture.solarOutput?.isStale == false)
        #expect(picture.shares.map(\.serial) == [sun] && picture.shares.first?.fraction == 1)
        #expect(bench.plant.master(at: bench.now) == sun)
        #expect(bench.plant.payload(.linkTotalPower, sun, at: bench.now) == "20500")
        #expect(bench.plant.solarChargers(at: bench.now).map(\.identity.serial) == [sun])
    }

    // The serial numbers sort before the charger's: the first by serial number is no solar charger.
    @Test(arguments: [
        SimulatedDevice.batteryMonitor(serial: "HQ1901MONIT"), .acCharger(serial: "HQ1901MAINS"),
        .orionXS(serial: "HQ1901ORION"), .orionXS(serial: "HQ1901ORION", productID: 0xA3F7),
        .acCharger(serial: "HQ1901MAINS", productID: 0xA348), .batteryMonitor(serial: "HQ1901MONIT", productID: 0xC034),
    ])
    func anotherDeviceChangesNoSolarFigure(device: SimulatedDevice) throws {
        var bench = DeviceBench([.solarCharger(serial: sun, watts: 205), device])
        bench.run(until: .seconds(12))
        #expect(bench.role(0) == .solarCharger && bench.role(1) == .other)
        try expectTheChargersOwnFigures(bench)
        let other = try #require(bench.serial(1))
        #expect(bench.plant.payload(.linkTotalPower, other, at: bench.now) == nil)
        #expect(bench.plant.payload(.panelPower, other, at: bench.now) == nil)
        #expect(bench.devices.allSatisfy { $0.forbiddenCommands == 0 })
    }

    private static func expected(_ labels: [String], _ answersPanels: Bool) -> (DeviceRole, DeviceRole) {
        if labels.contains(where: { ["DC_IN_V", "AC_OUT_V", "SOC"].contains($0) }) { return (.other, .other) }
        if labels.contains("PPV") || answersPanels { return (.solarCharger, .solarCharger) }
        return (.undetermined, .other)
    }

    /// Every combination of the labels that tell the kind, with and without the panels' registers.
    @Test(arguments: 0..<32)
    func anUnknownProductIsKnownByWhatItSays(bits: Int) {
        let all = ["PPV", "DC_IN_V", "AC_OUT_V", "SOC"]
        let labels = all.indices.filter { bits & 1 << $0 != 0 }.map { all[$0] }
        let answersPanels = bits & 16 != 0
        let (role, lateRole) = Self.expected(labels, answersPanels)
        var registers: [RegisterID: [UInt8]] = [.deviceState: [3]]
        if answersPanels {
            registers[.panelPower] = [0x64, 0, 0, 0]
            registers[.trackerMode] = [2]
        }
        let text: [(label: String, value: String)] =
            [("PID", "0xAEF0"), ("SER#", "HQ2612NEW01"), ("V", "13000")] + labels.map { (label: $0, value: "1") }
        let device = SimulatedDevice(
            serial: "HQ2612NEW01", productID: 0xAEF0, registers: registers, text: [text])
        var bench = DeviceBench([device, .solarCharger(serial: sun, watts: 205)])
        bench.run(until: .seconds(15))
        #expect(bench.role(0) == role, "\(labels) \(answersPanels)")
        if role == .undetermined {
            #expect(bench.plant.picture(at: bench.now).solarPower?.isStale == true, "sums wait")
            #expect(bench.plant.payload(.linkTotalPower, sun, at: bench.now) == nil)
        }
        bench.run(until: .seconds(75))
        #expect(bench.role(0) == lateRole, "\(labels) \(answersPanels), later")
        let picture = bench.plant.picture(at: bench.now)
        // Not for ever; but a solar charger that does not say its power is missing in the sum.
        let isMissing = lateRole == .solarCharger && !answersPanels
        #expect(picture.solarPower?.isStale == isMissing)
        #expect(picture.solarPower?.value == (lateRole == .solarCharger && answersPanels ? 206 : 205))
    }

    @Test func consumptionCountsEverySourceOrIsUnknown() throws {
        let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)
        func consumption(_ devices: [SimulatedDevice]) -> Figure? {
            var bench = DeviceBench(devices)
            bench.run(until: .seconds(12))
            var plant = bench.plant
            for (attribute, value) in [(UInt16(1), Float(13.3)), (2, Float(10))] {
                plant.read(
                    BusValue(
                        time: bench.now, device: shunt, attribute: attribute, bits: value.bitPattern, format: .number),
                    schema: nil)
            }
            return plant.picture(at: bench.now).consumption
        }
        let charger = SimulatedDevice.solarCharger(serial: sun, watts: 205)
        let monitor = SimulatedDevice.batteryMonitor(serial: "HQ1901MONIT")
        let mains = SimulatedDevice.acCharger(serial: "HQ1901MAINS")
        let alone = try #require(consumption([charger, monitor]))
        #expect(abs(alone.value - (13.3 * 15.4 - 133)) < 0.01 && !alone.isStale)
        let both = try #require(consumption([charger, monitor, mains, .orionXS(serial: "HQ1901ORION")]))
        #expect(abs(both.value - (13.3 * (15.4 + 20 + 32) - 133)) < 0.01 && !both.isStale)
        // What it gives it does not say: then no consumption, instead of one that leaves it out.
        var secretive = mains
        secretive.registers[.chargerCurrent] = nil
        #expect(consumption([charger, secretive]) == nil)
        var supply = mains
        supply.registers[.deviceState] = [11]
        #expect(consumption([charger, supply]) == nil)
    }

    @Test func aProductWhoseIDIsNeverToldIsKnownByItsText() {
        let silent = SimulatedDevice(
            serial: "HQ1001OLD01", productID: nil,
            registers: [.panelPower: [0x64, 0, 0, 0], .trackerMode: [2]])
        var bench = DeviceBench([silent, .solarCharger(serial: sun, watts: 205)])
        bench.run(until: .seconds(20))
        #expect(bench.role(0) == .undetermined, "it may still tell")
        bench.run(until: .seconds(70))
        #expect(bench.role(0) == .solarCharger)
        #expect(bench.plant.picture(at: bench.now).solarPower?.value == 206)
    }

    @Test func oneDamagedBlockMakesNoLabel() {
        var votes = TextLabelVotes()
        for labels in [TextLabels.stateOfCharge, .panelPower] {
            let isConfirmed = votes.count(labels)
            #expect(!isConfirmed && votes.confirmed.isEmpty)
        }
        let isConfirmed = votes.count(.panelPower)
        #expect(isConfirmed && votes.confirmed == [.panelPower])
    }

    @Test func theKindOutlivesAnAbsence() {
        var plant = Plant()
        var identity = DeviceIdentity(serial: sun)
        identity.productID = 0xA062
        plant.identified(identity, port: "/dev/tty0", at: .zero)
        plant.lost(sun, port: "/dev/tty0")
        // The product id is asked for again after it has come back.
        plant.identified(DeviceIdentity(serial: sun), port: "/dev/tty0", at: .seconds(500))
        #expect(plant.chargers[sun]?.role(at: .seconds(501)) == .solarCharger)
    }

    @Test func sumsDoNotWaitForAPortForEver() throws {
        var plant = Plant()
        plant.add(sun)
        try plant.read(.panelPower, 20_500, 4, of: sun, at: .seconds(100))
        plant.refused(.linkTotalPower, serial: sun)
        plant.unresolvedPorts = 1
        plant.unresolvedLimit = .seconds(60)
        #expect(plant.payload(.linkTotalPower, sun, at: .seconds(59)) == nil)
        #expect(plant.payload(.linkTotalPower, sun, at: .seconds(60)) == "20500")
        #expect(plant.picture(at: .seconds(100)).solarPower?.isStale == false)
    }
}

@Suite struct MasterTests {
    private let serials = ["HQ2001AAAAA", "HQ2002BBBBB", "HQ2003CCCCC", "HQ2004DDDDD"]

    private func bench(_ statuses: [UInt8?], preferred: String = "") -> DeviceBench {
        let chargers = zip(serials, statuses).map { serial, status in
            var charger = SimulatedDevice.solarCharger(serial: serial, watts: 100)
            charger.registers[.linkNetworkStatus] = status.map { [$0] }
            return charger
        }
        var bench = DeviceBench(
            [.orionXS(serial: "HQ1901ORION")] + chargers, plant: Plant(preferredMaster: preferred))
        bench.run(until: .seconds(15))
        return bench
    }

    struct Group: Sendable {
        var statuses: [UInt8?]
        var master: Int

        static let all: [Group] = [
            Group(statuses: [nil, nil, nil], master: 0), Group(statuses: [4, 4, 4], master: 0),
            Group(statuses: [2, 0, 0], master: 0), Group(statuses: [0, 1, 0], master: 1),
            Group(statuses: [0, 0, 3], master: 2), Group(statuses: [nil, 3, 1], master: 1),
            Group(statuses: [2, nil, 1], master: 2),
        ]
    }

    @Test(arguments: Group.all)
    func theGroupsMasterComesBeforeTheFirst(group: Group) {
        let (statuses, master) = (group.statuses, group.master)
        let bench = bench(statuses)
        #expect(bench.plant.master(at: bench.now) == serials[master])
        for (index, serial) in serials.prefix(3).enumerated() {
            let total = bench.plant.payload(.linkTotalPower, serial, at: bench.now)
            #expect(total == (index == master ? "30000" : nil))
        }
    }

    @Test func theConfiguredOneComesBeforeAll() {
        for name in [serials[2], serials[2].lowercased()] {
            let bench = bench([1, nil, nil], preferred: name)
            #expect(bench.plant.master(at: bench.now) == serials[2])
        }
        // One that was not seen, or is no solar charger, stands for nothing.
        for name in ["HQ2099ZZZZZ", "HQ1901ORION"] {
            let bench = bench([nil, 1, nil], preferred: name)
            #expect(bench.plant.master(at: bench.now) == serials[1])
        }
    }
}
