public import MasterBus

/// A device on the simulated bus: what it has, and how it answers questions about it.
public struct SimulatedBusDevice: Sendable {
    /// One attribute of the monitoring tab.
    public struct Attribute: Sendable {
        /// Its number.
        public let id: UInt16
        /// Its name.
        public let name: String
        /// Its unit; empty for none.
        public let unit: String
        /// How it is shown.
        public let shown: Visualisation
        /// The texts of a list's options.
        public let options: [String]
        /// Least and greatest value, and step.
        public let range: (minimum: Float, maximum: Float, step: Float)
        /// Whether displays may change it.
        public let isWritable: Bool

        init(
            _ id: UInt16, _ name: String, _ unit: String = "", _ shown: Visualisation = .float, options: [String] = [],
            range: (Float, Float, Float) = (0, 100, 0.1), isWritable: Bool = false
        ) {
            self.id = id
            self.name = name
            self.unit = unit
            self.shown = shown
            self.options = options
            self.range = options.isEmpty ? range : (0, Float(options.count), 1)
            self.isWritable = isWritable
        }
    }

    /// Its address.
    public let address: DeviceAddress
    /// What it calls itself.
    public let name: String
    /// Its monitoring groups, as displays show them.
    public let groups: [(name: String, attributes: [UInt16])]
    /// Its attributes.
    public let attributes: [Attribute]
    /// From a request to the answer.
    public var turnAround: ClosedRange<Duration>
    /// After this long without a request it sleeps, and the first request is lost; nil for one that never sleeps.
    public var sleepsAfter: Duration?
    /// What it holds now, by attribute; not a number where it has no value.
    public internal(set) var values: [UInt16: Float] = [:]
    /// Whether it sleeps.
    public internal(set) var isAsleep = false

    private var strings: [UInt16: String] = [:]
    private var stringIDs: [String: UInt16] = [:]
    private let otherGroups: [UInt8: UInt16]
    private var lastAsked: Duration = .zero
    private var eventCounter: UInt8 = 0x34
    private let constant: UInt8
    /// Byte 3 of the answer before: real devices leave it where it means nothing.
    private var leftover: UInt8 = 0

    init(
        _ address: DeviceAddress, name: String, groups: [(name: String, attributes: [UInt16])],
        attributes: [Attribute], otherGroups: [UInt8: UInt16], turnAround: ClosedRange<Duration>,
        sleepsAfter: Duration? = nil, constant: UInt8 = 1
    ) {
        self.address = address
        self.name = name
        self.groups = groups
        self.attributes = attributes
        self.otherGroups = otherGroups
        self.turnAround = turnAround
        self.sleepsAfter = sleepsAfter
        self.constant = constant
        var next: UInt16 = 0x14
        for text in [name] + groups.map(\.name) + attributes.flatMap({ [$0.name, $0.unit] + $0.options })
        where !text.isEmpty && stringIDs[text] == nil {
            strings[next] = text
            stringIDs[text] = next
            // Ids are not dense on real devices.
            next += 3
        }
    }

    /// A DC shunt (MSH), with the attributes of the one observed.
    public static func shunt(_ address: DeviceAddress = DeviceAddress(type: 0x1B, uid: 0x31297)) -> Self {
        Self(
            address, name: "MSH Simulated", groups: [("Main", [0x00, 0x04, 0x03, 0x01, 0x02, 0x05, 0x09, 0x0A])],
            attributes: [
                Attribute(0x00, "State of Charge", "%", range: (0, 100, 1)),
                Attribute(0x01, "Battery", "V", range: (0, 100, 0.01)),
                Attribute(0x02, "Battery", "A", range: (-1500, 1500, 0.1)),
                Attribute(0x03, "Cap. consumed", "Ah", range: (0, 2000, 0.1)),
                Attribute(0x04, "Remaining", "", .time, range: (0, 1000, 1)),
                Attribute(0x05, "Battery", "\u{B0}C", range: (-30, 120, 1)),
                Attribute(0x09, "Time", "", .time), Attribute(0x0A, "Date", "", .date),
            ],
            otherGroups: [0x04: 5, 0x06: 5, 0x08: 1], turnAround: .microseconds(2200)...(.microseconds(4200)),
            constant: 2)
    }

    /// The interface of a Mass Combi, with the attributes of the one observed. It sleeps when nobody asks.
    public static func massCombi(_ address: DeviceAddress = DeviceAddress(type: 0x0E, uid: 0x2F412)) -> Self {
        let switched = ["Off", "On"]
        return Self(
            address, name: "INT Mass Combi",
            groups: [
                ("General", [0x10, 0x3C, 0x38, 0x14, 0x3A, 0x13, 0x0E, 0x11]), ("Battery", [0x12, 0x06, 0x07]),
                ("AC Input", [0x08, 0x09]), ("AC Output", [0x0A, 0x0B]),
            ],
            attributes: [
                Attribute(0x06, "Battery", "V", range: (0, 36, 0.1)),
                Attribute(0x07, "Battery", "A", range: (-200, 200, 0.1)),
                Attribute(0x08, "AC Input", "V", range: (0, 300, 1)),
                Attribute(0x09, "AC Input", "A", range: (0, 50, 0.1)),
                Attribute(0x0A, "AC Output", "V", range: (0, 300, 1)),
                Attribute(0x0B, "AC Output", "A", range: (0, 50, 0.1)),
                Attribute(0x0E, "Input = genset", "", .list, options: switched, isWritable: true),
                Attribute(
                    0x10, "State", "", .list,
                    options: [
                        "Off", "Standby", "Charging", "Inverting", "Supporting", "Overload", "Alarm", "Low Bat", "Wait",
                    ]),
                Attribute(0x11, "Load", "", .list, options: ["0 %", "1 %", "2 %", "3 %", "4 %", "5 %", "10 %"]),
                Attribute(
                    0x12, "State of charger", "", .list,
                    options: ["Off", "Bulk", "Absorption", "Float", "Standby", "No shore", "Error"]),
                Attribute(
                    0x13, "Shore fuse", "", .list, options: (4...30).map { "\($0) A" }, isWritable: true),
                Attribute(0x14, "Inverter", "", .list, options: switched, isWritable: true),
                Attribute(0x38, "Power", "", .list, options: switched, isWritable: true),
                Attribute(0x3A, "Charger", "", .list, options: switched, isWritable: true),
                Attribute(0x3C, "Mode", "", .list, options: ["Manual", "Auto", "On", "Off", "Reset"]),
            ],
            otherGroups: [0x04: 1, 0x06: 9, 0x08: 1], turnAround: .milliseconds(5)...(.milliseconds(20)),
            sleepsAfter: .seconds(60))
    }

