import Glibc
import Logging

/// One record as RFC 5424 has it.
enum SyslogRecord {
    /// What every receiver takes, RFC 5424 section 6.1.
    static let limit = 2048

    /// `<30>1 2026-11-23T06:10:00Z boat vebridge 123 - [vebridge@32473 port="/dev/ttyUSB0"] message`.
    ///
    /// The number after the @ is the one for examples (RFC 5612), as nobody gave the program one of its own.
    static func text(_ line: LogLine, facility: Int, host: String, process: pid_t) -> [UInt8] {
        var text = "<\(facility * 8 + line.level.journalPriority)>1 "
        text += LogLine.timestamp(line.time ?? time(nil)) + " "
        text += word(host, 255) + " " + word(line.label, 48) + " \(process) - "
        if line.values.isEmpty {
            text += "-"
        } else {
            text += "[vebridge@32473"
            for (key, value) in line.values {
                let escaped = value.unicodeScalars.reduce(into: "") { result, scalar in
                    if scalar == "\"" || scalar == "\\" || scalar == "]" { result += "\\" }
                    result.unicodeScalars.append(scalar.value < 0x20 ? " " : scalar)
                }
                let field = " \(word(key, 32))=\"\(escaped)\""
                // A field goes in whole or not at all.
                if text.utf8.count + field.utf8.count < limit / 2 { text += field }
            }
            text += "]"
        }
        text += " " + String(line.message.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
        var bytes = Array(text.utf8)
        if bytes.count > limit {
            bytes.removeLast(bytes.count - limit)
            // Not in the middle of a character.
            while String(validating: bytes, as: UTF8.self) == nil, !bytes.isEmpty { bytes.removeLast() }
        }
        return bytes
    }

    /// A name in printable ASCII without what would end it; `-` for none.
    private static func word(_ text: String, _ limit: Int) -> String {
        let bytes = text.utf8.prefix(limit).map { byte -> UInt8 in
            let isFit =
                (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=") && byte != UInt8(ascii: "]")
                && byte != UInt8(ascii: "\"")
            return isFit ? byte : UInt8(ascii: "_")
        }
        return bytes.isEmpty ? "-" : String(decoding: bytes, as: UTF8.self)
    }
}
