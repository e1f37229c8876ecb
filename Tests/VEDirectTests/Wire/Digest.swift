import VEDirect

/// What a decoder found, boiled down to numbers: equal findings have equal digests.
struct Digest: Hashable {
    private(set) var frames = 0
    private(set) var blocks = 0
    private(set) var rejections = 0
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ event: borrowing StreamDecoder.Event) {
        switch event {
        case .hex(let frame):
            frames += 1
            add(frame.nibble)
            for index in 0..<frame.count { add(frame[index]) }
        case .text(let block):
            blocks += 1
            block.forEachField { label, value in
                for byte in label.utf8 { add(byte) }
                add(0x09)
                for byte in value.utf8 { add(byte) }
                add(0x0A)
            }
        case .rejected(let rejection):
            rejections += 1
            for byte in rejection.what.rawValue.utf8 { add(byte) }
            for byte in rejection.reason.rawValue.utf8 { add(byte) }
        }
    }

    private mutating func add(_ byte: UInt8) {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
}
