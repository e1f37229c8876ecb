import Glibc

/// When a place changes its clocks: offsets from UTC, read from the system's zone files (RFC 8536).
///
/// A value that is read once. The C library's own functions share one zone for the whole process and change it by the
/// environment, which no thread may do while another reads it.
public struct TimeZoneRules: Sendable {
    /// The zone's name, such as `Europe/Berlin`; `local` where the system does not say one.
    public let name: String
    private let transitions: [Int64]
    /// Seconds east of UTC; one more than transitions, the first for the time before all of them.
    private let offsets: [Int]
    private let rule: YearlyRule?

    /// UTC.
    public static let utc = TimeZoneRules(name: "UTC", transitions: [], offsets: [0], rule: nil)

    init(name: String, transitions: [Int64], offsets: [Int], rule: YearlyRule?) {
        self.name = name
        self.transitions = transitions
        self.offsets = offsets
        self.rule = rule
    }

    /// The zone of this name in the system's tables; nil if there is none, or if its file is damaged.
    public init?(named name: String) {
        guard Self.isName(name), let bytes = ZoneFile.read("/usr/share/zoneinfo/" + name) else { return nil }
        self.init(name: name, bytes: bytes)
    }

    /// Reads the contents of a zone file; nil for a damaged one.
    init?(name: String, bytes: [UInt8]) {
        guard let file = ZoneFile(bytes) else { return nil }
        self.init(name: name, transitions: file.transitions, offsets: file.offsets, rule: file.rule)
    }

    /// Whether a text can name a zone: letters, digits, `+`, `-` and `_`, with `/` between parts.
    static func isName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count) else { return false }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty
                && part.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                        UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }

    /// Seconds east of UTC at a time in seconds since 1970 UTC.
    public func offset(at time: Int64) -> Int {
        if transitions.last.map({ time >= $0 }) ?? true, let rule { return rule.offset(at: time) }
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return offsets[low]
    }

    /// When a day begins, in seconds since 1970 UTC: midnight, or the moment after it where the clocks leave it out.
    public func start(of day: CivilDate) -> Int64 {
        let midnight = Int64(min(max(day.number, -11_600_000_000), 11_600_000_000)) * 86_400
        let around = [offset(at: midnight - 86_400), offset(at: midnight + 86_400)]
        // Where midnight comes twice the second one counts: until then it was the day before once more.
        let meant = around.map { midnight - Int64($0) }.filter { $0 + Int64(offset(at: $0)) == midnight }
        if let last = meant.max() { return last }
        var low = midnight - Int64(around.max() ?? 0) - 1
        var high = midnight - Int64(around.min() ?? 0) + 1
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if middle + Int64(offset(at: middle)) >= midnight { high = middle } else { low = middle }
        }
        return high
    }

    /// The day on which a time falls, in seconds since 1970 UTC.
    public func date(at time: Double) -> CivilDate {
        let time = Self.seconds(time)
        let local = time + Int64(offset(at: time))
        let day = CivilDate(number: Int(local >= 0 ? local / 86_400 : (local - 86_399) / 86_400))
        if time < start(of: day) { return day - 1 }
        return time >= start(of: day + 1) ? day + 1 : day
    }

    /// `2026-11-23T06:10:00+01:00`.
    public func text(of time: Double) -> String {
        let seconds = Self.seconds(time)
        let offset = offset(at: seconds)
        let local = seconds + Int64(offset)
        let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        let clock = Int(local - day * 86_400)
        let sign = offset < 0 ? "-" : "+"
        let zone = sign + Self.clock(abs(offset) / 60)
        return "\(CivilDate(number: Int(day)))T" + Self.clock(clock / 60) + ":" + CivilDate.padded(clock % 60, 2) + zone
    }

    /// `06:10:00` of local time.
    public func clockText(of time: Double) -> String {
        String(text(of: time).dropFirst(11).prefix(8))
    }

    private static func clock(_ minutes: Int) -> String {
        CivilDate.padded(minutes / 60, 2) + ":" + CivilDate.padded(minutes % 60, 2)
    }

    /// Whole seconds, limited to some thirty million years before and after 1970 so that nothing overflows.
    private static func seconds(_ time: Double) -> Int64 {
        time.isNaN ? 0 : Int64(min(max(time, -1e15), 1e15).rounded(.down))
    }
}
