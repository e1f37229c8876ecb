/// Finds HEX frames and TEXT blocks in the bytes of one port, in whatever pieces they arrive.
///
/// The two protocols share the line without an envelope: a HEX frame may stand between two TEXT blocks or cut one
/// in the middle of a field, and its bytes do not belong to the block's sum. The rules, each observed or documented
/// (docs/vedirect.md, sections 2, 4 and 5):
///
/// - A frame ends at a line feed (or carriage return and line feed). Digits are upper case only. Any other byte ends
///   the frame as damaged and is given back to the TEXT side, so that a flipped byte that looks like a colon does
///   not swallow a line. A second colon starts afresh. A block in which a frame broke off so is not accepted: the
///   colon may have been the block's own byte, and what followed it was not summed.
/// - A block begins with carriage return, line feed and a label; what stands before that belongs to nobody, so that
///   the rest of a damaged frame does not spoil the block behind it.
/// - A block's sum runs from there to the checksum byte. Where that fails, it is tried from the last line that
///   begins with `PID`, so that a lost tail does not spoil the block behind it. When `PID` comes again without a
///   checksum between, the device has started over, and the half block is dropped.
/// - The checksum byte may be any byte, a colon or a line feed too. Where the sum fails, that byte may be the first
///   of what follows a lost checksum byte, and what follows is read as if it were. A colon that fails may also begin
///   a frame that stands before the checksum byte; then the byte after the frame is tried.
///
/// - Optionally a digit with one flipped bit is read as what it was, where only one digit can have become that byte
///   by a flip in its upper half: the character is none, and the check byte still has to hold. Such a frame says so
///   (``HexFrame/repairs``), and whoever takes it has to know that the line is bad.
///
/// Memory is bounded whatever arrives: a kilobyte, taken once when the first TEXT comes. After that nothing is allocated,
/// unless a block is kept while the next one is decoded.
public struct StreamDecoder: Sendable {
    /// What the decoder finds.
    public enum Event: Sendable {
        /// A frame whose check byte holds.
        case hex(HexFrame)
        /// A block whose checksum holds.
        case text(TextBlock)
        /// Something that began like a frame or a block and was not one.
        case rejected(Rejection)
    }

    /// Why something was not accepted.
    public struct Rejection: Sendable, Hashable {
        /// What it looked like.
        public enum Subject: String, Sendable { case hex, text }
        /// What was wrong with it.
        public enum Reason: String, Sendable, CaseIterable {
            /// The sum is not what it must be.
            case checksum
            /// A byte that cannot stand there, or an even number of digits.
            case malformed
            /// The next frame began, or the stream ended, before this one did.
            case truncated
            /// More bytes than any device sends.
            case oversize
        }
        /// Frame or block.
        public var what: Subject
        /// Why.
        public var reason: Reason
        /// A rejection.
        public init(what: Subject, reason: Reason) {
            self.what = what
            self.reason = reason
        }
    }

    private enum Phase: UInt8 {
        case text
        case checkByte
        /// After a failed sum whose checksum byte was a carriage return: perhaps that byte began the next block.
        case afterReturn
        case hex
        case hexReturn
        /// After a frame that ended with carriage return and line feed: those two may have been the TEXT side's,
        /// with the frame's own line feed lost.
        case afterHexLine
    }

    /// Digits after the colon: the command, the largest payload and the check byte.
    private static let maximumDigits = 1 + 2 * (HexFrame.maximumPayload + 1)

    private var phase = Phase.text

    // HEX
    private var frame = HexFrame()
    private var digits = 0
    private var high: UInt8 = 0
    private var frameSum: UInt8 = 0
    /// The colon stood where a block's checksum byte belongs and did not fit. The block waits for its verdict: if a
    /// frame follows, the byte behind it may be the checksum byte; if none does, the block has failed, and only it.
    private var isTentative = false

    // TEXT
    private var block = TextBlock()
    private var blockSum: UInt8 = 0
    private var isOversize = false
    private var hasField = false
    /// A frame broke off in the middle of this block: the sum may lack bytes.
    private var isDoubtful = false
    /// The last eight bytes of TEXT, to know a label when its tab arrives.
    private var window: UInt64 = 0
    /// Where the last line beginning with PID starts, and the sum before it.
    private var resync: Int?
    private var resyncSum: UInt8 = 0

