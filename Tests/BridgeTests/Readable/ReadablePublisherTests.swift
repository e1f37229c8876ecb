import Glibc
import Testing

@testable import Bridge
@testable import VEDirect

/// A publisher of readable topics on a clock of the test's own.
private struct Bench {
    var plant = Plant()
    var publisher: ReadablePublisher
    var now: Duration = .seconds(100)
    var isOnline = true
    var said: [String] = []

    init(_ change: (inout Configuration.Readable) -> Void = { _ in }) {
        var configuration = Configuration()
        change(&configuration.readable)
        publisher = ReadablePublisher(configuration, wallTime: { nil })
        plant.identified(.solarCharger("HQ2012ABCDE"), port: "/dev/ttyUSB0", at: now)
        for register in [RegisterID.panelPower, .chargerError] { plant.lifetimes[register] = .seconds(33) }
    }

    mutating func read(_ register: RegisterID, _ number: Int, _ count: Int) throws {
        try plant.read(register, number, count, of: "HQ2012ABCDE", at: now)
    }

    /// What a look says of the charger, documents and availability aside, as `key payload`.
    mutating func look() -> [String] {
        var said: [String] = []
        let isOnline = isOnline
        let moment = ReadableMoment(
            plant: plant, picture: plant.picture(at: now), book: EnergyBook(stateDirectory: "", log: quietLog), now: now
        )
        publisher.look(moment) { message in
            if isOnline { said.append("\(message.topic) \(String(decoding: message.payload, as: UTF8.self))") }
            return isOnline
        }
        self.said = said
        let base = "vebridge/charger/HQ2012ABCDE/"
        return said.filter { $0.hasPrefix(base) }.map { String($0.dropFirst(base.count)) }
            .filter { !$0.hasPrefix("state ") && !$0.hasPrefix("availability ") && !$0.hasPrefix("port ") }
            .filter { !$0.hasPrefix("share") }
    }

    /// The document in the last look.
    var document: JSONValue? {
        said.first { $0.hasPrefix("vebridge/charger/HQ2012ABCDE/state ") }
            .flatMap { JSONValue(Array($0.drop { $0 != " " }.dropFirst().utf8)) }
    }
}

