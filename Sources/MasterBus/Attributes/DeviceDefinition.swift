/// What is known about an attribute before its device has said anything.
public struct AttributeDefinition: Sendable, Hashable {
    /// What kind of thing it is.
    public enum Kind: String, Sendable, Hashable {
        /// A number with a unit.
        case float
        /// The index of an option.
        case list
        /// Off or on.
        case checkbox
        /// A text.
        case text
        /// Seconds, of the day or of a duration.
        case time
        /// A packed date.
        case date
        /// A hidden register that takes the identity of whoever wrote the attribute before it. Never a value.
        case command
    }

    /// The attribute's number in the monitoring tab.
    public let id: UInt16
    /// The name in English, as the device itself gives it where that was observed.
    public let name: String
    /// The unit; empty where there is none.
    public let unit: String
    /// What kind of thing it is.
    public let kind: Kind
    /// The texts of a list's options, where known, by index.
    public let options: [UInt8: String]
    /// Whether displays offer to change it. vebridge does not.
    public let isWritable: Bool

    /// A row of a table.
    public init(
        _ id: UInt16, _ name: String, _ unit: String = "", _ kind: Kind = .float, options: [UInt8: String] = [:],
        isWritable: Bool = false
    ) {
        self.id = id
        self.name = name
        self.unit = unit
        self.kind = kind
        self.options = options
        self.isWritable = isWritable
    }

    /// How its values are read.
    public var format: ValueFormat {
        switch kind {
        case .time: .time
        case .date: .date
        default: .number
        }
    }

    /// Whether a value without any metadata may be read as the table says; a number always may.
    ///
    /// The tables are keyed by type, and newer devices of a type keep time and date elsewhere. A value that cannot be
    /// a duration or a date of our days is then no time and no date.
    public func admits(_ value: Float) -> Bool {
        switch kind {
        case .date: BusDate(value)?.isPlausible ?? false
        case .time: BusTime(value) != nil
        default: true
        }
    }
}

/// A product and its monitoring attributes.
public struct DeviceDefinition: Sendable, Hashable {
    /// The product.
    public let product: String
    /// The device type in the address.
    public let type: UInt8
    /// Article numbers that the table holds for.
    public let articles: [String]
    /// What the device's name begins with, where that tells the product.
    public let namePrefix: String?
    /// Observed on the wire. The other tables are taken from others: discovery should confirm them.
    public let isMeasured: Bool
    /// Whether to assume this product where only the type is known.
    public let standsForType: Bool
    /// The attributes, by number.
    public let attributes: [AttributeDefinition]

    private let places: [UInt16: Int]

    init(
        _ product: String, type: UInt8, articles: [String] = [], namePrefix: String? = nil, isMeasured: Bool = false,
        standsForType: Bool = false, _ attributes: [AttributeDefinition]
    ) {
        self.product = product
        self.type = type
        self.articles = articles
        self.namePrefix = namePrefix
        self.isMeasured = isMeasured
        self.standsForType = standsForType
        self.attributes = attributes
        places = Dictionary(
            attributes.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The attribute with this number; nil where the table has none.
    public subscript(id: UInt16) -> AttributeDefinition? { places[id].map { attributes[$0] } }

    /// Every table there is.
    public static let all: [DeviceDefinition] = measured + unverified

    /// The table for a device: by article number, then by name, then by type where one product stands for it.
    ///
    /// A type alone does not fix the layout; for most types nothing is assumed.
    public static func matching(type: UInt8, name: String? = nil, article: String? = nil) -> DeviceDefinition? {
        // An article number tells the product by itself; the type of some products is not known for certain.
        if let article, let found = all.first(where: { $0.articles.contains(article) }) {
            return found
        }
        if let name,
            let found = all.first(where: { definition in
                definition.type == type && definition.namePrefix.map { name.hasPrefix($0) } ?? false
            })
        {
            return found
        }
        return standIns[Int(type & 0x1F)]
    }

    private static let standIns: [DeviceDefinition?] = (0..<32).map { type in
        all.first { Int($0.type) == type && $0.standsForType }
    }
}
