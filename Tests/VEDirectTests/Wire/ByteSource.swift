/// Bytes of three kinds by turns, for the tests and the fuzz package: any, those of which frames and blocks are made, and streams with damage.
struct ByteSource {
    private var random: SeededGenerator
    private var turn = 0
    private let size: Int
    /// Frames and blocks without damage, to be cut up.
    private let streams: [[UInt8]]
    private let words: [[UInt8]]

    /// Pieces of about `size` bytes.
    init(seed: UInt64, size: Int) {
        self.size = size
        var random = SeededGenerator(seed: seed)
        streams = (0..<64).map { _ in GeneratedStream.random(count: 60, using: &random).bytes }
        let texts = [
            ":", "\r\n", "\n", "\r", "\t", "PID\t", "\r\nPID\t0xA053", "Checksum\t", "\r\nChecksum\t", ":154\n",
            ":7BCED009A09000002\n", ":4AAAAFD", "V\t13260", "\r\nERR\t0", "0", "F", "9A", "a", "\u{00}",
        ]
        words = texts.map { Array($0.utf8) }
        self.random = random
    }

    /// The next piece.
    mutating func next() -> [UInt8] {
        turn += 1
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + 16_384)
        switch turn % 4 {
        case 0: while bytes.count < size { appendWord(to: &bytes) }
        case 1:
            while bytes.count < size {
                let eight = random.next()
                for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: eight >> (8 * UInt64(shift)))) }
            }
        default: while bytes.count < size { appendDamaged(to: &bytes) }
        }
        return bytes
    }

    mutating func pieceSize() -> Int { Int(random.next() & 63) + 1 }

    private mutating func appendWord(to bytes: inout [UInt8]) {
        bytes += words[Int(random.next() % UInt64(words.count))]
        if random.next() & 7 == 0 { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
    }

    /// A stream with some damage: flipped, lost, doubled, foreign and exchanged bytes, lost and repeated stretches.
    private mutating func appendDamaged(to bytes: inout [UInt8]) {
        let stream = streams[Int(random.next() % UInt64(streams.count))]
        // One damage in so many bytes: from clean to hopeless.
        let rarity = 8 << (random.next() % 10)
        var index = 0
        while index < stream.count {
            let draw = random.next()
            guard draw % UInt64(rarity) == 0 else {
                bytes.append(stream[index])
                index += 1
                continue
            }
            let length = Int(draw >> 40 & 31)
            let other = UInt8(truncatingIfNeeded: draw >> 48)
            switch draw >> 32 & 7 {
            case 0, 1: bytes.append(stream[index] ^ (1 << (other & 7)))
            case 2: break
            case 3: bytes += [stream[index], stream[index]]
            case 4: bytes.append(other)
            case 5: bytes += [[0x3A, 0x0D, 0x0A, 0x09][Int(other & 3)], stream[index]]
            case 6: index += length
            default: bytes += stream[max(0, index - length)...index]
            }
            index += 1
        }
    }
}
