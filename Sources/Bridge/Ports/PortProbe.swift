import CLinux
import Glibc
public import VEDirect

/// Opens one port, asks what is to be asked, and closes it again: for commands that look at a port by hand.
public struct PortProbe: Sendable {
    /// What was found.
    public struct Finding: Sendable {
        /// Who answered; nil if nobody did.
        public var identity: DeviceIdentity?
        /// How the conversation ended.
        public var state = DeviceSession.State.listening
        /// What was read.
        public var readings: [RegisterReading] = []
        /// Registers that the device does not have.
        public var refused: [RegisterID] = []
        /// Why the port could not be used; nil if it could.
        public var failure: String?
        /// What happened on the line.
        public var counters = LinkCounters()

        /// Nothing found yet.
        public init() {}
    }

    /// Asks a port for registers; for none, only who is there.
    ///
    /// - Parameters:
    ///   - path: the port.
    ///   - registers: what to ask for, once.
    ///   - limit: how long at most.
    public static func ask(
        _ path: String, registers: [RegisterID] = [], settings: Configuration.Serial = Configuration.Serial(),
        limit: Duration = .seconds(5)
    ) -> Finding {
        var finding = Finding()
        let port: SerialPort
        do {
            port = try SerialPort(path: path, settings: settings)
        } catch {
            finding.failure = error.description
            return finding
        }
        let start = ContinuousClock.now
        var now = Duration.zero
        let plan = PollPlan(entries: registers.map { PollPlan.Entry($0, .constant) })
        var session = DeviceSession(plan: plan, now: now)
        var buffer = [UInt8](repeating: 0, count: 1024)
        while now < limit {
            let wait = max(.zero, min(session.deadline, limit) - now).components
            var entry = pollfd(fd: port.descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = wait.seconds * 1000 + wait.attoseconds / 1_000_000_000_000_000 + 1
            _ = poll(&entry, 1, Int32(min(milliseconds, 1000)))
            now = ContinuousClock.now - start
            switch port.read(into: &buffer) {
            case .bytes(let count): session.receive(buffer.span.extracting(0..<count), at: now)
            case .nothing: break
            case .gone(let reason, _):
                finding.failure = reason
                return finding
            }
            if let request = session.nextRequest(at: now) { _ = port.write(request.bytes) }
            var isComplete = false
            for event in session.takeEvents() {
                switch event {
                case .reading(let reading): finding.readings.append(reading)
                case .refused(let register): finding.refused.append(register)
                case .identified: isComplete = isComplete || registers.isEmpty
                case .passCompleted: isComplete = true
                case .state, .lostIdentity: break
                }
            }
            let answered = Set(finding.readings.map(\.register)).union(finding.refused)
            if isComplete, answered.isSuperset(of: registers) { break }
        }
        finding.identity = session.identity
        finding.state = session.state
        finding.counters = session.counters
        return finding
    }
}
