/// What a device has said about one of its monitoring attributes.
public struct AttributeSchema: Sendable, Hashable {
    /// The text that names it.
    public internal(set) var nameID: UInt16?
    /// The text of its unit.
    public internal(set) var unitID: UInt16?
    /// How it is shown.
    public internal(set) var visualisation: Visualisation?
    /// The least value.
    public internal(set) var minimum: Float?
    /// The greatest value; for a list the number of options.
    public internal(set) var maximum: Float?
    /// The step.
    public internal(set) var step: Float?
    /// The factory setting.
    public internal(set) var factoryDefault: Float?
    /// Whether displays offer to change it.
    public internal(set) var isWritable: Bool?
    /// The texts of a list's options, by index. Displays ask only for the option that is selected.
    public internal(set) var optionIDs: [UInt8: UInt16] = [:]
}

/// What a device has said about one of its monitoring groups.
public struct GroupSchema: Sendable, Hashable {
    /// The text that names it.
    public internal(set) var nameID: UInt16?
    /// How many items it has.
    public internal(set) var size: UInt8?
    /// The attributes, by place.
    public internal(set) var items: [UInt8: UInt16] = [:]
}

/// An attribute with all that is known about it, from the device itself and from the tables.
public struct AttributeDescription: Sendable, Hashable {
    /// The name; nil where nobody knows it.
    public var name: String?
    /// The unit; nil where there is none or nobody knows it.
    public var unit: String?
    /// How values are read.
    public var format: ValueFormat
    /// Whether the value is the index of an option.
    public var isList: Bool
    /// The texts of options, as far as known.
    public var options: [UInt8: String]
    /// The least value, as the device said.
    public var minimum: Float?
    /// The greatest value, as the device said.
    public var maximum: Float?
    /// The step, as the device said.
    public var step: Float?
    /// Whether displays offer to change it.
    public var isWritable: Bool
    /// Whether the device itself has named it; false where the name is from a table.
    public var isDiscovered: Bool
    /// Whether the name, device's own or table's, was observed on a wire.
    public var isVerified: Bool
}

/// What one device has said about itself, to whoever asked.
///
/// Everything is learned from answers that pass by. Sizes are bounded by ``SchemaLimits``.
public struct DeviceSchema: Sendable {
    /// The device.
    public let address: DeviceAddress
    /// Its last announcement.
    public internal(set) var announcement: Announcement?
    /// The number of groups per tab, where it was heard.
    public internal(set) var groupCounts: [Tab: UInt16] = [:]
    /// The monitoring groups.
    public internal(set) var groups: [UInt8: GroupSchema] = [:]
    /// The two parts of the firmware's version, each minor in the low byte and major in the high byte (taken from
    /// others).
    public internal(set) var firmwareParts: [UInt8: UInt16] = [:]
    /// The ids of the texts that describe the device.
    public internal(set) var identityIDs: [IdentityText: UInt16] = [:]

    var known: [UInt16: AttributeSchema] = [:]
    /// How values of the first 256 attributes are read, kept apart because every value asks for it: by what the device
    /// said, by the table, or not known.
    private var formats = [KnownFormat](repeating: .unknown, count: 256)
    var strings: StringTable
    let limits: SchemaLimits
    private var table: DeviceDefinition?

    init(_ address: DeviceAddress, limits: SchemaLimits) {
        self.address = address
        self.limits = limits
        strings = StringTable(limit: limits.strings)
        table = DeviceDefinition.matching(type: address.type)
        refreshFormats()
    }

    private enum KnownFormat: UInt8 {
        case unknown, number, saidTime, saidDate
        /// The table says time or date, and the value must be one.
        case tabled
    }

    /// Finds anew how values are read, after the device said something of it or another table was chosen.
    mutating func refreshFormats() {
        for attribute: UInt16 in 0..<256 { refreshFormat(attribute) }
    }

    private mutating func refreshFormat(_ attribute: UInt16) {
        guard attribute < 256 else { return }
        let format: KnownFormat =
            switch known[attribute]?.visualisation?.format {
            case .number: .number
            case .time: .saidTime
            case .date: .saidDate
            case nil: table?[attribute].map { $0.format == .number ? .number : .tabled } ?? .unknown
            }
        formats[Int(attribute)] = format
    }

    /// The attributes that the device has said anything about.
    public var attributes: [UInt16] { known.keys.sorted() }

    /// What the device has said about an attribute; nil where it has said nothing.
    public subscript(attribute: UInt16) -> AttributeSchema? { known[attribute] }

    /// A text of the device; nil until it was heard in full.
    public func text(_ id: UInt16?) -> String? { id.flatMap { strings.text(of: $0) } }

    /// The name: a product class and what the installer typed.
    public var name: String? { text(identityIDs[.name]) }
    /// The article number.
    public var article: String? { text(identityIDs[.article]) }
    /// The serial number.
    public var serial: String? { text(identityIDs[.serial]) }

    /// The revision.
    public var revision: String? { text(identityIDs[.revision]) }
    /// The firmware: both parts added up, `major.minor` (taken from others); nil until both are known.
    public var firmware: String? {
        guard let first = firmwareParts[0], let second = firmwareParts[1] else { return nil }
        let minor = Int(first & 0xFF) + Int(second & 0xFF)
        let major = Int(first >> 8) + Int(second >> 8)
        return "\(major)." + (minor < 10 ? "0" : "") + "\(minor)"
    }

    /// The table that fits this device as far as it is known; nil for most types.
    public var definition: DeviceDefinition? { table }

