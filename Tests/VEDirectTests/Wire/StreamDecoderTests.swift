import Testing
import VEDirect

extension Decoded {
    init(_ element: GeneratedStream.Element) {
        switch element {
        case .hex(let nibble, let payload): self = .hex(nibble: nibble, payload: payload)
        case .text(let fields): self = .text(fields)
        }
    }

    static func all(in text: String) -> [Decoded] { all(in: Array(text.utf8)) }
}

@Suite("Undamaged streams")
struct UndamagedStreamTests {
    @Test("docs/vedirect.md 5: frames and blocks in any order and any pieces are all found", arguments: 0..<12)
    func everythingIsFound(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<6 {
            let stream = GeneratedStream.random(count: 24, using: &random)
            let expected = stream.elements.map { Decoded($0) }
            #expect(Decoded.all(in: stream.bytes) == expected)
            #expect(Decoded.all(in: stream.bytes) { 1 } == expected)
            let most = Int.random(in: 2...90, using: &random)
            #expect(Decoded.all(in: stream.bytes) { Int.random(in: 1...most, using: &random) } == expected)
        }
    }

    @Test("docs/vedirect.md 5: a frame at any place of a block, before its checksum byte too, does not spoil it")
    func frameAnywhereInABlock() {
        let block = GeneratedStream.block(["PID=0xA053", "FW=163", "V=13260", "LOAD=ON"])
        let frame = GeneratedStream.frame(nibble: 0xA, payload: [0xBB, 0xED, 0x00, 0xE3, 0x29])
        let expected = [
            Decoded.hex(nibble: 0xA, payload: [0xBB, 0xED, 0x00, 0xE3, 0x29]),
            .text(["PID=0xA053", "FW=163", "V=13260", "LOAD=ON"]),
        ]
        #expect(block.last != 0x3A)
        for place in 0..<block.count {
            #expect(Decoded.all(in: block[..<place] + frame + block[place...]) == expected, "cut at \(place)")
            // Two in a row, as when a device answers and reports a change.
            #expect(Decoded.all(in: block[..<place] + frame + frame + block[place...]) == [expected[0]] + expected)
        }
    }

    @Test("docs/vedirect.md 4: the checksum byte may be any byte", arguments: UInt8.min...UInt8.max)
    func everyCheckByte(byte: UInt8) throws {
        // A field whose sum makes the checksum the byte that is wanted.
        let stub = GeneratedStream.block(["PID=0xA053", "V="])
        let missing = Int(try #require(stub.last) &- byte)
        let value = missing < 128 ? missing + 256 : missing
        let letters = Self.letters(summingTo: value)
        let fields = ["PID=0xA053", "V=" + letters]
        let block = GeneratedStream.block(fields)
        #expect(block.last == byte)
        let frame = GeneratedStream.frame(nibble: 0x7, payload: [0x01, 0x02, 0x00, 0x03])
        let expected = [
            Decoded.text(fields), .hex(nibble: 0x7, payload: [0x01, 0x02, 0x00, 0x03]), .text(fields), .text(fields),
        ]
        #expect(Decoded.all(in: block + frame + block + block) == expected)
        #expect(Decoded.all(in: block + frame + block + block) { 1 } == expected)
    }

    /// Letters of at least 0x40 whose codes add up to `total`, which is at least 128.
    private static func letters(summingTo total: Int) -> String {
        let count = max(2, (total + 0x6F) / 0x70)
        var text = ""
        for index in 0..<count {
            text.unicodeScalars.append(Unicode.Scalar(UInt8(total / count + (index < total % count ? 1 : 0))))
        }
        return text
    }

    @Test("docs/vedirect.md 2: frames of no data and of the most data are found, lines may end with CR LF")
    func sizes() {
        for size in 0...HexFrame.maximumPayload {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 37) }
            for end: [UInt8] in [[0x0A], [0x0D, 0x0A]] {
                let frame = GeneratedStream.frame(nibble: 0xA, payload: payload, end: end)
                #expect(
                    Decoded.all(in: frame + frame)
                        == [Decoded](repeating: .hex(nibble: 0xA, payload: payload), count: 2))
            }
        }
    }

    @Test("docs/vedirect.md 4: a set of values in two blocks is two blocks")
    func twoBlocks() {
        let first = ["PID=0xA06C", "FWE=316FF", "V=26710"]
        let second = ["ERR=0", "LOAD=ON", "HSDS=5"]
        let bytes = GeneratedStream.block(first) + GeneratedStream.block(second)
        #expect(Decoded.all(in: bytes) == [.text(first), .text(second)])
    }

    @Test("After a reset the decoder is as new")
    func reset() {
        let block = GeneratedStream.block(["PID=0xA053", "V=13260"])
        for place in 0..<block.count {
            var decoder = StreamDecoder()
            var found: [Decoded] = []
            decoder.decode(Array(block[..<place])) { found.append(Decoded($0)) }
            decoder.reset()
            decoder.decode(block) { found.append(Decoded($0)) }
            #expect(found == [.text(["PID=0xA053", "V=13260"])])
        }
    }

    @Test("The end of a stream reports a frame that was under way, and no block")
    func finish() {
        var decoder = StreamDecoder()
        decoder.decode(Array(":7BBED".utf8)) { _ in Issue.record("nothing is complete") }
        #expect(decoder.isInsideFrame)
        var found: [Decoded] = []
        decoder.finish { found.append(Decoded($0)) }
        #expect(found == [.rejected(.hex, .truncated)])
        #expect(!decoder.isInsideFrame)
        #expect(Decoded.all(in: "\r\nPID\t0xA053\r\nV\t13") == [])
    }
}