    /// How many bytes of TEXT a block has at least, by those that came last.
    private(set) var shortestBlock = 0
    /// Blocks in a row into which no frame came.
    private(set) var wholeBlocks = 0

    /// Whether digits with one flipped bit are read.
    public let repairsDigits: Bool
    /// More repairs than this in a frame, and it is no frame.
    private static let maximumRepairs = 3

    /// A decoder at the start of a stream.
    ///
    /// - Parameter repairsDigits: whether to read digits with one flipped bit, for a caller that weighs frames.
    public init(repairsDigits: Bool = false) { self.repairsDigits = repairsDigits }

    /// Takes a frame. It is the decoder's own: copy what is to be kept.
    public typealias FrameReceiver = (borrowing HexFrame) -> Void
    /// Takes a block, likewise.
    public typealias BlockReceiver = (borrowing TextBlock) -> Void
    /// Takes what was not accepted.
    public typealias RejectionReceiver = (Rejection) -> Void

    /// Takes the next bytes and hands on what they complete, in order.
    public mutating func decode(
        _ bytes: Span<UInt8>, frames: FrameReceiver, blocks: BlockReceiver, rejections: RejectionReceiver
    ) {
        var index = 0
        let count = bytes.count
        while index < count {
            switch phase {
            case .text:
                index = decodeText(bytes, from: index, frames, blocks, rejections)
            case .hex:
                index = decodeHex(bytes, from: index, frames, blocks, rejections)
            case .checkByte:
                endBlock(checkByte: bytes[index], frames, blocks, rejections)
                index += 1
            case .afterReturn:
                phase = .text
                if bytes[index] == 0x0A {
                    appendLineEnd(frames, blocks, rejections)
                    index += 1
                }
            case .hexReturn:
                if bytes[index] == 0x0A {
                    index += 1
                    if endFrame(frames, blocks, rejections) {
                        // Here no checksum byte can come any more.
                        if phase == .checkByte { failBlock(frames, blocks, rejections) }
                        phase = .afterHexLine
                    } else {
                        doubtBlock()
                        appendLineEnd(frames, blocks, rejections)
                    }
                } else {
                    rejectFrame(.malformed, frames, blocks, rejections)
                    doubtBlock()
                    phase = .text
                    appendText(0x0D, frames, blocks, rejections)
                }
            case .afterHexLine:
                phase = .text
                let next = bytes[index]
                if next != 0x0D, next != 0x3A {
                    doubtBlock()
                    appendLineEnd(frames, blocks, rejections)
                }
            }
        }
    }

    /// Takes the next bytes and reports what they complete, in order, as events. A little slower, for each frame is copied.
    public mutating func decode(_ bytes: Span<UInt8>, _ receive: (borrowing Event) -> Void) {
        decode(
            bytes, frames: { receive(.hex(copy $0)) }, blocks: { receive(.text(copy $0)) },
            rejections: { receive(.rejected($0)) })
    }

    /// Takes the next bytes; for callers that have an array.
    public mutating func decode(_ bytes: [UInt8], _ receive: (borrowing Event) -> Void) {
        decode(bytes.span, receive)
    }

    /// The stream has ended: a frame that was under way is reported as truncated. A block that was under way is
    /// nothing that anybody lost: streams end where they end.
    public mutating func finish(_ receive: (borrowing Event) -> Void) {
        if isInsideFrame { rejectFrame(.truncated, { _ in }, { _ in }, { receive(.rejected($0)) }) }
        reset()
    }

    /// Forgets what was under way, as after a switch of a multiplexer or a reopened port.
    public mutating func reset() {
        startBlock()
        beginFrame(tentative: false)
        phase = .text
    }

    /// Whether the decoder is inside a frame.
    public var isInsideFrame: Bool { phase == .hex || phase == .hexReturn }

