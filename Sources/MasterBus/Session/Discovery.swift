/// What is still to be asked so that a device's monitoring attributes have names, units and options.
///
/// There is no list of steps: the next question is the first thing that the schema lacks, so whatever another master's
/// questions bring to light is not asked again.
struct Discovery: Sendable {
    /// Questions that brought nothing, however often they were asked.
    private var fruitless: Set<BusRequest> = []
    /// Questions that went unanswered and whose time will come.
    private var postponed: [BusRequest] = []
    /// The question that was answered last. When it comes up again the answer did not help.
    private var answered: BusRequest?

    /// More questions than any device needs; beyond that discovery gives up.
    private static let maximumFruitless = 1024
    /// More options than any list observed (27).
    private static let maximumOptions = 64

    /// The device may answer now what it did not before (it has woken, or was started again).
    mutating func reset() {
        fruitless.removeAll()
        answered = nil
    }

    mutating func noteAnswer(_ request: BusRequest) { answered = request }

    mutating func noteSilence(_ request: BusRequest) {
        if fruitless.count < Self.maximumFruitless { fruitless.insert(request) }
    }

    /// The next question; nil when nothing is left to ask.
    ///
    /// - Parameters:
    ///   - extra: attributes that were seen in no group.
    ///   - postponed: questions not to be asked now.
    mutating func next(_ schema: DeviceSchema, extra: [UInt16], postponed: [BusRequest]) -> BusRequest? {
        next(postponed) { $0.firstMissing(schema, extra) }
    }

    /// The next question that tells whether a device is the one it was; nil when nothing of that kind is left.
    mutating func nextIdentity(_ schema: DeviceSchema, postponed: [BusRequest]) -> BusRequest? {
        next(postponed) { $0.identity(schema) ?? $0.groupCount(schema) }
    }

    private mutating func next(_ postponed: [BusRequest], _ missing: (Discovery) -> BusRequest?) -> BusRequest? {
        guard fruitless.count < Self.maximumFruitless else { return nil }
        self.postponed = postponed
        var found = missing(self)
        while let request = found, request == answered {
            answered = nil
            fruitless.insert(request)
            found = fruitless.count < Self.maximumFruitless ? missing(self) : nil
        }
        return found
    }

    private func isOpen(_ request: BusRequest) -> Bool {
        !fruitless.contains(request) && !postponed.contains(request)
    }

    private func firstMissing(_ schema: DeviceSchema, _ extra: [UInt16]) -> BusRequest? {
        // What there is to read comes first, so that values flow while the names are still asked for.
        items(schema) ?? identity(schema) ?? groupNames(schema) ?? attributes(schema, extra)
    }

    private func identity(_ schema: DeviceSchema) -> BusRequest? {
        for text in [IdentityText.name, .article, .serial, .revision] {
            guard let id = schema.identityIDs[text] else {
                let request = BusRequest.identity(schema.address, text)
                if isOpen(request) { return request }
                continue
            }
            if let request = string(schema, id) { return request }
        }
        for part: UInt8 in 0...1 where schema.firmwareParts[part] == nil {
            let request = BusRequest.firmware(schema.address, part: part)
            if isOpen(request) { return request }
        }
        return nil
    }

    private func groupCount(_ schema: DeviceSchema) -> BusRequest? {
        let request = BusRequest.groupCount(schema.address, .monitoring)
        return schema.groupCounts[.monitoring] == nil && isOpen(request) ? request : nil
    }

    private func groups(_ schema: DeviceSchema) -> Range<UInt8> {
        0..<UInt8(min(schema.groupCounts[.monitoring] ?? 0, 32))
    }

    private func items(_ schema: DeviceSchema) -> BusRequest? {
        if let request = groupCount(schema) { return request }
        let device = schema.address
        for group in groups(schema) {
            let known = schema.groups[group]
            guard let size = known?.size else {
                let request = BusRequest.groupSize(device, group: group)
                if isOpen(request) { return request }
                continue
            }
            for index in 0..<size where known?.items[index] == nil {
                let request = BusRequest.groupItem(device, group: group, index: index)
                if isOpen(request) { return request }
            }
        }
        return nil
    }

    private func groupNames(_ schema: DeviceSchema) -> BusRequest? {
        for group in groups(schema) {
            guard let id = schema.groups[group]?.nameID else {
                let request = BusRequest.groupName(schema.address, group: group)
                if isOpen(request) { return request }
                continue
            }
            if let request = string(schema, id) { return request }
        }
        return nil
    }

    private func attributes(_ schema: DeviceSchema, _ extra: [UInt16]) -> BusRequest? {
        var seen: Set<UInt16> = []
        for attribute in schema.groupedAttributes + extra where seen.insert(attribute).inserted {
            if let request = facts(schema, attribute) { return request }
        }
        return nil
    }

    private func facts(_ schema: DeviceSchema, _ attribute: UInt16) -> BusRequest? {
        let device = schema.address
        let said = schema[attribute]
        func question(_ question: BusRequest.Question, unless isKnown: Bool) -> BusRequest? {
            let request = BusRequest.metadata(device, attribute: attribute, question)
            return !isKnown && isOpen(request) ? request : nil
        }
        let isFloat = said?.visualisation?.isFloat ?? false
        let isList = said?.visualisation == .list
        if let request = question(.visualisation, unless: said?.visualisation != nil) { return request }
        if let request = question(.name, unless: said?.nameID != nil) { return request }
        if let request = string(schema, said?.nameID) { return request }
        if isFloat, let request = question(.unit, unless: said?.unitID != nil) { return request }
        if isFloat, let request = string(schema, said?.unitID) { return request }
        if let request = question(.writable, unless: said?.isWritable != nil) { return request }
        if isFloat || isList, let request = question(.maximum, unless: said?.maximum != nil) { return request }
        if isFloat, let request = question(.minimum, unless: said?.minimum != nil) { return request }
        if isFloat, let request = question(.step, unless: said?.step != nil) { return request }
        guard isList, let count = said?.maximum, count >= 1 else { return nil }
        for index in 0..<UInt8(min(count, Float(Self.maximumOptions))) {
            guard let id = said?.optionIDs[index] else {
                let request = BusRequest.option(device, attribute: attribute, index: index)
                if isOpen(request) { return request }
                continue
            }
            if let request = string(schema, id) { return request }
        }
        return nil
    }

    private func string(_ schema: DeviceSchema, _ id: UInt16?) -> BusRequest? {
        guard let id, schema.text(id) == nil else { return nil }
        let request = BusRequest.string(schema.address, id: id, sequence: schema.strings.nextPiece(of: id))
        // A text with a piece that cannot be had is given up as a whole.
        let first = BusRequest.string(schema.address, id: id, sequence: 0)
        return isOpen(request) && isOpen(first) ? request : nil
    }
}
