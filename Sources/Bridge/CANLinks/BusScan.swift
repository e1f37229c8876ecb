import Glibc
public import MasterBus

/// A device with all that it told.
public struct ScannedDevice: Sendable {
    /// An attribute with its last value.
    public struct Attribute: Sendable {
        /// Its number.
        public let id: UInt16
        /// What is known about it.
        public let description: AttributeDescription
        /// Its last value; nil where none came.
        public let value: BusValue?
        /// The payload that its topic would have.
        public var text: String? { value?.text }
        /// The text of the option that the value selects.
        public let option: String?
    }

    /// A group as displays show it; without a number for what stands in no group that was heard of.
    public struct Group: Sendable {
        /// Counted from 0.
        public let number: UInt8?
        /// Its name, as far as it was told.
        public let name: String?
        /// The attributes in their order.
        public let attributes: [Attribute]
    }

    /// Who it is.
    public let address: DeviceAddress
    /// What it said of itself.
    public let schema: DeviceSchema
    /// Its monitoring groups.
    public let groups: [Group]

    init(_ schema: DeviceSchema, values: [UInt16: BusValue]) {
        address = schema.address
        self.schema = schema
        func attribute(_ id: UInt16) -> Attribute {
            let number = values[id]?.value
            return Attribute(
                id: id, description: schema.description(of: id), value: values[id],
                option: number.flatMap { schema.optionText(of: id, value: $0) })
        }
        var seen: Set<UInt16> = []
        var groups: [Group] = []
        for (number, group) in schema.groups.sorted(by: { $0.key < $1.key }) {
            let ids = group.items.sorted { $0.key < $1.key }.map(\.value)
            seen.formUnion(ids)
            groups.append(Group(number: number, name: schema.text(group.nameID), attributes: ids.map(attribute)))
        }
        let rest = Set(schema.attributes).union(values.keys).subtracting(seen).sorted()
        if !rest.isEmpty { groups.append(Group(number: nil, name: nil, attributes: rest.map(attribute))) }
        self.groups = groups
    }
}

/// Asks around on a bus until every device has told all of itself.
public enum BusScan {
    /// After this long without a new device, who has not spoken is not there.
    private static let settleTime: Duration = .milliseconds(1500)

    /// What is on a bus.
    ///
    /// - Parameters:
    ///   - source: the link.
    ///   - isListenOnly: nothing is sent; then it takes the whole time.
    ///   - limit: the longest time.
    ///   - mailbox: how to stop it early.
    /// - Throws: why the link cannot be opened, or was lost.
    public static func run(
        _ source: CANSource, isListenOnly: Bool, limit: Duration, mailbox: Mailbox
    ) throws(CANLinkFailure) -> [ScannedDevice] {
        let isSilent = isListenOnly || source.isReplay
        let start = ContinuousClock.now
        var values: [DeviceAddress: [UInt16: BusValue]] = [:]
        let bus = BusSupervisor(
            source: source, link: source.link(isListenOnly: isSilent, replaySpeed: nil),
            session: BusSession(BusSession.Configuration(isListenOnly: isSilent), now: .zero), recorder: nil,
            number: 0, now: .zero)
        defer { bus.shut() }
        var poll = EventLoop()
        var ready: [UInt64] = []
        poll.add(mailbox.wake.descriptor, token: 0)
        var failure: CANLinkFailure?
        var lastNews: Duration = .zero
        while true {
            let now = ContinuousClock.now - start
            let report = { (event: BusSupervisor.Event) in
                switch event {
                case .closed(let reason, let isFinal): failure = CANLinkFailure(reason, isTemporary: !isFinal)
                case .session(.appeared): lastNews = now
                case .session(.bus(.value(let value))): values[value.device, default: [:]][value.attribute] = value
                default: break
                }
            }
            if bus.advance(to: now, report), let descriptor = bus.descriptor { poll.add(descriptor, token: 1) }
            if let failure { throw failure }
            if bus.isFinished || now >= limit { break }
            if !isSilent, bus.session.isCaughtUp, now - lastNews >= settleTime { break }
            let due = min(bus.deadline(now: now) ?? limit, limit)
            poll.wait(due - now, &ready)
            if ready.contains(0), mailbox.take().stopReason != nil { break }
        }
        let decoder = bus.session.decoder
        return decoder.devices.sorted().compactMap { device in
            decoder.schema(of: device).map { ScannedDevice($0, values: values[device] ?? [:]) }
        }
    }
}
