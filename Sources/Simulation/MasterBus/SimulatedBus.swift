public import MasterBus

/// A MasterBus with a shunt on the plant's battery, a Mass Combi that inverts from it, and a MasterView.
///
/// It does no I/O and has no clock, like a charger. Frames of the host go in with ``receive(_:at:)``; what the host's
/// controller hears comes out of ``transmit(until:)``.
public struct SimulatedBus: Sendable {
    /// A frame and when the host's controller has it.
    public struct TimedFrame: Sendable, Hashable {
        /// When.
        public let time: Duration
        /// What.
        public let frame: Frame
    }

    /// The devices that hold values.
    public private(set) var devices: [SimulatedBusDevice]
    /// The display's address.
    public let display = DeviceAddress(type: 0x14, uid: 0x0840A)
    /// Whether the display is awake: it then reads what it shows every 1.08 s. It says hello every 30 s in any case.
    public private(set) var isDisplayAwake = false
    /// What goes wrong, and when.
    public var faults: [BusFault] = []
    /// W that consumers take from the inverter, by simulated seconds since midnight.
    public var consumers: @Sendable (Double) -> Double
    /// W that the inverter takes from the battery now: the plant's load.
    public private(set) var inverterLoad = 0.0
    /// Frames that the host sent.
    public private(set) var hostFrames = 0
    /// Frames of the host that no reader sends: writes of values and texts, and frames that are no requests.
    public private(set) var forbiddenFrames = 0
    /// When the host sent its last frames, the newest last, at most 256.
    public private(set) var hostTimes: [Duration] = []

    private enum Sender: Sendable, Hashable { case device(Int), display, stranger, host }
    private struct Coming: Sendable {
        let time: Duration
        let frame: Frame
        let sender: Sender
    }

    private var coming: [Coming] = []
    private var heard: [TimedFrame] = []
    private var random: SeededRandom
    private var clock: Duration = .zero
    private var nextHello: Duration = .seconds(30)
    private var nextProbe: Duration = .seconds(5)
    private var nextCycle: Duration = .zero
    private var nextStranger: Duration = .zero
    private var nextError: Duration = .zero
    private var screen: [(device: Int, attribute: UInt16)] = []

    /// What awaits a host that never reads.
    private static let maximumHeard = 4096
    /// Inverters lose a tenth, and need a little themselves.
    private static let efficiency = 0.9
    private static let ownPower = 8.0

    /// A bus with a shunt and a Mass Combi; equal seeds give equal frames.
    public init(seed: UInt64 = 1) {
        devices = [.shunt(), .massCombi()]
        random = SeededRandom(seed: SeededRandom.seed(seed, part: 0x4D42))
        consumers = SimulatedBus.household
        screen = [(0, 0x00), (0, 0x01), (0, 0x02), (1, 0x10), (1, 0x0B), (1, 0x14)]
        for attribute: UInt16 in [0x0E, 0x11] { devices[1].values[attribute] = 0 }
        for attribute: UInt16 in [0x14, 0x38, 0x3A, 0x3C] { devices[1].values[attribute] = 1 }
        devices[1].values[0x12] = 5
        devices[1].values[0x13] = 14
        devices[1].values[0x08] = 0
        devices[1].values[0x09] = 0
    }

    /// A refrigerator that comes and goes, a laptop by day, coffee in the morning and a meal in the evening.
    public static let household: @Sendable (Double) -> Double = { seconds in
        let day = seconds.truncatingRemainder(dividingBy: 86_400)
        var power = day.truncatingRemainder(dividingBy: 2400) < 700 ? 70.0 : 0
        if (9 * 3600.0..<17 * 3600).contains(day) { power += 45 }
        if (7 * 3600.0..<7 * 3600 + 480).contains(day) { power += 650 }
        if (18.5 * 3600..<18.5 * 3600 + 1500).contains(day) { power += 520 }
        return power
    }

    // MARK: The plant

    /// W that the inverter takes from the battery for consumers of this power.
    public static func inverterLoad(for power: Double) -> Double { max(0, power) / efficiency + ownPower }