    /// How many bytes of a block have come; 0 between blocks, and inside a frame.
    var blockBytes: Int { hasField && !isInsideFrame ? block.end : 0 }

    // MARK: HEX

    private mutating func beginFrame(tentative: Bool) {
        phase = .hex
        digits = 0
        frameSum = 0
        frame.count = 0
        frame.repairs = 0
        isTentative = tentative
    }

    private mutating func decodeHex(
        _ bytes: Span<UInt8>, from start: Int, _ frames: FrameReceiver, _ blocks: BlockReceiver,
        _ rejections: RejectionReceiver
    ) -> Int {
        var index = takePairs(bytes, from: start)
        let count = bytes.count
        if index < count, bytes[index] == 0x0A {
            // The end of nearly every frame; as below.
            _ = endFrame(frames, blocks, rejections)
            return index + 1
        }
        while index < count {
            let byte = bytes[index]
            var value = HexDigits.value(of: byte)
            if value > 15, repairsDigits, !isTentative, frame.repairs < Self.maximumRepairs {
                value = HexDigits.repaired[Int(byte)]
                if value < 16 { frame.repairs += 1 }
            }
            guard value < 16 else {
                switch byte {
                case 0x0A:
                    // TEXT has no line feed without a return: whatever failed here was a frame, and no doubt falls
                    // on the block around it.
                    _ = endFrame(frames, blocks, rejections)
                    index += 1
                case 0x0D:
                    phase = .hexReturn
                    index += 1
                case 0x3A:
                    rejectFrame(.truncated, frames, blocks, rejections)
                    doubtBlock()
                    beginFrame(tentative: false)
                    index += 1
                default:
                    // After a complete frame, a byte that cannot stand in TEXT is the frame's damaged line feed;
                    // any other one is TEXT's, and the line feed was lost.
                    let isComplete = digits >= 3 && digits & 1 == 1 && frameSum == 0x55
                    let canBeText = (0x20...0x7E).contains(byte) || byte == 0x09
                    rejectFrame(.malformed, frames, blocks, rejections)
                    phase = .text
                    if isComplete, !canBeText { index += 1 } else { doubtBlock() }
                }
                return index
            }
            index += 1
            if digits & 1 == 1 {
                high = value
            } else if digits == 0 {
                frame.nibble = value
                frameSum = value
            } else {
                let data = high << 4 | value
                frameSum &+= data
                frame.storage[frame.count] = data
                frame.count += 1
            }
            digits += 1
            if digits > Self.maximumDigits {
                rejectFrame(.oversize, frames, blocks, rejections)
                doubtBlock()
                phase = .text
                return index
            }
        }
        return index
    }

    /// Takes the digits that come in whole pairs, four pairs at a time where they do; the rest is left to who goes digit
    /// by digit. On a clean line this is nearly all there is.
    @inline(__always)
    private mutating func takePairs(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        if digits == 0 {
            guard index < bytes.count, HexDigits.value(of: bytes[index]) < 16 else { return index }
            frame.nibble = HexDigits.value(of: bytes[index])
            frameSum = frame.nibble
            digits = 1
            index += 1
        }
        guard digits & 1 == 1 else { return index }
        var filled = frame.count
        var sum = frameSum
        let count = bytes.count
        let raw = bytes.bytes
        var isStopped = false
        var span = frame.storage.mutableSpan
        var data = span.mutableBytes
        while index + 8 <= count, filled + 4 <= HexFrame.maximumPayload {
            let word = UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            // What is written beyond the last pair counts nothing. The condition above leaves room for it.
            let (four, pairs) = HexDigits.pairs(word)
            data.storeBytes(of: four.littleEndian, toByteOffset: filled, as: UInt32.self)
            guard pairs == 4 else {
                sum &+= HexDigits.sum(of: four & (1 << UInt32(pairs * 8) &- 1))
                filled += pairs
                index += pairs * 2
                isStopped = true
                break
            }
            sum &+= HexDigits.sum(of: four)
            filled += 4
            index += 8
        }
        while !isStopped, index + 2 <= count, filled < HexFrame.maximumPayload {
            let first = HexDigits.value(of: bytes[index])
            let second = HexDigits.value(of: bytes[index + 1])
            guard first | second < 16 else { break }
            let byte = first << 4 | second
            data.storeBytes(of: byte, toByteOffset: filled, as: UInt8.self)
            sum &+= byte
            filled += 1
            index += 2
        }
        frame.count = filled
        frameSum = sum
        digits = 1 + 2 * filled
        return index
    }

