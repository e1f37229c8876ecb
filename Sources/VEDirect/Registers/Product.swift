/// A product by its id: `Tables/ProductTable.swift`, read once.
public struct Product: Sendable, Hashable {
    /// What kind of device it is.
    public enum Family: String, Sendable {
        case mppt
        case mpptVECan = "mppt_vecan"
        case mpptRS = "mppt_rs"
        case batteryMonitor = "battery_monitor"
        case inverter
        case inverterCharger = "inverter_charger"
        case acCharger = "ac_charger"
        case dcdc
        case batteryProtect = "battery_protect"
        case other

        /// Whether it is a solar charger.
        public var isSolarCharger: Bool { self == .mppt || self == .mpptVECan || self == .mpptRS }
    }

    /// The id, as in `PID` and command 4.
    public let id: UInt16
    /// The name on the box.
    public let model: String
    /// The kind.
    public let family: Family

    private static let all: [UInt16: Product] = {
        var all: [UInt16: Product] = [:]
        for row in Table(productTable).rows where row.count >= 3 {
            guard let id = UInt16(row[0], radix: 16) else { continue }
            all[id] = Product(id: id, model: String(row[1]), family: Family(rawValue: String(row[2])) ?? .other)
        }
        return all
    }()

    /// The product with this id; nil for one that is newer than the table, which is no reason to stop.
    public static func withID(_ id: UInt16) -> Product? { all[id] }

    /// The kind of the product with this id, also where only the block of ids is known that it belongs to; nil for an
    /// id of which nothing is known.
    public static func family(ofID id: UInt16) -> Family? {
        if let product = all[id] { return product.family }
        return reservedBlocks.first { $0.ids.contains(id) }?.family
    }

    /// Blocks of ids that the vendor uses for one kind of product. A model that is newer than the table is still no
    /// solar charger when its id lies in one of them.
    private static let reservedBlocks: [(ids: ClosedRange<UInt16>, family: Family)] = [
        (0x0200...0x0205, .batteryMonitor), (0xA200...0xA2BC, .inverter), (0xA2E1...0xA2FC, .inverter),
        (0xA300...0xA33C, .acCharger), (0xA340...0xA357, .acCharger), (0xA380...0xA383, .batteryMonitor),
        (0xA389...0xA38E, .batteryMonitor), (0xA3C0...0xA3D3, .dcdc), (0xA3E0...0xA3EC, .other),
        (0xA3F0...0xA3FF, .dcdc), (0xA441...0xA444, .inverterCharger), (0xC030...0xC032, .batteryMonitor),
        (0xC034...0xC038, .batteryMonitor),
    ]

    /// All products by id.
    public static var table: [Product] { all.values.sorted { $0.id < $1.id } }

    /// The greatest panel voltage in volts and charge current in amperes, where the name gives them (`150/60`).
    public var ratings: (panelVoltage: Double, chargeCurrent: Double)? {
        guard family.isSolarCharger else { return nil }
        for word in model.split(separator: " ") {
            let parts = word.split(whereSeparator: { $0 == "/" || $0 == "|" })
            if parts.count == 2, let voltage = Double(parts[0]), let current = Double(parts[1]) {
                return (voltage, current)
            }
        }
        return nil
    }
}
