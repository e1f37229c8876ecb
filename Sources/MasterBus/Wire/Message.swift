/// What a frame means.
///
/// Parsing allocates nothing. Whatever does not fit a known kind, byte for byte, is ``unknown``.
public enum Message: Sendable, Hashable {
    /// A device says who it is.
    case announce(Announcement)
    /// A device asks the others to announce themselves; the address is its own.
    case hello
    /// A property is asked for (operations 08, 09, 82 and others).
    case propertyRequest(operation: UInt8, selector: UInt8)
    /// The answer: counts (08), the id of a text (09), a version (82).
    case property(operation: UInt8, selector: UInt8, value: UInt16)
    /// The device has no such property.
    case propertyRefusal(operation: UInt8, selector: UInt8)
    /// A piece of a text is asked for; `sequence` counts pieces of four characters from 0.
    case stringRequest(id: UInt16, sequence: UInt8)
    /// A piece of a text.
    case stringChunk(StringChunk)
    /// Somebody changes a text.
    case stringWrite(StringChunk)
    /// A value is asked for.
    case readRequest(Tab, attribute: UInt16)
    /// A value: a number's 32 bits. After a write it may be the old one, and it may be no number at all.
    case value(Tab, attribute: UInt16, bits: UInt32)
    /// Somebody writes a value.
    case write(Tab, attribute: UInt16, bits: UInt32)
    /// The device has no value for the attribute (taken from others).
    case noValue(attribute: UInt16)
    /// Metadata is asked for; `option` only where a list's option is meant.
    case metadataRequest(Tab, operation: UInt8, attribute: UInt16, option: UInt8?)
    /// Metadata of an attribute.
    case metadata(Tab, attribute: UInt16, Metadata)
    /// The device has no such metadata (taken from others).
    case noMetadata
    /// A group's size, item or name is asked for; `index` only for items.
    case groupRequest(Tab, operation: UInt8, group: UInt8, index: UInt8?)
    /// The number of items in a group.
    case groupSize(Tab, group: UInt8, count: UInt8)
    /// Which attribute stands at a place in a group.
    case groupItem(Tab, group: UInt8, index: UInt8, attribute: UInt16)
    /// The text that names a group (taken from others).
    case groupName(Tab, group: UInt8, string: UInt16)
    /// The device has no such group (taken from others).
    case noGroup
    /// Nothing that is known.
    case unknown
}

/// A device's announcement.
public struct Announcement: Sendable, Hashable {
    /// Who announces itself; the identifier says the same.
    public let address: DeviceAddress
    /// A counter of the device's events.
    public let eventCounter: UInt8
    /// Constant per device; meaning unknown.
    public let constant: UInt8
    /// 08 where the device has just woken or started (inferred).
    public let flags: UInt8
    /// An announcement.
    public init(address: DeviceAddress, eventCounter: UInt8 = 0, constant: UInt8 = 0, flags: UInt8 = 0) {
        self.address = address
        self.eventCounter = eventCounter
        self.constant = constant
        self.flags = flags
    }
}

/// Up to four characters of a text (Latin-1).
public struct StringChunk: Sendable, Hashable {
    /// The text's id; per device.
    public let id: UInt16
    /// Which piece, from 0.
    public let sequence: UInt8
    /// The characters, first lowest; zero beyond ``count``.
    public let characters: UInt32
    /// The number of characters, 0 to 4, the closing zero not counted.
    public let count: Int
    /// Whether the text ends with this piece.
    public let isLast: Bool

    /// A piece as it stands in a frame: `length` bytes, of which a zero ends the text.
    public init(id: UInt16, sequence: UInt8, characters: UInt32, length: Int) {
        var count = 0
        let length = min(max(length, 0), 4)
        while count < length, characters >> UInt32(8 * count) & 0xFF != 0 { count += 1 }
        self.id = id
        self.sequence = sequence
        self.characters = count == 0 ? 0 : characters & (.max >> UInt32(32 - 8 * count))
        self.count = count
        self.isLast = count < 4
    }

