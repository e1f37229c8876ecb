import VEDirect

extension Daemon {
    /// A port with what the loop knows of it.
    struct PortSlot {
        var port: PortPatterns.Port
        /// Its number in a recording.
        let number: Int
        var path: String { port.path }
        var isClosed: Bool { supervisor.value.session == nil }
        /// The supervisor owns a descriptor and cannot be copied, so it lives in a box that the slot shares.
        let supervisor: Box
        var token: UInt64 = 0
        var serial: String?
        /// The serial that the log last said was found here.
        var announced: String?
        /// Whether it is clear what answers here, or that nothing does.
        var isResolved = false
        /// Until when sums wait for that.
        let unresolvedLimit: Duration
        /// A device here whose serial number is that of a device on another port.
        var contender: Contender?
        var isPolled = false
        /// Why nothing is read from it; nil while a device answers.
        var trouble: Trouble? { didSet { if let trouble { lastTrouble = PortNote(trouble.words) } } }
        /// The last time that nothing could be read from it.
        var lastTrouble: PortNote?
        /// Whether the panels of its charger are dark.
        var light: PanelLight
        /// When to read it next while the kernel gathers what comes; nil: at every byte.
        var nextLook: Duration?
        /// What was last logged about a device that does not answer.
        var complaint: DeviceSession.State?
        /// The multiplexer of which this is a channel, and the channel's number there; nil for a port of its own.
        var channel: (multiplexer: Int, number: Int)?

        /// Why nothing is read from a port.
        enum Trouble {
            /// There is no port, or no device on it.
            case absent(String)
            /// Something is there and cannot be read.
            case unusable(String)

            var isAbsent: Bool {
                if case .absent = self { true } else { false }
            }

            var words: String {
                switch self {
                case .absent(let words), .unusable(let words): words
                }
            }
        }

        /// Brings the slots in line with the ports that are there, and gives those that have no slot yet.
        ///
        /// Names can be links, and links can be turned: a closed port follows its name, an open one stays with its
        /// device. One that a pattern found and that is gone from the system is forgotten once it is closed.
        static func reconcile(_ slots: inout [PortSlot], with found: [PortPatterns.Port]) -> [PortPatterns.Port] {
            let open = Set(slots.filter { !$0.isClosed }.map(\.port.device))
            slots = slots.compactMap { slot in
                guard slot.isClosed, slot.channel == nil else { return slot }
                guard let port = found.first(where: { $0.path == slot.path }), !open.contains(port.device) else {
                    return nil
                }
                var slot = slot
                slot.port = port
                return slot
            }
            let served = Set(slots.map(\.port.device))
            return found.filter { !served.contains($0.device) }
        }

        init(
            port: PortPatterns.Port, number: Int, light: PanelLight, supervisor: consuming PortSupervisor,
            unresolvedLimit: Duration
        ) {
            self.unresolvedLimit = unresolvedLimit
            self.port = port
            self.number = number
            self.light = light
            self.supervisor = Box(supervisor)
        }

        final class Box {
            var value: PortSupervisor
            init(_ value: consuming PortSupervisor) { self.value = value }
        }
    }
}
