/// The 29-bit identifier of a frame: class (5 bits), meta (1), device type (5), unique id (18).
///
/// A request carries the address of the device it asks; who asks is nowhere in it.
public struct Identifier: Sendable, Hashable {
    /// The 29 bits.
    public let rawValue: UInt32

    /// An identifier of the low 29 bits; higher bits are dropped.
    public init(rawValue: UInt32) { self.rawValue = rawValue & 0x1FFF_FFFF }

    /// An identifier of a message kind and the device it is about.
    public init(kind: MessageKind, address: DeviceAddress) {
        rawValue = UInt32(kind.rawValue) << 23 | address.rawValue
    }

    /// Bits 28 to 24.
    public var messageClass: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 24) }
    /// Bit 23: the second half of the class.
    public var isMeta: Bool { rawValue & 0x80_0000 != 0 }
    /// The device this frame is from (an answer) or for (a request).
    public var address: DeviceAddress { DeviceAddress(rawValue: rawValue) }
    /// Class and meta bit together: what kind of message this is; nil for the kinds nobody has seen.
    public var kind: MessageKind? { MessageKind(rawValue: UInt8(truncatingIfNeeded: rawValue >> 23)) }
    /// The upper 11 bits (class, meta and type), as some descriptions of the bus write it.
    public var standardID: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 18) }
}

/// Class and meta bit of an identifier, as `class << 1 | meta`.
///
/// Answers have the class of the request less 10 hex, except for properties (request 07, answer 06). The classes for
/// alarm and history values follow the pattern and were never observed.
public enum MessageKind: UInt8, Sendable, Hashable, CaseIterable {
    /// 04: a device names itself.
    case announce = 0x08
    /// 05: a device asks all others to announce themselves.
    case hello = 0x0A
    /// 06: the answer to a property request.
    case property = 0x0C
    /// 06, meta: the device has no such property.
    case propertyRefusal = 0x0D
    /// 07: a property or a piece of a text is asked for.
    case propertyRequest = 0x0E

    /// 08: a monitoring value; also the answer to a write.
    case monitoringValue = 0x10
    /// 08, meta: metadata of a monitoring attribute.
    case monitoringMetadata = 0x11
    /// 09: groups of the monitoring tab.
    case monitoringGroups = 0x12
    /// 09, meta: an alarm value (by the pattern).
    case alarmValue = 0x13
    /// 0A: groups of the alarm tab.
    case alarmGroups = 0x14
    /// 0A, meta: a history value (by the pattern).
    case historyValue = 0x15
    /// 0B: groups of the history tab.
    case historyGroups = 0x16
    /// 0B, meta: a configuration value (taken from others).
    case configurationValue = 0x17
    /// 0C: metadata of a configuration attribute (taken from others).
    case configurationMetadata = 0x18
    /// 0C, meta: groups of the configuration tab.
    case configurationGroups = 0x19

    /// 10: no value for this attribute (taken from others).
    case monitoringNoValue = 0x20
    /// 10, meta: no metadata for this attribute (taken from others).
    case monitoringNoMetadata = 0x21
    /// 11: no such group (taken from others).
    case monitoringNoGroup = 0x22

    /// 18: two bytes ask for a monitoring value, six bytes write it.
    case monitoringValueRequest = 0x30
    /// 18, meta.
    case monitoringMetadataRequest = 0x31
    /// 19.
    case monitoringGroupsRequest = 0x32
    /// 19, meta (by the pattern).
    case alarmValueRequest = 0x33
    /// 1A.
    case alarmGroupsRequest = 0x34
    /// 1A, meta (by the pattern).
    case historyValueRequest = 0x35
    /// 1B.
    case historyGroupsRequest = 0x36
    /// 1B, meta (taken from others).
    case configurationValueRequest = 0x37
    /// 1C (taken from others).
    case configurationMetadataRequest = 0x38
    /// 1C, meta.
    case configurationGroupsRequest = 0x39

    /// Whether the device whose address the identifier carries has sent the frame; false for requests to it.
    public var isFromDevice: Bool { rawValue < Self.monitoringValueRequest.rawValue && self != .propertyRequest }
}

/// The four tabs under which a device keeps its attributes.
///
/// Attribute numbers are per tab: configuration attribute 17 hex has nothing to do with monitoring attribute 17 hex.
public enum Tab: UInt8, Sendable, Hashable, CaseIterable {
    /// What the device measures and does; the only tab whose values are topics.
    case monitoring
    /// Alarms.
    case alarm
    /// Counters and extremes.
    case history
    /// Settings.
    case configuration
}
