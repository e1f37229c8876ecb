/// Arithmetic of durations in whole nanoseconds.
///
/// The standard library's is generic over 128 bits and costs a hundred times as much; a session does it with every
/// frame. Times here are of a session's life, and 292 years fit.
extension Duration {
    /// The time in whole nanoseconds.
    @usableFromInline var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    }

    @usableFromInline init(wholeNanoseconds count: Int64) {
        let (seconds, rest) = count.quotientAndRemainder(dividingBy: 1_000_000_000)
        self.init(secondsComponent: seconds, attosecondsComponent: rest &* 1_000_000_000)
    }

    @usableFromInline static func * (left: Duration, right: Int) -> Duration {
        Duration(wholeNanoseconds: left.wholeNanoseconds &* Int64(right))
    }

    @usableFromInline static func / (left: Duration, right: Int) -> Duration {
        Duration(wholeNanoseconds: left.wholeNanoseconds / Int64(right))
    }

    @usableFromInline static func nanoseconds(_ count: Int) -> Duration { Duration(wholeNanoseconds: Int64(count)) }
    @usableFromInline static func microseconds(_ count: Int) -> Duration {
        Duration(wholeNanoseconds: Int64(count) &* 1000)
    }
    @usableFromInline static func milliseconds(_ count: Int) -> Duration {
        Duration(wholeNanoseconds: Int64(count) &* 1_000_000)
    }
    @usableFromInline static func seconds(_ count: Int) -> Duration {
        Duration(secondsComponent: Int64(count), attosecondsComponent: 0)
    }
}