    /// How a value of an attribute is to be read: as the device says, else as the table for its type says, else as a
    /// number.
    public func format(of attribute: UInt16, value: Float) -> ValueFormat {
        if attribute < 256 {
            switch formats[Int(attribute)] {
            case .unknown, .number: return .number
            case .saidTime: return .time
            case .saidDate: return .date
            case .tabled: break
            }
        }
        if let shown = known[attribute]?.visualisation { return shown.format }
        guard let row = table?[attribute], row.admits(value) else { return .number }
        return row.format
    }

    /// All that is known about an attribute.
    public func description(of attribute: UInt16) -> AttributeDescription {
        let said = known[attribute]
        let row = table?[attribute]
        let name = text(said?.nameID)
        var options = row?.options ?? [:]
        for (index, id) in said?.optionIDs ?? [:] {
            if let text = text(id) { options[index] = text }
        }
        let unit = text(said?.unitID) ?? row?.unit
        return AttributeDescription(
            name: name ?? row?.name, unit: unit == "" ? nil : unit,
            format: said?.visualisation?.format ?? row?.format ?? .number,
            isList: said?.visualisation.map { $0 == .list } ?? (row?.kind == .list), options: options,
            minimum: said?.minimum, maximum: said?.maximum, step: said?.step,
            isWritable: said?.isWritable ?? row?.isWritable ?? false, isDiscovered: name != nil,
            isVerified: name != nil || (row != nil && table?.isMeasured == true))
    }

    /// The text of a list's option for a value; nil where it is no list or the text is not known.
    public func optionText(of attribute: UInt16, value: Float) -> String? {
        let description = description(of: attribute)
        guard description.isList, let index = UInt8(exactly: value) else { return nil }
        return description.options[index]
    }

    /// The attributes that stand in the monitoring groups heard of, in the order in which displays show them.
    public var groupedAttributes: [UInt16] {
        var seen: Set<UInt16> = []
        var found: [UInt16] = []
        for (_, group) in groups.sorted(by: { $0.key < $1.key }) {
            for (_, attribute) in group.items.sorted(by: { $0.key < $1.key }) where seen.insert(attribute).inserted {
                found.append(attribute)
            }
        }
        return found
    }

    // MARK: Learning

    mutating func learn(_ fact: Metadata, about attribute: UInt16) {
        if let index = known.index(forKey: attribute) {
            Self.learn(fact, into: &known.values[index], limits)
        } else if known.count < limits.attributes {
            var entry = AttributeSchema()
            Self.learn(fact, into: &entry, limits)
            known[attribute] = entry
        }
        if case .visualisation = fact { refreshFormat(attribute) }
    }

    private static func learn(_ fact: Metadata, into entry: inout AttributeSchema, _ limits: SchemaLimits) {
        switch fact {
        case .visualisation(let code): entry.visualisation = Visualisation(rawValue: code) ?? entry.visualisation
        case .minimum(let value): entry.minimum = value
        case .maximum(let value): entry.maximum = value
        case .step(let value): entry.step = value
        case .factoryDefault(let value): entry.factoryDefault = value
        case .writable(let flag): entry.isWritable = flag
        case .grey, .eventable, .longName, .longestName: break
        case .option(let index, let string):
            if entry.optionIDs[index] != nil || entry.optionIDs.count < limits.options {
                entry.optionIDs[index] = string
            }
        case .name(let string): entry.nameID = string
        case .unit(let string): entry.unitID = string
        }
    }

    mutating func learnGroupSize(_ group: UInt8, _ size: UInt8) {
        withGroup(group) { $0.size = size }
    }

    mutating func learnGroupName(_ group: UInt8, _ string: UInt16) {
        withGroup(group) { $0.nameID = string }
    }

    mutating func learnGroupItem(_ group: UInt8, _ index: UInt8, _ attribute: UInt16) {
        withGroup(group) { $0.items[index] = attribute }
    }

    private mutating func withGroup(_ group: UInt8, _ change: (inout GroupSchema) -> Void) {
        guard groups[group] != nil || groups.count < limits.groups else { return }
        change(&groups[group, default: GroupSchema()])
    }

    mutating func learnProperty(operation: UInt8, selector: UInt8, value: UInt16) {
        switch operation {
        case 0x08:
            if let tab = Tab.allCases.first(where: { $0.groupCountSelector == selector }) { groupCounts[tab] = value }
        case 0x09:
            if let text = IdentityText(rawValue: selector) {
                identityIDs[text] = value
                chooseTable()
            }
        case 0x82: if selector <= 1 { firmwareParts[selector] = value }
        default: break
        }
    }

    mutating func take(_ chunk: StringChunk) -> String? {
        let text = strings.take(chunk)
        if text != nil, identityIDs.values.contains(chunk.id) { chooseTable() }
        return text
    }

    mutating func forget(string: UInt16) { strings.forget(string) }

    mutating func chooseTable() {
        table = DeviceDefinition.matching(type: address.type, name: name, article: article)
        refreshFormats()
    }
}

/// How much is remembered per device, whatever the bus says.
public struct SchemaLimits: Sendable, Hashable {
    /// Attributes with metadata.
    public var attributes = 256
    /// Texts, of at most 64 characters each.
    public var strings = 512
    /// Options of one list.
    public var options = 64
    /// Monitoring groups; each has at most 256 items.
    public var groups = 32
    /// The standard limits: at most about half a megabyte for a device that says all it can.
    public init() {}
}
