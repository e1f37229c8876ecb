/// Turns the frames of a bus into values, texts and writes, and learns on the way what the devices say of themselves.
///
/// What must not be taken for a value (docs/masterbus.md, section 9) is held back here:
/// - The answer to a write carries the value from before. After a write the next answer for that attribute is held
///   back, and one more if a read was still unanswered when the write came, because nobody can tell the two apart.
///   A read that follows a held-back answer, or ``settleTime``, ends it.
/// - An identity in a command register looks like a tiny number.
/// - Not a number and infinity mean that there is no value.
///
/// Memory is bounded whatever arrives: ``maximumDevices`` devices, each within ``SchemaLimits``, with at most 32
/// writes and 256 reads under way. Values of devices beyond that are counted and dropped, for their writes could not
/// be followed.
public struct BusDecoder: Sendable {
    /// How many devices are remembered. A real bus has at most a few dozen.
    public static let maximumDevices = 64
    /// How long after a write an unanswered write still spoils the next value. The slowest answer observed took
    /// 272 ms.
    public static let settleTime = Duration.seconds(1)
    /// How long a read may stay unanswered and still be expected.
    private static let answerTime = Duration.milliseconds(300)
    private static let maximumWrites = 32
    private static let maximumReads = 256

    private struct AttributeKey: Hashable {
        let tab: Tab
        let attribute: UInt16
        /// Both in one number, to compare by.
        var packed: UInt32 { UInt32(tab.rawValue) << 16 | UInt32(attribute) }
    }

    /// What was asked for and when, until it is answered. Searched linearly: of a device a few questions are open.
    private struct OpenReads {
        private var keys: [UInt32] = []
        private var times: [Duration] = []

        var isEmpty: Bool { keys.isEmpty }

        subscript(key: AttributeKey) -> Duration? { keys.firstIndex(of: key.packed).map { times[$0] } }

        mutating func note(_ key: AttributeKey, _ time: Duration) {
            if let index = keys.firstIndex(of: key.packed) {
                times[index] = time
            } else if keys.count < BusDecoder.maximumReads {
                keys.append(key.packed)
                times.append(time)
            }
        }

        mutating func close(_ key: AttributeKey) {
            guard let index = keys.firstIndex(of: key.packed) else { return }
            let last = keys.count - 1
            keys[index] = keys[last]
            times[index] = times[last]
            keys.removeLast()
            times.removeLast()
        }
    }

    private struct PendingWrite {
        let time: Duration
        /// How many answers are still to be held back.
        var heldBack: Int
        var isAnswered = false
    }

    private struct DeviceState {
        var schema: DeviceSchema
        var lastHeard: Duration?
        /// When the attribute was last asked for, until it is answered.
        var reads = OpenReads()
        var writes: [AttributeKey: PendingWrite] = [:]
    }

    /// What went by so far.
    public private(set) var counts = BusCounts()
    private let limits: SchemaLimits
    // Parallel arrays, searched linearly: a bus has few devices, and this beats hashing for as many as it can have.
    private var addresses: [DeviceAddress] = []
    private var states: [DeviceState] = []

    /// A decoder that has heard nothing yet.
    public init(limits: SchemaLimits = SchemaLimits()) { self.limits = limits }

    /// The devices that have spoken, in the order in which they were first met.
    public var devices: [DeviceAddress] {
        zip(addresses, states).compactMap { $1.lastHeard == nil ? nil : $0 }
    }

    /// What a device has said about itself; nil for a device that was neither heard nor asked.
    public func schema(of device: DeviceAddress) -> DeviceSchema? { index(of: device).map { states[$0].schema } }

    /// When a device last spoke; nil where it never did.
    public func lastHeard(_ device: DeviceAddress) -> Duration? { index(of: device).flatMap { states[$0].lastHeard } }

    /// Unique ids that devices of different types share. Their topics would be the same.
    public var sharedUIDs: [UInt32] {
        let uids = devices.map(\.uid).sorted()
        return Set(zip(uids, uids.dropFirst()).filter { $0 == $1 }.map(\.0)).sorted()
    }

    /// Counts a line of a log that was no frame.
    public mutating func countUnreadableLine() { counts.unreadableLines += 1 }

