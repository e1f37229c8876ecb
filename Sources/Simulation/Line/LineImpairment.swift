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

/// A line that is cut: nothing arrives.
public struct CutLine: LineImpairment {
    /// A line that is cut.
    public init() {}
    /// Nothing.
    public mutating func pass(_ bytes: [UInt8], at time: Duration) -> [UInt8] { [] }
}

/// Several impairments one behind the other.
public struct LineChain: LineImpairment {
    /// The parts, in the order that the bytes pass them.
    public var parts: [any LineImpairment]
    /// A chain; an empty one changes nothing.
    public init(_ parts: [any LineImpairment]) { self.parts = parts }
    /// What arrives after the last part.
    public mutating func pass(_ bytes: [UInt8], at time: Duration) -> [UInt8] {
        var bytes = bytes
        for index in parts.indices { bytes = parts[index].pass(bytes, at: time) }
        return bytes
    }
}
