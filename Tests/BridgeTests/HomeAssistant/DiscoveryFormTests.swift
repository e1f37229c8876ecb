import Foundation
import Testing

@testable import Bridge
@testable import VEDirect

/// Announcements for brokers that accept small packets only.
@Suite("Announcements in parts")
struct DiscoveryFormTests {
    private typealias Message = MQTTClient.Message

    /// Home Assistant's short names, written out again from its documentation.
    private static let names = [
        "uniq_id": "unique_id", "def_ent_id": "default_entity_id", "stat_t": "state_topic",
        "val_tpl": "value_template", "avty_mode": "availability_mode", "avty": "availability", "t": "topic",
        "dev_cla": "device_class", "stat_cla": "state_class", "unit_of_meas": "unit_of_measurement",
        "sug_dsp_prc": "suggested_display_precision", "ops": "options", "ic": "icon", "ent_cat": "entity_category",
        "en": "enabled_by_default", "exp_aft": "expire_after", "pl_on": "payload_on", "pl_off": "payload_off",
    ]

    private static func expanded(_ value: Any) -> Any {
        if let list = value as? [Any] { return list.map { expanded($0) } }
        guard let object = value as? [String: Any] else { return value }
        return Dictionary(uniqueKeysWithValues: object.map { (names[$0.key] ?? $0.key, expanded($0.value)) })
    }