    /// Takes a frame. At most one event comes of it; most frames only teach.
    public mutating func decode(_ frame: Frame, at time: Duration) -> BusEvent? {
        decode(Message(frame), of: frame, at: time)
    }

    /// Notes a request that we send ourselves, which the bus does not hand back: its answer is expected like others'.
    mutating func noteOwn(_ request: BusRequest, at time: Duration) {
        guard case .read(let device, let attribute) = request, let index = index(of: device) else { return }
        noteRead(AttributeKey(tab: .monitoring, attribute: attribute), index, time)
    }

    /// Takes over what a device said of itself in an earlier session, as far as it has not said it again.
    mutating func adopt(_ record: SchemaRecord) {
        if let index = index(of: record.address) { states[index].schema.adopt(record) }
    }

    /// Takes a frame that the caller has parsed already.
    mutating func decode(_ message: Message, of frame: Frame, at time: Duration) -> BusEvent? {
        counts.frames += 1
        guard let identifier = frame.identifier else {
            if let trouble = LineTrouble(frame) {
                counts.errorFrames += 1
                return .error(time: time, trouble)
            }
            counts.unknown += 1
            return .unknown(time: time, frame)
        }
        if case .unknown = message {
            counts.unknown += 1
            return .unknown(time: time, frame)
        }
        let device = identifier.address
        let isFromDevice = identifier.kind?.isFromDevice ?? false
        guard let index = index(of: device) ?? admit(device, isFromDevice: isFromDevice) else {
            counts.overflow += 1
            return nil
        }
        if isFromDevice { states[index].lastHeard = time }
        return take(message, from: device, at: index, time)
    }

    private mutating func take(
        _ message: Message, from device: DeviceAddress, at index: Int, _ time: Duration
    ) -> BusEvent? {
        switch message {
        case .value(let tab, let attribute, let bits):
            return value(AttributeKey(tab: tab, attribute: attribute), bits, device, index, time)
        case .readRequest(let tab, let attribute):
            noteRead(AttributeKey(tab: tab, attribute: attribute), index, time)
        case .write(let tab, let attribute, let bits):
            return write(AttributeKey(tab: tab, attribute: attribute), bits, device, index, time)
        case .stringChunk(let chunk):
            guard let text = states[index].schema.take(chunk) else { return nil }
            counts.labels += 1
            return .label(BusLabel(time: time, device: device, string: chunk.id, text: text))
        case .stringWrite(let chunk): states[index].schema.forget(string: chunk.id)
        case .metadata(.monitoring, let attribute, let fact): states[index].schema.learn(fact, about: attribute)
        case .announce(let announcement): states[index].schema.announcement = announcement
        case .property(let operation, let selector, let value):
            states[index].schema.learnProperty(operation: operation, selector: selector, value: value)
        case .groupSize(.monitoring, let group, let count): states[index].schema.learnGroupSize(group, count)
        case .groupItem(.monitoring, let group, let place, let attribute):
            states[index].schema.learnGroupItem(group, place, attribute)
        case .groupName(.monitoring, let group, let string): states[index].schema.learnGroupName(group, string)
        case .noValue(let attribute): states[index].reads.close(AttributeKey(tab: .monitoring, attribute: attribute))
        case .hello, .propertyRequest, .propertyRefusal, .stringRequest, .metadataRequest, .metadata, .noMetadata,
            .groupRequest, .groupSize, .groupItem, .groupName, .noGroup, .unknown:
            break
        }
        return nil
    }

    private mutating func value(
        _ key: AttributeKey, _ bits: UInt32, _ device: DeviceAddress, _ index: Int, _ time: Duration
    ) -> BusEvent? {
        if !states[index].reads.isEmpty { states[index].reads.close(key) }
        let isOutdated = !states[index].writes.isEmpty && holdsBack(key, index, time)
        if let commander = commander(bits) {
            counts.commands += 1
            return .command(
                BusCommand(
                    time: time, device: device, attribute: key.attribute, commander: commander, isRequest: false))
        }
        let number = Float(bitPattern: bits)
        let value = BusValue(
            time: time, device: device, attribute: key.attribute, bits: bits,
            format: key.tab == .monitoring
                ? states[index].schema.format(of: key.attribute, value: number) : .number)
        if isOutdated {
            counts.outdated += 1
            return .outdated(value)
        }
        guard key.tab == .monitoring else {
            counts.otherTabValues += 1
            return .otherTab(key.tab, value)
        }
        counts.values += 1
        return .value(value)
    }

