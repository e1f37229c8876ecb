/// What is measured, by the name that the register table or the bus's attribute has for it.
public struct Quantity: Sendable, Hashable, Comparable, RawRepresentable, CustomStringConvertible {
    /// Letters, digits, `_`, `.` and `-`.
    public let rawValue: String

    /// A quantity of any name; what is not in the list below is kept and has minimum, maximum, mean and median.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A charger's panel power, W (register EDBC).
    public static let panelPower = Quantity(rawValue: "panel_power")
    /// A charger's panel voltage, V (EDBB).
    public static let panelVoltage = Quantity(rawValue: "panel_voltage")
    /// At a charger's battery terminals, V (EDD5).
    public static let chargerVoltage = Quantity(rawValue: "charger_voltage")
    /// Out of a charger's converter, A (EDD7).
    public static let chargerCurrent = Quantity(rawValue: "charger_current")
    /// A charger's state by number (0201).
    public static let deviceState = Quantity(rawValue: "device_state")
    /// 0 off, 1 limited, 2 at the maximum power point (EDB3).
    public static let trackerMode = Quantity(rawValue: "tracker_mode")
    /// All that a charger ever gave, kWh (EDDD).
    public static let systemYield = Quantity(rawValue: "system_yield")
    /// A battery monitor's voltage, V.
    public static let batteryVoltage = Quantity(rawValue: "battery_voltage")
    /// A battery monitor's current, A; negative is out of the battery.
    public static let batteryCurrent = Quantity(rawValue: "battery_current")
    /// A battery monitor's state of charge, %.
    public static let stateOfCharge = Quantity(rawValue: "state_of_charge")

    /// The name.
    public var description: String { rawValue }
    /// By name.
    public static func < (left: Quantity, right: Quantity) -> Bool { left.rawValue < right.rawValue }

    /// A number that stands for a word, not for an amount: between two samples the first one holds.
    var isCode: Bool {
        self == .deviceState || self == .trackerMode || rawValue.hasSuffix("_state") || rawValue.hasSuffix("_mode")
            || rawValue.hasSuffix("_error")
    }
}

/// One value as it comes in.
public struct HistorySample: Sendable, Hashable {
    /// Where a value comes from.
    public enum Provenance: UInt8, Sendable {
        /// The device said it.
        case measured = 0
        /// It follows from what devices said.
        case derived = 1
    }

    /// The device's identity: a charger's serial number, a bus device's address.
    public var device: String
    /// What it is.
    public var quantity: Quantity
    /// In ``unit``; what is not a finite number is not kept.
    public var value: Double
    /// `W`, `V`, `A`, `kWh`, `%`; empty for a code.
    public var unit: String
    /// The system's clock, in seconds since 1970 UTC; it may be wrong.
    public var wall: Double
    /// Seconds of a clock that never jumps and counts from the machine's start (CLOCK_BOOTTIME).
    public var monotonic: Double
    /// Where the value comes from.
    public var provenance: Provenance

    /// A sample.
    public init(
        device: String, quantity: Quantity, value: Double, unit: String, wall: Double, monotonic: Double,
        provenance: Provenance = .measured
    ) {
        self.device = device
        self.quantity = quantity
        self.value = value
        self.unit = unit
        self.wall = wall
        self.monotonic = monotonic
        self.provenance = provenance
    }
}

/// Values of one quantity of one device, as numbers of a smallest step.
public struct Series: Sendable, Hashable {
    /// The store's number for it, from 1.
    public let id: Int
    /// The device's identity.
    public let device: String
    /// What it is.
    public let quantity: Quantity
    /// The unit of its values.
    public let unit: String
    /// Decimal places that are kept.
    public let decimals: Int

    /// The most series that are kept; more than any plant has, so that a device that invents names does no harm.
    static let limit = 4096

    /// Steps in one unit.
    var scale: Double { Self.scales[decimals] }
    private static let scales = [1.0, 10, 100, 1000]

    /// What a unit is worth keeping: no more than the devices resolve, for every digit costs room.
    static func decimals(ofUnit unit: String) -> Int {
        switch unit {
        case "": 0
        case "min", "h": 1
        case "kWh", "A", "Ah", "%": 3
        default: 2
        }
    }

    /// The same for values that are known to be good.
    package func stepsForProof(_ value: Double) -> Int64 { Int64((value * scale).rounded()) }

    /// The whole steps of a value; nil for what is no number or beyond all reason.
    func steps(_ value: Double) -> Int64? {
        let steps = (value * scale).rounded()
        return abs(steps) < 1e15 ? Int64(steps) : nil
    }
}
