import CLinux
import Glibc
import Testing

@testable import Bridge

@Suite("A link through the kernel")
struct SocketCANTests {
    /// Whether this kernel has CAN at all.
    static var hasCAN: Bool {
        let descriptor = socket(PF_CAN, Int32(SOCK_RAW.rawValue), 1)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }

    @Test("a kernel without CAN is a clear message that stays", .enabled(if: !hasCAN, "this kernel has CAN"))
    func kernelWithoutCAN() {
        let link = SocketCANLink(interface: "can0")
        let failure = #expect(throws: CANLinkFailure.self) { try link.open(at: .zero) }
        #expect(failure?.description.contains("EAFNOSUPPORT") == true)
        #expect(failure?.description.contains("slcan:") == true)
        #expect(failure?.isTemporary == false)
        #expect(link.descriptor == nil)
        #expect(link.receive(at: .zero) { _, _ in } == .lost("closed"))
    }

    @Test("an interface that is not there is waited for", .enabled(if: hasCAN, "this kernel has no CAN"))
    func absentInterface() {
        let failure = #expect(throws: CANLinkFailure.self) { try SocketCANLink(interface: "can47").open(at: .zero) }
        #expect(failure?.isTemporary == true)
    }

    @Test(
        "what the system says is said in words",
        arguments: [
            (0, EAFNOSUPPORT, false, "modprobe can"), (0, EPROTONOSUPPORT, false, "can_raw"),
            (0, EPERM, false, "no permission"), (1, ENODEV, true, "no interface can0"),
            (3, ENODEV, true, "no CAN interface"), (2, EINVAL, true, "Invalid argument"),
        ])
    func failures(step: Int, code: Int32, isTemporary: Bool, words: String) {
        let failure = SocketCANLink.failure("can0", step: step, code: code)
        #expect(failure.isTemporary == isTemporary)
        #expect(failure.description.contains(words))
        #expect(SocketCANLink.loss("can0", code: ENETDOWN) == "can0 went down")
        #expect(SocketCANLink.loss("can0", code: ENODEV) == "can0 is gone")
    }

    @Test("frames cross the kernel's structure unchanged")
    func structure() throws {
        // A pair of plain sockets stands in for the bus: a frame written is a frame read.
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        var identifier: UInt32 = 0
        var bits: UInt64 = 0
        var count: UInt32 = 0
        #expect(vebridge_can_read(ends[1], &identifier, &bits, &count) == 0)
        #expect(vebridge_can_write(ends[0], 0x886F_1297, 0x42C5_9ADB_0000, 6) == 0)
        #expect(vebridge_can_read(ends[1], &identifier, &bits, &count) == 1)
        #expect(identifier == 0x886F_1297)
        #expect(bits == 0x42C5_9ADB_0000)
        #expect(count == 6)
        #expect(write(ends[0], "short", 5) == 5)
        #expect(vebridge_can_read(ends[1], &identifier, &bits, &count) == -1)
    }
}
