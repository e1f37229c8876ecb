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
                // The fifth is the last one.
                if found.components.month != month { found = found - 7 }
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

    /// Nil for what is not a rule.
    init?(_ text: String) {
        // A rule has at most some sixty characters.
        guard text.utf8.count <= 256 else { return nil }
        var rest = Substring(text)
        guard Self.skipName(&rest), let west = Self.offset(&rest) else { return nil }
        standard = -west
        guard !rest.isEmpty else {
            summer = nil
            begins = Change(day: .julian(1), time: 0)
            ends = begins
            return
        }
        guard Self.skipName(&rest) else { return nil }
        var summer = standard + 3600
        if rest.first != "," {
            guard let west = Self.offset(&rest) else { return nil }
            summer = -west
        }
        let parts = rest.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, let begins = Self.change(parts[1]), let ends = Self.change(parts[2])
        else { return nil }
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
            name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
        }
        return name.count >= 3
    }

    /// Seconds west of UTC; nil for what no place has.
    private static func offset(_ rest: inout Substring) -> Int? {
        time(&rest).flatMap { ZoneFile.offsets.contains(-$0) ? $0 : nil }
    }

    /// `[+-]h[hh][:mm[:ss]]` in seconds; nil for anything else, and for more than a week.
    private static func time(_ rest: inout Substring) -> Int? {
        let text = rest.prefix { ("0"..."9").contains($0) || $0 == ":" || $0 == "+" || $0 == "-" }
        rest = rest.dropFirst(text.count)
        let isNegative = text.first == "-"
        let digits = isNegative || text.first == "+" ? text.dropFirst() : text
        let parts = digits.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count) else { return nil }
        var seconds = 0
        for (part, limit) in zip(parts, [167, 59, 59]) {
            guard let number = number(part, 0...limit) else { return nil }
            seconds = seconds * 60 + number
        }
        for _ in parts.count..<3 { seconds *= 60 }
        return isNegative ? -seconds : seconds
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    private static func change(_ text: Substring) -> Change? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2 else { return nil }
        var time = 7200
        if parts.count == 2 {
            var rest = parts[1]
            guard let given = Self.time(&rest), rest.isEmpty else { return nil }
            time = given
        }
        if first.first == "M" {
            let numbers = first.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
            guard numbers.count == 3, let month = number(numbers[0], 1...12), let week = number(numbers[1], 1...5),
                let day = number(numbers[2], 0...6)
            else { return nil }
            return Change(day: .weekday(month: month, week: week, day: day), time: time)
        }
        if first.first == "J" { return number(first.dropFirst(), 1...365).map { Change(day: .julian($0), time: time) } }
        return number(first, 0...365).map { Change(day: .zeroBased($0), time: time) }
    }
}
