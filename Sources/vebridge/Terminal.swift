import Glibc
import Synchronization

/// Data on standard output, words for people on standard error.
enum Terminal {
    private static let output = Mutex<Void>(())

    /// Whether a person looks at standard output.
    static var isInteractive: Bool { isatty(1) == 1 }

    /// A line of data.
    static func print(_ line: String) { write(line + "\n", to: 1) }

    /// Text as it is, for screens that are drawn in place.
    static func draw(_ text: String) { write(text, to: 1) }

    /// Words for the person at the keyboard.
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
                    if count < 0, errno == EPIPE, descriptor == 1 { _exit(0) }
                    guard count > 0 else { return }
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                }
            }
        }
    }
}
