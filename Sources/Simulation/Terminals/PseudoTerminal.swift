import Glibc

/// A system call that failed while a simulated port was made.
public struct TerminalError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The call.
    public let call: String
    /// What it was about: a path, or empty.
    public let subject: String
    /// The system's number.
    public let code: Int32

    /// In words.
    public var description: String {
        "\(subject.isEmpty ? "" : subject + ": ")\(call) failed: \(String(cString: strerror(code)))"
    }
}

/// A pair of terminals joined back to back: what is written to the master is read from the path, as from a port.
///
/// It owns both ends. The slave stays open and raw, so that a reader that comes and goes changes nothing; like a
/// serial line it drops what nobody reads.
public final class PseudoTerminal: Sendable {
    /// Where a program opens the port.
    public let path: String
    /// The simulated device's end; does not block.
    public let master: Int32
    private let slave: Int32

    /// As much may wait to be read; then bytes are lost, as in a UART that nobody empties.
    private static let maximumUnread: Int32 = 3072

    /// A new pair.
    public init() throws(TerminalError) {
        var master: Int32 = -1
        var slave: Int32 = -1
        var settings = termios()
        cfmakeraw(&settings)
        settings.c_cflag |= tcflag_t(CS8 | CREAD | CLOCAL)
        cfsetspeed(&settings, speed_t(B19200))
        guard openpty(&master, &slave, nil, &settings, nil) == 0 else {
            throw TerminalError(call: "openpty", subject: "", code: errno)
        }
        self.master = master
        self.slave = slave
        var name = [CChar](repeating: 0, count: 128)
        let failure = ttyname_r(slave, &name, name.count)
        // From here on a failure runs deinit, which closes both.
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        _ = fcntl(master, F_SETFD, FD_CLOEXEC)
        _ = fcntl(slave, F_SETFD, FD_CLOEXEC)
        guard failure == 0 else { throw TerminalError(call: "ttyname", subject: "", code: failure) }
        let flags = fcntl(master, F_GETFL)
        guard flags >= 0, fcntl(master, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw TerminalError(call: "fcntl", subject: path, code: errno)
        }
    }

    deinit {
        close(slave)
        close(master)
    }

    /// Sends bytes to whoever has the path open; returns how many were taken, the rest is lost.
    public func write(_ bytes: [UInt8]) -> Int {
        guard !bytes.isEmpty else { return 0 }
        var unread: Int32 = 0
        if ioctl(slave, UInt(FIONREAD), &unread) == 0, unread > Self.maximumUnread { return 0 }
        let written = Glibc.write(master, bytes, bytes.count)
        return max(0, written)
    }

    /// The bytes that were written to the path since the last call; empty if none.
    public func read() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = Glibc.read(master, &buffer, buffer.count)
        return count > 0 ? Array(buffer.prefix(count)) : []
    }

    /// Forgets what waits to be read at the path, as a port does that nobody has open.
    public func discardUnread() { tcflush(slave, TCIFLUSH) }
}
