import CLinux
import Glibc

/// Why select lines could not be taken or set.
struct SelectFailure: Error, CustomStringConvertible {
    let description: String
}

/// What tells a multiplexer which of its channels is joined to the one UART.
protocol SelectLines: AnyObject {
    /// Puts a value on the lines, its lowest bit on the first.
    func select(_ value: Int) throws(SelectFailure)
}

extension Configuration.Multiplexer.Select {
    /// Takes the lines; nobody else can drive them until they are let go.
    func open() throws(SelectFailure) -> any SelectLines {
        switch self {
        case .lines(let chip, let offsets, let activeLow):
            try GPIOSelectLines(chip: chip, lines: offsets, activeLow: activeLow)
        case .file(let path): try FileSelect(path: path)
        }
    }
}

/// Lines of a GPIO chip, held through the kernel's character device, so that two programs cannot drive them at once.
final class GPIOSelectLines: SelectLines {
    private let descriptor: Int32
    private let count: Int
    private let activeLow: Bool

    /// Takes lines as outputs.
    ///
    /// - Parameters:
    ///   - chip: the device of the chip, for example `/dev/gpiochip0`.
    ///   - lines: the numbers of the lines on that chip, the one with the lowest weight first; 1 to 64.
    ///   - activeLow: whether a low line is a one.
    init(chip: String, lines: [Int], activeLow: Bool) throws(SelectFailure) {
        let offsets = lines.compactMap { UInt32(exactly: $0) }
        guard offsets.count == lines.count, (1...64).contains(lines.count) else {
            throw SelectFailure(description: "\(chip): 1 to 64 lines are needed, by their number on the chip")
        }
        let chipDescriptor = Glibc.open(chip, O_RDWR | O_CLOEXEC)
        guard chipDescriptor >= 0 else {
            let code = errno
            let hint = code == EACCES ? "no permission: add the user to the group that owns it (often gpio)" : nil
            throw SelectFailure(description: "\(chip): \(hint ?? String(cString: strerror(code)))")
        }
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
            throw SelectFailure(description: "\(chip): lines \(names): \(reason)")
        }
        descriptor = taken
        count = lines.count
        self.activeLow = activeLow
    }

    deinit { close(descriptor) }

    func select(_ value: Int) throws(SelectFailure) {
        let bits = UInt64(activeLow ? ~value : value) & (count >= 64 ? .max : (1 << UInt64(count)) - 1)
        guard vebridge_gpio_set(descriptor, bits, UInt32(count)) == 0 else {
            throw SelectFailure(description: "cannot set the select lines: \(String(cString: strerror(errno)))")
        }
    }
}

/// A file into which the select value is written as a decimal number and a line end: for a simulated multiplexer, or
/// for a program that drives some other switch. A file of sysfs or a FIFO will do too.
final class FileSelect: SelectLines {
    /// As wide as the largest value, so that one write replaces all of the last.
    private static let width = 3
    private let path: String
    private let descriptor: Int32
    private let isRegular: Bool

    /// Opens the file, which is made if there is none.
    init(path: String) throws(SelectFailure) {
        self.path = path
        // Not blocking: a FIFO that nobody reads is told as that.
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else {
            let code = errno
            let reason = code == ENXIO ? "nobody reads this FIFO" : String(cString: strerror(code))
            throw SelectFailure(description: "\(path): \(reason)")
        }
        var status = stat()
        isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || !isRegular else {
            close(descriptor)
            throw SelectFailure(description: "\(path): in use by another program")
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    func select(_ value: Int) throws(SelectFailure) {
        var text = Array(String(value).utf8)
        if isRegular { while text.count < Self.width { text.append(0x20) } }
        text.append(0x0A)
        let count = isRegular ? pwrite(descriptor, text, text.count, 0) : write(descriptor, text, text.count)
        guard count == text.count else {
            throw SelectFailure(description: "cannot write to \(path): \(String(cString: strerror(errno)))")
        }
    }
}
