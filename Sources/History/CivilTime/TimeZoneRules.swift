import Glibc

/// When a place changes its clocks: offsets from UTC as the system's zone files (RFC 8536) tell them.
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

    /// The zone of this name in the system's tables; nil if there is none.
    public init?(named name: String) {
        guard !name.isEmpty, !name.contains(".."), !name.hasPrefix("/") else { return nil }
        guard let bytes = Self.read("/usr/share/zoneinfo/" + name) else { return nil }
        self.init(name: name, bytes: bytes)
    }

    /// The zone of this machine: the variable `TZ` if it names one, else `/etc/localtime`, else UTC.
    public static func local() -> TimeZoneRules {
        if let value = getenv("TZ") {
            let name = String(cString: value)
            let bare = name.hasPrefix(":") ? String(name.dropFirst()) : name
            if let zone = TimeZoneRules(named: bare) { return zone }
            if bare.hasPrefix("/"), let bytes = read(bare), let zone = TimeZoneRules(name: bare, bytes: bytes) {
                return zone
            }
            if let rule = YearlyRule(bare) {
                return TimeZoneRules(name: bare, transitions: [], offsets: [rule.standard], rule: rule)
            }
        }
        guard let bytes = read("/etc/localtime") else { return .utc }
        return TimeZoneRules(name: "local", bytes: bytes) ?? .utc
    }

    /// Reads the contents of a zone file; nil if it is none.
    init?(name: String, bytes: [UInt8]) {
        func number(_ index: Int, _ size: Int) -> Int64? {
            guard index >= 0, index + size <= bytes.count else { return nil }
            var value: Int64 = bytes[index] >= 0x80 ? -1 : 0
            for byte in bytes[index..<index + size] { value = value << 8 | Int64(byte) }
            return value
        }
        func counts(_ start: Int) -> [Int]? {
            guard start + 44 <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8) else { return nil }
            return (0..<6).compactMap { number(start + 20 + 4 * $0, 4).map(Int.init) }
        }
        // In the order of the file: UT/local marks, standard/wall marks, leap seconds, transitions, types, characters.
        guard let old = counts(0), bytes[4] >= 0x32 else { return nil }
        let second = 44 + old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0]
        guard let new = counts(second), new.allSatisfy({ $0 >= 0 }), new[4] > 0 else { return nil }
        let times = second + 44
        let indices = times + new[3] * 8
        let types = indices + new[3]
        let end = types + new[4] * 6 + new[5] + new[2] * 12 + new[1] + new[0]
        guard end <= bytes.count else { return nil }
        let typeOffsets = (0..<new[4]).compactMap { number(types + 6 * $0, 4).map(Int.init) }
        var transitions: [Int64] = []
        var offsets = [typeOffsets[0]]
        for index in 0..<new[3] {
            guard let time = number(times + 8 * index, 8), Int(bytes[indices + index]) < typeOffsets.count else {
                return nil
            }
            transitions.append(time)
            offsets.append(typeOffsets[Int(bytes[indices + index])])
        }
        let footer = String(decoding: bytes[end...].split(separator: 0x0A).first ?? [], as: UTF8.self)
        self.init(name: name, transitions: transitions, offsets: offsets, rule: YearlyRule(footer))
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
        let midnight = Int64(day.number) * 86_400
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
        let time = Int64(time.rounded(.down))
        let local = time + Int64(offset(at: time))
        let day = CivilDate(number: Int(local >= 0 ? local / 86_400 : (local - 86_399) / 86_400))
        if time < start(of: day) { return day - 1 }
        return time >= start(of: day + 1) ? day + 1 : day
    }

    /// `2026-11-23T06:10:00+01:00`.
    public func text(of time: Double) -> String {
        let seconds = Int64(time.rounded(.down))
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

    /// At most 1 MiB of a file; nil if it cannot be read.
    private static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8192)
        while bytes.count < 1 << 20 {
            let count = Glibc.read(file, &chunk, chunk.count)
            guard count > 0 else { return count == 0 && !bytes.isEmpty ? bytes : nil }
            bytes += chunk[..<count]
        }
        return nil
    }
}