@Suite("Damaged streams")
struct DamagedStreamTests {
    /// Everything that can happen to one byte.
    private static func damages(of bytes: [UInt8], at place: Int) -> [[UInt8]] {
        let before = bytes[..<place]
        let after = bytes[(place + 1)...]
        let byte = bytes[place]
        var replacements = Set((0..<8).map { byte ^ (1 << $0) })
        for other: UInt8 in [0x3A, 0x0D, 0x0A, 0x09, 0xFE, 0x00, 0x41] where other != byte {
            replacements.insert(other)
        }
        var damaged = replacements.sorted().map { Array(before + [$0] + after) }
        damaged.append(Array(before + after))
        damaged.append(Array(before + [byte, byte] + after))
        damaged.append(Array(before + [0x3A, byte] + after))
        return damaged
    }

    private static let frame: (nibble: UInt8, payload: [UInt8]) = (0x7, [0xBC, 0xED, 0x00, 0x9A, 0x09, 0x00, 0x00])
    private static let history: (nibble: UInt8, payload: [UInt8]) = (
        0xA, [0x50, 0x10, 0x00, 0x00] + (0..<33).map { UInt8($0 * 7) }
    )
    private static let product = ["PID=0xA053", "FW=163", "SER#=HQ2144VVVT4", "V=25900", "I=-1830", "LOAD=ON", "H20=3"]
    private static let second = ["ERR=0", "LOAD=ON", "Relay=OFF", "H19=1652", "HSDS=17"]

    enum Shape: String, CaseIterable, Sendable { case frame, history, product, second }

    private static func bytes(_ shape: Shape) -> [UInt8] {
        switch shape {
        case .frame: GeneratedStream.frame(nibble: frame.nibble, payload: frame.payload)
        case .history: GeneratedStream.frame(nibble: history.nibble, payload: history.payload)
        case .product: GeneratedStream.block(product)
        case .second: GeneratedStream.block(second)
        }
    }

    private static func decoded(_ shape: Shape) -> Decoded {
        switch shape {
        case .frame: .hex(nibble: frame.nibble, payload: frame.payload)
        case .history: .hex(nibble: history.nibble, payload: history.payload)
        case .product: .text(product)
        case .second: .text(second)
        }
    }

