/// Follows the packets that the client sends, from a stream in pieces: what a broker may answer depends on them.
///
/// The client's own library makes the stream, so nothing in it is checked. Payloads are skipped, not kept.
struct OutgoingTracker {
    /// A packet that was sent.
    struct Packet: Equatable {
        let type: PacketType
        /// Of PUBLISH; 0 otherwise.
        let qos: UInt8
        /// 0 where the packet has none.
        let identifier: UInt16
    }

    private enum Step {
        case firstByte
        case length(shift: Int)
        case topicLength
        case topic
        case identifier
        case rest
    }

    private var step = Step.firstByte
    private var type: PacketType?
    private var qos: UInt8 = 0
    /// Bytes of the body that are still to come.
    private var left = 0
    /// The two-byte number that is being read, and how many of its bytes were.
    private var number = 0
    private var numberBytes = 0
    private var topicLeft = 0

    /// Takes the next bytes and reports each packet as soon as its identifier is known.
    mutating func consume(_ bytes: ArraySlice<UInt8>, _ report: (Packet) -> Void) {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            switch step {
            case .firstByte:
                type = PacketType(firstByte: bytes[index])
                qos = type == .publish ? bytes[index] >> 1 & 3 : 0
                left = 0
                index += 1
                step = .length(shift: 0)
                continue
            case .length(let shift):
                let byte = bytes[index]
                left |= Int(byte & 0x7F) << min(shift, 21)
                index += 1
                step = .length(shift: shift + 7)
                guard byte & 0x80 == 0 else { continue }
                beginBody(report)
            case .topicLength, .identifier:
                number = number << 8 | Int(bytes[index])
                numberBytes += 1
                left -= 1
                index += 1
                if numberBytes == 2 { finishNumber(report) }
            case .topic:
                let skipped = min(topicLeft, left, bytes.endIndex - index)
                topicLeft -= skipped
                left -= skipped
                index += skipped
                if topicLeft == 0 { begin(.identifier) }
            case .rest:
                let skipped = min(left, bytes.endIndex - index)
                left -= skipped
                index += skipped
            }
            if left == 0 { step = .firstByte }
        }
    }

    private mutating func beginBody(_ report: (Packet) -> Void) {
        guard let type else { return begin(.rest) }
        if type == .publish, qos > 0 {
            begin(.topicLength)
        } else if type.beginsWithIdentifier {
            begin(.identifier)
        } else {
            report(Packet(type: type, qos: qos, identifier: 0))
            begin(.rest)
        }
    }

    private mutating func finishNumber(_ report: (Packet) -> Void) {
        if case .topicLength = step {
            topicLeft = number
            begin(number == 0 ? .identifier : .topic)
        } else {
            if let type { report(Packet(type: type, qos: qos, identifier: UInt16(truncatingIfNeeded: number))) }
            begin(.rest)
        }
    }

    private mutating func begin(_ next: Step) {
        step = next
        number = 0
        numberBytes = 0
    }
}
