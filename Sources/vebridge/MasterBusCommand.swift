import ArgumentParser
import Bridge
import MasterBus

/// What concerns a MasterBus alone.
struct MasterBusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "masterbus", abstract: "Look at a MasterBus.", subcommands: [Scan.self])
}

/// Devices, groups and attributes.
struct Scan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List devices, groups and attributes with their names, units and values.",
        discussion: """
              vebridge masterbus scan can0
              vebridge masterbus scan slcan:/dev/ttyACM0 --json
              vebridge masterbus scan replay:candump.log what can be learned from a log
            """)

    @Argument(help: "The link: can0, slcan:/dev/ttyACM0 or replay:FILE.")
    var link: String

    @Option(help: "The longest time to look for devices, such as 30 or 2m.")
    var timeout = "30s"

    private static let timeouts: ClosedRange<Duration> = .milliseconds(500)...(.seconds(3600))

    @Flag(help: "Send nothing; list what comes by within the time.")
    var listenOnly = false

    @Flag(help: "A JSON object a device instead of the tree.")
    var json = false

    func validate() throws {
        _ = try DurationOption.value("--timeout", timeout, in: Self.timeouts)
    }

    func run() throws {
        let source: CANSource
        do {
            source = try CANSource(parsing: link)
        } catch {
            Terminal.complain("\(error)")
            throw Status.usage.exit
        }
        let limit = try DurationOption.value("--timeout", timeout, in: Self.timeouts) ?? .seconds(30)
        let mailbox = Mailbox()
        StopSignals.watch { mailbox.stop(reason: $0) }
        let found: [ScannedDevice]
        do {
            found = try BusScan.run(source, isListenOnly: listenOnly, limit: limit, mailbox: mailbox)
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
        guard !found.isEmpty else {
            Terminal.complain("no device was heard on \(link)")
            throw Status.nothingToDo.exit
        }
        for device in found { Terminal.draw(json ? Self.json(device) + "\n" : Self.tree(device)) }
    }

    private static func tree(_ device: ScannedDevice) -> String {
        var text = "\(device.address.text) \(device.schema.name ?? "(no name)")"
        text += "  type \(BusNotation.hex(device.address.type))"
        if let product = device.schema.definition?.product { text += ", \(product)" }
        if let firmware = device.schema.firmware { text += ", firmware \(firmware)" }
        text += "\n"
        for group in device.groups {
            text += "  \(group.name ?? "group \(group.number.map { "\($0 + 1)" } ?? "unknown")")\n"
            for attribute in group.attributes {
                var words = "    \(BusNotation.hex(attribute.id)) \(attribute.description.name ?? "(no name)"): "
                words += attribute.text ?? "-"
                if let unit = attribute.description.unit { words += " \(unit)" }
                if let option = attribute.option { words += " (\(option))" }
                if attribute.description.isWritable { words += "  [writable]" }
                text += words + "\n"
            }
        }
        return text
    }

    private static func json(_ device: ScannedDevice) -> String {
        var object = JSONObject()
        object.add("device", device.address.text)
        object.add("type", BusNotation.hex(device.address.type))
        add(&object, "name", device.schema.name)
        add(&object, "article", device.schema.article)
        add(&object, "serial", device.schema.serial)
        add(&object, "firmware", device.schema.firmware)
        object.addRaw(
            "groups",
            JSONObject.array(
                device.groups.map { group in
                    var object = JSONObject()
                    if let number = group.number {
                        object.add("group", Int(number))
                    } else {
                        object.addRaw("group", "null")
                    }
                    add(&object, "name", group.name)
                    object.addRaw("attributes", JSONObject.array(group.attributes.map(json)))
                    return object.text
                }))
        return object.text
    }

    private static func json(_ attribute: ScannedDevice.Attribute) -> String {
        var object = JSONObject()
        object.add("attribute", BusNotation.hex(attribute.id))
        add(&object, "name", attribute.description.name)
        add(&object, "unit", attribute.description.unit)
        object.add("kind", attribute.description.isList ? "list" : attribute.description.format.rawValue)
        object.add("value", attribute.value?.value.map(Double.init))
        add(&object, "text", attribute.text)
        add(&object, "option", attribute.option)
        let options = attribute.description.options.sorted { $0.key < $1.key }
        if attribute.description.isList {
            var texts = JSONObject()
            for (index, text) in options { texts.add("\(index)", text) }
            object.addRaw("options", texts.text)
        }
        object.add("minimum", attribute.description.minimum.map(Double.init))
        object.add("maximum", attribute.description.maximum.map(Double.init))
        object.add("step", attribute.description.step.map(Double.init))
        object.add("writable", attribute.description.isWritable)
        return object.text
    }

    private static func add(_ object: inout JSONObject, _ key: String, _ text: String?) {
        if let text { object.add(key, text) } else { object.addRaw(key, "null") }
    }
}