    @Test(
        "docs/vedirect.md 2, 4, 5: whatever happens to one byte, what comes before and behind is found",
        arguments: Shape.allCases, Shape.allCases)
    func nextIsFound(damaged: Shape, next: Shape) {
        // Where the end of a block is no longer there, only PID tells that another has begun.
        let isHidden = next == .second && (damaged == .product || damaged == .second)
        let before = Self.bytes(.frame) + Self.bytes(.product)
        let behind = Self.bytes(next) + (isHidden ? Self.bytes(.product) : [])
        let original = Self.bytes(damaged)
        let wanted = (isHidden ? [] : [Self.decoded(next)]) + (isHidden ? [Self.decoded(.product)] : [])
        for place in original.indices {
            for bytes in Self.damages(of: original, at: place) {
                // Where the last byte is lost and the next one is its equal, the stream is one in which the next
                // one was lost.
                if bytes + behind == original + behind.dropFirst() { continue }
                let found = Decoded.all(in: before + bytes + behind)
                #expect(found.starts(with: [Self.decoded(.frame), Self.decoded(.product)]))
                #expect(found.suffix(wanted.count).elementsEqual(wanted), "byte \(place): \(bytes) gave \(found)")
            }
        }
    }

    @Test("docs/vedirect.md 4, 5: no single wrong bit makes a value that was not sent", arguments: Shape.allCases)
    func noWrongValue(shape: Shape) {
        let original = Self.bytes(shape)
        let frame = Self.bytes(.frame)
        for place in original.indices {
            for bit in 0..<8 {
                var bytes = original
                bytes[place] ^= 1 << UInt8(bit)
                for found in Decoded.all(in: frame + bytes + frame) {
                    switch found {
                    case .hex: #expect(found == Self.decoded(.frame), "byte \(place), bit \(bit)")
                    case .text(let fields):
                        Issue.record("byte \(place), bit \(bit): a block with \(fields)")
                    case .rejected: break
                    }
                }
            }
        }
    }

