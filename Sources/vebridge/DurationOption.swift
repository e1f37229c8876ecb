import ArgumentParser
import Bridge

/// Durations on the command line: the spelling of the configuration, `10`, `90s`, `10m`, `1h` or `2d`.
enum DurationOption {
    /// Ten days, the longest time that a command runs or a simulated day lasts.
    static let longest = Duration.seconds(864_000)

    /// The duration of an option; nil where the option is not given.
    ///
    /// - Throws: a usage error that names the option, its range and what was written.
    static func value(
        _ option: String, _ text: String?, in range: ClosedRange<Duration> = .seconds(1)...longest
    ) throws -> Duration? {
        guard let text else { return nil }
        guard let duration = DurationText.duration(text), range.contains(duration) else {
            let (least, most) = (DurationText.text(range.lowerBound), DurationText.text(range.upperBound))
            throw ValidationError("\(option): \(least) to \(most), such as 10, 90s, 10m, 1h or 2d, not '\(text)'")
        }
        return duration
    }
}
