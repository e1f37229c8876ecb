import Bridge
import Glibc
import Simulation

/// The terminal while the demo runs: an alternate screen that is redrawn in place, and the key that quits.
struct DemoScreen {
    private static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l"
    private static let leave = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

    private let saved: termios?

    /// Takes the terminal. `q` stops `end`; Ctrl-C stays the signal that it is.
    init(_ end: Mailbox) {
        saved = Self.takeKeyboard()
        if saved != nil { Self.watchKeys(end) }
        Terminal.draw(Self.enter)
    }

    /// Gives the terminal back as it was.
    func restore() {
        Terminal.draw(Self.leave)
        if var saved { tcsetattr(0, TCSAFLUSH, &saved) }
    }

    /// Draws a board over the last one, in one piece and without clearing the screen.
    func draw(_ board: DemoBoard) {
        let size = Terminal.size
        // Clearing to the end of a line that fills its row would clear its last character.
        let lines = board.lines(columns: size.columns - 1, rows: size.rows)
        // No line end after the last one: on a full screen it would scroll.
        Terminal.draw("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\n") + "\u{1B}[J")
    }

    /// Keys arrive one by one and are not shown; nil where standard input is no terminal of this process's to change.
    private static func takeKeyboard() -> termios? {
        var saved = termios()
        guard isatty(0) == 1, tcgetpgrp(0) == getpgrp(), tcgetattr(0, &saved) == 0 else { return nil }
        var keys = saved
        keys.c_lflag &= ~tcflag_t(ICANON | ECHO)
        // Ctrl-Z would leave the shell on the alternate screen.
        withUnsafeMutableBytes(of: &keys.c_cc) { $0[Int(VSUSP)] = 0 }
        return tcsetattr(0, TCSAFLUSH, &keys) == 0 ? saved : nil
    }

    private static func watchKeys(_ end: Mailbox) {
        Alarm.set(.zero) {
            var key: UInt8 = 0
            while true {
                let count = read(0, &key, 1)
                if count < 0, errno == EINTR { continue }
                guard count == 1 else { return }
                if key == UInt8(ascii: "q") || key == UInt8(ascii: "Q") { return end.stop(reason: "q") }
            }
        }
    }
}
