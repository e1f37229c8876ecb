import Simulation
import Testing

/// The board of the demo as text: what fits which terminal.
@Suite("The board of the demo")
struct DemoBoardTests {
    private static func board(chargers: Int = 3) -> DemoBoard {
        var board = DemoBoard()
        board.page = "http://127.0.0.1:8070/"
        board.broker = "mqtt://127.0.0.1:43119"
        (board.messages, board.topics) = (12_345, 268)
        board.clock = "11:24:05"
        board.chargers = (0..<chargers).map { index in
            var charger = DemoBoard.Charger(name: index == 0 ? "SmartSolar MPPT 150/60" : "BlueSolar MPPT 75/\(index)")
            charger.power = 412.4 + Double(index)
            charger.voltage = 13.214
            charger.state = "absorption"
            charger.yield = 1.2345
            return charger
        }
        board.solar = 734.6
        board.charge = 79.4
        board.voltage = 13.214
        board.current = -4.26
        board.consumption = 789
        board.inverter = "Inverting"
        board.hints = ["all topics: mosquitto_sub -p 43119 -t '#' -v", "a day in ten minutes: vebridge demo --fast"]
        return board
    }

    @Test("every size: no line is wider than the terminal, and none is lost below it", arguments: [3, 64])
    func fits(chargers: Int) {
        let board = Self.board(chargers: chargers)
        for columns in [1, 2, 20, 40, 57, 58, 59, 60, 79, 80, 200] {
            for rows in [1, 2, 3, 5, 8, 15, 24, 60] {
                let lines = board.lines(columns: columns, rows: rows)
                #expect(!lines.isEmpty && lines.count <= min(rows, 20))
                #expect(lines.allSatisfy { $0.count <= columns }, "\(columns)x\(rows): \(lines)")
            }
        }
        #expect(board.lines(columns: 0, rows: 24) == [] && board.lines(columns: 80, rows: 0) == [])
    }

    @Test(
        "the address of the page and the key that quits stay, however small the terminal", arguments: [1, 2, 8, 15, 24])
    func keepsTheAddress(rows: Int) {
        for columns in [40, 59, 79] {
            let lines = Self.board(chargers: 20).lines(columns: columns, rows: rows)
            #expect(lines.first?.hasSuffix("q quits") == true)
            if rows > 1 { #expect(lines.contains { $0.hasSuffix(" http://127.0.0.1:8070/") }) }
        }
    }

    @Test("80 columns and 24 rows show everything")
    func everything() throws {
        let lines = Self.board().lines(columns: 79, rows: 24)
        #expect(lines.contains { $0.contains("mqtt://127.0.0.1:43119") && $0.contains("12345 messages, 268 topics") })
        let first = try #require(lines.first { $0.hasPrefix("SmartSolar MPPT 150/60") })
        #expect(
            first.split(separator: " ").map(String.init)
                == ["SmartSolar", "MPPT", "150/60", "412", "W", "13.21", "V", "absorption", "1.23", "kWh"])
        #expect(lines.contains { $0.hasPrefix("solar") && $0.hasSuffix(" 735 W") })
        #expect(lines.contains { $0.contains("79 %") && $0.contains("13.21 V") && $0.hasSuffix("-4.3 A  discharging") })
        #expect(lines.contains { $0.hasPrefix("consumption") && $0.hasSuffix(" 789 W") })
        #expect(lines.contains { $0.hasPrefix("inverter") && $0.hasSuffix("inverting") })
        #expect(lines.contains("a day in ten minutes: vebridge demo --fast"))
        // Columns stand below each other whatever the values are.
        let rows = lines.filter { $0.contains("MPPT") }
        #expect(Set(rows.map(\.count)).count == 1)
    }

    @Test("a small terminal loses the hints first, and the figures of the plant last")
    func small() {
        let lines = Self.board().lines(columns: 59, rows: 11)
        #expect(!lines.contains { $0.contains("ten minutes") } && !lines.contains(""))
        #expect(lines.count { $0.contains("MPPT") } == 3)
        let tiny = Self.board().lines(columns: 39, rows: 6)
        #expect(tiny.contains { $0.hasPrefix("solar") } && tiny.contains { $0.hasPrefix("consumption") })
    }

