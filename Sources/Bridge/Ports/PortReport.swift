import Glibc
public import VEDirect

/// What is wrong with a port. Each kind is counted and logged by itself.
public enum PortTrouble: String, Sendable, Hashable, CaseIterable {
    /// There is no such port now.
    case absent
    /// The user may not open it.
    case noPermission = "no_permission"
    /// Another program has it.
    case inUse = "in_use"
    /// It is something else: a file, a disk.
    case notSerial = "not_serial"
    /// It cannot be opened or set up for another reason.
    case unusable
    /// The other end hung up: reading came to an end (a pseudo-terminal, a network line).
    case hungUp = "hung_up"
    /// Reading or writing failed with EIO: the adapter is dying or was just pulled.
    case inputOutputError = "io_error"
    /// The device behind an open port is gone (ENODEV, ENXIO): the cable was pulled.
    case deviceGone = "device_gone"
    /// Nothing was heard for too long.
    case silent
    /// Something is heard, and nothing that makes sense.
    case garbage
    /// More bytes come than the line can carry.
    case flooded
    /// The port takes no output.
    case outputBlocked = "output_blocked"

    /// What it is and what would help, for people.
    public var advice: String {
        switch self {
        case .absent: "no such port: check the cable"
        case .noPermission: "no permission: add the user to the group that owns it (often dialout)"
        case .inUse: "in use by another program: end that one, or give it another port"
        case .notSerial: "not a serial port: check the name"
        case .unusable: "cannot be used as a serial port"
        case .hungUp: "hung up at the other end"
        case .inputOutputError: "input/output error: the adapter or its cable is failing"
        case .deviceGone: "the adapter is gone: check its plug"
        case .silent: "silent: check the cable and whether the charger has power"
        case .garbage: "hears nothing that is VE.Direct: another device, or another speed"
        case .flooded: "flooded: more bytes than the line can carry"
        case .outputBlocked: "takes no output: the adapter hangs, plug it in again"
        }
    }

    /// The trouble of a failed system call.
    init(code: Int32) {
        self =
            switch code {
            case ENODEV, ENXIO: .deviceGone
            case EIO: .inputOutputError
            default: .unusable
            }
    }
}

/// How a port is: what its conversation is at, or what is in the way of it.
public enum PortState: Sendable, Hashable {
    /// It is open, and this is how the device on it is doing.
    case conversation(DeviceSession.State)
    /// Nothing can be read from it.
    case trouble(PortTrouble)

    /// A word for machines, such as `polling`, `text_only` or `flooded`.
    public var name: String {
        switch self {
        case .conversation(.textOnly): "text_only"
        case .conversation(.echoOnly): "echo_only"
        case .conversation(.hexOnly): "hex_only"
        case .conversation(let state): state.rawValue
        case .trouble(let trouble): trouble.rawValue
        }
    }

    /// What is wrong and what would help; nil while nothing is.
    public var advice: String? {
        switch self {
        case .conversation(let state): state.advice
        case .trouble(let trouble): trouble.advice
        }
    }
}

extension DeviceSession.State {
    /// What is wrong with the line and what would help; nil while nothing is.
    public var advice: String? {
        switch self {
        case .listening, .identifying, .polling, .verifying: nil
        case .textOnly: "receives TEXT, no HEX answer: check the TX line"
        case .echoOnly: "receives only its own echo: RX and TX touch each other, or no charger is behind the adapter"
        case .hexOnly:
            "the device sends VE.Direct but cannot read what we send: check the TX line of the cable"
        case .silent: "no answer: check the cable and whether the charger has power"
        }
    }
}

/// All that is known of a port at one moment, counted since the program started and across every time that the port
/// was opened again. Whoever shows how a port is doing shows this.
public struct PortReport: Sendable, Hashable {
    /// The port, as it was given or found.
    public var path: String
    /// How it is.
    public var state: PortState
    /// Who answers there; nil while nobody does.
    public var identity: DeviceIdentity?
    /// What happened on the line.
    public var counters = LinkCounters()
    /// Times that it was opened again after the first.
    public var reopens = 0
    /// How often each trouble came up. One that lasts is counted each time the port is opened or tried again.
    public var troubles: [PortTrouble: Int] = [:]
    /// Requests that the port did not take at once.
    public var blockedWrites = 0
    /// Readings given on each second, the mean of about the last ten.
    public var readingsPerSecond = 0.0
    /// How long it has been open; nil while it is not.
    public var openFor: Duration?
    /// How long ago the last byte came; nil if none ever did.
    public var sinceLastByte: Duration?

