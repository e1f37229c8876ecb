/// Who is at the other end of the cable. The serial number is the identity; the port is only where it happens to be.
public struct DeviceIdentity: Sendable, Hashable {
    /// The serial number, for example `HQ2012ABCDE`.
    public private(set) var serial: String
    /// The product id; nil until it is known.
    public internal(set) var productID: UInt16?
    /// The name on the box as the device tells it, else as the product table does.
    public internal(set) var model: String?
    /// The version of the firmware that runs.
    public internal(set) var firmware: FirmwareVersion?
    /// What the device can do; nil where it does not say.
    public internal(set) var capabilities: Capabilities?
    /// Labels of its TEXT that tell the kind of a device. They are only collected while its product id does not.
    public internal(set) var textLabels: TextLabels = []

    init(serial: String) { self.serial = serial }

    /// The product by its id.
    public var product: Product? { productID.flatMap(Product.withID) }
    /// The kind of device, by its product id; nil where the id is not known or in no table.
    public var family: Product.Family? { productID.flatMap(Product.family(ofID:)) }

    /// The same identity with the serial number in another spelling.
    public func spelled(_ serial: String) -> DeviceIdentity {
        var copy = self
        copy.serial = serial
        return copy
    }

    /// Whether two serial numbers name one device: upper and lower case are the same.
    public static func isSame(_ left: String, _ right: String) -> Bool {
        left == right || left.utf8.count == right.utf8.count && left.uppercased() == right.uppercased()
    }

    /// Whether `text` can be a serial number and part of a topic: 6 to 32 letters and digits.
    static func isPlausible(serial text: String) -> Bool {
        (6...32).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
            }
    }
}

/// Labels of TEXT blocks that tell which kind of device sends them.
public struct TextLabels: OptionSet, Sendable, Hashable {
    /// One bit for each label.
    public let rawValue: UInt8
    /// These bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// `PPV`: panel power. Solar chargers have it, and inverters with solar inputs.
    public static let panelPower = TextLabels(rawValue: 1 << 0)
    /// `DC_IN_V`: the input of a DC-DC charger.
    public static let inputVoltage = TextLabels(rawValue: 1 << 1)
    /// `AC_OUT_V`: an inverter.
    public static let outputVoltage = TextLabels(rawValue: 1 << 2)
    /// `SOC`: a battery monitor.
    public static let stateOfCharge = TextLabels(rawValue: 1 << 3)

    /// The labels that no solar charger sends.
    public static let notSolar: TextLabels = [.inputVoltage, .outputVoltage, .stateOfCharge]
}

/// What a device can do (register 0140; document). Only the bits that decide what is asked are named.
public struct Capabilities: OptionSet, Sendable, Hashable {
    /// The bits of the register.
    public let rawValue: UInt32
    /// These bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// A load output.
    public static let loadOutput = Capabilities(rawValue: 1 << 0)
    /// Its own history.
    public static let history = Capabilities(rawValue: 1 << 2)
    /// Measures the load current.
    public static let loadCurrent = Capabilities(rawValue: 1 << 12)
    /// Measures the panel current.
    public static let panelCurrent = Capabilities(rawValue: 1 << 13)
    /// Charges in step with others.
    public static let synchronisedCharging = Capabilities(rawValue: 1 << 16)
}
