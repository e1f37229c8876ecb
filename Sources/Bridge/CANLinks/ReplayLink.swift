import Glibc
import MasterBus

/// A log in the format of `candump -L`, played as it was recorded, faster, or as fast as it goes.
///
/// Frames carry the times of the log, counted from when the link was opened, and are handed out one by one: what comes of
/// them does not depend on the speed. Nothing can be sent to a log.
final class ReplayLink: CANLink {
    private let file: String
    /// How much faster than recorded; nil for as fast as it goes.
    private let speed: Double?
    private var input: Int32 = -1
    private var reader = CandumpReader()
    private var chunk = [UInt8](repeating: 0, count: 16_384)
    private var waiting: [CapturedFrame] = []
    private var next = 0
    private var isExhausted = false
    private var opened: Duration = .zero
    private var first: Duration?
    private var last: Duration = .zero
    /// Lines that were no frames.
    private(set) var unreadableLines = 0

    init(file: String, speed: Double?) {
        self.file = file
        self.speed = speed
    }

    deinit { close() }

    let descriptor: Int32? = nil

    var isReady: Bool { input >= 0 }

    func open(at now: Duration) throws(CANLinkFailure) {
        close()
        let descriptor = Glibc.open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CANLinkFailure("\(file): \(String(cString: strerror(errno)))", isTemporary: false)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            Glibc.close(descriptor)
            throw CANLinkFailure(
                "\(file): a directory; to play a recording, write: vebridge replay \(file)", isTemporary: false)
        }
        input = descriptor
        reader = CandumpReader()
        waiting = []
        next = 0
        isExhausted = false
        opened = now
        first = nil
        last = .zero
        unreadableLines = 0
    }

    func close() {
        if input >= 0 { Glibc.close(input) }
        input = -1
    }

    var deadline: Duration? {
        guard input >= 0, let speed, next < waiting.count else { return input >= 0 ? opened : nil }
        return opened + elapsed(waiting[next]) / speed
    }

    func receive(at now: Duration, _ body: (Frame, Duration) -> Void) -> CANLinkState {
        guard input >= 0 else { return .lost("closed") }
        if next >= waiting.count, !refill() {
            guard first != nil else {
                return .lost("\(file): no frame in it; it should be the output of candump -L")
            }
            return .ended
        }
        // One frame at a time: what comes of it must not depend on how many are due.
        let frame = waiting[next]
        if let speed, opened + elapsed(frame) / speed > now { return .open }
        if first == nil { first = frame.time }
        // A clock behind the log that steps back must not turn time around.
        last = max(last, elapsed(frame))
        next += 1
        body(frame.frame, opened + last)
        return .open
    }

    func send(_ request: BusRequest, at now: Duration) -> Bool { false }

    private func elapsed(_ frame: CapturedFrame) -> Duration { max(.zero, frame.time - (first ?? frame.time)) }

    /// Reads on until there is a frame; false at the end.
    private func refill() -> Bool {
        waiting.removeAll(keepingCapacity: true)
        next = 0
        while waiting.isEmpty {
            guard !isExhausted else { return false }
            let count = chunk.withUnsafeMutableBytes { Glibc.read(input, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 {
                isExhausted = true
                reader.finish { take($0) }
            } else {
                reader.read(chunk.span.extracting(0..<count)) { take($0) }
            }
        }
        return true
    }

    private func take(_ line: CandumpLine) {
        switch line {
        case .frame(let frame): waiting.append(frame)
        case .unreadable: unreadableLines += 1
        case .blank: break
        }
    }
}
