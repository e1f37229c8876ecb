import Testing

@testable import Bridge
@testable import VEDirect

@Suite("The readable topics through a day")
struct ReadableDayTests {
    /// Issue of messages by the hour, over all that a subscriber to `vebridge/#` gets.
    private func hours(_ messages: [SimulatedDay.Message]) -> [Int: Int] {
        var hours: [Int: Int] = [:]
        for message in messages where message.topic.hasPrefix("vebridge/") {
            hours[Int(message.time.components.seconds / 3600), default: 0] += 1
        }
        return hours
    }

    @Test("a cloudy day stays below 1,500 messages an hour and charger, and the night is quiet")
    func budget() {
        var day = SimulatedDay(chargers: 2, startHour: 2, cloudiness: 0.8)
        day.run(for: .seconds(18 * 3600), step: .seconds(5))
        let hours = hours(day.messages)
        let busiest = hours.values.max() ?? 0
        let total = hours.values.reduce(0, +)
        print("readable messages: busiest hour \(busiest / 2) a charger, \(total / 2 / 18) on average")
        #expect(busiest > 2 * 100)
        #expect(busiest < 2 * 1500)
        // In the dark only heartbeats and the battery are left.
        let night = hours[0] ?? .max
        print("the first hour, before the sun: \(night / 2)")
        #expect(night < busiest / 2)
    }

    @Test("one charger alone stays within the same budget, system, battery and inverter included")
    func alone() {
        var day = SimulatedDay(chargers: 1, startHour: 10, cloudiness: 0.9)
        day.run(for: .seconds(2 * 3600), step: .seconds(2))
        let busiest = hours(day.messages).values.max() ?? 0
        print("readable messages of one charger: busiest hour \(busiest)")
        #expect(busiest < 1500)
    }

    @Test("nothing in a document is older than it says")
    func ages() throws {
        let watched: [String: RegisterID] = [
            "panel_power": .panelPower, "battery_voltage": .chargerVoltage, "yield_today": .yieldToday,
            "temperature": .chargerTemperature,
        ]
        var day = SimulatedDay(chargers: 2, startHour: 11, cloudiness: 0.9)
        day.run(for: .seconds(1800), watching: Set(watched.values))
        var checked = 0
        for message in day.messages where message.topic.hasSuffix("/state") && message.topic.contains("charger/") {
            let document = try #require(JSONValue(Array(message.payload.utf8)))
            let serial = try #require(document["serial"]?.asText)
            for (key, register) in watched {
                guard let entry = document["values"]?[key], case .number(let value)? = entry["value"],
                    case .number(let age)? = entry["age"], let age = Double(age)
                else { continue }
                let quantity = try #require(Quantity.all(of: .charger).first { $0.key == key })
                let since = message.time - .milliseconds(Int(age * 1000))
                let held = (day.held["\(serial)/\(register)"] ?? []).filter { (since...message.time).contains($0.time) }
                let texts = try held.map { reading in
                    quantity.text(try RegisterCatalogue.standard[register]?.decode(reading.raw).scaled ?? -1)
                }
                #expect(texts.contains(value), "\(key) \(value) of \(age) s ago, among \(texts)")
                checked += 1
            }
        }
        #expect(checked > 400)
    }

    @Test("a charger that falls silent is away after half a minute, and its values are gone; it comes back whole")
    func silence() {
        var day = SimulatedDay(chargers: 2, startHour: 12, cloudiness: 0.3)
        day.run(for: .seconds(60))
        day.clearMessages()
        let serial = day.serials[0]
        let base = "vebridge/charger/\(serial)"
        day.setMute(0, true)
        day.run(for: .seconds(20))
        // Late is not gone.
        #expect(!day.messages.contains { $0.topic.hasPrefix(base) && $0.payload.isEmpty })
        #expect(!day.messages.contains { $0.topic == base + "/availability" })
        day.run(for: .seconds(45))
        #expect(day.messages.filter { $0.topic == base + "/availability" }.map(\.payload) == ["offline"])
        #expect(day.messages.filter { $0.topic == base + "/panel_power" }.map(\.payload).last == "")
        #expect(day.messages.filter { $0.topic == base + "/yield_total" }.map(\.payload).last == "")
        // A sum without it would be wrong, until it has been away for a minute.
        let sums = day.messages.filter { $0.topic == "vebridge/system/solar_power" }.map(\.payload)
        let gap = sums.firstIndex(of: "")
        #expect(gap != nil && gap != sums.indices.last)
        day.clearMessages()
        day.setMute(0, false)
        day.run(for: .seconds(30))
        #expect(day.messages.filter { $0.topic == base + "/availability" }.map(\.payload) == ["online"])
        #expect(day.messages.contains { $0.topic == base + "/panel_power" && !$0.payload.isEmpty })
        #expect(day.messages.contains { $0.topic == base + "/yield_total" && !$0.payload.isEmpty })
        // Everything is kept by the broker, so that who comes later knows it too.
        #expect(day.messages.allSatisfy { $0.isRetained })
    }

    @Test("when nothing is read any more every value goes, by itself")
    func standstill() {
        var day = SimulatedDay(chargers: 1, startHour: 12, cloudiness: 0.3)
        day.run(for: .seconds(30))
        day.clearMessages()
        day.idle(for: .seconds(120))
        let base = "vebridge/charger/\(day.serials[0])"
        #expect(day.messages.contains { $0.topic == base + "/panel_power" && $0.payload.isEmpty })
        #expect(day.messages.contains { $0.topic == "vebridge/system/solar_power" && $0.payload.isEmpty })
        #expect(day.messages.contains { $0.topic == "vebridge/battery/voltage" && $0.payload.isEmpty })
        #expect(day.messages.contains { $0.topic == "vebridge/battery/availability" && $0.payload == "offline" })
    }
}