    // MARK: Answering

    /// Its announcement.
    func announcement(hasWoken: Bool = false) -> Frame {
        BusAnswer.announce(
            Announcement(address: address, eventCounter: eventCounter, constant: constant, flags: hasWoken ? 8 : 0)
        ).frame(from: address)
    }

    /// Whether it hears a request now: one that slept wakes and misses it. A probe neither wakes it nor is missed.
    mutating func hears(_ message: Message, at now: Duration) -> Bool {
        if case .propertyRequest(0x08, 0x3F) = message { return true }
        if let sleepsAfter, now - lastAsked > sleepsAfter { isAsleep = true }
        lastAsked = now
        return !isAsleep
    }

    /// It has woken, and says so.
    mutating func wake() {
        isAsleep = false
        eventCounter &+= 5
    }

    /// Moves an attribute that displays may change.
    mutating func set(_ attribute: UInt16, _ value: Float) {
        guard values[attribute] != nil else { return }
        values[attribute] = value
        eventCounter &+= 1
    }

    /// The answer to a request that it hears; nil for what it does not answer.
    mutating func answer(_ message: Message) -> Frame? {
        guard let answer = reply(message) else { return nil }
        let frame = answer.frame(from: address)
        leftover = frame[3]
        return frame
    }

    private func reply(_ message: Message) -> BusAnswer? {
        switch message {
        case .propertyRequest(let operation, let selector): property(operation, selector)
        case .stringRequest(let id, let sequence): chunk(id, sequence).map { .string($0) }
        case .readRequest(.monitoring, let attribute): values[attribute].map { .value(attribute: attribute, $0) }
        case .metadataRequest(.monitoring, let operation, let id, let option):
            attributes.first { $0.id == id }.flatMap { fact(operation, $0, option) }.map {
                .metadata(attribute: id, $0, leftover: leftover)
            }
        case .groupRequest(.monitoring, 0x07, let group, _):
            Int(group) < groups.count
                ? .groupSize(
                    .monitoring, group: group, count: UInt8(groups[Int(group)].attributes.count), leftover: leftover)
                : nil
        case .groupRequest(.monitoring, 0x03, let group, let index?):
            Int(group) < groups.count && Int(index) < groups[Int(group)].attributes.count
                ? .groupItem(
                    .monitoring, group: group, index: index, attribute: groups[Int(group)].attributes[Int(index)])
                : nil
        case .groupRequest(.monitoring, 0x28, let group, _):
            Int(group) < groups.count
                ? stringIDs[groups[Int(group)].name].map {
                    .groupName(.monitoring, group: group, string: $0, leftover: leftover)
                } : nil
        default: nil
        }
    }

    private func property(_ operation: UInt8, _ selector: UInt8) -> BusAnswer {
        switch (operation, selector) {
        case (0x08, 0x02): .property(operation: 8, selector: 2, value: UInt16(groups.count))
        case (0x08, 0x3F) where address.type == 0x0E: .property(operation: 8, selector: 0x3F, value: 8)
        case (0x09, 0x03): .property(operation: 9, selector: 3, value: stringIDs[name] ?? 0)
        case (0x08, _):
            otherGroups[selector].map { .property(operation: 8, selector: selector, value: $0) }
                ?? .propertyRefusal(operation: operation, selector: selector)
        default: .propertyRefusal(operation: operation, selector: selector)
        }
    }

    private func chunk(_ id: UInt16, _ sequence: UInt8) -> StringChunk? {
        guard let text = strings[id] else { return nil }
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        guard 4 * Int(sequence) <= bytes.count else { return nil }
        let piece = bytes.dropFirst(4 * Int(sequence)).prefix(4)
        var characters: UInt32 = 0
        for (place, byte) in piece.enumerated() { characters |= UInt32(byte) << UInt32(8 * place) }
        return StringChunk(id: id, sequence: sequence, characters: characters, length: piece.count)
    }

    private func fact(_ operation: UInt8, _ attribute: Attribute, _ option: UInt8?) -> Metadata? {
        switch operation {
        case 0x02: return .visualisation(attribute.shown.rawValue)
        case 0x06: return .minimum(attribute.range.minimum)
        case 0x07: return .maximum(attribute.range.maximum)
        case 0x08: return .step(attribute.range.step)
        case 0x0B: return .writable(attribute.isWritable)
        case 0x0C: return .grey(false)
        case 0x26:
            guard let option, Int(option) < attribute.options.count else { return nil }
            return stringIDs[attribute.options[Int(option)]].map { .option(index: option, string: $0) }
        case 0x28: return stringIDs[attribute.name].map { .name(string: $0) }
        case 0x2C: return stringIDs[attribute.unit].map { .unit(string: $0) }
        default: return nil
        }
    }
}
