import Foundation
import Testing

@testable import Bridge
@testable import VEDirect

@Suite("Home Assistant's discovery")
struct DiscoveryTests {
    private func configs(_ day: SimulatedDay) -> [SimulatedDay.Message] {
        day.messages.filter { $0.topic.hasPrefix("homeassistant/") }
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func stateDirectory() -> String {
        var template = Array("/tmp/vebridge-ha-XXXXXX".utf8CString)
        return mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    @Test("every message of a full plant is one that Home Assistant takes, and each device has one")
    func fullPlant() throws {
        let folder = stateDirectory()
        var day = SimulatedDay(chargers: 3, startHour: 11, cloudiness: 0.5) { $0.bridge.stateDirectory = folder }
        day.run(for: .seconds(120))
        var validator = DiscoveryValidator()
        let configs = configs(day)
        let last = Dictionary(configs.map { ($0.topic, $0) }, uniquingKeysWith: { $1 })
        for (topic, message) in last {
            validator.check(topic: topic, payload: message.payload, isRetained: message.isRetained)
        }
        validator.finish()
        #expect(validator.faults == [])
        let ids = ["vebridge_bridge", "vebridge_battery", "vebridge_inverter", "vebridge_system"]
        #expect(validator.identifiers == Set(ids + day.serials.map { "vebridge_\($0)" }))
        #expect(validator.vias == ["vebridge_bridge"])
        // Announced once, when everything was known, and not bit by bit.
        #expect(configs.count == last.count)
        // What the energy dashboard needs.
        let energies = validator.energyEntities
        for id in [
            "vebridge_battery_energy_in", "vebridge_battery_energy_out", "vebridge_system_solar_energy",
            "vebridge_\(day.serials[0])_yield_total", "vebridge_\(day.serials[0])_yield_today",
        ] {
            #expect(energies.contains(id))
        }
        #expect(!energies.contains("vebridge_\(day.serials[0])_yield_yesterday"))
        // Every entity's topic was published.
        let topics = Set(day.messages.map(\.topic))
        #expect(validator.stateTopics.subtracting(topics) == ["vebridge/bridge/state", "vebridge/bridge/health"])
    }

    @Test("a charger says who it is, and diagnostic entities wait to be asked for")
    func charger() throws {
        var day = SimulatedDay(chargers: 2, startHour: 11, cloudiness: 0.5)
        day.run(for: .seconds(30))
        let serial = day.serials[0]
        let message = try #require(configs(day).first { $0.topic == "homeassistant/device/vebridge_\(serial)/config" })
        let root = try object(message.payload)
        let device = try #require(root["dev"] as? [String: Any])
        #expect(device["sn"] as? String == serial)
        #expect(device["mf"] as? String == "Victron Energy")
        #expect(device["mdl"] as? String == "SmartSolar Charger MPPT 150/60")
        #expect(device["mdl_id"] as? String == "0xA062")
        #expect(device["sw"] as? String == "1.64")
        #expect(device["via_device"] as? String == "vebridge_bridge")
        #expect(device["name"] as? String == "SmartSolar Charger MPPT 150/60 \(serial)")
        let components = try #require(root["cmps"] as? [String: [String: Any]])
        let power = try #require(components["panel_power"])
        #expect(power["state_topic"] as? String == "vebridge/charger/\(serial)/panel_power")
        #expect(power["unit_of_measurement"] as? String == "W")
        #expect(power["enabled_by_default"] == nil && power["entity_category"] == nil)
        let availability = try #require(power["availability"] as? [[String: String]])
        #expect(
            availability.map { $0["topic"] ?? "" } == [
                "vebridge/bridge/state", "vebridge/charger/\(serial)/availability",
                "vebridge/charger/\(serial)/panel_power",
            ])
        // A value is renewed at least at the heartbeat.
        #expect((power["expire_after"] as? Int ?? 0) >= 2 * 600)
        #expect(components["port"]?["enabled_by_default"] as? Bool == false)
        #expect(components["port"]?["entity_category"] as? String == "diagnostic")
        // What it does not have is not announced: no load output, no sensor on the battery.
        #expect(components["load"] == nil && components["battery_temperature"] == nil)
        let other = try #require(configs(day).first { $0.topic.contains(day.serials[1]) })
        #expect(try (object(other.payload)["cmps"] as? [String: Any])?["load"] != nil)
    }

    @Test("a charger that is named is announced anew under the same ids; one that returns says the same again")
    func renamedAndReturned() throws {
        var day = SimulatedDay(chargers: 2, startHour: 11, cloudiness: 0.5)
        day.run(for: .seconds(30))
        let serial = day.serials[0]
        let before = try #require(configs(day).first { $0.topic.contains(serial) })
        day.clearMessages()
        day.setMute(0, true)
        day.run(for: .seconds(60))
        day.setMute(0, false)
        day.run(for: .seconds(60))
        #expect(configs(day).map(\.payload) == [before.payload])
        day.clearMessages()
        day.plant.read(try .of(.customName, Array("Foredeck".utf8), at: day.now), serial: serial)
        day.run(for: .seconds(10))
        let after = configs(day)
        #expect(after.map(\.topic) == [before.topic])
        let (old, new) = (try object(before.payload), try object(try #require(after.first).payload))
        #expect((new["dev"] as? [String: Any])?["name"] as? String == "Foredeck")
        #expect(
            (new["dev"] as? [String: Any])?["ids"] as? [String] == (old["dev"] as? [String: Any])?["ids"] as? [String])
        #expect((new["cmps"] as? NSDictionary) == (old["cmps"] as? NSDictionary))
    }

    @Test("when Home Assistant starts everything is said again within five seconds, announcements first")
    func rebirth() {
        var day = SimulatedDay(chargers: 2, startHour: 11, cloudiness: 0.5)
        day.run(for: .seconds(30))
        let before = Set(configs(day).map(\.topic))
        day.clearMessages()
        let start = day.now
        day.desk.take(ReadableNews(homeAssistantStarted: true), at: day.now)
        day.run(for: .seconds(6))
        let again = configs(day)
        #expect(Set(again.map(\.topic)) == before)
        #expect(again.allSatisfy { $0.time - start <= .seconds(5) && $0.time > start })
        let power = day.messages.lastIndex { $0.topic == "vebridge/charger/\(day.serials[0])/panel_power" }
        let config = day.messages.firstIndex { $0.topic.contains("homeassistant/device/vebridge_\(day.serials[0])") }
        #expect(power ?? -1 > config ?? .max)
        #expect(day.messages.contains { $0.topic.hasSuffix("/availability") && $0.payload == "online" })
    }

    @Test("one component that would be refused is left out, and the device stays")
    func oneBadComponent() {
        func component(_ id: String, _ change: (inout DiscoveryComponent) -> Void = { _ in }) -> DiscoveryComponent {
            var component = DiscoveryComponent(
                platform: "sensor", uniqueID: id, name: "Name", stateTopic: "a/b", availability: [],
                deviceClass: "power", stateClass: "measurement", unit: "W")
            change(&component)
            return component
        }
        let bad: [String: DiscoveryComponent] = [
            "id": component("a b"), "platform": component("c1") { $0.platform = "light" },
            "class": component("c2") { $0.deviceClass = "strength" }, "unit": component("c3") { $0.unit = "kWh" },
            "energy": component("c4") { ($0.deviceClass, $0.unit) = ("energy", "kWh") },
            "enum": component("c5") { ($0.deviceClass, $0.unit, $0.stateClass) = ("enum", nil, nil) },
            "options": component("c6") { $0.options = ["a"] }, "topic": component("c7") { $0.stateTopic = "a/#" },
            "name": component("c8") { $0.name = "" }, "expire": component("c9") { $0.expireAfter = 0 },
            "twice": component("good"),
            "binary": component("c10") { ($0.platform, $0.deviceClass) = ("binary_sensor", "problem") },
        ]
        let components = [(key: "good", component: component("good"))] + bad.map { (key: $0.key, component: $0.value) }
        let message = DiscoveryMessage(
            identity: .init(id: "x", name: "X"), components: components, version: "1")
        let (checked, faults) = message.checked()
        #expect(checked.components.map(\.key) == ["good"])
        #expect(faults.count == bad.count)
        var validator = DiscoveryValidator()
        validator.check(topic: "homeassistant/device/x/config", payload: checked.json, isRetained: true)
        #expect(validator.faults == [])
    }

    @Test("the validator itself finds what is wrong")
    func validator() {
        let good = """
            {"dev":{"ids":["a"],"name":"A"},"o":{"name":"vebridge","sw":"1"},"cmps":{"p":{"platform":"sensor",\
            "unique_id":"a_p","state_topic":"a/p","device_class":"power","unit_of_measurement":"W",\
            "state_class":"measurement"}}}
            """
        func faults(_ old: String, _ new: String) -> Int {
            var validator = DiscoveryValidator()
            validator.check(
                topic: "homeassistant/device/a/config", payload: good.replacingOccurrences(of: old, with: new),
                isRetained: true)
            return validator.faults.count
        }
        #expect(faults("none", "none") == 0)
        for (old, new) in [
            ("\"W\"", "\"kWh\""), ("\"power\"", "\"energy\""), ("\"sensor\"", "\"sensr\""), ("a_p", "a p"),
            ("\"o\"", "\"oo\""), ("[\"a\"]", "[]"), ("a/p", "~/p"), ("\"state_class\"", "\"stateclass\""),
            ("measurement\"}", "always\"}"), ("{\"dev\"", "\"dev\""), ("power\"", "enum\""),
        ] {
            #expect(faults(old, new) > 0, "\(old) to \(new)")
        }
    }

    @Test("what a broker keeps is told apart: ours and others', there and gone")
    func retained() throws {
        var day = SimulatedDay(chargers: 2, startHour: 11, cloudiness: 0.5)
        day.run(for: .seconds(30))
        day.setMute(1, true)
        day.run(for: .seconds(60))
        var kept = RetainedDevices(Configuration())
        for message in day.messages { kept.take(message.topic, Array(message.payload.utf8)) }
        kept.take("vebridge/bridge/state", Array("online".utf8))
        let foreign = "{\"o\":{\"name\":\"zigbee2mqtt\"},\"cmps\":{\"a\":{\"state_topic\":\"vebridge/charger/X/a\"}}}"
        kept.take("homeassistant/device/other/config", Array(foreign.utf8))
        let elsewhere = "{\"o\":{\"name\":\"vebridge\"},\"cmps\":{\"a\":{\"state_topic\":\"boat2/charger/X/a\"}}}"
        kept.take("homeassistant/device/vebridge_X/config", Array(elsewhere.utf8))
        kept.take("vebridge/stats/charger/\(day.serials[1])/yield_today", Array("1.5".utf8))
        kept.take("vebridge/stats/charger/HQ9999ZZZZZ/yield_today", Array("1.5".utf8))
        kept.take("vebridge/stats/system/yield_today", Array("1.5".utf8))
        #expect(kept.isBridgeOnline)
        #expect(kept.stale.map(\.serial) == [day.serials[1]])
        let topics = kept.charger(day.serials[1]).flatMap(\.topics)
        #expect(topics.contains("homeassistant/device/vebridge_\(day.serials[1])/config"))
        #expect(topics.contains("vebridge/charger/\(day.serials[1])/availability"))
        #expect(topics.contains("vebridge/stats/charger/\(day.serials[1])/yield_today"))
        #expect(!kept.all.flatMap(\.topics).contains { $0.contains("HQ9999ZZZZZ") || $0.contains("stats/system") })
        let all = kept.all.flatMap(\.topics)
        #expect(!all.contains { $0.contains("other") || $0.contains("vebridge_X") })
        #expect(Set(all).count == all.count || day.messages.count > all.count)
        #expect(kept.all.contains { $0.base == "vebridge/bridge" })
    }
}
