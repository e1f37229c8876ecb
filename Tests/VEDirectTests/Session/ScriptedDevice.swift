@testable import VEDirect

/// A device that answers exactly what it is told to, on a line of 19200 baud without TEXT, and a session that asks it:
/// for what a simulated sky does not do on request.
struct ScriptedDevice {
    private(set) var session: DeviceSession
    private(set) var now: Duration = .zero
    /// What the registers hold; what is missing is refused.
    var values: [RegisterID: [UInt8]]
    /// From the last byte of a request to the first of its answer.
    var turnaround: Duration = .milliseconds(20)
    /// What the session gave on, and when.
    private(set) var readings: [(time: Duration, reading: RegisterReading)] = []
    /// What it asked, and when.
    private(set) var asked: [(time: Duration, register: RegisterID)] = []
    /// Its state changes.
    private(set) var states: [DeviceSession.State] = []
    /// Bytes under way to the session, in order.
    private var coming: [(time: Duration, bytes: [UInt8])] = []

    static let serial = "HQ2017FGHIJ"

    /// A charger, the standard part of whose registers is given by `values`.
    init(plan: PollPlan, values: [RegisterID: [UInt8]]) {
        self.values = [
            .serialNumber: Array(Self.serial.utf8) + [0, 0, 0, 0, 0], .productID: [0x00, 0x53, 0xA0, 0xFF],
            .capabilities: [0, 0, 0, 0],
        ]
        self.values.merge(values) { $1 }
        session = DeviceSession(plan: plan, now: .zero)
    }

    mutating func run(for time: Duration) {
        let end = now + time
        while true {
            ask()
            var next = max(session.deadline, now + .microseconds(10))
            if let first = coming.first { next = min(next, first.time) }
            guard next <= end else { break }
            now = next
            while let first = coming.first, first.time <= now {
                coming.removeFirst()
                session.receive(first.bytes, at: now)
            }
        }
        now = end
    }

    /// The device says this by itself, now.
    mutating func say(_ register: RegisterID, _ value: [UInt8]) {
        session.receive(Self.frame(0xA, register, value), at: now)
        drain()
    }

    /// These bytes arrive, now.
    mutating func hear(_ bytes: [UInt8]) {
        session.receive(bytes, at: now)
        drain()
    }

    /// Asks the session for a register out of turn.
    mutating func demand(_ register: RegisterID) -> Bool { session.demand(register) }

    private mutating func ask() {
        while let request = session.nextRequest(at: now) {
            let heard = now + .microseconds(5730) + turnaround
            switch request {
            case .get(let register):
                asked.append((now, register))
                if let value = values[register] {
                    coming.append((heard, Self.frame(7, register, value)))
                } else {
                    coming.append((heard, Self.frame(7, register, flags: 1, [])))
                }
            case .ping: coming.append((heard, SessionTroubleTests.frame(5, [0x64, 0x01])))
            case .productID: coming.append((heard, SessionTroubleTests.frame(1, [0x53, 0xA0])))
            case .applicationVersion: coming.append((heard, SessionTroubleTests.frame(1, [0x64, 0x01])))
            }
        }
        drain()
    }

    private mutating func drain() {
        for event in session.takeEvents() {
            switch event {
            case .reading(let reading): readings.append((now, reading))
            case .state(let state): states.append(state)
            default: break
            }
        }
    }

    private static func frame(_ nibble: UInt8, _ register: RegisterID, flags: UInt8 = 0, _ value: [UInt8]) -> [UInt8] {
        let number = register.rawValue
        return SessionTroubleTests.frame(nibble, [UInt8(number & 0xFF), UInt8(number >> 8), flags] + value)
    }

    /// What was given on of a register since a time, and when.
    func values(of register: RegisterID, since: Duration = .zero) -> [(time: Duration, raw: [UInt8])] {
        readings.filter { $0.time >= since && $0.reading.register == register }.map { ($0.time, $0.reading.raw.bytes) }
    }
}