    /// Character `index`; zero beyond ``count``.
    public subscript(index: Int) -> UInt8 {
        index >= 0 && index < 4 ? UInt8(truncatingIfNeeded: characters >> UInt32(8 * index)) : 0
    }
}

/// One fact about an attribute.
public enum Metadata: Sendable, Hashable {
    /// How the attribute is shown (operation 02).
    case visualisation(UInt8)
    /// The least value (06).
    case minimum(Float)
    /// The greatest value; for a list the number of options (07).
    case maximum(Float)
    /// The step (08).
    case step(Float)
    /// The factory setting (09; taken from others).
    case factoryDefault(Float)
    /// Whether it can be written (0B).
    case writable(Bool)
    /// Whether it is shown grey (0C).
    case grey(Bool)
    /// Whether it can start an event (0D; taken from others).
    case eventable(Bool)
    /// The text of one of a list's options (26).
    case option(index: UInt8, string: UInt16)
    /// The text that names the attribute (28).
    case name(string: UInt16)
    /// A longer name (29; taken from others).
    case longName(string: UInt16)
    /// The longest name (2A; taken from others).
    case longestName(string: UInt16)
    /// The text of the unit (2C).
    case unit(string: UInt16)
}

extension Message {
    /// What a frame means. Error frames, remote frames, CAN FD and 11-bit identifiers are ``unknown``.
    public init(_ frame: Frame) { self = Self.parse(frame) }

    private static func parse(_ frame: Frame) -> Message {
        guard let identifier = frame.identifier, let kind = identifier.kind else { return .unknown }
        switch kind {
        case .announce: return announce(frame, identifier.address)
        case .hello: return frame.count == 0 ? .hello : .unknown
        case .propertyRequest: return propertyRequest(frame)
        case .property: return property(frame)
        case .propertyRefusal:
            return frame.count >= 2 && frame.count <= 4
                ? .propertyRefusal(operation: frame[0], selector: frame[1]) : .unknown
        case .monitoringValue: return value(frame, .monitoring)
        case .alarmValue: return value(frame, .alarm)
        case .historyValue: return value(frame, .history)
        case .configurationValue: return value(frame, .configuration)
        case .monitoringMetadata: return metadata(frame, .monitoring)
        case .configurationMetadata: return metadata(frame, .configuration)
        case .monitoringGroups: return group(frame, .monitoring)
        case .alarmGroups: return group(frame, .alarm)
        case .historyGroups: return group(frame, .history)
        case .configurationGroups: return group(frame, .configuration)
        case .monitoringNoValue: return frame.count >= 2 ? .noValue(attribute: frame.word(at: 0)) : .unknown
        case .monitoringNoMetadata: return .noMetadata
        case .monitoringNoGroup: return .noGroup
        case .monitoringValueRequest: return valueRequest(frame, .monitoring)
        case .alarmValueRequest: return valueRequest(frame, .alarm)
        case .historyValueRequest: return valueRequest(frame, .history)
        case .configurationValueRequest: return valueRequest(frame, .configuration)
        case .monitoringMetadataRequest: return metadataRequest(frame, .monitoring)
        case .configurationMetadataRequest: return metadataRequest(frame, .configuration)
        case .monitoringGroupsRequest: return groupRequest(frame, .monitoring)
        case .alarmGroupsRequest: return groupRequest(frame, .alarm)
        case .historyGroupsRequest: return groupRequest(frame, .history)
        case .configurationGroupsRequest: return groupRequest(frame, .configuration)
        }
    }

    private static func announce(_ frame: Frame, _ address: DeviceAddress) -> Message {
        // The payload repeats the identifier in every announcement observed. One that does not is no announcement.
        guard frame.count == 8, frame.quad(at: 0) == address.token else { return .unknown }
        return .announce(
            Announcement(address: address, eventCounter: frame[4], constant: frame[5], flags: frame[7]))
    }

