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
/// Memory is bounded whatever arrives, and nothing is allocated.
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

    /// Whether digits with one flipped bit are read.
    public let repairsDigits: Bool
    /// More repairs than this in a frame, and it is no frame.
    private static let maximumRepairs = 3

    /// A decoder at the start of a stream.
    ///
    /// - Parameter repairsDigits: whether to read digits with one flipped bit, for a caller that weighs frames.
    public init(repairsDigits: Bool = false) { self.repairsDigits = repairsDigits }

    /// Takes the next bytes and reports what they complete, in order.
    public mutating func decode(_ bytes: Span<UInt8>, _ receive: (borrowing Event) -> Void) {
        var index = 0
        let count = bytes.count
        while index < count {
            switch phase {
            case .text:
                index = decodeText(bytes, from: index, receive)
            case .hex:
                index = decodeHex(bytes, from: index, receive)
            case .checkByte:
                endBlock(checkByte: bytes[index], receive)
                index += 1
            case .afterReturn:
                phase = .text
                if bytes[index] == 0x0A {
                    appendLineEnd(receive)
                    index += 1
                }
            case .hexReturn:
                if bytes[index] == 0x0A {
                    index += 1
                    if endFrame(receive) {
                        // Here no checksum byte can come any more.
                        if phase == .checkByte { failBlock(receive) }
                        phase = .afterHexLine
                    } else {
                        doubtBlock()
                        appendLineEnd(receive)
                    }
                } else {
                    rejectFrame(.malformed, receive)
                    doubtBlock()
                    phase = .text
                    appendText(0x0D, receive)
                }
            case .afterHexLine:
                phase = .text
                let next = bytes[index]
                if next != 0x0D, next != 0x3A {
                    doubtBlock()
                    appendLineEnd(receive)
                }
            }
        }
    }

    /// Takes the next bytes; for callers that have an array.
    public mutating func decode(_ bytes: [UInt8], _ receive: (borrowing Event) -> Void) {
        decode(bytes.span, receive)
    }

    /// The stream has ended: a frame that was under way is reported as truncated. A block that was under way is
    /// nothing that anybody lost: streams end where they end.
    public mutating func finish(_ receive: (borrowing Event) -> Void) {
        if isInsideFrame { rejectFrame(.truncated, receive) }
        reset()
    }

    /// Forgets what was under way, as after a switch of a multiplexer or a reopened port.
    public mutating func reset() { self = StreamDecoder(repairsDigits: repairsDigits) }

    /// Whether the decoder is inside a frame.
    public var isInsideFrame: Bool { phase == .hex || phase == .hexReturn }

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
        _ bytes: Span<UInt8>, from start: Int, _ receive: (borrowing Event) -> Void
    ) -> Int {
        var index = start
        let count = bytes.count
        while index < count {
            let byte = bytes[index]
            var value = HexDigits.value[Int(byte)]
            if value > 15, repairsDigits, !isTentative, frame.repairs < Self.maximumRepairs {
                value = HexDigits.repaired[Int(byte)]
                if value < 16 { frame.repairs += 1 }
            }
            guard value < 16 else {
                switch byte {
                case 0x0A:
                    // TEXT has no line feed without a return: whatever failed here was a frame, and no doubt falls
                    // on the block around it.
                    _ = endFrame(receive)
                    index += 1
                case 0x0D:
                    phase = .hexReturn
                    index += 1
                case 0x3A:
                    rejectFrame(.truncated, receive)
                    doubtBlock()
                    beginFrame(tentative: false)
                    index += 1
                default:
                    // After a complete frame, a byte that cannot stand in TEXT is the frame's damaged line feed;
                    // any other one is TEXT's, and the line feed was lost.
                    let isComplete = digits >= 3 && digits & 1 == 1 && frameSum == 0x55
                    let canBeText = (0x20...0x7E).contains(byte) || byte == 0x09
                    rejectFrame(.malformed, receive)
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
                rejectFrame(.oversize, receive)
                doubtBlock()
                phase = .text
                return index
            }
        }
        return index
    }

    private mutating func endFrame(_ receive: (borrowing Event) -> Void) -> Bool {
        phase = .text
        guard digits >= 3, digits & 1 == 1 else {
            rejectFrame(.malformed, receive)
            return false
        }
        guard frameSum == 0x55 else {
            rejectFrame(.checksum, receive)
            return false
        }
        frame.count -= 1
        receive(.hex(frame))
        if isTentative { phase = .checkByte }
        return true
    }

    private mutating func rejectFrame(_ reason: Rejection.Reason, _ receive: (borrowing Event) -> Void) {
        if isTentative {
            // The colon was no frame's: it is the block that has failed.
            isTentative = false
            failBlock(receive)
        } else {
            receive(.rejected(Rejection(what: .hex, reason: reason)))
        }
    }

    // MARK: TEXT

    private mutating func decodeText(
        _ bytes: Span<UInt8>, from start: Int, _ receive: (borrowing Event) -> Void
    ) -> Int {
        var index = start
        let count = bytes.count
        while index < count {
            let byte = bytes[index]
            index += 1
            if byte == 0x3A {
                beginFrame(tentative: false)
                return index
            }
            appendText(byte, receive)
            if byte == 0x09, window >> 8 == Self.checksumLabel {
                phase = .checkByte
                return index
            }
        }
        return index
    }

    /// `hecksum`: with the tab in the lowest byte, the window holds seven characters before it.
    private static let checksumLabel: UInt64 = 0x68_65_63_6B_73_75_6D
    /// Carriage return, line feed, `PID`.
    private static let productLabel: UInt64 = 0x0D_0A_50_49_44

    private mutating func appendLineEnd(_ receive: (borrowing Event) -> Void) {
        appendText(0x0D, receive)
        appendText(0x0A, receive)
    }

    private mutating func appendText(_ byte: UInt8, _ receive: (borrowing Event) -> Void) {
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
        if block.end < TextBlock.maximumSize {
            block.storage[block.end] = byte
            block.end += 1
        } else if !isOversize {
            isOversize = true
            receive(.rejected(Rejection(what: .text, reason: .oversize)))
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

    private mutating func endBlock(checkByte: UInt8, _ receive: (borrowing Event) -> Void) {
        let sum = blockSum &+ checkByte
        if !isOversize, !isDoubtful, hasField, sum == 0 {
            receive(.text(block))
            startBlock()
        } else if !isOversize, let resync, resync > 0, sum == resyncSum {
            block.start = resync
            receive(.text(block))
            startBlock()
        } else if checkByte == 0x3A {
            beginFrame(tentative: true)
        } else {
            failBlock(receive)
            if checkByte == 0x0D { phase = .afterReturn }
        }
    }

    /// The block under way is none. One that is too long was reported when it became so.
    private mutating func failBlock(_ receive: (borrowing Event) -> Void) {
        if !isOversize { receive(.rejected(Rejection(what: .text, reason: .checksum))) }
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
        for byte in 0..<256 where value[byte] > 15 && byte != 0x0D {
            // What may just as well be a damaged end or beginning of a frame is none.
            let near = [0, 1, 2, 4, 8, 16, 32, 64, 128].map { byte ^ $0 }
            if near.contains(where: { $0 == 0x0A || $0 == 0x3A }) { continue }
            let digits = [0x10, 0x20, 0x40, 0x80].map { value[byte ^ $0] }.filter { $0 < 16 }
            if digits.count == 1 { table[byte] = digits[0] }
        }
        return table
    }()

    /// 0…15 for a digit, 255 for every other byte.
    static let value: InlineArray<256, UInt8> = {
        var table = InlineArray<256, UInt8>(repeating: 0xFF)
        for digit in 0..<10 { table[0x30 + digit] = UInt8(digit) }
        for digit in 0..<6 { table[0x41 + digit] = UInt8(10 + digit) }
        return table
    }()
}