    private mutating func endFrame(_ frames: FrameReceiver, _ blocks: BlockReceiver, _ rejections: RejectionReceiver)
        -> Bool
    {
        phase = .text
        guard digits >= 3, digits & 1 == 1 else {
            rejectFrame(.malformed, frames, blocks, rejections)
            return false
        }
        guard frameSum == 0x55 else {
            rejectFrame(.checksum, frames, blocks, rejections)
            return false
        }
        frame.count -= 1
        frames(frame)
        if isTentative { phase = .checkByte }
        return true
    }

    private mutating func rejectFrame(
        _ reason: Rejection.Reason, _ frames: FrameReceiver, _ blocks: BlockReceiver, _ rejections: RejectionReceiver
    ) {
        if isTentative {
            // The colon was no frame's: it is the block that has failed.
            isTentative = false
            failBlock(frames, blocks, rejections)
        } else {
            rejections(Rejection(what: .hex, reason: reason))
        }
    }

    // MARK: TEXT

    private mutating func decodeText(
        _ bytes: Span<UInt8>, from start: Int, _ frames: FrameReceiver, _ blocks: BlockReceiver,
        _ rejections: RejectionReceiver
    ) -> Int {
        var index = start
        let count = bytes.count
        while index < count {
            if hasField, !isOversize {
                index = takeRun(bytes, from: index)
                guard index < count else { return index }
            }
            let byte = bytes[index]
            index += 1
            if byte == 0x3A {
                if hasField { wholeBlocks = 0 }
                beginFrame(tentative: false)
                return index
            }
            appendText(byte, frames, blocks, rejections)
            if byte == 0x09, window >> 8 == Self.checksumLabel {
                phase = .checkByte
                return index
            }
        }
        return index
    }

    /// Takes the bytes of a block up to the next colon, or the next tab that may end a label of ours, eight at a time; and
    /// as many as there is room for. What remains is left to who goes byte by byte, with the window as it must be.
    private mutating func takeRun(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        var end = block.end
        var sum = blockSum
        let count = bytes.count
        let raw = bytes.bytes
        var span = block.storage.mutableSpan
        var bytesOfBlock = span.mutableBytes
        // Whether the byte before may be the last of a label, as a mark for the first byte of the next word.
        var before: UInt64 = 0
        if end > 0, Self.mayEndLabel(bytesOfBlock.unsafeLoad(fromByteOffset: end - 1, as: UInt8.self)) { before = 0x80 }
        var isStopped = false
        while index + 8 <= count, end + 8 <= TextBlock.maximumSize {
            let word = UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            let ends = Self.zeros(word ^ 0x4444_4444_4444_4444) | Self.zeros(word ^ 0x6D6D_6D6D_6D6D_6D6D)
            let tabs = Self.zeros(word ^ 0x0909_0909_0909_0909)
            let stops = Self.zeros(word ^ 0x3A3A_3A3A_3A3A_3A3A) | tabs & (ends << 8 | before)
            before = ends >> 56
            // Beyond the first stop the bytes are written over, and count nothing.
            bytesOfBlock.storeBytes(of: word.littleEndian, toByteOffset: end, as: UInt64.self)
            guard stops != 0 else {
                sum &+= Self.sum(of: word)
                index += 8
                end += 8
                continue
            }
            let taken = stops.trailingZeroBitCount / 8
            sum &+= Self.sum(of: word & (1 << UInt64(taken * 8) &- 1))
            index += taken
            end += taken
            isStopped = true
            break
        }
        while !isStopped, index < count, end < TextBlock.maximumSize {
            let byte = bytes[index]
            if byte == 0x3A || byte == 0x09 && before != 0 { break }
            before = Self.mayEndLabel(byte) ? 0x80 : 0
            bytesOfBlock.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
            sum &+= byte
            index += 1
            end += 1
        }
        block.end = end
        blockSum = sum
        // Nobody looks at the window for a colon, nor before there are more bytes.
        if index < count, bytes[index] != 0x3A {
            window = 0
            for place in max(0, end - 8)..<end { window = window << 8 | UInt64(block.storage[place]) }
        }
        return index
    }

