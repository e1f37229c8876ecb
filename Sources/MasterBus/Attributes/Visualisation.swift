/// How a device wants an attribute shown (metadata operation 02). Codes observed: 1, 3, 7, 8; the rest from others.
public enum Visualisation: UInt8, Sendable, Hashable, CaseIterable {
    /// A number with a unit.
    case float = 0x1
    /// A number shown grey.
    case greyFloat = 0x2
    /// One of a list's options, by index.
    case list = 0x3
    /// Something that can start an event.
    case eventable = 0x4
    /// Off or on.
    case checkbox = 0x5
    /// A text.
    case text = 0x6
    /// Seconds.
    case time = 0x7
    /// A packed date.
    case date = 0x8
    /// A list of devices.
    case deviceList = 0x9
    /// The command of an event.
    case eventCommand = 0xA
    /// A variant of a switch.
    case switchVariant = 0xB

    /// How values so shown are read.
    public var format: ValueFormat {
        switch self {
        case .time: .time
        case .date: .date
        default: .number
        }
    }
    /// Whether the attribute is a number with a unit.
    public var isFloat: Bool { self == .float || self == .greyFloat }
    /// The name in reports: `float`, `list`, `time`, `date`, …
    public var text: String { "\(self)" }
}
