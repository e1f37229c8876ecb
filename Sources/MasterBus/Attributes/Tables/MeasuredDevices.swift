extension DeviceDefinition {
    /// Devices whose attributes were observed on the wire, with the options that were seen.
    static let measured: [DeviceDefinition] = [
        DeviceDefinition(
            "DC Shunt", type: 0x1B, namePrefix: "MSH", isMeasured: true, standsForType: true,
            [
                AttributeDefinition(0x00, "State of Charge", "%"),
                AttributeDefinition(0x01, "Battery", "V"),
                AttributeDefinition(0x02, "Battery", "A"),
                AttributeDefinition(0x03, "Cap. consumed", "Ah"),
                AttributeDefinition(0x04, "Remaining", "", .time),
                AttributeDefinition(0x05, "Battery", "°C"),
                AttributeDefinition(0x09, "Time", "", .time),
                AttributeDefinition(0x0A, "Date", "", .date),
            ]),
        DeviceDefinition(
            "INT Mass Combi", type: 0x0E, namePrefix: "INT Mass Combi", isMeasured: true,
            [
                AttributeDefinition(0x06, "Battery", "V"),
                AttributeDefinition(0x07, "Battery", "A"),
                AttributeDefinition(0x08, "AC Input", "V"),
                AttributeDefinition(0x09, "AC Input", "A"),
                AttributeDefinition(0x0A, "AC Output", "V"),
                AttributeDefinition(0x0B, "AC Output", "A"),
                AttributeDefinition(0x0E, "Input = genset", "", .list, options: [0: "Off"], isWritable: true),
                AttributeDefinition(
                    0x10, "State", "", .list, options: [0: "Off", 1: "Standby", 3: "Inverting"]),
                // An index, although the text reads like a percentage.
                AttributeDefinition(0x11, "Load", "", .list, options: [5: "5 %"]),
                AttributeDefinition(0x12, "State of charger", "", .list, options: [5: "No shore"]),
                AttributeDefinition(0x13, "Shore fuse", "", .list, options: [14: "18 A"], isWritable: true),
                AttributeDefinition(0x14, "Inverter", "", .list, options: [0: "Off", 1: "On"], isWritable: true),
                AttributeDefinition(0x15, "Inverter command", "", .command),
                AttributeDefinition(0x38, "Power", "", .list, options: [1: "On"], isWritable: true),
                AttributeDefinition(0x39, "Power command", "", .command),
                AttributeDefinition(0x3A, "Charger", "", .list, options: [1: "On"], isWritable: true),
                AttributeDefinition(0x3C, "Mode", "", .list, options: [1: "Auto"]),
            ]),
    ]
}