/// The rule for all years to come at the end of a zone file, as POSIX writes it: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct YearlyRule: Sendable {
    /// Seconds east of UTC.
    let standard: Int
    private let summer: Int?
    private let begins: Change
    private let ends: Change

    private enum Day {
        case weekday(month: Int, week: Int, day: Int)
        case julian(Int)
        case zeroBased(Int)
    }

    private struct Change {
        var day: Day
        /// Seconds after local midnight.
        var time: Int

        /// In seconds since 1970, by the local clock.
        func moment(in year: Int) -> Int64 {
            let date: CivilDate
            switch day {
            case .weekday(let month, let week, let weekday):
                let first = CivilDate(year: year, month: month, day: 1)
                let ahead = (weekday - first.weekday % 7 + 7) % 7
                var found = first + ahead + 7 * (week - 1)
                while found.components.month != month { found = found - 7 }
                date = found
            case .julian(let day):
                let leapDay = CivilDate(year: year, month: 2, day: 29).components.month == 2
                date = CivilDate(year: year, month: 1, day: 1) + (day - 1 + (leapDay && day >= 60 ? 1 : 0))
            case .zeroBased(let day):
                date = CivilDate(year: year, month: 1, day: 1) + day
            }
            return Int64(date.number) * 86_400 + Int64(time)
        }
    }

    /// Nil for what is no rule.
    init?(_ text: String) {
        var rest = Substring(text)
        guard Self.skipName(&rest), let west = Self.time(&rest) else { return nil }
        standard = -west
        guard !rest.isEmpty else {
            summer = nil
            begins = Change(day: .julian(1), time: 0)
            ends = begins
            return
        }
        guard Self.skipName(&rest) else { return nil }
        var summer = standard + 3600
        if rest.first != ",", let west = Self.time(&rest) { summer = -west }
        let parts = rest.split(separator: ",")
        guard parts.count == 2, let begins = Self.change(parts[0]), let ends = Self.change(parts[1]) else { return nil }
        self.summer = summer
        self.begins = begins
        self.ends = ends
    }

    func offset(at time: Int64) -> Int {
        guard let summer else { return standard }
        let local = time + Int64(standard)
        let year = CivilDate(number: Int(local >= 0 ? local / 86_400 : (local - 86_399) / 86_400)).components.year
        let begin = begins.moment(in: year) - Int64(standard)
        let end = ends.moment(in: year) - Int64(summer)
        let isSummer = begin < end ? time >= begin && time < end : time >= begin || time < end
        return isSummer ? summer : standard
    }

    private static func skipName(_ rest: inout Substring) -> Bool {
        let name: Substring
        if rest.first == "<" {
            guard let end = rest.firstIndex(of: ">") else { return false }
            name = rest[..<end]
            rest = rest[rest.index(after: end)...]
        } else {
            name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
        }
        return name.count >= 3
    }

    /// `[+-]h[h][:mm[:ss]]` in seconds.
    private static func time(_ rest: inout Substring) -> Int? {
        let text = rest.prefix { $0.isNumber || $0 == ":" || $0 == "+" || $0 == "-" }
        rest = rest.dropFirst(text.count)
        let isNegative = text.first == "-"
        let parts = text.drop { $0 == "+" || $0 == "-" }.split(separator: ":").map { Int($0) }
        guard !parts.isEmpty, parts.count <= 3, let hours = parts[0] else { return nil }
        let minutes = parts.count > 1 ? parts[1] ?? 0 : 0
        let seconds = parts.count > 2 ? parts[2] ?? 0 : 0
        return (isNegative ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds)
    }

    private static func change(_ text: Substring) -> Change? {
        let parts = text.split(separator: "/")
        guard let first = parts.first else { return nil }
        var time = 7200
        if parts.count > 1 {
            var rest = parts[1]
            guard let given = Self.time(&rest) else { return nil }
            time = given
        }
        if first.first == "M" {
            let numbers = first.dropFirst().split(separator: ".").compactMap { Int($0) }
            guard numbers.count == 3, (1...12).contains(numbers[0]), (1...5).contains(numbers[1]),
                (0...6).contains(numbers[2])
            else { return nil }
            return Change(day: .weekday(month: numbers[0], week: numbers[1], day: numbers[2]), time: time)
        }
        if first.first == "J" { return Int(first.dropFirst()).map { Change(day: .julian($0), time: time) } }
        return Int(first).map { Change(day: .zeroBased($0), time: time) }
    }
}
