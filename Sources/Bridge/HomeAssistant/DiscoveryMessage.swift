/// The discovery message of a device: one retained message with everything Home Assistant has to know of it.
struct DiscoveryMessage: Sendable {
    /// The `o` of every message, by which our own are known again.
    static let origin = "vebridge"

    /// Who the device is.
    struct Identity: Sendable, Equatable {
        var id: String
        var name: String
        var manufacturer: String?
        var model: String?
        var modelID: String?
        var serial: String?
        var firmware: String?
        /// The id of the device that it is reached through.
        var via: String?
    }

    var identity: Identity
    var components: [(key: String, component: DiscoveryComponent)]
    var version: String

    /// The components that Home Assistant would take, and what is wrong with the others.
    func checked() -> (message: DiscoveryMessage, faults: [String]) {
        var (good, faults): ([(key: String, component: DiscoveryComponent)], [String]) = ([], [])
        var ids = Set<String>()
        for (key, component) in components {
            if let fault = DiscoveryRules.fault(in: component) {
                faults.append("\(key): \(fault)")
            } else if !ids.insert(component.uniqueID).inserted {
                faults.append("\(key): '\(component.uniqueID)' twice")
            } else {
                good.append((key, component))
            }
        }
        var message = self
        message.components = good
        return (message, faults)
    }

    var json: String {
        var device: [JSONValue.Member] = [
            .init(key: "ids", value: .array([.text(identity.id)])), .init(key: "name", value: .text(identity.name)),
        ]
        func add(_ key: String, _ text: String?) {
            if let text, !text.isEmpty { device.append(.init(key: key, value: .text(text))) }
        }
        add("mf", identity.manufacturer)
        add("mdl", identity.model)
        add("mdl_id", identity.modelID)
        add("sn", identity.serial)
        add("sw", identity.firmware)
        add("via_device", identity.via)
        let origin = JSONValue.object([
            .init(key: "name", value: .text(Self.origin)), .init(key: "sw", value: .text(version)),
        ])
        let components = components.map { JSONValue.Member(key: $0.key, value: $0.component.json) }
        return JSONValue.object([
            .init(key: "dev", value: .object(device)), .init(key: "o", value: origin),
            .init(key: "cmps", value: .object(components)),
        ]).json
    }
}
