public import MasterBus

/// A way to the frames of a bus. It is opened and closed, gives frames and takes requests; it has no clock and never
/// blocks for long.
///
/// Only a ``BusRequest`` can be sent, and no request writes. A link does not hand back what was sent on it.
public protocol CANLink: AnyObject {
    /// Opens the link. After a failure it may be tried again.
    func open(at now: Duration) throws(CANLinkFailure)
    /// Closes it, as the other side wants it; nothing if it is not open.
    func close()
    /// What to wait on; nil while closed, and where there is nothing to wait on but time.
    var descriptor: Int32? { get }
    /// Whether what is sent now goes out: an adapter takes a moment to open.
    var isReady: Bool { get }
    /// When to call ``receive(at:_:)`` though the descriptor is not readable; nil where never.
    var deadline: Duration? { get }
    /// Takes what has arrived, each frame with its time, on the clock of `now`.
    func receive(at now: Duration, _ body: (Frame, Duration) -> Void) -> CANLinkState
    /// Sends a request; false where it was not taken, which counts as lost on the way.
    func send(_ request: BusRequest, at now: Duration) -> Bool
}

/// How a link is after it was read.
public enum CANLinkState: Sendable, Hashable {
    /// Open. More will come.
    case open
    /// A recording has been played to its end.
    case ended
    /// It has to be opened again.
    case lost(String)
}

/// Why a link could not be opened.
public struct CANLinkFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// What happened and what would help.
    public let description: String
    /// Whether waiting may help: the adapter is not plugged in, or in use. Otherwise the reason stays until somebody
    /// changes the system.
    public let isTemporary: Bool

    /// A failure.
    public init(_ description: String, isTemporary: Bool = true) {
        self.description = description
        self.isTemporary = isTemporary
    }
}

extension CANSource {
    /// The link to this source.
    ///
    /// - Parameters:
    ///   - isListenOnly: nothing will be sent; adapters that can are told so.
    ///   - replaySpeed: how much faster than recorded a log is played; nil for as fast as it goes.
    public func link(isListenOnly: Bool, replaySpeed: Double?) -> any CANLink {
        switch self {
        case .interface(let name): SocketCANLink(interface: name)
        case .serial(let path, let baud): SlcanLink(path: path, baud: baud, isListenOnly: isListenOnly)
        case .replay(let file): ReplayLink(file: file, speed: replaySpeed)
        }
    }
}
