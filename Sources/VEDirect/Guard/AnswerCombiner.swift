/// Reads one register's answer from several damaged copies of it.
///
/// Where one bit in a hundred is wrong, hardly any frame is whole, but each copy has most digits right. Copies of the
/// answer to one request, asked again and again, are laid over each other: every digit is voted on, the check byte of
/// the result has to hold, and the votes have to be as good as so many whole frames that agree. A wrong value takes
/// two wrong digits, for the sum has to hold; so what counts are the two digits with the fewest votes.
///
/// Of fixed size; it works on the bytes beside the decoder, which knows whole frames only.
struct AnswerCombiner: Sendable {
    /// Nibble, register, flags, a value of four bytes and the check byte.
    private static let maximumDigits = 17
    /// Copies kept.
    private static let maximumCopies = 12
    /// Copies are of one value only if it has not changed meanwhile: older ones are dropped.
    private static let lifetime: Duration = .milliseconds(500)
    private static let unknown: UInt8 = 0xFF

    private struct Copy {
        var digits: InlineArray<17, UInt8>
        var count: Int
        var time: Duration
    }

    private var copies: [Copy] = []
    private var register: RegisterID?
    // What stands since the last colon, as it came.
    private var current = InlineArray<17, UInt8>(repeating: 0)
    private var count = 0
    private var isInside = false
    /// Copies of the answer that are complete and not looked at yet.
    private(set) var hasNews = false

    /// From now on this register's answers are meant.
    mutating func begin(_ register: RegisterID?) {
        guard register != self.register else { return }
        self.register = register
        copies.removeAll(keepingCapacity: true)
        hasNews = false
    }

    /// The answer is known: what comes later is another.
    mutating func clear() {
        copies.removeAll(keepingCapacity: true)
        hasNews = false
    }

    /// Takes the bytes of the line.
    mutating func receive(_ bytes: Span<UInt8>, at now: Duration) {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == 0x3A {
                isInside = true
                count = 0
            } else if isInside {
                if byte == 0x0A {
                    isInside = false
                    finish(at: now)
                } else if count < Self.maximumDigits {
                    let value = HexDigits.value(of: byte)
                    current[count] = value < 16 ? value : HexDigits.repaired[Int(byte)]
                    count += 1
                } else {
                    isInside = false
                }
            }
        }
    }

    /// A line has ended: is it a copy of the answer?
    private mutating func finish(at now: Duration) {
        guard let register, count == 11 || count == 13 || count == 17, current[0] == 7 else { return }
        let number = register.rawValue
        let head: InlineArray<6, UInt8> = [
            UInt8(number >> 4 & 15), UInt8(number & 15), UInt8(number >> 12), UInt8(number >> 8 & 15), 0, 0,
        ]
        var unreadable = 0
        for index in head.indices where current[index + 1] != head[index] {
            guard current[index + 1] == Self.unknown else { return }
            unreadable += 1
        }
        guard unreadable <= 1 else { return }
        copies.removeAll { now - $0.time > Self.lifetime }
        if copies.count == Self.maximumCopies { copies.removeFirst() }
        copies.append(Copy(digits: current, count: count, time: now))
        hasNews = true
    }

    /// The value that the copies agree on as well as `claims` whole frames would; nil if none.
    mutating func value(claims: Int) -> RawValue? {
        guard hasNews else { return nil }
        hasNews = false
        guard let newest = copies.last, copies.count >= claims else { return nil }
        // The newest alone, with the one before, …: where the value changed, the older ones are of the former one.
        var votes = InlineArray<10, InlineArray<16, UInt8>>(repeating: InlineArray(repeating: 0))
        let digits = newest.count - 7
        var used = 0
        for copy in copies.reversed() {
            guard copy.count == newest.count else { break }
            for place in 0..<digits where copy.digits[place + 7] < 16 { votes[place][Int(copy.digits[place + 7])] += 1 }
            used += 1
            guard used >= claims else { continue }
            if let value = agreed(votes, digits: digits, claims: claims, among: used) {
                copies.removeAll(keepingCapacity: true)
                return value
            }
        }
        return nil
    }

    private func agreed(
        _ votes: InlineArray<10, InlineArray<16, UInt8>>, digits: Int, claims: Int, among used: Int
    ) -> RawValue? {
        guard let register else { return nil }
        var read = InlineArray<10, UInt8>(repeating: 0)
        var least = Int.max
        var secondLeast = Int.max
        for place in 0..<digits {
            var best = 0
            var total = 0
            for digit in 0..<16 {
                total += Int(votes[place][digit])
                if votes[place][digit] > votes[place][best] { best = digit }
            }
            read[place] = UInt8(best)
            // Votes for it less all others.
            let margin = 2 * Int(votes[place][best]) - total
            if margin < least {
                secondLeast = least
                least = margin
            } else if margin < secondLeast {
                secondLeast = margin
            }
        }
        guard least > 0, least + secondLeast >= 2 * claims else { return nil }
        var sum: UInt8 = 7 &+ UInt8(register.rawValue & 0xFF) &+ UInt8(register.rawValue >> 8)
        var value = RawValue()
        for place in stride(from: 0, to: digits, by: 2) {
            let byte = read[place] << 4 | read[place + 1]
            sum &+= byte
            if place + 2 < digits { value.append(byte) }
        }
        guard sum == 0x55 else { return nil }
        // Of a value that moves with every answer three copies can make a fourth, check byte included: two of them
        // have to say it themselves.
        let whole = copies.suffix(used).count { copy in
            (0..<digits).allSatisfy { copy.digits[$0 + 7] == read[$0] }
        }
        return whole >= 2 ? value : nil
    }
}
