/// What a frame has to tell to those who publish or print.
public enum BusEvent: Sendable, Hashable {
    /// A monitoring value.
    case value(BusValue)
    /// A value of another tab. Its attribute number means something else than the same number in monitoring, so it
    /// must not share the topic.
    case otherTab(Tab, BusValue)
    /// The answer to a write: it carries the value from before the write and must not be published.
    case outdated(BusValue)
    /// A text of a device, complete.
    case label(BusLabel)
    /// Somebody writes a value.
    case write(BusWrite)
    /// Somebody's identity where a value would stand: the second half of a write, or its answer.
    case command(BusCommand)
    /// An error frame: the controller reports trouble on the line.
    case error(time: Duration, LineTrouble)
    /// A frame that nobody has explained.
    case unknown(time: Duration, Frame)
}

/// A value as a device gave it.
public struct BusValue: Sendable, Hashable {
    /// When the frame was received, as the caller counts time.
    public let time: Duration
    /// The device.
    public let device: DeviceAddress
    /// The attribute.
    public let attribute: UInt16
    /// The value; nil where the device says that it has none (not a number, infinite).
    public let value: Float?
    /// The 32 bits on the wire.
    public let bits: UInt32
    /// How to read it.
    public let format: ValueFormat

    /// A value from its bits.
    public init(time: Duration, device: DeviceAddress, attribute: UInt16, bits: UInt32, format: ValueFormat) {
        let number = Float(bitPattern: bits)
        self.time = time
        self.device = device
        self.attribute = attribute
        self.value = number.isFinite ? number : nil
        self.bits = bits
        self.format = format
    }

    /// The payload of its topic; nil where there is no value.
    public var text: String? { value.flatMap { format.text($0) } }
}

/// A text of a device.
public struct BusLabel: Sendable, Hashable {
    /// When its last piece was received.
    public let time: Duration
    /// The device.
    public let device: DeviceAddress
    /// The text's id, per device.
    public let string: UInt16
    /// The text.
    public let text: String

    /// A text of a device.
    public init(time: Duration, device: DeviceAddress, string: UInt16, text: String) {
        self.time = time
        self.device = device
        self.string = string
        self.text = text
    }
}

/// A write by somebody on the bus; never by this library.
public struct BusWrite: Sendable, Hashable {
    /// When the frame was received.
    public let time: Duration
    /// The device that is written to.
    public let device: DeviceAddress
    /// The tab of the attribute.
    public let tab: Tab
    /// The attribute.
    public let attribute: UInt16
    /// The value; nil where the bits are no number.
    public let value: Float?
    /// The 32 bits on the wire.
    public let bits: UInt32
}

/// An identity in a command register.
public struct BusCommand: Sendable, Hashable {
    /// When the frame was received.
    public let time: Duration
    /// The device commanded.
    public let device: DeviceAddress
    /// The command register: the written attribute's number plus one.
    public let attribute: UInt16
    /// Who commands.
    public let commander: DeviceAddress
    /// True for the command itself, false for the device's answer.
    public let isRequest: Bool
}

/// How many frames of which meaning went by.
public struct BusCounts: Sendable, Hashable {
    /// CAN frames of any kind, error frames included.
    public internal(set) var frames = 0
    /// Monitoring values, those without a number included.
    public internal(set) var values = 0
    /// Texts completed.
    public internal(set) var labels = 0
    /// Writes of values; identities written to command registers are ``commands``.
    public internal(set) var writes = 0
    /// Error frames.
    public internal(set) var errorFrames = 0
    /// Lines of a log that were no frames.
    public internal(set) var unreadableLines = 0
    /// Frames that nobody has explained, and frames that are none of MasterBus.
    public internal(set) var unknown = 0
    /// Values of other tabs.
    public internal(set) var otherTabValues = 0
    /// Answers to writes, held back.
    public internal(set) var outdated = 0
    /// Identities in command registers, requests and answers.
    public internal(set) var commands = 0
    /// Values dropped because more devices spoke than are remembered.
    public internal(set) var overflow = 0
    /// Error frames and unreadable lines.
    public var errors: Int { errorFrames + unreadableLines }
    /// All zero.
    public init() {}
}