    /// The last letters of `PID` and `Checksum`: a tab behind any other is a byte like all.
    @inline(__always)
    private static func mayEndLabel(_ byte: UInt8) -> Bool { byte == 0x44 || byte == 0x6D }

    /// The highest bit of each byte that is zero, and no other.
    @inline(__always)
    private static func zeros(_ word: UInt64) -> UInt64 {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        return ~((word & low) &+ low | word | low)
    }

    /// The sum of eight bytes, in two halves so that no carry runs from one into the next.
    @inline(__always)
    private static func sum(of word: UInt64) -> UInt8 {
        let pairs = (word & 0x00FF_00FF_00FF_00FF) &+ (word >> 8 & 0x00FF_00FF_00FF_00FF)
        return UInt8(truncatingIfNeeded: (pairs &* 0x0001_0001_0001_0001) >> 48)
    }

    /// `hecksum`: with the tab in the lowest byte, the window holds seven characters before it.
    private static let checksumLabel: UInt64 = 0x68_65_63_6B_73_75_6D
    /// Carriage return, line feed, `PID`.
    private static let productLabel: UInt64 = 0x0D_0A_50_49_44

    private mutating func appendLineEnd(
        _ frames: FrameReceiver, _ blocks: BlockReceiver, _ rejections: RejectionReceiver
    ) {
        appendText(0x0D, frames, blocks, rejections)
        appendText(0x0A, frames, blocks, rejections)
    }

    private mutating func appendText(
        _ byte: UInt8, _ frames: FrameReceiver, _ blocks: BlockReceiver, _ rejections: RejectionReceiver
    ) {
        window = window << 8 | UInt64(byte)
        if !hasField {
            // Before its first label a block is nothing but carriage return, line feed and that label.
            if byte == 0x0D {
                block.end = 0
                blockSum = 0
                isOversize = false
                isDoubtful = false
            } else if block.end == 0 || (block.end == 1 && byte != 0x0A) {
                block.end = 0
                return
            }
        }
        blockSum &+= byte
        if block.storage.isEmpty { block.storage = [UInt8](repeating: 0, count: TextBlock.maximumSize) }
        if block.end < TextBlock.maximumSize {
            block.storage[block.end] = byte
            block.end += 1
        } else if !isOversize {
            isOversize = true
            rejections(Rejection(what: .text, reason: .oversize))
        }
        if byte == 0x09 {
            hasField = true
            if (window >> 8) & 0xFF_FFFF_FFFF == Self.productLabel { beginAtProduct() }
        }
    }

    /// A line that begins with PID has started: the place to count from if what came before was no block.
    private mutating func beginAtProduct() {
        let lineSum = UInt8(0x0D &+ 0x0A &+ 0x50 &+ 0x49 &+ 0x44 &+ 0x09)
        let lineSize = 6
        if resync != nil || isOversize || block.end <= lineSize {
            // Again without a checksum between, after a flood, or right at the start: begin here.
            let line: InlineArray<6, UInt8> = [0x0D, 0x0A, 0x50, 0x49, 0x44, 0x09]
            for index in line.indices { block.storage[index] = line[index] }
            block.end = lineSize
            blockSum = lineSum
            resync = 0
            resyncSum = 0
            isOversize = false
            isDoubtful = false
        } else {
            resync = block.end - lineSize
            resyncSum = blockSum &- lineSum
        }
    }

