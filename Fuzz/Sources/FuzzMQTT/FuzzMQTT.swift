import CFuzz
import MQTTWire

/// Bytes from libFuzzer as what a broker sends, through the validator.
///
/// The first byte chooses the version, whether the broker has accepted the connection, and the size of the pieces. Of any
/// bytes must hold: nothing traps; pieces change nothing; what is passed on is accepted again and comes out unchanged; no
/// more is passed on than came in.
@main
struct FuzzMQTT {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            let bytes = Array(UnsafeBufferPointer(start: start, count: count))
            if let choice = bytes.first { FuzzMQTT.check(Array(bytes.dropFirst()), choice) }
            return 0
        }
    }

    private static func check(_ bytes: [UInt8], _ choice: UInt8) {
        let version: MQTTVersion = choice & 1 == 0 ? .v5 : .v311
        let stream = choice & 2 == 0 ? accepted(version) + bytes : bytes
        let whole = run(stream, version, hasClientID: choice & 4 == 0, piece: max(1, stream.count))
        let pieces = run(stream, version, hasClientID: choice & 4 == 0, piece: 1 + Int(choice >> 3))
        precondition(whole.outputs == pieces.outputs && whole.violation == pieces.violation, "pieces change something")
        var passedOn: [UInt8] = []
        var packets: [BrokerValidator.Output] = []
        for case .packet(let packet) in whole.outputs {
            passedOn += packet
            packets.append(.packet(packet))
        }
        precondition(passedOn.count <= stream.count, "more is passed on than came in")
        let again = run(passedOn, version, hasClientID: choice & 4 == 0, piece: max(1, passedOn.count))
        precondition(again.outputs == packets && again.violation == nil, "what is passed on is not accepted again")
    }

    private static func accepted(_ version: MQTTVersion) -> [UInt8] {
        version == .v5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]
    }

    private static func run(
        _ stream: [UInt8], _ version: MQTTVersion, hasClientID: Bool, piece: Int
    ) -> (outputs: [BrokerValidator.Output], violation: String?) {
        var validator = BrokerValidator(version: version, hasClientID: hasClientID)
        var outputs: [BrokerValidator.Output] = []
        // What a client asks after the CONNACK, so that answers are answers: two subscriptions, two messages, a ping.
        let properties: [UInt8] = version == .v5 ? [0] : []
        var asked: [UInt8] = []
        for identifier in UInt8(1)...2 {
            asked += packet(0x82, [0, identifier] + properties + [0, 1, 0x61, 1])
        }
        for identifier in UInt8(3)...6 {
            asked += packet(identifier & 1 == 0 ? 0x34 : 0x32, [0, 1, 0x61, 0, identifier] + properties)
        }
        asked += [0xC0, 0]
        validator.sent(asked[...])
        var start = 0
        do {
            while start < stream.count {
                let end = min(stream.count, start + piece)
                validator.receive(stream[start..<end])
                while let output = try validator.next() { outputs.append(output) }
                start = end
            }
        } catch {
            return (outputs, "\(error)")
        }
        return (outputs, nil)
    }

    private static func packet(_ first: UInt8, _ body: [UInt8]) -> [UInt8] { [first, UInt8(body.count)] + body }
}
