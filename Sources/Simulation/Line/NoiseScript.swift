/// Noise that changes as time goes on.
public struct NoiseScript: Sendable, Hashable {
    /// From when on which noise.
    public struct Entry: Sendable, Hashable {
        /// From when on, since the line was made.
        public var time: Duration
        /// What the line does from then on, in place of what it did before.
        public var noise: Noise
    }

    /// In the order of their times; the first is at zero.
    public private(set) var entries: [Entry]
    /// After this time it begins again; nil for never.
    public private(set) var period: Duration?

    /// The same noise for ever.
    public init(_ noise: Noise) { entries = [Entry(time: .zero, noise: noise)] }

    /// A script from a text of lines `at TIME NOISE`, such as `at 30s ber=1e-2`, in the order of time. Before the first
    /// the line is clean. `repeat TIME` begins again after that time; `#` begins a comment.
    ///
    /// - Throws: ``NoiseScriptError`` with the number of the line and what would be right.
    public init(script text: String) throws(NoiseScriptError) {
        entries = [Entry(time: .zero, noise: Noise())]
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            let words = line.prefix { $0 != "#" }.split { $0.isWhitespace }
            guard let verb = words.first else { continue }
            func wrong(_ words: String) -> NoiseScriptError { NoiseScriptError(line: number, words: words) }
            guard verb == "at" || verb == "repeat" else {
                throw wrong("'\(verb)' is not understood; right would be: at 30s ber=1e-2, or: repeat 2m")
            }
            guard words.count == (verb == "at" ? 3 : 2) else {
                throw wrong(
                    verb == "at"
                        ? "at needs a time and a noise without blanks, such as: at 30s ber=1e-2,echo"
                        : "repeat needs a time, such as: repeat 2m")
            }
            guard let time = words[1] == "0s" ? .zero : Noise.time(words[1]) else {
                throw wrong("'\(words[1])' is no time; right would be such as 500ms, 30s or 2m, at most an hour")
            }
            guard period == nil else { throw wrong("nothing can follow repeat") }
            guard time >= (entries.last?.time ?? .zero) else {
                throw wrong("'\(words[1])' lies before the line above it")
            }
            if verb == "repeat" {
                guard time > .zero else { throw wrong("repeat needs a time over zero") }
                period = time
                continue
            }
            do throws(NoiseSpecificationError) {
                let noise = try Noise(String(words[2]))
                entries.removeAll { $0.time == time }
                entries.append(Entry(time: time, noise: noise))
            } catch {
                throw wrong(error.description)
            }
        }
    }

    /// Which entry holds at a time, and when the next one will; nil where that is never.
    func entry(at now: Duration) -> (number: Int, noise: Noise, until: Duration?) {
        var start: Duration = .zero
        var round = 0
        if let period {
            round = Int((now / period).rounded(.down))
            start = period * round
        }
        let index = entries.lastIndex { start + $0.time <= now } ?? 0
        let next = index + 1 < entries.count ? start + entries[index + 1].time : period.map { start + $0 }
        let end = period.map { start + $0 }
        return (round * entries.count + index, entries[index].noise, next.map { min($0, end ?? $0) })
    }
}

/// A text that is no script of noise.
public struct NoiseScriptError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The number of the line, from 1.
    public let line: Int
    /// What is wrong there, and what would be right.
    public let words: String

    /// In words.
    public var description: String { "line \(line): \(words)" }
}
