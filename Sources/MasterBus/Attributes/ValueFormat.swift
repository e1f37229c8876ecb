/// How a value, always a 32-bit float on the wire, is to be read and written.
public enum ValueFormat: String, Sendable, Hashable, CaseIterable {
    /// A number; also the index of a list's option, and 0 or 1 for off and on.
    case number
    /// Seconds: of the day, or of a duration, which may exceed a day.
    case time
    /// A day packed as `416 * year + 32 * month + day`.
    case date

    /// The payload of the value's topic; nil where the value is not available (not a number, infinite).
    ///
    /// Numbers as C prints them with `%f`, times as `HH:MM:SS` (hours may need more digits), dates as `DD/MM/YYYY`.
    /// What cannot be a time or a date (negative, beyond the year 9999) is written as a number.
    public func text(_ value: Float) -> String? {
        guard value.isFinite else { return nil }
        switch self {
        case .number: return FixedPoint.text(value)
        case .time: return BusTime(value)?.text ?? FixedPoint.text(value)
        case .date: return BusDate(value)?.text ?? FixedPoint.text(value)
        }
    }
}

/// Seconds of the day, or a duration, as the bus carries it: whole seconds in a float.
public struct BusTime: Sendable, Hashable {
    /// Whole seconds.
    public let seconds: Int

    /// The time in a value; nil for what a float cannot hold to the second (2^24 and above) and below zero.
    public init?(_ value: Float) {
        guard value >= 0, value < 16_777_216 else { return nil }
        seconds = Int(value)
    }

    /// `HH:MM:SS`; hours may need more than two digits.
    public var text: String {
        "\(Self.padded(seconds / 3600)):\(Self.padded(seconds / 60 % 60)):\(Self.padded(seconds % 60))"
    }

    static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// A day as the bus carries it. The device's clock is set by its user and may be years off.
public struct BusDate: Sendable, Hashable {
    /// The year, 0 to 9999.
    public let year: Int
    /// The month, 1 to 12; 0 in a value that is no date.
    public let month: Int
    /// The day, 1 to 31; 0 in a value that is no date.
    public let day: Int

    /// The date in a value; nil below zero and beyond the year 9999.
    public init?(_ value: Float) {
        guard value >= 0, value < 416 * 10_000 else { return nil }
        let packed = Int(value)
        (year, month, day) = (packed / 416, packed / 32 % 13, packed % 32)
    }

    /// Whether this can be a day of a device that runs: a real month and day, 1990 to 2199.
    public var isPlausible: Bool { month >= 1 && day >= 1 && year >= 1990 && year < 2200 }
    /// 1 January 2000, which displays show as no date.
    public var isUnset: Bool { year == 2000 && month == 1 && day == 1 }
    /// `DD/MM/YYYY`.
    public var text: String { "\(BusTime.padded(day))/\(BusTime.padded(month))/\(year)" }
}

/// Numbers with six decimals, as C's `%f` prints them: exact, ties to even, without a C library.
public enum FixedPoint {
    /// Six decimals; the sign is kept, also of zero. Nothing for what is not finite.
    public static func text(_ value: Float) -> String {
        guard value.isFinite else { return "" }
        let exponentBits = Int(value.bitPattern >> 23 & 0xFF)
        let fraction = UInt64(value.bitPattern & 0x7F_FFFF)
        // value = significand * 2^exponent, exactly.
        let significand = exponentBits == 0 ? fraction : fraction | 0x80_0000
        let exponent = max(exponentBits, 1) - 150
        let isNegative = value.sign == .minus
        if exponent >= 0 {
            return (isNegative ? "-" : "") + String(UInt128(significand) << UInt128(exponent)) + ".000000"
        }
        return text(millionths: rounded(significand * 1_000_000, shift: -exponent), isNegative: isNegative)
    }

    /// `number / 2^shift` to the nearest integer, ties to even. `number` is below 2^44.
    private static func rounded(_ number: UInt64, shift: Int) -> UInt64 {
        guard shift < 64 else { return 0 }
        let shift = UInt64(shift)
        let quotient = number >> shift
        let rest = number & (1 << shift &- 1)
        let half: UInt64 = 1 << (shift - 1)
        return rest > half || rest == half && quotient & 1 == 1 ? quotient + 1 : quotient
    }

    private static func text(millionths: UInt64, isNegative: Bool) -> String {
        // A sign, at most eight digits before the point (2^24), the point, six digits.
        String(unsafeUninitializedCapacity: 24) { buffer in
            var digits = InlineArray<24, UInt8>(repeating: 0x30)
            var count = 0
            var rest = millionths
            while rest > 0 || count < 7 {
                digits[count] = 0x30 + UInt8(rest % 10)
                rest /= 10
                count += 1
            }
            var length = 0
            if isNegative {
                buffer[0] = 0x2D
                length = 1
            }
            while count > 0 {
                if count == 6 {
                    buffer[length] = 0x2E
                    length += 1
                }
                count -= 1
                buffer[length] = digits[count]
                length += 1
            }
            return length
        }
    }
}
