import CLinux
import Glibc
import VEDirect

/// Decides when a readable topic is published: when it moved by more than its threshold and was not published a moment
/// ago, at a heartbeat, and empty when there is no value any more.
///
/// It looks at the plant at most once a second and only when something was read, so that no reading costs more than a
/// mark.
struct ReadablePublisher {
    typealias Device = ReadableTopics.Device

    /// What was said of a quantity.
    struct Sent {
        /// The payload; nil where nothing was said since the broker came, empty where it was said that there is none.
        var text: String?
        var number = 0.0
        var time: Duration = .zero
        /// Since when the next value is late.
        var lateSince: Duration?
        /// Whether it ever had a value.
        var isKnown = false
        /// Whether it has one now.
        var isPresent = false
    }

    /// A device and what was said of it.
    struct Told {
        let quantities: [Quantity]
        var sent: [Sent]
        var isOnline: Bool?
        var documentTime: Duration?
        /// Whether something was published that the document does not have yet.
        var isDocumentDue = false

        init(_ owner: Quantity.Owner) {
            quantities = Quantity.all(of: owner)
            sent = quantities.map { _ in Sent() }
        }

        /// The quantities that it was seen to have.
        var known: [Quantity] { zip(quantities, sent).filter { $1.isKnown }.map { $0.0 } }
        var knownCount: Int { sent.count(where: \.isKnown) }
    }

    /// The least time between two looks.
    static let pace: Duration = .seconds(1)
    /// The same while the panels of all chargers are dark: nobody is in a hurry, and every look wakes the processor.
    static let nightPace: Duration = .seconds(5)
    /// The longest, while nothing is read.
    static let idlePace: Duration = .seconds(10)
    /// How long a figure may be late before it is said that there is none.
    static let lateLimit: Duration = .seconds(30)
    /// Time for a device that was there before this start to be found again.
    static let returnTime: Duration = .seconds(60)
    static let maximumGhosts = 256

    let topics: ReadableTopics
    private let settings: Configuration.Readable
    /// Seconds since 1970; nil where the time of day means nothing.
    private let wallTime: @Sendable () -> Double?
    private(set) var devices: [Device: Told] = [:]
    /// Devices that the broker believes to be there, until when they may turn up.
    private var ghosts: [Device: Duration] = [:]
    private var lastLook: Duration = .zero - ReadablePublisher.idlePace
    private var isMarked = false
    private var isNight = false

    init(_ configuration: Configuration, wallTime: @escaping @Sendable () -> Double? = { Self.systemTime }) {
        settings = configuration.readable
        topics = ReadableTopics(prefix: configuration.readable.prefix)
        self.wallTime = wallTime
    }

