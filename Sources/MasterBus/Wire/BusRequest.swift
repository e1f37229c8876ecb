/// Everything that can be sent: questions, and nothing else.
///
/// vebridge is read-only on this bus by construction. A write is a frame of class 18 with six bytes, or a text frame
/// of class 07 with more than four; no case here leads to one, and the payload type behind ``frame`` cannot hold more
/// than four bytes. What a link sends should be a `BusRequest`, never a bare ``Frame``.
public enum BusRequest: Sendable, Hashable {
    /// Everybody, announce yourselves; the address is our own. The only request that carries it.
    case hello(from: DeviceAddress)
    /// Are you there? Some devices answer, others refuse; both are alive.
    case presence(DeviceAddress)
    /// The value of a monitoring attribute.
    case read(DeviceAddress, attribute: UInt16)
    /// A fact about a monitoring attribute.
    case metadata(DeviceAddress, attribute: UInt16, Question)
    /// The text of one of a list's options.
    case option(DeviceAddress, attribute: UInt16, index: UInt8)
    /// How many groups a tab has.
    case groupCount(DeviceAddress, Tab)
    /// How many items a monitoring group has.
    case groupSize(DeviceAddress, group: UInt8)
    /// Which attribute stands at a place in a monitoring group.
    case groupItem(DeviceAddress, group: UInt8, index: UInt8)
    /// The text that names a monitoring group (taken from others).
    case groupName(DeviceAddress, group: UInt8)
    /// The id of one of the texts that describe the device.
    case identity(DeviceAddress, IdentityText)
    /// One of the two parts of the firmware's version (taken from others).
    case firmware(DeviceAddress, part: UInt8)
    /// A piece of a text.
    case string(DeviceAddress, id: UInt16, sequence: UInt8)

    /// What can be asked about an attribute, and the operation that asks it.
    public enum Question: UInt8, Sendable, Hashable, CaseIterable {
        /// How it is shown.
        case visualisation = 0x02
        /// The least value.
        case minimum = 0x06
        /// The greatest value, or a list's number of options.
        case maximum = 0x07
        /// The step.
        case step = 0x08
        /// Whether it can be written.
        case writable = 0x0B
        /// The text that names it.
        case name = 0x28
        /// The text of its unit.
        case unit = 0x2C
    }

    /// The device this is sent to; nil where all are meant.
    public var target: DeviceAddress? {
        switch self {
        case .hello: nil
        case .presence(let device), .read(let device, _), .metadata(let device, _, _), .option(let device, _, _),
            .groupCount(let device, _), .groupSize(let device, _), .groupItem(let device, _, _),
            .groupName(let device, _), .identity(let device, _), .firmware(let device, _), .string(let device, _, _):
            device
        }
    }

    /// The frame to send.
    public var frame: Frame {
        switch self {
        case .hello(let own): Self.encode(.hello, own, Payload())
        case .presence(let device): Self.encode(.property, device, Payload(0x08, 0x3F))
        case .read(let device, let attribute): Self.encode(.value, device, Payload(word: attribute))
        case .metadata(let device, let attribute, let question):
            Self.encode(.metadata, device, Payload(question.rawValue, word: attribute))
        case .option(let device, let attribute, let index):
            Self.encode(.metadata, device, Payload(0x26, word: attribute, index))
        case .groupCount(let device, let tab): Self.encode(.property, device, Payload(0x08, tab.groupCountSelector))
        case .groupSize(let device, let group): Self.encode(.groups, device, Payload(0x07, word: UInt16(group)))
        case .groupItem(let device, let group, let index):
            Self.encode(.groups, device, Payload(0x03, word: UInt16(group), index))
        case .groupName(let device, let group): Self.encode(.groups, device, Payload(0x28, word: UInt16(group)))
        case .identity(let device, let text): Self.encode(.property, device, Payload(0x09, text.rawValue))
        case .firmware(let device, let part): Self.encode(.property, device, Payload(0x82, part))
        case .string(let device, let id, let sequence):
            Self.encode(.property, device, Payload(0x30, word: id, sequence))
        }
    }

