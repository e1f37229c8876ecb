/// The names of the readable topics: `vebridge/charger/HQ2012ABCDE/panel_power`.
public struct ReadableTopics: Sendable {
    /// A device of the tree.
    public struct Device: Sendable, Hashable, Comparable {
        /// What it is.
        public let owner: Quantity.Owner
        /// The charger's serial number; nil for what is not a charger.
        public let serial: String?

        /// A charger.
        public static func charger(_ serial: String) -> Device { Device(owner: .charger, serial: serial) }
        /// Battery, inverter or system.
        public static func single(_ owner: Quantity.Owner) -> Device { Device(owner: owner, serial: nil) }

        /// By owner, then by serial number.
        public static func < (left: Device, right: Device) -> Bool {
            (left.owner.rawValue, left.serial ?? "") < (right.owner.rawValue, right.serial ?? "")
        }
    }

    /// The last part of the topic of a device's document of state.
    static let state = "state"
    /// What a device's own availability is called.
    static let availability = "availability"

    /// What stands before everything.
    public let prefix: String

    /// The topics below a prefix such as `vebridge`.
    public init(prefix: String) { self.prefix = prefix }

    /// What stands before a device's quantities.
    public func base(_ device: Device) -> String {
        "\(prefix)/\(device.owner.rawValue)" + (device.serial.map { "/\($0)" } ?? "")
    }

    /// The topic of a quantity. None is called `state`: that is the document.
    public func topic(_ device: Device, _ quantity: Quantity) -> String { "\(base(device))/\(quantity.key)" }

    /// The topic of the document with everything of a device.
    public func document(_ device: Device) -> String { "\(base(device))/\(Self.state)" }

    /// The topic that says whether the device is there.
    public func availability(_ device: Device) -> String { "\(base(device))/\(Self.availability)" }

    /// What finds the availability of every charger.
    var availabilityFilter: String { "\(prefix)/charger/+/\(Self.availability)" }

    /// The serial number in a charger's availability topic; nil for another topic.
    func serial(inAvailability topic: String) -> String? {
        let start = "\(prefix)/charger/"
        let end = "/\(Self.availability)"
        guard topic.hasPrefix(start), topic.hasSuffix(end), topic.utf8.count > start.utf8.count + end.utf8.count else {
            return nil
        }
        let serial = topic.dropFirst(start.count).dropLast(end.count)
        return serial.contains("/") ? nil : String(serial)
    }
}
