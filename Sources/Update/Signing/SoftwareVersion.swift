/// The version of a program: two to four numbers with dots between, such as `0.2.0`.
public struct SoftwareVersion: Sendable, Hashable, Comparable, LosslessStringConvertible {
    private let numbers: [Int]
    /// As it was written.
    public let description: String

    /// Reads a version; nil for anything else, leading zeros included, so that one version has one spelling.
    public init?(_ description: String) {
        guard description.utf8.count <= 40 else { return nil }
        var numbers: [Int] = []
        for part in description.split(separator: ".", omittingEmptySubsequences: false) {
            guard (1...9).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part == "0" || part.first != "0", let number = Int(part)
            else { return nil }
            numbers.append(number)
        }
        guard (2...4).contains(numbers.count) else { return nil }
        self.numbers = numbers
        self.description = description
    }

    /// Number by number; one that is not there counts as 0.
    public static func < (one: Self, other: Self) -> Bool {
        for index in 0..<4 {
            let (left, right) = (one.number(index), other.number(index))
            if left != right { return left < right }
        }
        return false
    }

    /// Equal if neither is newer: `1.0` is `1.0.0`.
    public static func == (one: Self, other: Self) -> Bool { !(one < other) && !(other < one) }

    /// The same for versions that are equal.
    public func hash(into hasher: inout Hasher) {
        for index in 0..<4 { hasher.combine(number(index)) }
    }

    private func number(_ index: Int) -> Int { index < numbers.count ? numbers[index] : 0 }
}
