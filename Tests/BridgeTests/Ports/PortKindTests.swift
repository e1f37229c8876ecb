import Foundation
import Glibc
import Simulation
import Testing

@testable import Bridge

/// What stands behind a path, without opening it.
@Suite("The kind of a port")
struct PortKindTests {
    private static let drivers = """
        /dev/tty             /dev/tty        5       0 system:/dev/tty
        /dev/console         /dev/console    5       1 system:console
        /dev/ptmx            /dev/ptmx       5       2 system
        usbserial            /dev/ttyUSB   188 0-511 serial
        serial               /dev/ttyS       4 64-95 serial
        ttyAMA               /dev/ttyAMA   204 64-77 serial
        pty_slave            /dev/pts      136 0-1048575 pty:slave
        pty_master           /dev/ptm      128 0-1048575 pty:master
        unknown              /dev/tty        4 1-63 console
        """

    @Test(
        "serial ports and pseudo-terminals by the kernel's table",
        arguments: [
            (188, 0, true), (188, 511, true), (188, 512, false), (4, 64, true), (4, 63, false), (4, 1, false),
            (204, 64, true), (136, 7, true), (128, 0, false), (5, 0, false), (5, 2, false), (1, 3, false),
        ])
    func table(_ major: Int, _ minor: Int, _ isSerial: Bool) {
        #expect(PortKind.isSerial(major: major, minor: minor, drivers: Self.drivers) == isSerial)
    }

    @Test(
        "lines that are damaged are passed over",
        arguments: ["", "x", "a b c d e", "a b 4 9-x serial", "a b 4 - serial"])
    func damaged(_ line: String) {
        #expect(PortKind.isSerial(major: 188, minor: 3, drivers: line + "\n" + Self.drivers))
        #expect(!PortKind.isSerial(major: 4, minor: 9, drivers: line))
    }

    @Test("files, folders and devices of this machine")
    func here() throws {
        #expect(PortKind.mismatch("/dev/null") == "not a serial port (character device 1:3)")
        #expect(PortKind.mismatch("/") == "not a serial port (a directory)")
        #expect(PortKind.mismatch(#filePath) == "not a serial port (a file)")
        #expect(PortKind.mismatch("/dev/nowhere") == nil)
        let terminal = try PseudoTerminal()
        #expect(PortKind.mismatch(terminal.path) == nil)
        let fifo = "/tmp/vebridge-fifo-\(getpid())"
        #expect(mkfifo(fifo, 0o600) == 0)
        defer { unlink(fifo) }
        #expect(PortKind.mismatch(fifo) == "not a serial port (a FIFO)")
    }
}
