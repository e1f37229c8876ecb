import Glibc
import Simulation
import Synchronization

/// Cables between ports and chargers that can be pulled and swapped at the charger's end, while the ports stay: what
/// a port hears changes without any hang-up.
final class PatchBay: Sendable {
    private struct State {
        /// Which charger each port leads to; nil for none.
        var plugs: [Int?]
        var mustStop = false
    }

    /// Where a program opens the ports.
    var paths: [String] { ports.map(\.path) }

    private let ports: [PseudoTerminal]
    /// The chargers' own terminals.
    private let chargers: [Int32]
    private let state: Mutex<State>

    init(_ chargers: [String]) throws {
        ports = try chargers.map { _ in try PseudoTerminal() }
        self.chargers = chargers.map { open($0, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
        state = Mutex(State(plugs: Array(chargers.indices)))
        var thread = pthread_t()
        let this = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { @Sendable context in
                if let context { Unmanaged<PatchBay>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, this.toOpaque())
        if code == 0 { pthread_detach(thread) } else { this.release() }
    }

    deinit { for charger in chargers { close(charger) } }

    /// Plugs each port into the charger of this number, or into none.
    func plug(_ plugs: [Int?]) { state.withLock { $0.plugs = plugs } }

    /// Ends the thread, which holds this object until then.
    func stop() { state.withLock { $0.mustStop = true } }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 1024)
        while true {
            let state = state.withLock { ($0.plugs, $0.mustStop) }
            if state.1 { return }
            for (index, port) in ports.enumerated() {
                let asked = port.read()
                if let charger = state.0[index], !asked.isEmpty { _ = write(chargers[charger], asked, asked.count) }
            }
            for (index, charger) in chargers.enumerated() {
                let count = read(charger, &buffer, buffer.count)
                guard count > 0, let port = state.0.firstIndex(of: index) else { continue }
                _ = ports[port].write(Array(buffer.prefix(count)))
            }
            var polled = (ports.map(\.master) + chargers).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            poll(&polled, nfds_t(polled.count), 20)
        }
    }
}
