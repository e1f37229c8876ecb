/// A whole log, in whatever pieces it is read, to events: a ``CandumpReader`` and a ``BusDecoder``.
///
/// Every interface in the log is taken for the same bus.
public struct CaptureDecoder: Sendable {
    private var reader = CandumpReader()
    /// The decoder, with all that it has learned of the devices.
    public private(set) var decoder: BusDecoder

    /// A decoder at the beginning of a log.
    public init(limits: SchemaLimits = SchemaLimits()) { decoder = BusDecoder(limits: limits) }

    /// What went by so far.
    public var counts: BusCounts { decoder.counts }

    /// Takes a piece of the log and hands out the events of every line that is complete.
    public mutating func decode(_ bytes: Span<UInt8>, _ body: (BusEvent) -> Void) {
        reader.read(bytes) { Self.take($0, &decoder, body) }
    }

    /// Takes a piece of the log.
    public mutating func decode(_ bytes: [UInt8], _ body: (BusEvent) -> Void) { decode(bytes.span, body) }

    /// The log ends: what is left is a line too.
    public mutating func finish(_ body: (BusEvent) -> Void) {
        reader.finish { Self.take($0, &decoder, body) }
    }

    private static func take(_ line: CandumpLine, _ decoder: inout BusDecoder, _ body: (BusEvent) -> Void) {
        switch line {
        case .frame(let captured):
            if let event = decoder.decode(captured.frame, at: captured.time) { body(event) }
        case .blank: break
        case .unreadable: decoder.countUnreadableLine()
        }
    }
}
