/// A TEXT block whose checksum held: what a device says unasked, about once a second.
///
/// One set of values may come in two blocks (firmware 3.x: the second begins with `ERR`), so a field that is
/// missing here means nothing. A block that is kept has its bytes for itself.
public struct TextBlock: Sendable {
    /// The most bytes a block may have: 22 fields of 8 + 32 characters (document) and their separators fit.
    public static let maximumSize = 1024

    /// Empty before the first byte, and ``maximumSize`` bytes ever after.
    var storage: [UInt8] = []
    var start = 0
    var end = 0

    init() {}

    /// The number of bytes of the block, from the first carriage return to the label `Checksum` and its tab; the
    /// checksum byte is not counted.
    public var size: Int { end - start }

    /// Calls `body` with each label and value in the order of the wire, the checksum left out.
    ///
    /// The bytes are taken as ISO Latin 1, so that every byte that passed the checksum has a character.
    public func forEachField(_ body: (_ label: String, _ value: String) -> Void) {
        var label: Range<Int>?
        var from = start
        for index in start..<end {
            switch storage[index] {
            case 0x09 where label == nil:
                label = from..<index
                from = index + 1
            case 0x0D, 0x0A:
                if let name = label { body(text(name), text(from..<index)) }
                label = nil
                from = index + 1
            default:
                break
            }
        }
        if let name = label, text(name) != "Checksum" { body(text(name), text(from..<end)) }
    }

    /// The value of the first field with this label.
    public func value(of label: String) -> String? {
        var found: String?
        forEachField { name, value in
            if found == nil, name == label { found = value }
        }
        return found
    }

    /// All fields; of a label that comes twice, the last.
    public var fields: [String: String] {
        var fields: [String: String] = [:]
        forEachField { fields[$0] = $1 }
        return fields
    }

    private func text(_ range: Range<Int>) -> String {
        let bytes = storage[range]
        // Nearly all there is, and where it is short it takes no memory of its own.
        if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
        var text = ""
        for index in range { text.unicodeScalars.append(Unicode.Scalar(storage[index])) }
        return text
    }
}