    /// A port of which nothing is known but its name.
    public init(path: String, state: PortState = .trouble(.absent)) {
        self.path = path
        self.state = state
    }

    /// How long answers take, from the last byte of a request to the last of its answer.
    public struct Turnaround: Sendable, Hashable {
        /// Half of the answers came within this.
        public var median: Duration
        /// Nine of ten.
        public var p90: Duration
        /// Ninety-nine of a hundred.
        public var p99: Duration
    }

    /// How long answers take; nil before the first.
    public var turnaround: Turnaround? {
        guard let median = counters.turnaround.quantile(0.5), let p90 = counters.turnaround.quantile(0.9),
            let p99 = counters.turnaround.quantile(0.99)
        else { return nil }
        return Turnaround(median: median, p90: p90, p99: p99)
    }

    /// Everything as one JSON object. Times are in milliseconds (`…_ms`) or seconds (`…_s`); what is not known is left
    /// out, and of troubles and rejections only those that happened are named.
    public var json: String {
        var members: [(String, String)] = [
            ("port", JSONValue.quoted(path)), ("state", JSONValue.quoted(state.name)),
        ]
        if let advice = state.advice { members.append(("advice", JSONValue.quoted(advice))) }
        if let identity {
            members.append(("serial", JSONValue.quoted(identity.serial)))
            if let model = identity.model { members.append(("model", JSONValue.quoted(model))) }
            if let firmware = identity.firmware { members.append(("firmware", JSONValue.quoted(firmware.description))) }
        }
        members += [
            ("bytes", "\(counters.bytes)"), ("frames", "\(counters.frames)"),
            ("async_frames", "\(counters.asyncFrames)"), ("text_blocks", "\(counters.blocks)"),
            ("rejected_frames", Self.object(counters.rejectedFrames)),
            ("rejected_blocks", Self.object(counters.rejectedBlocks)),
            ("requests", "\(counters.requests)"), ("retries", "\(counters.retries)"),
            ("timeouts", "\(counters.timeouts)"), ("device_errors", "\(counters.deviceErrors)"),
            ("unsolicited", "\(counters.unsolicited)"), ("echoes", "\(counters.echoes)"),
            ("readings", "\(counters.readings)"), ("readings_per_second", Self.decimal(readingsPerSecond)),
            ("confirmations", "\(counters.confirmations)"), ("confirmed", "\(counters.confirmed)"),
            ("unconfirmed", "\(counters.unconfirmed)"), ("implausible", "\(counters.implausible)"),
            ("reopens", "\(reopens)"), ("troubles", Self.object(troubles)), ("blocked_writes", "\(blockedWrites)"),
        ]
        if let turnaround {
            members += [
                ("turnaround_ms_p50", "\(turnaround.median.wholeMilliseconds)"),
                ("turnaround_ms_p90", "\(turnaround.p90.wholeMilliseconds)"),
                ("turnaround_ms_p99", "\(turnaround.p99.wholeMilliseconds)"),
            ]
        }
        if let openFor { members.append(("open_s", "\(openFor.components.seconds)")) }
        if let sinceLastByte {
            members.append(("last_byte_s", Self.decimal(Double(sinceLastByte.wholeMilliseconds) / 1000)))
        }
        return "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func object<Key: RawRepresentable<String>>(_ counts: [Key: Int]) -> String {
        let members = counts.sorted { $0.key.rawValue < $1.key.rawValue }
        return "{" + members.map { "\"\($0.key.rawValue)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    private static func decimal(_ number: Double) -> String { "\((number * 10).rounded() / 10)" }
}

extension Duration {
    /// Milliseconds, cut off.
    var wholeMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

/// Events a second, the mean of about the last ten seconds: each counts less the older it is.
struct EventRate: Sendable {
    private static let window = 10.0
    private var weight = 0.0
    private var time: Duration = .zero

    mutating func note(_ count: Int, at now: Duration) {
        weight = perSecond(at: now) * Self.window + Double(count)
        time = now
    }

    func perSecond(at now: Duration) -> Double {
        weight * exp(-Double((now - time).wholeMilliseconds) / 1000 / Self.window) / Self.window
    }
}