    private func object(_ payload: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(payload)) as? [String: Any])
    }

    /// The announcements of a plant, of one a device.
    private func announcements() -> [String: Message] {
        var day = SimulatedDay(chargers: 2, startHour: 11, cloudiness: 0.5)
        day.run(for: .seconds(30))
        var found: [String: Message] = [:]
        for message in day.messages where message.topic.hasPrefix("homeassistant/device/") {
            let id = String(message.topic.split(separator: "/")[2])
            found[id] = Message(topic: message.topic, payload: message.payload, qos: 1, retain: true)
        }
        return found
    }

    private func accepts(_ size: Int) -> (Message) -> Bool {
        var limits = BrokerLimits()
        limits.packetSize = size
        return { limits.fault(of: $0, .v5) == nil }
    }

    @Test("every part says what the whole does, fits, and has a topic that Home Assistant reads")
    func sameMeaning() throws {
        let found = announcements()
        #expect(found.count >= 4)
        for (id, message) in found {
            let root = try object(message.payload)
            let components = try #require(root["cmps"] as? [String: [String: Any]])
            let parts = try #require(
                DiscoveryMessage.parts(of: message, device: id, prefix: "homeassistant", accepts: accepts(2000)))
            #expect(parts.count == components.count)
            var shortened = 0
            for part in parts {
                #expect(accepts(2000)(part) && part.qos == 1 && part.retain)
                let levels = part.topic.split(separator: "/").map(String.init)
                #expect(levels.count == 5 && levels[0] == "homeassistant" && levels[2] == id && levels[4] == "config")
                let isIdentifier = levels[3].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                #expect(isIdentifier)
                var own = try #require(Self.expanded(try object(part.payload)) as? [String: Any])
                let device = try #require(own.removeValue(forKey: "dev") as? [String: Any])
                let whole = try #require(root["dev"] as? [String: Any])
                #expect(device["ids"] as? [String] == whole["ids"] as? [String])
                if device.count > 1 { #expect(device as NSDictionary == whole as NSDictionary) }
                #expect(own.removeValue(forKey: "o") as? NSDictionary == root["o"] as? NSDictionary)
                var component = try #require(components[levels[3]])
                #expect(component.removeValue(forKey: "platform") as? String == levels[1])
                if own["options"] == nil, component["options"] != nil {
                    // The words of all errors are more than fit.
                    shortened += 1
                    component["options"] = nil
                    component["device_class"] = nil
                }
                #expect(own as NSDictionary == component as NSDictionary, "\(part.topic)")
            }
            #expect(shortened <= 1)
        }
    }

    @Test("a device is announced in the form that fits, and the topics of the other form are emptied before")
    func changesForm() throws {
        let found = announcements()
        let id = try #require(found.keys.first { $0.hasPrefix("vebridge_HQ") })
        let whole = try #require(found[id])
        var forms = DiscoveryForms(prefix: "homeassistant")
        forms.connected()
        #expect(forms.messages(for: whole, accepts: accepts(1 << 20)) == [whole])
        // The limit comes with another connection.
        forms.connected()
        let first = forms.messages(for: whole, accepts: accepts(2000))
        #expect(first[0] == Message(topic: whole.topic, payload: #"{"migrate_discovery":true}"#, qos: 1))
        #expect(first[1] == Message(topic: whole.topic, payload: "", qos: 1, retain: true))
        let parts = Array(first.dropFirst(2))
        #expect(parts.count > 20)
        #expect(parts.allSatisfy { forms.isPart($0.topic) && !$0.payload.isEmpty })
        // Again: the device's topic is empty already.
        #expect(forms.messages(for: whole, accepts: accepts(2000)) == parts)
        // And back.
        forms.connected()
        let back = forms.messages(for: whole, accepts: accepts(1 << 20))
        #expect(back.last == whole)
        let topics = Set(parts.map(\.topic))
        let emptied = back.filter { $0.retain && $0.payload.isEmpty }.map(\.topic)
        let asked = back.filter { !$0.retain }.map(\.topic)
        #expect(Set(emptied) == topics && emptied.count == topics.count)
        #expect(Set(asked) == topics && asked.count == topics.count)
        #expect(forms.messages(for: whole, accepts: accepts(1 << 20)) == [whole])
    }

    @Test("what an earlier run left in the other form is replaced, also where the broker tells of it late")
    func earlierRun() throws {
        let found = announcements()
        let id = try #require(found.keys.first { $0.hasPrefix("vebridge_HQ") })
        let whole = try #require(found[id])
        let parts = try #require(
            DiscoveryMessage.parts(of: whole, device: id, prefix: "homeassistant", accepts: accepts(2000)))
        // Before the announcement.
        var forms = DiscoveryForms(prefix: "homeassistant")
        forms.connected()
        for part in parts {
            let isOutdated = forms.observe(part.topic, part.payload)
            #expect(!isOutdated)
        }
        #expect(forms.messages(for: whole, accepts: accepts(1 << 20)).count == 2 * parts.count + 1)
        // What the broker says of emptied topics is old.
        let isOld = forms.observe(parts[0].topic, parts[0].payload)
        #expect(!isOld)
        // After it.
        forms = DiscoveryForms(prefix: "homeassistant")
        forms.connected()
        #expect(forms.messages(for: whole, accepts: accepts(1 << 20)) == [whole])
        let isLate = forms.observe(parts[0].topic, parts[0].payload)
        #expect(isLate)
        #expect(forms.messages(for: whole, accepts: accepts(1 << 20)).count == 3)
        // The same the other way round.
        forms = DiscoveryForms(prefix: "homeassistant")
        forms.connected()
        #expect(forms.messages(for: whole, accepts: accepts(2000)) == parts)
        let isOutdated = forms.observe(whole.topic, whole.payload)
        #expect(isOutdated)
        #expect(forms.messages(for: whole, accepts: accepts(2000)).dropFirst(2) == parts[...])
        // A component that there is no more.
        let gone = "homeassistant/sensor/\(id)/gone/config"
        let isGone = forms.observe(gone, Array("{}".utf8))
        #expect(isGone)
        #expect(forms.messages(for: whole, accepts: accepts(2000)).first?.topic == gone)
    }

    @Test("a part that does not fit is left out until the next connection; other messages pass as they are")
    func abandoned() throws {
        let found = announcements()
        let id = try #require(found.keys.first { $0.hasPrefix("vebridge_HQ") })
        let whole = try #require(found[id])
        var forms = DiscoveryForms(prefix: "homeassistant")
        forms.connected()
        let parts = forms.messages(for: whole, accepts: accepts(600))
        let tooLarge = parts.filter { !accepts(600)($0) }
        #expect(!tooLarge.isEmpty && tooLarge.count < parts.count)
        for part in tooLarge { forms.abandon(part.topic) }
        let again = forms.messages(for: whole, accepts: accepts(600))
        #expect(again == parts.filter { accepts(600)($0) })
        forms.connected()
        #expect(forms.messages(for: whole, accepts: accepts(600)) == parts)
        let others = [
            Message(topic: "vebridge/bridge/state", payload: "online"),
            Message(topic: "homeassistant/device/x/config", payload: String(repeating: "x", count: 3000)),
            Message(topic: "homeassistant/status", payload: "online"),
            Message(topic: "homeassistant/config", payload: ""),
        ]
        for message in others { #expect(forms.messages(for: message, accepts: accepts(2000)) == [message]) }
    }

    @Test("purge finds announcements in parts, statistics and the bridge's own included")
    func purged() throws {
        let state = #""avty":[{"t":"vebridge/bridge/state"}],"dev":{"ids":["x"]},"o":{"name":"vebridge"}}"#
        var kept = RetainedDevices(Configuration())
        for (topic, stateTopic) in [
            ("sensor/vebridge_HQ1/stats_yield_today", "vebridge/stats/charger/HQ1/yield_today"),
            ("sensor/vebridge_HQ1/panel_power", "vebridge/charger/HQ1/panel_power"),
            ("sensor/vebridge_HQ1/stats_full_at", "vebridge/stats/charger/HQ1/full_at"),
            ("binary_sensor/vebridge_bridge/connection", "vebridge/bridge/state"),
            ("sensor/vebridge_bridge/memory", "vebridge/bridge/health"),
        ] {
            kept.take("homeassistant/\(topic)/config", Array("{\"stat_t\":\"\(stateTopic)\",\(state)".utf8))
        }
        let foreign = #"{"stat_t":"vebridge/charger/HQ1/x","o":{"name":"zigbee2mqtt"}}"#
        kept.take("homeassistant/sensor/vebridge_HQ1/x/config", Array(foreign.utf8))
        #expect(
            kept.charger("HQ1").flatMap(\.topics) == [
                "homeassistant/sensor/vebridge_HQ1/panel_power/config",
                "homeassistant/sensor/vebridge_HQ1/stats_full_at/config",
                "homeassistant/sensor/vebridge_HQ1/stats_yield_today/config",
            ])
        #expect(kept.all.first { $0.base == "vebridge/bridge" }?.topics.count == 2)
        #expect(kept.filters.contains("homeassistant/+/+/+/config"))
    }

    @Test("an announcement that was not taken leaves no deadline in the past")
    func noDeadlineInThePast() {
        var day = SimulatedDay(chargers: 2, startHour: 11, cloudiness: 0.5)
        day.run(for: .seconds(30))
        var taken = 0
        // Everything is to be published again, and nothing of it is taken.
        day.desk.forgetSent(at: day.now)
        for _ in 0..<100 {
            day.desk.look(day.plant, at: day.now) { _ in
                taken += 1
                return false
            }
            day.desk.mark()
        }
        let attempts = taken
        #expect((day.desk.nextLook ?? .zero) > day.now)
        #expect((day.desk.announcer?.nextDeadline ?? .seconds(1_000_000)) > day.now)
        #expect(attempts > 0)
    }
}
