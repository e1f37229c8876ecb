/// A value of a register that the session believes.
public struct RegisterReading: Sendable, Hashable {
    /// How the value came.
    public enum Provenance: String, Sendable, Hashable {
        /// The answer to a request.
        case asked
        /// Sent by the device unasked.
        case async
        /// Taken from a TEXT block.
        case text
        /// Taken from the answer to a command other than "get", where the device refuses the register.
        case command
    }

    /// The register.
    public let register: RegisterID
    /// Its bytes in wire order.
    public let raw: RawValue
    /// What the bytes mean.
    public let value: RegisterValue
    /// How it came.
    public let provenance: Provenance
    /// How sure it is.
    public let confidence: Confidence
    /// When its last byte arrived, on the caller's clock.
    public let time: Duration

    /// A reading.
    public init(
        register: RegisterID, raw: RawValue, value: RegisterValue, provenance: Provenance, confidence: Confidence,
        time: Duration
    ) {
        self.register = register
        self.raw = raw
        self.value = value
        self.provenance = provenance
        self.confidence = confidence
        self.time = time
    }
}

/// What is learned about a device and outlives a session: which registers it does not have.
public struct DeviceMemory: Sendable, Hashable {
    /// Whose memory this is.
    public internal(set) var serial: String?
    /// The firmware for which it holds.
    public internal(set) var firmware: FirmwareVersion?
    /// Registers that the device said it does not know, and when it said so last.
    public internal(set) var refused: [RegisterID: Duration] = [:]

    /// After this time a refused register is asked for again.
    public static let lifetime: Duration = .seconds(7 * 24 * 3600)

    /// Nothing learned.
    public init() {}
}
