/// The texts of one device, put together from pieces of four characters.
///
/// Pieces come in order, may be repeated, and may begin in the middle when listening begins there. Texts that are
/// longer than ``maximumLength`` are given up; no more than `limit` texts are kept.
struct StringTable: Sendable {
    /// The longest text kept, in characters. Names have 16 at most; the longest observed was 16.
    static let maximumLength = 64

    private struct Entry: Sendable {
        var bytes: [UInt8] = []
        var text: String?
        var partial: [UInt8] = []
        /// The piece that must come next; nil until piece 0 comes.
        var next: UInt8?
    }

    private var entries: [UInt16: Entry] = [:]
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.count }

    /// The finished text; nil until it was heard from its first piece to its last.
    func text(of id: UInt16) -> String? { entries[id]?.text }

    /// The piece to ask for next: 0 for a text that nothing is known of.
    func nextPiece(of id: UInt16) -> UInt8 { entries[id]?.next ?? 0 }

    /// Takes a piece; gives the text when this piece finishes it, also when it was known before.
    mutating func take(_ chunk: StringChunk) -> String? {
        if let index = entries.index(forKey: chunk.id) { return Self.take(chunk, into: &entries.values[index]) }
        guard entries.count < limit else { return nil }
        var entry = Entry()
        let text = Self.take(chunk, into: &entry)
        entries[chunk.id] = entry
        return text
    }

    /// Every finished text.
    var finished: [UInt16: String] { entries.compactMapValues(\.text) }

    /// Takes over a text that was heard before; one that was heard since stays.
    mutating func adopt(_ id: UInt16, _ text: String) {
        guard entries[id]?.text == nil, entries[id] != nil || entries.count < limit else { return }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard scalar.value <= 0xFF, bytes.count < Self.maximumLength else { return }
            bytes.append(UInt8(scalar.value))
        }
        entries[id, default: Entry()].bytes = bytes
        entries[id]?.text = text
    }

    /// Forgets a text that somebody is changing.
    mutating func forget(_ id: UInt16) { entries[id] = nil }

    private static func take(_ chunk: StringChunk, into entry: inout Entry) -> String? {
        if chunk.sequence == 0 {
            entry.partial.removeAll(keepingCapacity: true)
        } else if let next = entry.next, chunk.sequence == next {
            // In order.
        } else if let next = entry.next, next > 0, chunk.sequence == next - 1, repeats(chunk, entry.partial) {
            return nil
        } else {
            entry.next = nil
            return nil
        }
        guard entry.partial.count + chunk.count <= maximumLength else {
            entry.next = nil
            return nil
        }
        for index in 0..<chunk.count { entry.partial.append(chunk[index]) }
        guard chunk.isLast else {
            // Cannot overflow: 16 pieces fill the longest text.
            entry.next = chunk.sequence + 1
            return nil
        }
        entry.next = nil
        if let text = entry.text, entry.bytes == entry.partial { return text }
        let text = latin1(entry.partial)
        entry.bytes = entry.partial
        entry.text = text
        return text
    }

    /// Whether the piece is the one that came last (a repeated answer).
    private static func repeats(_ chunk: StringChunk, _ partial: [UInt8]) -> Bool {
        guard chunk.count == 4, partial.count >= 4 else { return false }
        return (0..<4).allSatisfy { partial[partial.count - 4 + $0] == chunk[$0] }
    }

    /// Texts are Latin-1: every byte is the scalar of its number.
    private static func latin1(_ bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(Unicode.Scalar(byte)) }
        return String(text)
    }
}
