/// The registers that the library itself speaks of; all others are data.
extension RegisterID {
    /// The product id and flags; four bytes, on old firmware two in the other order.
    public static let productID = RegisterID(0x0100)
    /// The version of the application; refused by solar chargers.
    public static let applicationVersion = RegisterID(0x0102)
    /// The serial number, the device's identity.
    public static let serialNumber = RegisterID(0x010A)
    /// The name on the box.
    public static let modelName = RegisterID(0x010B)
    /// The owner's name for the device.
    public static let customName = RegisterID(0x010C)
    /// Seconds since the device started.
    public static let uptime = RegisterID(0x0120)
    /// What the device can do, as bits.
    public static let capabilities = RegisterID(0x0140)
    /// Charger on or off.
    public static let deviceMode = RegisterID(0x0200)
    /// Off, bulk, absorption, float…
    public static let deviceState = RegisterID(0x0201)
    /// Why the device is off, as bits.
    public static let offReason = RegisterID(0x0207)
    /// The record of all days.
    public static let historyTotal = RegisterID(0x104F)
    /// Network: version of the charge algorithm.
    public static let linkAlgorithmVersion = RegisterID(0x2000)
    /// Network: charge voltage set-point, 0.01 V.
    public static let linkVoltageSetpoint = RegisterID(0x2001)
    /// Network: time in the charge state, ms.
    public static let linkStateTime = RegisterID(0x2007)
    /// Network: absorption time, 0.01 h.
    public static let linkAbsorptionTime = RegisterID(0x2008)
    /// Network: battery idle voltage, 0.01 V.
    public static let linkIdleVoltage = RegisterID(0x200B)
    /// Network: state of the master.
    public static let linkDeviceState = RegisterID(0x200C)
    /// Network: mode bits.
    public static let linkNetworkMode = RegisterID(0x200E)
    /// Network: status.
    public static let linkNetworkStatus = RegisterID(0x200F)
    /// Network: DC input power of all chargers, 0.01 W.
    public static let linkTotalPower = RegisterID(0x2027)
    /// In no document; the BLE bridge publishes it.
    public static let undocumentedEC3E = RegisterID(0xEC3E)
    /// Battery current, 0.001 A, signed.
    public static let batteryCurrent = RegisterID(0xED8C)
    /// Load output on or off.
    public static let loadState = RegisterID(0xEDA8)
    /// Load output current, 0.1 A.
    public static let loadCurrent = RegisterID(0xEDAD)
    /// Off, limited, or at the maximum power point.
    public static let trackerMode = RegisterID(0xEDB3)
    /// Panel voltage, 0.01 V.
    public static let panelVoltage = RegisterID(0xEDBB)
    /// Panel power, 0.01 W.
    public static let panelPower = RegisterID(0xEDBC)
    /// Panel current, 0.1 A.
    public static let panelCurrent = RegisterID(0xEDBD)
    /// Greatest power yesterday, W.
    public static let maximumPowerYesterday = RegisterID(0xEDD0)
    /// Yield yesterday, 0.01 kWh.
    public static let yieldYesterday = RegisterID(0xEDD1)
    /// Greatest power today, W.
    public static let maximumPowerToday = RegisterID(0xEDD2)
    /// Yield today, 0.01 kWh.
    public static let yieldToday = RegisterID(0xEDD3)
    /// Voltage at the battery terminals, 0.01 V.
    public static let chargerVoltage = RegisterID(0xEDD5)
    /// Output current of the converter, 0.1 A, the load's included.
    public static let chargerCurrent = RegisterID(0xEDD7)
    /// Error code.
    public static let chargerError = RegisterID(0xEDDA)
    /// Temperature in the charger, 0.01 °C, signed.
    public static let chargerTemperature = RegisterID(0xEDDB)
    /// Yield since the owner last reset it, 0.01 kWh.
    public static let userYield = RegisterID(0xEDDC)
    /// Yield since it was made, 0.01 kWh.
    public static let systemYield = RegisterID(0xEDDD)
    /// Battery temperature, 0.01 K.
    public static let batteryTemperature = RegisterID(0xEDEC)
    /// System voltage in force, V.
    public static let systemVoltage = RegisterID(0xEDEF)
    /// Greatest charge current allowed, 0.1 A.
    public static let maximumCurrent = RegisterID(0xEDF0)
    /// Battery type.
    public static let batteryType = RegisterID(0xEDF1)
    /// Float voltage, 0.01 V.
    public static let floatVoltage = RegisterID(0xEDF6)
    /// Absorption voltage, 0.01 V.
    public static let absorptionVoltage = RegisterID(0xEDF7)

    /// The record of the day `age` days ago (0 is today, at most 30).
    public static func historyDay(_ age: Int) -> RegisterID {
        precondition((0...30).contains(age), "a charger remembers 31 days")
        return RegisterID(0x1050 + UInt16(age))
    }
}
