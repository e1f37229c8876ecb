extension Doctor {
    private static let rulesFolders = [
        "/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d",
    ]
    /// Makers of the chips in serial adapters, as USB knows them.
    private static let serialMakers: Set<String> = ["0403", "067b", "10c4", "110a", "1a86"]

    /// Programs that take serial ports for something else.
    func neighbours() -> [Finding] {
        let findings = modemManager() + braille() + takenAdapters()
        guard findings.isEmpty else { return findings }
        return [Finding("neighbours", .good, "processes", "no conflicting programs (ModemManager, brltty)")]
    }

    private func modemManager() -> [Finding] {
        guard let process = facts.processes(named: "ModemManager").first else { return [] }
        let subject = "process \(process.id)"
        // What udev says of a port is what ModemManager goes by.
        let ports = facts.ports(configuration.ports).filter { facts.exists($0.path) }
        let exposed = ports.filter { port in
            guard let properties = facts.udevProperties(port.device) else { return false }
            // It looks at serial ports on USB only.
            return properties.contains("ID_BUS=usb") && !properties.contains("ID_MM_DEVICE_IGNORE=1")
                && !properties.contains("ID_MM_PORT_IGNORE=1")
        }
        if let port = exposed.first {
            let rule = "61-vebridge-multiplexers.rules"
            let isThere = facts.exists("/etc/udev/rules.d/\(rule)")
            return [
                Finding(
                    "modemmanager", .warning, subject,
                    "ModemManager runs, and no udev rule keeps it off \(exposed.map(\.path).joined(separator: ", "))",
                    remedy: isThere
                        ? "sudoedit /etc/udev/rules.d/\(rule)   # uncomment the adapter of \(port.path); or, "
                            + "without a modem: sudo systemctl disable --now ModemManager"
                        : "sudo systemctl disable --now ModemManager   # with a modem: see \(rule)")
            ]
        }
        // It looks at serial ports on USB only; one that is not there yet is known by its name.
        let names = ["ttyUSB", "ttyACM", "/dev/serial/", "/dev/vebridge/"]
        let patterns = configuration.ports + ports.map(\.device)
        guard patterns.contains(where: { pattern in names.contains(where: pattern.contains) }) else {
            return [Finding("modemmanager", .good, subject, "runs, and has nothing to do with our ports")]
        }
        let isTold = Self.rulesFolders.flatMap(facts.names).contains { $0.hasSuffix("vebridge.rules") }
        return [
            isTold
                ? Finding("modemmanager", .good, subject, "runs, and the rule keeps it off our cables")
                : Finding(
                    "modemmanager", .warning, subject,
                    "ModemManager runs and talks to every new port: no rule tells it to keep off",
                    remedy: "sudo systemctl disable --now ModemManager")
        ]
    }

    private func braille() -> [Finding] {
        guard let process = facts.processes(named: "brltty").first else { return [] }
        return [
            Finding(
                "brltty", .warning, "process \(process.id)",
                "brltty runs, and takes serial adapters for braille displays", remedy: brailleRemedy(process.id))
        ]
    }

    private func brailleRemedy(_ process: Int) -> String {
        if let unit = facts.unit(of: process), unit.hasPrefix("brltty") {
            return "sudo systemctl mask --now \(unit)   # with a braille display: see 86-vebridge-brltty.rules"
        }
        let isPackage = ["/usr/bin/brltty", "/bin/brltty"].contains(where: facts.exists)
        return isPackage ? "sudo apt remove brltty" : stop("brltty", process)
    }

    /// Adapters that a program drives by itself, over the kernel's head: they have no port any more.
    private func takenAdapters() -> [Finding] {
        let folder = "/sys/bus/usb/devices"
        let names = facts.names(folder)
        let hasBraille = ["/usr/bin/brltty", "/bin/brltty"].contains(where: facts.exists)
        return names.compactMap { name in
            // An interface is DEVICE:CONFIGURATION.INTERFACE.
            guard let colon = name.firstIndex(of: ":"),
                let maker = facts.text("\(folder)/\(name[..<colon])/idVendor"), Self.serialMakers.contains(maker)
            else { return nil }
            let model = facts.text("\(folder)/\(name[..<colon])/idProduct") ?? "?"
            let driver = facts.target("\(folder)/\(name)/driver")
            let others = names.filter { $0.hasPrefix(name[...colon]) && $0 != name }
            if driver == nil, hasBraille, others.allSatisfy({ facts.target("\(folder)/\($0)/driver") == nil }) {
                // It lets go of an adapter without giving it back.
                return Finding(
                    "brltty", .fault, "USB \(name[..<colon]) (\(maker):\(model))",
                    "no driver has this adapter, so that it has no port: brltty, which is installed, takes such",
                    remedy: "sudo apt remove brltty   # and plug the adapter in again")
            }
            guard driver?.hasSuffix("/usbfs") == true else { return nil }
            let braille = facts.processes(named: "brltty").first
            return Finding(
                braille == nil ? "adapter" : "brltty", .fault, "USB \(name[..<colon]) (\(maker):\(model))",
                "a program took this adapter away from its driver, so that it has no port"
                    + (braille == nil ? "" : ": brltty does so"),
                remedy: braille.map { brailleRemedy($0.id) } ?? "sudo lsof /dev/bus/usb   # shows which program")
        }
    }
}
