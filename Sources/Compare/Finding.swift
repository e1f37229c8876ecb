/// Something that a comparison found, in words and figures.
public struct Finding: Sendable, Hashable {
    /// What it is.
    public enum Kind: String, Sendable {
        /// One is a multiple of the other: another unit.
        case scale
        /// The sign is turned, or lost.
        case sign
        /// One is the other and a constant more.
        case offset
        /// One comes later than the other.
        case lag
        /// One stands still while the other moves.
        case frozen
        /// Two ids stand for each other's charger.
        case swapped
        /// The values are different, in no way that has a name.
        case different
        /// It looks different, and the comparison was too short to say so.
        case unproven
        /// Samples that did not come.
        case loss
        /// Only the serial side has it.
        case onlySerial
        /// Only the other side has it.
        case onlyOther
        /// An id that fits no charger.
        case unknownDevice
    }

    /// What it is.
    public var kind: Kind
    /// The charger or bus device.
    public var device: String
    /// The register or attribute; empty where the whole device is meant.
    public var name: String
    /// In words.
    public var text: String
    /// Whether the two disagree; otherwise it is worth knowing, no more.
    public var isDisagreement: Bool
    /// The factor, the seconds, the constant or the share, where there is one.
    public var figure: Double?
}

/// How one topic fared.
public struct TopicVerdict: Sendable {
    /// The topic.
    public var topic: ComparedTopic
    /// The register's name, for people.
    public var title: String
    /// The unit of its values.
    public var unit: String
    /// Decimals that its values have.
    public var decimals: Int
    /// The share of the other side's samples that agree, 0…1; nil where there is nothing to compare.
    public var agreement: Double?
    /// Samples that were compared.
    public var compared: Int
    /// What the serial side said.
    public var serial: Series
    /// What the other side said, times as they came.
    public var other: Series
    /// The middle of other less serial; nil where there is nothing to compare.
    public var offset: Double?
    /// How many times serial the other is; nil where that cannot be told.
    public var gain: Double?
    /// How many seconds the other comes behind; nil where nothing moved enough.
    public var lag: Double?
    /// The share of its samples that did not come, 0…1.
    public var lost: Double
    /// What was found of it.
    public var findings: [Finding]
}
