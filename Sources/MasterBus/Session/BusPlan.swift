/// How often which attribute is asked for.
public struct BusPlan: Sendable, Hashable {
    /// One attribute of one device.
    public struct Key: Sendable, Hashable {
        /// The device.
        public let device: DeviceAddress
        /// The monitoring attribute.
        public let attribute: UInt16
        /// An attribute of a device.
        public init(_ device: DeviceAddress, _ attribute: UInt16) {
            self.device = device
            self.attribute = attribute
        }
    }

    /// For what changes by the second: volts, amps, watts, states and switches.
    public var fastInterval: Duration
    /// For everything else: percent, capacity, temperature, time and date.
    public var slowInterval: Duration
    /// Exceptions, by attribute.
    public var intervals: [Key: Duration]

    /// A plan; the standard intervals are 1 s and 10 s.
    public init(
        fastInterval: Duration = .seconds(1), slowInterval: Duration = .seconds(10), intervals: [Key: Duration] = [:]
    ) {
        self.fastInterval = fastInterval
        self.slowInterval = slowInterval
        self.intervals = intervals
    }

    /// The interval of an attribute, as far as it is known what it is; never below 100 ms.
    func interval(of key: Key, in schema: DeviceSchema?) -> Duration {
        max(.milliseconds(100), intervals[key] ?? (isFast(key.attribute, schema) ? fastInterval : slowInterval))
    }

    private func isFast(_ attribute: UInt16, _ schema: DeviceSchema?) -> Bool {
        guard let schema else { return false }
        let row = schema.definition?[attribute]
        if let shown = schema[attribute]?.visualisation {
            switch shown {
            case .list, .checkbox, .eventable, .switchVariant: return true
            case .float, .greyFloat: break
            case .text, .time, .date, .deviceList, .eventCommand: return false
            }
        } else if row?.kind == .list || row?.kind == .checkbox {
            return true
        }
        switch schema.text(schema[attribute]?.unitID) ?? row?.unit {
        case "V", "A", "W", "kW", "VA": return true
        default: return false
        }
    }
}
