import ArgumentParser
import Glibc
import MasterBus
import VEDirect

/// A capture to JSON Lines.
struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Decode a capture to JSON Lines.",
        discussion: """
              vebridge decode vedirect morning.raw
              cat morning.raw | vebridge decode vedirect -
              vebridge decode masterbus candump.log
            """,
        subcommands: [DecodeVEDirect.self, DecodeMasterBus.self])
}

/// Raw bytes of a port.
struct DecodeVEDirect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vedirect", abstract: "Decode the raw bytes of a VE.Direct port.")

    @Argument(help: "The file; - is standard input.")
    var file: String

    func run() throws {
        var printer = FramePrinter()
        var decoder = StreamDecoder()
        var bytes = 0
        try CaptureFile(file).read { chunk in
            bytes += chunk.count
            decoder.decode(chunk) { printer.print($0) }
            printer.flush()
        }
        decoder.finish { printer.print($0) }
        printer.summarise(bytes: bytes)
        if printer.isEmpty { Terminal.complain("\(file): no valid VE.Direct frame or block in \(bytes) bytes") }
    }
}

/// Reads a file, or standard input, in pieces.
struct CaptureFile {
    let path: String
    /// The longest line; nil: for what is not a file, ``deviceLineLimit``.
    let lineLimit: Int?
    /// A device such as /dev/zero has no end and no line.
    private static let deviceLineLimit = 1 << 20

    init(_ path: String, lineLimit: Int? = nil) {
        self.path = path
        self.lineLimit = lineLimit
    }

    func read(_ body: ([UInt8]) throws -> Void) throws {
        let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            Terminal.complain("\(path): \(String(cString: strerror(errno)))")
            throw Status.failed.exit
        }
        defer { if descriptor != 0 { close(descriptor) } }
        var facts = stat()
        let isFile = fstat(descriptor, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
        let limit = lineLimit ?? (isFile ? Int.max : Self.deviceLineLimit)
        var length = 0
        while true {
            var failure: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                failure = got < 0 ? errno : 0
                count = max(0, got)
            }
            if failure == EINTR { continue }
            guard failure == 0 else {
                Terminal.complain("\(path): \(String(cString: strerror(failure)))")
                throw Status.failed.exit
            }
            guard !chunk.isEmpty else { return }
            if let end = chunk.lastIndex(of: 0x0A) { length = chunk.count - 1 - end } else { length += chunk.count }
            guard length <= limit else {
                Terminal.complain("\(path): no end of a line in \(limit) bytes: this is not a capture")
                throw Status.failed.exit
            }
            try body(chunk)
        }
    }
}

/// Frames and blocks as JSON Lines.
private struct FramePrinter {
    private var frames = 0
    private var blocks = 0
    private var rejectedFrames = 0
    private var rejectedBlocks = 0
    private var lines = ""

    mutating func print(_ event: borrowing StreamDecoder.Event) {
        var object = JSONObject()
        switch event {
        case .hex(let frame):
            frames += 1
            describe(frame, &object)
        case .text(let block):
            blocks += 1
            var fields = JSONObject()
            block.forEachField { fields.add($0, $1) }
            object.add("type", "text")
            object.addRaw("fields", fields.text)
        case .rejected(let rejection):
            if rejection.what == .hex { rejectedFrames += 1 } else { rejectedBlocks += 1 }
            object.add("type", "rejected")
            object.add("reason", rejection.reason.rawValue)
            object.add("what", rejection.what.rawValue)
        }
        lines += object.text + "\n"
    }

    mutating func flush() {
        Terminal.draw(lines)
        lines = ""
    }

    /// Whether nothing valid came.
    var isEmpty: Bool { frames == 0 && blocks == 0 }

    mutating func summarise(bytes: Int) {
        var object = JSONObject()
        object.add("type", "summary")
        object.add("bytes", bytes)
        object.add("hex", frames)
        object.add("text", blocks)
        object.add("rejected_hex", rejectedFrames)
        object.add("rejected_text", rejectedBlocks)
        lines += object.text + "\n"
        flush()
    }

