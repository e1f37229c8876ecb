import CFuzz
import MasterBus

/// Bytes from libFuzzer as frames, and as a log, through the decoder, the session and what is kept of devices.
///
/// Of any bytes must hold: nothing traps; there are not more events than frames; a value is finite; the session never
/// sends anything but questions, and not faster than it may; what is kept of a device reads back as it was.
@main
struct FuzzMasterBus {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        _ = LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            let bytes = Array(UnsafeBufferPointer(start: start, count: count))
            FuzzMasterBus.checkLog(bytes)
            FuzzMasterBus.checkFrames(bytes)
            _ = SchemaRecord(text: String(decoding: bytes, as: UTF8.self))
            return 0
        }
    }

    /// The bytes as text: pieces change nothing.
    private static func checkLog(_ bytes: [UInt8]) {
        var whole = CaptureDecoder()
        var events: [BusEvent] = []
        whole.decode(bytes) { events.append($0) }
        whole.finish { events.append($0) }
        var pieces = CaptureDecoder()
        var found: [BusEvent] = []
        var from = 0
        while from < bytes.count {
            let to = min(bytes.count, from + 1 + from % 37)
            pieces.decode(Array(bytes[from..<to])) { found.append($0) }
            from = to
        }
        pieces.finish { found.append($0) }
        precondition(found == events, "pieces find something else")
        precondition(events.count <= whole.counts.frames, "more events than frames")
        for event in events {
            if case .value(let value) = event {
                precondition((value.value != nil) == (value.text != nil))
                precondition(value.value?.isFinite ?? true)
            }
        }
    }

    /// The bytes as frames, fourteen bytes each: identifier, time that passes, length, data.
    private static func checkFrames(_ bytes: [UInt8]) {
        var session = BusSession(now: .zero)
        var now = Duration.zero
        var lastSent: Duration?
        var start = 0
        while start + 14 <= bytes.count {
            let piece = bytes[start..<start + 14]
            start += 14
            let identifier = piece.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            now += .milliseconds(Int64(piece[piece.startIndex + 4]))
            let count = Int(piece[piece.startIndex + 5] % 9)
            let bits = piece.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            // Error frames and 11-bit frames too, but mostly what a bus carries.
            let flags: Frame.Flags = identifier >> 29 == 7 ? .error : identifier >> 29 == 6 ? [] : .extended
            session.receive(Frame(rawIdentifier: identifier, flags: flags, bits: bits, count: count), at: now)
            while let request = session.nextRequest(at: now) {
                if let last = lastSent {
                    precondition(now - last >= session.configuration.gap, "faster than it may")
                }
                lastSent = now
                let sent = request.frame
                precondition(sent.count <= 4, "no question is that long")
                if case .write = Message(sent) { preconditionFailure("a write") }
                if case .stringWrite = Message(sent) { preconditionFailure("a write") }
            }
            if let deadline = session.deadline { precondition(deadline > now - .milliseconds(1), "it would spin") }
            _ = session.takeEvents()
        }
        precondition(session.devices.count <= BusDecoder.maximumDevices)
        for device in session.decoder.devices {
            guard let schema = session.decoder.schema(of: device) else { continue }
            let record = SchemaRecord(schema)
            let text = record.text
            // Not a number is no equal of itself, so the text is compared.
            precondition(SchemaRecord(text: text)?.text == text, "a record does not read back")
        }
    }
}