@Suite("Readable topics")
struct ReadablePublisherTests {
    @Test("units of people, words for numbers, on and off")
    func values() throws {
        var bench = Bench()
        try bench.read(.panelPower, 12345, 4)
        try bench.read(.chargerVoltage, 1342, 2)
        try bench.read(.deviceState, 4, 1)
        try bench.read(.trackerMode, 2, 1)
        try bench.read(.chargerError, 2, 1)
        try bench.read(.loadState, 1, 1)
        try bench.read(.batteryTemperature, 29465, 2)
        try bench.read(.offReason, 0, 4)
        try bench.read(.yieldToday, 7, 2)
        #expect(
            bench.look() == [
                "panel_power 123.5", "battery_voltage 13.42", "load ON", "charge_state absorption",
                "error battery voltage too high", "problem ON", "tracker_mode tracking", "off_reason none",
                "yield_today 0.07", "battery_temperature 21.5",
            ])
        let power = bench.document?["values"]?["panel_power"]
        #expect(power?["value"] == .number("123.5") && power?["unit"] == .text("W"))
        #expect(power?["from"] == .text("asked") && power?["age"] == .number("0.0"))
        #expect(bench.document?["values"]?["problem"]?["value"] == .bool(true))
    }

    @Test("a number without a word is 'other', which every list of options has")
    func other() throws {
        var bench = Bench()
        try bench.read(.deviceState, 99, 1)
        try bench.read(.chargerError, 222, 1)
        #expect(bench.look() == ["charge_state other", "error solar connect failed", "problem ON"])
        for quantity in Quantity.table { #expect(quantity.options?.contains("other") ?? true) }
    }

    @Test("below the threshold and before its time nothing is said; at the heartbeat it is")
    func thresholds() throws {
        var bench = Bench()
        try bench.read(.panelPower, 10000, 4)
        #expect(bench.look() == ["panel_power 100.0"])
        // Much, and too soon.
        bench.now += .seconds(5)
        try bench.read(.panelPower, 20000, 4)
        #expect(bench.look() == [])
        bench.now += .seconds(5)
        try bench.read(.panelPower, 20000, 4)
        #expect(bench.look() == ["panel_power 200.0"])
        // Late enough, and less than one per cent.
        bench.now += .seconds(20)
        try bench.read(.panelPower, 20190, 4)
        #expect(bench.look() == [])
        bench.now += .seconds(1)
        try bench.read(.panelPower, 20200, 4)
        #expect(bench.look() == ["panel_power 202.0"])
        bench.now += .seconds(599)
        try bench.read(.panelPower, 20200, 4)
        #expect(bench.look() == [])
        bench.now += .seconds(1)
        try bench.read(.panelPower, 20200, 4)
        #expect(bench.look() == ["panel_power 202.0"])
    }

    @Test("the last watt to zero is said, however small")
    func zero() throws {
        var bench = Bench()
        try bench.read(.panelPower, 60, 4)
        #expect(bench.look() == ["panel_power 0.6"])
        bench.now += .seconds(10)
        try bench.read(.panelPower, 0, 4)
        #expect(bench.look() == ["panel_power 0.0"])
        // And once.
        bench.now += .seconds(10)
        try bench.read(.panelPower, 0, 4)
        #expect(bench.look() == [])
    }

    @Test("pace and threshold are multiplied")
    func factors() throws {
        var bench = Bench {
            $0.pace = 0
            $0.threshold = 0
        }
        try bench.read(.panelPower, 10000, 4)
        _ = bench.look()
        bench.now += .milliseconds(100)
        try bench.read(.panelPower, 10010, 4)
        #expect(bench.look() == ["panel_power 100.1"])
        // Not what nobody could see.
        try bench.read(.panelPower, 10011, 4)
        #expect(bench.look() == [])
    }

    @Test("a sentinel empties the topic; a refused register that an earlier run told of is emptied once")
    func sentinel() throws {
        var bench = Bench()
        try bench.read(.batteryTemperature, 29315, 2)
        #expect(bench.look() == ["battery_temperature 20.0"])
        bench.now += .seconds(1)
        try bench.read(.batteryTemperature, 0xFFFF, 2)
        bench.plant.refused(.loadCurrent, serial: "HQ2012ABCDE")
        #expect(bench.look() == ["load_current ", "battery_temperature "])
        #expect(bench.look() == [])
        bench.now += .seconds(20)
        try bench.read(.batteryTemperature, 29315, 2)
        #expect(bench.look() == ["battery_temperature 20.0"])
    }

    @Test("what is not taken is tried again, and a broker that is back hears everything")
    func offline() throws {
        var bench = Bench()
        bench.isOnline = false
        try bench.read(.panelPower, 10000, 4)
        #expect(bench.look() == [])
        bench.isOnline = true
        bench.now += .seconds(1)
        #expect(bench.look() == ["panel_power 100.0"])
        #expect(bench.look() == [])
        bench.publisher.forgetSent()
        #expect(bench.look() == ["panel_power 100.0"])
        #expect(bench.said.contains("vebridge/charger/HQ2012ABCDE/availability online"))
        #expect(bench.said.contains { $0.hasPrefix("vebridge/charger/HQ2012ABCDE/state {") })
    }

    @Test("the document comes at once, then not more often than every state interval")
    func documents() throws {
        var bench = Bench()
        var times: [Duration] = []
        for second in 0..<60 {
            bench.now = .seconds(100 + second)
            try bench.read(.panelPower, 10000 + second * 1000, 4)
            _ = bench.look()
            if bench.document != nil { times.append(bench.now) }
        }
        #expect(times.first == .seconds(100))
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= .seconds(30) })
        #expect(times.count == 2)
    }

    @Test("a charger that the broker remembers and that does not come is said to be away, once")
    func ghosts() throws {
        var bench = Bench()
        bench.publisher.remembered(.charger("HQ1900GHOST"), at: bench.now)
        bench.publisher.remembered(.charger("HQ2012ABCDE"), at: bench.now)
        _ = bench.look()
        #expect(!bench.said.contains { $0.contains("offline") })
        bench.now += .seconds(61)
        bench.plant.identified(.solarCharger("HQ2012ABCDE"), port: "/dev/ttyUSB0", at: bench.now)
        _ = bench.look()
        #expect(bench.said.filter { $0.contains("offline") } == ["vebridge/charger/HQ1900GHOST/availability offline"])
        _ = bench.look()
        #expect(!bench.said.contains { $0.contains("offline") })
        let topics = ReadableTopics(prefix: "boat/solar")
        #expect(topics.device(inAvailability: "boat/solar/charger/HQ1/availability") == .charger("HQ1"))
        #expect(topics.device(inAvailability: "boat/solar/battery/availability") == .single(.battery))
        for other in [
            "boat/solar/charger/availability", "boat/solar/charger/a/b/availability", "boat/solar/availability",
            "boat/charger/HQ1/availability", "boat/solar/charger//availability", "boat/solar/toaster/availability",
        ] {
            #expect(topics.device(inAvailability: other) == nil)
        }
        #expect(topics.availabilityFilters.first == "boat/solar/charger/+/availability")
    }

    @Test("numbers have their decimals, and no more")
    func numbers() {
        #expect(Quantity.text(-0.05, decimals: 1) == "-0.1")
        #expect(Quantity.text(0.04, decimals: 1) == "0.0")
        #expect(Quantity.text(-0.04, decimals: 1) == "0.0")
        #expect(Quantity.text(1234.5, decimals: 0) == "1235")
        #expect(Quantity.text(-12.345, decimals: 2) == "-12.35")
        #expect(Quantity.text(0.007, decimals: 3) == "0.007")
    }

    @Test("keys are unique, none is a document or an availability, and every register of the table is asked for")
    func table() {
        for owner in Quantity.Owner.allCases {
            let keys = Quantity.all(of: owner).map(\.key)
            #expect(Set(keys).count == keys.count)
            #expect(!keys.contains("state") && !keys.contains("availability"))
            #expect(keys.allSatisfy { DiscoveryRules.isIdentifier($0) })
        }
        let asked = Set(PollPlan.standardEntries.map(\.register))
        for quantity in Quantity.table {
            guard case .register(let register, _) = quantity.source else { continue }
            #expect(asked.contains(register), "\(register)")
            #expect(RegisterCatalogue.standard[register] != nil)
        }
    }
}

