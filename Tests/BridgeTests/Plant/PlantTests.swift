import Testing

@testable import Bridge
@testable import VEDirect

@Suite struct PlantTests {
    private let first = "HQ2012ABCDE"
    private let second = "HQ2017FGHIJ"

    @Test func tellsWhatWasReadOfChargersThatAnswer() throws {
        var plant = Plant()
        try plant.read(.panelPower, 2458, 4, of: first)
        #expect(plant.payload(.panelPower, first) == nil, "a reading without an identity belongs to nobody")
        plant.add(first)
        try plant.read(.panelPower, 2458, 4, of: first)
        #expect(plant.payload(.panelPower, first) == "2458")
        plant.lost(first, port: "/dev/tty0")
        #expect(plant.payload(.panelPower, first) == nil)
    }

    @Test func twoCablesSwappedAreTheSameTwoChargers() throws {
        var plant = Plant()
        plant.add(first, port: "/dev/tty0")
        plant.add(second, port: "/dev/tty1")
        plant.add(first, port: "/dev/tty1")
        // The old port notices last; by then the charger answers elsewhere.
        plant.lost(first, port: "/dev/tty0")
        try plant.read(.panelPower, 7, 4, of: first)
        #expect(plant.payload(.panelPower, first) == "7")
        #expect(plant.chargers.count == 2)
    }

    @Test func whatWasSaidBeforeALongAbsenceIsNotToldAgain() throws {
        var plant = Plant()
        plant.add(first)
        try plant.read(.panelPower, 2458, 4, of: first, at: .seconds(1))
        plant.lost(first, port: "/dev/tty0")
        plant.add(first, at: .seconds(4))
        #expect(plant.payload(.panelPower, first, at: .seconds(4)) == "2458")
        plant.lost(first, port: "/dev/tty0")
        plant.add(first, at: .seconds(40))
        #expect(plant.payload(.panelPower, first, at: .seconds(40)) == nil)
    }

    @Test func aRegisterThatIsNoLongerAnsweredLosesItsValue() throws {
        var plant = Plant()
        plant.lifetimes[.linkIdleVoltage] = .seconds(60)
        plant.add(first)
        try plant.read(.linkIdleVoltage, 1246, 2, of: first, at: .seconds(1))
        try plant.read(.systemVoltage, 12, 1, of: first, at: .seconds(1))
        #expect(plant.payload(.linkIdleVoltage, first, at: .seconds(61)) == "1246")
        #expect(plant.payload(.linkIdleVoltage, first, at: .seconds(62)) == nil)
        #expect(plant.payload(.systemVoltage, first, at: .seconds(9999)) == "12")
    }

    @Test func theMasterIsTheConfiguredOneElseTheFirstThatIsThere() {
        var plant = Plant(preferredMaster: "HQ2099ZZZZZ")
        #expect(plant.master(at: .zero) == nil)
        plant.add(second)
        plant.add(first, port: "/dev/tty1")
        #expect(plant.master(at: .zero) == first)
        plant.lost(first, port: "/dev/tty1")
        #expect(plant.master(at: .seconds(59)) == first, "a cable that is out for a moment changes no topic")
        #expect(plant.master(at: .seconds(61)) == second)
        plant.add("HQ2099ZZZZZ", port: "/dev/tty2")
        #expect(plant.master(at: .seconds(61)) == "HQ2099ZZZZZ")
    }
}

@Suite struct DerivationTests {
    private let first = "HQ2012ABCDE"
    private let second = "HQ2017FGHIJ"

    @Test func theDeviceStateStandsForTheMastersWhereThereIsNone() throws {
        var plant = Plant()
        plant.add(first)
        try plant.read(.deviceState, 3, 1, of: first)
        #expect(plant.payload(.linkDeviceState, first) == nil, "not asked yet: nothing may be made up")
        plant.refused(.linkDeviceState, serial: first)
        #expect(plant.payload(.linkDeviceState, first) == "3")
        try plant.read(.linkDeviceState, 0xFF, 1, of: first)
        #expect(plant.payload(.linkDeviceState, first) == "3")
        #expect(plant.value(of: .linkDeviceState, serial: first, at: .zero)?.isDerived == true)
        try plant.read(.linkDeviceState, 5, 1, of: first)
        #expect(plant.payload(.linkDeviceState, first) == "5")
    }

    @Test(arguments: [
        (charger: 35, load: 12, payload: "2300"),
        (charger: 0, load: 3, payload: "4294966996"),
        (charger: 7, load: nil, payload: "700"),
    ])
    func theBatteryCurrentIsTheChargersLessTheLoads(charger: Int, load: Int?, payload: String) throws {
        var plant = Plant()
        plant.add(first)
        try plant.read(.chargerCurrent, charger, 2, of: first)
        if let load {
            try plant.read(.loadCurrent, load, 2, of: first)
        }
        plant.refused(.batteryCurrent, serial: first)
        if load == nil {
            #expect(plant.payload(.batteryCurrent, first) == nil, "whether there is a load is not known yet")
            plant.refused(.loadCurrent, serial: first)
        }
        #expect(plant.payload(.batteryCurrent, first) == payload)
    }

