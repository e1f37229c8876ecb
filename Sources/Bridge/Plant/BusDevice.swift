public import MasterBus

/// A device on a MasterBus and what it last said.
public struct BusDevice: Sendable {
    /// What a device is to the plant.
    public enum Role: Sendable, Hashable {
        /// It measures the battery: voltage, current, charge. Attributes 00 to 05.
        case shunt
        /// It inverts and charges from the shore. Attributes 06 to 14.
        case inverter
        /// Anything else.
        case other
    }

    /// Who it is.
    public let address: DeviceAddress
    /// What it is to the plant.
    public internal(set) var role: Role
    /// The name it gives itself; nil until it was heard.
    public internal(set) var name: String?
    /// Whether it answers, or would be expected to.
    public internal(set) var isAwake = true
    /// The last value of each attribute, those without a number included.
    public internal(set) var values: [UInt16: BusValue] = [:]
    /// The text of the option that a list's last value selects.
    public internal(set) var optionTexts: [UInt16: String] = [:]

    init(_ address: DeviceAddress) {
        self.address = address
        role = Self.role(of: address, product: nil)
    }

    /// The role of a device, by product where it is known and else by type. Every device of type 1B observed or
    /// described measures a battery with the same first attributes; 0E holds several products.
    static func role(of address: DeviceAddress, product: String?) -> Role {
        switch (address.type, product) {
        case (_, "INT Mass Combi"), (_, "Mass Combi Ultra"): .inverter
        case (0x1B, _), (0x13, _): .shunt
        default: .other
        }
    }

    /// The most attributes kept of a device.
    static let maximumValues = 256
}

extension Plant {
    /// A device was heard on the bus, for the first time or after a sleep.
    public mutating func busDeviceAppeared(_ address: DeviceAddress) {
        if busDevices[address] == nil { busDevices[address] = BusDevice(address) }
        busDevices[address]?.isAwake = true
    }

    /// A device answers no more.
    public mutating func busDeviceSlept(_ address: DeviceAddress) { busDevices[address]?.isAwake = false }

    /// A device read; `schema` is what it has said of itself.
    public mutating func read(_ value: BusValue, schema: DeviceSchema?) {
        if busDevices[value.device] == nil { busDevices[value.device] = BusDevice(value.device) }
        guard var device = busDevices[value.device],
            device.values[value.attribute] != nil || device.values.count < BusDevice.maximumValues
        else { return }
        busDevices[value.device] = nil
        device.isAwake = true
        device.values[value.attribute] = value
        if let schema, device.role != .shunt {
            device.role = BusDevice.role(of: value.device, product: schema.definition?.product)
        }
        if let number = value.value, value.attribute == BusAttribute.inverterState {
            device.optionTexts[value.attribute] = schema?.optionText(of: value.attribute, value: number)
        }
        busDevices[value.device] = device
    }

    /// A device said its name.
    public mutating func named(_ address: DeviceAddress, _ schema: DeviceSchema) {
        busDevices[address]?.name = schema.name
        busDevices[address]?.role = BusDevice.role(of: address, product: schema.definition?.product)
    }
}

/// The attributes that the plant knows by number (docs/masterbus.md, section 11).
enum BusAttribute {
    /// Shunt: state of charge, %.
    static let stateOfCharge: UInt16 = 0x00
    /// Shunt: V.
    static let batteryVoltage: UInt16 = 0x01
    /// Shunt: A, negative while discharging.
    static let batteryCurrent: UInt16 = 0x02
    /// Shunt: Ah taken out since full.
    static let consumedCharge: UInt16 = 0x03
    /// Inverter: A on its output.
    static let outputCurrent: UInt16 = 0x0B
    /// Inverter: state, the index of an option.
    static let inverterState: UInt16 = 0x10
}
