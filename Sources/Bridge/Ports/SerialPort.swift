import CLinux
import Glibc

/// A serial port opened for one device: raw, exclusive, never blocking.
struct SerialPort: ~Copyable {
    /// Why a port could not be opened.
    struct Failure: Error, CustomStringConvertible {
        /// What happened and what would help.
        let description: String
        /// Whether there is no such port now, as opposed to one that cannot be used.
        let isAbsent: Bool
        /// Whether waiting won't help: it is something else.
        var isLasting = false
        /// What kind of trouble it is.
        var trouble = PortTrouble.unusable
    }

    let descriptor: Int32
    private let isTerminal: Bool

    /// Opens `path` at 19200 baud, 8 data bits, no parity, one stop bit, no flow control.
    ///
    /// DTR and RTS are set as asked: isolated RS-232 cables take their power from them. A break is never sent, and
    /// hang-up on close is off, for a charger reads its input as a remote switch.
    init(path: String, settings: Configuration.Serial) throws(Failure) {
        let descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            let hint =
                switch code {
                case EACCES: "no permission: add the user to the group that owns it (often dialout)"
                case ENOENT: "no such port"
                case EBUSY: "in use by another program"
                default: String(cString: strerror(code))
                }
            let trouble: PortTrouble =
                switch code {
                case EACCES, EPERM: .noPermission
                case EBUSY: .inUse
                case ENOENT, ENODEV, ENXIO: .absent
                default: PortTrouble(code: code)
                }
            throw Failure(
                description: hint, isAbsent: [ENOENT, ENODEV, ENXIO, EIO].contains(code), trouble: trouble)
        }
        guard isatty(descriptor) == 1 else {
            close(descriptor)
            throw Failure(description: "not a serial port", isAbsent: false, isLasting: true, trouble: .notSerial)
        }
        // A lock that other programs of good manners see, and one that the kernel enforces. The kernel forgets both
        // when the last descriptor closes; whoever makes a pseudo-terminal keeps one open, and there the mark of a
        // killed program would lock out the next.
        let isExclusive = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        guard isExclusive, Self.isPseudoTerminal(descriptor) || ioctl(descriptor, UInt(TIOCEXCL)) == 0 else {
            close(descriptor)
            throw Failure(description: "in use by another program", isAbsent: false, trouble: .inUse)
        }
        var attributes = termios()
        guard tcgetattr(descriptor, &attributes) == 0 else {
            let code = errno
            close(descriptor)
            throw Failure(description: String(cString: strerror(code)), isAbsent: false)
        }
        cfmakeraw(&attributes)
        attributes.c_cflag |= tcflag_t(CLOCAL | CREAD | CS8)
        attributes.c_cflag &= ~tcflag_t(CSTOPB | PARENB | HUPCL)
        attributes.c_cflag &= ~Self.hardwareFlowControl
        cfsetspeed(&attributes, Self.speed(settings.baud))
        guard tcsetattr(descriptor, TCSANOW, &attributes) == 0 else {
            let code = errno
            close(descriptor)
            throw Failure(
                description: "cannot set \(settings.baud) 8N1: \(String(cString: strerror(code)))", isAbsent: false)
        }
        // What the kernel kept from before, and what it echoed between open and raw, belongs to nobody.
        tcflush(descriptor, TCIOFLUSH)
        var bits = Int32(0)
        if ioctl(descriptor, UInt(TIOCMGET), &bits) == 0 {
            bits = settings.dtr ? bits | Int32(TIOCM_DTR) : bits & ~Int32(TIOCM_DTR)
            bits = settings.rts ? bits | Int32(TIOCM_RTS) : bits & ~Int32(TIOCM_RTS)
            // A pseudo-terminal has no such lines and says so; that is no fault.
            _ = ioctl(descriptor, UInt(TIOCMSET), &bits)
        }
        if settings.lowLatency { vebridge_low_latency(descriptor) }
        self.descriptor = descriptor
        isTerminal = true
    }

    deinit {
        // Closing a terminal waits up to half a minute for output that a dead device never takes.
        tcflush(descriptor, TCIOFLUSH)
        _ = ioctl(descriptor, UInt(TIOCNXCL))
        close(descriptor)
    }

    /// Forgets what has arrived and was not read.
    func discardInput() { tcflush(descriptor, TCIFLUSH) }

    /// What reading gave.
    enum ReadResult {
        case bytes(Int)
        case nothing
        case gone(String, PortTrouble)
    }

    /// What writing came to.
    enum WriteResult: Equatable {
        /// The port took all of it.
        case taken
        /// It did not: the request is lost, as on a bad line.
        case blocked
        /// The port can no longer be written to.
        case gone(String, PortTrouble)
    }

    /// Reads what is there into `buffer`.
    func read(into buffer: inout [UInt8]) -> ReadResult {
        let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        if count > 0 { return .bytes(count) }
        if count == 0 { return .gone("hung up", .hungUp) }
        switch errno {
        case EAGAIN, EINTR: return .nothing
        case let code: return .gone(String(cString: strerror(code)), PortTrouble(code: code))
        }
    }

    /// Writes a request.
    func send(_ bytes: [UInt8]) -> WriteResult {
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count == bytes.count { return .taken }
        guard count < 0 else { return .blocked }
        switch errno {
        case EAGAIN, EINTR: return .blocked
        case let code: return .gone(String(cString: strerror(code)), PortTrouble(code: code))
        }
    }

    /// Writes a request; false if the port did not take all of it, which counts as a lost request.
    func write(_ bytes: [UInt8]) -> Bool { send(bytes) == .taken }

    /// Whether this is the program's end of a pseudo-terminal: majors 136 to 143 (kernel's list of devices).
    private static func isPseudoTerminal(_ descriptor: Int32) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return (136...143).contains((status.st_rdev >> 8) & 0xFFF)
    }

    /// CRTSCTS, which the overlay does not show by name.
    private static let hardwareFlowControl = tcflag_t(0x8000_0000)

    private static func speed(_ baud: Int) -> speed_t {
        switch baud {
        case 1200: speed_t(B1200)
        case 2400: speed_t(B2400)
        case 4800: speed_t(B4800)
        case 9600: speed_t(B9600)
        case 38400: speed_t(B38400)
        case 57600: speed_t(B57600)
        case 115_200: speed_t(B115200)
        // Beyond what VE.Direct has: adapters for CAN.
        case 230_400: speed_t(B230400)
        case 460_800: speed_t(B460800)
        case 500_000: speed_t(B500000)
        case 921_600: speed_t(B921600)
        case 1_000_000: speed_t(B1000000)
        case 2_000_000: speed_t(B2000000)
        case 3_000_000: speed_t(B3000000)
        default: speed_t(B19200)
        }
    }
}
