/// Figures and times for people, without a locale: reports are read by programs too.
enum Words {
    /// A number with so many decimals at most.
    static func number(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        let power = (0..<max(0, decimals)).reduce(1.0) { power, _ in power * 10 }
        let whole = Int64((abs(value) * power).rounded())
        let sign = value < 0 && whole != 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(whole)" }
        let fraction = String(whole % Int64(power))
        return "\(sign)\(whole / Int64(power)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }

    /// A factor with three digits that count.
    static func factor(_ value: Double) -> String {
        for decimals in 0...4
        where abs(value * power(decimals) - (value * power(decimals)).rounded()) < 0.005 * power(decimals) * abs(value)
        {
            return number(value, decimals)
        }
        return number(value, 4)
    }

    private static func power(_ decimals: Int) -> Double { (0..<decimals).reduce(1.0) { power, _ in power * 10 } }

    /// A length of time: 8 s, 4 min 12 s, 2 h 5 min.
    static func span(_ seconds: Double) -> String {
        let whole = Int(max(0, seconds).rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min" + (whole % 60 == 0 ? "" : " \(whole % 60) s") }
        return "\(whole / 3600) h" + (whole % 3600 / 60 == 0 ? "" : " \(whole % 3600 / 60) min")
    }

    /// A share of one as a percentage without decimals; never 100 % where something is missing.
    static func percent(_ share: Double) -> String {
        let whole = Int((share * 100).rounded())
        if whole == 100, share < 1 { return "99 %" }
        return "\(whole) %"
    }

    /// Padded on the right, or cut with an ellipsis.
    static func left(_ text: String, _ width: Int) -> String {
        if text.count > width { return String(text.prefix(max(0, width - 1))) + "…" }
        return text + String(repeating: " ", count: width - text.count)
    }

    /// Padded on the left.
    static func right(_ text: String, _ width: Int) -> String {
        text.count >= width ? text : String(repeating: " ", count: width - text.count) + text
    }
}
