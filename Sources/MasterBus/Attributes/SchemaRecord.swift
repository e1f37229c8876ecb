/// What a device said of itself, fit to be kept in a file: identity, groups, attributes and texts.
///
/// The text form is one fact a line, words apart by tabs, with a sum at the end. Whatever is damaged is no record.
public struct SchemaRecord: Sendable, Equatable {
    /// The device.
    public let address: DeviceAddress
    /// Name, article, serial number and revision, as far as the device told them.
    public let identity: [IdentityText: String]
    /// The firmware, as far as the device told it.
    public let firmware: String?

    let groupCount: UInt16?
    let groups: [UInt8: GroupSchema]
    let attributes: [UInt16: AttributeSchema]
    let strings: [UInt16: String]
    let identityIDs: [IdentityText: UInt16]
    let firmwareParts: [UInt8: UInt16]

    private static let header = "masterbus-schema 1"
    /// More facts than any device has.
    private static let maximumLines = 20_000

    /// What is known of a device now.
    public init(_ schema: DeviceSchema) {
        address = schema.address
        identity = schema.identityIDs.compactMapValues { schema.text($0) }
        firmware = schema.firmware
        groupCount = schema.groupCounts[.monitoring]
        groups = schema.groups
        attributes = schema.known
        strings = schema.strings.finished
        identityIDs = schema.identityIDs
        firmwareParts = schema.firmwareParts
    }

    /// The attributes in the monitoring groups.
    var groupedAttributes: [UInt16] {
        var seen: Set<UInt16> = []
        return groups.sorted { $0.key < $1.key }.flatMap { $0.value.items.sorted { $0.key < $1.key } }.map(\.value)
            .filter { seen.insert($0).inserted }
    }

    /// Whether the device that says this of itself now is the one of the record, with the same firmware and as many
    /// groups. A device without a name or number of groups is never taken for another.
    func describes(_ schema: DeviceSchema) -> Bool {
        guard schema.address == address, let name = schema.name, name == identity[.name],
            let count = schema.groupCounts[.monitoring], count == groupCount
        else { return false }
        return schema.article == identity[.article] && schema.serial == identity[.serial]
            && schema.revision == identity[.revision] && schema.firmware == firmware
    }

    // MARK: Text

    /// The record as text.
    public var text: String {
        var lines = [Self.header, "device\t\(address.rawValue)"]
        func add(_ words: any CustomStringConvertible...) {
            lines.append(words.map { $0.description }.joined(separator: "\t"))
        }
        if let groupCount { add("groups", groupCount) }
        for (part, value) in firmwareParts.sorted(by: { $0.key < $1.key }) { add("firmware", part, value) }
        for (text, id) in identityIDs.sorted(by: { $0.key.rawValue < $1.key.rawValue }) { add("id", text.rawValue, id) }
        for (id, group) in groups.sorted(by: { $0.key < $1.key }) {
            if let size = group.size { add("group-size", id, size) }
            if let name = group.nameID { add("group-name", id, name) }
            for (place, attribute) in group.items.sorted(by: { $0.key < $1.key }) { add("item", id, place, attribute) }
        }
        for (id, said) in attributes.sorted(by: { $0.key < $1.key }) {
            if let value = said.visualisation { add("shown", id, value.rawValue) }
            if let value = said.nameID { add("name", id, value) }
            if let value = said.unitID { add("unit", id, value) }
            if let value = said.minimum { add("minimum", id, value.bitPattern) }
            if let value = said.maximum { add("maximum", id, value.bitPattern) }
            if let value = said.step { add("step", id, value.bitPattern) }
            if let value = said.isWritable { add("writable", id, value ? 1 : 0) }
            for (index, text) in said.optionIDs.sorted(by: { $0.key < $1.key }) { add("option", id, index, text) }
        }
        for (id, text) in strings.sorted(by: { $0.key < $1.key }) { add("text", id, Self.hex(text)) }
        let body = lines.joined(separator: "\n") + "\n"
        return body + "sum\t\(Self.sum(body.utf8))\n"
    }

    /// Reads a record; nil where the text is none, or is damaged.
    public init?(text: String) {
        guard text.utf8.last == 0x0A, let end = text.utf8.dropLast().lastIndex(of: 0x0A) else { return nil }
        let body = text[...end]
        guard text[text.index(after: end)...] == "sum\t\(Self.sum(body.utf8))\n" else { return nil }
        let lines = body.split(separator: "\n")
        guard lines.count <= Self.maximumLines, lines.first.map(String.init) == Self.header else { return nil }
        var reader = Reader()
        for line in lines.dropFirst() {
            let words = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard reader.take(words) else { return nil }
        }
        guard let address = reader.address else { return nil }
        self.address = address
        groupCount = reader.groupCount
        groups = reader.groups
        attributes = reader.attributes
        strings = reader.strings
        identityIDs = reader.identityIDs
        firmwareParts = reader.firmwareParts
        identity = reader.identityIDs.compactMapValues { reader.strings[$0] }
        var schema = DeviceSchema(address, limits: SchemaLimits())
        schema.firmwareParts = reader.firmwareParts
        firmware = schema.firmware
    }