    /// Whether a message from the request's target answers it, with content or with a refusal.
    public func isAnswered(by message: Message) -> Bool {
        switch (self, message) {
        case (.presence, .property(0x08, 0x3F, _)), (.presence, .propertyRefusal(0x08, 0x3F)): true
        case (.read(_, let asked), .value(.monitoring, let attribute, _)): asked == attribute
        case (.read(_, let asked), .noValue(let attribute)): asked == attribute
        case (.metadata(_, let asked, let question), .metadata(.monitoring, let attribute, let fact)):
            asked == attribute && question == fact.question
        case (.option(_, let asked, let index), .metadata(.monitoring, let attribute, .option(let found, _))):
            asked == attribute && index == found
        case (.metadata, .noMetadata), (.option, .noMetadata): true
        case (.groupCount(_, let tab), .property(0x08, let selector, _)),
            (.groupCount(_, let tab), .propertyRefusal(0x08, let selector)):
            selector == tab.groupCountSelector
        case (.groupSize(_, let asked), .groupSize(.monitoring, let group, _)): asked == group
        case (.groupItem(_, let asked, let place), .groupItem(.monitoring, let group, let index, _)):
            asked == group && place == index
        case (.groupName(_, let asked), .groupName(.monitoring, let group, _)): asked == group
        case (.groupSize, .noGroup), (.groupItem, .noGroup), (.groupName, .noGroup): true
        case (.identity(_, let text), .property(0x09, let selector, _)),
            (.identity(_, let text), .propertyRefusal(0x09, let selector)):
            selector == text.rawValue
        case (.firmware(_, let part), .property(0x82, let selector, _)),
            (.firmware(_, let part), .propertyRefusal(0x82, let selector)):
            selector == part
        case (.string(_, let id, let sequence), .stringChunk(let chunk)): id == chunk.id && sequence == chunk.sequence
        case (.string(_, let id, _), .propertyRefusal(0x30, let low)): low == UInt8(truncatingIfNeeded: id)
        default: false
        }
    }

    /// The classes that a question can have.
    private enum Class {
        case hello, property, value, metadata, groups

        var kind: MessageKind {
            switch self {
            case .hello: .hello
            case .property: .propertyRequest
            case .value: .monitoringValueRequest
            case .metadata: .monitoringMetadataRequest
            case .groups: .monitoringGroupsRequest
            }
        }
    }

    /// At most four bytes: a write does not fit.
    private struct Payload {
        let bits: UInt32
        let count: Int

        init() { (bits, count) = (0, 0) }
        init(_ operation: UInt8, _ selector: UInt8) { (bits, count) = (UInt32(operation) | UInt32(selector) << 8, 2) }
        init(word: UInt16) { (bits, count) = (UInt32(word), 2) }
        init(_ operation: UInt8, word: UInt16) { (bits, count) = (UInt32(operation) | UInt32(word) << 8, 3) }
        init(_ operation: UInt8, word: UInt16, _ index: UInt8) {
            (bits, count) = (UInt32(operation) | UInt32(word) << 8 | UInt32(index) << 24, 4)
        }
    }

    private static func encode(_ kind: Class, _ address: DeviceAddress, _ payload: Payload) -> Frame {
        Frame(
            rawIdentifier: Identifier(kind: kind.kind, address: address).rawValue, bits: UInt64(payload.bits),
            count: payload.count)
    }
}

/// The texts that describe a device (property 09).
public enum IdentityText: UInt8, Sendable, Hashable, CaseIterable {
    /// The article number (taken from others).
    case article = 1
    /// The serial number (taken from others).
    case serial = 2
    /// The name: the product's class, then what the installer typed.
    case name = 3
    /// The revision (taken from others).
    case revision = 4
}

extension Tab {
    /// The selector of property 08 that counts this tab's groups.
    public var groupCountSelector: UInt8 {
        switch self {
        case .monitoring: 0x02
        case .history: 0x04
        case .configuration: 0x06
        case .alarm: 0x08
        }
    }
}

extension Metadata {
    /// The question this answers; nil where it answers none of ours.
    var question: BusRequest.Question? {
        switch self {
        case .visualisation: .visualisation
        case .minimum: .minimum
        case .maximum: .maximum
        case .step: .step
        case .writable: .writable
        case .name: .name
        case .unit: .unit
        case .factoryDefault, .grey, .eventable, .option, .longName, .longestName: nil
        }
    }
}
