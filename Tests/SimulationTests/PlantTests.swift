import Simulation
import Testing
import VEDirect

@Suite("Sky, battery and yields")
struct PlantTests {
    /// A day in a minute, starting before dawn.
    static func site(cloudiness: Double = 0.3, capacity: Double = 200) -> SimulatedSite {
        SimulatedSite(
            sky: Sky(cloudiness: cloudiness, seed: 5), clock: SolarClock(startHour: 2, dayLength: .seconds(60)),
            battery: SimulatedBattery(capacity: capacity, stateOfCharge: 0.6))
    }

    @Test("the sun is up by day, higher in summer; clouds only take away")
    func sky() {
        let summer = Sky(latitude: 48, dayOfYear: 172, cloudiness: 0)
        let winter = Sky(latitude: 48, dayOfYear: 355, cloudiness: 0)
        #expect(abs(summer.elevation(at: 43_200) - 65.4) < 1)
        #expect(abs(winter.elevation(at: 43_200) - 18.6) < 1)
        #expect(summer.irradiance(at: 0) == 0 && summer.irradiance(at: 43_200) > 850)
        let cloudy = Sky(latitude: 48, dayOfYear: 172, cloudiness: 0.6, seed: 3)
        var steepest = 0.0
        var below = 0
        for second in stride(from: 30_000.0, to: 60_000, by: 1) {
            let light = cloudy.irradiance(at: second)
            #expect(light <= summer.irradiance(at: second) + 0.001)
            if light < 0.6 * summer.irradiance(at: second) { below += 1 }
            steepest = max(steepest, abs(light - cloudy.irradiance(at: second + 5)))
        }
        #expect(steepest > 60, "fast ramps")
        #expect(below > 1000 && below < 29_000)
    }

