import Simulation
import VEDirect

/// A simple host for tests: asks for registers one after the other, waits for each answer, notes what comes when.
final class PollingHost {
    struct Frame {
        var time: Duration
        var frame: HexFrame
    }

    struct Text {
        var time: Duration
        var fields: [String: String]
        var labels: [String]
        var size: Int
    }

    struct Answer {
        var request: Request
        var sent: Duration
        /// nil if none came in time.
        var came: Duration?
        var frame: HexFrame?
    }

    var requests: [Request]
    var repeats: Bool
    var timeout: Duration = .milliseconds(800)
    private(set) var frames: [Frame] = []
    private(set) var texts: [Text] = []
    private(set) var rejections: [StreamDecoder.Rejection] = []
    private(set) var answers: [Answer] = []
    private(set) var received: [UInt8] = []
    private var decoder = StreamDecoder()
    private var next = 0
    private var outstanding: (request: Request, sent: Duration)?

    init(_ requests: [Request], repeats: Bool = false) {
        self.requests = requests
        self.repeats = repeats
    }

    var asyncFrames: [Frame] { frames.filter { $0.frame.response == .async } }

    func step(_ bytes: [UInt8], _ now: Duration) -> VirtualLine.HostAction {
        received += bytes
        decoder.decode(bytes) { event in
            switch event {
            case .hex(let frame): self.frames.append(Frame(time: now, frame: frame))
            case .text(let block):
                var labels: [String] = []
                block.forEachField { label, _ in labels.append(label) }
                self.texts.append(Text(time: now, fields: block.fields, labels: labels, size: block.size))
            case .rejected(let rejection): self.rejections.append(rejection)
            }
        }
        if let open = outstanding {
            if let frame = frames.last(where: { $0.time >= open.sent && Self.fits($0.frame, open.request) }) {
                answers.append(Answer(request: open.request, sent: open.sent, came: frame.time, frame: frame.frame))
                outstanding = nil
            } else if now - open.sent >= timeout {
                answers.append(Answer(request: open.request, sent: open.sent))
                outstanding = nil
            } else {
                return VirtualLine.HostAction(wake: open.sent + timeout)
            }
        }
        if next == requests.count, repeats { next = 0 }
        guard next < requests.count else { return VirtualLine.HostAction() }
        let request = requests[next]
        next += 1
        outstanding = (request, now)
        return VirtualLine.HostAction(send: request.bytes, wake: now + timeout)
    }

    static func fits(_ frame: HexFrame, _ request: Request) -> Bool {
        switch request {
        case .ping: frame.response == .ping
        case .applicationVersion, .productID: frame.response == .done
        case .get(let id): frame.response == .get && frame.register == id
        }
    }
}

extension VirtualLine {
    mutating func run(_ host: PollingHost, until end: Duration) {
        run(until: end) { host.step($0, $1) }
    }
}

extension SimulatedCharger {
    /// The register's unsigned number now.
    func number(_ id: RegisterID) -> Int? { currentValue(id).flatMap { RawValue($0).unsigned }.map(Int.init) }
}
