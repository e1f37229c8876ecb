import Glibc

/// The contents of a zone file: the second part of a TZif file (RFC 8536), version 2 or later.
///
/// Every count, index, time and offset is checked: a file that breaks the format in any way is refused as a whole.
struct ZoneFile {
    /// Seconds since 1970, rising.
    let transitions: [Int64]
    /// Seconds east of UTC; one more than transitions, the first for the time before all of them.
    let offsets: [Int]
    /// For the time after the last transition; nil: its offset stays.
    let rule: YearlyRule?

    /// The offsets that RFC 8536 allows, seconds east of UTC.
    static let offsets = -89_999...93_599
    /// The largest file that is read. Those of the system have at most some kilobytes.
    static let maximumSize = 1 << 18

    private struct Counts {
        static let size = 44
        /// UT/local marks, standard/wall marks, leap seconds, transitions, types, characters, in the order of the file.
        var numbers: [Int]

        /// Nil where there is no header, or one with counts that no file of ``ZoneFile/maximumSize`` has.
        init?(_ bytes: ArraySlice<UInt8>) {
            guard bytes.count >= Self.size, bytes.starts(with: "TZif".utf8) else { return nil }
            numbers = (0..<6).map { Int(ZoneFile.number(bytes.dropFirst(20 + 4 * $0).prefix(4))) }
            guard numbers.allSatisfy({ (0...ZoneFile.maximumSize).contains($0) }) else { return nil }
        }

        var transitions: Int { numbers[3] }
        var types: Int { numbers[4] }
        /// Bytes of the part after the header.
        func bodySize(time: Int) -> Int {
            transitions * (time + 1) + types * 6 + numbers[5] + numbers[2] * (time + 4) + numbers[1] + numbers[0]
        }
    }

    /// Reads a file's contents; nil if they are damaged.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.maximumSize, let old = Counts(bytes[...]), bytes[4] >= UInt8(ascii: "2") else {
            return nil
        }
        let rest = bytes.dropFirst(Counts.size + old.bodySize(time: 4))
        guard let counts = Counts(rest), (1...256).contains(counts.types) else { return nil }
        let body = rest.dropFirst(Counts.size)
        guard body.count >= counts.bodySize(time: 8) else { return nil }
        let indices = body.dropFirst(counts.transitions * 8).prefix(counts.transitions)
        let types = body.dropFirst(counts.transitions * 9).prefix(counts.types * 6)
        let typeOffsets = (0..<counts.types).map { Int(Self.number(types.dropFirst(6 * $0).prefix(4))) }
        guard typeOffsets.allSatisfy({ Self.offsets.contains($0) }) else { return nil }
        var transitions: [Int64] = []
        var offsets = [typeOffsets[0]]
        for (place, index) in indices.enumerated() {
            let time = Self.number(body.dropFirst(8 * place).prefix(8))
            guard Int(index) < typeOffsets.count, transitions.last.map({ $0 < time }) ?? true else { return nil }
            transitions.append(time)
            offsets.append(typeOffsets[Int(index)])
        }
        // A line feed, the rule or nothing, a line feed.
        let footer = body.dropFirst(counts.bodySize(time: 8))
        guard footer.first == 0x0A, let end = footer.dropFirst().firstIndex(of: 0x0A) else { return nil }
        let text = String(decoding: footer[(footer.startIndex + 1)..<end], as: UTF8.self)
        let rule = YearlyRule(text)
        guard rule != nil || text.isEmpty else { return nil }
        self.transitions = transitions
        self.offsets = offsets
        self.rule = rule
    }

    /// A big-endian number with a sign.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        var value: Int64 = bytes.first ?? 0 >= 0x80 ? -1 : 0
        for byte in bytes { value = value << 8 | Int64(byte) }
        return value
    }

    /// The contents of a file; nil for what is not a regular file, cannot be read, is empty or too large.
    static func read(_ path: String) -> [UInt8]? {
        // Not blocking: a FIFO would never answer.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8192)
        while bytes.count <= maximumSize {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 && !bytes.isEmpty ? bytes : nil }
            bytes += chunk[..<count]
        }
        return nil
    }
}