    @Test("the energy of a day and of several days adds up in every counter")
    func yields() throws {
        var charger = SimulatedCharger(.smartSolar150x60(), site: Self.site(), historyDays: 2, seed: 6)
        let userOffset = try #require(charger.number(.systemYield)) - #require(charger.number(.userYield))
        let startYield = charger.totalYield
        let startSequence = charger.daySequence
        var integral = 0.0
        var days: [Int: Int] = [:]
        var sequences: [Int] = []
        // 250 ms are six simulated minutes; the registers' own average power is compared, so it is coarse.
        for step in 1...(4 * 60 * 4) {
            _ = charger.transmit(until: .milliseconds(250 * step))
            integral += Double(try #require(charger.number(.panelPower))) / 100 * 0.1
            let sequence = charger.daySequence
            if sequences.last != sequence { sequences.append(sequence) }
            days[sequence] = charger.number(.yieldToday)
            let today = try #require(HistoryDay(RawValue(charger.currentValue(.historyDay(0)) ?? [])))
            #expect(today.sequence == sequence)
            #expect(Int((today.yield * 100).rounded()) == days[sequence])
            let total = try #require(HistoryTotal(RawValue(charger.currentValue(.historyTotal) ?? [])))
            #expect(Int((total.systemYield * 100).rounded()) == charger.number(.systemYield))
            #expect(
                abs(try #require(charger.number(.systemYield)) - userOffset - #require(charger.number(.userYield))) <= 1
            )
            #expect(charger.number(.systemYield) == Int(charger.totalYield / 10))
        }
        // Four nights were passed; each dawn began a day.
        #expect(sequences == (startSequence...startSequence + 4).map { $0 })
        let gained = charger.totalYield - startYield
        #expect(gained > 4 * 1000)
        #expect(abs(integral - gained) / gained < 0.03)
        // The days of the history are the days that were seen, and they add up to the total.
        let records = (0...6).map { charger.currentValue(.historyDay($0)).flatMap { HistoryDay(RawValue($0)) } }
        for age in 0...3 {
            let record = try #require(records[age])
            #expect(record.sequence == startSequence + 4 - age)
            #expect(Int((record.yield * 100).rounded()) == days[record.sequence])
        }
        let sum = (0...3).compactMap { records[$0]?.yield }.reduce(0, +)
        #expect(abs(sum * 1000 - gained) <= 50)
        #expect(try Int((#require(records[1]).yield * 100).rounded()) == charger.number(.yieldYesterday))
        #expect(records[6] != nil)
        #expect(charger.currentValue(.historyDay(7)) == nil)
        #expect(try #require(HistoryTotal(RawValue(charger.currentValue(.historyTotal) ?? []))).daysAvailable == 6)
    }

    @Test("a sunny day goes off, bulk, absorption, float, off; the minutes are in the record")
    func states() throws {
        var charger = SimulatedCharger(.smartSolar150x60(), site: Self.site(cloudiness: 0), seed: 6)
        var states: [ChargeState] = []
        var highest = 0
        for step in 1...(4 * 54) {
            _ = charger.transmit(until: .milliseconds(250 * step))
            if states.last != charger.state { states.append(charger.state) }
            highest = max(highest, try #require(charger.number(.chargerVoltage)))
            let mode = try #require(charger.number(.trackerMode))
            #expect((mode == 0) == (charger.state == .off))
            #expect((try #require(charger.number(.offReason)) == 1) == (charger.state == .off))
        }
        #expect(states.prefix(4) == [.off, .bulk, .absorption, .float])
        // At dusk the loads may pull the battery down and bulk begins again.
        #expect(states.last == .off && states.count <= 6)
        #expect((1435...1445).contains(highest), "\(highest)")
        let today = try #require(HistoryDay(RawValue(charger.currentValue(.historyDay(0)) ?? [])))
        let daylight = today.bulkMinutes + today.absorptionMinutes + today.floatMinutes
        #expect((780...1000).contains(daylight), "\(daylight)")
        #expect(today.maximumBatteryVoltage > 14.3 && today.minimumBatteryVoltage < 12.6)
        #expect(charger.number(.panelPower) == 0)
    }

    @Test("chargers on one battery see one voltage and one sky; a load pulls the battery down")
    func sharing() throws {
        var plant = SimulatedPlant(site: SimulatedSite(sky: Sky(cloudiness: 0)))
        plant.add(.smartSolar150x60(serial: "HQ2012AAAAA", link: .master), seed: 1)
        plant.add(.smartSolar75x15(serial: "HQ2012BBBBB", link: .slave), seed: 2)
        plant.add(.blueSolar75x15(serial: "HQ2012CCCCC"), seed: 3)
        plant.advance(to: .seconds(60))
        let voltages = try plant.chargers.map { try #require($0.number(.chargerVoltage)) }
        #expect(try #require(voltages.max()) - #require(voltages.min()) <= 2)
        let powers = try plant.chargers.map { try #require($0.number(.panelPower)) }
        #expect(powers.allSatisfy { $0 > 1000 })
        let networked = try #require(plant.chargers[0].number(.linkTotalPower))
        #expect(networked == plant.chargers[1].number(.linkTotalPower))
        #expect(abs(networked - powers.reduce(0, +)) < networked / 50)
        #expect(plant.chargers[2].currentValue(.linkTotalPower) == nil)
        let before = plant.site.battery
        plant.site.loads["inverter"] = 2500
        plant.advance(to: .seconds(61))
        #expect(plant.site.battery.voltage < before.voltage - 0.3)
        #expect(plant.site.battery.current < before.current - 100)
    }

    @Test("a charger that comes later has no past to tell")
    func lateComer() throws {
        var plant = SimulatedPlant()
        plant.add(.smartSolar150x60(), seed: 1)
        plant.advance(to: .seconds(100))
        plant.add(.smartSolar75x15(firmware: .v316), seed: 2)
        #expect(plant.transmit(charger: 1, until: .seconds(102)).count < 700)
        #expect(try #require(plant.chargers[1].number(.uptime)) <= 2)
        #expect(try #require(plant.chargers[1].number(.panelPower)) > 0)
    }

    @Test("a 24 V and a 48 V battery are charged at their voltage", arguments: [24, 48])
    func voltages(nominal: Int) throws {
        let site = SimulatedSite(
            sky: Sky(cloudiness: 0), battery: SimulatedBattery(nominalVoltage: nominal, stateOfCharge: 0.8))
        var charger = SimulatedCharger(.smartSolar150x60(), site: site, seed: 1)
        _ = charger.transmit(until: .seconds(5))
        #expect(charger.number(.systemVoltage) == nominal)
        let voltage = try #require(charger.number(.chargerVoltage)) * 12 / nominal
        #expect((1250...1440).contains(voltage))
        #expect(try #require(charger.number(.absorptionVoltage)) * 12 / nominal >= 1439)
        #expect(try #require(charger.number(.panelPower)) > 50_000)
    }

    @Test("an old model that lives on its panels is silent at night, and starts anew in the morning")
    func sleeps() throws {
        var model = try #require(ChargerModel(productID: 0xA040, serial: "HQ1", firmware: .v150))
        #expect(model.sleepsAtNight)
        var site = Self.site(cloudiness: 0)
        site.clock = SolarClock(startHour: 0, dayLength: .seconds(120))
        var charger = SimulatedCharger(model, site: site, seed: 1)
        _ = charger.transmit(until: .seconds(2))
        charger.receive(Request.ping.bytes, at: .seconds(3))
        #expect(charger.transmit(until: .seconds(10)).isEmpty)
        #expect(charger.acceptedRequests == 0)
        let morning = charger.transmit(until: .seconds(60))
        #expect(morning.count > 3000)
        charger.receive(Request.ping.bytes, at: .seconds(60))
        #expect(charger.acceptedRequests == 1)
        model.sleepsAtNight = false
        var other = SimulatedCharger(model, site: site, seed: 1)
        #expect(other.transmit(until: .seconds(10)).count > 1000)
    }
}
