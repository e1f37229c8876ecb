import CLinux
import Glibc

/// The lines that tell a multiplexer which of its channels is joined to the one UART.
///
/// Held through the kernel's GPIO character device, so that two programs cannot drive them at once.
struct SelectLines: ~Copyable {
    /// Why the lines could not be taken or set.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32
    private let count: Int

    /// Takes lines as outputs.
    ///
    /// - Parameters:
    ///   - chip: the device of the chip, for example `/dev/gpiochip0`.
    ///   - lines: the numbers of the lines on that chip, the one with the lowest weight first; 1 to 64.
    init(chip: String, lines: [Int]) throws(Failure) {
        let offsets = lines.compactMap { UInt32(exactly: $0) }
        guard offsets.count == lines.count, (1...64).contains(lines.count) else {
            throw Failure(description: "\(chip): 1 to 64 lines are needed, by their number on the chip")
        }
        let chipDescriptor = open(chip, O_RDWR | O_CLOEXEC)
        guard chipDescriptor >= 0 else { throw Failure(description: "\(chip): \(String(cString: strerror(errno)))") }
        defer { close(chipDescriptor) }
        let taken = offsets.withUnsafeBufferPointer {
            vebridge_gpio_take(chipDescriptor, $0.baseAddress, UInt32($0.count), "vebridge")
        }
        guard taken >= 0 else {
            let code = errno
            let names = lines.map(String.init).joined(separator: ", ")
            let reason =
                switch code {
                case EBUSY: "in use by another program or driver"
                case EINVAL: "the chip has no such line"
                case ENOTTY: "not a GPIO chip, or a kernel before 5.10"
                default: String(cString: strerror(code))
                }
            throw Failure(description: "\(chip): lines \(names): \(reason)")
        }
        descriptor = taken
        count = lines.count
    }

    deinit { close(descriptor) }

    /// Puts the bits of `channel` on the lines, the lowest on the first.
    func select(_ channel: Int) throws(Failure) {
        guard vebridge_gpio_set(descriptor, UInt64(channel), UInt32(count)) == 0 else {
            throw Failure(description: "cannot set the select lines: \(String(cString: strerror(errno)))")
        }
    }
}