    @Test("docs/vedirect.md 5: a colon for a digit of a number whose characters add up to 256 does not pass")
    func hiddenDigits() {
        // '2' is one bit from ':'; the digits behind it are a frame's for a decoder, and "25900" sums to 256.
        let fields = ["PID=0xA053", "V=25900", "I=0"]
        let block = GeneratedStream.block(fields)
        let place = block.firstIndex(of: 0x32)
        #expect(place != nil)
        var bytes = block
        if let place { bytes[place] = 0x3A }
        #expect(
            Decoded.all(in: bytes + block) == [.rejected(.hex, .malformed), .rejected(.text, .checksum), .text(fields)])
    }

    @Test("docs/vedirect.md 4: a lost checksum byte costs one block, whatever follows")
    func lostCheckByte() {
        let block = Array(Self.bytes(.product).dropLast())
        let failed = Decoded.rejected(.text, .checksum)
        #expect(Decoded.all(in: block + Self.bytes(.product)) == [failed, Self.decoded(.product)])
        #expect(Decoded.all(in: block + Self.bytes(.second)) == [failed, Self.decoded(.second)])
        // The carriage return behind the frame is tried as the checksum byte, and given back.
        let found = Decoded.all(in: block + Self.bytes(.frame) + Self.bytes(.second))
        #expect(found == [Self.decoded(.frame), failed, Self.decoded(.second)])
    }

    @Test("docs/vedirect.md 4: a block that stops and starts again is dropped in silence, as inverters do it")
    func startsOver() {
        let block = GeneratedStream.block(Self.product)
        let answer = GeneratedStream.frame(nibble: 0x1, payload: [0xE2, 0xA2])
        for place in 3..<(block.count - 12) {
            let found = Decoded.all(in: block[..<place] + answer + block)
            #expect(
                found == [.hex(nibble: 0x1, payload: [0xE2, 0xA2]), Self.decoded(.product)], "stopped at \(place)")
        }
    }

    @Test("docs/vedirect.md 2: a frame with a damaged or lost line feed is refused, and the next is found")
    func lineFeeds() {
        let text = ":A0002000148"
        for end: [UInt8] in [[0xFE], [0x8A], [0x0B], [0x2A], [0x4A], []] {
            let found = Decoded.all(in: Array(text.utf8) + end + Array(":A0102000345\n".utf8))
            let reason: StreamDecoder.Rejection.Reason = end.isEmpty ? .truncated : .malformed
            #expect(found.last == .rejected(.hex, .checksum) || found.last?.isRejection == false)
            #expect(found.first == .rejected(.hex, reason))
        }
        // Lost before a block: the line that the block begins with ends the frame as well.
        let found = Decoded.all(in: Array(Self.bytes(.frame).dropLast()) + Self.bytes(.second))
        #expect(found == [Self.decoded(.frame), Self.decoded(.second)])
    }

    @Test("docs/vedirect.md 2: what is no frame is refused for its reason")
    func refusals() {
        #expect(Decoded.all(in: ":452\n") == [.rejected(.hex, .checksum)])
        #expect(Decoded.all(in: ":4aaaafd\n") == [.rejected(.hex, .malformed)])
        #expect(Decoded.all(in: ":4AAAAFd\n") == [.rejected(.hex, .malformed)])
        #expect(Decoded.all(in: ":\n") == [.rejected(.hex, .malformed)])
        #expect(Decoded.all(in: ":5\n") == [.rejected(.hex, .malformed)])
        #expect(Decoded.all(in: ":15\n") == [.rejected(.hex, .malformed)])
        #expect(Decoded.all(in: ":1541\n") == [.rejected(.hex, .malformed)])
        #expect(Decoded.all(in: ":70701:154\n") == [.rejected(.hex, .truncated), .hex(nibble: 1, payload: [])])
        #expect(Decoded.all(in: "Checksum 0:4AAAAFD\n") == [.hex(nibble: 4, payload: [0xAA, 0xAA])])
        let long = ":7" + String(repeating: "00", count: 127) + "4E\n"
        #expect(Decoded.all(in: long + ":154\n") == [.rejected(.hex, .oversize), .hex(nibble: 1, payload: [])])
    }

    @Test("docs/vedirect.md 4: a block that is too long is refused once, and the next is found")
    func longBlock() {
        let fields = (0..<120).map { "F\($0)=0123456789" }
        let found = Decoded.all(in: GeneratedStream.block(fields) + Self.bytes(.second))
        #expect(found == [.rejected(.text, .oversize), Self.decoded(.second)])
    }

    @Test(
        "Floods of one byte, of lines and of fields do not stop what comes behind",
        arguments: [
            ":", "0", "A", "\r", "\n", "\t", "\r\n", "V\t1\r\n", "\r\nV\t1", "\r\nPID\t", "Checksum\t",
            "\r\nChecksum\t:", ":7",
        ])
    func floods(_ piece: String) {
        var bytes: [UInt8] = []
        while bytes.count < 20_000 { bytes += Array(piece.utf8) }
        var decoder = StreamDecoder()
        var events = 0
        decoder.decode(bytes) { _ in events += 1 }
        #expect(events <= bytes.count)
        // Two, for the end of the flood may have taken the first one's beginning.
        var found: [Decoded] = []
        decoder.decode(Self.bytes(.frame) + Self.bytes(.frame) + Self.bytes(.product) + Self.bytes(.product)) {
            found.append(Decoded($0))
        }
        #expect(found.contains(Self.decoded(.frame)))
        #expect(found.last == Self.decoded(.product))
    }

    @Test("Random damage all over a stream: what is found was sent, or is a chance in 256", arguments: 0..<8)
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed: 1000 + seed)
        let stream = GeneratedStream.random(count: 120, using: &random)
        var bytes: [UInt8] = []
        var damages = 0
        for byte in stream.bytes {
            switch Int.random(in: 0..<1200, using: &random) {
            case 0: bytes.append(byte ^ (1 << UInt8.random(in: 0..<8, using: &random)))
            case 1: break
            case 2: bytes += [byte, byte]
            default:
                bytes.append(byte)
                continue
            }
            damages += 1
        }
        let sent = Set(stream.elements.map { Decoded($0) })
        let found = Decoded.all(in: bytes)
        #expect(Decoded.all(in: bytes) { Int.random(in: 1...40, using: &random) } == found)
        let good = found.filter { sent.contains($0) }
        let strange = found.filter { !$0.isRejection && !sent.contains($0) }
        // A damage costs at most what it stands in and one neighbour.
        #expect(good.count >= stream.elements.count - 2 * damages)
        #expect(strange.count <= 2 + damages / 32, "\(strange)")
    }
}
