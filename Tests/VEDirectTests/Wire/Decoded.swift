import VEDirect

/// What a decoder found, in a form that can be compared.
enum Decoded: Hashable {
    case hex(nibble: UInt8, payload: [UInt8])
    case text([String])
    case rejected(StreamDecoder.Rejection)

    init(_ event: borrowing StreamDecoder.Event) {
        switch event {
        case .hex(let frame):
            self = .hex(nibble: frame.nibble, payload: frame.payload)
        case .text(let block):
            var fields: [String] = []
            block.forEachField { fields.append($0 + "=" + $1) }
            self = .text(fields)
        case .rejected(let rejection):
            self = .rejected(rejection)
        }
    }

    static func rejected(_ what: StreamDecoder.Rejection.Subject, _ reason: StreamDecoder.Rejection.Reason) -> Decoded {
        .rejected(StreamDecoder.Rejection(what: what, reason: reason))
    }

    var isRejection: Bool { if case .rejected = self { true } else { false } }

    /// Everything found in `bytes`, which arrive in pieces whose sizes `nextSize` gives.
    static func all(in bytes: [UInt8], nextSize: () -> Int = { .max }) -> [Decoded] {
        var decoder = StreamDecoder()
        var found: [Decoded] = []
        var from = 0
        while from < bytes.count {
            let to = from + min(max(1, nextSize()), bytes.count - from)
            decoder.decode(Array(bytes[from..<to])) { found.append(Decoded($0)) }
            from = to
        }
        decoder.finish { found.append(Decoded($0)) }
        return found
    }
}