    @Test("what is not known is a mark and not a number")
    func unknown() throws {
        var board = DemoBoard()
        board.chargers = [DemoBoard.Charger(name: "HQ2010SIMA0")]
        board.solar = .nan
        board.consumption = .infinity
        let lines = board.lines(columns: 79, rows: 24)
        let row = try #require(lines.first { $0.hasPrefix("HQ2010SIMA0") })
        #expect(row.count { $0 == "…" } == 4)
        #expect(lines.contains { $0.hasPrefix("solar") && $0.hasSuffix("…") })
        #expect(lines.contains { $0.contains("mosquitto is not installed") })
        #expect(!lines.contains { $0.contains("nan") || $0.contains("inf") })
    }
}

/// A plant whose day is under way when it starts.
@Suite("The morning of a simulated plant")
struct MorningTests {
    private static func plant(hour: Double) -> SimulatedPlant {
        var plant = SimulatedPlant(
            site: SimulatedSite(
                sky: Sky(cloudiness: 0.3, seed: 5), clock: SolarClock(startHour: hour),
                battery: SimulatedBattery(capacity: 400, stateOfCharge: 0.5)))
        plant.add(.smartSolar150x60(), seed: 1)
        plant.add(.blueSolar75x15(), seed: 2)
        return plant
    }

    @Test("what is reported since midnight adds up to what the chargers count today")
    func agrees() {
        var plant = Self.plant(hour: 11.5)
        let before = plant.chargers.map(\.totalYield)
        var times: [Double] = []
        var energy = [0.0, 0.0]
        var loads: [Double] = []
        plant.simulateMorning(every: 60, load: { $0 / 3600 }) { time, plant in
            times.append(time)
            for index in energy.indices { energy[index] += plant.chargers[index].panelPower * 60 / 3_600_000 }
            loads.append(plant.site.loads["inverter"] ?? -1)
        }
        #expect(times.first == 60 && times.last == 11.5 * 3600 && times.count == 690)
        #expect(loads.last.map { abs($0 - 11.5) < 0.1 } == true)
        for index in energy.indices {
            let counted = plant.chargers[index].yieldToday
            #expect(counted > 0.2)
            #expect(abs(counted - energy[index]) < counted * 0.02, "\(counted) and \(energy[index])")
            // One day: dawn does not open another one.
            #expect(abs((plant.chargers[index].totalYield - before[index]) / 1000 - counted) < 0.01)
        }
        // The registers hold it from the first moment on: 0.01 kWh.
        let register = plant.chargers[0].currentValue(.yieldToday).map { Int($0[0]) | Int($0[1]) << 8 } ?? 0
        #expect(abs(Double(register) / 100 - plant.chargers[0].yieldToday) <= 0.011)
    }

    @Test("the plant goes on where the morning ended")
    func goesOn() {
        var plant = Self.plant(hour: 11)
        plant.simulateMorning(every: 60) { _, _ in }
        let (charge, yield) = (plant.site.battery.stateOfCharge, plant.chargers[0].yieldToday)
        plant.advance(to: .seconds(60))
        #expect(abs(plant.site.battery.stateOfCharge - charge) < 0.01)
        #expect(plant.chargers[0].yieldToday > yield && plant.chargers[0].yieldToday < yield + 0.02)
    }

    @Test("earlier days are what they are set to")
    func past() {
        var plant = Self.plant(hour: 11)
        let total = plant.chargers[1].totalYield
        plant.addEarlierYield(500, charger: 1)
        #expect(abs(plant.chargers[1].totalYield - total - 500_000) < 1e-6)
        plant.setPastDay(1, yield: 1.23, maximumPower: 99, charger: 1)
        plant.setPastDay(0, yield: 77, maximumPower: 99, charger: 1)
        plant.setPastDay(400, yield: 77, maximumPower: 99, charger: 1)
        plant.simulateMorning(every: 600) { _, _ in }
        let register = plant.chargers[1].currentValue(.yieldYesterday).map { Int($0[0]) | Int($0[1]) << 8 }
        #expect(register == 123)
        #expect(plant.chargers[1].yieldToday < 5)
    }
}
