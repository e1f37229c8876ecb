/// What a device says: for simulated devices and tests.
///
/// Only classes below 10 hex can be built here, and no request and no write is among them.
public enum BusAnswer: Sendable, Hashable {
    /// Here I am.
    case announce(Announcement)
    /// The value of a monitoring attribute.
    case value(attribute: UInt16, Float)
    /// A property of four bytes.
    case property(operation: UInt8, selector: UInt8, value: UInt16)
    /// No such property.
    case propertyRefusal(operation: UInt8, selector: UInt8)
    /// A piece of a text: at most four bytes, with the closing zero where the text ends.
    case string(StringChunk)
    /// A fact about a monitoring attribute. `leftover` is what real devices leave in byte 3.
    case metadata(attribute: UInt16, Metadata, leftover: UInt8 = 0)
    /// The size of a group.
    case groupSize(Tab, group: UInt8, count: UInt8, leftover: UInt8 = 0)
    /// An item of a group.
    case groupItem(Tab, group: UInt8, index: UInt8, attribute: UInt16)
    /// The name of a group.
    case groupName(Tab, group: UInt8, string: UInt16, leftover: UInt8 = 0)

    /// The frame that the device with this address sends.
    public func frame(from device: DeviceAddress) -> Frame {
        switch self {
        case .announce(let announcement):
            return Frame(
                Identifier(kind: .announce, address: device),
                Self.bytes(device.token) + [announcement.eventCounter, announcement.constant, 0, announcement.flags])
        case .value(let attribute, let value):
            return Frame(
                Identifier(kind: .monitoringValue, address: device),
                Self.bytes(attribute) + Self.bytes(value.bitPattern))
        case .property(let operation, let selector, let value):
            return Frame(Identifier(kind: .property, address: device), [operation, selector] + Self.bytes(value))
        case .propertyRefusal(let operation, let selector):
            return Frame(Identifier(kind: .propertyRefusal, address: device), [operation, selector])
        case .string(let chunk):
            let characters = (0..<chunk.count).map { chunk[$0] }
            return Frame(
                Identifier(kind: .property, address: device),
                [0x30] + Self.bytes(chunk.id) + [chunk.sequence] + characters + (chunk.isLast ? [0] : []))
        case .metadata(let attribute, let fact, let leftover):
            let (operation, index, data) = Self.encode(fact)
            return Frame(
                Identifier(kind: .monitoringMetadata, address: device),
                [operation] + Self.bytes(attribute) + [index ?? leftover] + data)
        case .groupSize(let tab, let group, let count, let leftover):
            return Frame(
                Identifier(kind: tab.groupsKind, address: device),
                [0x07, group, 0, leftover] + Self.bytes(Float(count).bitPattern))
        case .groupItem(let tab, let group, let index, let attribute):
            return Frame(
                Identifier(kind: tab.groupsKind, address: device), [0x03, group, 0, index] + Self.bytes(attribute))
        case .groupName(let tab, let group, let string, let leftover):
            return Frame(
                Identifier(kind: tab.groupsKind, address: device), [0x28, group, 0, leftover] + Self.bytes(string))
        }
    }

    private static func encode(_ fact: Metadata) -> (operation: UInt8, index: UInt8?, data: [UInt8]) {
        switch fact {
        case .visualisation(let code): (0x02, nil, [code, 0])
        case .minimum(let value): (0x06, nil, bytes(value.bitPattern))
        case .maximum(let value): (0x07, nil, bytes(value.bitPattern))
        case .step(let value): (0x08, nil, bytes(value.bitPattern))
        case .factoryDefault(let value): (0x09, nil, bytes(value.bitPattern))
        case .writable(let flag): (0x0B, nil, [flag ? 1 : 0, 0])
        case .grey(let flag): (0x0C, nil, [flag ? 1 : 0, 0])
        case .eventable(let flag): (0x0D, nil, [flag ? 1 : 0, 0])
        case .option(let index, let string): (0x26, index, bytes(string))
        case .name(let string): (0x28, nil, bytes(string))
        case .longName(let string): (0x29, nil, bytes(string))
        case .longestName(let string): (0x2A, nil, bytes(string))
        case .unit(let string): (0x2C, nil, bytes(string))
        }
    }

    private static func bytes(_ word: UInt16) -> [UInt8] { [UInt8(truncatingIfNeeded: word), UInt8(word >> 8)] }
    private static func bytes(_ quad: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: quad >> UInt32(8 * $0)) }
    }
}

extension Tab {
    /// The kind of the answers about this tab's groups.
    var groupsKind: MessageKind {
        switch self {
        case .monitoring: .monitoringGroups
        case .alarm: .alarmGroups
        case .history: .historyGroups
        case .configuration: .configurationGroups
        }
    }
}