    private func describe(_ frame: borrowing HexFrame, _ object: inout JSONObject) {
        object.add("type", "hex")
        object.add("response", frame.response.rawValue)
        let raw = frame.value
        guard let register = frame.register, let flags = frame.flags else {
            if raw.count > 0 { object.add("data", raw.hex) }
            return
        }
        object.add("register", register.hex)
        object.add("flags", Int(flags.rawValue))
        if raw.count > 0 { object.add("data", raw.hex) }
        guard let definition = RegisterCatalogue.standard[register] else { return }
        object.add("name", definition.name)
        guard raw.count > 0, flags.isEmpty, let value = try? definition.decode(raw) else { return }
        ValueText.add(value, of: definition, raw: raw, to: &object)
    }
}

/// Values of registers as JSON and as text.
enum ValueText {
    /// Adds `value`, `unit` and what else is known.
    static func add(
        _ value: RegisterValue, of definition: RegisterDefinition, raw: RawValue, to object: inout JSONObject
    ) {
        switch value {
        case .number(let number, let scaled):
            object.add("value", scaled)
            if definition.id == .productID, let product = product(raw) { object.add("product", product) }
            if number >= 0, let label = definition.label(of: UInt64(number)), !label.isEmpty {
                object.add("label", label)
            }
        case .notAvailable:
            object.addRaw("value", "null")
        case .text(let text):
            object.add("value", text)
        case .historyDay(let day):
            object.addRaw("value", json(day))
        case .historyTotal(let total):
            object.addRaw("value", json(total))
        case .bytes(let bytes):
            object.add("value", RawValue(bytes).hex)
        }
        if !definition.unit.isEmpty { object.add("unit", definition.unit) }
    }

    /// The value as a person reads it, with its unit.
    static func text(_ value: RegisterValue, of definition: RegisterDefinition?, raw: RawValue) -> String {
        guard let definition else { return raw.hex }
        switch value {
        case .number(let number, let scaled):
            var text = JSONNumber.text(scaled)
            if !definition.unit.isEmpty { text += " " + definition.unit }
            if definition.id == .productID, let product = product(raw) { text += " (\(product))" }
            if number >= 0, let label = definition.label(of: UInt64(number)), !label.isEmpty { text += " (\(label))" }
            return text
        case .notAvailable: return "not available"
        case .text(let text): return text
        case .historyDay(let day): return json(day)
        case .historyTotal(let total): return json(total)
        case .bytes(let bytes): return RawValue(bytes).hex
        }
    }

    private static func product(_ raw: RawValue) -> String? {
        guard raw.count == 4 else { return nil }
        return Product.withID(UInt16(raw[1]) | UInt16(raw[2]) << 8)?.model
    }

    private static func json(_ day: HistoryDay) -> String {
        var object = JSONObject()
        object.add("yield_kwh", day.yield)
        object.add("consumed_kwh", day.consumed)
        object.add("battery_voltage_max", day.maximumBatteryVoltage)
        object.add("battery_voltage_min", day.minimumBatteryVoltage)
        object.addRaw("errors", JSONObject.array(day.errors.map { String($0) }))
        object.add("bulk_minutes", day.bulkMinutes)
        object.add("absorption_minutes", day.absorptionMinutes)
        object.add("float_minutes", day.floatMinutes)
        object.add("power_max_w", day.maximumPower)
        object.add("battery_current_max", day.maximumBatteryCurrent)
        object.add("panel_voltage_max", day.maximumPanelVoltage)
        object.add("day_sequence", day.sequence)
        return object.text
    }

    private static func json(_ total: HistoryTotal) -> String {
        var object = JSONObject()
        object.add("user_yield_kwh", total.userYield)
        object.add("system_yield_kwh", total.systemYield)
        object.add("panel_voltage_max", total.maximumPanelVoltage)
        object.add("battery_voltage_max", total.maximumBatteryVoltage)
        object.add("battery_voltage_min", total.minimumBatteryVoltage)
        object.add("days_available", total.daysAvailable)
        object.addRaw("errors", JSONObject.array(total.errors.map { String($0) }))
        return object.text
    }
}

/// Numbers as JSON writes them.
enum JSONNumber {
    static func text(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
