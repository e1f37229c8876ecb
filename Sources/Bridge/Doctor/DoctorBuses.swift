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
            let port = facts.ports([path]).first ?? PortPatterns.Port(path: path, device: path)
            if let finding = notSerial(port, name, option: "can") { return [finding] }
            let holder = conflict(name, facts.holders(port.device), option: "can")
            return [
                permission(port, name), holder ?? Finding("can", .good, name, "there, and no other program holds it"),
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
        func read() -> JSONValue? { facts.link(name).flatMap { JSONValue(Array($0.utf8)) }.flatMap(Self.first) }
        let details = read()
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
        if isVirtual { return Finding("can", .good, name, "up, virtual") }
        let restart = "sudo ip link set \(name) down && \(setUp)"
        let rate = Self.rate(of: controller)
        if let rate, rate != Self.bitRate {
            return Finding(
                "can", .fault, name, "the bit rate is \(rate); a MasterBus has \(Self.bitRate)", remedy: restart)
        }
        // Off the bus it is for a tenth of a second at a time, where it starts again by itself.
        var worst = Self.severity(of: controller)
        for _ in 0..<2 where worst != nil && worst?.weight != 3 {
            facts.settle()
            if let next = Self.severity(of: read()?["linkinfo"]?["info_data"]), next.weight > worst?.weight ?? 0 {
                worst = next
            }
        }
        if let worst, worst.weight > 0 {
            let words = "the controller is \(worst.state): a wrong bit rate somewhere, the wiring, or no terminator"
            return Finding("can", worst.weight == 3 ? .fault : .warning, name, words, remedy: restart)
        }
        guard let rate else {
            return Finding(
                "can", .note, name, "up; its driver does not tell the bit rate (a MasterBus has \(Self.bitRate))")
        }
        return Finding("can", .good, name, "up at \(rate) bit/s")
    }

    /// The bit rate; some drivers have fixed ones, which `ip` calls by another name. Nil where it is not told.
    private static func rate(of controller: JSONValue?) -> Int? {
        for value in [controller?["bittiming"]?["bitrate"], controller?["bittiming_bitrate"]] {
            if case .number(let digits)? = value, let rate = Int(digits), rate > 0 { return rate }
        }
        return nil
    }

    /// How bad the errors are that a controller has counted: 0 none, 3 off the bus; nil where it does not say.
    private static func severity(of controller: JSONValue?) -> (state: String, weight: Int)? {
        guard let state = controller?["state"]?.asText else { return nil }
        let weights = ["ERROR-ACTIVE": 0, "ERROR-WARNING": 1, "ERROR-PASSIVE": 2, "BUS-OFF": 3, "STOPPED": 3]
        return (state, weights[state] ?? 0)
    }

    private static func first(_ value: JSONValue) -> JSONValue? {
        if case .array(let values) = value { values.first } else { value }
    }
}