    private struct Reader {
        var address: DeviceAddress?
        var groupCount: UInt16?
        var groups: [UInt8: GroupSchema] = [:]
        var attributes: [UInt16: AttributeSchema] = [:]
        var strings: [UInt16: String] = [:]
        var identityIDs: [IdentityText: UInt16] = [:]
        var firmwareParts: [UInt8: UInt16] = [:]

        /// A line; false where it is none.
        mutating func take(_ words: [Substring]) -> Bool {
            if words[0] == "text" {
                guard words.count == 3, let id = UInt16(words[1]), let text = SchemaRecord.text(hex: words[2]) else {
                    return false
                }
                strings[id] = text
                return true
            }
            let numbers = words.dropFirst().compactMap { UInt32($0) }
            guard numbers.count == words.count - 1, let first = numbers.first else { return false }
            let second = numbers.count > 1 ? numbers[1] : nil
            switch (words[0], numbers.count) {
            case ("device", 1): address = DeviceAddress(rawValue: first)
            case ("groups", 1): groupCount = UInt16(exactly: first)
            case ("firmware", 2):
                firmwareParts[UInt8(truncatingIfNeeded: first)] = second.flatMap(UInt16.init(exactly:))
            case ("id", 2):
                guard let text = UInt8(exactly: first).flatMap(IdentityText.init(rawValue:)) else { return false }
                identityIDs[text] = second.flatMap(UInt16.init(exactly:))
            case ("group-size", 2), ("group-name", 2), ("item", 3): return takeGroup(words[0], numbers)
            default: return takeAttribute(words[0], numbers)
            }
            return true
        }

        private mutating func takeGroup(_ word: Substring, _ numbers: [UInt32]) -> Bool {
            guard let id = UInt8(exactly: numbers[0]), let value = UInt16(exactly: numbers[numbers.count - 1]) else {
                return false
            }
            switch word {
            case "group-size": groups[id, default: GroupSchema()].size = UInt8(exactly: value)
            case "group-name": groups[id, default: GroupSchema()].nameID = value
            default:
                guard let place = UInt8(exactly: numbers[1]) else { return false }
                groups[id, default: GroupSchema()].items[place] = value
            }
            return true
        }

        private mutating func takeAttribute(_ word: Substring, _ numbers: [UInt32]) -> Bool {
            guard let id = UInt16(exactly: numbers[0]), let value = numbers.last, numbers.count >= 2 else {
                return false
            }
            var said = attributes[id] ?? AttributeSchema()
            switch (word, numbers.count) {
            case ("shown", 2): said.visualisation = UInt8(exactly: value).flatMap(Visualisation.init(rawValue:))
            case ("name", 2): said.nameID = UInt16(exactly: value)
            case ("unit", 2): said.unitID = UInt16(exactly: value)
            case ("minimum", 2): said.minimum = Float(bitPattern: value)
            case ("maximum", 2): said.maximum = Float(bitPattern: value)
            case ("step", 2): said.step = Float(bitPattern: value)
            case ("writable", 2): said.isWritable = value != 0
            case ("option", 3):
                guard let index = UInt8(exactly: numbers[1]) else { return false }
                said.optionIDs[index] = UInt16(exactly: value)
            default: return false
            }
            attributes[id] = said
            return true
        }
    }

    /// FNV-1a: enough to tell a torn or edited file.
    static func sum(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    /// Latin-1 as hex digits, two a character.
    private static func hex(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            let digits = String(min(scalar.value, 0xFF), radix: 16)
            return digits.utf8.count < 2 ? "0" + digits : digits
        }.joined()
    }

    private static func text(hex: Substring) -> String? {
        let digits = Array(hex.utf8)
        guard digits.count % 2 == 0, digits.count <= 2 * StringTable.maximumLength else { return nil }
        var scalars = String.UnicodeScalarView()
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[start..<start + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            scalars.append(Unicode.Scalar(byte))
        }
        return String(scalars)
    }
}

extension DeviceSchema {
    /// Takes over a record of this device; what was heard since goes before it, and the limits hold.
    mutating func adopt(_ record: SchemaRecord) {
        guard record.address == address else { return }
        for (id, text) in record.strings.sorted(by: { $0.key < $1.key }) { strings.adopt(id, text) }
        for (id, group) in record.groups.sorted(by: { $0.key < $1.key }) {
            guard groups[id] != nil || groups.count < limits.groups else { continue }
            var merged = groups[id] ?? GroupSchema()
            merged.nameID = merged.nameID ?? group.nameID
            merged.size = merged.size ?? group.size
            merged.items.merge(group.items) { now, _ in now }
            groups[id] = merged
        }
        for (id, said) in record.attributes.sorted(by: { $0.key < $1.key }) {
            guard known[id] != nil || known.count < limits.attributes else { continue }
            var merged = known[id] ?? AttributeSchema()
            merged.nameID = merged.nameID ?? said.nameID
            merged.unitID = merged.unitID ?? said.unitID
            merged.visualisation = merged.visualisation ?? said.visualisation
            merged.minimum = merged.minimum ?? said.minimum
            merged.maximum = merged.maximum ?? said.maximum
            merged.step = merged.step ?? said.step
            merged.isWritable = merged.isWritable ?? said.isWritable
            merged.optionIDs.merge(said.optionIDs.filter { Int($0.key) < limits.options }) { now, _ in now }
            known[id] = merged
        }
        for (text, id) in record.identityIDs where identityIDs[text] == nil { identityIDs[text] = id }
        chooseTable()
    }
}
