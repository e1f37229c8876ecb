import CLinux
import Glibc
import MasterBus

/// An interface of the kernel, such as `can0`.
///
/// The kernel hands on 29-bit data frames and the controller's reports, nothing else. An interface that goes down, and
/// one that is unplugged, is lost and opened again when it is back; while the controller is off the bus nothing
/// arrives, and what is sent is lost.
final class SocketCANLink: CANLink {
    private let interface: String
    private(set) var descriptor: Int32?

    init(interface: String) { self.interface = interface }

    deinit { close() }

    let deadline: Duration? = nil

    var isReady: Bool { descriptor != nil }

    func open(at now: Duration) throws(CANLinkFailure) {
        close()
        var step: Int32 = 0
        var isUp: Int32 = 0
        let opened = vebridge_can_open(interface, &step, &isUp)
        guard opened >= 0 else { throw Self.failure(interface, step: Int(step), code: errno) }
        guard isUp != 0 else {
            Glibc.close(opened)
            throw CANLinkFailure(
                "\(interface) is down: ip link set \(interface) up type can bitrate 250000 restart-ms 100")
        }
        descriptor = opened
    }

    func close() {
        if let descriptor { Glibc.close(descriptor) }
        descriptor = nil
    }

    func receive(at now: Duration, _ body: (Frame, Duration) -> Void) -> CANLinkState {
        guard let descriptor else { return .lost("closed") }
        var identifier: UInt32 = 0
        var bits: UInt64 = 0
        var count: UInt32 = 0
        // A flood is served in turns: some frames, then the ports.
        for _ in 0..<256 {
            switch vebridge_can_read(descriptor, &identifier, &bits, &count) {
            case 1: body(Frame(linuxIdentifier: identifier, bits: bits, count: Int(count)), now)
            case 0: return .open
            default:
                let code = errno
                return .lost(Self.loss(interface, code: code))
            }
        }
        return .open
    }

    func send(_ request: BusRequest, at now: Duration) -> Bool {
        guard let descriptor else { return false }
        let frame = request.frame
        return vebridge_can_write(descriptor, frame.linuxIdentifier, frame.bits, UInt32(frame.count)) == 0
    }

    static func failure(_ interface: String, step: Int, code: Int32) -> CANLinkFailure {
        switch (step, code) {
        case (0, EAFNOSUPPORT):
            CANLinkFailure(
                "this kernel has no CAN (EAFNOSUPPORT): modprobe can can_raw, or use an adapter with slcan:/dev/ttyACM0",
                isTemporary: false)
        case (0, EPROTONOSUPPORT):
            CANLinkFailure(
                "this kernel has no raw CAN sockets (EPROTONOSUPPORT): modprobe can_raw", isTemporary: false)
        case (_, EPERM), (_, EACCES):
            CANLinkFailure("\(interface): no permission to open a CAN socket", isTemporary: false)
        case (1, ENODEV): CANLinkFailure("there is no interface \(interface): see 'ip link'")
        case (3, ENODEV): CANLinkFailure("\(interface) is no CAN interface: see 'ip -details link'")
        default: CANLinkFailure("\(interface): \(String(cString: strerror(code)))")
        }
    }

    static func loss(_ interface: String, code: Int32) -> String {
        switch code {
        case ENETDOWN: "\(interface) went down"
        case ENODEV, ENXIO: "\(interface) is gone"
        default: "\(interface): \(String(cString: strerror(code)))"
        }
    }
}
