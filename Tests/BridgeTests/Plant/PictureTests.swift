import MasterBus
import Testing

@testable import Bridge
@testable import Simulation
@testable import VEDirect

@Suite("The plant in one picture")
struct PictureTests {
    private let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)
    private let combi = DeviceAddress(type: 0x0E, uid: 0x2F412)

    private func reading(_ register: RegisterID, _ bytes: [UInt8], at time: Duration) throws -> RegisterReading {
        let definition = try #require(RegisterCatalogue.standard[register])
        let raw = RawValue(bytes)
        return RegisterReading(
            register: register, raw: raw, value: try definition.decode(raw), provenance: .asked,
            confidence: .confirmed, time: time)
    }

    private func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// A charger with power in W, voltage in V and current in A.
    private func feed(
        _ plant: inout Plant, _ serial: String, power: Double, voltage: Double = 13, current: Double, at time: Duration
    ) throws {
        if plant.chargers[serial] == nil {
            plant.identified(.solarCharger(serial), port: "/dev/\(serial)", at: time)
        }
        for (register, bytes) in [
            (RegisterID.panelPower, number(Int((power * 100).rounded()), 4)),
            (.chargerVoltage, number(Int((voltage * 100).rounded()), 2)),
            (.chargerCurrent, number(Int((current * 10).rounded()), 2)),
        ] {
            plant.read(try reading(register, bytes, at: time), serial: serial)
        }
    }

    private func feed(_ plant: inout Plant, _ values: [UInt16: Float], _ device: DeviceAddress, at time: Duration) {
        for (attribute, value) in values {
            plant.read(
                BusValue(
                    time: time, device: device, attribute: attribute, bits: value.bitPattern, format: .number),
                schema: nil)
        }
    }

    @Test("nothing is known of nothing")
    func empty() {
        let picture = Plant().picture(at: .seconds(1))
        #expect(picture.solarPower == nil && picture.consumption == nil && picture.inverter == nil)
        #expect(picture.shares.isEmpty)
    }

    @Test("sums, shares and consumption, with age and origin")
    func sums() throws {
        var plant = Plant()
        try feed(&plant, "HQ0001", power: 300, current: 20, at: .seconds(10))
        try feed(&plant, "HQ0002", power: 100, current: 6, at: .seconds(11))
        feed(&plant, [0: 80, 1: 13, 2: 10, 3: 40], shunt, at: .seconds(11))
        let picture = plant.picture(at: .seconds(12))
        #expect(
            picture.solarPower
                == Figure(value: 400, age: .seconds(2), origin: .chargers(["HQ0001", "HQ0002"]), isStale: false))
        #expect(picture.shares.map(\.fraction) == [0.75, 0.25])
        #expect(abs((picture.solarOutput?.value ?? 0) - 338) < 1e-9)
        #expect(picture.batteryPower?.value == 130)
        #expect(picture.consumption == Figure(value: 208, age: .seconds(2), origin: .plant, isStale: false))
        #expect(
            picture.stateOfCharge == Figure(value: 80, age: .seconds(1), origin: .device(shunt), isStale: false))
        #expect(picture.consumedCharge?.value == 40)
    }

    @Test("without a shunt figures come from the chargers and say so")
    func noShunt() throws {
        var plant = Plant()
        try feed(&plant, "HQ0001", power: 300, voltage: 13.1, current: 20, at: .seconds(10))
        try feed(&plant, "HQ0002", power: 100, voltage: 13.2, current: 6, at: .seconds(10))
        for serial in ["HQ0001", "HQ0002"] { plant.refused(.loadCurrent, serial: serial) }
        plant.read(try reading(RegisterID(0x0FFF), number(8123, 2), at: .seconds(10)), serial: "HQ0001")
        let picture = plant.picture(at: .seconds(11))
        #expect(picture.batteryVoltage?.origin == .charger("HQ0001"))
        #expect(picture.batteryCurrent?.value == 26)
        #expect(picture.batteryCurrent?.origin == .chargers(["HQ0001", "HQ0002"]))
        #expect(abs((picture.stateOfCharge?.value ?? 0) - 81.23) < 1e-9)
        #expect(picture.stateOfCharge?.origin == .charger("HQ0001"))
        #expect(picture.consumption == nil)
        #expect(picture.batteryPower == nil)
    }

    @Test("an old, lost or missing input makes every sum stale, and no other figure")
    func stale() throws {
        var plant = Plant()
        try feed(&plant, "HQ0001", power: 300, current: 20, at: .seconds(10))
        try feed(&plant, "HQ0002", power: 100, current: 6, at: .seconds(10))
        feed(&plant, [0: 80, 1: 13, 2: 10, 3: 40], shunt, at: .seconds(10))
        #expect(plant.picture(at: .seconds(15)).consumption?.isStale == false)

        var old = plant
        try feed(&old, "HQ0001", power: 310, current: 20, at: .seconds(20))
        feed(&old, [1: 13, 2: 10], shunt, at: .seconds(20))
        var picture = old.picture(at: .seconds(20))
        #expect(picture.solarPower?.isStale == true)
        #expect(picture.consumption?.isStale == true)
        #expect(picture.batteryCurrent?.isStale == false)
        #expect(picture.stateOfCharge?.isStale == false)
        #expect(picture.shares.map { $0.power?.isStale } == [false, true])

        var lost = plant
        lost.lost("HQ0002", port: "/dev/HQ0002")
        picture = lost.picture(at: .seconds(11))
        #expect(picture.solarPower?.isStale == true)
        #expect(picture.consumption?.isStale == true)
        // After a minute it is no part of the plant any more.
        try feed(&lost, "HQ0001", power: 310, current: 20, at: .seconds(80))
        picture = lost.picture(at: .seconds(80))
        #expect(picture.solarPower == Figure(value: 310, age: .zero, origin: .chargers(["HQ0001"]), isStale: false))

        var unread = plant
        unread.identified(.solarCharger("HQ0003"), port: "/dev/HQ0003", at: .seconds(10))
        #expect(unread.picture(at: .seconds(11)).solarPower?.isStale == true)

        var unresolved = plant
        unresolved.unresolvedPorts = 1
        #expect(unresolved.picture(at: .seconds(11)).solarPower?.isStale == true)

        var asleep = plant
        asleep.busDeviceSlept(shunt)
        picture = asleep.picture(at: .seconds(11))
        #expect(picture.consumption?.isStale == true)
        // The chargers know the voltage too.
        #expect(picture.batteryVoltage?.origin == .charger("HQ0001"))
        #expect(picture.batteryCurrent?.isStale == true)
    }

    @Test("a value that the shunt says it does not have is not made up")
    func notAvailable() throws {
        var plant = Plant()
        try feed(&plant, "HQ0001", power: 300, current: 20, at: .seconds(10))
        feed(&plant, [1: 13, 2: .nan, 0: 50], shunt, at: .seconds(10))
        let picture = plant.picture(at: .seconds(10))
        #expect(picture.batteryCurrent == nil)
        #expect(picture.consumption == nil)
    }

    @Test("the shunt that the configuration names stands for the battery")
    func preferredShunt() {
        let other = DeviceAddress(type: 0x1B, uid: 0x00042)
        var plant = Plant(preferredShunt: 0x31297)
        feed(&plant, [1: 25], other, at: .seconds(1))
        #expect(plant.picture(at: .seconds(1)).batteryVoltage == nil, "another one does not stand in for it")
        feed(&plant, [1: 13], shunt, at: .seconds(1))
        #expect(plant.picture(at: .seconds(1)).batteryVoltage?.value == 13)
    }

    // MARK: Against the truth

    /// What was true in the last seconds.
    private struct Truth {
        private var samples: [(time: Duration, values: [String: Double])] = []

        mutating func note(_ values: [String: Double], at time: Duration) {
            samples.append((time, values))
            samples.removeAll { time - $0.time > .seconds(40) }
        }

        func range(_ key: String, since start: Duration) -> ClosedRange<Double>? {
            let values = samples.filter { $0.time >= start }.compactMap { $0.values[key] }
            guard let least = values.min(), let greatest = values.max() else { return nil }
            return least...greatest
        }
    }

    @Test("a simulated day, clouds and inverter included, is told within the sensors' resolution at every second")
    func day() throws {
        // A day in half an hour: every second is one of 48, so that clouds and loads move faster than they ever do.
        var site = SimulatedSite(
            sky: Sky(cloudiness: 0.5, seed: 9), clock: SolarClock(startHour: 4, dayLength: .seconds(1800)),
            battery: SimulatedBattery(capacity: 400, stateOfCharge: 0.6))
        site.loads = ["house": 40]
        var plant = SimulatedPlant(site: site)
        plant.add(.smartSolar150x60(serial: "HQ2010SIMA0"), seed: 1)
        plant.add(.smartSolar75x15(serial: "HQ2011SIMB1", firmware: .v316), seed: 2)
        plant.add(.blueSolar75x15(serial: "HQ2012SIMC2"), seed: 3)
        var bus = SimulatedBus(seed: 3)
        var session = BusSession(now: .zero)
        var merged = Plant()
        var truth = Truth()
        let registers: [RegisterID] = [.panelPower, .chargerVoltage, .chargerCurrent, .loadCurrent, .batteryCurrent]
        for charger in plant.chargers {
            merged.identified(.solarCharger(charger.serial), port: charger.serial, at: .zero)
        }
        var checked = 0
        var inverting = 0
        var bright = 0
        for step in 1...(1800 * 4) {
            let now = Duration.milliseconds(250 * step)
            plant.site.loads["inverter"] = bus.inverterLoad
            plant.advance(to: now)
            bus.update(plant.site, seconds: plant.site.clock.seconds(at: now))
            let battery = plant.site.battery
            truth.note(
                [
                    "solar": plant.chargers.reduce(0) { $0 + $1.panelPower },
                    "output": plant.chargers.reduce(0) { $0 + $1.electronics.current * $1.electronics.batteryVoltage },
                    "voltage": battery.voltage, "current": battery.current,
                    "charge": battery.stateOfCharge * 100, "consumed": battery.consumed,
                    "state": Double(bus.devices[1].values[0x10] ?? 0),
                ], at: now)
            // What the bus says as it comes, once a second what the chargers say.
            for part in 0..<10 {
                let moment = now + .milliseconds(25 * part)
                while let request = session.nextRequest(at: moment) { bus.receive(request.frame, at: moment) }
                for heard in bus.transmit(until: moment) { session.receive(heard.frame, at: moment) }
            }
            for event in session.takeEvents() {
                guard case .bus(.value(let value)) = event else { continue }
                merged.read(value, schema: session.decoder.schema(of: value.device))
            }
            guard step % 4 == 0 else { continue }
            for charger in plant.chargers {
                for register in registers {
                    guard let bytes = charger.currentValue(register) else { continue }
                    merged.read(try reading(register, bytes, at: now), serial: charger.serial)
                }
            }
            guard step > 60 else { continue }
            checked += 1
            let picture = merged.picture(at: now)
            func check(_ figure: Figure?, _ key: String, within resolution: Double) throws {
                let figure = try #require(figure, "\(key) at \(now)")
                // A value can have been on its way for a step.
                let range = try #require(truth.range(key, since: now - figure.age - .milliseconds(500)))
                let allowed = (range.lowerBound - resolution)...(range.upperBound + resolution)
                if figure.isStale || !allowed.contains(figure.value) {
                    Issue.record("\(key) at \(now): \(figure) is not within \(allowed)")
                }
            }
            let solar = try #require(truth.range("solar", since: now - .milliseconds(500))).upperBound
            let output = try #require(truth.range("output", since: now - .milliseconds(500))).upperBound
            // Chargers measure power to 0.2 % and 0.01 W, current to 0.2 % and 0.05 A.
            let outputResolution = output * 0.003 + 3 * 0.05 * 15 + 0.1
            try check(picture.solarPower, "solar", within: solar * 0.002 + 0.03)
            try check(picture.solarOutput, "output", within: outputResolution)
            try check(picture.batteryVoltage, "voltage", within: 0.006)
            try check(picture.batteryCurrent, "current", within: 0.001)
            try check(picture.stateOfCharge, "charge", within: 0.001)
            try check(picture.consumedCharge, "consumed", within: 0.001)
            let inverter = try #require(picture.inverter)
            try check(inverter.state, "state", within: 0)
            #expect(inverter.device == combi)
            if inverter.state?.value == 3 { inverting += 1 }
            if solar > 200 { bright += 1 }

            let consumption = try #require(picture.consumption)
            let since = now - consumption.age - .milliseconds(500)
            let outputs = try #require(truth.range("output", since: since))
            // The shunt tells voltage and current one after the other: any pair of them may meet.
            let voltages = try #require(truth.range("voltage", since: since))
            let currents = try #require(truth.range("current", since: since))
            let corners = [voltages.lowerBound, voltages.upperBound].flatMap { voltage in
                [currents.lowerBound * voltage, currents.upperBound * voltage]
            }
            let powers = (corners.min() ?? 0)...(corners.max() ?? 0)
            // Two readings of the shunt, and what the chargers add.
            let least = outputs.lowerBound - powers.upperBound - outputResolution - 1
            let greatest = outputs.upperBound - powers.lowerBound + outputResolution + 1
            if !(least...greatest).contains(consumption.value) {
                Issue.record("consumption at \(now): \(consumption) is not within \(least)...\(greatest)")
            }
            let shares = picture.shares.compactMap(\.fraction)
            #expect(shares.isEmpty || abs(shares.reduce(0, +) - 1) < 1e-9)
        }
        #expect(checked > 1700)
        #expect(inverting > 300 && bright > 300)
    }
}
