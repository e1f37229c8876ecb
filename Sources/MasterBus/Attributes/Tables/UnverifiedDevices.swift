extension DeviceDefinition {
    private static func options(_ texts: String...) -> [UInt8: String] {
        Dictionary(texts.enumerated().map { (UInt8($0), $1) }, uniquingKeysWith: { first, _ in first })
    }

    private static let offOn: [UInt8: String] = [0: "Off", 1: "On"]

    /// Devices that others have described. None of this was observed here; discovery on a real bus should confirm it.
    /// Where the order of a list's options is not known for certain, the options are left out.
    static let unverified: [DeviceDefinition] = [
        DeviceDefinition(
            "Mass Combi Ultra", type: 0x06, articles: ["38013000"], namePrefix: "MCU",
            [
                AttributeDefinition(0x04, "AC in state", "", .list),
                AttributeDefinition(0x05, "AC out state", "", .list),
                AttributeDefinition(0x06, "Main battery", "V"),
                AttributeDefinition(0x07, "Main battery", "A"),
                AttributeDefinition(0x08, "Mains", "V"),
                AttributeDefinition(0x09, "Mains", "A"),
                AttributeDefinition(0x0A, "AC out 1", "V"),
                AttributeDefinition(0x0B, "AC out 1", "A"),
                AttributeDefinition(0x0E, "Secondary charger", "", .list, options: offOn),
                AttributeDefinition(0x0F, "Solar charger", "", .list, options: offOn),
                AttributeDefinition(0x10, "Device state", "", .list),
                AttributeDefinition(0x12, "Main charger", "", .list),
                AttributeDefinition(0x13, "Mains fuse", "A", .list, isWritable: true),
                AttributeDefinition(0x14, "Inverter", "", .list, isWritable: true),
                AttributeDefinition(0x15, "Main battery", "°C"),
                AttributeDefinition(0x27, "Solar input", "V"),
                AttributeDefinition(0x29, "Solar input", "W"),
                AttributeDefinition(0x2A, "Solar state", "", .list),
                AttributeDefinition(0x2B, "Sec. battery", "V"),
                AttributeDefinition(0x2C, "Sec. battery", "A"),
                AttributeDefinition(0x2E, "Sec. charger", "", .list),
                AttributeDefinition(0x3A, "Main charger switch", "", .list, options: offOn),
                AttributeDefinition(0x3C, "User mode", "", .list),
                AttributeDefinition(0x5E, "Mains", "W"),
                AttributeDefinition(0x5F, "Generator", "V"),
                AttributeDefinition(0x60, "Generator", "A"),
                AttributeDefinition(0x61, "Generator", "W"),
                AttributeDefinition(0x62, "AC out 1", "W"),
                AttributeDefinition(0x63, "AC out 2", "V"),
                AttributeDefinition(0x64, "AC out 2", "A"),
                AttributeDefinition(0x65, "AC out 2", "W"),
            ]),
        DeviceDefinition(
            "CombiMaster", type: 0x06,
            [
                AttributeDefinition(0x13, "Inverter", "", .checkbox, isWritable: true),
                AttributeDefinition(0x14, "Inverter command", "", .command),
                AttributeDefinition(0x15, "Charger", "", .checkbox, isWritable: true),
                AttributeDefinition(0x16, "Charger command", "", .command),
            ]),
        DeviceDefinition(
            "MAC Plus DC-DC charger", type: 0x18, articles: ["81205100", "81205105"], namePrefix: "MAC",
            [
                AttributeDefinition(
                    0x00, "Device state", "", .list, options: options("Standby", "Go to sleep", "Charging", "Alarm")),
                AttributeDefinition(
                    0x01, "Charge state", "", .list,
                    options: options(
                        "Off", "Initialize bulk", "Bulk", "Absorption", "Float", "Constant voltage", "Stopped")),
                AttributeDefinition(0x04, "Input", "V"),
                AttributeDefinition(0x05, "Input", "A"),
                AttributeDefinition(0x06, "Output", "V"),
                AttributeDefinition(0x07, "Output", "A"),
                AttributeDefinition(0x08, "Battery volt. sense", "V"),
                AttributeDefinition(0x09, "Remote input", "", .checkbox),
                AttributeDefinition(0x0A, "Remote input", "V"),
                AttributeDefinition(0x0E, "Battery", "°C"),
                AttributeDefinition(0x40, "On/Standby", "", .checkbox, isWritable: true),
            ]),
        DeviceDefinition(
            "MLI battery", type: 0x13, articles: ["66016000"], namePrefix: "BAT",
            [
                AttributeDefinition(0x00, "State of charge", "%"),
                AttributeDefinition(0x01, "Voltage", "V"),
                AttributeDefinition(0x02, "Current", "A"),
                AttributeDefinition(0x03, "Cap. consumed", "Ah"),
                AttributeDefinition(0x04, "Time remaining", "", .time),
                AttributeDefinition(0x05, "Temperature", "°C"),
                AttributeDefinition(0x22, "Close relay", "", .checkbox, isWritable: true),
                AttributeDefinition(0x24, "Open relay", "", .checkbox, isWritable: true),
                AttributeDefinition(0x26, "Relay state", "", .list),
            ]),
        DeviceDefinition(
            "MLI Ultra battery", type: 0x1B, articles: ["66025000"], namePrefix: "BAT",
            [
                // On the master of a cluster these are the cluster's; its own are 88 to 8D.
                AttributeDefinition(0x00, "State of charge", "%"),
                AttributeDefinition(0x01, "Voltage", "V"),
                AttributeDefinition(0x02, "Current", "A"),
                AttributeDefinition(0x03, "Cap. consumed", "Ah"),
                AttributeDefinition(0x04, "Time remaining", "", .time),
                AttributeDefinition(0x05, "Temperature", "°C"),
                AttributeDefinition(0x5E, "Time", "", .time),
                AttributeDefinition(0x5F, "Date", "", .date),
                AttributeDefinition(0x75, "Close relay", "", .checkbox, isWritable: true),
                AttributeDefinition(0x77, "Open relay", "", .checkbox, isWritable: true),
                AttributeDefinition(0x88, "Own state of charge", "%"),
                AttributeDefinition(0x89, "Own time remaining", "", .time),
                AttributeDefinition(0x8A, "Own cap. consumed", "Ah"),
                AttributeDefinition(0x8B, "Own voltage", "V"),
                AttributeDefinition(0x8C, "Own current", "A"),
                AttributeDefinition(0x8D, "Own temperature", "°C"),
                AttributeDefinition(0xA7, "Stop charge", "", .checkbox),
            ]),
        DeviceDefinition(
            "MasterShunt (newer)", type: 0x1B, articles: ["77020110"],
            [
                AttributeDefinition(0x00, "State of Charge", "%"),
                AttributeDefinition(0x01, "Battery", "V"),
                AttributeDefinition(0x02, "Battery", "A"),
                AttributeDefinition(0x03, "Cap. consumed", "Ah"),
                AttributeDefinition(0x04, "Remaining", "", .time),
                AttributeDefinition(0x05, "Battery", "°C"),
                AttributeDefinition(0x0A, "Time", "", .time),
                AttributeDefinition(0x0B, "Date", "", .date),
            ]),
        DeviceDefinition(
            "Mass Charger", type: 0x0A, articles: ["40040506", "40021006"], namePrefix: "CHG",
            [
                AttributeDefinition(0x0D, "Device state", "", .list),
                AttributeDefinition(0x0E, "Battery", "V"),
                AttributeDefinition(0x0F, "Battery", "A"),
                // Not available where no sensor is connected.
                AttributeDefinition(0x10, "Battery", "°C"),
                AttributeDefinition(0x11, "Charger", "°C"),
                AttributeDefinition(0x12, "State", "", .list),
                AttributeDefinition(0x14, "Max. current", "%"),
                AttributeDefinition(0x15, "On/Stand-by", "", .checkbox, isWritable: true),
                AttributeDefinition(0x18, "Battery name", "", .text),
            ]),
        // The type is a guess: one charger of type 07 was described without its article number.
        DeviceDefinition(
            "ChargeMaster, three outputs", type: 0x07, articles: ["44010250"],
            [
                AttributeDefinition(0x00, "Device mode", "", .list),
                AttributeDefinition(0x01, "Charge mode", "", .list),
                AttributeDefinition(0x02, "Output 1", "V"),
                AttributeDefinition(0x04, "Output 2", "V"),
                AttributeDefinition(0x06, "Output 3", "V"),
                AttributeDefinition(0x09, "AC in", "A"),
                AttributeDefinition(0x0C, "Charger", "A"),
                AttributeDefinition(0x1A, "On", "", .checkbox, isWritable: true),
                AttributeDefinition(0x1D, "Charger", "°C"),
            ]),
        DeviceDefinition(
            "Digital switch DSD", type: 0x10, articles: ["77020400"], namePrefix: "DSD",
            [
                AttributeDefinition(0x03, "Switch 1", "", .checkbox, isWritable: true),
                AttributeDefinition(0x05, "Switch 2", "", .checkbox, isWritable: true),
                AttributeDefinition(0x07, "Switch 3", "", .checkbox, isWritable: true),
                AttributeDefinition(0x2E, "Reset alarms", "", .checkbox, isWritable: true),
                AttributeDefinition(
                    0x30, "Device state", "", .list, options: options("Disabled", "OK", "Alarm")),
            ]),
        DeviceDefinition(
            "INT switch", type: 0x0E, articles: ["77030500"],
            [
                AttributeDefinition(0x00, "State", "", .list, options: options("Standby", "Activated")),
                AttributeDefinition(0x01, "Override", "", .checkbox, isWritable: true),
            ]),
        DeviceDefinition(
            "EasyView 5", type: 0x14, articles: ["77010310"], namePrefix: "DIS",
            [
                AttributeDefinition(0x20, "Switch 1", "", .checkbox),
                AttributeDefinition(0x21, "Switch 2", "", .checkbox),
                AttributeDefinition(0x22, "Switch 3", "", .checkbox),
                AttributeDefinition(0x23, "Switch 4", "", .checkbox),
                AttributeDefinition(0x24, "Switch 5", "", .checkbox),
                AttributeDefinition(0x25, "Switch 6", "", .checkbox),
                AttributeDefinition(0x26, "Language", "", .list, isWritable: true),
                AttributeDefinition(0x28, "Standby time", "", .list, isWritable: true),
                AttributeDefinition(0x29, "Auto off", "", .list, isWritable: true),
                AttributeDefinition(0x2A, "Backlight", "%", isWritable: true),
                AttributeDefinition(0x2D, "Alarm sound", "", .list, isWritable: true),
            ]),
    ]
}
