/// Finds the word that was probably meant by a misspelt one.
public enum NearestWord {
    /// The candidate nearest to `word`, if one is near enough to be worth proposing; the first of equals.
    ///
    /// Case does not count, nor whether parts are joined by `-` or `_`. One slip in three letters is near enough,
    /// and so is a word cut short.
    public static func match(_ word: String, among candidates: [String]) -> String? {
        let wanted = folded(word)
        // Nobody misspells at such a length; the distance would only cost time.
        guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let spelling = folded(candidate)
            let limit = max(1, max(wanted.count, spelling.count) / 3)
            var distance = distance(wanted, spelling)
            // A word cut short, such as warn for warning.
            if distance > limit, wanted.count >= 3, spelling.starts(with: wanted) { distance = limit }
            guard distance <= limit, distance < max(wanted.count, spelling.count) else { continue }
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.word
    }

    private static func folded(_ word: String) -> [Character] {
        word.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 }
    }

    /// The number of letters to insert, drop, change or swap with their neighbour to make `one` of `other`.
    static func distance(_ one: [Character], _ other: [Character]) -> Int {
        if one.isEmpty || other.isEmpty { return max(one.count, other.count) }
        var beforeLast = [Int](repeating: 0, count: other.count + 1)
        var last = Array(0...other.count)
        for i in 1...one.count {
            var row = [i] + [Int](repeating: 0, count: other.count)
            for j in 1...other.count {
                let change = last[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1)
                row[j] = min(last[j] + 1, row[j - 1] + 1, change)
                let swapped = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1]
                if swapped { row[j] = min(row[j], beforeLast[j - 2] + 1) }
            }
            beforeLast = last
            last = row
        }
        return last[other.count]
    }
}