    private static func propertyRequest(_ frame: Frame) -> Message {
        switch (frame.count, frame[0]) {
        case (4, 0x30): .stringRequest(id: frame.word(at: 1), sequence: frame[3])
        case (5...8, 0x30): .stringWrite(chunk(frame))
        case (2, _): .propertyRequest(operation: frame[0], selector: frame[1])
        default: .unknown
        }
    }

    private static func property(_ frame: Frame) -> Message {
        switch (frame.count, frame[0]) {
        case (4...8, 0x30): .stringChunk(chunk(frame))
        case (4, _): .property(operation: frame[0], selector: frame[1], value: frame.word(at: 2))
        default: .unknown
        }
    }

    private static func chunk(_ frame: Frame) -> StringChunk {
        StringChunk(
            id: frame.word(at: 1), sequence: frame[3], characters: frame.quad(at: 4), length: frame.count - 4)
    }

    private static func value(_ frame: Frame, _ tab: Tab) -> Message {
        guard frame.count == 6 else { return .unknown }
        return .value(tab, attribute: frame.word(at: 0), bits: frame.quad(at: 2))
    }

    private static func valueRequest(_ frame: Frame, _ tab: Tab) -> Message {
        switch frame.count {
        case 2: .readRequest(tab, attribute: frame.word(at: 0))
        case 6: .write(tab, attribute: frame.word(at: 0), bits: frame.quad(at: 2))
        default: .unknown
        }
    }

    private static func metadataRequest(_ frame: Frame, _ tab: Tab) -> Message {
        switch frame.count {
        case 3: .metadataRequest(tab, operation: frame[0], attribute: frame.word(at: 1), option: nil)
        case 4: .metadataRequest(tab, operation: frame[0], attribute: frame.word(at: 1), option: frame[3])
        default: .unknown
        }
    }

    /// Byte 3 is a leftover of the device's previous frame, except for options, where it is the index.
    private static func metadata(_ frame: Frame, _ tab: Tab) -> Message {
        guard let fact = fact(frame) else { return .unknown }
        return .metadata(tab, attribute: frame.word(at: 1), fact)
    }

    private static func fact(_ frame: Frame) -> Metadata? {
        let float = Float(bitPattern: frame.quad(at: 4))
        let string = frame.word(at: 4)
        switch (frame[0], frame.count) {
        case (0x02, 5...8): return .visualisation(frame[4])
        case (0x06, 8): return .minimum(float)
        case (0x07, 8): return .maximum(float)
        case (0x08, 8): return .step(float)
        case (0x09, 8): return .factoryDefault(float)
        case (0x0B, 5...8): return .writable(frame[4] != 0)
        case (0x0C, 5...8): return .grey(frame[4] != 0)
        case (0x0D, 5...8): return .eventable(frame[4] != 0)
        case (0x26, 6...8): return .option(index: frame[3], string: string)
        case (0x28, 6...8): return .name(string: string)
        case (0x29, 6...8): return .longName(string: string)
        case (0x2A, 6...8): return .longestName(string: string)
        case (0x2C, 6...8): return .unit(string: string)
        default: return nil
        }
    }

    private static func groupRequest(_ frame: Frame, _ tab: Tab) -> Message {
        switch (frame.count, frame[0]) {
        case (3, _): .groupRequest(tab, operation: frame[0], group: frame[1], index: nil)
        case (4, _): .groupRequest(tab, operation: frame[0], group: frame[1], index: frame[3])
        default: .unknown
        }
    }

    /// Byte 3 is a leftover here too, except for items, where it is the index.
    private static func group(_ frame: Frame, _ tab: Tab) -> Message {
        switch (frame[0], frame.count) {
        case (0x07, 8):
            let count = Float(bitPattern: frame.quad(at: 4))
            guard let count = UInt8(exactly: count) else { return .unknown }
            return .groupSize(tab, group: frame[1], count: count)
        case (0x03, 6): return .groupItem(tab, group: frame[1], index: frame[3], attribute: frame.word(at: 4))
        case (0x28, 6): return .groupName(tab, group: frame[1], string: frame.word(at: 4))
        default: return .unknown
        }
    }
}
