/// Which charger is meant by the id that the other publisher uses.
///
/// What is heard over the air does not tell week and year of manufacture, so that an id may say `yyww` in their place:
/// `HQyywwMAEI4` is HQ2012MAEI4, or any other one that ends so.
public enum DeviceMatch {
    /// Two chargers to which one id fits.
    public struct Ambiguity: Error, Sendable, Hashable, CustomStringConvertible {
        /// The id.
        public let id: String
        /// Both serial numbers.
        public let serials: [String]
        /// In words, with what helps.
        public var description: String {
            "the id \(id) fits \(serials.joined(separator: " and ")): say which is meant, --match \(id)=\(serials[0])"
        }
    }

    /// Whether an id names a serial number: letter by letter, in either case, with `yyww` for any four.
    public static func fits(_ id: String, _ serial: String) -> Bool {
        let id = Array(id.uppercased().utf8)
        let serial = Array(serial.uppercased().utf8)
        guard id.count == serial.count else { return false }
        let unknown = Array("YYWW".utf8)
        let hole = id.count >= 6 && Array(id[2..<6]) == unknown ? 2..<6 : 0..<0
        return id.indices.allSatisfy { hole.contains($0) || id[$0] == serial[$0] }
    }

    /// The serial number that an id names; nil where it names none of these.
    public static func serial(of id: String, among serials: [String], _ given: [String: String] = [:])
        throws(Ambiguity) -> String?
    {
        if let serial = given[id.uppercased()] { return serial }
        let fitting = serials.filter { fits(id, $0) }.sorted()
        if let same = fitting.first(where: { $0 == id.uppercased() }) { return same }
        guard fitting.count < 2 else { throw Ambiguity(id: id, serials: Array(fitting.prefix(2))) }
        return fitting.first
    }
}
