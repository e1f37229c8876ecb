/// The table of registers, as data: `Tables/RegisterTable.swift`, read once.
public struct RegisterCatalogue: Sendable {
    /// The table that comes with the library.
    public static let standard = RegisterCatalogue(table: registerTable)

    /// All definitions by number.
    public let definitions: [RegisterDefinition]
    private let byID: [RegisterID: Int]
    private let byName: [String: Int]

    init(table: String) {
        let rows = Table(table).rows.compactMap(RegisterDefinition.init(row:))
        definitions = rows
        byID = Dictionary(rows.indices.map { (rows[$0].id, $0) }, uniquingKeysWith: { first, _ in first })
        byName = Dictionary(rows.indices.map { (rows[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The definition of a register; nil for one that nobody has described.
    public subscript(id: RegisterID) -> RegisterDefinition? { byID[id].map { definitions[$0] } }

    /// The definition with this name.
    public subscript(name name: String) -> RegisterDefinition? { byName[name].map { definitions[$0] } }

    /// Names of former versions that are still accepted.
    private static let formerNames: [String: RegisterID] = ["charger_voltage": .chargerVoltage]

    /// The register that a person means by `text`: a name, or four hex digits with or without `0x`.
    public func register(named text: String) -> RegisterID? {
        byName[text].map { definitions[$0].id } ?? Self.formerNames[text] ?? RegisterID(hex: text)
    }

    /// The names most like `text`, the most like first, for a message that helps.
    public func names(like text: String) -> [String] {
        definitions.map(\.name)
            .filter { $0.contains(text) || text.contains($0) }
            .sorted { $0.count < $1.count }
            .prefix(3).map { $0 }
    }
}

/// The words for numbers: `Tables/EnumTable.swift`, read once.
struct Enumerations: Sendable {
    static let standard = Enumerations(table: enumTable)

    /// The names of all enumerations, in the order of the table.
    private(set) var names: [String] = []
    private var labels: [String: [(value: Int64, label: String)]] = [:]

    init(table: String) {
        for row in Table(table).rows where row.count >= 3 {
            let number = row[1].hasPrefix("0x") ? Int64(row[1].dropFirst(2), radix: 16) : Int64(row[1])
            guard let number else { continue }
            if labels[String(row[0])] == nil { names.append(String(row[0])) }
            labels[String(row[0]), default: []].append((number, String(row[2])))
        }
    }

    /// The name of an enumeration ends with `_bits` where the numbers are bits to be combined.
    func label(of raw: Int64, in enumeration: String) -> String? {
        guard let entries = labels[enumeration] else { return nil }
        guard enumeration.hasSuffix("_bits") else { return entries.first { $0.value == raw }?.label }
        return entries.filter { $0.value != 0 && raw & $0.value == $0.value }.map(\.label).joined(separator: ", ")
    }

    /// All values and their words.
    func entries(of enumeration: String) -> [(value: Int64, label: String)] { labels[enumeration] ?? [] }
}

/// A table of tab-separated lines under a line of headings.
struct Table {
    let rows: [[Substring]]

    init(_ text: String) {
        rows = text.split(separator: "\n").dropFirst()
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    }
}

extension RegisterDefinition {
    /// A row of the register table; nil where the row is not what its headings say (a test reads every row).
    fileprivate init?(row: [Substring]) {
        guard row.count == 12, let id = RegisterID(hex: String(row[0])), let scale = Scale(decimal: row[3]),
            let access = Access(rawValue: String(row[6])), let source = Source(rawValue: String(row[9])),
            let kind = Kind(name: row[2], id: id)
        else { return nil }
        self.init(
            id: id, name: String(row[1]), kind: kind, scale: scale, unit: String(row[4]),
            notAvailable: row[5].isEmpty ? nil : UInt64(row[5], radix: 16), access: access,
            enumeration: row[7].isEmpty || row[7] == "products.tsv" ? nil : String(row[7]), products: String(row[8]),
            source: source, observedSizes: row[10].split(separator: ",").compactMap { Int($0) }, note: String(row[11]))
    }
}

extension RegisterDefinition.Kind {
    fileprivate init?(name: Substring, id: RegisterID) {
        switch name {
        case "un8": self = .unsigned(bytes: 1)
        case "un16": self = .unsigned(bytes: 2)
        case "un32": self = .unsigned(bytes: 4)
        case "sn8": self = .signed(bytes: 1)
        case "sn16": self = .signed(bytes: 2)
        case "sn32": self = .signed(bytes: 4)
        case "float": self = .float
        case "bitfield": self = .bits
        case "struct": self = .structure
        case "command": self = .command
        case "blob34": self = id == .historyTotal ? .historyTotal : .historyDay
        case "blob36": self = .structure
        default:
            guard name.hasPrefix("string"), let maximum = Int(name.dropFirst(6)) else { return nil }
            self = .text(maximum: maximum)
        }
    }
}
