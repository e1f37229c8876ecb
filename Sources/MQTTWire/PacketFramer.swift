/// Cuts a stream into packets by their fixed headers (section 2.1).
///
/// A length is examined before its bytes are waited for, so a false one costs no memory: what is kept is at most one
/// packet and the piece that was added last.
struct PacketFramer {
    /// One packet: its first byte, and all of its bytes with where the body begins.
    struct Frame {
        let type: PacketType
        let firstByte: UInt8
        let bytes: ArraySlice<UInt8>
        let body: ArraySlice<UInt8>
    }

    /// The most bytes of a packet.
    let limit: Int
    private var buffer: [UInt8] = []
    private var start = 0
    /// A buffer that grew beyond this for one packet is given back.
    private static let usualCapacity = 65_536

    init(limit: Int) { self.limit = limit }

    /// How many bytes wait.
    var count: Int { buffer.count - start }

    /// The first byte of the next packet.
    var firstByte: UInt8? { start < buffer.count ? buffer[start] : nil }

    mutating func append(_ bytes: some Sequence<UInt8>) {
        if start == buffer.count {
            if buffer.capacity > Self.usualCapacity { buffer = [] } else { buffer.removeAll(keepingCapacity: true) }
            start = 0
        } else if start >= Self.usualCapacity {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole packet; nil where it has not come yet.
    mutating func next() throws(MQTTViolation) -> Frame? {
        guard start < buffer.count else { return nil }
        let first = buffer[start]
        guard let type = PacketType(firstByte: first) else {
            throw MQTTViolation("a packet is of type 0, which is reserved")
        }
        if let flags = type.flags, first & 0x0F != flags {
            throw MQTTViolation("\(type) has the flags \((first & 0x0F).hexadecimal)")
        }
        guard let (length, bytes) = try remainingLength(type) else { return nil }
        let header = 1 + bytes
        guard header + length <= limit else {
            throw MQTTViolation("\(type) of \(header + length) bytes, more than the \(limit) that are accepted")
        }
        guard buffer.count - start >= header + length else { return nil }
        let end = start + header + length
        defer { start = end }
        return Frame(
            type: type, firstByte: first, bytes: buffer[start..<end], body: buffer[(start + header)..<end])
    }

    /// The remaining length and its own size; nil where it has not come whole.
    private func remainingLength(_ type: PacketType) throws(MQTTViolation) -> (Int, Int)? {
        var value = 0
        for index in 0..<4 {
            let position = start + 1 + index
            guard position < buffer.count else { return nil }
            value |= Int(buffer[position] & 0x7F) << (7 * index)
            guard buffer[position] & 0x80 == 0 else { continue }
            guard buffer[position] != 0 || index == 0 else {
                throw MQTTViolation("\(type) pads its length with a zero")
            }
            return (value, index + 1)
        }
        throw MQTTViolation("\(type) has more than four bytes for its length")
    }
}
