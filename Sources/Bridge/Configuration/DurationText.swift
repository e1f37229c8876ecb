/// Durations as people write them: `500ms`, `1.5s`, `10m`, `1h`, `1d`; a bare number is seconds.
///
/// The configuration and every option of the command line use this parser.
public enum DurationText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ]

    /// The duration that a text spells; nil if it spells none.
    public static func duration(_ text: String) -> Duration? { strict(text) }

    /// Reads a duration.
    ///
    /// - Throws: a ``Problem`` whose hint is the right spelling where one can be guessed.
    static func parse(_ text: String) throws(Problem) -> Duration {
        if let duration = strict(text) { return duration }
        let hint =
            respelt(text).map { "did you mean \"\($0)\"?" }
            ?? "write a number and a unit (ms, s, m, h or d), such as \"500ms\" or \"10m\""
        throw Problem("is not a duration", hint: hint)
    }

    /// A duration of a TOML number of seconds; nil if it is negative or beyond all sense.
    static func seconds(_ seconds: Double) -> Duration? {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return nil }
        return .nanoseconds(Int64((seconds * 1e9).rounded()))
    }

    /// The shortest usual spelling: the largest unit that goes in whole, but seconds up to two minutes.
    public static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds != 0 {
            let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
            if attoseconds % 1_000_000_000_000_000 == 0 { return "\(milliseconds)ms" }
            return "\(Double(seconds) + Double(attoseconds) / 1e18)s"
        }
        switch seconds {
        case 0: return "0"
        case let whole where whole < 120: return "\(whole)s"
        case let whole where whole % 86_400 == 0: return "\(whole / 86_400)d"
        case let whole where whole % 3600 == 0: return "\(whole / 3600)h"
        case let whole where whole % 60 == 0: return "\(whole / 60)m"
        default: return "\(seconds)s"
        }
    }

    private static func strict(_ text: String) -> Duration? {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix { isDigit($0) }
        guard !digits.isEmpty, digits.count <= 12 else { return nil }
        var rest = bytes.dropFirst(digits.count)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix { isDigit($0) }
            guard !fraction.isEmpty, fraction.count <= 9 else { return nil }
            rest = rest.dropFirst(1 + fraction.count)
        }
        let name = String(decoding: rest, as: UTF8.self)
        let scale: Int64
        if name.isEmpty {
            scale = 1_000_000_000
        } else if let unit = units.first(where: { $0.name == name }) {
            scale = unit.nanoseconds
        } else {
            return nil
        }
        let (whole, overflow) = number(digits).multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        // Every unit is a multiple of a millisecond; what is below a nanosecond is cut off.
        var part: Int64 = 0
        var place = scale
        for digit in fraction {
            place /= 10
            part += Int64(digit - UInt8(ascii: "0")) * place
        }
        let (sum, tooLong) = whole.addingReportingOverflow(part)
        return tooLong ? nil : .nanoseconds(sum)
    }

    /// The strict spelling of a loose one: `60 sec`, `10Min`, `1 hour`.
    private static func respelt(_ text: String) -> String? {
        let loose = text.lowercased().filter { $0 != " " && $0 != "_" }
        let number = loose.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit: String
        switch loose.dropFirst(number.count) {
        case "msec", "msecs", "millisecond", "milliseconds", "ms": unit = "ms"
        case "sec", "secs", "second", "seconds", "s": unit = "s"
        case "min", "mins", "minute", "minutes", "m": unit = "m"
        case "hr", "hrs", "hour", "hours", "h": unit = "h"
        case "day", "days", "d": unit = "d"
        default: return nil
        }
        return strict(number + unit) == nil ? nil : number + unit
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64 {
        digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