    private mutating func write(
        _ key: AttributeKey, _ bits: UInt32, _ device: DeviceAddress, _ index: Int, _ time: Duration
    ) -> BusEvent? {
        noteWrite(key, index, time)
        if let commander = commander(bits) {
            counts.commands += 1
            return .command(
                BusCommand(
                    time: time, device: device, attribute: key.attribute, commander: commander, isRequest: true))
        }
        let number = Float(bitPattern: bits)
        counts.writes += 1
        return .write(
            BusWrite(
                time: time, device: device, tab: key.tab, attribute: key.attribute,
                value: number.isFinite ? number : nil, bits: bits))
    }

    // MARK: Answers to writes

    private mutating func noteRead(_ key: AttributeKey, _ index: Int, _ time: Duration) {
        // Whatever a write was going to say, it has said: what comes now answers this read.
        if !states[index].writes.isEmpty, states[index].writes[key]?.isAnswered == true {
            states[index].writes[key] = nil
        }
        states[index].reads.note(key, time)
    }

    private mutating func noteWrite(_ key: AttributeKey, _ index: Int, _ time: Duration) {
        var expected = 1
        if let asked = states[index].reads[key], Self.isWithin(Self.answerTime, from: asked, to: time) { expected += 1 }
        if let earlier = states[index].writes[key], Self.isWithin(Self.settleTime, from: earlier.time, to: time) {
            expected += earlier.heldBack
        }
        if states[index].writes[key] == nil, states[index].writes.count >= Self.maximumWrites,
            let oldest = states[index].writes.min(by: { $0.value.time < $1.value.time })?.key
        {
            states[index].writes[oldest] = nil
        }
        states[index].writes[key] = PendingWrite(time: time, heldBack: min(expected, 4))
    }

    private mutating func holdsBack(_ key: AttributeKey, _ index: Int, _ time: Duration) -> Bool {
        guard var pending = states[index].writes[key] else { return false }
        guard Self.isWithin(Self.settleTime, from: pending.time, to: time) else {
            states[index].writes[key] = nil
            return false
        }
        pending.heldBack -= 1
        pending.isAnswered = true
        states[index].writes[key] = pending.heldBack > 0 ? pending : nil
        return true
    }

    /// Within a span in either direction: the clock behind a capture may step back.
    private static func isWithin(_ span: Duration, from start: Duration, to end: Duration) -> Bool {
        let elapsed = end - start
        return elapsed <= span && elapsed >= .zero - span
    }

    // MARK: Identities

    /// The identity in the bits of a value; nil where they are a number.
    ///
    /// As a number an identity is below 1e-36, which nothing on a boat measures. It must also be the address of a
    /// device that was met, or of a display: only displays and gateways command, and one that is heard for the first
    /// time while it commands has not announced itself yet.
    private func commander(_ bits: UInt32) -> DeviceAddress? {
        guard bits != 0, Float(bitPattern: bits).magnitude < 1e-30, let address = DeviceAddress(token: bits) else {
            return nil
        }
        return address.type == 0x14 || index(of: address) != nil ? address : nil
    }

    // MARK: Devices

    private func index(of device: DeviceAddress) -> Int? { addresses.firstIndex(of: device) }

    /// A place for a device not met before. Where all are taken, a device that speaks gets the place of one that was
    /// only ever asked.
    private mutating func admit(_ device: DeviceAddress, isFromDevice: Bool) -> Int? {
        if addresses.count >= Self.maximumDevices {
            guard isFromDevice, let silent = states.firstIndex(where: { $0.lastHeard == nil }) else { return nil }
            addresses[silent] = device
            states[silent] = DeviceState(schema: DeviceSchema(device, limits: limits))
            return silent
        }
        addresses.append(device)
        states.append(DeviceState(schema: DeviceSchema(device, limits: limits)))
        return addresses.count - 1
    }
}