    /// Takes the battery as it is now into the devices' values, and finds what the inverter takes from it.
    ///
    /// - Parameters:
    ///   - site: the plant's site; its loads should hold ``inverterLoad`` under some name.
    ///   - seconds: simulated seconds since the first midnight.
    public mutating func update(_ site: SimulatedSite, seconds: Double) {
        let battery = site.battery
        devices[0].values[0x00] = Float(battery.stateOfCharge * 100)
        devices[0].values[0x01] = Float((battery.voltage * 100).rounded() / 100)
        devices[0].values[0x02] = Float(battery.current)
        devices[0].values[0x03] = Float(battery.consumed)
        let hours = battery.current < -0.01 ? battery.capacity * battery.stateOfCharge / -battery.current : .nan
        devices[0].values[0x04] = Float((min(hours, 999) * 3600).rounded())
        devices[0].values[0x05] = Float(battery.temperature)
        let day = seconds.truncatingRemainder(dividingBy: 86_400)
        devices[0].values[0x09] = Float(day.rounded(.down))
        let number = 3 + Int(seconds / 86_400) % 25
        devices[0].values[0x0A] = Float(416 * 2025 + 32 * 6 + number)

        let isOn = devices[1].values[0x14] == 1 && devices[1].values[0x38] == 1
        let power = isOn ? max(0, consumers(seconds)) : 0
        inverterLoad = isOn ? Self.inverterLoad(for: power) : 0
        devices[1].values[0x06] = Float((battery.voltage * 10).rounded() / 10)
        devices[1].values[0x07] = Float(-inverterLoad / max(battery.voltage, 1))
        devices[1].values[0x0A] = isOn ? 230 : 0
        devices[1].values[0x0B] = Float((power / 230 * 100).rounded() / 100)
        devices[1].values[0x10] = isOn ? (power > 0 ? 3 : 1) : 0
        devices[1].values[0x11] = Float(min(6, Int(power / 25)))
    }

    // MARK: Buttons

    /// The display wakes, or its screen goes dark.
    public mutating func wakeDisplay(_ isAwake: Bool, at now: Duration) {
        advance(to: now)
        isDisplayAwake = isAwake
        nextCycle = clock
    }

    /// Somebody switches the Mass Combi's inverter at the display: a write, and all that goes with it.
    public mutating func switchInverter(_ isOn: Bool, at now: Duration) {
        advance(to: now)
        let address = devices[1].address
        let value: Float = isOn ? 1 : 0
        send(
            Frame(
                Identifier(kind: .monitoringValueRequest, address: address), [0x14, 0] + Self.bytes(value.bitPattern)),
            .display, at: clock)
        send(
            Frame(Identifier(kind: .monitoringValueRequest, address: address), [0x15, 0] + Self.bytes(display.token)),
            .display, at: clock + .milliseconds(30))
    }

