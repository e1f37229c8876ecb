/// Counts answers whose beginning or end is damaged.
///
/// At a bit error rate of 10^-2 seven answers in ten are damaged somewhere, and three whole ones seldom come before
/// the value moves on. But what an answer must look like is known except for value and check byte: its beginning is
/// found even if a bit or two of it are wrong, and the line feed is not needed. So six in ten still tell their value.
/// Two ways lead to a value, and for both the check byte must hold for the beginning that was expected:
///
/// - Three copies say the same, value and check byte: as much as three whole answers that agree.
/// - Two say the same, and with the copies of a quarter of a second every bit is decided by three at least. Two bits
///   that are wrong together need three copies each that are wrong there.
///
/// A vote bit by bit over a longer time is no evidence: of copies of three values it makes a fourth that nobody sent
/// (seen in simulation). In a quarter of a second a register changes once at most, and of copies of two values each
/// bit in which they differ is decided by the same copies.
struct AnswerVotes: Sendable {
    /// Copies that must say the same.
    private static let copiesNeeded = 3
    /// The same where the others are counted bit by bit.
    private static let copiesWithVote = 2
    /// By how many copies each bit must be decided then, and in what time.
    private static let margin = 3
    private static let voteLife: Duration = .milliseconds(250)
    /// Copies kept.
    private static let maximumCopies = 8
    /// Copies older than this don't count.
    private static let life: Duration = .milliseconds(1500)
    /// Bits of the beginning that may be wrong.
    private static let tolerance = 3
    /// Colon, digit, register, flags.
    private static let prefixSize = 8
    /// Digits of four bytes and of the check byte.
    private static let maximumTail = 10

    private struct Copy {
        var digits = InlineArray<10, UInt8>(repeating: 0)
        var time: Duration = .zero
    }

    /// What is asked now; nil for nothing to look for.
    private(set) var register: RegisterID?
    private var tail = 0
    private var prefix = InlineArray<8, UInt8>(repeating: 0)
    private var recent = InlineArray<32, UInt8>(repeating: 0)
    private var received = 0
    private var copies = InlineArray<8, Copy>(repeating: Copy())
    private var count = 0

    /// From now on answers about this register are looked for, with values of so many bytes (1 to 4).
    mutating func expect(_ register: RegisterID?, size: Int) {
        guard let register, (1...4).contains(size) else {
            self.register = nil
            return
        }
        let tail = 2 * size + 2
        if register == self.register, tail == self.tail { return }
        self.register = register
        self.tail = tail
        count = 0
        received = 0
        // An answer begins as its question does.
        let question = Request.get(register).bytes
        for index in prefix.indices { prefix[index] = question[index] }
    }

    /// What comes of a byte.
    enum Outcome {
        /// Nothing.
        case none
        /// An answer ended here, whole or not, and too few agree.
        case copy
        /// Enough copies agree.
        case value(RawValue)
    }

    /// Takes a byte that arrived at `now`.
    mutating func take(_ byte: UInt8, at now: Duration) -> Outcome {
        guard register != nil else { return .none }
        recent[received & 31] = byte
        received += 1
        let start = received - tail - Self.prefixSize
        guard start >= 0 else { return .none }
        var wrong = 0
        for index in 0..<Self.prefixSize {
            wrong += (recent[(start + index) & 31] ^ prefix[index]).nonzeroBitCount
            if wrong > Self.tolerance { return .none }
        }
        if count == Self.maximumCopies {
            for index in 1..<count { copies[index - 1] = copies[index] }
            count -= 1
        }
        copies[count].time = now
        for index in 0..<tail { copies[count].digits[index] = recent[(start + Self.prefixSize + index) & 31] }
        count += 1
        var best = 0
        var choice = copies[count - 1]
        for index in 0..<count where copies[index].time >= now - Self.voteLife || index == count - 1 {
            var agreeing = 0
            for other in 0..<count where copies[other].time >= now - Self.life {
                if isSame(copies[other], copies[index]) { agreeing += 1 }
            }
            if agreeing >= best { (best, choice) = (agreeing, copies[index]) }
        }
        guard best >= Self.copiesWithVote, let value = value(of: choice) else { return .copy }
        return best >= Self.copiesNeeded || isDecided(choice, at: now) ? .value(value) : .copy
    }

    /// Whether the copies of the last moment, bit by bit, say what this one says.
    private func isDecided(_ choice: Copy, at now: Duration) -> Bool {
        for index in 0..<tail {
            for bit in 0..<8 {
                let mask = UInt8(1) << UInt8(bit)
                var lead = 0
                for other in 0..<count where copies[other].time >= now - Self.voteLife {
                    lead += (copies[other].digits[index] ^ choice.digits[index]) & mask == 0 ? 1 : -1
                }
                if lead < Self.margin { return false }
            }
        }
        return true
    }

    private func isSame(_ left: Copy, _ right: Copy) -> Bool {
        for index in 0..<tail where left.digits[index] != right.digits[index] { return false }
        return true
    }

    /// What a copy says; nil if the check byte does not hold.
    private func value(of copy: Copy) -> RawValue? {
        guard let register else { return nil }
        var sum = 7 &+ UInt8(truncatingIfNeeded: register.rawValue) &+ UInt8(register.rawValue >> 8)
        var value = RawValue()
        var high: UInt8 = 0
        for index in 0..<tail {
            let nibble = HexDigits.value[Int(copy.digits[index])]
            guard nibble < 16 else { return nil }
            if index & 1 == 0 {
                high = nibble
            } else {
                let byte = high << 4 | nibble
                sum &+= byte
                if index < tail - 1 { value.append(byte) }
            }
        }
        return sum == 0x55 ? value : nil
    }
}
