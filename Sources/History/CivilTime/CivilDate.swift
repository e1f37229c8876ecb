/// A day of the calendar, without a time or a place.
public struct CivilDate: Sendable, Hashable, Strideable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public let number: Int

    /// The day so many days after 1970-01-01, limited to some thirty million years before and after it.
    public init(number: Int) { self.number = min(max(number, -Self.limit), Self.limit) }

    /// Far beyond all dates, and far enough from the limits of Int that no arithmetic overflows.
    private static let limit = 12_000_000_000

    /// A day by year, month (1…12) and day of the month (1…31); days beyond the month's end run into the next.
    public init(year: Int, month: Int, day: Int) {
        // Years begin in March here, so that the leap day is the last one.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        number = era * 146_097 + dayOfEra - 719_468
    }

    /// Reads `2026-11-23`; nil for anything else, a day that does not exist included.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), (1...12).contains(month),
            (1...31).contains(day)
        else { return nil }
        self.init(year: year, month: month, day: day)
        guard components == (year, month, day) else { return nil }
    }

    /// Year, month 1…12, day 1…31.
    public var components: (year: Int, month: Int, day: Int) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }

    /// 1 is Monday, 7 is Sunday.
    public var weekday: Int { ((number + 3) % 7 + 7) % 7 + 1 }

    /// The Monday of this day's week.
    public var startOfWeek: CivilDate { self - (weekday - 1) }

    /// The first day of this day's month.
    public var startOfMonth: CivilDate { self - (components.day - 1) }

    /// `2026-11-23`.
    public var description: String {
        let (year, month, day) = components
        return Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2)
    }

    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// The day so many days later.
    public static func + (day: CivilDate, days: Int) -> CivilDate { CivilDate(number: day.number + days) }
    /// The day so many days earlier.
    public static func - (day: CivilDate, days: Int) -> CivilDate { CivilDate(number: day.number - days) }
    /// Days from the second to the first.
    public static func - (later: CivilDate, earlier: CivilDate) -> Int { later.number - earlier.number }
    /// Days to another one.
    public func distance(to other: CivilDate) -> Int { other.number - number }
    /// So many days later.
    public func advanced(by days: Int) -> CivilDate { self + days }
    /// Earlier.
    public static func < (left: CivilDate, right: CivilDate) -> Bool { left.number < right.number }
}