    private static func bytes(_ quad: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: quad >> UInt32(8 * $0)) }
    }

    // MARK: The host

    /// A frame that the host sends.
    public mutating func receive(_ frame: Frame, at now: Duration) {
        advance(to: now)
        hostFrames += 1
        hostTimes.append(clock)
        if hostTimes.count > 256 { hostTimes.removeFirst() }
        guard !isActive(.busOff) else { return }
        switch Message(frame) {
        case .hello, .propertyRequest, .stringRequest, .readRequest, .metadataRequest, .groupRequest: break
        default: forbiddenFrames += 1
        }
        deliver(frame, from: .host)
    }

    /// What the host's controller has heard up to `now` and was not taken yet.
    public mutating func transmit(until now: Duration) -> [TimedFrame] {
        advance(to: now)
        defer { heard.removeAll(keepingCapacity: true) }
        return heard
    }

    /// When the next thing happens on the bus.
    public var nextDeadline: Duration {
        var next = min(nextHello, nextProbe)
        if isDisplayAwake { next = min(next, nextCycle) }
        if let first = coming.first { next = min(next, first.time) }
        for fault in faults where fault.end > clock {
            switch fault.kind {
            case .otherMaster: next = min(next, max(nextStranger, fault.start))
            case .errorFrames: next = min(next, max(nextError, fault.start))
            default: break
            }
        }
        return next
    }

    /// Whether the controller is off the bus now.
    public var isBusOff: Bool { isActive(.busOff) }

    // MARK: Time

    private mutating func advance(to now: Duration) {
        while true {
            let next = nextDeadline
            guard next <= now else { break }
            clock = max(clock, next)
            step()
        }
        clock = max(clock, now)
    }

    private mutating func step() {
        if let first = coming.first, first.time <= clock {
            coming.removeFirst()
            deliver(first.frame, from: first.sender)
            return
        }
        if nextHello <= clock {
            nextHello += .seconds(30)
            send(Frame(Identifier(kind: .hello, address: display)), .display, at: clock)
        }
        if nextProbe <= clock {
            nextProbe += .seconds(5)
            for device in devices where device.sleepsAfter != nil {
                send(
                    Frame(Identifier(kind: .propertyRequest, address: device.address), [0x08, 0x3F]), .display,
                    at: clock)
            }
        }
        if isDisplayAwake, nextCycle <= clock {
            nextCycle += .milliseconds(1080)
            show()
        }
        for fault in faults where fault.isActive(at: clock) {
            switch fault.kind {
            case .otherMaster where nextStranger <= clock:
                nextStranger = clock + .milliseconds(500)
                var time = clock
                for device in devices {
                    for attribute in device.attributes {
                        time += .milliseconds(6)
                        read(device.address, attribute.id, .stranger, time)
                    }
                }
            case .errorFrames(let pause) where nextError <= clock:
                nextError = clock + pause
                hear(Frame(rawIdentifier: 0x04, flags: .error, bits: 0x1000, count: 8))
            default: break
            }
        }
    }

    /// The display reads what stands on its screen, how it is shown and in which unit.
    private mutating func show() {
        var time = clock
        for (device, attribute) in screen {
            let address = devices[device].address
            let id = [UInt8(truncatingIfNeeded: attribute), UInt8(attribute >> 8)]
            for operation: UInt8 in [0x02, 0x2C] {
                time += .milliseconds(25)
                send(
                    Frame(Identifier(kind: .monitoringMetadataRequest, address: address), [operation] + id), .display,
                    at: time)
            }
            time += .milliseconds(25)
            read(address, attribute, .display, time)
        }
    }

    private mutating func read(_ device: DeviceAddress, _ attribute: UInt16, _ sender: Sender, _ time: Duration) {
        send(
            Frame(
                Identifier(kind: .monitoringValueRequest, address: device),
                [UInt8(truncatingIfNeeded: attribute), UInt8(attribute >> 8)]), sender, at: time)
    }

    private mutating func send(_ frame: Frame, _ sender: Sender, at time: Duration) {
        let place = coming.firstIndex { $0.time > time } ?? coming.count
        coming.insert(Coming(time: time, frame: frame, sender: sender), at: place)
    }

    /// A frame is on the wire: the host hears it, unless it is its own, and so do the devices.
    private mutating func deliver(_ frame: Frame, from sender: Sender) {
        if sender != .host { hear(frame) }
        guard let identifier = frame.identifier else { return }
        let message = Message(frame)
        for index in devices.indices where sender != .device(index) {
            if message == .hello {
                guard !devices[index].isAsleep else { continue }
                answer(devices[index].announcement(), index, after: .milliseconds(Int64(8 + 6 * index)))
            } else if devices[index].address == identifier.address, !(identifier.kind?.isFromDevice ?? true) {
                ask(message, index)
            }
        }
        if message == .hello, sender != .display {
            send(
                BusAnswer.announce(Announcement(address: display, constant: 1)).frame(from: display), .display,
                at: clock + .milliseconds(20))
        }
        if case .propertyRequest(0x08, 0x3F) = message, identifier.address == display {
            send(
                BusAnswer.property(operation: 8, selector: 0x3F, value: 11).frame(from: display), .display,
                at: clock + .milliseconds(5))
        }
    }

    private mutating func ask(_ message: Message, _ index: Int) {
        guard devices[index].hears(message, at: clock) else {
            // The request is lost; what it wakes says so.
            devices[index].wake()
            let address = devices[index].address
            answer(Frame(Identifier(kind: .hello, address: address)), index, after: .milliseconds(60))
            answer(devices[index].announcement(hasWoken: true), index, after: .milliseconds(70))
            return
        }
        let pause = random.time(in: devices[index].turnAround)
        if case .write(.monitoring, let attribute, let bits) = message {
            // The answer carries the value from before, and command registers give back what they got.
            let old = devices[index].values[attribute] ?? Float(bitPattern: bits)
            answer(BusAnswer.value(attribute: attribute, old).frame(from: devices[index].address), index, after: pause)
            devices[index].set(attribute, Float(bitPattern: bits))
            return
        }
        guard let frame = devices[index].answer(message) else { return }
        answer(frame, index, after: pause)
    }

    private mutating func answer(_ frame: Frame, _ index: Int, after pause: Duration) {
        let address = devices[index].address
        guard !isActive(.mute(address)) else { return }
        var pause = pause
        for fault in faults where fault.isActive(at: clock) {
            if case .late(address, let more) = fault.kind { pause += more }
        }
        send(frame, .device(index), at: clock + pause)
        if isActive(.duplicates(address)) { send(frame, .device(index), at: clock + pause + .milliseconds(1)) }
    }

    private mutating func hear(_ frame: Frame) {
        guard !isActive(.busOff), heard.count < Self.maximumHeard else { return }
        heard.append(TimedFrame(time: clock, frame: frame))
    }

    private func isActive(_ kind: BusFault.Kind) -> Bool {
        faults.contains { $0.kind == kind && $0.isActive(at: clock) }
    }
}