    static var systemTime: Double? {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Something was read, or came or went.
    mutating func mark() { isMarked = true }

    /// When to look next; nil while there is nothing to look at.
    var nextLook: Duration? {
        if isMarked { return lastLook + (isNight ? Self.nightPace : Self.pace) }
        return devices.isEmpty && ghosts.isEmpty ? nil : lastLook + Self.idlePace
    }

    /// The broker has kept from an earlier run that this device is there.
    mutating func remembered(_ device: Device, at now: Duration) {
        guard devices[device] == nil, ghosts.count < Self.maximumGhosts else { return }
        if ghosts[device] == nil { ghosts[device] = now + Self.returnTime }
    }

    /// The broker knows nothing: everything is news.
    mutating func forgetSent() {
        for device in devices.keys {
            devices[device]?.isOnline = nil
            devices[device]?.documentTime = nil
            let count = devices[device]?.sent.count ?? 0
            for index in 0..<count { devices[device]?.sent[index].text = nil }
        }
        isMarked = true
        lastLook = .zero - Self.idlePace
    }

    // MARK: Looking

    /// Publishes what is due.
    mutating func look(_ moment: ReadableMoment, _ publish: (MQTTClient.Message) -> Bool) {
        lastLook = moment.now
        isMarked = false
        let chargers = moment.plant.chargers.values.filter { $0.role(at: moment.now) == .solarCharger }
        isNight = !chargers.isEmpty && chargers.allSatisfy(\.isDark)
        // In a fixed order: what is published depends on what was said, not on how it is stored.
        for serial in moment.plant.chargers.keys.sorted() { look(.charger(serial), moment, publish) }
        for owner in [Quantity.Owner.battery, .inverter, .system] { look(.single(owner), moment, publish) }
        for (device, limit) in ghosts where limit <= moment.now || devices[device] != nil {
            if devices[device] != nil || publish(availability(device, false)) { ghosts[device] = nil }
        }
    }

    private mutating func look(
        _ device: Device, _ moment: ReadableMoment, _ publish: (MQTTClient.Message) -> Bool
    ) {
        var told = devices.removeValue(forKey: device) ?? Told(device.owner)
        let charger = device.serial.flatMap { moment.plant.chargers[$0] }
        let isThere = charger.map { moment.isOnline($0) } ?? (device.serial == nil)
        var values: [ReadableValue?] = []
        values.reserveCapacity(told.quantities.count)
        for index in told.quantities.indices {
            let quantity = told.quantities[index]
            let outcome = isThere ? moment.outcome(of: quantity, charger: charger) : .none
            let isNews = Self.update(
                &told.sent[index], quantity, outcome, settings, moment.now,
                lacks: moment.lacks(quantity, charger)
            ) { text in
                let topic = topics.topic(device, quantity)
                return publish(
                    MQTTClient.Message(
                        topic: topic, payload: text, qos: settings.qos, retain: settings.retain,
                        expiry: settings.expiry))
            }
            if isNews { told.isDocumentDue = true }
            if case .value(let value) = outcome { values.append(value) } else { values.append(nil) }
        }
        let isPresent = told.sent.contains { $0.isPresent }
        // Battery, inverter and system are there once something is known of them.
        guard charger != nil || told.isOnline != nil || isPresent else { return }
        let isOnline = charger == nil ? isPresent : isThere
        if told.isOnline != isOnline, publish(availability(device, isOnline)) {
            told.isOnline = isOnline
            told.isDocumentDue = true
        }
        let age = told.documentTime.map { moment.now - $0 }
        if age == nil || told.isDocumentDue && age ?? .zero >= settings.stateInterval
            || age ?? .zero >= settings.heartbeat
        {
            let text = document(device, told, values, charger, moment, isOnline: isOnline)
            let message = MQTTClient.Message(
                topic: topics.document(device), payload: text, qos: settings.qos, retain: settings.retain,
                expiry: settings.expiry)
            if publish(message) {
                told.documentTime = moment.now
                told.isDocumentDue = false
            }
        }
        devices[device] = told
    }

    private func availability(_ device: Device, _ isOnline: Bool) -> MQTTClient.Message {
        MQTTClient.Message(
            topic: topics.availability(device), payload: isOnline ? "online" : "offline", qos: 1, retain: true)
    }

    /// Publishes one quantity if it is due; true if it was published.
    private static func update(
        _ sent: inout Sent, _ quantity: Quantity, _ outcome: ReadableOutcome, _ settings: Configuration.Readable,
        _ now: Duration, lacks: Bool, _ publish: (String) -> Bool
    ) -> Bool {
        switch outcome {
        case .value(let value):
            sent.lateSince = nil
            sent.isKnown = true
            sent.isPresent = true
            guard isDue(sent, quantity, value, settings, now) else { return false }
            let text = Self.text(value.content, quantity)
            guard publish(text) else { return false }
            sent.text = text
            sent.time = now
            if case .number(let number) = value.content { sent.number = number }
            return true
        case .late:
            let since = sent.lateSince ?? now
            sent.lateSince = since
            guard now - since >= lateLimit else { return false }
        case .none:
            sent.lateSince = nil
        }
        sent.isPresent = false
        // What an earlier run said is taken back where it is sure that there is none.
        guard let last = sent.text ?? (lacks ? "?" : nil), !last.isEmpty, publish("") else { return false }
        sent.text = ""
        sent.time = now
        return true
    }

    private static func isDue(
        _ sent: Sent, _ quantity: Quantity, _ value: ReadableValue, _ settings: Configuration.Readable, _ now: Duration
    ) -> Bool {
        guard let text = sent.text, !text.isEmpty else { return true }
        let elapsed = now - sent.time
        if elapsed >= settings.heartbeat { return true }
        guard elapsed >= quantity.minimumInterval * settings.pace else { return false }
        guard case .number(let number) = value.content else { return Self.text(value.content, quantity) != text }
        let threshold = max(quantity.threshold, quantity.relativeThreshold * sent.number.magnitude)
        // Rounding may keep a number short of a threshold that the payloads have passed.
        if (number - sent.number).magnitude >= threshold * settings.threshold - 1e-9 {
            return Self.text(value.content, quantity) != text
        }
        // The end of a thing is worth saying, however small the last step.
        return number == 0 && sent.number != 0
    }

    /// A value as its payload.
    static func text(_ content: ReadableValue.Content, _ quantity: Quantity) -> String {
        switch content {
        case .number(let number): quantity.text(number)
        case .words(let words): words.isEmpty ? "none" : words
        case .flag(let flag): flag ? "ON" : "OFF"
        }
    }

    // MARK: The document

    private func document(
        _ device: Device, _ told: Told, _ values: [ReadableValue?], _ charger: Plant.Charger?,
        _ moment: ReadableMoment, isOnline: Bool
    ) -> String {
        var members: [JSONValue.Member] = []
        if let time = wallTime() {
            members.append(.init(key: "time", value: .number(Quantity.text(time, decimals: 3))))
        }
        members.append(.init(key: "online", value: .bool(isOnline)))
        if let charger {
            let identity = charger.identity
            members.append(.init(key: "serial", value: .text(identity.serial)))
            if let model = identity.model { members.append(.init(key: "model", value: .text(model))) }
            if let firmware = identity.firmware {
                members.append(.init(key: "firmware", value: .text(firmware.description)))
            }
            members.append(.init(key: "port", value: .text(charger.port)))
        }
        if device.owner == .system {
            let shares = moment.picture.shares.compactMap { share -> JSONValue.Member? in
                guard let fraction = share.fraction, moment.picture.solarPower?.isStale == false else { return nil }
                return .init(key: share.serial, value: .number(Quantity.text(fraction * 100, decimals: 1)))
            }
            members.append(.init(key: "shares", value: .object(shares)))
        }
        var entries: [JSONValue.Member] = []
        for (index, quantity) in told.quantities.enumerated() where told.sent[index].isKnown {
            entries.append(.init(key: quantity.key, value: values[index].map { Self.entry($0, quantity) } ?? .null))
        }
        members.append(.init(key: "values", value: .object(entries)))
        return JSONValue.object(members).json
    }

    private static func entry(_ value: ReadableValue, _ quantity: Quantity) -> JSONValue {
        let content: JSONValue =
            switch value.content {
            case .number(let number): .number(quantity.text(number))
            case .words: .text(text(value.content, quantity))
            case .flag(let flag): .bool(flag)
            }
        var members = [JSONValue.Member(key: "value", value: content)]
        if !quantity.unit.isEmpty { members.append(.init(key: "unit", value: .text(quantity.unit))) }
        // Rounded up: nothing is older than it says.
        let (seconds, attoseconds) = max(.zero, value.age).components
        let tenths = seconds * 10 + (attoseconds + 99_999_999_999_999_999) / 100_000_000_000_000_000
        members.append(.init(key: "age", value: .number(Quantity.text(Double(tenths) / 10, decimals: 1))))
        members.append(.init(key: "from", value: .text(value.provenance.rawValue)))
        return .object(members)
    }
}
