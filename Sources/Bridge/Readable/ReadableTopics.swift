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

    /// What finds the availability of every device.
    var availabilityFilters: [String] {
        Quantity.Owner.allCases.map { owner in
            "\(prefix)/\(owner.rawValue)/" + (owner == .charger ? "+/" : "") + Self.availability
        }
    }

    /// The device of an availability topic; nil for another topic.
    func device(inAvailability topic: String) -> Device? {
        let end = "/\(Self.availability)"
        guard topic.hasPrefix(prefix + "/"), topic.hasSuffix(end) else { return nil }
        let parts = topic.dropFirst(prefix.count + 1).dropLast(end.count)
            .split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let owner = Quantity.Owner(rawValue: String(first)) else { return nil }
        if owner == .charger {
            guard parts.count == 2, !parts[1].isEmpty else { return nil }
            return .charger(String(parts[1]))
        }
        return parts.count == 1 ? .single(owner) : nil
    }
}
