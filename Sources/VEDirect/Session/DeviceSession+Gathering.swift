/// How long bytes may gather before they are read: each look costs the host more than the bytes do.
extension DeviceSession {
    /// Bytes of the shortest answer or change, less one: when so many have come, none of them is whole.
    private static let leastFrame = 12
    /// Not even a tenth of what a host keeps for a port, and short against the time in which an answer is waited for.
    private static let longestGathering: Duration = .milliseconds(40)
    /// Blocks in a row without a frame in them, after which a device counts as one that finishes its block first.
    private static let necessaryBlocks = 8

    /// For how long nothing that is worth a look can have come whole, counted from the last look; nil: no time at all.
    ///
    /// A cable hands on what the device says in pieces of a few bytes, and TEXT is most of that. While a block is under
    /// way no frame can be whole sooner than its own bytes take; and most devices finish their block first (firmware
    /// from 1.53 on; docs/vedirect.md, section 5), which is seen by whether they do. On a line with damage, and before it
    /// is known who is there, every piece is looked at.
    public var gatheringTime: Duration? {
        guard isCalm, !isLineShared else { return nil }
        let count = decoder.blockBytes
        guard count > 0 else { return nil }
        let rest = decoder.wholeBlocks >= Self.necessaryBlocks ? max(0, decoder.shortestBlock - count) : 0
        return min(Self.longestGathering, Self.byteTime * (rest + Self.leastFrame))
    }

    /// How much later than at ``deadline`` it may be asked for a request, where that spares the host a wake-up: turns are
    /// spread over a round so that the device is heard all the time, and not because anything happens at their moments.
    public var slack: Duration {
        guard outstanding == nil, turnSpacing > .zero, isCalm, confirmations.isEmpty, demands.isEmpty else {
            return .zero
        }
        return min(Self.longestSlack, turnSpacing / 4)
    }

    private static let longestSlack: Duration = .milliseconds(25)
}
