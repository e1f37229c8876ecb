/// What a series did in a minute or a quarter of an hour.
public struct Slot: Sendable, Hashable {
    /// For how much of the time the value was known, in tenths of a second.
    public var known: Int
    /// The least, in the series' steps.
    public var minimum: Int64
    /// The greatest.
    public var maximum: Int64
    /// The last.
    public var last: Int64
    /// Weighted by time, in sixteenths of a step.
    public var mean: Int64

    /// Two neighbouring slots as one.
    func joined(_ next: Slot) -> Slot {
        let total = known + next.known
        guard total > 0 else { return next }
        let mean = (Double(mean) * Double(known) + Double(next.mean) * Double(next.known)) / Double(total)
        return Slot(
            known: total, minimum: min(minimum, next.minimum), maximum: max(maximum, next.maximum), last: next.last,
            mean: Int64(mean.rounded()))
    }
}

/// The slots of one series over an hour (60 minutes) or a day (96 quarters), packed.
enum SlotBlock {
    static func packed(_ slots: [Slot?], full: Int) -> [UInt8] {
        var packer = Packer()
        packer.add(1)
        packer.add(slots.count)
        var mean: Int64 = 0
        var index = 0
        while index < slots.count {
            var count = 1
            guard let slot = slots[index] else {
                while index + count < slots.count, slots[index + count] == nil { count += 1 }
                packer.add(count << 2)
                index += count
                continue
            }
            let isStill =
                slot.known == full && slot.minimum == slot.maximum && slot.last == slot.minimum
                && slot.mean == slot.last << 4
            if isStill {
                while index + count < slots.count, slots[index + count] == slot { count += 1 }
                packer.add(count << 2 | 1)
                packer.addSigned(slot.mean - mean)
            } else {
                packer.add(2)
                packer.addSigned(Int64(full - slot.known))
                packer.addSigned(slot.mean - mean)
                packer.addSigned((slot.mean >> 4) - slot.minimum)
                packer.addSigned(slot.maximum - (slot.mean >> 4))
                packer.addSigned(slot.last - (slot.mean >> 4))
            }
            mean = slot.mean
            index += count
        }
        packer.seal()
        return packer.bytes
    }

    /// Nil for a damaged block.
    static func unpacked(_ bytes: UnsafeRawBufferPointer, full: Int) -> [Slot?]? {
        guard var unpacker = Unpacker(bytes), unpacker.number() == 1 else { return nil }
        let total = unpacker.count(limit: 96)
        var slots: [Slot?] = []
        slots.reserveCapacity(total)
        var mean: Int64 = 0
        while slots.count < total, !unpacker.isDamaged {
            // Within bounds one addition cannot overflow, nor can what follows from the values.
            guard HistoryLimits.sixteenths.contains(mean) else { return nil }
            let head = unpacker.count(limit: 96 << 2 | 3)
            let count = min(head >> 2, total - slots.count)
            switch head & 3 {
            case 0:
                guard count > 0 else { return nil }
                for _ in 0..<count { slots.append(nil) }
            case 1:
                mean &+= unpacker.signed()
                guard count > 0 else { return nil }
                let value = mean >> 4
                let slot = Slot(known: full, minimum: value, maximum: value, last: value, mean: mean)
                for _ in 0..<count { slots.append(slot) }
            default:
                let missing = unpacker.signed()
                guard (0...Int64(full)).contains(missing) else { return nil }
                let known = full - Int(missing)
                mean &+= unpacker.signed()
                let minimum = (mean >> 4) &- unpacker.signed()
                let maximum = (mean >> 4) &+ unpacker.signed()
                let last = (mean >> 4) &+ unpacker.signed()
                slots.append(Slot(known: known, minimum: minimum, maximum: maximum, last: last, mean: mean))
            }
        }
        let isGood = slots.allSatisfy { slot in
            guard let slot else { return true }
            return HistoryLimits.sixteenths.contains(slot.mean)
                && [slot.minimum, slot.maximum, slot.last].allSatisfy { HistoryLimits.steps.contains($0) }
        }
        return unpacker.isDamaged || !isGood ? nil : slots
    }
}
