import ArgumentParser
import MasterBus

/// A `candump -L` log.
struct DecodeMasterBus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "masterbus", abstract: "Decode a candump -L log of a MasterBus.")

    @Argument(help: "The file; - is standard input.")
    var file: String

    func run() throws {
        var decoder = CaptureDecoder()
        var lines = ""
        var isChecked = false
        try CaptureFile(file, lineLimit: 65_536).read { chunk in
            if !isChecked, Self.isPlain(chunk) {
                Terminal.complain("\(file): this log of candump has not the form of 'candump -L can0': record it so")
                throw Status.failed.exit
            }
            isChecked = true
            decoder.decode(chunk) { Self.describe($0, &lines) }
            Terminal.draw(lines)
            lines = ""
        }
        decoder.finish { Self.describe($0, &lines) }
        let counts = decoder.counts
        var summary = JSONObject()
        summary.add("type", "summary")
        summary.add("frames", counts.frames)
        summary.add("values", counts.values)
        summary.add("labels", counts.labels)
        summary.add("writes", counts.writes)
        summary.add("errors", counts.errors)
        summary.add("unknown", counts.unknown)
        Terminal.draw(lines + summary.text + "\n")
    }
}

extension DecodeMasterBus {
    /// Whether a log begins as candump prints it for people: `  can0  046F1297   [8]  1B 97`, with or without a time.
    private static func isPlain(_ chunk: [UInt8]) -> Bool {
        let line = String(decoding: chunk.prefix(512), as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
        let parts = line.split(separator: " ")
        return parts.contains { $0.hasPrefix("[") && $0.hasSuffix("]") && Int($0.dropFirst().dropLast()) != nil }
    }

    private static func describe(_ event: BusEvent, _ lines: inout String) {
        var object = JSONObject()
        switch event {
        case .value(let value):
            object.add("type", "value")
            object.addRaw("time", CapturedFrame.timeText(value.time))
            object.add("device", value.device.text)
            object.add("attribute", BusNotation.hex(value.attribute))
            object.add("value", value.value.map(Double.init))
            if let text = value.text { object.add("text", text) } else { object.addRaw("text", "null") }
        case .label(let label):
            object.add("type", "label")
            object.addRaw("time", CapturedFrame.timeText(label.time))
            object.add("device", label.device.text)
            object.add("string", Int(label.string))
            object.add("text", label.text)
        case .write(let write):
            object.add("type", "write")
            object.addRaw("time", CapturedFrame.timeText(write.time))
            object.add("device", write.device.text)
            object.add("attribute", BusNotation.hex(write.attribute))
            object.add("value", write.value.map(Double.init))
        case .otherTab, .outdated, .command, .error, .unknown:
            // Not values: the answer to a write, identity tokens, other tabs, trouble. The summary counts them.
            return
        }
        lines += object.text + "\n"
    }
}