    private mutating func endBlock(
        checkByte: UInt8, _ frames: FrameReceiver, _ blocks: BlockReceiver, _ rejections: RejectionReceiver
    ) {
        let sum = blockSum &+ checkByte
        if !isOversize, !isDoubtful, hasField, sum == 0 {
            // Slowly up and at once down: numbers become longer and shorter, and blocks may take turns.
            shortestBlock = shortestBlock == 0 ? block.end : min(block.end, shortestBlock + 1)
            wholeBlocks = min(wholeBlocks + 1, 1000)
            blocks(block)
            startBlock()
        } else if !isOversize, let resync, resync > 0, sum == resyncSum {
            block.start = resync
            blocks(block)
            startBlock()
        } else if checkByte == 0x3A {
            beginFrame(tentative: true)
        } else {
            failBlock(frames, blocks, rejections)
            if checkByte == 0x0D { phase = .afterReturn }
        }
    }

    /// The block under way is none. One that is too long was reported when it became so.
    private mutating func failBlock(_ frames: FrameReceiver, _ blocks: BlockReceiver, _ rejections: RejectionReceiver) {
        if !isOversize { rejections(Rejection(what: .text, reason: .checksum)) }
        startBlock()
    }

    /// Bytes that may have been the block's were taken for a frame. Only what comes from here on can be counted.
    private mutating func doubtBlock() {
        guard block.end > 0 else { return }
        isDoubtful = true
        resync = nil
        resyncSum = 0
    }

    private mutating func startBlock() {
        phase = .text
        block.start = 0
        block.end = 0
        blockSum = 0
        window = 0
        hasField = false
        isOversize = false
        isDoubtful = false
        resync = nil
        resyncSum = 0
    }
}

/// The values of the sixteen upper-case hex digits.
enum HexDigits {
    /// 0…15 for a byte that is no digit and that exactly one digit becomes by a flip in its upper four bits; 255
    /// for every other byte.
    static let repaired: InlineArray<256, UInt8> = {
        var table = InlineArray<256, UInt8>(repeating: 0xFF)
        for byte in 0..<256 where value(of: UInt8(byte)) > 15 && byte != 0x0D {
            // What may just as well be a damaged end or beginning of a frame is none.
            let near = [0, 1, 2, 4, 8, 16, 32, 64, 128].map { byte ^ $0 }
            if near.contains(where: { $0 == 0x0A || $0 == 0x3A }) { continue }
            let digits = [0x10, 0x20, 0x40, 0x80].map { value(of: UInt8(byte ^ $0)) }.filter { $0 < 16 }
            if digits.count == 1 { table[byte] = digits[0] }
        }
        return table
    }()

    /// 0…15 for a digit, 255 for every other byte. Worked out, because a table would be looked for at every byte.
    @inline(__always)
    static func value(of byte: UInt8) -> UInt8 {
        let digit = byte &- 0x30
        let letter = byte &- 0x41
        return digit < 10 ? digit : letter < 6 ? letter &+ 10 : 0xFF
    }

    /// The sum of four bytes, in two halves so that no carry runs from one into the next.
    @inline(__always)
    static func sum(of bytes: UInt32) -> UInt8 {
        let halves = (bytes & 0x00FF_00FF) &+ (bytes >> 8 & 0x00FF_00FF)
        return UInt8(truncatingIfNeeded: halves &+ halves >> 16)
    }

    /// The bytes that up to eight digits say, the first one lowest, and how many there are before a byte that is none.
    ///
    /// - Parameter digits: as on the wire, the first one in the lowest byte.
    @inline(__always)
    static func pairs(_ digits: UInt64) -> (data: UInt32, count: Int) {
        // A letter has bit 6, and is nine more than its lower half says.
        let values =
            (digits & 0x0F0F_0F0F_0F0F_0F0F) &+ (digits >> 6 & 0x0101_0101_0101_0101) &* 9
        // Written again, they must be what they were.
        let letters = (values &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        let written = values &+ 0x3030_3030_3030_3030 &+ letters &* 7
        let strange = written ^ digits | values & 0xF0F0_F0F0_F0F0_F0F0
        var bytes = (values << 4 | values >> 8) & 0x00FF_00FF_00FF_00FF
        bytes = (bytes | bytes >> 8) & 0x0000_FFFF_0000_FFFF
        return (UInt32(truncatingIfNeeded: bytes | bytes >> 16), strange.trailingZeroBitCount / 16)
    }
}