@Suite("Counted energy")
struct EnergyBookTests {
    private func picture(_ power: Double?, age: Duration = .zero, isStale: Bool = false) -> PlantPicture {
        let figure = power.map { Figure(value: $0, age: age, origin: .plant, isStale: isStale) }
        return PlantPicture(
            solarPower: nil, solarOutput: nil, batteryVoltage: nil, batteryCurrent: nil, batteryPower: figure,
            stateOfCharge: nil, consumedCharge: nil, consumption: nil, inverter: nil, shares: [])
    }

    private func scratch() -> String {
        var template = Array("/tmp/vebridge-energy-XXXXXX".utf8CString)
        return mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    @Test("into and out of the battery apart, through zero, and only while it is measured")
    func counts() {
        var book = EnergyBook(stateDirectory: scratch(), log: quietLog)
        let plant = Plant()
        #expect(book.energy(.batteryIn) == nil)
        for second in 0...3600 { book.note(picture(360), plant, at: .seconds(second)) }
        #expect(abs((book.energy(.batteryIn)?.kilowattHours ?? 0) - 0.36) < 1e-9)
        #expect(book.energy(.batteryOut)?.kilowattHours == 0)
        // From +360 W to -360 W within two seconds: a second's triangle each.
        book.note(picture(-360), plant, at: .seconds(3602))
        #expect(abs((book.energy(.batteryOut)?.kilowattHours ?? 0) - 180 / 3.6e6) < 1e-12)
        // Nobody measured for a minute; and a stale figure is none.
        book.note(picture(-360), plant, at: .seconds(3662))
        book.note(picture(-360, isStale: true), plant, at: .seconds(3663))
        book.note(picture(-360), plant, at: .seconds(3664))
        #expect(abs((book.energy(.batteryOut)?.kilowattHours ?? 0) - 180 / 3.6e6) < 1e-12)
        // The same measurement looked at twice counts once.
        book.note(picture(-360, age: .seconds(1)), plant, at: .seconds(3665))
        #expect(abs((book.energy(.batteryOut)?.kilowattHours ?? 0) - 180 / 3.6e6) < 1e-12)
    }

    @Test("survives a restart, and a damaged file is put aside and said")
    func restart() throws {
        let folder = scratch()
        var plant = Plant()
        plant.add("HQ2012ABCDE")
        try plant.read(.systemYield, 100_000, 4, of: "HQ2012ABCDE")
        var book = EnergyBook(stateDirectory: folder, log: quietLog)
        for second in 0...10 { book.note(picture(3600), plant, at: .seconds(second)) }
        #expect(book.energy(.solar)?.kilowattHours == 0)
        try plant.read(.systemYield, 100_050, 4, of: "HQ2012ABCDE", at: .seconds(11))
        book.note(picture(3600), plant, at: .seconds(11))
        book.save(at: .seconds(11), isLast: true, log: quietLog)
        // Only its owner may read it.
        var status = stat()
        #expect(stat(folder + "/energy", &status) == 0 && status.st_mode & 0o777 == 0o600)
        // The charger went on counting while nobody looked.
        try plant.read(.systemYield, 100_150, 4, of: "HQ2012ABCDE")
        var second = EnergyBook(stateDirectory: folder, log: quietLog)
        #expect(second.energy(.batteryIn) == nil)
        second.note(picture(0), plant, at: .zero)
        #expect(abs((second.energy(.batteryIn)?.kilowattHours ?? 0) - 0.011) < 1e-9)
        #expect(abs((second.energy(.solar)?.kilowattHours ?? 0) - 1.5) < 1e-9)
        // Another charger's lifetime is no energy of today.
        plant.add("HQ2099OTHER")
        try plant.read(.systemYield, 900_000, 4, of: "HQ2099OTHER")
        second.note(picture(0), plant, at: .seconds(1))
        #expect(abs((second.energy(.solar)?.kilowattHours ?? 0) - 1.5) < 1e-9)

        let file = try #require(fopen(folder + "/energy", "w"))
        fputs("vebridge energy 1\nbattery_in\t12", file)
        fclose(file)
        var third = EnergyBook(stateDirectory: folder, log: quietLog)
        third.note(picture(0), plant, at: .zero)
        #expect(third.energy(.batteryIn)?.kilowattHours == 0)
        #expect(access(folder + "/energy.damaged", F_OK) == 0)
    }

    @Test("without a state directory there is no counter that would begin again at every start")
    func nowhere() throws {
        var book = EnergyBook(stateDirectory: "", log: quietLog)
        for second in 0...10 { book.note(picture(3600), Plant(), at: .seconds(second)) }
        #expect(book.energy(.batteryIn) == nil)
    }
}
