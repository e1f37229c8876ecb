/// Reads a value out of several damaged answers to the same question.
///
/// At a bit error rate of 10^-2 seven answers in ten are damaged somewhere, and three whole ones seldom come before
/// the value moves on. But what an answer must look like is known except for value and check byte: its beginning is
/// found even if a bit or two of it are wrong, and the rest of each copy votes, bit by bit. A value counts when in
/// every bit at least three more copies say so than not, and the check byte holds.
///
/// Two bits that are wrong in such a way that the check byte holds need three wrong copies each at the same place, as
/// three whole answers that are wrong together do: about 60 patterns times the sixth power of the bit error rate.
/// Copies from before and after a change of the value don't mix: all bits in which the two differ are decided by the
/// same copies.
struct AnswerVotes: Sendable {
    /// By how many copies a bit must be decided.
    private static let margin = 3
    /// Copies kept.
    private static let maximumCopies = 8
    /// Copies older than this don't vote.
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
        /// An answer ended here, whole or not, and the copies don't decide.
        case copy
        /// The copies decide.
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
        // The newest alone first: of a value that moves the last is wanted.
        var first = count - Self.margin
        while first >= 0, copies[first].time >= now - Self.life {
            if let value = value(from: first) { return .value(value) }
            first -= 1
        }
        return .copy
    }

    /// What the copies from `first` on say; nil if a bit is not decided or the check byte does not hold.
    private func value(from first: Int) -> RawValue? {
        guard let register else { return nil }
        let total = count - first
        var sum = 7 &+ UInt8(truncatingIfNeeded: register.rawValue) &+ UInt8(register.rawValue >> 8)
        var value = RawValue()
        var high: UInt8 = 0
        for index in 0..<tail {
            var character: UInt8 = 0
            for bit in 0..<8 {
                let mask = UInt8(1) << UInt8(bit)
                var ones = 0
                for copy in first..<count where copies[copy].digits[index] & mask != 0 { ones += 1 }
                guard abs(2 * ones - total) >= Self.margin else { return nil }
                if 2 * ones > total { character |= mask }
            }
            let nibble = HexDigits.value[Int(character)]
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
