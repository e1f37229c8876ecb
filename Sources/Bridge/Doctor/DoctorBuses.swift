extension Doctor {
    /// A MasterBus has 250 kbit/s.
    private static let bitRate = 250_000

    func buses() -> [Finding] { configuration.can.flatMap(bus) }

    private func bus(_ name: String) -> [Finding] {
        guard let source = try? CANSource(parsing: name) else { return [] }
        switch source {
        case .interface(let interface): return [look(interface: interface)]
        case .serial(let path, _):
            guard facts.exists(path) else {
                return [
                    Finding("can", .fault, name, "there is no such port", remedy: "vebridge ports")
                ]
            }
            let holders = facts.holders(facts.ports([path]).first?.device ?? path)
            let strangers = holders.filter { !$0.hasPrefix("vebridge (") }
            return [
                strangers.first.map { stranger in
                    Finding("held", .fault, name, "held by \(stranger)", remedy: remedy(against: stranger))
                } ?? Finding("can", .good, name, "there, and no other program holds it")
            ]
        case .replay(let path):
            return [
                facts.exists(path)
                    ? Finding("can", .good, name, "there")
                    : Finding("can", .fault, name, "there is no such file", remedy: "ls \(path)")
            ]
        }
    }

    private func look(interface name: String) -> Finding {
        let folder = "/sys/class/net/\(name)"
        guard facts.exists(folder) else {
            return Finding(
                "can", .fault, name,
                "there is no such interface: the adapter is not plugged in, or its driver is missing",
                remedy: name.hasPrefix("vcan")
                    ? "sudo modprobe vcan && sudo ip link add \(name) type vcan && sudo ip link set \(name) up"
                    : "ip -br link show type can   # shows which there are")
        }
        // ARPHRD_CAN of <linux/if_arp.h>.
        if let type = facts.text("\(folder)/type"), type != "280" {
            return Finding("can", .fault, name, "is not a CAN interface", remedy: "ip -br link show type can")
        }
        let setUp = "sudo ip link set \(name) up type can bitrate \(Self.bitRate) restart-ms 100"
        let details = facts.link(name).flatMap { JSONValue(Array($0.utf8)) }.flatMap(Self.first)
        let info = details?["linkinfo"]
        let isVirtual = info?["info_kind"]?.asText == "vcan"
        let controller = info?["info_data"]
        let flags = facts.text("\(folder)/flags").flatMap { Int($0.dropFirst(2), radix: 16) } ?? 0
        guard flags & 1 == 1 else {
            return Finding(
                "can", .fault, name, "the interface is down", remedy: isVirtual ? "sudo ip link set \(name) up" : setUp)
        }
        guard details != nil else {
            return Finding("can", .note, name, "up; what its bit rate is, only 'ip' of the package iproute2 could tell")
        }
        if case .number(let digits)? = controller?["bittiming"]?["bitrate"], let rate = Int(digits),
            rate != Self.bitRate
        {
            return Finding(
                "can", .fault, name, "the bit rate is \(rate); a MasterBus has \(Self.bitRate)",
                remedy: "sudo ip link set \(name) down && \(setUp)")
        }
        if let state = controller?["state"]?.asText, state == "BUS-OFF" || state == "STOPPED" {
            return Finding(
                "can", .fault, name, "the controller is \(state): wrong bit rate, wiring, or no terminator",
                remedy: "sudo ip link set \(name) down && \(setUp)")
        }
        if let state = controller?["state"]?.asText, state == "ERROR-PASSIVE" {
            return Finding(
                "can", .warning, name, "the controller is ERROR-PASSIVE: wiring, or no terminator",
                remedy: "ip -details -statistics link show \(name)")
        }
        return Finding("can", .good, name, isVirtual ? "up, virtual" : "up at \(Self.bitRate) bit/s")
    }

    private static func first(_ value: JSONValue) -> JSONValue? {
        if case .array(let values) = value { values.first } else { value }
    }
}
