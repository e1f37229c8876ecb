import Glibc
import MasterBus

/// An adapter on a serial port that speaks Lawicel's protocol (CANable, CANUSB, USBtin and the like).
final class SlcanLink: CANLink {
    private let path: String
    private let isListenOnly: Bool
    private let settings: Configuration.Serial
    private var port: SerialPort?
    private var conversation: SlcanConversation?
    private var buffer = [UInt8](repeating: 0, count: 4096)
    /// The port did not take all of a line: what the adapter has of it must not run into the next.
    private var isTorn = false
    private static let closingTime: Duration = .milliseconds(200)

    init(path: String, baud: Int, isListenOnly: Bool) {
        self.path = path
        self.isListenOnly = isListenOnly
        var settings = Configuration.Serial()
        settings.baud = baud
        self.settings = settings
    }

    deinit { close() }

    private(set) var descriptor: Int32?

    var deadline: Duration? { conversation?.deadline }

    var isReady: Bool { conversation?.state == .open }

    func open(at now: Duration) throws(CANLinkFailure) {
        close()
        do {
            let opened = try SerialPort(path: path, settings: settings)
            descriptor = opened.descriptor
            port = consume opened
        } catch {
            throw CANLinkFailure("\(path): \(error.description)", isTemporary: !error.isLasting)
        }
        conversation = SlcanConversation(isListenOnly: isListenOnly, at: now)
        flush()
    }

    func close() {
        guard descriptor != nil else { return }
        // An adapter that is left open goes on acknowledging, and fills its buffer for nobody.
        if write(SlcanCommand.close.bytes) { awaitClosing() }
        port = nil
        descriptor = nil
        conversation = nil
        isTorn = false
    }

    func receive(at now: Duration, _ body: (Frame, Duration) -> Void) -> CANLinkState {
        for _ in 0..<4 {
            guard let result = port?.read(into: &buffer) else { return .lost("closed") }
            switch result {
            case .bytes(let count):
                conversation?.receive(buffer.span.extracting(0..<count), at: now) { body($0, now) }
                if count == buffer.count { continue }
            case .nothing: conversation?.advance(to: now)
            case .gone(let reason, _): return .lost(reason)
            }
            break
        }
        flush()
        if case .failed(let reason)? = conversation?.state { return .lost(reason) }
        return .open
    }

    func send(_ request: BusRequest, at now: Duration) -> Bool {
        guard conversation?.send(request.frame) ?? false else { return false }
        return flush()
    }

    /// Waits, for a moment, until the adapter has said that it is closed: what it has not read when the port is closed
    /// may be thrown away.
    private func awaitClosing() {
        guard let descriptor else { return }
        let end = ContinuousClock.now + Self.closingTime
        var parser = SlcanParser()
        var isClosed = false
        while !isClosed, ContinuousClock.now < end {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 20) >= 0, let result = port?.read(into: &buffer) else { return }
            switch result {
            case .bytes(let count):
                parser.parse(buffer.span.extracting(0..<count)) { token in
                    if token == .done || token == .refused { isClosed = true }
                }
            case .nothing: break
            case .gone: return
            }
        }
    }

    @discardableResult
    private func flush() -> Bool {
        guard let bytes = conversation?.takeOutput(), !bytes.isEmpty else { return true }
        return write(bytes)
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        let isWhole = port?.write(isTorn ? [0x0D] + bytes : bytes) ?? false
        isTorn = !isWhole
        return isWhole
    }
}
