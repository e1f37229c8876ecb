/// What a line does to the bytes that cross it. One value serves one direction.
public protocol LineImpairment: Sendable {
    /// What arrives of `bytes`, the last of which crosses the line at `time`.
    mutating func pass(_ bytes: [UInt8], at time: Duration) -> [UInt8]
}

/// A line that changes nothing.
public struct CleanLine: LineImpairment {
    /// A line that changes nothing.
    public init() {}
    /// All of `bytes`.
    public mutating func pass(_ bytes: [UInt8], at time: Duration) -> [UInt8] { bytes }
}