    @Test func aChargerThatMeasuresItsBatteryCurrentIsBelieved() throws {
        var plant = Plant()
        plant.add(first)
        try plant.read(.chargerCurrent, 35, 2, of: first)
        try plant.read(.batteryCurrent, -2, 4, of: first)
        #expect(plant.payload(.batteryCurrent, first) == "4294967294")
    }

    @Test(arguments: [
        (state: 3, payload: nil), (state: 4, payload: "1440"), (state: 5, payload: "1380"), (state: 0, payload: nil),
    ])
    func theSetpointIsDerivedOnlyIfAskedFor(state: Int, payload: String?) throws {
        for isAskedFor in [true, false] {
            var plant = Plant(derivesSetpoint: isAskedFor)
            plant.add(first)
            try plant.read(.absorptionVoltage, 1440, 2, of: first)
            try plant.read(.floatVoltage, 1380, 2, of: first)
            try plant.read(.deviceState, state, 1, of: first)
            plant.refused(.linkVoltageSetpoint, serial: first)
            #expect(plant.payload(.linkVoltageSetpoint, first) == (isAskedFor ? payload : nil))
        }
    }

    @Test func theProductIsKnownByOtherMeansToo() throws {
        var plant = Plant()
        plant.identified(DeviceIdentity(serial: first), port: "/dev/tty0", at: .zero)
        plant.refused(.productID, serial: first)
        #expect(plant.payload(.productID, first) == nil)
        var identity = DeviceIdentity(serial: first)
        identity.productID = 0xA062
        plant.identified(identity, port: "/dev/tty0", at: .zero)
        #expect(plant.payload(.productID, first) == "62A0")
    }

    private func plantOfTwo() throws -> Plant {
        var plant = Plant()
        plant.add(first, port: "/dev/tty0")
        plant.add(second, port: "/dev/tty1")
        for (serial, power) in [(first, 1000), (second, 500)] {
            try plant.read(.panelPower, power, 4, of: serial)
            plant.refused(.linkTotalPower, serial: serial)
        }
        return plant
    }

    @Test func theTotalIsTheSumUnderTheMastersIDAlone() throws {
        let plant = try plantOfTwo()
        #expect(plant.payload(.linkTotalPower, first) == "1500")
        #expect(plant.payload(.linkTotalPower, second) == nil)
    }

    @Test func theTotalWaitsForPortsThatAreNotClearYet() throws {
        var plant = try plantOfTwo()
        plant.unresolvedPorts = 1
        #expect(plant.payload(.linkTotalPower, first) == nil)
        plant.unresolvedPorts = 0
        plant.add("HQ2020KLMNO", port: "/dev/tty2")
        #expect(plant.payload(.linkTotalPower, first) == nil, "the third has not told its power")
        try plant.read(.panelPower, 100, 4, of: "HQ2020KLMNO")
        #expect(plant.payload(.linkTotalPower, first) == nil, "the third may yet say that it is networked")
        plant.refused(.linkTotalPower, serial: "HQ2020KLMNO")
        #expect(plant.payload(.linkTotalPower, first) == "1600")
    }

    @Test func aNetworkHasItsOwnTotal() throws {
        var plant = try plantOfTwo()
        try plant.read(.linkTotalPower, 9000, 4, of: second)
        #expect(plant.payload(.linkTotalPower, first) == nil)
        #expect(plant.payload(.linkTotalPower, second) == "9000")
        // It stops being part of one.
        try plant.read(.linkTotalPower, 0xFFFF_FFFF, 4, of: second)
        #expect(plant.payload(.linkTotalPower, first) == "1500")
    }

    @Test func aChargerThatIsGoneHoldsTheTotalBackForAMinute() throws {
        var plant = try plantOfTwo()
        plant.lost(second, port: "/dev/tty1")
        #expect(plant.payload(.linkTotalPower, first, at: .seconds(59)) == nil)
        #expect(plant.payload(.linkTotalPower, first, at: .seconds(61)) == "1000")
        // And when it is the first that is gone, the next one stands for the plant.
        plant = try plantOfTwo()
        plant.lost(first, port: "/dev/tty0")
        #expect(plant.payload(.linkTotalPower, second, at: .seconds(61)) == "500")
    }

    @Test func everyDerivationNamesWhatItIsMadeOf() {
        for derivation in Derivation.all {
            for input in derivation.inputs { #expect(Derivation.dependents(of: input).contains(derivation.register)) }
            #expect(ChargerTopics.documented.contains(derivation.register))
        }
    }
}
