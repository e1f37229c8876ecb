import VEDirect

/// The registers of a simulated charger as bytes on the wire, and what they held a moment ago.
struct RegisterFile: Sendable {
    /// A value and since when it stands.
    private struct Held: Sendable {
        var from: Duration
        var bytes: [UInt8]
    }

    /// How long former values are kept.
    static let memory: Duration = .seconds(8)
    private static let maximumHeld = 256

    private var cells: [RegisterID: [Held]] = [:]
    /// Registers that changed since they were last asked for, in the order of the change.
    private(set) var changed: [RegisterID] = []

    /// The value now; nil for a register without one.
    subscript(id: RegisterID) -> [UInt8]? { cells[id]?.last?.bytes }

    /// All registers that have a value, in order.
    var known: [RegisterID] { cells.keys.sorted() }

    mutating func set(_ id: RegisterID, _ bytes: [UInt8], at now: Duration) {
        guard var held = cells[id] else {
            cells[id] = [Held(from: now, bytes: bytes)]
            changed.append(id)
            return
        }
        if held.last?.bytes == bytes { return }
        held.append(Held(from: now, bytes: bytes))
        // The one that stood when the memory begins is kept too.
        while held.count > 1, held[1].from < now - Self.memory || held.count > Self.maximumHeld { held.removeFirst() }
        cells[id] = held
        if !changed.contains(id) { changed.append(id) }
    }

    mutating func remove(_ id: RegisterID) { cells[id] = nil }

    mutating func takeChanged() -> [RegisterID] {
        defer { changed.removeAll(keepingCapacity: true) }
        return changed
    }

    /// Every value that stood at some moment from `since` on, the oldest first.
    func held(_ id: RegisterID, since: Duration) -> [[UInt8]] {
        guard let held = cells[id] else { return [] }
        var values: [[UInt8]] = []
        for index in held.indices where index + 1 == held.count || held[index + 1].from >= since {
            if !values.contains(held[index].bytes) { values.append(held[index].bytes) }
        }
        return values
    }

    /// Whether the value stood at some moment from `since` on.
    func held(_ id: RegisterID, _ value: RawValue, since: Duration) -> Bool {
        guard let held = cells[id] else { return false }
        var index = held.count - 1
        while index >= 0 {
            if Self.isEqual(held[index].bytes, value) { return true }
            // What stood before this one ended when this one came.
            if held[index].from < since { return false }
            index -= 1
        }
        return false
    }

    private static func isEqual(_ bytes: [UInt8], _ value: RawValue) -> Bool {
        guard bytes.count == value.count else { return false }
        for index in bytes.indices where bytes[index] != value[index] { return false }
        return true
    }
}
