import Glibc
import Synchronization

/// Data on standard output, messages for people on standard error.
enum Terminal {
    private static let output = Mutex<Void>(())
    private static let readerGone = Mutex<(@Sendable () -> Void)?>(nil)

    /// Calls `handler` instead of ending the program when nothing reads standard output any more: for a command that
    /// has to clean up.
    static func onReaderGone(_ handler: @escaping @Sendable () -> Void) { readerGone.withLock { $0 = handler } }

    /// Rows and columns of the terminal on standard output; 24 and 80 where it does not say.
    static var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return (24, 80) }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    /// Whether a person looks at standard output.
    static var isInteractive: Bool { isatty(1) == 1 }

    /// A line of data.
    static func print(_ line: String) { write(line + "\n", to: 1) }

    /// Text as it is, for screens that are drawn in place.
    static func draw(_ text: String) { write(text, to: 1) }

    /// A message for the person at the keyboard.
    static func complain(_ line: String) { write(line + "\n", to: 2) }

    private static func write(_ text: String, to descriptor: Int32) {
        output.withLock { _ in
            var text = text
            text.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)
                while rest.count > 0 {
                    let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    if count < 0, errno == EINTR { continue }
                    // The reader is gone: nothing more can be said, and nothing is wrong with us.
                    if count < 0, errno == EPIPE, descriptor == 1 {
                        guard let handler = readerGone.withLock({ $0 }) else { _exit(0) }
                        handler()
                        return
                    }
                    guard count > 0 else { return }
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                }
            }
        }
    }
}
