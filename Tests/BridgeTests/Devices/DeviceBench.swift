import Foundation
import Logging
import Simulation
import Synchronization

@testable import Bridge
@testable import VEDirect

/// Devices, the sessions with them and the plant that they make, in simulated time: bytes in, figures out.
struct DeviceBench {
    private(set) var devices: [SimulatedDevice]
    private(set) var plant: Plant
    private(set) var sessions: [DeviceSession]
    private(set) var now: Duration = .zero

    init(_ devices: [SimulatedDevice], plant: Plant = Plant()) {
        self.devices = devices
        self.plant = plant
        sessions = devices.map { _ in DeviceSession(now: .zero) }
    }

    mutating func run(until end: Duration) {
        while now < end {
            now += .milliseconds(5)
            for index in devices.indices {
                let bytes = devices[index].transmit(until: now)
                if !bytes.isEmpty { sessions[index].receive(bytes, at: now) }
                if let request = sessions[index].nextRequest(at: now) { devices[index].receive(request.bytes, at: now) }
                for event in sessions[index].takeEvents() {
                    switch event {
                    case .identified(let identity): plant.identified(identity, port: "/dev/tty\(index)", at: now)
                    case .reading(let reading):
                        if let serial = serial(index) { plant.read(reading, serial: serial) }
                    case .refused(let register):
                        if let serial = serial(index) { plant.refused(register, serial: serial) }
                    case .state, .lostIdentity, .passCompleted: break
                    }
                }
            }
        }
    }

    func serial(_ index: Int) -> String? { sessions[index].identity.flatMap { plant.key(of: $0.serial) } }

    func role(_ index: Int) -> DeviceRole? {
        serial(index).flatMap { plant.chargers[$0]?.role(at: now) }
    }
}

/// Devices on pseudo-terminals in real time, until the object goes.
final class DevicePorts: Sendable {
    private struct State: Sendable {
        var devices: [SimulatedDevice?]
        var mustStop = false
    }

    private let terminals: [PseudoTerminal]
    private let state: Mutex<State>
    private let start = ContinuousClock.now

    init(_ devices: [SimulatedDevice?]) throws {
        terminals = try devices.map { _ in try PseudoTerminal() }
        state = Mutex(State(devices: devices))
        Thread.detachNewThread { [weak self] in
            while let self, self.serve() { usleep(3000) }
        }
    }

    deinit { stop() }

    func stop() { state.withLock { $0.mustStop = true } }

    var paths: [String] { terminals.map(\.path) }

    /// Plugs each port into another device; nil pulls the plug.
    func change(_ body: @Sendable (inout [SimulatedDevice?]) -> Void) { state.withLock { body(&$0.devices) } }

    private func serve() -> Bool {
        state.withLock { state in
            guard !state.mustStop else { return false }
            let now = ContinuousClock.now - start
            for index in terminals.indices {
                let asked = terminals[index].read()
                guard state.devices[index] != nil else { continue }
                if !asked.isEmpty { state.devices[index]?.receive(asked, at: now) }
                if let said = state.devices[index]?.transmit(until: now), !said.isEmpty {
                    _ = terminals[index].write(said)
                }
            }
            return true
        }
    }
}

/// A log that keeps its lines.
struct KeptLog: LogHandler {
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
        var logger: Logger { Logger(label: "test") { _ in KeptLog(lines: self) } }
    }

    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        lines.add(([event.level.rawValue, event.message.description] + details).joined(separator: " "))
    }
}

extension PrintedLines {
    /// The payloads of a topic, in order.
    func payloads(_ topic: String) -> [String] {
        all.filter { $0 == topic || $0.hasPrefix(topic + " ") }.map { String($0.dropFirst(topic.count + 1)) }
    }
}
